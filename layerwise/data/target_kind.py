"""The kind of a target: classes, labels, counts or real numbers, told from its values."""

import numpy as np
from pandas import DataFrame, Series

import layerwise.data.cells as cells
from layerwise.contracts import Target
from layerwise.data.kinds import written_codes
from layerwise.data.source import Source, several
from layerwise.errors import DataError, SettingsError, nearest

FEW_CLASSES = 20  # whole numbers with at most so many different values are classes, ...
ROWS_PER_CLASS = 4  # ... if there are so many rows for each of them
LABEL_NAMES = ("label", "class")  # a column of this name holds classes, up to MANY_CLASSES
MANY_CLASSES = 1000
TYPE_OPTIONS = ("categorical", "numeric")
CLASS_TASKS = ("classify", "detect", "perceptron_rule")
POSITIVE_WORDS = ("1", "true", "yes", "y", "t", "on", "positive", "pos")


def kind_of_one(source: Source, series: Series, name: str, task: str | None) -> str:
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
    """Numbers (rows,) where every text is one and loses no digit by it, else None."""
    _, names = cells.labels(series)
    values = np.array([cells.as_number(value) for value in names])
    if np.isnan(values).any() or written_codes(names):
        return None
    return cells.numbers(series)


def is_whole(values: np.ndarray) -> bool:
    """Whether there are values and all of them are whole numbers."""
    values = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    return bool(len(values)) and bool(np.all(np.isfinite(values)) and np.all(values % 1 == 0))


def _are_codes(values: np.ndarray, name: str) -> bool:
    """Whether numbers stand for classes: whole, and few different ones for the rows there are."""
    if not is_whole(values[:1000]) or not is_whole(values):
        return False
    different, rows = len(np.unique(values)), len(values)
    most = MANY_CLASSES if name.lower() in LABEL_NAMES else FEW_CLASSES
    return different <= 2 or (different <= most and different * ROWS_PER_CLASS <= rows)


def sorted_classes(series: Series) -> tuple[str, ...]:
    """Class names; numbers by size, text by alphabet without regard to capitals."""
    _, names = cells.labels(series)
    values = [cells.as_number(name) for name in names]
    if not np.isnan(values).any():
        return tuple(name for _, name in sorted(zip(values, names, strict=True)))
    return tuple(sorted(names, key=lambda name: (name.casefold(), name)))


def positive_last(classes: tuple[str, ...], positive: str | None, name: str) -> tuple[str, ...]:
    """The two classes with the positive one last. Raises SettingsError where it is none of them."""
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


def describe_several(frame: DataFrame, names: tuple[str, ...], task: str | None) -> Target:
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
            f"Several targets can be classified where each holds 0 and 1 only; {quoted(names)} "
            "hold other values. Give one of them with --target."
        )
    for series, name in zip(columns, names, strict=True):
        if not cells.is_numeric(series) and _numbers_of_text(series) is None:
            raise DataError(
                f"Several targets must all hold 0 and 1, or all hold numbers, but '{name}' holds "
                f"'{series.iloc[0]}'. Give one column with --target, or leave '{name}' out."
            )
        check_numbers(series, name, "count" if task == "count" else "real")
    return Target("count" if task == "count" else "real", names)


def _zero_one(series: Series) -> bool:
    return bool(np.isfinite(cells.truths(series)).all())


def check_numbers(series: Series, name: str, kind: str) -> None:
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
            f"(n_samples = {len(values)}). There is nothing to learn. Give another column with "
            "--target, or rows with other values."
        )


def quoted(names) -> str:
    """Names for a message: 'a', 'b'."""
    return ", ".join(f"'{name}'" for name in names)
