"""Numbers behind the figures, as tables: ROC, precision-recall, calibration, confusion."""

from __future__ import annotations

import numpy as np
from pandas import DataFrame

from layerwise.metrics import (
    CALIBRATION_BINS,
    Predictions,
    calibration_bins,
    confusion_matrix,
    decisions,
    pr_curve,
    roc_curve,
)

MOST_POINTS = 300  # of a curve; the area below it is computed before it is thinned


def roc(predictions: Predictions, column: int) -> DataFrame | None:
    """ROC of one class or label: false_positive_rate, true_positive_rate, threshold.

    ``attrs["area"]`` is the area below. None where all rows, or none, are of that class.
    """
    raised, found, threshold = roc_curve(predictions, column)
    if not (np.isfinite(raised).all() and np.isfinite(found).all()):
        return None
    names = ("false_positive_rate", "true_positive_rate", "threshold")
    return _curve(names, (raised, found, threshold), area=float(np.trapezoid(found, raised)))


def precision_recall(predictions: Predictions, column: int) -> DataFrame | None:
    """Columns recall, precision, threshold of one class or label.

    ``attrs["area"]`` is the average precision, ``attrs["share"]`` the share of that class. None
    where no row is of that class.
    """
    recall, precision, threshold = pr_curve(predictions, column)
    if not np.isfinite(recall).all():
        return None
    area = np.sum(np.diff(recall) * precision[1:])
    names = ("recall", "precision", "threshold")
    return _curve(names, (recall, precision, threshold), area=area, share=precision[-1])


def thresholds(predictions: Predictions) -> DataFrame | None:
    """The confusion matrix of two classes at every threshold, thinned.

    Columns threshold, found, missed, false_alarms, let_pass (summed weights), precision, recall;
    None where the rows are all of one class.
    """
    curve = roc(predictions, 1)
    if curve is None:
        return None
    weight, positive = predictions.weights, predictions.truth == 1
    of_positive, of_others = weight[positive].sum(), weight[~positive].sum()
    curve = curve[np.isfinite(curve["threshold"])]
    found = curve["true_positive_rate"] * of_positive
    raised = curve["false_positive_rate"] * of_others
    called = np.maximum(found + raised, 1e-12)
    return DataFrame(
        {
            "threshold": curve["threshold"],
            "found": found,
            "missed": of_positive - found,
            "false_alarms": raised,
            "let_pass": of_others - raised,
            "precision": found / called,
            "recall": curve["true_positive_rate"],
        }
    ).reset_index(drop=True)


def calibration(predictions: Predictions) -> DataFrame:
    """Per bin that is not empty: from, to, said (mean probability), came_true (share), weight."""
    weight, said, came_true = calibration_bins(predictions)
    edges = np.arange(CALIBRATION_BINS) / CALIBRATION_BINS
    columns = (edges, edges + 1 / CALIBRATION_BINS, said, came_true, weight)
    bins = DataFrame(dict(zip(("from", "to", "said", "came_true", "weight"), columns, strict=True)))
    return bins.take(np.flatnonzero(weight > 0)).reset_index(drop=True)


def coverage(predictions: Predictions) -> DataFrame:
    """Accuracy on the rows it decides, against their share, per probability it abstains below."""
    confidence = predictions.scores.max(axis=1)
    right = decisions(predictions) == predictions.truth
    order = np.argsort(-confidence, kind="stable")
    decided = np.cumsum(predictions.weights[order])
    hits = np.cumsum((predictions.weights * right)[order])
    ends = np.append(np.diff(confidence[order]) != 0, True) & (decided > 0)
    columns = (decided / decided[-1], hits / np.maximum(decided, 1e-12), confidence[order])
    names = ("coverage", "accuracy", "abstain_below")
    return _curve(names, tuple(column[ends] for column in columns))


def confusion(predictions: Predictions) -> DataFrame:
    """Long table truth, said, weight: summed weight of rows for every pair of classes."""
    matrix = confusion_matrix(predictions)
    truth, said = np.indices(matrix.shape).reshape(2, -1)
    names = np.array(predictions.classes, dtype=object)
    return DataFrame({"truth": names[truth], "said": names[said], "weight": matrix.ravel()})


def per_class(predictions: Predictions) -> list[dict]:
    """Rows name, precision, recall, f1, weight, ordered as the classes (or labels) are.

    A share of nothing is None.
    """
    hits, called, true = _hits(predictions)
    shares = ((hits, called), (hits, true), (2 * hits, called + true))
    precision, recall, f1 = ([_share(a, b) for a, b in zip(*pair, strict=True)] for pair in shares)
    columns = (predictions.classes, precision, recall, f1, true.tolist())
    names = ("name", "precision", "recall", "f1", "weight")
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _hits(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight rightly called, called and true; (classes,) each."""
    if predictions.kind == "labels":
        said, weight = decisions(predictions), predictions.weights
        return weight @ (said * predictions.truth), weight @ said, weight @ predictions.truth
    matrix = confusion_matrix(predictions)
    return np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _curve(names: tuple[str, ...], columns: tuple[np.ndarray, ...], **facts: float) -> DataFrame:
    curve = DataFrame(dict(zip(names, columns, strict=True)))
    if len(curve) > MOST_POINTS:
        kept = np.linspace(0, len(curve) - 1, MOST_POINTS).round().astype(int)
        curve = curve.iloc[kept].reset_index(drop=True)
    curve.attrs = {name: float(value) for name, value in facts.items()}
    return curve
