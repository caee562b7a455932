"""The bootstrap: resamples of rows or groups, and the interval that is read from them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import nan, sqrt

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri, stdtrit

from layerwise.metrics import Metric, Predictions, roc_auc

BLOCKS = 200  # at most so many jackknife values, each without one block of rows
MANY = (
    50_000  # units above which an interval is normal, from the jackknife: resamples cost a minute
)
NORMAL = ndtri(np.arange(1, 1000) / 1000)  # what resamples of a normal value would be


@dataclass(frozen=True)
class Resampled:
    """A value with what its interval is read from.

    drawn : (resamples,) the value in each resample, NaN where undefined
    units : how many things are drawn independently
    left_out : (blocks,) the value without one block of rows
    paired : whether it is a difference on the same rows
    error, pivots : for smooth functions of means the standard error, and (resamples,) how many
        of its own standard errors each resample's value lies above ``value``
    rarer : of a chance of order (ROC AUC), whose interval is that of its logit, how many units
        hold the rarer class; 0 for all others
    """

    value: float
    drawn: np.ndarray
    units: int
    left_out: np.ndarray | None = None
    paired: bool = False
    error: float = nan
    pivots: np.ndarray | None = None
    rarer: int = 0

    @property
    def deviation(self) -> float:
        """Standard error; NaN where there is no spread."""
        if self.pivots is not None:
            return self.error
        known = self.drawn[np.isfinite(self.drawn)]
        spread = float(known.std()) if len(known) > 1 else 0.0
        return spread * sqrt(self.units / (self.units - 1)) if spread > 0 else nan

    @property
    def spread(self) -> np.ndarray:
        """What the ends are percentiles of: (resamples,) mirrored pivots, or values as drawn."""
        return self.drawn if self.pivots is None else -self.pivots

    def ends(self, below: float = 0.025, above: float = 0.025) -> tuple[float, float]:
        """Give the interval that leaves these chances below and above it, holding the value.

        Studentized (Efron and Tibshirani 1993, section 12.5) where there are pivots, else
        bias-corrected and accelerated percentiles (Efron 1987), widened for few rows as Student's
        distribution is (Hesterberg 2015, "What teachers should know about the bootstrap").
        Differences get at least Student's interval: where few rows decide, or errors have long
        tails, resamples alone would call 9 to 10 of 100 ties a win. NaN where all resamples agree
        or half of them are undefined.
        """
        known = self.spread[np.isfinite(self.spread)]
        if self.units < 2 or len(known) < max(2, len(self.spread) / 2) or np.ptp(known) == 0:
            return nan, nan
        if self.rarer:
            return self._on_logits(below, above)
        if self.pivots is not None:
            low, high = self.value + self.error * np.quantile(known, [below, 1 - above])
        else:
            low, high = np.quantile(
                known, [self._share(known, below, -1), self._share(known, above, 1)]
            )
        if self.paired:
            few = self._few()
            low = min(low, self.value + float(stdtrit(self.units - 1, below)) * few)
            high = max(high, self.value - float(stdtrit(self.units - 1, above)) * few)
        return min(float(low), self.value), max(float(high), self.value)

    def _share(self, known: np.ndarray, chance: float, side: int) -> float:
        """Give which percentile of the resamples is the end on one side."""
        under = np.mean(known < self.value) + np.mean(known == self.value) / 2
        bias = float(ndtri(np.clip(under, 1 / len(known), 1 - 1 / len(known))))
        student = -stdtrit(self.units - 1, chance) * sqrt(self.units / (self.units - 1))
        place = bias + side * float(student)
        return float(ndtr(bias + place / max(1 - self._acceleration() * place, 0.1)))

    def _on_logits(self, below: float, above: float) -> tuple[float, float]:
        """Give Student's interval of the logit, with as many units as the rarer class has.

        The ends of a chance near 1 are not as far from it above as below (Pepe 2003, "The
        statistical evaluation of medical tests", section 5.2), and the few rows of the rarer
        class decide: resamples of 15 positives cover in 85 to 90 of 100 only.
        """
        if self.rarer < 2 or not 0 < self.value < 1:
            return nan, nan
        center, error = logit(self.value), self._few() / (self.value * (1 - self.value))
        low = center + stdtrit(self.rarer - 1, below) * error
        high = center - stdtrit(self.rarer - 1, above) * error
        return float(expit(low)), float(expit(high))

    def _few(self) -> float:
        """Give the standard error as if one more row, of the average influence, disagreed.

        So do Bonett and Price (2012) with shares. The rows that matter are counted by
        (sum u^2)^2 / sum u^4 over their influences u.
        """
        if self.left_out is None:
            return self.deviation
        squares = (self.left_out[np.isfinite(self.left_out)] - self.value) ** 2
        fourth = (squares**2).sum()
        deciding = squares.sum() ** 2 / fourth if fourth > 0 else 1.0
        return self.deviation * sqrt(1 + 1 / deciding)

    def _acceleration(self) -> float:
        """Give a sixth of the skewness of the rows' influences, from the blocks left out."""
        if self.left_out is None:
            return 0.0
        influence = self.left_out[np.isfinite(self.left_out)]
        influence = influence.mean() - influence if len(influence) else influence
        squares = (influence**2).sum()
        return float((influence**3).sum() / (6 * squares**1.5)) if squares > 0 else 0.0


def resample(
    metrics: Mapping[str, Metric], predictions: Predictions, resamples: int, seed: int
) -> dict[str, Resampled]:
    """Give each metric with its resamples; the same resamples for all of them.

    ROC AUC takes none, only its jackknife.
    """
    values = {name: metric.function(predictions) for name, metric in metrics.items()}
    smooth = [name for name, metric in metrics.items() if _is_smooth(metric, predictions)]
    others = {name: metric for name, metric in metrics.items() if name not in smooth}
    count = units(predictions)
    left = _columns(others, predictions, _without_blocks(predictions))
    ordering = [name for name, metric in others.items() if metric.formula is roc_auc]
    found = {
        name: _by_blocks(values[name], count, left[name])
        for name in (others if count > MANY else ordering)
    }
    for name in ordering:
        found[name] = replace(found[name], rarer=_rarer(predictions))
    drawn = {name: metric for name, metric in others.items() if name not in found}
    for name, each in _columns(drawn, predictions, _draws(predictions, resamples, seed)).items():
        found[name] = Resampled(values[name], each, count, left[name])
    for name in smooth:
        found[name] = _Means([(metrics[name], predictions, 1.0)]).resampled(
            values[name], resamples, seed
        )
    return {name: found[name] for name in metrics}


def resample_differences(
    metric: Metric,
    one: Predictions,
    others: Mapping[str, Predictions],
    resamples: int,
    seed: int,
) -> dict[str, Resampled]:
    """Give metric(one) - metric(other) for each other, on the same rows and resamples."""
    first = metric.function(one)
    values = {name: first - metric.function(other) for name, other in others.items()}
    if all(_is_smooth(metric, each) for each in (one, *others.values())):
        return {
            name: _Means([(metric, one, 1.0), (metric, other, -1.0)]).resampled(
                values[name], resamples, seed
            )
            for name, other in others.items()
        }
    together = [(metric, each) for each in (one, *others.values())]
    left = _values(together, _without_blocks(one))
    if units(one) > MANY:
        return {
            name: _by_blocks(values[name], units(one), left[:, 0] - left[:, place], paired=True)
            for place, name in enumerate(others, start=1)
        }
    drawn = _values(together, _draws(one, resamples, seed))
    return {
        name: Resampled(
            values[name],
            drawn[:, 0] - drawn[:, place],
            units(one),
            left[:, 0] - left[:, place],
            paired=True,
        )
        for place, name in enumerate(others, start=1)
    }


def _by_blocks(value: float, count: int, left: np.ndarray, *, paired: bool = False) -> Resampled:
    """Give a value of many units: normal, with the delete-a-block jackknife's standard error.

    Source: Shao and Wu 1989, "A general theory for jackknife variance estimation".
    """
    known = left[np.isfinite(left)]
    blocks = len(known)
    if blocks < max(2, len(left) / 2) or np.ptp(known) == 0:
        return Resampled(value, np.empty(0), count, left, paired)
    error = float(np.sqrt((blocks - 1) / blocks * ((known - known.mean()) ** 2).sum()))
    return Resampled(value, value + error * NORMAL, count, left, paired, error, NORMAL)


def _rarer(predictions: Predictions) -> int:
    """Give how many units hold the rarer of two classes; of other targets all units."""
    count, group = predictions.once(_grouping)
    if predictions.kind != "binary":
        return count
    number = np.arange(count) if group is None else group
    counted = predictions.weights > 0
    return min(len(np.unique(number[counted & (predictions.truth == code)])) for code in (0, 1))


def _columns(
    metrics: Mapping[str, Metric], predictions: Predictions, counts: Iterator[np.ndarray]
) -> dict[str, np.ndarray]:
    """Give each metric (counts,) when row i occurs counts[i] times."""
    found = _values([(metric, predictions) for metric in metrics.values()], counts)
    return {name: found[:, place] for place, name in enumerate(metrics)}


def _values(together: list[tuple[Metric, Predictions]], counts: Iterator[np.ndarray]) -> np.ndarray:
    """Give (counts, metrics): each metric of each predictions when row i occurs counts[i] times."""
    if not together:
        return np.empty((0, 0))
    found = [[metric.resampled(judged, many) for metric, judged in together] for many in counts]
    return np.array(found).reshape(-1, len(together))


def _is_smooth(metric: Metric, predictions: Predictions) -> bool:
    """Whether the value is a mean of one number per row, or its root."""
    if metric.of_rows is None or not len(predictions):
        return False
    known = bool(np.isfinite(predictions.scores).all())
    return known and _rows_of(metric, predictions).shape[1] == 1


def _rows_of(metric: Metric, predictions: Predictions) -> np.ndarray:
    """Give (rows, targets) numbers, of which the metric is the mean."""
    assert metric.of_rows is not None
    return predictions.once(metric.of_rows).reshape(len(predictions), -1)


class _Means:
    """A sum of smooth functions of weighted means, with its standard error by linearization."""

    def __init__(self, terms: list[tuple[Metric, Predictions, float]]):
        # terms: metric, predictions, sign; rows, weights and groups are alike
        first = terms[0][1]
        self._count, self._group = first.once(_grouping)
        self._weights = self._summed(first.weights)
        self._predictions = first
        self._terms = [
            (metric.rooted, sign, self._summed(first.weights * _rows_of(metric, each)[:, 0]))
            for metric, each, sign in terms
        ]

    def resampled(self, value: float, resamples: int, seed: int) -> Resampled:
        """Draw units with replacement, and give how far each resample lies off."""
        generator = np.random.default_rng(seed)
        paired = len(self._terms) > 1
        _, error = self._at(np.ones(self._count))
        if self._count > MANY:
            spread = value + error * NORMAL
            return Resampled(value, spread, self._count, None, paired, error, NORMAL)
        drawn, errors = np.empty(resamples), np.empty(resamples)
        for place in range(resamples):
            chosen = generator.integers(0, self._count, self._count)
            drawn[place], errors[place] = self._at(np.bincount(chosen, minlength=self._count))
        with np.errstate(divide="ignore", invalid="ignore"):
            pivots = (drawn - value) / errors
        return Resampled(
            value,
            drawn,
            self._count,
            paired=paired,
            error=error,
            pivots=pivots,
        )

    def _summed(self, values: np.ndarray) -> np.ndarray:
        """Give the sum over each unit; (units,)."""
        if self._group is None:
            return values
        return np.bincount(self._group, values, self._count)

    def _at(self, counts: np.ndarray) -> tuple[float, float]:
        """Give value and standard error when unit i occurs ``counts[i]`` times."""
        total = counts @ self._weights
        value, influence = 0.0, np.zeros(self._count)
        with np.errstate(divide="ignore", invalid="ignore"):
            for rooted, sign, sums in self._terms:
                mean = counts @ sums / total
                slope = sign / (2 * np.sqrt(mean)) if rooted else sign
                value += sign * (np.sqrt(mean) if rooted else mean)
                influence += slope * (sums - mean * self._weights)
            square = counts @ influence**2 * self._count / max(self._count - 1, 1)
            return float(value), float(np.sqrt(square) / abs(total))


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
    for _ in range(resamples if number > 1 else 0):
        counts = np.bincount(generator.integers(0, number, number), minlength=number)
        yield counts if group is None else counts[group]


def _without_blocks(predictions: Predictions) -> Iterator[np.ndarray]:
    """Yield 0 for the rows of one block and 1 for the others, block by block; (rows,) integers."""
    number, group = predictions.once(_grouping)
    blocks = np.arange(number) % min(max(number, 1), BLOCKS)
    blocks = blocks if group is None else blocks[group]
    for block in range(min(number, BLOCKS) if number > 1 else 0):
        yield (blocks != block).astype(np.int64)
