"""Ways to divide rows into parts: by class, by a hash of the key, by group, by time."""

from hashlib import blake2b

import numpy as np
import pandas as pd
from pandas import Series

import layerwise.data.cells as cells
from layerwise.data.kinds import tell_kind
from layerwise.errors import DataError

PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)  # codes of the parts: one byte a row, where a word takes forty


def cut(order: np.ndarray, shares: dict[str, float]) -> np.ndarray:
    """Codes of parts: the first of ``order`` are for test, the next for validation."""
    test, validation = _sizes(len(order), shares)
    parts = np.full(len(order), TRAIN, np.int8)
    parts[order[:test]] = TEST
    parts[order[test : test + validation]] = VALIDATION
    return parts


def _sizes(rows: int, shares: dict[str, float]) -> tuple[int, int]:
    """Rows for test and for validation; at least one where asked for and three are there."""
    sizes = []
    for part in ("test", "validation"):
        least = int(shares[part] > 0 and rows > 1 + len(sizes))
        sizes.append(max(least, round(rows * shares[part])))
    while sum(sizes) >= rows and max(sizes) > 0:  # the training rows come first
        sizes[int(np.argmax(sizes))] -= 1
    return sizes[0], sizes[1]


def by_class(codes, shares, seed) -> tuple[np.ndarray, list[str]]:
    """Each class in every part by its share; a class with three rows is in all three.

    Shares of single classes are rounded so that their running total stays right.
    """
    order = np.argsort(scramble(np.arange(len(codes)), seed))
    small = codes[order].astype(np.min_scalar_type(codes.max(initial=0)))  # sorted by radix
    order = order[np.argsort(small, kind="stable")]
    counts = np.bincount(codes)
    starts = np.cumsum(counts) - counts
    place = np.empty(len(codes), np.int64)
    place[order] = np.arange(len(codes)) - starts[codes[order]]
    test = _class_sizes(counts, shares["test"], counts - 1 - (shares["validation"] > 0), counts - 1)
    validation = _class_sizes(counts, shares["validation"], counts - 1 - test, counts - 1 - test)
    parts = np.full(len(codes), TRAIN, np.int8)
    parts[place < test[codes] + validation[codes]] = VALIDATION
    parts[place < test[codes]] = TEST
    return parts, []


def _class_sizes(counts, share, room, most) -> np.ndarray:
    """Rows of each class (classes,) for one part: its share, at least one where there is room."""
    if share == 0:
        return np.zeros_like(counts)
    ends = np.floor(np.cumsum(counts * share) + 0.5).astype(np.int64)
    sizes = np.diff(ends, prepend=0)
    return np.minimum(np.maximum(sizes, np.minimum(room, 1)), np.maximum(most, 0))


def by_hash(values: Series, shares, seed) -> np.ndarray:
    """Codes of parts from a hash of (seed, value) that no machine and no other row changes."""
    codes, names = cells.labels(values)
    places = np.array([hashed(name, seed) for name in names])[codes]
    parts = np.full(len(values), TRAIN, np.int8)
    parts[places < shares["test"] + shares["validation"]] = VALIDATION
    parts[places < shares["test"]] = TEST
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


def by_group(groups: Series, key, shares, seed) -> tuple[np.ndarray, list[str]]:
    """Whole groups, in random order, until a part has its rows; a group that is too large waits."""
    codes, names = cells.labels(groups)
    if len(names) < 2 and any(shares.values()):
        raise DataError(
            f"Column '{groups.name}' (--group) has one group only, so that nothing can be held "
            "out. Give another column, or set both fractions to 0."
        )
    if key is not None:
        return by_hash(groups, shares, seed), ["The part of a row is a hash of its group."]
    counts = np.bincount(codes, minlength=len(names))
    order = np.argsort(scramble(np.arange(len(names)), seed), kind="stable")
    part_of = np.full(len(names), TRAIN, np.int8)
    left = len(names) - 1  # one group is for training in any case
    for part in (TEST, VALIDATION):
        goal, filled = shares[PARTS[part]] * len(codes), 0
        for group in order:
            free = part_of[group] == TRAIN and left > 0
            if free and abs(filled + counts[group] - goal) < abs(filled - goal):
                part_of[group], filled, left = part, filled + counts[group], left - 1
        if goal > 0 and not filled and left > 0:
            smallest = min((g for g in order if part_of[g] == TRAIN), key=lambda g: counts[g])
            part_of[smallest], left = part, left - 1
    sizes = np.bincount(part_of, minlength=len(PARTS))
    note = ", ".join(f"{size} for {part}" for size, part in zip(sizes, PARTS, strict=True))
    return part_of[codes], [f"{len(names)} groups: {note}."]


def by_time(times: Series, shares) -> tuple[np.ndarray, list[str]]:
    """The latest rows for test, those before for validation; rows of one time stay together."""
    values = moments(times)
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) < 2 and any(shares.values()):
        raise DataError(
            f"Column '{times.name}' (--time) is the same in every row, so that there is no "
            "future to be tested on. Give another column, or leave --time out."
        )
    test, validation = _sizes(len(values), shares)
    ends = np.cumsum(counts)[:-1]  # rows before each place where the times may be cut
    cuts = []
    for held_out in (test, test + validation):
        at = int(np.argmin(np.abs(ends - (len(values) - held_out)))) if held_out else None
        cuts.append(None if at is None else distinct[at + 1])
    parts = np.full(len(values), TRAIN, np.int8)
    notes = []
    if cuts[1] is not None:
        parts[values >= cuts[1]] = VALIDATION
        notes.append(f"Training rows end before '{_first(times, values, cuts[1])}'.")
    if test:
        parts[values >= cuts[0]] = TEST
        notes.append(f"Test rows start at '{_first(times, values, cuts[0])}'.")
    if len(distinct) < len(values):
        notes.append("Rows of the same time are in the same part.")
    return parts, notes


def _first(times: Series, values: np.ndarray, cut: float):
    """The time, as it is written, at which a part starts."""
    return times.iloc[int(np.argmax(values == cut))]


def moments(times: Series) -> np.ndarray:
    """Times (rows,) as numbers that can be compared. Raises DataError where they are none."""
    if cells.is_numeric(times):
        values = cells.numbers(times).astype(np.float64)
    else:
        column = tell_kind(times)
        if column.kind == "number":
            values = cells.numbers(times, column.reading)
        elif column.kind == "date":
            dates = cells.dates(times, column.reading)
            values = ((dates - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).to_numpy()
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
