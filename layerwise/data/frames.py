"""Data frames made plain, with one name per column, and stacked under the same columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas import DataFrame

from layerwise.errors import DataError, nearest


def plain_frame(frame: DataFrame, notes: list[str]) -> DataFrame:
    """The frame with text names, rows counted from 0, and plain numbers, truth values and text."""
    names = ["_".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame]
    plain = [
        _plain_series(frame.iloc[:, place], names[place], notes) for place in range(len(names))
    ]
    if not all(after is before for after, before in plain):
        frame = pd.DataFrame({place: after for place, (after, _) in enumerate(plain)}, copy=False)
    else:
        frame = frame.copy(deep=False)
    frame.columns = names
    frame = frame.reset_index(drop=True)
    return without_twins(frame, notes)


def _plain_series(series: pd.Series, name: str, notes: list[str]) -> tuple[pd.Series, pd.Series]:
    """(the column as a plain one, the column as it came)."""
    kind = series.dtype
    if isinstance(kind, np.dtype) and kind.kind in "biufM":
        return series, series
    if isinstance(kind, pd.CategoricalDtype):
        return _plain_series(series.astype(series.cat.categories.dtype), name, notes)[0], series
    if isinstance(kind, pd.DatetimeTZDtype):
        return series.dt.tz_convert("UTC").dt.tz_localize(None), series
    if pd.api.types.is_bool_dtype(kind):
        return series.astype(float if series.hasnans else bool), series
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        whole = pd.api.types.is_integer_dtype(kind) and not series.isna().any()
        return series.astype(np.int64 if whole else np.float64), series
    if isinstance(kind, pd.StringDtype):
        return series, series
    return _plain_objects(series, name, notes), series


def _plain_objects(series: pd.Series, name: str, notes: list[str]) -> pd.Series:
    if series.dtype.kind == "m":
        return series.dt.total_seconds()
    filled = series.dropna()
    kinds = {type(value) for value in filled}
    if kinds and all(issubclass(kind, bytes) for kind in kinds):
        series, kinds = series.map(lambda value: value.decode("utf-8", "replace")), {str}
    numbers = (int, float, np.integer, np.floating, bool, np.bool_)
    if all(issubclass(kind, numbers) for kind in kinds):
        return series.astype(_number_type(filled, kinds, len(filled) == len(series)))
    odd = [
        kind.__name__ for kind in kinds if issubclass(kind, (list, dict, tuple, set, np.ndarray))
    ]
    if odd or pd.api.types.is_complex_dtype(series.dtype):
        raise DataError(
            f"Column '{name}' holds values of type {odd[0] if odd else 'complex'}. "
            "A column must hold numbers, truth values, dates or text."
        )
    if len(kinds) > 1:
        notes.append(f"Column '{name}' mixes values of different types; each is taken as written.")
    text = text_series([None if pd.isna(value) else str(value) for value in series])
    text.index = series.index
    return text


def _number_type(filled: pd.Series, kinds: set[type], full: bool) -> type:
    if full and kinds and kinds <= {bool, np.bool_}:
        return bool
    whole = full and all(issubclass(kind, (int, np.integer)) for kind in kinds) and bool(kinds)
    return np.int64 if whole and all(-(2**63) <= one < 2**63 for one in filled) else np.float64


def without_twins(frame: DataFrame, notes: list[str]) -> DataFrame:
    """One name per column: equal columns of one name become one, others get a number."""
    names = list(frame.columns)
    if len(set(names)) == len(names):
        return frame
    keep, new = [], []
    for place, name in enumerate(names):
        before = [other for other in range(place) if names[other] == name]
        if not before:
            keep.append(place)
            new.append(name)
        elif frame.iloc[:, place].equals(frame.iloc[:, before[0]]):
            notes.append(f"Column '{name}' is there twice with the same cells; kept once.")
        else:
            renamed = f"{name}.{len(before) + 1}"
            keep.append(place)
            new.append(renamed)
            notes.append(f"Column '{name}' is there twice; the later one is called '{renamed}'.")
    frame = frame.iloc[:, keep]
    frame.columns = new
    return frame


def stack_frames(named: list[tuple[str, DataFrame]]) -> DataFrame:
    """Rows of several frames under the columns of the first, which all must have."""
    first_name, first = named[0]
    for name, frame in named[1:]:
        same_columns(list(frame.columns), list(first.columns), name, first_name)
    columns = {}
    for column in first.columns:
        parts: Any = [(name, frame[column]) for name, frame in named]
        columns[column] = pd.concat(_alike(parts), ignore_index=True)
    return pd.DataFrame(columns)


def same_columns(names: Sequence[str], expected: Sequence[str], where: str, other: str) -> None:
    """Raise DataError unless both have the same columns, in whatever order."""
    lacking = [name for name in expected if name not in names]
    extra = [name for name in names if name not in expected]
    if lacking:
        raise DataError(
            f"Column '{lacking[0]}' of {other} is not in {where}.{nearest(lacking[0], names)}"
        )
    if extra:
        raise DataError(f"Column '{extra[0]}' of {where} is not in {other}. Columns must be alike.")


def _alike(parts: list[tuple[str, pd.Series]]) -> list[pd.Series]:
    """The parts of one column with one type; numbers become text only where nothing is lost."""
    text = [(name, part) for name, part in parts if _is_text(part) and part.notna().any()]
    if not text:  # numbers, and perhaps text columns without any filled cell
        return [part.astype(float) if _is_text(part) else part for _, part in parts]
    return [part if _is_text(part) else _digits(part, name, text[0][0]) for name, part in parts]


def _is_text(part: pd.Series) -> bool:
    return isinstance(part.dtype, pd.StringDtype) or part.dtype == object


def _digits(part: pd.Series, name: str, other: str) -> pd.Series:
    """Whole numbers as the text they were written as."""
    whole = part.dropna()
    if part.dtype.kind not in "iuf" or not (whole == np.floor(whole)).all():
        raise DataError(
            f"Column '{part.name}' holds numbers in {name} and text in {other}. Write them alike."
        )
    return text_series([None if pd.isna(value) else str(int(value)) for value in part])


def text_series(values: list | pa.ChunkedArray) -> pd.Series:
    """Text or None per row as pandas' text column; values are not copied where Arrow holds them."""
    cells = pa.array(values, pa.string()) if isinstance(values, list) else values
    return pa.table({"text": cells}).to_pandas()["text"]
