"""Series: a table with a time column as windows, of which each row is the origin of a forecast."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

import layerwise.data.cells as cells
from layerwise.contracts import Target
from layerwise.data.dividing import PARTS, TRAIN
from layerwise.data.series_columns import lengths, no_time_twice, read_channels, series_numbers
from layerwise.data.series_times import Step, find_step, find_time, moments_of, read_times
from layerwise.data.source import Source, counted, several
from layerwise.data.split import Split
from layerwise.errors import DataError, SettingsError

UNUSED = len(PARTS)  # code of a row that is in no part
ORDERLY = ("time", "group", "rows", "files")  # last words of splits that keep windows together


@dataclass(frozen=True)
class Series:
    """All times of one or several series, of which every row is one.

    values : (times, channels) float64, NaN where missing; sorted by series, then by time
    names : of the channels, ``targets`` and ``exogenous`` ones (inputs besides) among them
    numbers : (times,) number of the series of each time, names of which are ``groups``
    times : (times,) seconds since 1970, or numbers as they are; ``zone`` as in ``Times``
    step : between times, with the stretches that have no gap
    lookback, horizon : times that a forecast sees, and times that it gives
    calendar : whether hour, weekday and month are inputs
    """

    values: np.ndarray
    names: tuple[str, ...]
    targets: tuple[str, ...]
    exogenous: tuple[str, ...]
    numbers: np.ndarray
    groups: tuple[str, ...]
    times: np.ndarray
    step: Step
    lookback: int
    horizon: int
    calendar: bool = False
    dates: bool = True
    zone: str = ""

    @property
    def is_regular(self) -> bool:
        """Whether all steps are equal, but for few gaps."""
        return self.step.is_regular

    def channel(self, names: Sequence[str]) -> np.ndarray:
        """The values of these channels, (times, names)."""
        return self.values[:, [self.names.index(name) for name in names]]

    def has_window(self, lookback: int) -> np.ndarray:
        """Whether the window that ends at each time is whole: (times,) bool."""
        return _same(self.step.runs, -(lookback - 1))

    def has_future(self, horizon: int, targets: Sequence[str]) -> np.ndarray:
        """Whether all that is to be forecast at each time is known: (times,) bool."""
        known = np.isfinite(self.channel(targets).sum(axis=1))  # NaN if any is
        rows = np.arange(len(known))
        before = np.append(0, np.cumsum(~known))
        ends = np.minimum(rows + horizon + 1, len(known))
        lacking = before[ends] - before[rows + 1]
        return _same(self.step.runs, horizon) & (lacking == 0)

    def parted(self, split: Split) -> Split:
        """The split of the origins: each is in the part that all times of its future are in.

        Its window may reach into the part before. Origins without a whole window or future, and
        those whose future is in two parts, are in no part; how many is in the notes.
        DataError: no origin is left for training. SettingsError: the split mixes past and future.
        """
        assert len(split.codes) == len(self.times), "parts of other rows"
        if split.method.split()[-1] not in ORDERLY and not split.same_rows:
            raise SettingsError(
                f"A split by '{split.method}' would let a forecast see the times that it is judged "
                "by. Use --split time, or --split group for whole series."
            )
        usable = self.has_window(self.lookback) & self.has_future(self.horizon, self.targets)
        if split.same_rows:
            return replace(split, codes=np.where(usable, TRAIN, UNUSED).astype(np.int8))
        changes = np.append(0, np.cumsum(np.diff(split.codes) != 0))
        following = np.minimum(np.arange(len(changes)) + 1, len(changes) - 1)
        ends = np.minimum(np.arange(len(changes)) + self.horizon, len(changes) - 1)
        whole = changes[following] == changes[ends]
        codes = np.where(usable & whole, split.codes[following], UNUSED).astype(np.int8)
        if not (codes == TRAIN).any():
            self._no_training_rows(split)
        notes = (*split.notes, *self._lost(split.codes, usable, whole))
        return replace(split, codes=codes, notes=notes)

    def _lost(self, codes: np.ndarray, usable: np.ndarray, whole: np.ndarray) -> list[str]:
        """What is to be said of the origins that are in no part."""
        inside = _same(self.numbers, -(self.lookback - 1)) & _same(self.numbers, self.horizon)
        apart = ~(_same(self.step.runs, -(self.lookback - 1)) & _same(self.step.runs, self.horizon))
        notes = []
        gaps, missing = int((inside & apart).sum()), int((inside & ~apart & ~usable).sum())
        across = int((usable & ~whole & (codes < UNUSED)).sum())
        if gaps:
            notes.append(
                f"{counted(gaps, 'window')} would span a gap in the times: used by no part."
            )
        if missing:
            notes.append(f"{counted(missing, 'window')} with a missing target are used by no part.")
        if across:
            notes.append(
                f"{counted(across, 'window')} would be forecast across the border of two parts: "
                "used by no part."
            )
        return notes

    def _no_training_rows(self, split: Split) -> None:
        """Raise for windows that do not fit into the training part."""
        longest = int(np.bincount(self.numbers).max())
        stretch = int(np.bincount(self.step.runs).max())
        inside = int(np.bincount(self.numbers[split.codes == TRAIN]).max(initial=0))
        asked = f"{self.lookback} times back and {self.horizon} ahead"
        if self.horizon >= longest:
            raise DataError(
                f"The horizon of {self.horizon} times is longer than the series, which has "
                f"{longest}. Give a smaller --data.horizon."
            )
        if stretch < self.lookback + self.horizon <= longest:
            raise DataError(
                f"No stretch without a gap is long enough for windows of {asked}; the longest has "
                f"{stretch} times. Give a smaller --data.lookback, or fill the gaps."
            )
        raise DataError(
            f"The training part has no window of {asked}: its longest series has {inside} times. "
            "Give a smaller --data.lookback or --data.horizon, or more rows."
        )


def as_series(
    source: Source,
    *,
    target: str | Sequence[str] | None = None,
    time: str | None = None,
    group: str | None = None,
    ignore: str | Sequence[str] | None = None,
    options: dict | None = None,
) -> Source:
    """The table as a source of form "series": one row per time, sorted by series and time.

    target : what is forecast; absent: every column of numbers
    time : absent: the only column of dates
    group : the column that tells several series apart
    options : lookback, horizon, calendar

    Raises DataError where the times, the targets or the series cannot be used, SettingsError for
    a length that is no whole number above 0.
    """
    options, frame = {**source.options, **(options or {})}, source.frame
    if not len(frame):
        raise DataError(f"{source.name} has no rows.")
    named, left_out = several(target, list(frame.columns)), several(ignore, list(frame.columns))
    group = group or source.roles.get("group")
    time = find_time(frame, time or source.roles.get("time"), (*named, *left_out, group or ""))
    roles = {"time": time, **({"group": group} if group else {})}
    reserved = {*roles.values(), *left_out}
    wanted = named or tuple(name for name in source.target if name not in reserved)
    read = read_times(cells.column(frame, time))
    numbers, groups = series_numbers(frame, group)
    order = np.lexsort((read.values, numbers))
    source = source.take(order)
    times, numbers = read.values[order], numbers[order]
    no_time_twice(source.frame, times, numbers, time, group)
    channels = read_channels(source.frame, wanted, reserved)
    step = find_step(times, numbers, dates=read.dates)
    lookback, horizon, calendar, said = lengths(options, step, numbers)
    whole = Series(
        channels.values, channels.names, channels.targets, channels.exogenous, numbers, groups,
        times, step, lookback, horizon, calendar and read.dates, read.dates, read.zone,
    )  # fmt: skip
    unsorted = not (np.diff(order) == 1).all()
    notes = (*read.notes, *_notes(whole, roles, unsorted, bool(wanted)), *channels.notes, *said)
    before = [note for note in source.notes if source.form != "series" or note not in notes]
    return replace(
        source,
        inputs=np.arange(len(times)),
        target=channels.targets,
        form="series",
        whole=whole,
        roles=roles,
        options=options | {"lookback": lookback, "horizon": horizon, "calendar": calendar},
        notes=(*before, *notes),
    )


def series_target(source: Source) -> Target:
    """One output per target and time ahead: "OT+1" ... "OT+96", one target after the other."""
    whole: Series = source.whole
    return Target("series", output_names(whole.targets, whole.horizon))


def output_names(targets: Sequence[str], horizon: int) -> tuple[str, ...]:
    """Names of the outputs, as in the target."""
    return tuple(f"{name}+{ahead}" for name in targets for ahead in range(1, horizon + 1))


def _same(runs: np.ndarray, offset: int) -> np.ndarray:
    """Whether the row ``offset`` rows away exists and is in the same run: (rows,) bool."""
    there = np.arange(len(runs)) + offset
    inside = (there >= 0) & (there < len(runs))
    return inside & (runs[np.clip(there, 0, len(runs) - 1)] == runs)


def _notes(whole: Series, roles: dict[str, str], unsorted: bool, named: bool) -> list[str]:
    """How the table was taken, one sentence each."""
    regular = f"{whole.step.in_words()} apart" if whole.is_regular else "at irregular times"
    count = f"{len(whole.groups):,} series by '{roles['time']}'"
    notes = [f"{count}, {counted(len(whole.times), 'time')} {regular}{_span(whole)}."]
    if unsorted:
        by = "series and time" if "group" in roles else "time"
        notes.append(f"The rows were not sorted by {by}; now they are.")
    if whole.step.gaps:
        notes.append(f"The times have {counted(whole.step.gaps, 'gap')}; no window spans one.")
    if not whole.is_regular:
        notes.append("The time since the row before is an input.")
    if not named:
        notes.append(f"No target was named: all are forecast ({', '.join(whole.targets)}).")
    if whole.exogenous:
        notes.append(f"Inputs besides, their past only: {', '.join(whole.exogenous)}.")
    return notes


def _span(whole: Series) -> str:
    if not whole.dates:
        return f", from {whole.times.min():g} to {whole.times.max():g}"
    first, last = moments_of(np.array([whole.times.min(), whole.times.max()]))
    return f", from {first} to {last}"
