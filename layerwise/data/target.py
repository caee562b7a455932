"""What is to be predicted: its kind, its classes, and its values as numbers."""

from dataclasses import replace

import numpy as np
from pandas import DataFrame, Series

from layerwise.contracts import Target
from layerwise.data import cells
from layerwise.data.kinds import LEADING_ZERO
from layerwise.data.roles import Roles, several
from layerwise.data.source import Source
from layerwise.errors import DataError, SettingsError, nearest

FEW_CLASSES = 20  # whole numbers with at most so many different values are classes, ...
ROWS_PER_CLASS = 4  # ... if there are so many rows for each of them
LABEL_NAMES = ("label", "class")  # a column of this name holds classes, up to MANY_CLASSES
MANY_CLASSES = 1000
TYPE_OPTIONS = ("categorical", "numeric")
CLASS_TASKS = ("classify", "detect", "perceptron_rule")
POSITIVE_WORDS = ("1", "true", "yes", "y", "t", "on", "positive", "pos")


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
            f"No row of {source.name} has a value in the target {_quoted(roles.target)}. "
            "Give another column with --target, or data that have the answers."
        )
    if len(roles.target) != 1:
        return _several_targets(frame, roles.target, task)
    name = roles.target[0]
    series = cells.column(frame, name)
    kind = _one_kind(source, series, name, task)
    if kind in ("count", "real"):
        _check_numbers(series, name, kind)
        if positive is not None:
            raise SettingsError(
                f"--positive names one of two classes, but the target '{name}' holds numbers "
                f"({kind}). Leave --positive out, or give --task classify."
            )
        return Target(kind, (name,))
    classes = _sorted_classes(series)
    if len(classes) < 2:
        raise DataError(
            f"The target '{name}' is constant: every row is '{', '.join(classes)}'. From 1 class "
            "there is nothing to learn. Give another column with --target, or rows with other values."
        )
    if len(classes) > 2 and positive is not None:
        raise SettingsError(
            f"--positive names one of two classes, but the target '{name}' has {len(classes)}: "
            f"{', '.join(classes[:20])}. Leave --positive out."
        )
    if len(classes) > 2:
        return Target("classes", roles.target, classes)
    return Target("binary", roles.target, _positive_last(classes, positive, name))


def target_notes(source: Source, roles: Roles, target: Target) -> tuple[str, ...]:
    """Why the target was taken as it was, what is odd in it, each in one sentence."""
    notes = []
    if target.kind in ("binary", "classes"):
        notes += _class_notes(cells.column(source.frame, target.names[0]), target)
    if target.kind == "binary":
        notes += [f"The positive class is '{target.classes[1]}'; --positive names the other."]
    if target.kind == "real" and len(target.names) == 1:
        series = cells.column(source.frame, target.names[0])
        if _is_whole(cells.numbers(series)):
            notes += [
                f"'{target.names[0]}' holds {series.nunique()} different whole numbers: taken as "
                "a quantity. --task classify takes them as classes, --task count as counts."
            ]
    return tuple(notes)


def _class_notes(series: Series, target: Target) -> list[str]:
    notes = []
    if cells.is_numeric(series) and series.dtype.kind != "b":
        notes += [
            f"'{target.names[0]}' holds {len(target.classes)} different whole numbers: taken as "
            "classes. --task regress takes them as a quantity."
        ]
    folded: dict[str, list[str]] = {}
    for name in target.classes:
        folded.setdefault(name.casefold(), []).append(name)
    alike = [same for same in folded.values() if len(same) > 1]
    notes += [f"Classes {_quoted(same)} differ by their capitals alone." for same in alike]
    return notes


def _one_kind(source: Source, series: Series, name: str, task: str | None) -> str:
    """The kind of one target column: "classes" (two or more), "count" or "real"."""
    columns = list(source.frame.columns)
    options = {key: several((source.options or {}).get(key), columns) for key in TYPE_OPTIONS}
    if task in CLASS_TASKS or name in options["categorical"]:
        return "classes"
    if task == "count":
        return "count"
    if task == "regress" or name in options["numeric"]:
        return "real"
    if not cells.is_numeric(series):
        values = _numbers_of_text(series)
        if values is None:
            return "classes"
    elif series.dtype.kind == "b":
        return "classes"
    else:
        values = cells.numbers(series)
    return "classes" if _are_codes(values, name) else "real"


def _numbers_of_text(series: Series) -> np.ndarray | None:
    """Numbers (rows,) where every text is one and none has a leading zero, else None."""
    _, names = cells.labels(series)
    values = np.array([cells.as_number(value) for value in names])
    if np.isnan(values).any() or any(LEADING_ZERO.fullmatch(value) for value in names):
        return None
    return cells.numbers(series)


def _is_whole(values: np.ndarray) -> bool:
    """Whether there are values and all of them are whole numbers."""
    values = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return bool(len(values)) and bool(np.all(np.isfinite(values)) and np.all(values % 1 == 0))


def _are_codes(values: np.ndarray, name: str) -> bool:
    """Whether numbers stand for classes: whole, and few different ones for the rows there are."""
    if not _is_whole(values[:1000]) or not _is_whole(values):
        return False
    different, rows = len(np.unique(values)), len(values)
    most = MANY_CLASSES if name.lower() in LABEL_NAMES else FEW_CLASSES
    return different <= 2 or (different <= most and different * ROWS_PER_CLASS <= rows)


def _sorted_classes(series: Series) -> tuple[str, ...]:
    """Class names; numbers by size, text by alphabet without regard to capitals."""
    _, names = cells.labels(series)
    values = [cells.as_number(name) for name in names]
    if not np.isnan(values).any():
        return tuple(name for _, name in sorted(zip(values, names, strict=True)))
    return tuple(sorted(names, key=lambda name: (name.casefold(), name)))


def _positive_last(classes: tuple[str, ...], positive: str | None, name: str) -> tuple[str, ...]:
    if positive is not None:
        wanted = cells.as_label(positive)
        if wanted not in classes:
            raise SettingsError(
                f"--positive '{wanted}' is no class of the target '{name}'."
                f"{nearest(wanted, classes)}"
            )
    else:
        wanted = next((c for c in classes if c.casefold() in POSITIVE_WORDS), classes[1])
    return (*(c for c in classes if c != wanted), wanted)


def _several_targets(frame: DataFrame, names: tuple[str, ...], task: str | None) -> Target:
    """All 0 and 1: labels; all numbers: real. Anything else, and a constant one, is an error."""
    columns = [cells.column(frame, name) for name in names]
    for series in columns:
        if series.nunique() < 2:
            raise DataError(
                f"The target '{series.name}' is constant: every row is '{series.iloc[0]}'. Leave "
                "it out of --target."
            )
    if task not in ("regress", "count") and all(_zero_one(series) for series in columns):
        return Target("labels", names, names)
    if task in CLASS_TASKS:
        raise DataError(
            f"Several targets can be classified where each holds 0 and 1 only; {_quoted(names)} "
            "hold other values. Give one of them with --target."
        )
    for series, name in zip(columns, names, strict=True):
        if not cells.is_numeric(series) and _numbers_of_text(series) is None:
            raise DataError(
                f"Several targets must all hold 0 and 1, or all hold numbers, but '{name}' holds "
                f"'{series.iloc[0]}'. Give one column with --target, or leave '{name}' out."
            )
        _check_numbers(series, name, "count" if task == "count" else "real")
    return Target("count" if task == "count" else "real", names)


def _zero_one(series: Series) -> bool:
    return bool(np.isfinite(cells.truths(series)).all())


def _check_numbers(series: Series, name: str, kind: str) -> None:
    """Raise unless every value is a finite number that differs somewhere (counts: 0, 1, 2, ...)."""
    values = cells.numbers(series).astype(np.float64)
    bad = ~np.isfinite(values)
    must = "a finite number"
    if kind == "count" and not bad.any():
        bad, must = (values < 0) | (values % 1 != 0), "a count (0, 1, 2, ...)"
    if bad.any():
        raise DataError(
            f"The target '{name}' must be {must} in every row, but {int(bad.sum())} of {len(bad)} "
            f"rows are not, such as {cells.example(series, bad)}. "
            "Mend or remove these rows, or choose another --task."
        )
    if len(values) and values.min() == values.max():
        raise DataError(
            f"The target '{name}' is constant: every row is {values[0]:g} "
            f"(n_samples = {len(values)}). There is nothing to learn. Give another column with --target, or rows with other values."
        )


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
    keep = ~missing
    note = (
        f"{int(missing.sum())} of {len(missing)} rows have no value in the target "
        f"{_quoted(roles.target)} and are left out."
    )
    return replace(
        source,
        frame=source.frame[keep].reset_index(drop=True),
        inputs=None if source.inputs is None else source.inputs[keep],
        parts=None if source.parts is None else source.parts[keep],
        notes=(*source.notes, note),
    )


def encode_target(frame: DataFrame, roles: Roles, target: Target) -> np.ndarray:
    """The target as numbers; every row must have one.

    binary, classes : (rows,) int64, the number of the class; labels : (rows, labels) float32;
    count, real : (rows, targets) float32, in the units of the data
    Raises DataError for a class that ``target`` does not have and for missing values.
    """
    if target.kind in ("binary", "classes"):
        _none_missing(frame, roles)
        return _class_codes(cells.column(frame, roles.target[0]), target)
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
            f"{missing} of {len(frame)} rows have no value in the target {_quoted(roles.target)}. "
            "Remove these rows."
        )


def _class_codes(series: Series, target: Target) -> np.ndarray:
    codes, names = cells.labels(series)
    number = {name: code for code, name in enumerate(target.classes)}
    unknown = [name for name in names if name not in number]
    if unknown:
        raise DataError(
            f"The target '{target.names[0]}' has classes that were not there in training: "
            f"{_quoted(unknown[:5])}. Known are {_quoted(target.classes[:20])}. Remove these rows."
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


def _quoted(names) -> str:
    return ", ".join(f"'{name}'" for name in names)
