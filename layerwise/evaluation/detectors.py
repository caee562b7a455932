"""What simple detectors that need no labels reach on the same rows: a network must beat them."""

from collections.abc import Iterator, Sequence
from time import monotonic
from typing import Any

import numpy as np
from torch import Tensor

from layerwise.contracts import Target
from layerwise.errors import SettingsError, nearest
from layerwise.evaluation.baselines import LEAST_SECONDS, BaselineResult
from layerwise.evaluation.flat_rows import FlatRows

DETECTORS = ("isolation_forest", "pca_error")
TREES = 100  # of 256 rows each, as the paper has them
VARIANCE = 0.9  # share of it that the principal components keep


def fit_detectors(
    names: Sequence[str],
    inputs: Tensor | dict[str, Tensor],
    rows: np.ndarray,
    target: Target,
    *,
    seconds: float = 60.0,
    seed: int = 0,
) -> list[BaselineResult]:
    """Fit detectors on some rows, whose classes they never see, and let them judge all rows.

    isolation_forest: how few random cuts part a row from the others, 2^(-depth / usual depth) in
    (0, 1) (Liu, Ting and Zhou 2008, "Isolation forest", eq. 2). pca_error: e / (1 + e), e the
    mean squared error per number of a row that the principal components rebuild which keep 90 %
    of the variance (Shyu et al. 2003, "A novel anomaly detection scheme based on principal
    component classifier"). Both rank rows; neither is a chance. None of them can end the run: one
    that fails, or has no time left, says so in its note and has NaN scores.

    Parameters
    ----------
    names : sequence of str
        Of ``DETECTORS``, in the order in which they share the time.
    inputs : tensor or dict
        (rows, ...), flattened, images above 32 x 32 averaged down; or "numbers" (rows, n) and
        "codes" (rows, k), codes one-hot.
    rows : array
        (fitted,) numbers of the rows to fit; large data are sampled. Weights are not minded.
    target : Target
        Binary: scores are (all rows, 2), [1 - s, s], of standardized inputs. None: (all rows, 1),
        s of the forest, but e of the components, in the inputs' own units squared.
    seconds : float
        For all of them together.
    """
    ends = monotonic() + seconds
    table = FlatRows(inputs, np.asarray(rows), np.empty(0, np.int64), seed=seed)
    count = len(next(iter(inputs.values())) if isinstance(inputs, dict) else inputs)
    empty = np.full((count, 2 if target.kind == "binary" else 1), np.nan)
    results = []
    for place, name in enumerate(names):
        if name not in DETECTORS:
            raise SettingsError(f"There is no detector '{name}'.{nearest(name, DETECTORS)}")
        began = monotonic()
        share = (ends - began) / (len(names) - place)  # the last may use what the others left
        scores, note = _attempt(name, table, target, seed, began + share)
        scores = empty if scores is None else scores
        results.append(BaselineResult(name, scores, monotonic() - began, note))
    return results


def _attempt(
    name: str, table: FlatRows, target: Target, seed: int, ends: float
) -> tuple[np.ndarray | None, str]:
    """Give (scores of all rows or None, note); whatever scikit-learn raises becomes the note."""
    if len(table.rows) < 2:
        return None, f"Not fitted: there are {len(table.rows)} training rows, it needs two."
    if ends - monotonic() < LEAST_SECONDS:
        return None, "Not fitted: no time was left."
    try:
        scores, note = _judged(name, table, target, seed, ends)
    except TimeoutError:
        return None, "Stopped by the time limit."
    except MemoryError:
        return None, "Not fitted: not enough memory."
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return None, f"Not fitted: scikit-learn said: {lines[0].rstrip('.')}."
    if not np.isfinite(scores).all():
        return None, "Not fitted: it gave no finite numbers."
    if target.kind == "binary":
        return np.stack([1 - scores, scores], axis=1), note
    return scores.reshape(-1, 1), note


def _judged(
    name: str, table: FlatRows, target: Target, seed: int, ends: float
) -> tuple[np.ndarray, str]:
    """Give (one score per row, note)."""
    if name == "isolation_forest":
        forest = _forest(seed).fit(table.training())
        return -np.concatenate([forest.score_samples(p) for p in _in_time(table, ends)]), table.note
    ready = table.standardized() if target.kind == "binary" else table
    components = _components().fit(ready.training())
    errors = np.concatenate([_errors(components, piece) for piece in _in_time(ready, ends)])
    note = f"{table.note} {components.n_components_} components keep 90 % of the variance."
    return errors / (1 + errors) if target.kind == "binary" else errors, note


def _forest(seed: int) -> Any:
    from sklearn.ensemble import IsolationForest  # half a second to import

    return IsolationForest(n_estimators=TREES, random_state=seed)


def _components() -> Any:
    from sklearn.decomposition import PCA

    return PCA(VARIANCE, svd_solver="covariance_eigh")


def _errors(components: Any, rows: np.ndarray) -> np.ndarray:
    """Mean squared error per number of each row that the components rebuild; (rows,) float64."""
    rebuilt = components.inverse_transform(components.transform(rows))
    return np.square(rows.astype(np.float64) - rebuilt).mean(axis=1)


def _in_time(table: FlatRows, ends: float) -> Iterator[np.ndarray]:
    """Yield all rows in pieces; TimeoutError when the time is over before the last."""
    for piece in table.all():
        if monotonic() > ends:
            raise TimeoutError
        yield piece
