"""How far a score may be trusted: 95 % intervals over rows or over groups."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isclose, isfinite, nan
from typing import Any

import numpy as np

from layerwise.errors import DataError
from layerwise.evaluation.bootstrap import Resampled, resample, resample_differences, units
from layerwise.evaluation.shares import (
    TAIL,
    clopper_pearson,
    paired_deviation,
    paired_ends,
    share_ends,
)
from layerwise.metrics import Metric, Predictions, decisions, find_metric

RESAMPLES = 1000
MOST_DRAWN = 100_000  # rows above which shares, which have intervals without it, are not resampled
LEVEL = 0.95
REFLECTED = ("calibration_error",)  # a resample's error is larger than the rows' own, see below
SHARES_OF_ROWS = ("accuracy", "exact_match")


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


@dataclass(frozen=True)
class Difference:
    """A paired difference, metric(a) - metric(b) on the same rows, and how sure it is.

    resampled : what its intervals are read from; None where both say the same
    disagreements : rows where only a, only b is right, where the metric is a share of rows
    """

    name: str
    value: float
    rows: int
    resampled: Resampled | None
    disagreements: tuple[int, int] | None = None

    def ends(self, below: float = TAIL, above: float = TAIL) -> tuple[float, float]:
        """Give the interval that leaves these chances below and above it."""
        if self.disagreements is not None:
            low, high = paired_ends(*self.disagreements, self.rows, below, above)
            return min(low, self.value), max(high, self.value)
        return (self.value, self.value) if self.resampled is None else self.resampled.ends(
            below, above
        )  # fmt: skip

    @property
    def deviation(self) -> float:
        """Standard error; NaN where there is none."""
        if self.disagreements is not None:
            return paired_deviation(*self.disagreements, self.rows)
        return nan if self.resampled is None else self.resampled.deviation

    @property
    def score(self) -> Score:
        """The difference with its 95 % interval."""
        return Score(self.name, self.value, *self.ends(), self.rows)


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
    """Give metrics with their 95 % intervals.

    Shares of unweighted, ungrouped rows (accuracy) get Wilson's interval, means of one number per
    row (log loss, errors) the studentized bootstrap, ROC AUC that of its logit from the jackknife,
    all others bias-corrected and accelerated percentiles, see ``bootstrap``. Rows are drawn with
    replacement, or whole groups where the predictions have groups. The interval covers the choice
    of the judged rows, not that of the seed or of the training rows. Where all resamples agree
    there is no spread to read an interval from: low and high are NaN; but an accuracy of 0 or 1
    gets the exact bound of Clopper and Pearson (1934) for that many rows or groups.
    ``calibration_error``, which grows by resampling, has its percentiles reflected at the value
    (the "basic" interval). An interval always holds the value.
    """
    values = {name: metric.function(predictions) for name, metric in metrics.items()}
    closed = {
        name: _closed(name, values[name], predictions)
        for name in metrics
        if name in SHARES_OF_ROWS and isfinite(values[name])
    }
    known = {name: ends for name, ends in closed.items() if ends is not None}
    drawn = resample(
        {n: m for n, m in metrics.items() if n not in known and isfinite(values[n])},
        predictions,
        resamples,
        seed,
    )
    for name, found in drawn.items():
        known[name] = _reflected(found) if name in REFLECTED else found.ends()
    return [
        Score(name, value, *known.get(name, (nan, nan)), len(predictions))
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
    """Give metric(a) - metric(b) on the same rows, with its 95 % interval; see ``differences``."""
    found = differences(name, a, {"": b}, metric=metric, resamples=resamples, seed=seed)
    return found[""].score


def differences(
    name: str,
    a: Predictions,
    others: Mapping[str, Predictions],
    *,
    metric: Metric | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Difference]:
    """Give metric(a) - metric(other) for each other, from resamples that all of them share.

    Equal predictions differ by 0, and surely so. Shares of unweighted, ungrouped rows get Bonett
    and Price's interval, see ``shares``. Where all resamples agree on another value there is no
    interval (NaN). DataError: the rows or their truths differ.
    """
    for other in others.values():
        _require_same_rows(name, a, other)
    measure = metric or find_metric(name)
    unequal = {
        k: other for k, other in others.items() if not np.array_equal(a.scores, other.scores)
    }
    defined = {k: o for k, o in unequal.items() if isfinite(measure.function(o))}
    closed = _counted_alike(name, a) and (len(defined) < 2 or len(a) > MOST_DRAWN)
    drawn = {} if closed else resample_differences(measure, a, defined, resamples, seed)
    found = {}
    for other, predictions in others.items():
        if other in unequal:
            value = measure.function(a) - measure.function(predictions)
            resampled = drawn.get(other, Resampled(value, np.empty(0), 1))
            pairs = _disagreements(name, a, predictions) if isfinite(value) else None
            found[other] = Difference(name, value, len(a), resampled, pairs)
        else:
            found[other] = Difference(name, 0.0, len(a), None)
    return found


def _require_same_rows(name: str, a: Predictions, b: Predictions) -> None:
    if a.truth.shape != b.truth.shape or not np.array_equal(a.truth, b.truth):
        raise DataError(
            f"A paired difference of {name} must have the same rows with the same truths, got "
            f"{len(a)} and {len(b)} rows. Judge both on the same test rows."
        )


def _counted_alike(name: str, predictions: Predictions) -> bool:
    """Whether the metric is a share of rows that count once each."""
    plain = predictions.group is None and bool((predictions.weights == 1).all())
    return plain and (name == "exact_match" or (name == "accuracy" and predictions.truth.ndim == 1))


def _right(predictions: Predictions) -> np.ndarray:
    """Give whether each row is right, all its labels where it has labels; (rows,)."""
    right = decisions(predictions) == predictions.truth
    return right.reshape(len(right), -1).all(axis=1)


def _closed(name: str, value: float, predictions: Predictions) -> tuple[float, float] | None:
    """Give the interval of a share of rows in closed form; None where there is none."""
    if any(isclose(value, end, abs_tol=1e-12) for end in (0, 1)):
        return clopper_pearson(round(value), units(predictions))
    if _counted_alike(name, predictions):
        return share_ends(int(_right(predictions).sum()), len(predictions))
    return None


def _disagreements(name: str, a: Predictions, b: Predictions) -> tuple[int, int] | None:
    if not _counted_alike(name, a):
        return None
    one, other = _right(a), _right(b)
    return int((one & ~other).sum()), int((other & ~one).sum())


def _reflected(found: Resampled) -> tuple[float, float]:
    """Give the middle 95 % of the resamples reflected at the value; errors are never below 0."""
    known = found.drawn[np.isfinite(found.drawn)]
    if len(known) < max(2, len(found.drawn) / 2) or np.ptp(known) == 0:
        return nan, nan
    low, high = np.quantile(known, [TAIL, 1 - TAIL])
    value = found.value
    return min(max(2 * value - float(high), 0.0), value), max(2 * value - float(low), value)
