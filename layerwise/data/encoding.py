"""From columns to numbers and category codes, and the constants of the numbers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from pandas import DataFrame, Series

import layerwise.data.cells as cells
from layerwise.data.kinds import Column
from layerwise.errors import DataError, nearest

MISSING = "(missing)"  # the class of missing values in a category
MOST_CODES = 10_000  # categories of one column; rarer ones are unknown, ...
MOST_ONE_HOT = 100  # ... and as columns of 0 and 1
BLOCK = 2**21  # numbers that are handled as float64 at once (16 MiB)
HUGE = 1e150  # as good as infinite: the square is the last that float64 can hold


@dataclass(frozen=True)
class Encoding:
    """How one column becomes features: numbers, or one column of category codes.

    categories : names of the codes 1, 2, ...; code 0 is unknown
    clock : dates have a time of day
    left_out : number of categories that were too rare to be kept
    common : code of the category that most training rows have
    hidden : categories are marks, see ``marked``, instead of names
    """

    name: str
    kind: str
    reading: str = ""
    clock: bool = False
    categories: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    left_out: int = 0
    common: int = 0
    hidden: bool = False

    def numbers(self, series: Series) -> list[np.ndarray]:
        """One array (rows,) per feature, NaN where missing; views where the column is numeric."""
        if self.kind == "date":
            moments = cells.dates(series, self.reading)
            return list(cells.date_features(moments, self.clock).values())
        if self.kind == "boolean":
            return [cells.truths(series)]
        return [cells.numbers(series, self.reading)]

    def named(self, category: str) -> str:
        """Give how ``categories`` has this category: its name, or its mark."""
        return marked(self.name, category) if self.hidden else category

    def codes(self, series: Series) -> np.ndarray:
        """Category codes (rows,) int64; 0 where the category is not known."""
        known = {name: code for code, name in enumerate(self.categories, start=1)}
        codes, names = cells.labels(series)
        of_name = [known.get(self.named(name), 0) for name in names] + [known.get(MISSING, 0)]
        return np.array(of_name, np.int64)[codes]


def marked(column: str, category: str) -> str:
    """Give a mark of 16 hexadecimal digits by which a category can be recognised, not read."""
    return blake2b(f"{column}\0{category}".encode(), digest_size=8).hexdigest()


def fit_encoding(series: Series, column: Column, most: int) -> Encoding:
    """The encoding of a column, from its training rows ``series`` alone.

    most : number of categories that are kept, the most common ones
    """
    if column.kind == "category":
        codes, names = cells.labels(series)
        counts = np.bincount(codes + 1, minlength=len(names) + 1)
        kept = sorted(range(len(names)), key=lambda code: (-counts[code + 1], names[code]))[:most]
        categories = sorted(names[code] for code in kept)
        return Encoding(
            column.name,
            "category",
            categories=tuple(categories + [MISSING] * bool(counts[0])),
            features=(column.name,),
            left_out=len(names) - len(kept),
            common=categories.index(names[kept[0]]) + 1 if kept else 1,
        )
    if column.kind != "date":
        return Encoding(column.name, column.kind, column.reading, features=(column.name,))
    moments = cells.dates(series, column.reading).dropna()
    clock = bool((moments != moments.normalize()).any())
    names = cells.date_features(moments[:0], clock)
    features = tuple(f"{column.name}: {name}" for name in names)
    return Encoding(column.name, "date", column.reading, clock, (), features)


@dataclass(frozen=True)
class Constants:
    """What was seen in the training rows, per feature (features,) float64.

    fill : median; mean, scale : of the values that are there, scale 1 where all are equal;
    low, high : range; missing : number of rows without a value
    """

    fill: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    missing: np.ndarray


def fit_constants(
    columns: int, rows: int, read: Callable[[int, int], np.ndarray]
) -> Constants:  # fmt: skip
    """The constants of numeric features; ``read(first, last)`` gives some as (rows, n) float64.

    NaN counts as missing. Only a few features are held as float64 at a time.
    """
    step = max(1, BLOCK // max(rows, 1))
    parts = [
        _block_constants(read(first, min(first + step, columns)))
        for first in range(0, columns, step)
    ]
    if not parts:
        parts = [tuple(np.zeros(0) for _ in range(6))]
    return Constants(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _block_constants(block: np.ndarray) -> tuple[np.ndarray, ...]:
    finite = np.isfinite(block)
    if finite.all():
        fill, mean, scale = np.median(block, axis=0), block.mean(axis=0), block.std(axis=0)
        low, high = block.min(axis=0), block.max(axis=0)
        scale = np.where(scale > 1e-12 * np.abs(mean), scale, 1.0)
        return fill, mean, scale, low, high, np.zeros(block.shape[1])
    columns = [_column_constants(block[:, i][finite[:, i]]) for i in range(block.shape[1])]
    return (*np.array(columns).T, (~finite).sum(axis=0).astype(np.float64))


def _column_constants(values: np.ndarray) -> tuple[float, ...]:
    if not len(values):
        return 0.0, 0.0, 1.0, 0.0, 0.0
    mean, scale = values.mean(), values.std()
    scale = scale if scale > 1e-12 * abs(mean) else 1.0
    return float(np.median(values)), mean, scale, values.min(), values.max()


def fit_channels(images: np.ndarray, rows: np.ndarray) -> Constants:
    """Mean and scale per channel (channels,) of the images ``rows``, read block by block."""
    channels = images.shape[1]
    axes = (0, *range(2, images.ndim))
    count, total, squares = 0, np.zeros(channels), np.zeros(channels)
    low, high = np.full(channels, np.inf), np.full(channels, -np.inf)
    shift = np.asarray(images[rows[0]], np.float64).reshape(channels, -1).mean(axis=1)
    around = shift.reshape(-1, *[1] * (images.ndim - 2))
    for some in blocks(len(rows), int(np.prod(images.shape[1:]))):
        block = images[rows[some]].astype(np.float64)
        low, high = np.minimum(low, block.min(axis=axes)), np.maximum(high, block.max(axis=axes))
        block -= around
        count += block.size // channels
        total += block.sum(axis=axes)
        squares += np.square(block, out=block).sum(axis=axes)
    mean = total / count
    scale = np.sqrt(np.maximum(squares / count - mean**2, 0))
    mean = mean + shift
    scale = np.where(scale > 1e-9 * np.maximum(np.abs(mean), 1e-30), scale, 1.0)
    return Constants(mean, mean, scale, low, high, np.zeros(channels))


def blocks(rows: int, per_row: int) -> Iterator[slice]:
    """Slices that cover ``rows`` rows with about ``BLOCK`` numbers each."""
    step = max(1, BLOCK // max(per_row, 1))
    return (slice(first, min(first + step, rows)) for first in range(0, rows, step))


def read_columns(
    frame: DataFrame, encodings: list[Encoding]
) -> tuple[list[np.ndarray], np.ndarray | None]:
    """The number features, each (rows,), and the codes (rows, columns) int64 if there are any."""
    numbers: list[np.ndarray] = []
    codes: list[np.ndarray] = []
    for encoding in encodings:
        series = column_of(frame, encoding.name)
        if encoding.kind == "category":
            codes.append(encoding.codes(series))
        else:
            numbers += encoding.numbers(series)
    return numbers, np.stack(codes, axis=1) if codes else None


def as_block(arrays: list[np.ndarray], rows: slice | np.ndarray) -> np.ndarray:
    """Some rows of some features (rows, features) float64; infinite values become NaN."""
    count = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
    block = np.empty((count, len(arrays)), order="F")  # a feature's values lie side by side
    for place, array in enumerate(arrays):
        block[:, place] = array[rows]
    return _without_huge(block)


def finite(array: np.ndarray) -> np.ndarray:
    """A float64 copy in which infinite values are NaN."""
    return _without_huge(array.astype(np.float64, order="F"))


def _without_huge(block: np.ndarray) -> np.ndarray:
    block[np.abs(block) > HUGE] = np.nan
    return block


def column_of(frame: DataFrame, name: str) -> Series:
    """The column ``name``, or a DataError that names the nearest one."""
    if name not in frame.columns:
        raise DataError(
            f"Column '{name}', which the network was trained with, is not in the data."
            f"{nearest(name, frame.columns)} Add or rename it."
        )
    return cells.column(frame, name)
