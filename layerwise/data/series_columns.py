"""What the columns of a series are: which one tells series apart, which hold numbers, how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pandas import DataFrame

import layerwise.data.cells as cells
from layerwise.data.kinds import Column, tell_kind
from layerwise.data.series_times import Step
from layerwise.data.source import counted
from layerwise.errors import DataError, SettingsError, nearest

WINDOW_PERIODS = 3  # a window is by default so many seasonal periods
NO_PERIOD = 12  # times that are forecast where no period is known
MOST_OF_SERIES = 4  # window and horizon together are by default at most a fourth of the series
LONGEST_DEFAULT = 96


@dataclass(frozen=True)
class Channels:
    """Every column that holds numbers.

    values : (rows, names) float64, NaN where missing
    targets, exogenous : which of ``names`` are forecast, and which are inputs besides
    """

    values: np.ndarray
    names: tuple[str, ...]
    targets: tuple[str, ...]
    exogenous: tuple[str, ...]
    notes: tuple[str, ...]


def series_numbers(frame: DataFrame, group: str | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Number of the series of each row, and the names of the series.

    Raises DataError where the column is not there, or a row has no value in it.
    """
    if group is None:
        return np.zeros(len(frame), np.int64), ("",)
    if group not in frame.columns:
        raise DataError(
            f"Column '{group}' (--group) is not there.{nearest(group, map(str, frame.columns))}"
        )
    codes, names = cells.labels(cells.column(frame, group))
    if (codes < 0).any():
        raise DataError(
            f"{int((codes < 0).sum())} of {len(frame)} rows have no value in column '{group}' "
            f"(--group), the first is row {int(np.argmax(codes < 0)) + 1}. Every row must say "
            "which series it belongs to: fill them in, or leave --group out."
        )
    return codes.astype(np.int64), tuple(names)


def no_time_twice(frame: DataFrame, times, numbers, time: str, group: str | None) -> None:
    """Raise DataError where a series has two rows of one time; rows are sorted."""
    twice = (np.diff(times) == 0) & (np.diff(numbers) == 0)
    if not twice.any():
        return
    place = int(np.argmax(twice))
    where = "" if group is None else f" of series '{frame[group].iloc[place]}'"
    advice = (
        "Keep one row per time, or say with --group which series a row belongs to."
        if group is None
        else "Keep one row per time and series."
    )
    raise DataError(
        f"Column '{time}' has {counted(int(twice.sum()), 'time')} that the row before has too, "
        f"such as '{frame[time].iloc[place]}'{where}. {advice}"
    )


def read_channels(frame: DataFrame, wanted: Sequence[str], roles: set[str]) -> Channels:
    """The columns of numbers; all that change are targets where none is named.

    wanted : the targets' names, perhaps none
    roles : columns that have another role
    Raises DataError for a target that is not there or holds no numbers, and infinite values.
    """
    _check_wanted(frame, wanted, roles)
    names = [str(name) for name in frame if str(name) not in roles]
    kinds = {name: tell_kind(cells.column(frame, name)) for name in names}
    found = {name: _numbers(frame, name, kinds[name]) for name in names}
    notes = [f"Column '{n}' holds no numbers and is left out." for n in names if found[n] is None]
    numeric = {name: values for name, values in found.items() if values is not None}
    for name in wanted:
        if name not in numeric:
            _no_numbers(frame, name, kinds[name])
    targets = tuple(wanted) or tuple(name for name in numeric if kinds[name].kind == "number")
    if not targets:
        raise DataError("No column holds numbers that change, so there is nothing to forecast.")
    others = [name for name in numeric if name not in targets]
    exogenous = [name for name in others if kinds[name].is_input]
    notes += [f"Column '{n}' is left out: {kinds[n].note}." for n in others if n not in exogenous]
    ordered = (*targets, *others)
    values = np.stack([numeric[name] for name in ordered], axis=1)
    return Channels(values, ordered, targets, tuple(exogenous), tuple(notes))


def lengths(
    options: dict, step: Step, numbers: np.ndarray
) -> tuple[int, int, bool, tuple[str, ...]]:
    """Lookback, horizon and calendar, as given or as the step has it, and what is to be said.

    Without the option a horizon is one seasonal period and a window three, of at most 96 times and
    a fourth of the longest series together.
    Raises SettingsError where a length is no whole number above 0.
    """
    longest, notes = int(np.bincount(numbers).max()), []
    period = step.periods[0] if step.periods else NO_PERIOD
    horizon, lookback = _length(options, "horizon"), _length(options, "lookback")
    if horizon is None:
        horizon = max(1, min(period, LONGEST_DEFAULT, longest // (2 * MOST_OF_SERIES)))
        why = f"rows are {step.in_words()} apart" if step.periods else "no period is known"
        notes.append(
            f"{counted(horizon, 'time')} ahead are forecast, because {why}; "
            "--data.horizon gives another number."
        )
    if lookback is None:
        usual = min(WINDOW_PERIODS * period, LONGEST_DEFAULT)
        lookback = max(1, min(usual, longest // MOST_OF_SERIES - horizon))
        notes.append(
            f"A forecast sees the last {counted(lookback, 'time')}; "
            "--data.lookback gives another number."
        )
    calendar = options.get("calendar", False)
    if calendar not in (True, False, "true", "false"):
        raise SettingsError(f"Data option calendar must be true or false, got {calendar!r}.")
    return lookback, horizon, calendar in (True, "true"), tuple(notes)


def _length(options: dict, name: str) -> int | None:
    value: Any = options.get(name)
    if value is None:
        return None
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if number < 1:
        raise SettingsError(f"Data option {name} must be a whole number from 1, got {value!r}.")
    return number


def _check_wanted(frame: DataFrame, wanted: Sequence[str], roles: set[str]) -> None:
    for name in wanted:
        if name not in frame.columns:
            raise DataError(
                f"Column '{name}' (--target) is not there.{nearest(name, map(str, frame.columns))}"
            )
        if name in roles:
            raise DataError(f"Column '{name}' is a target and has another role. Give it one only.")


def _numbers(frame: DataFrame, name: str, kind: Column) -> np.ndarray | None:
    """The numbers of a column, None where it holds none."""
    column = cells.column(frame, name)
    if not cells.is_numeric(column) and kind.kind not in ("number", "boolean"):
        return None
    if cells.is_numeric(column) or kind.kind == "number":
        values = cells.numbers(column, kind.reading).astype(np.float64)
    else:
        values = cells.truths(column)
    infinite = np.isinf(values)
    if infinite.any():
        raise DataError(
            f"Column '{name}' has {counted(int(infinite.sum()), 'infinite value')}, such as "
            f"{cells.example(column, infinite)} by time. Mend them, or leave the cells empty."
        )
    return values


def _no_numbers(frame: DataFrame, name: str, kind: Column) -> None:
    texts = cells.labels(cells.column(frame, name))[1]
    said = f" ('{texts[0]}')" if texts else ""
    raise DataError(
        f"The target '{name}' holds no numbers: its values are of kind {kind.kind}{said}. "
        "Give a column of numbers with --target."
    )
