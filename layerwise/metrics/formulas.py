"""The formulas of the metrics of classes, labels, amounts and rows without labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import nan

import numpy as np

from layerwise.metrics.fields import by_row
from layerwise.metrics.predictions import Predictions

CALIBRATION_BINS = 15  # of equal width on 0 to 1, as Guo et al. 2017 have them

# Decisions -------------------------------------------------------------------------------------


def decisions(predictions: Predictions) -> np.ndarray:
    """Give the class of each row (rows,), the likeliest or by threshold, or 0/1 per label."""
    return predictions.once(_decisions)


def accuracy(predictions: Predictions) -> float:
    """Give the share of right decisions; for labels the share over rows and labels."""
    return _mean(predictions.once(_right_share), predictions)


def exact_match(predictions: Predictions) -> float:
    """Give the share of rows whose labels are all right."""
    return _mean(predictions.once(_all_right), predictions)


def balanced_accuracy(predictions: Predictions) -> float:
    """Give the mean recall over the classes that occur."""
    counts = confusion_matrix(predictions)
    totals = counts.sum(axis=1)
    return _average(np.diag(counts)[totals != 0] / totals[totals != 0])


def precision(predictions: Predictions) -> float:
    """Give the share of true ones among those called positive; 0 where none was called so."""
    return _over_classes(predictions, lambda hits, called, _: _ratio(hits, called))


def recall(predictions: Predictions) -> float:
    """Give the share of the true ones that were called positive; 0 where there are none."""
    return _over_classes(predictions, lambda hits, _, true: _ratio(hits, true))


def f1(predictions: Predictions) -> float:
    """Give the harmonic mean of precision and recall."""
    return _over_classes(predictions, lambda hits, called, true: _ratio(2 * hits, called + true))


def confusion_matrix(predictions: Predictions) -> np.ndarray:
    """Give the summed weight of each (truth, decision); (classes, classes), truth down.

    For binary and classes targets. Its rows and columns follow ``predictions.classes``.
    """
    size = predictions.scores.shape[1]
    cells = np.bincount(predictions.once(_cells), predictions.weights, size * size)
    return cells.reshape(size, size)


def abstaining(predictions: Predictions, below: float) -> tuple[float, float]:
    """Give (coverage, accuracy) when rows whose best probability is under ``below`` are left out.

    Coverage is the share of weight that is still decided; accuracy is that of the decided rows,
    NaN where there are none.
    """
    decided = predictions.scores.max(axis=1) >= below
    right = (decisions(predictions) == predictions.truth) & decided
    coverage = _mean(decided, predictions)
    return coverage, _mean(right, predictions) / coverage if coverage else nan


# Rankings --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ranking:
    """Rows by falling score of one class, ties kept together.

    order : (rows,) row numbers; positive : (rows,) in that order, 1 or 0
    positives : places in the order whose truth is positive; first and last bound their tie:
        places first <= i < last have the same score
    ends : (distinct scores,) places where a tie ends, exclusive; scores : those scores
    """

    order: np.ndarray
    positive: np.ndarray
    positives: np.ndarray
    first: np.ndarray
    last: np.ndarray
    ends: np.ndarray
    scores: np.ndarray


def ranking(predictions: Predictions, column: int = -1) -> Ranking:
    """Sort the rows by the score of one class (the last: binary's positive one)."""
    scores = predictions.scores[:, column]
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)) + 1, len(order))
    tie = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
    positive = _truth_is(predictions, column)[order]
    places = np.flatnonzero(positive)
    starts = np.append(0, ends[:-1])
    return Ranking(
        order, positive, places, starts[tie[places]], ends[tie[places]], ends, ranked[ends - 1]
    )


def roc_auc(predictions: Predictions) -> float:
    """Give the chance that a positive row scores above a negative one (ties count half).

    Classes: mean over classes, each against the rest; labels: mean over labels; those without a
    positive or without a negative row are left out.
    """
    return _over_columns(predictions, _roc_auc)


def pr_auc(predictions: Predictions) -> float:
    """Give the average precision: precision at each threshold, weighted by the recall it adds.

    Classes and labels: the mean over those that occur.
    """
    return _over_columns(predictions, _average_precision)


def roc_curve(
    predictions: Predictions, column: int = -1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give (false positive rate, true positive rate, threshold) of one class, thresholds falling.

    The first point is (0, 0) with an infinite threshold; one point more per distinct score.
    """
    hits, false, thresholds = _counts_above(predictions, column)
    with np.errstate(divide="ignore", invalid="ignore"):
        return false / false[-1], hits / hits[-1], thresholds


def pr_curve(
    predictions: Predictions, column: int = -1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give (recall, precision, threshold) of one class, recall rising from 0, thresholds falling.

    The first point has precision 1 by convention.
    """
    hits, false, thresholds = _counts_above(predictions, column)
    with np.errstate(divide="ignore", invalid="ignore"):
        precisions = hits / (hits + false)
        precisions[0] = 1.0
        return hits / hits[-1], precisions, thresholds


# Probabilities ---------------------------------------------------------------------------------


def log_loss(predictions: Predictions) -> float:
    """Give the mean of -log(probability of the truth), in nats; labels: mean over labels too."""
    return _mean(predictions.once(surprises), predictions)


def brier(predictions: Predictions) -> float:
    """Give the mean squared error of the probabilities.

    Binary and labels: of the positive one; classes: summed over the classes (Brier 1950).
    """
    return _mean(predictions.once(squared_surprises), predictions)


def calibration_error(predictions: Predictions) -> float:
    """Give the expected calibration error: mean gap between confidence and share that is so.

    15 bins of equal width (Guo et al. 2017). Binary: the probability of the positive class;
    classes: that of the decision; labels: all labels together.
    """
    weight, confidence, share = calibration_bins(predictions)
    filled = weight != 0
    gaps = np.abs(confidence[filled] - share[filled])
    return float(np.sum(weight[filled] * gaps) / np.sum(weight))


def calibration_bins(
    predictions: Predictions,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give (weight, mean confidence, share that is so) of 15 bins; NaN where a bin is empty."""
    bins, confidence, so = predictions.once(_confidences)
    weights = np.repeat(predictions.weights, len(bins) // max(len(predictions), 1))
    total = partial(np.bincount, bins, minlength=CALIBRATION_BINS)
    weight = total(weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return weight, total(weights * confidence) / weight, total(weights * so) / weight


# Amounts ---------------------------------------------------------------------------------------


def mae(predictions: Predictions) -> float:
    """Give the mean absolute error, in the target's unit; several targets: their mean."""
    return _average(_mean_columns(predictions.once(absolute_errors), predictions))


def rmse(predictions: Predictions) -> float:
    """Give the root of the mean squared error, in the target's unit; several targets: mean."""
    return _average(np.sqrt(_mean_columns(predictions.once(squared_errors), predictions)))


def r2(predictions: Predictions) -> float:
    """Give the share of the variance that is explained; several targets: mean.

    NaN where a target does not vary.
    """
    truth = predictions.truth
    errors = _mean_columns(predictions.once(squared_errors), predictions)
    spread = _mean_columns((truth - _mean_columns(truth, predictions)) ** 2, predictions)
    return _average(1 - errors / np.where(spread > 0, spread, nan))


def mean_error(predictions: Predictions) -> float:
    """Give the mean over the rows of the number by which each is judged without labels."""
    return _mean(predictions.scores[:, 0], predictions)


def poisson_deviance(predictions: Predictions) -> float:
    """Give the mean of 2 (y log(y/m) - y + m) for predicted counts m, which are at least 1e-7."""
    return _average(_mean_columns(predictions.once(poisson_deviances), predictions))


# What they are made of -------------------------------------------------------------------------


def _mean(values: np.ndarray, predictions: Predictions) -> float:
    """Give the weighted mean of (rows,) values; NaN where the weights sum to nothing."""
    weights = predictions.weights
    total = weights.sum()
    return float(weights @ values / total) if total else nan


def _mean_columns(values: np.ndarray, predictions: Predictions) -> np.ndarray:
    """Give the weighted mean of each column; (targets,)."""
    weights = predictions.weights
    total = weights.sum()
    return weights @ values / (total if total else nan)


def _average(values: np.ndarray) -> float:
    """Give the plain mean of those that are defined."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else nan


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole != 0)


def _over_columns(
    predictions: Predictions, of_column: Callable[[Predictions, int], float]
) -> float:
    """Average over the classes or labels; binary: its positive class alone."""
    size = predictions.scores.shape[1]
    columns = range(size - 1, size) if predictions.kind == "binary" else range(size)
    return _average(np.array([of_column(predictions, column) for column in columns]))


def _over_classes(predictions: Predictions, rate: Callable[..., np.ndarray]) -> float:
    """Give ``rate(hits, called, true)``: of the positive class, or the mean over those that occur.

    A class occurs when it is the truth or the decision of some row.
    """
    if predictions.kind == "labels":
        decided, weights = predictions.once(_decisions), predictions.weights
        hits = weights @ (decided * predictions.truth)
        called, true = weights @ decided, weights @ predictions.truth
        return float(rate(hits, called, true).mean())
    counts = confusion_matrix(predictions)
    called, true = counts.sum(axis=0), counts.sum(axis=1)
    rates = rate(np.diag(counts), called, true)
    if predictions.kind == "binary":
        return float(rates[1])
    return _average(rates[(called != 0) | (true != 0)])


def _decisions(predictions: Predictions) -> np.ndarray:
    if predictions.kind == "labels":
        return (predictions.scores > 0.5).astype(np.int64)
    if predictions.threshold is not None and predictions.kind == "classes":
        return (predictions.scores / predictions.threshold).argmax(axis=1)
    if predictions.threshold is not None:
        return (predictions.scores[:, 1] >= predictions.threshold).astype(np.int64)
    return predictions.scores.argmax(axis=1)


def _right_share(predictions: Predictions) -> np.ndarray:
    right = decisions(predictions) == predictions.truth
    return right.reshape(len(right), -1).mean(axis=1)


def _all_right(predictions: Predictions) -> np.ndarray:
    return (decisions(predictions) == predictions.truth).all(axis=1)


def _cells(predictions: Predictions) -> np.ndarray:
    """Give the cell of the confusion matrix of each row, rows of the matrix one after another."""
    return predictions.truth * predictions.scores.shape[1] + decisions(predictions)


def _truth_is(predictions: Predictions, column: int) -> np.ndarray:
    """Give 1.0 where the truth is that class or has that label; (rows,)."""
    size = predictions.scores.shape[1]
    if predictions.kind == "labels":
        return predictions.truth[:, column].astype(float)
    return (predictions.truth == column % size).astype(float)


def _roc_auc(predictions: Predictions, column: int) -> float:
    """Give the weighted Mann-Whitney statistic of one class.

    A positive row's place is the weight ranked below it, half its tie included. Among themselves
    the positives' places sum to half their squared weight, whatever their order.
    """
    ranks = predictions.once(ranking, column)
    weights = predictions.weights[ranks.order]
    above = np.concatenate(([0.0], np.cumsum(weights)))
    of_positives = weights[ranks.positives]
    positive = of_positives.sum()
    negative = above[-1] - positive
    if not positive or not negative:
        return nan
    below = above[-1] - (above[ranks.first] + above[ranks.last]) / 2
    return float((of_positives @ below - positive**2 / 2) / (positive * negative))


def _average_precision(predictions: Predictions, column: int) -> float:
    ranks = predictions.once(ranking, column)
    weights = predictions.weights[ranks.order]
    of_positives = weights[ranks.positives]
    counted = of_positives != 0
    if not counted.any():
        return nan
    places = ranks.last[counted] - 1
    hits = np.cumsum(weights * ranks.positive)[places]
    precisions = hits / np.cumsum(weights)[places]
    return float(of_positives[counted] @ precisions / of_positives.sum())


def _counts_above(
    predictions: Predictions, column: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the positive and the negative weight at or above each distinct score, from none."""
    ranks = predictions.once(ranking, column)
    weights = predictions.weights[ranks.order]
    hits = np.cumsum(weights * ranks.positive)[ranks.ends - 1]
    false = np.cumsum(weights * (1 - ranks.positive))[ranks.ends - 1]
    return np.append(0.0, hits), np.append(0.0, false), np.append(np.inf, ranks.scores)


def surprises(predictions: Predictions) -> np.ndarray:
    """Give -log(probability of the truth) of each row, in nats; (rows,)."""
    smallest = np.finfo(predictions.scores.dtype).eps  # as scikit-learn has it
    if predictions.kind == "labels":
        of_truth = np.where(predictions.truth > 0, predictions.scores, 1 - predictions.scores)
        return -np.log(np.clip(of_truth, smallest, 1)).mean(axis=1)
    of_truth = predictions.scores[np.arange(len(predictions)), predictions.truth]
    return -np.log(np.clip(of_truth, smallest, 1))


def squared_surprises(predictions: Predictions) -> np.ndarray:
    """Give Squared error of the probabilities of each row; (rows,)."""
    if predictions.kind == "labels":
        return ((predictions.scores - predictions.truth) ** 2).mean(axis=1)
    if predictions.kind == "binary":
        return (predictions.scores[:, 1] - predictions.truth) ** 2
    rows = np.arange(len(predictions))
    of_truth = predictions.scores[rows, predictions.truth]
    return (predictions.scores**2).sum(axis=1) - 2 * of_truth + 1


def _confidences(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give (bin, confidence, whether it is so), one per row, or per row and label."""
    if predictions.kind == "classes":
        confidence = predictions.scores.max(axis=1)
        so = decisions(predictions) == predictions.truth
    elif predictions.kind == "binary":
        confidence, so = predictions.scores[:, 1], predictions.truth
    else:
        confidence, so = predictions.scores.ravel(), predictions.truth.ravel()
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS) - 1, 0, CALIBRATION_BINS - 1)
    return bins.astype(np.int64), confidence, so.astype(float)


def absolute_errors(predictions: Predictions) -> np.ndarray:
    """Give (rows, targets), of series (rows, 1), in the target's unit."""
    return _of_rows(np.abs(predictions.truth - predictions.scores), predictions)


def squared_errors(predictions: Predictions) -> np.ndarray:
    """Give (rows, targets), of series (rows, 1), in the target's unit squared."""
    return _of_rows((predictions.truth - predictions.scores) ** 2, predictions)


def _of_rows(errors: np.ndarray, predictions: Predictions) -> np.ndarray:
    """Of series the mean over all that a row forecasts, of fields that over the cells by area."""
    if predictions.kind == "field":
        return by_row(errors, predictions)
    return errors.mean(axis=1, keepdims=True) if predictions.kind == "series" else errors


def poisson_deviances(predictions: Predictions) -> np.ndarray:
    """Give (rows, targets): 2 (y log(y/m) - y + m)."""
    truth, mean = predictions.truth, np.maximum(predictions.scores, 1e-7)
    logs = np.log(np.where(truth > 0, truth / mean, 1.0))
    return 2 * (truth * logs - truth + mean)


def own_numbers(predictions: Predictions) -> np.ndarray:
    """Without labels a row is judged by the task's own number for it."""
    return predictions.scores
