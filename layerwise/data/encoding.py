"""From columns to numbers and codes, and from these to what a network sees.

The first half reads values and knows pandas; the second (``TableInputs``, ``ImageInputs``) is a
pure function of tensors that can be traced and exported.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from pandas import Series
from torch import Tensor, nn

from layerwise.data import cells
from layerwise.data.kinds import Column

MISSING = "(missing)"  # the class of missing values in a category
MOST_CODES = 10_000  # categories of one column; rarer ones are unknown, ...
MOST_ONE_HOT = 100  # ... and as columns of 0 and 1
BLOCK = 2**21  # numbers that are handled as float64 at once (16 MiB)
LARGEST = 1e6  # standardized values are cut here, so that one absurd value gives no infinity


@dataclass(frozen=True)
class Encoding:
    """How one column becomes features: numbers, or one column of category codes.

    categories : names of the codes 1, 2, ...; code 0 is unknown
    clock : dates have a time of day
    """

    name: str
    kind: str
    reading: str = ""
    clock: bool = False
    categories: tuple[str, ...] = ()
    features: tuple[str, ...] = ()

    def numbers(self, series: Series) -> list[np.ndarray]:
        """One array (rows,) per feature, NaN where missing; views where the column is numeric."""
        if self.kind == "date":
            moments = cells.dates(series, self.reading)
            return list(cells.date_features(moments, self.clock).values())
        if self.kind == "boolean":
            return [cells.truths(series)]
        return [cells.numbers(series, self.reading)]

    def codes(self, series: Series) -> np.ndarray:
        """Category codes (rows,) int64; 0 where the category is not known."""
        known = {name: code for code, name in enumerate(self.categories, start=1)}
        codes, names = cells.labels(series)
        of_name = [known.get(name, 0) for name in names] + [known.get(MISSING, 0)]
        return np.array(of_name, np.int64)[codes]


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

    Infinite values count as missing. Only a few features are held as float64 at a time.
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


class TableInputs(nn.Module):
    """Fills, marks and standardizes numbers; keeps codes or makes columns of 0 and 1 of them.

    Parameters
    ----------
    fill, mean, scale : Tensor
        (features,) float64.
    indicators : Tensor
        (marked,) int64: the features whose missing values get a column of their own.
    categories : tuple of int
        Number of codes per code column; 0 is unknown.
    one_hot : bool
        Codes become columns of 0 and 1; an unknown one is 0 in all.
    """

    fill: Tensor
    mean: Tensor
    scale: Tensor
    indicators: Tensor

    def __init__(self, fill, mean, scale, indicators, categories=(), one_hot=False):
        super().__init__()
        for name, value in zip(
            ("fill", "mean", "scale", "indicators"), (fill, mean, scale, indicators), strict=True
        ):
            self.register_buffer(name, value)
        self.categories, self.one_hot = tuple(categories), one_hot

    def forward(self, numbers: Tensor, codes: Tensor | None = None):
        """Standardized features, with a dict where codes stay codes.

        numbers : (rows, features) float, NaN where missing; codes : (rows, columns) int64
        returns : (rows, width) float32, or {"numbers": that, "codes": codes}
        """
        missing = numbers.isnan()
        filled = torch.where(missing, self.fill, numbers)
        standard = ((filled - self.mean) / self.scale).clamp(-LARGEST, LARGEST)
        parts = [standard.to(torch.float32)]
        if len(self.indicators):
            parts.append(missing[:, self.indicators].to(torch.float32))
        if self.one_hot and codes is not None:
            for place, size in enumerate(self.categories):
                known = torch.arange(1, size, device=codes.device)
                parts.append((codes[:, place : place + 1] == known).to(torch.float32))
        joined = torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
        return joined if self.one_hot or codes is None else {"numbers": joined, "codes": codes}


class ImageInputs(nn.Module):
    """Standardizes each channel.

    Parameters
    ----------
    mean, scale : Tensor
        (channels,) float64.
    axes : int
        Axes of one example: 3 for (channels, height, width).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor, axes: int = 3):
        super().__init__()
        shape = (-1, *[1] * (axes - 1))
        self.register_buffer("mean", mean.to(torch.float32).reshape(shape))
        self.register_buffer("scale", scale.to(torch.float32).reshape(shape))

    def forward(self, images: Tensor) -> Tensor:
        """(rows, channels, ...) of any number type to the same shape, float32."""
        return (images.to(torch.float32) - self.mean) / self.scale
