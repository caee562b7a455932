"""What simple methods reach on the same rows with the same weights: a network must beat them."""

import warnings
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layerwise.contracts import Target
from layerwise.errors import SettingsError, nearest
from layerwise.evaluation.flat_rows import FlatRows

ITERATIONS = 1000  # of lbfgs
STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # scikit-learn's C, weakest fit first
ROUGH_CELLS = 2_000_000  # rows times features from which lbfgs may stop at 1e-3, else at 1e-4
TREES = 100  # boosting rounds
LEAST_SECONDS = 0.5  # a fit that has less time left is not begun


@dataclass(frozen=True)
class BaselineResult:
    """What a baseline says about every row.

    scores : as the predictions table has them: probabilities (all rows, classes or labels), or
        (all rows, targets) in the units of the targets that it was given; NaN where not fitted
    seconds : of fitting and predicting
    note : what it was fitted on and whether it came to its end, in words
    threshold : two classes: the chance from which on it says the positive one, for all or per row
        of the source; None: the likelier
    """

    name: str
    scores: np.ndarray
    seconds: float
    note: str
    threshold: float | np.ndarray | None = None


@dataclass(frozen=True)
class Baseline:
    """An entry of ``BASELINES``: a one-line summary, its kinds of target, and if it is quick."""

    summary: str
    kinds: tuple[str, ...]
    fast: bool


_CLASSIFIED, _AMOUNTS = ("binary", "classes", "labels"), ("count", "real")

BASELINES: dict[str, Baseline] = {
    "majority": Baseline("The shares of the classes among the training rows", _CLASSIFIED, True),
    "mean": Baseline("The mean of the training rows", _AMOUNTS, True),
    "logistic": Baseline("Logistic regression on standardized inputs", _CLASSIFIED, True),
    "linear": Baseline(
        "Linear regression, ridge 1; for counts, Poisson regression", _AMOUNTS, True
    ),
    "last_value": Baseline("The last known value, whatever the time ahead", ("series",), True),
    "seasonal": Baseline("The value one season before, of the best period", ("series",), True),
    "window_linear": Baseline(
        "A linear map of the window, ridge chosen on validation rows", ("series",), True
    ),
    "majority_class": Baseline("The commonest class for every pixel", ("mask",), True),
    "otsu": Baseline("A grey threshold after Otsu, of two classes", ("mask",), True),
    "pixel_logistic": Baseline(
        "Logistic regression of each pixel on its colours and those around it", ("mask",), True
    ),
    "bilinear": Baseline("Bilinear interpolation of the coarse field", ("field",), True),
    "bicubic": Baseline("Bicubic interpolation of the coarse field", ("field",), True),
    "climatology": Baseline("The mean field of the training rows", ("field",), True),
    "corrected_bicubic": Baseline(
        "Bicubic interpolation, plus what it lacks in each cell in the mean of training",
        ("field",),
        True,
    ),
    "copy": Baseline("The source text as it is", ("text",), True),
    "dictionary": Baseline(
        "Word by word, from a dictionary learned from the pairs (IBM model 1)", ("text",), True
    ),
    "boosted_trees": Baseline("Gradient-boosted trees", (*_CLASSIFIED, *_AMOUNTS), False),
}

WITHOUT_LABELS: dict[str, Baseline] = {
    "mean_row": Baseline("The mean of the training rows, whatever the row", ("none",), True),
    "pca": Baseline("Principal components, as many as the code has numbers", ("none",), True),
    "isolation_forest": Baseline("Isolation forest (Liu 2008)", ("none", "binary"), True),
    "bag_of_words": Baseline(
        "A linear model on weighted counts of words (TF-IDF)", (*_CLASSIFIED, *_AMOUNTS), True
    ),
    "unigram": Baseline("The shares of the tokens, whatever comes before", ("none",), True),
    "ngram": Baseline("Counted n-grams of the best length up to 5 (Witten-Bell)", ("none",), True),
    "random_player": Baseline("A player who moves at random", ("none",), True),
    "material": Baseline("One move ahead, counting pieces", ("none",), True),
    "untrained": Baseline("One move ahead, by random weights", ("none",), True),
    "pca_error": Baseline("Distance from the principal components", ("none", "binary"), True),
}


def choose_baselines(choice: str, target: Target, named: Sequence[str] = ()) -> tuple[str, ...]:
    """Give the names that "none", "fast" or "all" mean for a target.

    ``named``: those that the task names; empty: all that can judge this kind of target.
    SettingsError: the choice is another word.
    """
    if choice not in ("none", "fast", "all"):
        raise SettingsError(
            f"Baselines '{choice}' are not known.{nearest(choice, ('none', 'fast', 'all'))}"
        )
    known = BASELINES | WITHOUT_LABELS
    named = named or tuple(BASELINES)
    return tuple(
        name
        for name in named
        if choice != "none"
        and target.kind in known[name].kinds
        and (choice == "all" or known[name].fast)
    )


def fit_baselines(
    names: Sequence[str],
    inputs: Tensor | dict[str, Tensor],
    targets: Tensor,
    weight: Tensor | None,
    parts: np.ndarray,
    target: Target,
    *,
    seconds: float = 60.0,
    seed: int = 0,
) -> list[BaselineResult]:
    """Fit baselines on the training rows and let them predict all rows.

    None of them can end the run: one that fails, or has no time left, says so in its note and
    has NaN scores. Fits go on in pieces until they converge or the time is over.

    Parameters
    ----------
    names : sequence of str
        Of ``BASELINES``, in the order in which they share the time.
    inputs : tensor or dict
        (rows, ...), flattened, images above 32 x 32 averaged down; or "numbers" (rows, n) and
        "codes" (rows, k), codes one-hot.
    targets : tensor
        Codes (rows,), or 0 and 1 (rows,) or (rows, labels), or amounts (rows, targets).
    weight : tensor or None
        (rows,); scikit-learn refuses some negative weights.
    parts : array of str
        (rows,); the rows with "train" and a known target are fitted, those with "validation"
        choose how strongly logistic regression is regularized.
    seconds : float
        For all of them together.
    """
    rows = np.flatnonzero((np.asarray(parts) == "train") & _known(targets))
    answers = _answers(targets)
    weights = None if weight is None else np.asarray(weight.cpu(), dtype=np.float64)
    ends = monotonic() + seconds
    choosing = np.flatnonzero((np.asarray(parts) == "validation") & _known(targets))
    table = FlatRows(inputs, rows, choosing, outputs=max(1, len(target.classes)), seed=seed)
    results = []
    for place, name in enumerate(names):
        began = monotonic()
        share = (ends - began) / (len(names) - place)  # the last may use what the others left
        fit = _Fit(table, answers, weights, target, began + share, seed)
        scores, note = _attempt(name, fit, rows)
        results.append(BaselineResult(name, scores, monotonic() - began, note))
    return results


@dataclass
class _Fit:
    """One baseline at work.

    answers : (all rows, columns); a class code, or 0 and 1 per label, or amounts
    ends : by the monotonic clock, in seconds
    """

    table: FlatRows
    answers: np.ndarray
    weights: np.ndarray | None
    target: Target
    ends: float
    seed: int
    notes: list[str] = field(default_factory=list)

    def weights_of(self, rows: np.ndarray) -> np.ndarray:
        return np.ones(len(rows)) if self.weights is None else self.weights[rows]


def _width(fit: _Fit) -> int:
    """Give the number of score columns."""
    coded = fit.target.kind in ("binary", "classes")
    return len(fit.target.classes) if coded else fit.answers.shape[1]


def _attempt(name: str, fit: _Fit, rows: np.ndarray) -> tuple[np.ndarray, str]:
    """Give (scores of all rows, note); whatever scikit-learn raises becomes the note."""
    empty = np.full((len(fit.answers), _width(fit)), np.nan)
    if name not in BASELINES:
        raise SettingsError(f"There is no baseline '{name}'.{nearest(name, BASELINES)}")
    if not len(rows):
        return empty, "Not fitted: there are no training rows."
    try:
        if name in ("majority", "mean"):
            return _constant(fit, rows), f"Fitted on {len(rows)} rows."
        if fit.ends - monotonic() < LEAST_SECONDS:
            return empty, "Not fitted: no time was left."
        scores = _fitted(name, fit)
    except MemoryError:
        return empty, "Not fitted: not enough memory."
    except Exception as error:
        return empty, f"Not fitted: {_reason(error, fit, rows)}"
    if not np.isfinite(scores).all():
        return empty, f"Not fitted: it predicted no finite numbers.{_negative(fit, rows)}"
    return scores, " ".join(fit.notes)


def _reason(error: Exception, fit: _Fit, rows: np.ndarray) -> str:
    lines = str(error).strip().splitlines()
    said = (lines[0] if lines else type(error).__name__).rstrip(".")
    return f"scikit-learn said: {said}.{_negative(fit, rows)}"


def _negative(fit: _Fit, rows: np.ndarray) -> str:
    return " Some row weights are negative." if (fit.weights_of(rows) < 0).any() else ""


def _constant(fit: _Fit, rows: np.ndarray) -> np.ndarray:
    """Give every row the weighted mean of the training answers, or the shares of the classes."""
    answers, weights = fit.answers[rows], fit.weights_of(rows)
    if fit.target.kind in ("binary", "classes"):
        answers = np.eye(len(fit.target.classes))[answers[:, 0].astype(np.int64)]
    mean = weights @ answers / weights.sum()
    return np.tile(mean, (len(fit.answers), 1))


def _fitted(name: str, fit: _Fit) -> np.ndarray:
    """Fit one model, or one per label or target, and predict all rows."""
    table = fit.table.standardized() if name in ("logistic", "linear") else fit.table
    fit.notes.append(table.note)
    columns = []
    for column in range(fit.answers.shape[1]):
        answers = fit.answers[:, column]
        if len(np.unique(answers[table.rows])) == 1 and fit.target.kind != "classes":
            columns.append(np.full(len(answers), answers[table.rows[0]]))
            continue
        model, note = _fit_column(name, table, answers, fit)
        fit.notes += [note] if note else []
        columns.append(_predict(model, table, fit.target))
    if columns[0].ndim == 2:
        return columns[0]
    if fit.target.kind == "binary":
        return np.stack([1 - columns[0], columns[0]], axis=1)
    return np.stack(columns, axis=1)


def _fit_column(name: str, table: FlatRows, answers: np.ndarray, fit: _Fit) -> tuple[Any, str]:
    """Give (fitted model, note) for one column of answers.

    Logistic regression is fitted with less and less regularization for as long as the log loss
    of the validation rows falls; without such rows scikit-learn's own strength stands.
    """
    model, inputs = _model(name, fit.target.kind, fit.seed), table.training()
    if name == "logistic" and inputs.size > ROUGH_CELLS:
        model.set_params(tol=1e-3)
    found = None, "", np.inf
    strengths = STRENGTHS if name == "logistic" and len(table.choosing) else (None,)
    for strength in strengths:
        if found[0] is not None and fit.ends < monotonic():
            break
        if strength is not None:
            model.set_params(C=strength)
        note = _descend(model, inputs, answers[table.rows], fit.weights_of(table.rows), fit.ends)
        if strength is None:
            return model, note
        loss = _surprise(model, table, answers, fit)
        if not loss < found[2]:
            break
        found = deepcopy(model), note, loss
    return (found[0] or model), found[1]


def _surprise(model: Any, table: FlatRows, answers: np.ndarray, fit: _Fit) -> float:
    """Give the mean log loss of the validation rows whose class the model knows."""
    rows = table.choosing[np.isin(answers[table.choosing], model.classes_)]
    places = np.searchsorted(model.classes_, answers[rows])
    chances = model.predict_proba(table.ready(rows))[np.arange(len(rows)), places]
    weights = fit.weights_of(rows)
    return float(-(weights @ np.log(np.maximum(chances, 1e-7))) / weights.sum())


def _model(name: str, kind: str, seed: int) -> Any:
    """Give the scikit-learn estimator, ready to be fitted in pieces where it can."""
    from sklearn import ensemble, linear_model  # half a second to import

    if name == "logistic":
        return linear_model.LogisticRegression(warm_start=True)
    if name == "linear" and kind == "count":
        return linear_model.PoissonRegressor(alpha=1e-4, warm_start=True)
    if name == "linear":
        return linear_model.Ridge(alpha=1.0)
    options: dict[str, Any] = {"warm_start": True, "early_stopping": False, "random_state": seed}
    if kind in _CLASSIFIED:
        return ensemble.HistGradientBoostingClassifier(**options)
    loss = "poisson" if kind == "count" else "squared_error"
    return ensemble.HistGradientBoostingRegressor(loss=loss, **options)


def _descend(model: Any, inputs: np.ndarray, answers: np.ndarray, weights, ends: float) -> str:
    """Fit in growing pieces until it converges, its iterations are done, or time is over.

    Returns a note where it did not come to its end.
    """
    if not hasattr(model, "warm_start"):  # solved at once
        model.fit(inputs, answers, sample_weight=weights)
        return ""
    boosted = hasattr(model, "max_leaf_nodes")
    kind, most, done = ("trees", TREES, 0) if boosted else ("iterations", ITERATIONS, 0)
    for piece in _pieces(1 if boosted else 5, most, ends):
        done += piece
        model.set_params(max_iter=done if boosted else piece)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "did not converge": the note says so
            model.fit(inputs, answers, sample_weight=weights)
        if not boosted and np.max(model.n_iter_) < piece:
            return ""
    if done < most:
        return f"Stopped by the time limit after {done} of {most} {kind}."
    return "" if boosted else f"Not converged after {most} {kind}."


def _pieces(first: int, most: int, ends: float) -> Iterator[int]:
    """Yield how many iterations to do next: few, then as many as the time left allows."""
    done, piece, began = 0, first, monotonic()
    while True:
        yield piece
        done += piece
        left, each = ends - monotonic(), (monotonic() - began) / done
        piece = int(min(most - done, 4 * done, left / max(each, 1e-9)))
        if piece < 1:
            return


def _predict(model: Any, table: FlatRows, target: Target) -> np.ndarray:
    """Give probabilities (all rows, classes), one label's (all rows,), or amounts (all rows,)."""
    if not hasattr(model, "predict_proba"):
        return np.concatenate([model.predict(piece) for piece in table.all()])
    found = np.concatenate([model.predict_proba(piece) for piece in table.all()])
    seen = model.classes_.astype(np.int64)
    if target.kind == "labels":
        return found[:, 1]
    scores = np.zeros((len(found), len(target.classes)))
    scores[:, seen] = found
    return scores


def _answers(targets: Tensor) -> np.ndarray:
    return targets.detach().cpu().double().reshape(len(targets), -1).numpy()


def _known(targets: Tensor) -> np.ndarray:
    answers = targets.detach().cpu()
    known = ~torch.isnan(answers) if answers.is_floating_point() else answers >= 0
    return known.reshape(len(targets), -1).all(dim=1).numpy()
