"""What is to be predicted: its kind, its classes, and its values as numbers."""

from dataclasses import replace

import numpy as np
from pandas import DataFrame, Series

import layerwise.data.cells as cells
from layerwise.contracts import Target
from layerwise.data.kinds import mostly_numbers
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.data.target_kind import (
    check_numbers,
    describe_several,
    is_whole,
    kind_of_one,
    positive_last,
    quoted,
    sorted_classes,
)
from layerwise.errors import DataError, SettingsError


def describe_target(
    source: Source, roles: Roles, *, task: str | None = None, positive: str | None = None
) -> Target:
    """The kind of the target and, for classes, their names in sorted order.

    One column of two values is "binary", of text "classes". Whole numbers are classes where they
    have at most 20 different values and four rows for each (or 1000 in a column called "label"
    or "class"); other numbers are "real". ``task`` "classify" or "perceptron_rule" makes
    classes, "regress" real, "count" counts. Several columns are "labels" where all hold 0 and 1,
    else "real".
    positive : the positive one of two classes; without it the one called 1, yes, true or
        positive, else the later in sorted order

    Raises DataError for a target that is constant, always missing, or not of the demanded kind.
    """
    task = task if isinstance(task, str) and task != "auto" else None
    if not roles.target:
        return Target("none")
    frame = source.frame.loc[~missing_target(source.frame, roles), list(roles.target)]
    if not len(frame):
        raise DataError(
            f"No row of {source.name} has a value in the target {quoted(roles.target)}. "
            "Give another column with --target, or data that have the answers."
        )
    if len(roles.target) != 1:
        return describe_several(frame, roles.target, task)
    series = cells.column(frame, roles.target[0])
    kind = kind_of_one(source, series, roles.target[0], task)
    if kind == "classes":
        return _with_classes(series, roles.target[0], positive)
    check_numbers(series, roles.target[0], kind)
    if positive is not None:
        raise SettingsError(
            f"--positive names one of two classes, but the target '{roles.target[0]}' holds "
            f"numbers ({kind}). Leave --positive out, or give --task classify."
        )
    return Target(kind, roles.target)


def _with_classes(series: Series, name: str, positive: str | None) -> Target:
    """The target with the names of its classes: "binary" for two, "classes" for more."""
    classes = sorted_classes(series)
    if len(classes) < 2:
        raise DataError(
            f"The target '{name}' is constant: every row is '{', '.join(classes)}'. From 1 class "
            "there is nothing to learn. Give another column with --target, or rows with other "
            "values."
        )
    if len(classes) > 2 and positive is not None:
        raise SettingsError(
            f"--positive names one of two classes, but the target '{name}' has {len(classes)}: "
            f"{', '.join(classes[:20])}. Leave --positive out."
        )
    if len(classes) > 2:
        return Target("classes", (name,), classes)
    return Target("binary", (name,), positive_last(classes, positive, name))


def target_notes(source: Source, roles: Roles, target: Target) -> tuple[str, ...]:
    """Why the target was taken as it was, what is odd in it, each in one sentence."""
    notes = []
    if target.kind in ("binary", "classes"):
        notes += _class_notes(cells.column(source.frame, target.names[0]), target)
    if target.kind == "binary":
        notes += [f"The positive class is '{target.classes[1]}'; --positive names the other."]
    if target.kind == "real" and len(target.names) == 1:
        series = cells.column(source.frame, target.names[0])
        if is_whole(cells.numbers(series)):
            notes += [
                f"'{target.names[0]}' holds {series.nunique()} different whole numbers: taken as "
                "a quantity. --task classify takes them as classes, --task.loss poisson as counts."
            ]
    return tuple(notes)


def _class_notes(series: Series, target: Target) -> list[str]:
    notes = []
    if cells.is_numeric(series) and series.dtype.kind != "b":
        notes += [
            f"'{target.names[0]}' holds {len(target.classes)} different whole numbers: taken as "
            "classes. --task regress takes them as a quantity."
        ]
    elif numbers := mostly_numbers(*cells.labels(series)):
        notes += [f"'{target.names[0]}': {numbers}; taken as classes."]
    folded: dict[str, list[str]] = {}
    for name in target.classes:
        folded.setdefault(name.casefold(), []).append(name)
    alike = [same for same in folded.values() if len(same) > 1]
    notes += [f"Classes {quoted(same)} differ by their capitals alone." for same in alike]
    return notes


def missing_target(frame: DataFrame, roles: Roles) -> np.ndarray:
    """Rows (rows,) bool in which some target has no value."""
    missing = np.zeros(len(frame), bool)
    for name in roles.target:
        missing |= cells.column(frame, name).isna().to_numpy()
        if not cells.is_numeric(cells.column(frame, name)) and not missing.all():
            missing |= cells.labels(cells.column(frame, name))[0] < 0
    return missing


def drop_missing_target(source: Source, roles: Roles) -> Source:
    """The source without the rows that have no target; their number is in its notes.

    Raises DataError where no row is left.
    """
    missing = missing_target(source.frame, roles)
    if not missing.any():
        return source
    if missing.all():
        describe_target(source, roles)  # raises
    note = (
        f"{int(missing.sum())} of {len(missing)} rows have no value in the target "
        f"{quoted(roles.target)} and are left out."
    )
    kept = source.take(np.flatnonzero(~missing))
    return replace(kept, notes=(*source.notes, note))


def encode_target(frame: DataFrame, roles: Roles, target: Target) -> np.ndarray:
    """The target as numbers; every row must have one.

    binary, classes : (rows,) int64, the number of the class; labels : (rows, labels) float32;
    count, real : (rows, targets) float32, in the units of the data; none : (rows, 1) zeros
    Raises DataError for a class that ``target`` does not have and for missing values.
    """
    if target.kind in ("binary", "classes"):
        _none_missing(frame, roles)
        return _class_codes(cells.column(frame, roles.target[0]), target)
    if target.kind == "none":
        return np.zeros((len(frame), 1), np.float32)
    return target_values(frame, roles, target).astype(np.float32)


def target_values(frame: DataFrame, roles: Roles, target: Target) -> np.ndarray:
    """Labels, counts or real numbers (rows, targets) float64, in the units of the data.

    Raises DataError for missing, infinite and unreadable values.
    """
    _none_missing(frame, roles)
    read = cells.truths if target.kind == "labels" else cells.numbers
    columns = [read(cells.column(frame, name)).astype(np.float64) for name in roles.target]
    values = np.stack(columns, axis=1) if columns else np.zeros((len(frame), 0))
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        name = roles.target[column]
        raise DataError(
            f"The target '{name}' has no {'0 or 1' if target.kind == 'labels' else 'finite number'}"
            f" in row {row + 1}: '{cells.column(frame, name).iloc[row]}'. Mend or remove that row."
        )
    return values


def _none_missing(frame: DataFrame, roles: Roles) -> None:
    missing = int(missing_target(frame, roles).sum())
    if missing:
        raise DataError(
            f"{missing} of {len(frame)} rows have no value in the target {quoted(roles.target)}. "
            "Remove these rows."
        )


def _class_codes(series: Series, target: Target) -> np.ndarray:
    codes, names = cells.labels(series)
    number = {name: code for code, name in enumerate(target.classes)}
    unknown = [name for name in names if name not in number]
    if unknown:
        raise DataError(
            f"The target '{target.names[0]}' has classes that were not there in training: "
            f"{quoted(unknown[:5])}. Known are {quoted(target.classes[:20])}. Remove these rows."
        )
    return np.array([number[name] for name in names], np.int64)[codes]


def balanced_weights(codes: np.ndarray, num_classes: int) -> np.ndarray:
    """Weight of each class (num_classes,) float32 so that all have the same say.

    rows / (classes x rows of the class); 1 for a class without rows. Give training rows only.
    """
    counts = np.bincount(codes, minlength=num_classes)
    present = int((counts > 0).sum())
    weights = np.ones(num_classes)
    weights[counts > 0] = len(codes) / (present * counts[counts > 0])
    return weights.astype(np.float32)
