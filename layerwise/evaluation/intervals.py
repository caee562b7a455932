"""How far a score may be trusted: 95 % intervals by the bootstrap over rows or over groups."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import isclose, isfinite, isnan, nan
from typing import Any

import numpy as np

from layerwise.errors import DataError
from layerwise.metrics import Metric, Predictions, find_metric

RESAMPLES = 1000
LEVEL = 0.95
REFLECTED = ("calibration_error",)  # a resample's error is larger than the rows' own, see below
SHARES_OF_ROWS = ("accuracy", "exact_match")  # where Clopper and Pearson's bound holds at 0 and 1


@dataclass(frozen=True)
class Score:
    """A metric's value with its interval.

    value, low, high : in the metric's unit; NaN where there is none
    rows : how many were judged
    level : how often such intervals hold the truth
    """

    name: str
    value: float
    low: float
    high: float
    rows: int
    level: float = LEVEL

    def to_json(self) -> dict:
        """Give it as a dict of JSON values, NaN and infinities as None."""
        return {
            name: None if isinstance(value, float) and not isfinite(value) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, content: dict) -> "Score":
        """Give back what ``to_json`` gave."""
        known: dict[str, Any] = {n: nan if value is None else value for n, value in content.items()}
        return cls(**known)


def interval(
    name: str, predictions: Predictions, *, resamples: int = RESAMPLES, seed: int = 0
) -> Score:
    """Give one metric with its interval; see ``intervals``."""
    return intervals({name: find_metric(name)}, predictions, resamples=resamples, seed=seed)[0]


def intervals(
    metrics: Mapping[str, Metric],
    predictions: Predictions,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Score]:
    """Give metrics with their 95 % percentile bootstrap intervals (Efron and Tibshirani 1993).

    Rows are drawn with replacement, or whole groups where the predictions have groups. The
    interval covers the choice of the judged rows, not that of the seed or of the training rows.
    Where all resamples agree there is no spread to read an interval from: low and high are NaN;
    but an accuracy of 0 or 1 gets the exact bound of Clopper and Pearson (1934) for that many
    rows or groups. ``calibration_error``, which grows by resampling, has its percentiles
    reflected at the value (the "basic" interval). An interval always holds the value.
    """
    values = {name: metric.function(predictions) for name, metric in metrics.items()}
    wanted = {name: metrics[name] for name, value in values.items() if isfinite(value)}
    drawn: dict[str, list[float]] = {name: [] for name in wanted}
    if wanted and units(predictions) > 1:
        for counts in _draws(predictions, resamples, seed):
            for name, metric in wanted.items():
                drawn[name].append(metric.resampled(predictions, counts))
    return [
        _score(name, value, np.array(drawn.get(name, [])), predictions)
        for name, value in values.items()
    ]


def difference(
    name: str,
    a: Predictions,
    b: Predictions,
    *,
    metric: Metric | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Score:
    """Give metric(a) - metric(b) on the same rows, with the interval of paired resamples.

    Equal predictions differ by 0, and surely so. Where all resamples agree on another value
    there is no interval (NaN). DataError: the rows or their truths differ.
    """
    if a.truth.shape != b.truth.shape or not np.array_equal(a.truth, b.truth):
        raise DataError(
            f"A paired difference of {name} must have the same rows with the same truths, got "
            f"{len(a)} and {len(b)} rows. Judge both on the same test rows."
        )
    metric = metric or find_metric(name)
    value = metric.function(a) - metric.function(b)
    if np.array_equal(a.scores, b.scores):
        return Score(name, value, value, value, len(a))
    drawn = []
    if units(a) > 1 and not isnan(value):
        for counts in _draws(a, resamples, seed):
            drawn.append(metric.resampled(a, counts) - metric.resampled(b, counts))
    low, high = _percentiles(np.array(drawn), value)
    return Score(name, value, low, high, len(a))


def units(predictions: Predictions) -> int:
    """Give how many things are drawn independently: groups where there are any, else rows."""
    return predictions.once(_grouping)[0]


def _grouping(predictions: Predictions) -> tuple[int, np.ndarray | None]:
    """Give the number of groups and each row's group number, or the number of rows and None."""
    if predictions.group is None:
        return len(predictions), None
    names, numbers = np.unique(predictions.group.astype(str), return_inverse=True)
    return len(names), numbers


def _draws(predictions: Predictions, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each row occurs in each resample; (rows,) integers."""
    generator = np.random.default_rng(seed)
    number, group = predictions.once(_grouping)
    for _ in range(resamples):
        counts = np.bincount(generator.integers(0, number, number), minlength=number)
        yield counts if group is None else counts[group]


def _score(name: str, value: float, drawn: np.ndarray, predictions: Predictions) -> Score:
    if name in SHARES_OF_ROWS and any(isclose(value, end, abs_tol=1e-12) for end in (0, 1)):
        low, high = clopper_pearson(round(value), units(predictions))
    else:
        low, high = _percentiles(drawn, value, reflected=name in REFLECTED)
    return Score(name, value, low, high, len(predictions))


def _percentiles(
    drawn: np.ndarray, value: float, *, reflected: bool = False
) -> tuple[float, float]:
    """Give the middle 95 % of the resamples, widened to hold the value; NaN where they agree."""
    defined = drawn[np.isfinite(drawn)]
    if len(defined) < max(2, len(drawn) / 2) or np.ptp(defined) == 0:
        return nan, nan
    low, high = (float(end) for end in np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    if reflected:  # errors: never below 0
        low, high = max(2 * value - high, 0.0), 2 * value - low
    return min(low, value), max(high, value)


def clopper_pearson(value: int, trials: int) -> tuple[float, float]:
    """Give the exact 95 % interval of a share that was 0 or 1 in every one of ``trials``.

    Clopper and Pearson 1934. One trial that went right says: between 0.025 and 1.
    """
    bound = ((1 - LEVEL) / 2) ** (1 / trials)
    return (bound, 1.0) if value else (0.0, 1.0 - bound)
