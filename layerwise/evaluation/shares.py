"""Intervals of shares in closed form: of one share, and of the difference of two paired ones."""

from math import sqrt

import numpy as np
from scipy.special import chdtri, ndtri

TAIL = 0.025  # chance on each side of a 95 % interval


def share_ends(hits: int, rows: int) -> tuple[float, float]:
    """Give the 95 % interval of a share of independent rows.

    Wilson 1927, with the end beside 0 or 1 moved out where fewer than four rows are on the other
    side (Brown, Cai and DasGupta 2001, "Interval estimation for a binomial proportion", section
    4.1.1); at 0 and 1 the exact bound. It covers in 93 to 97 of 100 where the percentile
    bootstrap of 100 rows falls to 80.
    """
    if hits in (0, rows):
        return clopper_pearson(hits // rows, rows)
    z, share = -float(ndtri(TAIL)), hits / rows
    center = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * sqrt(share * (1 - share) / rows + (z / (2 * rows)) ** 2)
    few = 2 if rows <= 50 else 3
    low, high = center - half, center + half
    if hits <= few:
        low = min(low, _rare(hits) / rows)
    if rows - hits <= few:
        high = max(high, 1 - _rare(rows - hits) / rows)
    return low, high


def _rare(events: int) -> float:
    """Give the lower bound of a Poisson mean after so many events."""
    return float(chdtri(2 * events, 1 - 2 * TAIL)) / 2


def clopper_pearson(value: int, trials: int) -> tuple[float, float]:
    """Give the exact 95 % interval of a share that was 0 or 1 in every one of ``trials``.

    Clopper and Pearson 1934. One trial that went right says: between 0.025 and 1.
    """
    bound = TAIL ** (1 / trials)
    return (bound, 1.0) if value else (0.0, 1.0 - bound)


def paired_ends(
    first: int, second: int, rows: int, below: float = TAIL, above: float = TAIL
) -> tuple[float, float]:
    """Give the interval of the difference of two shares on the same rows.

    Bonett and Price 2012, "Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data": one row is added to each kind of disagreement.

    first, second : rows where only the first, only the second was right
    below, above : chance that the interval leaves to each side
    """
    center, deviation = _paired(first, second, rows)
    low = center + float(ndtri(below)) * deviation
    high = center - float(ndtri(above)) * deviation
    return float(np.clip(low, -1, 1)), float(np.clip(high, -1, 1))


def paired_deviation(first: int, second: int, rows: int) -> float:
    """Give the standard error of that difference."""
    return _paired(first, second, rows)[1]


def _paired(first: int, second: int, rows: int) -> tuple[float, float]:
    one, other = (first + 1) / (rows + 2), (second + 1) / (rows + 2)
    center = one - other
    return center, sqrt(max(one + other - center**2, 0.0) / (rows + 2))
