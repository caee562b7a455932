"""Metrics of games: each row is one game."""

from __future__ import annotations

import numpy as np

from layerwise.metrics.predictions import Predictions


def win_fraction(predictions: Predictions) -> float:
    """Give the weighted share of games that were won; a draw is no win."""
    weights = predictions.weights
    return float(np.sum(weights * predictions.scores[:, 0]) / np.sum(weights))
