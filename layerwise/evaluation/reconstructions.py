"""What simple methods without labels leave of a row: baselines of every reconstruction."""

from collections.abc import Sequence
from time import monotonic

import numpy as np
from torch import Tensor

from layerwise.evaluation.baselines import BaselineResult

MOST_ROWS = 100_000  # that principal components are fitted on


def fit_reconstructions(
    names: Sequence[str], inputs: Tensor, train: np.ndarray, code: int, *, seed: int = 0
) -> list[BaselineResult]:
    """Fit "mean_row" and "pca" on the training rows; their error for every row.

    inputs : (rows, ...) as the network sees them
    train : numbers of the training rows
    code : numbers in the network's code: as many principal components are kept
    returns : scores (rows, 1), mean squared error per number
    """
    rows = inputs.detach().flatten(1).cpu().numpy().astype(np.float64)
    results = []
    for name in names:
        began = monotonic()
        if name == "mean_row":
            guess, note = rows[train].mean(axis=0), f"Fitted on {len(train)} rows."
        else:
            guess, note = _components(rows, train, code, seed)
        scores = ((rows - guess) ** 2).mean(axis=1, keepdims=True)
        results.append(BaselineResult(name, scores, monotonic() - began, note))
    return results


def _components(
    rows: np.ndarray, train: np.ndarray, code: int, seed: int
) -> tuple[np.ndarray, str]:
    """What principal components give back of every row, and how they were fitted."""
    from sklearn.decomposition import PCA  # half a second to import

    some = train
    if len(train) > MOST_ROWS:
        some = np.random.default_rng(seed).choice(train, MOST_ROWS, replace=False)
    kept = max(1, min(code, rows.shape[1], len(some)))
    model = PCA(kept, random_state=seed).fit(rows[some])
    back = model.inverse_transform(model.transform(rows))
    share = float(model.explained_variance_ratio_.sum())
    return back, f"{kept} components, {share:.0%} of the variance of {len(some)} training rows."
