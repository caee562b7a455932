"""Which rows are for training, which choose the best weights, which are judged once."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd
from pandas import Series

from layerwise.contracts import Target
from layerwise.data import cells
from layerwise.data.kinds import tell_kind
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.data.target import encode_target
from layerwise.errors import DataError, SettingsError, nearest

PARTS = ("train", "validation", "test")
METHODS = ("auto", "stratified", "random", "group", "time")


@dataclass(frozen=True)
class Split:
    """The part of every row, how it was found, and what is odd about it.

    parts : (rows,) "train", "validation" or "test"
    same_rows : training, validation and test rows are all rows; nothing generalizes
    """

    parts: np.ndarray
    method: str
    notes: tuple[str, ...] = ()
    same_rows: bool = False

    def rows(self, part: str) -> np.ndarray:
        """Row numbers of "train", "validation" or "test", in the order of the source."""
        assert part in PARTS, part
        return np.arange(len(self.parts)) if self.same_rows else np.flatnonzero(self.parts == part)

    def counts(self) -> dict[str, int]:
        """Part -> number of rows."""
        return {part: len(self.rows(part)) for part in PARTS}


def split_rows(
    source: Source,
    roles: Roles,
    target: Target,
    *,
    method: str = "auto",
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
) -> Split:
    """Divide the rows into training, validation and test rows.

    Rows whose part the source fixes keep it; a part that no file gives is taken from the
    training rows. The others are divided, with "auto", by group, by time, by the key, stratified
    for classes or else at random. "stratified" gives each class its share of every part;
    "random" shuffles; "group" keeps the rows of a group together and fills the parts by rows;
    "time" trains on the past and tests on the future, equal times together. With a key, the part
    is a hash of (seed, key) or, by group, of (seed, group): new rows never move the others.

    validation, test : share of the rows, from 0 (none) to below 1 together
    Raises DataError or SettingsError where the rows or roles do not allow the split.
    """
    _check_settings(source, roles, target, method, validation, test)
    rows = len(source.frame)
    if source.same_rows:
        note = "Training rows are also the validation and test rows: the scores do not generalize."
        return Split(np.full(rows, "train", dtype="U10"), "same rows", (note,), True)
    parts, fixed = _fixed_parts(source)
    shares = {
        "test": 0.0 if (parts == "test").any() else test,
        "validation": 0.0 if (parts == "validation").any() else validation,
    }
    free = np.flatnonzero(parts == "train")
    if not len(free):
        raise DataError(f"{source.name} has no training rows. Give a file that has some.")
    method = _chosen_method(roles, target, method)
    codes = _codes(source, roles, target)
    if method == "stratified" and codes is not None:
        _check_classes(codes, target, shares)
    inner, notes = _divide(source, roles, method, codes, free, shares, seed)
    parts[free] = inner
    if fixed:
        notes += _fixed_notes(source, roles, parts, shares, len(free))
        method = "files" if not any(shares.values()) else f"files, then {method}"
    if not (parts == "train").any():
        raise DataError(
            f"No training rows are left of {rows}. Give smaller shares with "
            "--validation-fraction and --test-fraction, or more rows."
        )
    notes += _empty_parts(parts, shares) + _missing_classes(codes, parts, target)
    return Split(parts, method, tuple(notes))


def _check_settings(source, roles, target, method, validation, test) -> None:
    if method not in METHODS:
        raise SettingsError(f"--split '{method}' is not known.{nearest(method, METHODS)}")
    if not (validation >= 0 and test >= 0 and validation + test < 1):
        raise SettingsError(
            f"The shares of validation and test rows must be 0 or more and below 1 together, but "
            f"are {validation:g} and {test:g}. Give, for example, --validation-fraction 0.15 "
            "--test-fraction 0.15."
        )
    if method in ("group", "time") and getattr(roles, method) is None:
        raise SettingsError(f"--split {method} needs a column: give it with --{method} NAME.")
    if method == "stratified" and target.kind not in ("binary", "classes"):
        raise SettingsError(
            f"--split stratified needs classes, but the target is of kind '{target.kind}'. "
            "Use --split random."
        )
    if not len(source.frame):
        raise DataError(f"{source.name} has no rows. Give data with at least two.")


def _fixed_parts(source: Source) -> tuple[np.ndarray, bool]:
    """The parts that the source fixes, "train" where it does not, and whether it fixes any."""
    parts = np.full(len(source.frame), "train", dtype="U10")
    if source.parts is None:
        return parts, False
    given = np.asarray(source.parts).astype("U10")
    assert len(given) == len(parts) and set(np.unique(given)) <= {*PARTS, ""}, "parts of a source"
    held_out = (given == "validation") | (given == "test")
    parts[held_out] = given[held_out]
    return parts, bool((given != "").any())


def _chosen_method(roles: Roles, target: Target, method: str) -> str:
    if method != "auto":
        return "key" if method == "random" and roles.key is not None else method
    for role in ("group", "time", "key"):
        if getattr(roles, role) is not None:
            return role
    return "stratified" if target.kind in ("binary", "classes") else "random"


def _codes(source: Source, roles: Roles, target: Target) -> np.ndarray | None:
    """Class of each row (rows,), where the target has classes."""
    if target.kind not in ("binary", "classes"):
        return None
    return encode_target(source.frame, roles, target)


def _divide(source, roles, method, codes, free, shares, seed) -> tuple[np.ndarray, list[str]]:
    """The parts of the rows ``free`` and what is to be said about them."""
    if method == "stratified":
        return _stratified(codes[free], shares, seed)
    if method == "key":
        return _by_hash(source.frame[roles.key].iloc[free], shares, seed), [
            "The part of a row is a hash of its key: the shares are met only roughly, and new "
            "rows never move the others."
        ]
    if method == "group":
        return _by_group(source.frame[roles.group].iloc[free], roles.key, shares, seed)
    if method == "time":
        return _by_time(source.frame[roles.time].iloc[free], shares)
    order = np.argsort(scramble(np.arange(len(free)), seed), kind="stable")
    return _cut(order, shares), []


def _sizes(rows: int, shares: dict[str, float]) -> tuple[int, int]:
    """Rows for test and for validation; at least one where asked for and three are there."""
    sizes = []
    for part in ("test", "validation"):
        least = int(shares[part] > 0 and rows > 1 + len(sizes))
        sizes.append(max(least, round(rows * shares[part])))
    while sum(sizes) >= rows and max(sizes) > 0:  # the training rows come first
        sizes[int(np.argmax(sizes))] -= 1
    return sizes[0], sizes[1]


def _cut(order: np.ndarray, shares: dict[str, float]) -> np.ndarray:
    """Parts of rows: the first of ``order`` are for test, the next for validation."""
    test, validation = _sizes(len(order), shares)
    parts = np.full(len(order), "train", dtype="U10")
    parts[order[:test]] = "test"
    parts[order[test : test + validation]] = "validation"
    return parts


def _stratified(codes, shares, seed) -> tuple[np.ndarray, list[str]]:
    """Each class in every part by its share; a class with three rows is in all three.

    Shares of single classes are rounded so that their running total stays right.
    """
    order = np.lexsort((scramble(np.arange(len(codes)), seed), codes))
    counts = np.bincount(codes)
    starts = np.cumsum(counts) - counts
    place = np.empty(len(codes), np.int64)
    place[order] = np.arange(len(codes)) - starts[codes[order]]
    test = _class_sizes(counts, shares["test"], counts - 1 - (shares["validation"] > 0), counts - 1)
    validation = _class_sizes(counts, shares["validation"], counts - 1 - test, counts - 1 - test)
    parts = np.full(len(codes), "train", dtype="U10")
    parts[place < test[codes] + validation[codes]] = "validation"
    parts[place < test[codes]] = "test"
    return parts, []


def _class_sizes(counts, share, room, most) -> np.ndarray:
    """Rows of each class (classes,) for one part: its share, at least one where there is room."""
    if share == 0:
        return np.zeros_like(counts)
    ends = np.floor(np.cumsum(counts * share) + 0.5).astype(np.int64)
    sizes = np.diff(ends, prepend=0)
    return np.minimum(np.maximum(sizes, np.minimum(room, 1)), np.maximum(most, 0))


def _by_hash(values: Series, shares, seed) -> np.ndarray:
    """Parts from a hash of (seed, value) that no machine and no other row changes."""
    codes, names = cells.labels(values)
    places = np.array([hashed(name, seed) for name in names])[codes]
    parts = np.full(len(values), "train", dtype="U10")
    parts[places < shares["test"] + shares["validation"]] = "validation"
    parts[places < shares["test"]] = "test"
    return parts


def hashed(name: str, seed: int) -> float:
    """A number from 0 to 1 that depends on the name and the seed alone."""
    digest = blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def scramble(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Pseudo-random uint64 for each number, the same on every machine and in every version.

    The mixing function of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom
    number generators").
    """
    state = numbers.astype(np.uint64) + np.uint64(1)
    with np.errstate(over="ignore"):
        for salt in (np.uint64(seed % 2**64), np.uint64(0)):
            state = (state + salt) * np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state


def _by_group(groups: Series, key, shares, seed) -> tuple[np.ndarray, list[str]]:
    """Whole groups, in random order, until a part has its rows; a group that is too large waits."""
    codes, names = cells.labels(groups)
    if len(names) < 2 and any(shares.values()):
        raise DataError(
            f"Column '{groups.name}' (--group) has one group only, so that nothing can be held "
            "out. Give another column, or set both fractions to 0."
        )
    if key is not None:
        return _by_hash(groups, shares, seed), ["The part of a row is a hash of its group."]
    counts = np.bincount(codes, minlength=len(names))
    order = np.argsort(scramble(np.arange(len(names)), seed), kind="stable")
    part_of = np.full(len(names), "train", dtype="U10")
    left = len(names) - 1  # one group is for training in any case
    for part in ("test", "validation"):
        goal, filled = shares[part] * len(codes), 0
        for group in order:
            free = part_of[group] == "train" and left > 0
            if free and abs(filled + counts[group] - goal) < abs(filled - goal):
                part_of[group], filled, left = part, filled + counts[group], left - 1
        if goal > 0 and not filled and left > 0:
            smallest = min((g for g in order if part_of[g] == "train"), key=lambda g: counts[g])
            part_of[smallest], left = part, left - 1
    sizes = {part: int((part_of == part).sum()) for part in PARTS}
    note = ", ".join(f"{sizes[part]} for {part}" for part in PARTS)
    return part_of[codes], [f"{len(names)} groups: {note}."]


def _by_time(times: Series, shares) -> tuple[np.ndarray, list[str]]:
    """The latest rows for test, those before for validation; rows of one time stay together."""
    values = _moments(times)
    moments, counts = np.unique(values, return_counts=True)
    if len(moments) < 2 and any(shares.values()):
        raise DataError(
            f"Column '{times.name}' (--time) is the same in every row, so that there is no "
            "future to be tested on. Give another column, or leave --time out."
        )
    test, validation = _sizes(len(values), shares)
    ends = np.cumsum(counts)[:-1]  # rows before each place where the times may be cut
    cuts = []
    for held_out in (test, test + validation):
        at = int(np.argmin(np.abs(ends - (len(values) - held_out)))) if held_out else None
        cuts.append(None if at is None else moments[at + 1])
    parts = np.full(len(values), "train", dtype="U10")
    notes = []
    if cuts[1] is not None:
        parts[values >= cuts[1]] = "validation"
        notes.append(f"Training rows end before '{_first(times, values, cuts[1])}'.")
    if test:
        parts[values >= cuts[0]] = "test"
        notes.append(f"Test rows start at '{_first(times, values, cuts[0])}'.")
    if len(moments) < len(values):
        notes.append("Rows of the same time are in the same part.")
    return parts, notes


def _first(times: Series, values: np.ndarray, cut: float):
    """The time, as it is written, at which a part starts."""
    return times.iloc[int(np.argmax(values == cut))]


def _moments(times: Series) -> np.ndarray:
    """Times (rows,) as numbers that can be compared. Raises DataError where they are none."""
    if cells.is_numeric(times):
        values = cells.numbers(times).astype(np.float64)
    else:
        column = tell_kind(times)
        if column.kind == "number":
            values = cells.numbers(times, column.reading)
        elif column.kind == "date":
            moments = cells.dates(times, column.reading)
            values = ((moments - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).to_numpy()
        else:
            values = np.full(len(times), np.nan)
    bad = ~np.isfinite(values)
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} of {len(times)} rows have no date or number in column "
            f"'{times.name}' (--time), such as {cells.example(times, bad)}. "
            "Write dates as 2020-12-31."
        )
    return values


def _check_classes(codes: np.ndarray, target: Target, shares: dict[str, float]) -> None:
    """Raise where most classes have one row: then they are no classes."""
    counts = np.bincount(codes, minlength=len(target.classes))
    single = int((counts == 1).sum())
    if any(shares.values()) and single * 2 > len(counts):
        raise DataError(
            f"{single} of the {len(counts)} classes of the target '{target.names[0]}' have one "
            "row only, so that nothing can be learned and tested. Is it an identifier, or a "
            "number (--task regress)? Give another --target, or more rows of each class."
        )


def _empty_parts(parts: np.ndarray, shares: dict[str, float]) -> list[str]:
    empty = [part for part, share in shares.items() if share > 0 and not (parts == part).any()]
    return [f"There are too few rows for {part} rows; there are none." for part in empty]


def _missing_classes(codes: np.ndarray | None, parts: np.ndarray, target: Target) -> list[str]:
    """Say which classes are not in every part that has rows."""
    if codes is None:
        return []
    notes = []
    for part in PARTS:
        inside = parts == part
        absent = np.flatnonzero(np.bincount(codes[inside], minlength=len(target.classes)) == 0)
        if inside.any() and len(absent):
            names = ", ".join(f"'{target.classes[code]}'" for code in absent[:10])
            more = f" and {len(absent) - 10} more" if len(absent) > 10 else ""
            notes.append(f"No {part} row has class {names}{more}: too few rows to be everywhere.")
    return notes


def _fixed_notes(source, roles, parts, shares, free: int) -> list[str]:
    """What the files gave, what was taken from the training rows, which groups are in two files."""
    notes = []
    taken = [part for part in ("validation", "test") if shares[part] and (parts == part).any()]
    for part in taken:
        count = int((parts == part).sum())
        notes.append(f"{count} of {free} training rows are taken for {part}.")
    if roles.group is not None:
        groups = source.frame[roles.group]
        both = set(groups[parts == "train"]) & set(groups[parts != "train"])
        if both:
            notes.append(f"WARNING: {len(both)} groups are in training rows and in others.")
    return notes
