"""Rows as numbers of 64 bits: equal rows have equal numbers, whatever the order of columns."""

from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np
from pandas import DataFrame

from layerwise.data import cells
from layerwise.data.dividing import scramble
from layerwise.data.encoding import Encoding
from layerwise.data.preparation import Preparation
from layerwise.data.roles import Roles
from layerwise.data.source import Source

ROWS_AT_ONCE = 2**19  # rows that are copied at a time
AT_ONCE = 2**24  # bytes of an array that are read at a time


def fingerprints(source: Source, preparation: Any) -> np.ndarray:
    """Give one number per row that all its inputs decide; (rows,) uint64.

    Only columns that the network sees count, as they were read, not as they were prepared. What
    differs in any of them differs here, but for one chance in 10^19 per pair of rows.
    """
    if hasattr(preparation, "fingerprints"):  # of text, a series, a graph: it knows what is shown
        return preparation.fingerprints(source)
    if source.inputs is not None:
        return _of_array(source.inputs)
    total = np.zeros(len(source.frame), np.uint64)
    for encoding in preparation.encodings:
        total += _of_column(source.frame, encoding)
    return scramble(total, 0)


def row_fingerprints(source: Source, preparation: Preparation, rows: np.ndarray) -> np.ndarray:
    """Give the numbers of some rows, as int64 so that they can be kept as a tensor; (rows,)."""
    marks = np.empty(len(rows), np.uint64)
    for first in range(0, len(rows), ROWS_AT_ONCE):
        some = slice(first, first + ROWS_AT_ONCE)
        marks[some] = fingerprints(some_rows(source, rows[some]), preparation)
    return marks.view(np.int64)


def content(source: Source, preparation: Preparation, roles: Roles) -> np.ndarray:
    """Give one number per row that inputs and target decide; (rows,) uint64."""
    total = fingerprints(source, preparation)
    for name in roles.target:
        if name in source.frame.columns:
            total = total + _of_labels(source.frame, name)
    return scramble(total, 1)


def fingerprint(numbers: np.ndarray) -> str:
    """Give one text for a set of rows, whatever their order; 16 hexadecimal digits."""
    return blake2b(np.sort(numbers).astype("<u8").tobytes(), digest_size=8).hexdigest()


def some_rows(source: Source, rows: np.ndarray) -> Source:
    """Give a source of these rows only."""
    return replace(
        source,
        frame=source.frame.iloc[rows].reset_index(drop=True),
        inputs=None if source.inputs is None else source.inputs[rows],
        parts=None,
    )


def _of_column(frame: DataFrame, encoding: Encoding) -> np.ndarray:
    if encoding.kind == "category":
        return _of_labels(frame, encoding.name)
    total = np.zeros(len(frame), np.uint64)
    for feature, values in zip(
        encoding.features, encoding.numbers(cells.column(frame, encoding.name)), strict=True
    ):
        plain = values.astype(np.float64) + 0.0  # -0 becomes 0
        plain[np.isnan(plain)] = np.nan  # one kind of NaN
        total += scramble(plain.view(np.uint64), _number(feature))
    return total


def _of_labels(frame: DataFrame, name: str) -> np.ndarray:
    codes, names = cells.labels(cells.column(frame, name))
    known = np.array([_number(f"{name}\0{value}") for value in names] + [0], dtype=np.uint64)
    return scramble(known[codes], _number(name))


def _of_array(array: np.ndarray) -> np.ndarray:
    """Give the numbers of rows of an array, read some at a time; floats as they are stored."""
    width = max(1, int(np.prod(array.shape[1:])) * array.dtype.itemsize)
    step = max(1, AT_ONCE // width)
    found = [_of_block(array[first : first + step]) for first in range(0, len(array), step)]
    return np.concatenate(found) if found else np.zeros(0, np.uint64)


def _of_block(block: np.ndarray) -> np.ndarray:
    plain = np.ascontiguousarray(block.reshape(len(block), -1))
    if plain.dtype.kind == "f":
        plain = plain + plain.dtype.type(0)
    data = plain.view(np.uint8).reshape(len(plain), -1)
    words = np.pad(data, ((0, 0), (0, -data.shape[1] % 8))).view(np.uint64)
    places = scramble(np.arange(words.shape[1]), 2)
    return scramble(scramble_words(words, places).sum(axis=1, dtype=np.uint64), 0)


def scramble_words(words: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Give each word of each row, mixed with its place; (rows, words) uint64."""
    mixed = (words ^ places) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ (mixed >> np.uint64(32))


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
