"""What kind of values a column holds, told from the values themselves."""

import re
from dataclasses import dataclass, replace

import numpy as np
from pandas import Series
from pandas.api.types import is_datetime64_any_dtype

import layerwise.data.cells as cells
from layerwise.errors import DataError

INPUT_KINDS = ("number", "category", "boolean", "date")
FEW_BAD = 0.1  # share of values that may be no number in a column of numbers, ...
FEW_BAD_WORDS = 3  # ... and how many different ones
NEARLY_UNIQUE = 0.5  # different values per value
FREE_TEXT_WORDS = 6  # words per value on average
FEW_VALUES = 20  # text with at most so many different values is a category in any case
LEADING_ZERO = re.compile(r"[-+]?0\d+")
LONG = re.compile(r"[-+]?\d{16,}")
NAMES_ROWS = re.compile(r"(?i)(^|[_\W])(id|index|uuid|guid|nr|number)$|[a-z]I[Dd]$|^unnamed: \d+$")


@dataclass(frozen=True)
class Column:
    """One column: its kind, why it is left out or what is odd, how its text is read.

    kind : number, category, boolean or date (inputs); identifier, text, constant, empty or
        unused (left out)
    reading : "", "decimal comma", "thousands comma" or, for dates, the order of their parts
    """

    name: str
    kind: str
    note: str = ""
    reading: str = ""

    @property
    def is_input(self) -> bool:
        """Whether a network sees this column."""
        return self.kind in INPUT_KINDS


def tell_kind(series: Series, forced: str | None = None) -> Column:
    """The kind of a column, from all its rows; ``forced`` is what the user says it is.

    Kinds and readings say how a table is read; nothing here is fitted. Raises DataError where a
    column cannot be of the forced kind, or mixes two orders of day and month.
    """
    name = str(series.name)
    if forced is not None:
        return _forced(series, name, forced)
    if is_datetime64_any_dtype(series.dtype):
        return _with_missing(_date(series, name), series)
    if cells.is_numeric(series):
        return _tell_numbers(series, name)
    return _tell_text(series, name)


def _forced(series: Series, name: str, forced: str) -> Column:
    """The column as the user wants it, or an error that shows what stands in the way."""
    reading = ""
    if forced == "category":
        values = series.notna()
    elif forced == "boolean":
        values = ~np.isnan(cells.truths(series))
    elif forced == "number":
        if not cells.is_numeric(series):
            reading = cells.number_reading(cells.labels(series)[1])
        values = np.isfinite(cells.numbers(series, reading))
    else:
        reading = _date(series, name, demanded=True).reading
        values = cells.dates(series, reading).notna()
    present, good = int(series.notna().sum()), int(values.sum())
    if good * 2 < present or good == 0:
        wrong = (series.notna() & ~values).to_numpy()
        example = f", such as {cells.example(series, wrong)}" if wrong.any() else ""
        raise DataError(
            f"Column '{name}' cannot be read as {forced}: {present - good} of {present} values "
            f"are none{example}. Leave it out of that --data option, or mend the values."
        )
    notes = [f"{present - good} values are no {forced}: taken as missing"] * (good < present)
    return _with_missing(Column(name, forced, "; ".join(notes), reading), series)


def _tell_numbers(series: Series, name: str) -> Column:
    values = cells.numbers(series)
    whole = values.dtype.kind in "iub"
    finite = None if whole else np.isfinite(values)
    if finite is not None and not finite.all():
        infinite = int(np.isinf(values).sum())
        values = values[finite]
        if not len(values):
            return Column(name, "empty", "no value in any row")
        notes = [f"{infinite} infinite values: taken as missing"] * bool(infinite)
        column = Column(name, "boolean" if _zero_one(values) else "number", "; ".join(notes))
        return _with_missing(column, series)
    if not len(values):
        return Column(name, "empty", "no rows")
    low, high = values.min(), values.max()
    if low == high:
        return Column(name, "constant", f"always {cells.as_label(low)}")
    if _zero_one(values):
        return Column(name, "boolean")
    if whole and _names_rows(values, int(low), int(high), name):
        return Column(name, "identifier", "looks like an identifier: a different number per row")
    return Column(name, "number")


def _zero_one(values: np.ndarray) -> bool:
    """Whether all values are 0 or 1; the first thousand usually decide."""
    return all(bool(((part == 0) | (part == 1)).all()) for part in (values[:1000], values))


def _names_rows(values: np.ndarray, low: int, high: int, name: str) -> bool:
    """Whether whole numbers count the rows, or are unique in a column called like an identifier."""
    if len(values) < FEW_VALUES:
        return False
    counts = high - low + 1 == len(values) and bool((np.diff(values) == 1).all())
    return counts or (NAMES_ROWS.search(name) is not None and len(np.unique(values)) == len(values))


def _tell_text(series: Series, name: str) -> Column:
    codes, names = cells.labels(series)
    if not names:
        return Column(name, "empty", "no value in any row")
    present = int((codes >= 0).sum())
    if len(names) == 1 and present == len(codes):
        return Column(name, "constant", f"always '{names[0]}'")
    if cells.are_truth_words(names):
        return _with_missing(Column(name, "boolean"), series)
    column = _numbers_in_text(codes, names, name) or _date(series, name, names)
    if column.kind == "text":
        column = _category_or_not(codes, names, present, name)
        numbers = mostly_numbers(codes, names)
        hint = f"{numbers}; --data.numeric {name} reads the others as missing" if numbers else ""
        column = replace(column, note="; ".join(filter(None, (column.note, hint))))
    return _with_missing(column, series) if column.is_input else column


def _numbers_in_text(codes: np.ndarray, names: list[str], name: str) -> Column | None:
    """A column of numbers that are written as text, or None."""
    if written_codes(names):
        return None
    reading = cells.number_reading(names)
    values = np.array([cells.as_number(value, reading) for value in names])
    bad = np.isnan(values)
    rows = np.bincount(codes[codes >= 0], minlength=len(names))
    if bad.all() or bad.sum() > FEW_BAD_WORDS or rows[bad].sum() > FEW_BAD * rows.sum():
        return None
    words = ", ".join(f"'{names[i]}'" for i in np.flatnonzero(bad))
    notes = []
    if bad.any():
        notes += [f"{rows[bad].sum()} values are no numbers ({words}): taken as missing"]
    if np.isinf(values).any():
        notes += [f"{rows[np.isinf(values)].sum()} infinite values: taken as missing"]
    if reading:
        notes += [f"read with a {reading}, such as '{next(v for v in names if ',' in v)}'"]
    return Column(name, "number", "; ".join(notes), reading)


def written_codes(names: list[str]) -> bool:
    """Whether a whole number among these texts would lose digits if it were read as a number."""
    return any(
        LEADING_ZERO.fullmatch(name) or (LONG.fullmatch(name) and abs(float(name)) >= 2**53)
        for name in names
    )


def mostly_numbers(codes: np.ndarray, names: list[str]) -> str:
    """What to say of text in which half of the values or more are numbers; else nothing."""
    if written_codes(names):
        return ""
    reading = cells.number_reading(names)
    bad = np.isnan([cells.as_number(value, reading) for value in names])
    rows = np.bincount(codes[codes >= 0], minlength=len(names))
    good = int(rows[~bad].sum())
    if not bad.any() or good * 2 < rows.sum():
        return ""
    word = names[int(np.argmax(bad))]
    return f"{good} of {rows.sum()} values are numbers, but not all, such as '{word}'"


def _date(
    series: Series, name: str, names: list[str] | None = None, *, demanded: bool = False
) -> Column:
    """The column as dates, or of kind "text" where it has none."""
    if is_datetime64_any_dtype(series.dtype):
        return Column(name, "date")
    names = cells.labels(series)[1] if names is None else names
    if demanded and all(re.fullmatch(r"\d{4}|\d{6}|\d{8}", value) for value in names):
        return Column(name, "date", reading="digits")
    if demanded:
        names = [value for value in names if cells.date_reading([value], name)]
    reading = cells.date_reading(names, f"Column '{name}'")
    if reading is None:
        return Column(name, "text")
    if reading.endswith(", a guess"):
        order = reading.removesuffix(", a guess")
        note = f"'{names[0]}' may have day or month first: taken as {order}"
        return Column(name, "date", f"dates, {note}", order)
    return Column(name, "date", f"dates, {reading}" if reading != "words" else "dates", reading)


def _category_or_not(codes: np.ndarray, names: list[str], present: int, name: str) -> Column:
    """Text that repeats is a category; text that hardly does names the rows or is free."""
    if len(names) <= FEW_VALUES or len(names) <= NEARLY_UNIQUE * present:
        codes_note = "leading zeros, or more digits than a number holds: taken as categories"
        return Column(name, "category", codes_note if written_codes(names) else "")
    words = sum(len(value.split()) for value in names) / len(names)
    many = f"{len(names)} different values in {present} rows"
    if words >= FREE_TEXT_WORDS:
        return Column(name, "text", f"free text, {words:.0f} words on average: left out")
    return Column(name, "identifier", f"looks like an identifier: {many}")


def _with_missing(column: Column, series: Series) -> Column:
    """The column, its note with the number of rows that have no value."""
    missing = int(series.isna().sum())
    if not missing:
        return column
    note = f"{missing} of {len(series)} rows have no value"
    return replace(column, note="; ".join(filter(None, (column.note, note))))
