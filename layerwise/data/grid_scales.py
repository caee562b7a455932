"""From one grid to another: means over blocks of cells, interpolation, the areas of cells."""

from __future__ import annotations

import numpy as np

KEYS = -0.5  # Keys' free number: with it the kernel is exact for parabolas
METHODS = ("bilinear", "bicubic")
ROUND = 360.0  # degrees


def block_means(values: np.ndarray, factor: int, area: np.ndarray) -> np.ndarray:
    """Means over blocks of ``factor`` x ``factor`` cells, weighted by area.

    values : (..., H, W), NaN where missing; the sides are multiples of ``factor``
    area : (H, W)
    returns : (..., H / factor, W / factor), NaN where all of a block is missing
    """
    known = np.isfinite(values)
    weight = np.where(known, area, 0.0)
    total = _block_sums(np.where(known, values, 0.0) * weight, factor)
    weights = _block_sums(weight, factor)
    return np.divide(total, weights, out=np.full(total.shape, np.nan), where=weights > 0)


def axis_weights(
    coarse: np.ndarray, fine: np.ndarray, method: str, *, around: bool = False
) -> np.ndarray:
    """What each coarse place gives to each fine one along an axis, (fine, coarse) float64.

    Bicubic is Keys 1981, "Cubic convolution interpolation for digital image processing", IEEE
    ASSP 29, eq. 15 with a = -1/2, four places; bilinear takes two. Beyond the ends the last value
    stands. The maps of two axes are applied one after the other.

    coarse, fine : coordinates, rising or falling; of longitudes the turns are made alike
    around : whether the coarse axis closes in a circle of 360 degrees
    """
    assert method in METHODS, method
    places = fractional_places(coarse, fine, around=around)
    reach = range(0, 2) if method == "bilinear" else range(-1, 3)
    first = np.floor(places).astype(int)
    weights = np.zeros((len(fine), len(coarse)))
    for step in reach:
        taken = first + step
        share = _kernel(np.abs(places - taken), method)
        at = taken % len(coarse) if around else np.clip(taken, 0, len(coarse) - 1)
        np.add.at(weights, (np.arange(len(fine)), at), share)
    return weights


def fractional_places(coarse: np.ndarray, fine: np.ndarray, *, around: bool = False) -> np.ndarray:
    """Where fine coordinates lie among the coarse ones, in steps of these; (fine,)."""
    if len(coarse) == 1:
        return np.zeros(len(fine))
    sign = 1.0 if coarse[-1] > coarse[0] else -1.0
    base, wanted = sign * coarse, sign * fine
    if around:
        wanted = base[0] + (wanted - base[0]) % ROUND
        base = np.append(base, base[0] + ROUND)
    count = np.arange(len(base), dtype=float)
    inside = np.interp(wanted, base, count)
    before, after = wanted < base[0], wanted > base[-1]
    inside[before] = (wanted[before] - base[0]) / (base[1] - base[0])
    inside[after] = count[-1] + (wanted[after] - base[-1]) / (base[-1] - base[-2])
    return inside


def same_turn(coarse: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """Fine longitudes with whole turns added, so that they lie nearest to the coarse ones."""
    middle = (coarse.min() + coarse.max()) / 2
    return fine + ROUND * np.round((middle - fine) / ROUND)


def goes_around(longitudes: np.ndarray) -> bool:
    """Whether longitudes in degrees close in a circle."""
    if len(longitudes) < 4:
        return False
    step = abs(longitudes[-1] - longitudes[0]) / (len(longitudes) - 1)
    return bool(abs(step * len(longitudes) - ROUND) < 0.5 * step)


def nearest_filled(values: np.ndarray) -> np.ndarray:
    """Missing cells of each map take the nearest known one; maps without any become 0.

    values : (..., h, w)
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    from scipy.ndimage import distance_transform_edt

    filled = values.copy().reshape(-1, *values.shape[-2:])
    masks = missing.reshape(filled.shape)
    for one, mask in zip(filled, masks, strict=True):
        if mask.all():
            one[:] = 0.0
        elif mask.any():
            near = distance_transform_edt(mask, return_distances=False, return_indices=True)
            one[:] = one[tuple(near)]  # type: ignore[arg-type]
    return filled.reshape(values.shape)


def cell_areas(height: int, width: int, latitudes: np.ndarray | None) -> np.ndarray:
    """How much each cell counts, (H, W) with mean 1: the cosine of its latitude in degrees.

    latitudes : (H,), or None where all cells are alike
    """
    rows = np.ones(height)
    if latitudes is not None:
        rows = np.maximum(np.cos(np.deg2rad(latitudes)), 0.0)  # the poles' cosine is 6e-17
    return np.repeat((rows / rows.mean())[:, None], width, axis=1)


def _block_sums(values: np.ndarray, factor: int) -> np.ndarray:
    *before, height, width = values.shape
    blocks = values.reshape(*before, height // factor, factor, width // factor, factor)
    return blocks.sum(axis=(-3, -1))


def _kernel(distance: np.ndarray, method: str) -> np.ndarray:
    """Share of a place so many steps away."""
    if method == "bilinear":
        return np.maximum(1.0 - distance, 0.0)
    near = (KEYS + 2) * distance**3 - (KEYS + 3) * distance**2 + 1
    far = KEYS * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0.0))
