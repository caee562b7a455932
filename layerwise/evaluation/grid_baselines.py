"""Simple methods on grids: interpolation, the mean field of training, and the two together."""

from collections.abc import Callable, Sequence
from time import monotonic

import numpy as np

from layerwise.data.grid_preparation import AT_ONCE, GridPreparation
from layerwise.data.source import Source, counted
from layerwise.evaluation.baselines import BaselineResult


def fit(
    names: Sequence[str],
    source: Source,
    preparation: GridPreparation,
    parts: np.ndarray,
    *,
    seconds: float,
    seed: int,
) -> list[BaselineResult]:
    """Let interpolations and the mean field of training say every row's fine field.

    Parameters
    ----------
    names : sequence of str
        "bilinear", "bicubic", "climatology", "corrected_bicubic"; the last two only where all
        rows are of one place.
    source, preparation : Source, GridPreparation
        The rows, and the constants of the training rows.
    parts : array of str
        (rows,), for the note on how many were fitted.
    seconds, seed
        Not needed: nothing takes long, nothing is drawn.

    Returns
    -------
    list of BaselineResult
        Scores (rows, targets x cells) in the units of the data.
    """
    tensors, train = preparation.tensors(), int((parts == "train").sum())
    fitted = f"Fitted on {counted(train, 'training row')}, each cell by itself."
    plain = "Nothing is fitted."
    kinds: dict[str, tuple[Callable[[], np.ndarray], str]] = {
        "bilinear": (lambda: interpolated(source, preparation, "bilinear"), plain),
        "bicubic": (lambda: interpolated(source, preparation, "bicubic"), plain),
        "climatology": (
            lambda: np.repeat(tensors["climate"].numpy()[None], len(source.frame), axis=0),
            fitted,
        ),
        "corrected_bicubic": (
            lambda: interpolated(source, preparation, "bicubic") + tensors["correction"].numpy(),
            fitted,
        ),
    }
    found = []
    for name in names:
        if name in ("climatology", "corrected_bicubic") and not preparation.fixed:
            continue  # patches of other places have no cell in common
        began = monotonic()
        scores, note = kinds[name][0](), kinds[name][1]
        flat = scores.reshape(len(scores), -1).astype(np.float32)
        found.append(BaselineResult(name, flat, monotonic() - began, note))
    return found


def interpolated(source: Source, preparation: GridPreparation, method: str) -> np.ndarray:
    """The coarse fields on the fine grid, (rows, targets, H, W) float64 in the data's units."""
    places = np.asarray(source.inputs)
    pieces = [
        preparation.interpolated(source, places[first : first + AT_ONCE], method)
        for first in range(0, len(places), AT_ONCE)
    ]
    return np.concatenate(pieces)
