"""How good drawn samples are: their distribution, their fidelity, their variety, their novelty.

Everything is a function of two arrays of rows, real ones and drawn ones, perhaps seen through
``features``: a function from rows (rows, ...) to numbers (rows, features), such as the last hidden
layer of a classifier. Without it the rows themselves are compared, flattened.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from layerwise.errors import DataError, SettingsError

Features = Callable[[np.ndarray], np.ndarray]
ROUNDING = 1e-13  # share of the squares of two rows below which their squared distance is 0
BLOCK = 1024  # rows whose distances to all others are held at once


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares that tell fidelity and variety apart.

    precision : share of drawn rows that lie where real rows are; low where samples look wrong
    recall : share of real rows that lie where drawn rows are; low where modes are missing
    neighbours : the k of the neighbourhoods
    """

    precision: float
    recall: float
    neighbours: int


@dataclass(frozen=True)
class Nearest:
    """The most similar training row of each drawn row.

    indices : (drawn,) row numbers of training rows
    distances : (drawn,) Euclidean distances to them; 0 is a copy
    """

    indices: np.ndarray
    distances: np.ndarray


def frechet_distance(
    real: np.ndarray, drawn: np.ndarray, features: Features | None = None
) -> float:
    """Squared Frechet distance between Gaussians of the means and covariances of both.

    Source: Dowson and Landau 1982, "The Frechet distance between multivariate normal
    distributions": |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)). Heusel et al. 2017 take it in the
    features of an Inception network trained on photographs and call that FID; this is the same
    formula in the features given, so values compare only among the same features. It grows where
    rows are few: judge both by equally many, and many more than there are features.

    real, drawn : (rows, ...), at least 2 rows each
    returns : at least 0, in squared units of the features

    Raises
    ------
    DataError
        Rows that cannot be compared.
    """
    one, other = _seen(real, drawn, features)
    if min(len(one), len(other)) < 2:
        raise DataError(
            "The Frechet distance needs at least 2 real and 2 drawn rows for their covariances, "
            f"got {len(one)} and {len(other)}. Give more."
        )
    gap = one.mean(axis=0) - other.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(rows, rowvar=False)) for rows in (one, other))
    half = _root(first)
    shared = np.trace(_root(half @ second @ half))
    return max(0.0, float(gap @ gap + np.trace(first) + np.trace(second) - 2 * shared))


def precision_recall(
    real: np.ndarray, drawn: np.ndarray, features: Features | None = None, *, neighbours: int = 3
) -> PrecisionRecall:
    """Share of drawn rows within the manifold of the real ones, and the reverse.

    Source: Kynkaanniemi et al. 2019, "Improved precision and recall metric for assessing
    generative models", NeurIPS 32, equations 1 and 2: a manifold is the union of balls around its
    rows, each reaching to the row's k-th nearest neighbour (the row itself not counted). Give
    equally many rows of both.

    Raises
    ------
    DataError
        Rows that cannot be compared, or too few.
    SettingsError
        No neighbours.
    """
    one, other = _seen(real, drawn, features)
    _check_neighbours(neighbours, len(one), len(other))
    return PrecisionRecall(
        precision=float(_within(other, one, neighbours).mean()),
        recall=float(_within(one, other, neighbours).mean()),
        neighbours=neighbours,
    )


def nearest_training(
    drawn: np.ndarray, training: np.ndarray, features: Features | None = None
) -> Nearest:
    """Find the training row that each drawn row is most like; ties go to the first.

    Distances near 0 are copies: a generator that has learned rows by heart. Compare with the
    distances of held-out rows.

    drawn, training : (rows, ...), at least one row each
    """
    known, asked = _seen(training, drawn, features)
    indices, distances = [], []
    for block in _blocks(asked):
        found = squared_distances(block, known)
        nearest = found.argmin(axis=1)
        indices.append(nearest)
        distances.append(np.sqrt(((block - known[nearest]) ** 2).sum(axis=1)))
    return Nearest(np.concatenate(indices), np.concatenate(distances))


def neighbour_distances(rows: np.ndarray, neighbours: int = 1) -> np.ndarray:
    """Distance of each row to its k-th nearest other row, (rows,).

    rows : (rows, features), more than ``neighbours`` of them
    """
    found = []
    for first in range(0, len(rows), BLOCK):
        squares = squared_distances(rows[first : first + BLOCK], rows)
        places = np.arange(len(squares))
        squares[places, first + places] = -1  # the row itself, always the nearest
        found.append(np.partition(squares, neighbours, axis=1)[:, neighbours])
    return np.sqrt(np.concatenate(found))


def squared_distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances, (rows of one, rows of other); what is rounding is 0."""
    sizes = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)
    squares = sizes - 2 * one @ other.T
    squares[squares < ROUNDING * sizes] = 0
    return squares


def flat_rows(rows: np.ndarray, what: str) -> np.ndarray:
    """Rows as (rows, numbers) in float64; DataError where there are none or one is no number."""
    found = np.asarray(rows, dtype=np.float64)
    if found.ndim < 1 or len(found) == 0:
        raise DataError(f"There are no {what} rows to judge. Give at least one.")
    found = found.reshape(len(found), -1)
    if not np.isfinite(found).all():
        bad = int(np.flatnonzero(~np.isfinite(found).all(axis=1))[0])
        raise DataError(
            f"All {what} rows must hold finite numbers, but row {bad} does not. Leave such rows "
            "out, and look at why the network gave them."
        )
    return found


def _seen(
    real: np.ndarray, drawn: np.ndarray, features: Features | None
) -> tuple[np.ndarray, np.ndarray]:
    """Both as (rows, features) around the mean of the real ones, which keeps distances exact."""
    see = features or (lambda rows: rows)
    one, other = flat_rows(see(real), "real"), flat_rows(see(drawn), "drawn")
    if one.shape[1] != other.shape[1]:
        raise DataError(
            f"Real rows have {one.shape[1]} numbers each, drawn rows {other.shape[1]}; they must "
            "have as many. Bring both into the same shape."
        )
    middle = one.mean(axis=0)
    return one - middle, other - middle


def _root(matrix: np.ndarray) -> np.ndarray:
    """Square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _within(asked: np.ndarray, known: np.ndarray, neighbours: int) -> np.ndarray:
    """Whether each asked row lies in the ball of any known row, (asked,)."""
    radii = neighbour_distances(known, neighbours) ** 2 * (1 + 1e-9)  # the rim is within
    return np.concatenate(
        [(squared_distances(block, known) <= radii).any(axis=1) for block in _blocks(asked)]
    )


def _blocks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[first : first + BLOCK] for first in range(0, len(rows), BLOCK)]


def _check_neighbours(neighbours: int, *counts: int) -> None:
    if neighbours < 1:
        raise SettingsError(f"The number of neighbours must be at least 1, got {neighbours}.")
    if min(counts) <= neighbours:
        raise DataError(
            f"Neighbourhoods of {neighbours} rows need more than {neighbours} real and drawn rows, "
            f"got {' and '.join(map(str, counts))}. Give more rows, or fewer neighbours."
        )
