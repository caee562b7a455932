"""Metrics of forecasts: one number per row, the mean over its outputs, so that rows can be drawn.

Beside truth and point forecasts they need what the predictions table has beside them: per target
its deviation in training ("unit:OT") and its naive error in training ("naive:OT"), and per output
the quantiles ("score:OT+1@0.1"). Where these are not there, the metric is NaN.
"""

from __future__ import annotations

from math import nan

import numpy as np

from layerwise.metrics.beside import QUANTILE
from layerwise.metrics.predictions import Predictions


def mase(predictions: Predictions) -> float:
    """Give the mean absolute scaled error: 1 is the error of the naive forecast in training.

    Hyndman and Koehler 2006, "Another look at measures of forecast accuracy": |e| over the mean
    |y_t - y_(t-1)| of the training times, each target by its own.
    """
    return _mean(scaled_absolute_rows, predictions)


def scaled_mse(predictions: Predictions) -> float:
    """Give the mean squared error of targets with deviation 1 in training, as papers have it."""
    return _mean(scaled_squared_rows, predictions)


def pinball(predictions: Predictions) -> float:
    """Give the mean pinball loss over outputs and quantiles, in the targets' units.

    Koenker and Bassett 1978, "Regression quantiles"; lower is better.
    """
    return _mean(pinball_rows, predictions)


def interval_coverage(predictions: Predictions) -> float:
    """Give the share of outputs whose truth lies between the lowest and the highest quantile."""
    return _mean(covered_rows, predictions)


def scaled_absolute_rows(predictions: Predictions) -> np.ndarray:
    """Give (rows, 1), in naive errors; targets that never moved in training are left out."""
    naive = predictions.beside.get("naive")
    if naive is None:
        return _unknown(predictions)
    errors = np.abs(predictions.truth - predictions.scores)
    kept = np.isfinite(naive)
    scaled = np.divide(errors, naive, out=np.zeros_like(errors), where=kept)
    counts = kept.sum(axis=1, keepdims=True)
    return np.where(counts > 0, scaled.sum(axis=1, keepdims=True) / np.maximum(counts, 1), nan)


def scaled_squared_rows(predictions: Predictions) -> np.ndarray:
    """Give (rows, 1), in squared deviations of the targets."""
    unit = predictions.beside.get("unit")
    if unit is None:
        return _unknown(predictions)
    return _rows(((predictions.truth - predictions.scores) / unit) ** 2)


def pinball_rows(predictions: Predictions) -> np.ndarray:
    """Give (rows, 1): the mean over outputs and quantiles."""
    losses = []
    for chance, values in _quantiles(predictions):
        missed = predictions.truth - values
        losses.append(np.maximum(chance * missed, (chance - 1) * missed))
    return _rows(np.mean(losses, axis=0)) if losses else _unknown(predictions)


def covered_rows(predictions: Predictions) -> np.ndarray:
    """Give (rows, 1): the share of outputs within the outer quantiles."""
    quantiles = _quantiles(predictions)
    if len(quantiles) < 2:
        return _unknown(predictions)
    (_, low), (_, high) = quantiles[0], quantiles[-1]
    inside = (predictions.truth >= low) & (predictions.truth <= high)
    return _rows(inside.astype(float))


def _quantiles(predictions: Predictions) -> list[tuple[float, np.ndarray]]:
    """Chances, rising, with the quantiles of each, (rows, outputs)."""
    named = [name for name in predictions.beside if name.startswith(QUANTILE)]
    found = [(float(name.removeprefix(QUANTILE)), predictions.beside[name]) for name in named]
    return sorted(found, key=lambda pair: pair[0])


def _mean(rows, predictions: Predictions) -> float:
    weights = predictions.weights
    total = weights.sum()
    return float(weights @ predictions.once(rows)[:, 0] / total) if total else nan


def _rows(values: np.ndarray) -> np.ndarray:
    return values.mean(axis=1, keepdims=True)


def _unknown(predictions: Predictions) -> np.ndarray:
    return np.full((len(predictions), 1), nan)
