"""The bag of words: a linear model on weighted counts, blind to the order of the words."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from layerwise.contracts import Target
from layerwise.evaluation.baselines import BaselineResult

STRENGTHS = (1.0, 10.0, 100.0)  # one over the regularization
USUAL = 10.0  # where no validation rows choose
MOST_FEATURES = 100_000


@dataclass
class _Fit:
    """Bags (all rows, features), sparse, and what is fitted on them."""

    bags: Any
    weights: np.ndarray
    train: np.ndarray
    choosing: np.ndarray
    kind: str
    classes: int
    ends: float


def fit_bag_of_words(
    texts: list[str],
    answers: np.ndarray,
    weight: np.ndarray | None,
    parts: np.ndarray,
    target: Target,
    *,
    by_words: bool,
    ends: float,
) -> BaselineResult:
    """Fit it on the training rows; validation rows choose how strongly it is regularized.

    Source: Salton and Buckley 1988, "Term-weighting approaches in automatic text retrieval", for
    the weights. Classes by logistic regression, amounts by ridge regression, counts by Poisson's.

    Parameters
    ----------
    texts : list of str
        Of all rows.
    answers : array
        (rows, columns): a class code, or 0 and 1 per label, or amounts.
    weight : array or None
        (rows,).
    parts : array of str
        (rows,).
    target : Target
        Of a kind with labels.
    by_words : bool
        Single words and pairs; else pieces of words of 1 to 3 characters.
    ends : float
        By the monotonic clock: no further strength is tried after it.
    """
    began = monotonic()
    train, choosing = (np.flatnonzero(parts == name) for name in ("train", "validation"))
    coded = target.kind in ("binary", "classes")
    empty = np.full((len(texts), len(target.classes) if coded else answers.shape[1]), np.nan)
    weights = np.ones(len(texts)) if weight is None else weight
    try:
        bags = _bags(texts, train, by_words)
        fit = _Fit(bags, weights, train, choosing, target.kind, len(target.classes), ends)
        columns = [_column(fit, answers[:, column]) for column in range(answers.shape[1])]
    except (ValueError, MemoryError) as error:  # such as: no word has two letters
        said = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        note = f"Not fitted: scikit-learn said: {said}."
        return BaselineResult("bag_of_words", empty, monotonic() - began, note)
    scores = columns[0] if coded else np.concatenate(columns, axis=1)
    what = "words and pairs of words" if by_words else "pieces of words of 1 to 3 characters"
    note = f"TF-IDF of {bags.shape[1]:,} {what} in {len(train):,} training rows."
    return BaselineResult("bag_of_words", scores, monotonic() - began, note)


def _bags(texts: list[str], train: np.ndarray, by_words: bool) -> Any:
    """Weighted counts of all rows, by the words and weights of the training rows."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # half a second to import

    pieces: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": (1, 3), "lowercase": False}
    how: dict[str, Any] = {"ngram_range": (1, 2)} if by_words else pieces
    vectorizer = TfidfVectorizer(sublinear_tf=True, max_features=MOST_FEATURES, **how)
    vectorizer.fit([texts[row] for row in train])
    return vectorizer.transform(texts)


def _column(fit: _Fit, answers: np.ndarray) -> np.ndarray:
    """Give the scores of one column of answers, (rows, classes) or (rows, 1), at the best."""
    if fit.kind not in ("classes", "binary") and len(np.unique(answers[fit.train])) == 1:
        return np.full((len(answers), 1), answers[fit.train[0]])
    best, least = None, np.inf
    for strength in STRENGTHS if len(fit.choosing) else (USUAL,):
        if best is not None and monotonic() > fit.ends:
            break
        scores = _scores(fit, answers, strength)
        loss = _loss(fit, scores, answers) if len(fit.choosing) else 0.0
        if best is None or loss < least:
            best, least = scores, loss
    assert best is not None
    return best


def _scores(fit: _Fit, answers: np.ndarray, strength: float) -> np.ndarray:
    """Fit one model and predict all rows."""
    model = _model(fit.kind, strength)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "did not converge": the validation rows judge it
        model.fit(fit.bags[fit.train], answers[fit.train], sample_weight=fit.weights[fit.train])
    if not hasattr(model, "predict_proba"):
        return model.predict(fit.bags).reshape(-1, 1)
    chances = model.predict_proba(fit.bags)
    if fit.kind == "labels":
        return chances[:, 1:]
    scores = np.zeros((len(answers), fit.classes))
    scores[:, model.classes_.astype(np.int64)] = chances
    return scores


def _model(kind: str, strength: float) -> Any:
    from sklearn import linear_model

    if kind == "real":
        return linear_model.Ridge(alpha=1 / strength)
    if kind == "count":
        return linear_model.PoissonRegressor(alpha=1e-3 / strength, max_iter=300)
    return linear_model.LogisticRegression(C=strength, max_iter=300)


def _loss(fit: _Fit, scores: np.ndarray, answers: np.ndarray) -> float:
    """Give the mean loss of the validation rows: nats for chances, else squared."""
    rows, weights = fit.choosing, fit.weights[fit.choosing]
    truth = answers[rows]
    if fit.kind in ("real", "count"):
        return float(weights @ (scores[rows, 0] - truth) ** 2 / weights.sum())
    if fit.kind == "labels":
        of_truth = np.where(truth > 0, scores[rows, 0], 1 - scores[rows, 0])
    else:
        of_truth = scores[rows, truth.astype(np.int64)]
    return float(-(weights @ np.log(np.maximum(of_truth, 1e-7))) / weights.sum())
