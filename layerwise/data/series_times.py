"""Times of a series: found, read, and checked for steps and gaps."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas import DataFrame, DatetimeIndex, Series

import layerwise.data.cells as cells
from layerwise.data.kinds import tell_kind
from layerwise.errors import DataError

OFFSET = re.compile(r"\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})$")
ZONES_OF_A_YEAR = 2  # offsets of one place, summer and winter, ...
SUMMER_HOURS = 1.0  # ... that differ by at most so many hours
MOST_GAPS = 0.02  # share of steps that may be several steps at once in a regular series
HOUR, DAY = 3600.0, 86400.0
PERIODS = {  # step in seconds -> rows after which such series often repeat themselves
    60.0: (60, 1440),
    300.0: (12, 288),
    600.0: (6, 144),
    900.0: (96, 672),
    1800.0: (48, 336),
    HOUR: (24, 168),
    DAY: (7, 365),
    7 * DAY: (52,),
}
MONTHLY = {1: (12,), 2: (6,), 3: (4,), 6: (2,)}  # step in months -> the same


@dataclass(frozen=True)
class Times:
    """The times of all rows.

    values : (rows,) seconds since 1970, or numbers as they are
    dates : whether they are dates
    zone : "" where none is written, else "UTC", into which they were converted
    """

    values: np.ndarray
    dates: bool
    zone: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """How far apart the rows of a series are.

    size : in ``unit``, "seconds", "months" or "" for times that are no dates
    is_regular : all rows but few have it
    runs : (rows,) number of the stretch without a gap and within one series that a row is in
    gaps : how many there are; 0 where the series is not regular
    """

    size: float
    unit: str
    is_regular: bool
    runs: np.ndarray
    gaps: int

    @property
    def periods(self) -> tuple[int, ...]:
        """Numbers of rows after which series with this step often repeat themselves."""
        if not self.is_regular:
            return ()
        if self.unit == "months":
            return MONTHLY.get(round(self.size), ())
        return PERIODS.get(self.size, ()) if self.unit == "seconds" else ()

    def in_words(self) -> str:
        """Give for example "1 hour", "3 months" or "0.5"."""
        if self.unit == "months":
            return _counted(self.size, "month")
        if not self.unit:
            return f"{self.size:g}"
        for length, noun in ((DAY, "day"), (HOUR, "hour"), (60.0, "minute")):
            if self.size >= length:
                return _counted(self.size / length, noun)
        return _counted(self.size, "second")


def find_time(frame: DataFrame, name: str | None, taken: Sequence[str]) -> str:
    """The column with the times: ``name``, or the only one that holds dates.

    taken : columns that have another role
    Raises DataError where there is none, or several.
    """
    if name is not None:
        if name not in frame.columns:
            columns = ", ".join(map(str, frame.columns))
            raise DataError(f"Column '{name}' (--time) is not there. There are: {columns}.")
        return name
    free = [str(column) for column in frame if str(column) not in taken]
    found = [column for column in free if tell_kind(cells.column(frame, column)).kind == "date"]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"{len(found)} columns hold dates: {', '.join(found)}. Name the one whose order "
            "counts with --time, and leave the others out with --ignore."
        )
    raise DataError(
        "A forecast needs the time of each row, but no column holds dates. Name the column with "
        f"--time (numbers are allowed). There are: {', '.join(free)}."
    )


def read_times(series: Series) -> Times:
    """Times as numbers that can be compared.

    Raises DataError for a missing, unreadable or infinite time, and for mixed time zones.
    """
    missing = series.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"{int(missing.sum())} of {len(series)} rows have no time in column '{series.name}', "
            f"the first is row {int(np.argmax(missing)) + 1}. Every row must have one: fill them "
            "in or remove these rows."
        )
    if cells.is_numeric(series) and not _written_dates(series):
        values = cells.numbers(series).astype(np.float64)
        _all_readable(series, np.isfinite(values))
        note = f"The times in '{series.name}' are numbers, taken as they are."
        return Times(values, False, notes=(note,))
    column = tell_kind(series, "date")
    zone, notes = _zone(series)
    moments = cells.dates(series, column.reading)
    _all_readable(series, moments.notna())
    if "guess" in column.note or "may have" in column.note:
        notes += [f"Column '{series.name}': {column.note}."]
    return Times(_seconds(moments), True, zone, tuple(notes))


def find_step(times: np.ndarray, numbers: np.ndarray, *, dates: bool) -> Step:
    """The step between rows that are sorted by series and by time.

    numbers : (rows,) number of the series of each row
    A series is regular where at most 2 % of its steps are gaps, which are whole numbers of steps.
    """
    months = _months(times) if dates else None
    inner = np.flatnonzero(np.diff(numbers) == 0) + 1
    if not len(inner):
        return Step(0.0, "seconds" if dates else "", False, numbers.copy(), 0)
    if months is not None:
        found = _step(months.astype(np.float64), inner)
        if found is not None:
            return _with_runs(found, "months", numbers, inner)
    unit = "seconds" if dates else ""
    found = _step(times, inner)
    if found is not None:
        return _with_runs(found, unit, numbers, inner)
    return Step(float(np.median(np.diff(times)[inner - 1])), unit, False, numbers.copy(), 0)


def moments_of(times: np.ndarray) -> DatetimeIndex:
    """Seconds since 1970 as dates."""
    return DatetimeIndex(pd.to_datetime(np.round(times * 1000), unit="ms"))


def later(times: np.ndarray, step: Step, rows: int) -> np.ndarray:
    """The times so many steps later, in seconds, or in numbers where they are no dates."""
    if step.unit != "months":
        return times + rows * step.size
    moved = moments_of(times) + pd.DateOffset(months=round(step.size) * rows)
    return _seconds(DatetimeIndex(moved))


def _step(values: np.ndarray, inner: np.ndarray) -> tuple[float, np.ndarray] | None:
    """The commonest step and which rows come after a gap; None where it is not regular."""
    steps = np.diff(values)[inner - 1]
    size, counts = np.unique(np.round(steps, 6), return_counts=True)
    common = float(size[np.argmax(counts)])
    if common <= 0:
        return None
    ratio = steps / common
    gaps = np.abs(ratio - 1) > 1e-3
    whole = np.abs(ratio - np.round(ratio)) < 1e-3
    if gaps.mean() > MOST_GAPS or not whole.all():
        return None
    return common, gaps


def _with_runs(found: tuple[float, np.ndarray], unit: str, numbers, inner) -> Step:
    size, gaps = found
    begins = np.zeros(len(numbers), bool)
    begins[1:] = np.diff(numbers) != 0
    begins[inner[gaps]] = True
    return Step(size, unit, True, np.cumsum(begins), int(gaps.sum()))


def _months(times: np.ndarray) -> np.ndarray | None:
    """Months since year 0 where all rows are on the same day of the month, or on its last."""
    moments = moments_of(times)
    same = len(np.unique(moments.day)) == 1 or bool(moments.is_month_end.all())
    clock = len(np.unique(times % DAY)) == 1
    return np.asarray(moments.year * 12 + moments.month) if same and clock else None


def _seconds(moments: DatetimeIndex) -> np.ndarray:
    return ((moments - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).to_numpy(np.float64)


def _written_dates(series: Series) -> bool:
    """Whether whole numbers write dates, such as 20200131."""
    values = cells.numbers(series).astype(np.float64)
    whole = np.isfinite(values).all() and bool((values == np.round(values)).all())
    if not whole or not ((values >= 19000101) & (values <= 21001231)).all():
        return False
    return bool(cells.dates(series, "digits").notna().all())


def _all_readable(series: Series, good: np.ndarray) -> None:
    good = np.asarray(good)
    if good.all():
        return
    raise DataError(
        f"{int((~good).sum())} of {len(good)} times in column '{series.name}' cannot be read, such "
        f"as {cells.example(series, ~good)}. Write them as 2020-12-31 23:00, or remove these rows."
    )


def _zone(series: Series) -> tuple[str, list[str]]:
    """The time zone in which the times are taken, and what is to be said about it."""
    if getattr(series.dtype, "kind", "O") == "M":
        aware = getattr(series.dtype, "tz", None) is not None
        return ("UTC" if aware else ""), [f"Times of '{series.name}' are taken in UTC."] * aware
    names = cells.labels(series)[1]
    found = [match[1] if (match := OFFSET.search(name)) else "" for name in names]
    zones = sorted({"+00:00" if zone in ("Z", "UTC") else zone for zone in found})
    if zones == [""]:
        return "", []
    hours = [_hours(zone) for zone in zones if zone]
    summer = len(zones) <= ZONES_OF_A_YEAR and max(hours) - min(hours) <= SUMMER_HOURS
    if "" in zones or not summer:
        shown = ", ".join(f"'{zone}'" if zone else "none" for zone in zones[:5])
        first = names[found.index("")] if "" in zones else names[0]
        raise DataError(
            f"The times in column '{series.name}' are of several time zones: {shown}, such as "
            f"'{first}'. Write all in one zone."
        )
    return "UTC", [f"Times of '{series.name}' (zone {', '.join(zones)}) are taken in UTC."]


def _hours(zone: str) -> float:
    digits = zone[1:].replace(":", "")
    return float(f"{zone[0]}1") * (int(digits[:2]) + int(digits[2:]) / 60)


def _counted(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"
