"""P, what is reported: pure functions of the predictions table, all weighted by the row weight.

``METRICS`` is the table of all of them; ``find_metric`` also loads a person's own ("my.py:name").
Nothing here needs more than numpy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from layerwise.errors import SettingsError, nearest
from layerwise.metrics.fields import bias, pattern_correlation
from layerwise.metrics.formulas import (
    CALIBRATION_BINS,
    Ranking,
    absolute_errors,
    abstaining,
    accuracy,
    balanced_accuracy,
    brier,
    calibration_bins,
    calibration_error,
    confusion_matrix,
    decisions,
    exact_match,
    f1,
    log_loss,
    mae,
    mean_error,
    own_numbers,
    poisson_deviance,
    poisson_deviances,
    pr_auc,
    pr_curve,
    precision,
    r2,
    ranking,
    recall,
    rmse,
    roc_auc,
    roc_curve,
    squared_errors,
    squared_surprises,
    surprises,
)
from layerwise.metrics.games import win_fraction
from layerwise.metrics.language import (
    bits_of_rows,
    bits_per_character,
    character_perplexity,
    nats_per_character,
)
from layerwise.metrics.masks import dice, image_dice, image_dice_rows, iou, pixel_accuracy
from layerwise.metrics.predictions import Predictions, column_names
from layerwise.metrics.series import (
    covered_rows,
    interval_coverage,
    mase,
    pinball,
    pinball_rows,
    scaled_absolute_rows,
    scaled_mse,
    scaled_squared_rows,
)
from layerwise.metrics.translation import bleu, chrf
from layerwise.own_code import is_own, load_own

__all__ = [
    "CALIBRATION_BINS",
    "METRICS",
    "Metric",
    "Predictions",
    "Ranking",
    "abstaining",
    "accuracy",
    "calibration_bins",
    "column_names",
    "confusion_matrix",
    "coverage_metrics",
    "decisions",
    "find_metric",
    "pr_curve",
    "ranking",
    "roc_auc",
    "roc_curve",
]
KINDS = ("binary", "classes", "labels", "count", "real", "none", "series", "field", "text", "mask")


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are.

    formula : Predictions -> float
    higher_is_better : whether a network should raise it
    kinds : of targets that it can judge
    summary : one line for people
    weighted : whether ``formula`` minds ``weight``, so that a resample is a reweighting; a
        person's own metric is resampled by taking rows
    of_rows : where the value is the weighted mean of one number per row, or ``rooted`` its root:
        Predictions -> (rows,), or (rows, targets) of which the means are averaged
    top : where its scale ends, 1 or 100; None where lower is better, or where nobody knows
    """

    formula: Callable[[Predictions], float]
    higher_is_better: bool = True
    kinds: tuple[str, ...] = KINDS
    summary: str = ""
    weighted: bool = True
    of_rows: Callable[[Predictions], np.ndarray] | None = None
    rooted: bool = False
    top: float | None = None

    def function(self, predictions: Predictions) -> float:
        """Give the value; NaN where it is undefined or where a score is missing (NaN)."""
        if not len(predictions) or not predictions.all_scored:
            return nan
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(self.formula(predictions))

    def resampled(self, predictions: Predictions, counts: np.ndarray) -> float:
        """Give the value when row i occurs ``counts[i]`` times; counts are integers (rows,)."""
        if self.weighted:
            return self.function(predictions.reweighted(counts))
        return self.function(predictions.take(np.repeat(np.arange(len(counts)), counts)))


def find_metric(name: str, kind: str | None = None) -> Metric:
    """Give the metric of a name, or a person's own function, "my.py:name".

    The function takes Predictions and gives a number; its attribute ``higher_is_better`` (True
    where absent) says which way is up. SettingsError: there is none, or it cannot judge targets
    of ``kind``.
    """
    if is_own(name):
        return _own_metric(name)
    fitting = [other for other, metric in METRICS.items() if kind is None or kind in metric.kinds]
    if name not in METRICS:
        raise SettingsError(f"There is no metric '{name}'.{nearest(name, fitting)}")
    if name not in fitting:
        raise SettingsError(
            f"The metric '{name}' judges targets of the kind {' or '.join(METRICS[name].kinds)}, "
            f"not {kind}. Give one of these: {', '.join(fitting)}."
        )
    return METRICS[name]


def _own_metric(name: str) -> Metric:
    function = load_own(name, "metric")
    if not callable(function):
        raise SettingsError(
            f"The metric '{name}' must be a function of Predictions, got {type(function).__name__}."
        )
    judge: Any = function  # may give any number
    higher = bool(getattr(function, "higher_is_better", True))
    lines = (function.__doc__ or "").strip().splitlines()
    return Metric(judge, higher, KINDS, lines[0] if lines else name, weighted=False)


def coverage_metrics(below: float) -> dict[str, Metric]:
    """Give "coverage" and "accuracy_decided" as metrics, for abstention below a probability."""
    kinds = ("binary", "classes")
    share = f"Share of rows decided when it abstains below {below:g}"
    right = f"Share of right decisions among rows decided, abstaining below {below:g}"
    return {
        "coverage": Metric(lambda each: abstaining(each, below)[0], True, kinds, share, top=1.0),
        "accuracy_decided": Metric(
            lambda each: abstaining(each, below)[1], True, kinds, right, top=1.0
        ),
    }


_DECIDED, _SCORED, _AMOUNTS = (
    ("binary", "classes"),
    ("binary", "classes", "labels"),
    ("count", "real"),
)

METRICS: dict[str, Metric] = {
    "accuracy": Metric(accuracy, True, _SCORED, "Share of right decisions", top=1.0),
    "balanced_accuracy": Metric(
        balanced_accuracy,
        True,
        _DECIDED,
        "Mean over the classes of the share found of each",
        top=1.0,
    ),
    "precision": Metric(
        precision, True, _SCORED, "Share of true ones among those called positive", top=1.0
    ),
    "recall": Metric(
        recall, True, _SCORED, "Share of the true ones that were called positive", top=1.0
    ),
    "f1": Metric(f1, True, _SCORED, "Harmonic mean of precision and recall", top=1.0),
    "exact_match": Metric(
        exact_match, True, ("labels",), "Share of rows with all labels right", top=1.0
    ),
    "roc_auc": Metric(
        roc_auc, True, _SCORED, "Chance that a positive row scores above a negative one", top=1.0
    ),
    "pr_auc": Metric(pr_auc, True, _SCORED, "Average precision over all thresholds", top=1.0),
    "log_loss": Metric(
        log_loss,
        False,
        _SCORED,
        "Mean of -log(probability of the truth), nats",
        of_rows=surprises,
    ),
    "brier": Metric(
        brier, False, _SCORED, "Mean squared error of the probabilities", of_rows=squared_surprises
    ),
    "calibration_error": Metric(
        calibration_error, False, _SCORED, "Mean gap between confidence and share that is so"
    ),
    "mae": Metric(
        mae,
        False,
        (*_AMOUNTS, "series", "field"),
        "Mean absolute error, in the target's unit",
        of_rows=absolute_errors,
    ),
    "rmse": Metric(
        rmse,
        False,
        (*_AMOUNTS, "series", "field"),
        "Root of the mean squared error, in the target's unit",
        of_rows=squared_errors,
        rooted=True,
    ),
    "r2": Metric(r2, True, _AMOUNTS, "Share of the variance that is explained", top=1.0),
    "mean_error": Metric(
        mean_error,
        False,
        ("none",),
        "Mean over the rows of what the task judges each by: an error, or nats",
        of_rows=own_numbers,
    ),
    "nats_per_character": Metric(
        nats_per_character,
        False,
        ("none",),
        "Minus the log of the chance of the text per character, nats; ends of lines counted",
        of_rows=own_numbers,
    ),
    "bits_per_character": Metric(
        bits_per_character,
        False,
        ("none",),
        "The same in bits",
        of_rows=bits_of_rows,
    ),
    "character_perplexity": Metric(
        character_perplexity,
        False,
        ("none",),
        "exp(nats per character), not per token: equal chances that are as uncertain",
    ),
    "win_fraction": Metric(
        win_fraction,
        True,
        ("none",),
        "Share of games that were won; a draw is no win",
        of_rows=own_numbers,
        top=1.0,
    ),
    "poisson_deviance": Metric(
        poisson_deviance,
        False,
        ("count",),
        "How far counts are from Poisson predictions",
        of_rows=poisson_deviances,
    ),
    "mase": Metric(
        mase,
        False,
        ("series",),
        "Mean absolute error over that of the naive forecast in training",
        of_rows=scaled_absolute_rows,
    ),
    "scaled_mse": Metric(
        scaled_mse,
        False,
        ("series",),
        "Mean squared error of targets with deviation 1 in training",
        of_rows=scaled_squared_rows,
    ),
    "pinball": Metric(
        pinball,
        False,
        ("series",),
        "Mean pinball loss of the quantiles, in the target's unit",
        of_rows=pinball_rows,
    ),
    "interval_coverage": Metric(
        interval_coverage,
        True,
        ("series",),
        "Share of the truth between the outer quantiles; best is what they promise",
        of_rows=covered_rows,
        top=1.0,
    ),
    "dice": Metric(
        dice, True, ("mask",), "Overlap of said and true pixels, 2 x both / (said + true)", top=1.0
    ),
    "iou": Metric(iou, True, ("mask",), "Overlap of said and true pixels, both / either", top=1.0),
    "pixel_accuracy": Metric(
        pixel_accuracy, True, ("mask",), "Share of pixels whose class is right", top=1.0
    ),
    "image_dice": Metric(
        image_dice,
        True,
        ("mask",),
        "Mean over images of the Dice of each",
        of_rows=image_dice_rows,
        top=1.0,
    ),
    "bias": Metric(
        bias,
        False,
        ("field",),
        "How far the mean over rows and cells is off, in the target's unit",
    ),
    "pattern_correlation": Metric(
        pattern_correlation,
        True,
        ("field",),
        "Mean over the rows of the correlation in space with the truth",
        top=1.0,
    ),
    "chrf": Metric(
        chrf, True, ("text",), "F score of character n-grams up to 6 (chrF2), 0 to 100", top=100.0
    ),
    "bleu": Metric(
        bleu, True, ("text",), "Precision of word n-grams up to 4 (BLEU), 0 to 100", top=100.0
    ),
}
