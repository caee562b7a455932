"""AnomalyDetector: the task detect as an outlier detector of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from layerwise.errors import SettingsError
from layerwise.learner import Learner


class AnomalyDetector(OutlierMixin, BaseEstimator):
    """Rows that a network, trained to give the usual ones back, gives back badly.

    Parameters
    ----------
    network : str or class
        A name from ``layerwise zoo`` with a code, a class, or "auto": chosen by the data.
    network_options : dict
        Options of the network, such as ``{"hidden": (64,), "code": 8}``.
    contamination : float
        Share of anomalies among the rows that it is fitted on, above 0 and up to 0.5: so many of
        them are said to be anomalies.
    epochs : int
        Passes over the rows; unset: the recipe's.
    batch_size : int
        Rows per step; unset: the recipe's.
    learning_rate : float
        Size of a step; unset: the recipe's.
    seed : int
        Fixes the weights and the order of the rows.

    Attributes
    ----------
    learner_ : Learner
        The trained network with all that it knows.
    offset_ : float
        ``score_samples`` below it is an anomaly.
    """

    def __init__(
        self,
        network="auto",
        *,
        network_options: dict | None = None,
        contamination: float = 0.1,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        seed: int = 0,
    ):
        self.network = network
        self.network_options = network_options
        self.contamination = contamination
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed

    def fit(self, X, y=None):
        """Learn what is usual from rows (rows, features); ``y`` is not looked at."""
        if not 0 < self.contamination <= 0.5:
            raise SettingsError(
                f"contamination must be above 0 and up to 0.5, got {self.contamination}."
            )
        rows: Any = validate_data(self, X)
        learner = Learner(
            self.network, network_options=self.network_options, task="detect", epochs=self.epochs,
            batch_size=self.batch_size, learning_rate=self.learning_rate, baselines="none",
            seed=self.seed,
        )  # fmt: skip
        self.learner_ = learner.fit(rows)
        self.offset_ = float(np.quantile(-self._errors(rows), self.contamination))
        return self

    def score_samples(self, X) -> np.ndarray:
        """Minus the mean squared error of each row (rows,): the lower, the less usual."""
        check_is_fitted(self, "learner_")
        rows: Any = validate_data(self, X, reset=False)
        return -self._errors(rows)

    def decision_function(self, X) -> np.ndarray:
        """``score_samples`` minus ``offset_`` (rows,): below 0 is an anomaly."""
        return self.score_samples(X) - self.offset_

    def predict(self, X) -> np.ndarray:
        """-1 for an anomaly, 1 for a usual row, (rows,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _errors(self, rows: np.ndarray) -> np.ndarray:
        return self.learner_.predict(rows)
