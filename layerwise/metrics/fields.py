"""Metrics of fields: one number per row and target, each cell counting by its area.

In the predictions table a field stands in one cell, as a list of its numbers from the first row of
the grid to the last; "area" beside it says how much each counts. Where it is absent, all alike.
"""

from __future__ import annotations

from math import nan

import numpy as np

from layerwise.metrics.beside import AREA
from layerwise.metrics.predictions import Predictions


def by_row(values: np.ndarray, predictions: Predictions) -> np.ndarray:
    """Give means over the known cells by area, (rows, targets), of values (rows, all cells)."""
    weights, targets = _weights(predictions)
    total = np.where(weights > 0, values, 0.0) * weights
    return _per_target(total, targets) / _per_target(weights, targets)


def bias(predictions: Predictions) -> float:
    """Give how far the mean over rows and cells is off, whichever way; several targets: mean."""
    weights = predictions.weights
    total = weights.sum()
    if not total:
        return nan
    return float(np.abs(weights @ predictions.once(mean_errors) / total).mean())


def pattern_correlation(predictions: Predictions) -> float:
    """Give the mean over rows of the correlation in space between field and truth."""
    weights, values = predictions.weights, predictions.once(correlations)
    known = np.isfinite(values)
    total = weights @ known
    found = (weights @ np.where(known, values, 0.0))[total > 0] / total[total > 0]
    return float(found.mean()) if len(found) else nan


def mean_errors(predictions: Predictions) -> np.ndarray:
    """Give the signed error of each row, (rows, targets)."""
    return by_row(predictions.scores - predictions.truth, predictions)


def correlations(predictions: Predictions) -> np.ndarray:
    """Give Pearson's correlation over cells by area, (rows, targets); NaN where one is constant."""
    truth, said = predictions.truth, predictions.scores
    cells = truth.shape[1] // by_row(truth, predictions).shape[1]

    def centred(values: np.ndarray) -> np.ndarray:
        return values - np.repeat(by_row(values, predictions), cells, axis=1)

    truth, said = centred(truth), centred(said)
    together, alone = by_row(truth * said, predictions), by_row(truth**2, predictions)
    power = alone * by_row(said**2, predictions)
    return np.where(power > 0, together / np.sqrt(np.where(power > 0, power, 1.0)), nan)


def _weights(predictions: Predictions) -> tuple[np.ndarray, int]:
    """How much each number of a row counts, (rows, targets x cells), and how many targets."""
    known = np.isfinite(predictions.truth)
    area = predictions.beside.get(AREA)
    if area is None:
        return known.astype(float), 1
    targets = known.shape[1] // max(1, area.shape[1])
    return known * np.tile(area, (1, targets)), targets


def _per_target(values: np.ndarray, targets: int) -> np.ndarray:
    return values.reshape(len(values), targets, -1).sum(axis=2)
