"""Variables of a grid file as arrays: picked by name, level and time, and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from layerwise.data.grid_axes import KINDS, Axis, find_dimensions, read_axis
from layerwise.data.grid_files import GridFile
from layerwise.data.source import counted
from layerwise.errors import DataError, SettingsError

MIDNIGHT = "T00:00:00"
SHOWN = 12  # names and levels in a sentence


@dataclass(frozen=True)
class Channel:
    """One variable, at one level if it has levels.

    name : of the variable, with "@850" for one of several levels
    values : (times, H, W) float32, NaN where missing; (times,) of one that has only times
    sides : the Y and the X axis, or ()
    moments : (times,) as text, such as "1860-06-01"
    time : the coordinate as xarray has it
    attributes : of the variable, units among them
    """

    name: str
    values: np.ndarray
    sides: tuple[Axis, ...]
    moments: np.ndarray
    time: Any
    attributes: Mapping[str, Any]

    @property
    def units(self) -> str:
        """As the file has them; "" where it does not say."""
        return str(self.attributes.get("units", ""))

    def at(self, rows: np.ndarray) -> Channel:
        """The same with some of its times, by number."""
        return replace(
            self, values=self.values[rows], moments=self.moments[rows], time=self.time[rows]
        )


def variables_on_grids(grid: GridFile) -> dict[str, dict[str, str]]:
    """Variables of numbers with latitude and longitude (or y and x): name -> axis -> dimension.

    Raises DataError where there are none.
    """
    found = {
        str(name): find_dimensions(variable, str(name))
        for name, variable in grid.dataset.data_vars.items()
        if variable.dtype.kind in "iuf" and variable.ndim >= 2
    }
    found = {name: axes for name, axes in found.items() if {"Y", "X"} <= axes.keys()}
    if not found:
        shapes = ", ".join(
            f"{name}({', '.join(map(str, variable.dims))})"
            for name, variable in list(grid.dataset.data_vars.items())[:SHOWN]
        )
        raise DataError(
            f"{grid.name} has no variable on a grid: none has dimensions that are known as "
            f"latitude and longitude (or y and x). It holds {shapes}. Name the dimensions lat and "
            "lon, or give their coordinates the attribute axis ('Y' and 'X')."
        )
    return found


def read_channels(
    grid: GridFile, names: Sequence[str], options: Mapping[str, Any]
) -> list[Channel]:
    """The channels of some variables, at the levels and times that the options pick.

    Raises DataError for a name that is not there, SettingsError for a level that is not.
    """
    found: list[Channel] = []
    leveled = False
    for name in names:
        variable = variable_of(grid, name)
        axes = find_dimensions(variable, name)
        variable = _without_single(variable, axes, grid)
        leveled |= "Z" in axes
        for label, one in _at_levels(variable, axes, options, grid):
            found.append(_read(label, one, axes, options, grid))
    if options.get("level") is not None and not leveled:
        raise SettingsError(
            f"--data.level picks a level, but {', '.join(names)} in {grid.name} has none. Leave "
            "it out."
        )
    return found


def with_equal_times(channels: Sequence[Channel], files: str) -> tuple[list[Channel], list[str]]:
    """The channels at the times that all of them have, and what is to be said of the others.

    Raises DataError where they share no time, or where calendars differ.
    """
    calendars = {str(one.time.dt.calendar) for one in channels if one.time.dtype.kind in "MO"}
    if len(calendars) > 1:
        raise DataError(
            f"The times of {files} follow different calendars ({', '.join(sorted(calendars))}). "
            "Convert one of them, for example with xarray's convert_calendar."
        )
    shared = channels[0].moments
    for one in channels[1:]:
        shared = np.intersect1d(shared, one.moments)
    if not len(shared):
        spans = "; ".join(f"{c.name}: {c.moments[0]} to {c.moments[-1]}" for c in channels)
        raise DataError(f"The variables of {files} share no time ({spans}). Give matching files.")
    most = max(len(one.moments) for one in channels)
    notes = []
    if len(shared) < most:
        notes.append(f"{len(shared):,} of {counted(most, 'time')} are in all variables: used.")
    return [one.at(np.flatnonzero(np.isin(one.moments, shared))) for one in channels], notes


def coordinates_in_words(channels: Sequence[Channel]) -> str:
    """What was found as what, in a sentence."""
    fields = next(one for one in channels if one.sides)
    said = [f"{KINDS[axis.kind]} is '{axis.name}' ({_span(axis)})" for axis in fields.sides]
    if fields.time is not None:
        calendar = str(fields.time.dt.calendar) if fields.time.dtype.kind in "MO" else "numbers"
        said.insert(
            0, f"time is '{fields.time.name}' ({fields.moments[0]} to {fields.moments[-1]}, "
            f"calendar {calendar})",
        )  # fmt: skip
    return f"Coordinates: {', '.join(said)}."


def _span(axis: Axis) -> str:
    units = str(axis.attributes.get("units", ""))
    ends = f"{axis.values[0]:g} to {axis.values[-1]:g}"
    return f"{len(axis.values)} places, {ends}{' ' + units if units else ''}"


def variable_of(grid: GridFile, name: str) -> Any:
    """A variable by its name. Raises DataError where it is not there."""
    if name not in grid.dataset.data_vars:
        there = [str(one) for one in grid.dataset.data_vars]
        raise DataError(
            f"There is no variable '{name}' in {grid.name}. There are: "
            f"{', '.join(there[:SHOWN])}{', ...' if len(there) > SHOWN else ''}."
        )
    return grid.dataset[name]


def _without_single(variable: Any, axes: dict[str, str], grid: GridFile) -> Any:
    """The variable without dimensions that are none of the four and have one place only."""
    for dimension in [one for one in variable.dims if one not in axes.values()]:
        if variable.sizes[dimension] > 1:
            raise DataError(
                f"The variable '{variable.name}' in {grid.name} has the dimension '{dimension}' of "
                f"{variable.sizes[dimension]} places, which is neither time, level, latitude nor "
                "longitude. Pick one of them beforehand, for example with xarray's isel."
            )
        variable = variable.isel({dimension: 0}, drop=True)
    return variable


def _at_levels(variable: Any, axes: dict[str, str], options: Mapping[str, Any], grid: GridFile):
    """The variable at each level that is picked, with its name."""
    if "Z" not in axes:
        return [(str(variable.name), variable)]
    dimension = axes["Z"]
    count = variable.sizes[dimension]
    there = (
        np.asarray(variable[dimension].values, dtype=float)
        if dimension in variable.coords
        else np.arange(count, dtype=float)
    )
    wanted = _levels(options.get("level"))
    shown = ", ".join(f"{one:g}" for one in there[:SHOWN]) + (", ..." if count > SHOWN else "")
    if not wanted and count > 1:
        raise DataError(
            f"The variable '{variable.name}' in {grid.name} has {count} levels ('{dimension}': "
            f"{shown}). Pick one or several with --data.level."
        )
    found = []
    for level in wanted or [there[0]]:
        place = int(np.abs(there - level).argmin())
        if not np.isclose(there[place], level, rtol=1e-5, atol=0):
            raise SettingsError(
                f"There is no level {level:g} of '{variable.name}' in {grid.name}. There are: "
                f"{shown} ('{dimension}')."
            )
        label = f"{variable.name}@{there[place]:g}" if count > 1 else str(variable.name)
        found.append((label, variable.isel({dimension: place}, drop=True)))
    return found


def _levels(asked: Any) -> list[float]:
    if asked is None:
        return []
    words = asked.split(",") if isinstance(asked, str) else asked
    try:
        return [float(one) for one in (words if isinstance(words, (list, tuple)) else [words])]
    except ValueError:
        raise SettingsError(
            f"--data.level must be numbers, such as 850 or 500,850; got '{asked}'."
        ) from None


def _read(
    label: str, variable: Any, axes: dict[str, str], options: Mapping[str, Any], grid: GridFile
) -> Channel:
    order = [axes[kind] for kind in "TYX" if kind in axes]
    if "T" not in axes:
        raise DataError(
            f"The variable '{label}' in {grid.name} has no time: the rows of a grid are its "
            f"times. Its dimensions are {', '.join(map(str, variable.dims))}."
        )
    if axes["T"] not in variable.coords:
        raise DataError(
            f"The dimension '{axes['T']}' of '{label}' in {grid.name} has no coordinates, so that "
            "the order of its times is not known. Give the file a coordinate variable for it."
        )
    variable = variable.transpose(*order)
    time = variable[axes["T"]]
    moments = _moments(time, grid)
    kept = _within(moments, options.get("times"), grid)
    try:
        values = np.asarray(variable.isel({axes["T"]: kept}).values, dtype=np.float32)
    except Exception as error:  # each backend has its own
        raise DataError(
            f"The variable '{label}' in {grid.name} cannot be read: the file is damaged or cut off "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}). Get it anew."
        ) from None
    _check_values(values, label, grid)
    sides = tuple(read_axis(variable, axes[kind], kind, grid.name) for kind in "YX" if kind in axes)
    return Channel(
        label, values, sides, moments[kept], time.isel({axes["T"]: kept}), dict(variable.attrs)
    )


def _check_values(values: np.ndarray, label: str, grid: GridFile) -> None:
    if np.isinf(values).any():
        raise DataError(
            f"The variable '{label}' in {grid.name} has infinite values. Mark them as missing "
            "(attribute _FillValue)."
        )
    if np.isnan(values).all():
        raise DataError(
            f"The variable '{label}' in {grid.name} has no value: all {values.size:,} are missing. "
            "Pick another with --data.variable, or other --data.times."
        )


def _moments(time: Any, grid: GridFile) -> np.ndarray:
    """Times as text that sorts like them, (times,); DataError where they do not rise."""
    values = time.values
    if values.dtype.kind == "M":
        if np.isnat(values).any():
            raise DataError(f"A time of {grid.name} is missing ('{time.name}'). Remove that step.")
        texts = np.datetime_as_string(values, unit="s")
        numbers = values.astype("datetime64[ns]").astype(np.int64)
    elif values.dtype == object:  # dates of another calendar
        texts = np.array([one.isoformat() for one in values])
        numbers = np.array([(one - values[0]).total_seconds() for one in values])
    else:
        numbers = np.asarray(values, dtype=np.float64)
        texts = np.array([f"{one:g}" for one in numbers])
    if len(texts) and all(text.endswith(MIDNIGHT) for text in texts):
        texts = np.array([text.removesuffix(MIDNIGHT) for text in texts])
    steps = np.diff(numbers)
    if (steps == 0).any():
        twice = texts[1:][steps == 0][0]
        raise DataError(
            f"The time {twice} is in {grid.name} twice ('{time.name}'). Remove one of them, for "
            "example with xarray's drop_duplicates."
        )
    if (steps < 0).any():
        place = int((steps < 0).argmax())
        raise DataError(
            f"The times of {grid.name} are out of order: {texts[place + 1]} comes after "
            f"{texts[place]}. Sort the file by '{time.name}', for example with xarray's sortby."
        )
    return texts


def _within(moments: np.ndarray, asked: Any, grid: GridFile) -> np.ndarray:
    """Numbers of the times that are picked: "1950:1999", "1950-06:", or all."""
    if asked is None:
        return np.arange(len(moments))
    first, colon, last = str(asked).partition(":")
    last = last if colon else first
    kept = np.array(
        [
            (not first or text[: len(first)] >= first) and (not last or text[: len(last)] <= last)
            for text in moments
        ],
        dtype=bool,
    )
    if not kept.any():
        raise SettingsError(
            f"--data.times {asked} picks no time of {grid.name}, which has {moments[0]} to "
            f"{moments[-1]}. Give a range such as {moments[0][:4]}:{moments[-1][:4]}."
        )
    return np.flatnonzero(kept)
