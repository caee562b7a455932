"""The values of one column as labels, numbers, truth values or dates."""

import re

import numpy as np
import pandas as pd
from pandas import DataFrame, DatetimeIndex, Series

from layerwise.errors import DataError

TRUTH_WORDS = {
    **dict.fromkeys(("true", "yes", "y", "t", "on", "1"), 1.0),
    **dict.fromkeys(("false", "no", "n", "f", "off", "0"), 0.0),
}
TRUTH_PAIRS = tuple(
    map(
        frozenset,
        (("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("off", "on"), ("0", "1")),
    )
)
THREE_PARTS = re.compile(r"(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})(?:[T ]+(\d.*))?")
YEAR_MONTH = re.compile(r"([12]\d{3})[-/.](0?[1-9]|1[0-2])")
MONTH_WORD = re.compile(r"(?i)\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b")
THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?")
DECIMAL_COMMA = re.compile(r"[-+]?\d+(\.\d{3})*,\d+")
POINT_GROUPS = re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+")


def column(frame: DataFrame, name: str) -> Series:
    """The one column of this name."""
    series = frame[name]
    assert isinstance(series, Series), f"two columns are called {name}"
    return series


def example(series: Series, chosen: np.ndarray) -> str:
    """The first of the chosen rows, for a message: 'value' in row n, rows counted from 1."""
    place = int(np.argmax(chosen))
    row = series.index[place]
    return f"'{series.iloc[place]}' in row {row + 1 if isinstance(row, int | np.integer) else row}"


def labels(series: Series) -> tuple[np.ndarray, list[str]]:
    """Codes (rows,) with -1 where missing, and the different values as text.

    1 and 1.0 are the same label "1"; spaces around text do not count; "01" is not "1".
    """
    codes, values = pd.factorize(series)
    names = [as_label(value) for value in values]
    known = dict.fromkeys(name for name in names if name)
    if len(known) == len(names):
        return codes, names
    number = {name: code for code, name in enumerate(known)}
    merged = np.array([number.get(name, -1) for name in names] + [-1])
    return merged[codes], list(known)


def as_label(value) -> str:
    """One value as the text by which it is known; empty where it says nothing."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, pd.Timestamp) else str(value).strip()


def is_numeric(series: Series) -> bool:
    """Whether the column was already read as numbers or truth values."""
    return pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.is_timedelta64_dtype(
        series.dtype
    )


def numbers(series: Series, reading: str = "") -> np.ndarray:
    """Numbers (rows,) of the narrowest type at hand, NaN where missing or no number.

    Infinite values stay. Nothing is copied where the column already holds numbers.
    reading : "", "decimal comma" or "thousands comma"
    """
    kind = getattr(series.dtype, "kind", "O")
    if kind == "c":
        raise DataError(
            f"Column '{series.name}' has complex numbers. Give two columns, its real and "
            "imaginary part, or leave it out with --ignore."
        )
    if kind == "m":
        return series.dt.total_seconds().to_numpy() / 86400
    if is_numeric(series):
        plain = isinstance(series.dtype, np.dtype)
        return series.to_numpy() if plain else series.to_numpy(np.float64, na_value=np.nan)
    codes, names = labels(series)
    values = np.array([as_number(name, reading) for name in names] + [np.nan])
    return values[codes]


def as_number(text: str, reading: str = "") -> float:
    """The number that a text writes, or NaN."""
    if reading == "decimal comma":
        text = text.replace(".", "").replace(",", ".")
    elif reading == "thousands comma":
        text = text.replace(",", "")
    try:
        return float(text)
    except ValueError:
        return float("nan")


def number_reading(names: list[str]) -> str:
    """How most of these texts write their numbers: "", "decimal comma" or "thousands comma".

    Decimal commas beside decimal points are no way of writing: 2.5 would become 25.
    """
    with_comma = [name for name in names if "," in name]
    with_point = [name for name in names if "." in name and "," not in name]
    if with_comma and all(THOUSANDS.fullmatch(name) for name in with_comma):
        return "thousands comma"
    if with_comma and all(DECIMAL_COMMA.fullmatch(name) for name in with_comma):
        points_group = all(POINT_GROUPS.fullmatch(name) for name in with_point)
        return "decimal comma" if points_group else ""
    return ""


def are_truth_words(names: list[str]) -> bool:
    """Whether these are the two words of one pair, such as yes and no."""
    return len(names) == 2 and frozenset(name.lower() for name in names) in TRUTH_PAIRS


def truths(series: Series) -> np.ndarray:
    """1 where true, 0 where false, NaN where missing or neither: (rows,) float64."""
    if is_numeric(series):
        values = numbers(series).astype(np.float64)
        return np.where((values == 0) | (values == 1), values, np.nan)
    codes, names = labels(series)
    return np.array([TRUTH_WORDS.get(name.lower(), np.nan) for name in names] + [np.nan])[codes]


def date_reading(names: list[str], where: str) -> str | None:
    """The order in which these texts write their dates; None where they are no dates.

    Returns "year first", "day first", "month first", the same with ", a guess" where no text
    decides between day and month, or "words". Raises DataError for two orders in one column.
    """
    found = [THREE_PARTS.fullmatch(name) for name in names]
    if names and all(YEAR_MONTH.fullmatch(name) for name in names):
        return "year first"
    if not names or not all(found):
        worded = bool(names) and all(MONTH_WORD.search(n) and re.search(r"\d", n) for n in names)
        return "words" if worded and not dates(Series(names), "words").isna().any() else None
    triples = [(match[1], int(match[3]), match[4]) for match in found if match]
    if all(len(first) == 4 for first, _, _ in triples):
        fits = all(1 <= middle <= 12 and 1 <= int(last) <= 31 for _, middle, last in triples)
        return "year first" if fits else None
    if not all(len(last) in (2, 4) and len(first) <= 2 for first, _, last in triples):
        return None
    return _day_or_month_first(
        names, [(int(first), middle) for first, middle, _ in triples], found[0], where
    )


def _day_or_month_first(names, pairs, match, where) -> str | None:
    day_first = [i for i, (first, second) in enumerate(pairs) if first > 12 and second <= 12]
    month_first = [i for i, (first, second) in enumerate(pairs) if second > 12 and first <= 12]
    if any(not 1 <= min(pair) <= 12 or not 1 <= max(pair) <= 31 for pair in pairs):
        return None
    if day_first and month_first:
        raise DataError(
            f"{where} has dates in two orders: '{names[day_first[0]]}' has the day first, "
            f"'{names[month_first[0]]}' the month. Write all as 2020-12-31, or leave the column "
            "out with --ignore."
        )
    if day_first or month_first:
        return "day first" if day_first else "month first"
    return "month first, a guess" if match[2] == "/" else "day first, a guess"


def dates(series: Series, reading: str) -> DatetimeIndex:
    """Moments (rows,) without a time zone (UTC), NaT where missing or no date."""
    if getattr(series.dtype, "kind", "O") == "M":
        index = DatetimeIndex(series)
        return index.tz_convert(None) if index.tz is not None else index
    codes, names = labels(series)
    texts = [_iso(name, reading) for name in names]
    moments = pd.to_datetime(
        Series(texts, dtype=object),
        format="mixed" if reading == "words" else "ISO8601",
        errors="coerce",
        utc=True,
    )
    late = moments.isna().to_numpy()
    if late.any() and reading != "words":  # such as "2020-01-31 3:05 PM"
        rest = Series([text for text, is_late in zip(texts, late, strict=True) if is_late])
        moments[late] = pd.to_datetime(rest, format="mixed", errors="coerce", utc=True).array
    values = DatetimeIndex(moments).tz_convert(None)
    return DatetimeIndex(values.append(DatetimeIndex([pd.NaT])).take(codes))


def _iso(text: str, reading: str) -> str | None:
    """The text in the order year, month, day; None where it is no date of that reading."""
    if reading == "words":
        return text
    if reading == "digits":
        return f"{text[:4]}-{text[4:6] or '01'}-{text[6:8] or '01'}"
    if month := YEAR_MONTH.fullmatch(text):
        return f"{month[1]}-{month[2]:0>2}-01"
    match = THREE_PARTS.fullmatch(text)
    if not match:
        return None
    parts = [match[1], match[3], match[4]]
    if reading.startswith("day"):
        parts = parts[::-1]
    elif reading.startswith("month"):
        parts = [parts[2], parts[0], parts[1]]
    year, month, day = map(int, parts)
    if len(parts[0]) <= 2:
        year += 2000 if year < 70 else 1900
    return f"{year:04}-{month:02}-{day:02}" + (f" {match[5].strip()}" if match[5] else "")


def date_features(moments: DatetimeIndex, clock: bool) -> dict[str, np.ndarray]:
    """What a network can use of a date: name -> (rows,) float64, NaN where missing.

    The months, weekdays and, with ``clock``, hours go round in circles, so that December is
    next to January; "elapsed days" counts from 1970.
    """
    day = np.asarray((moments - pd.Timestamp(0)) / pd.Timedelta(days=1), np.float64)
    turns = {
        "month": (np.asarray(moments.month, np.float64) - 1) / 12,
        "weekday": np.asarray(moments.day_of_week, np.float64) / 7,
    }
    if clock:
        turns["hour"] = day % 1
    features = {"year": np.asarray(moments.year, np.float64)}
    for name, turn in turns.items():
        angle = 2 * np.pi * turn
        features |= {f"{name} sine": np.sin(angle), f"{name} cosine": np.cos(angle)}
    return features | {"elapsed days": day}
