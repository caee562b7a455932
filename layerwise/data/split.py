"""Which rows are for training, which choose the best weights, which are judged once."""

from dataclasses import dataclass

import numpy as np

from layerwise.contracts import Target
from layerwise.data.dividing import (
    PARTS,
    TEST,
    TRAIN,
    VALIDATION,
    by_class,
    by_group,
    by_hash,
    by_time,
    cut,
    scramble,
)
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.data.target import encode_target
from layerwise.errors import DataError, SettingsError, nearest

METHODS = ("auto", "stratified", "random", "group", "time")
UNUSED = "unused"  # what a source calls rows that are in no part


@dataclass(frozen=True)
class Split:
    """The part of every row, how it was found, and what is odd about it.

    codes : (rows,) int8, place of the row's part in ``PARTS``; one more: in no part
    same_rows : training, validation and test rows are all rows; nothing generalizes
    """

    codes: np.ndarray
    method: str
    notes: tuple[str, ...] = ()
    same_rows: bool = False

    @property
    def parts(self) -> np.ndarray:
        """(rows,) "train", "validation", "test", or "" for a row in no part."""
        return np.array([*PARTS, ""])[self.codes]

    def rows(self, part: str) -> np.ndarray:
        """Row numbers of "train", "validation" or "test", in the order of the source."""
        assert part in PARTS, part
        if self.same_rows:
            return np.arange(len(self.codes))
        return np.flatnonzero(self.codes == PARTS.index(part))

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
        return Split(np.full(rows, TRAIN, np.int8), "same rows", (note,), True)
    parts, fixed = _fixed_parts(source)
    shares = {
        "test": 0.0 if (parts == TEST).any() else test,
        "validation": 0.0 if (parts == VALIDATION).any() else validation,
    }
    free = np.flatnonzero(parts == TRAIN)
    if not len(free):
        raise DataError(f"{source.name} has no training rows. Give a file that has some.")
    method = chosen_method(roles, target, method)
    codes = _codes(source, roles, target)
    if method == "stratified" and codes is not None:
        _check_classes(codes, target, shares)
    notes: list[str] = []
    if any(shares.values()) or not fixed:
        parts[free], notes = _divide(source, roles, method, codes, free, shares, seed)
    if fixed:
        notes += _fixed_notes(source, roles, parts, shares, len(free))
        method = "files" if not any(shares.values()) else f"files, then {method}"
    if not (parts == TRAIN).any():
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
    parts = np.full(len(source.frame), TRAIN, np.int8)
    if source.parts is None:
        return parts, False
    given = np.asarray(source.parts).astype("U10")
    known = {*PARTS, "", UNUSED}
    assert len(given) == len(parts) and set(np.unique(given)) <= known, "parts of a source"
    parts[given == "validation"], parts[given == "test"] = VALIDATION, TEST
    parts[given == UNUSED] = len(PARTS)
    return parts, bool((given != "").any())


def chosen_method(roles: Roles, target: Target, method: str) -> str:
    """Give the way in which rows are divided, "auto" resolved; series by time before all."""
    if method != "auto":
        return "key" if method == "random" and roles.key is not None else method
    order = ("time", "group", "key") if target.kind == "series" else ("group", "time", "key")
    for role in order:
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
        return by_class(codes[free], shares, seed)
    if method == "key":
        return by_hash(source.frame[roles.key].iloc[free], shares, seed), [
            "The part of a row is a hash of its key: the shares are met only roughly, and new "
            "rows never move the others."
        ]
    if method == "group":
        return by_group(source.frame[roles.group].iloc[free], roles.key, shares, seed)
    if method == "time":
        return by_time(source.frame[roles.time].iloc[free], shares)
    order = np.argsort(scramble(np.arange(len(free)), seed), kind="stable")
    return cut(order, shares), []


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
    there = np.bincount(parts, minlength=len(PARTS))
    empty = [part for part, share in shares.items() if share and not there[PARTS.index(part)]]
    return [f"There are too few rows for {part} rows; there are none." for part in empty]


def _missing_classes(codes: np.ndarray | None, parts: np.ndarray, target: Target) -> list[str]:
    """Say which classes are not in every part that has rows."""
    if codes is None:
        return []
    notes = []
    for number, part in enumerate(PARTS):
        inside = parts == number
        absent = np.flatnonzero(np.bincount(codes[inside], minlength=len(target.classes)) == 0)
        if inside.any() and len(absent):
            names = ", ".join(f"'{target.classes[code]}'" for code in absent[:10])
            more = f" and {len(absent) - 10} more" if len(absent) > 10 else ""
            notes.append(f"No {part} row has class {names}{more}: too few rows to be everywhere.")
    return notes


def _fixed_notes(source, roles, parts, shares, free: int) -> list[str]:
    """What the files gave, what was taken from the training rows, which groups are in two files."""
    notes = []
    for number in (VALIDATION, TEST):
        count = int((parts == number).sum())
        if shares[PARTS[number]] and count:
            notes.append(f"{count} of {free} training rows are taken for {PARTS[number]}.")
    if roles.group is not None:
        groups = source.frame[roles.group]
        both = set(groups[parts == TRAIN]) & set(groups[parts != TRAIN])
        if both:
            notes.append(f"WARNING: {len(both)} groups are in training rows and in others.")
    return notes
