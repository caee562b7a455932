"""Whether a network has earned its cost: better, worse, equivalent, or not to be told apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from layerwise.evaluation.intervals import Difference, Score
from layerwise.evaluation.shares import TAIL
from layerwise.metrics import METRICS

POWER = 0.8  # chance of seeing the smallest difference that is said to be visible
POINT = 0.01  # margin of metrics that end at a top: this share of it, one percentage point, ...
OF_LACK, LEAST = 0.25, 0.002  # ... but a quarter of what the baseline lacks, at least this share
OF_ERROR = 0.02  # margin of errors: a share of the baseline's error


@dataclass(frozen=True)
class Verdict:
    """The network beside the best of its baselines on the same rows.

    finding : "better", "worse", "equivalent" or "unclear"
    baseline : the one with the best measured value
    difference : network minus baseline; its interval is that of the network minus whichever
        baseline is truly best
    margin : differences within it do not matter; margin_why says how it was chosen
    smallest : difference that would have been seen in 4 of 5 cases; None where it is unknown
    compared : number of baselines
    needed : whether deep learning is needed here; None where the rows do not say
    sentence : all that in words
    """

    finding: str
    baseline: str
    difference: Score
    margin: float
    margin_why: str
    smallest: float | None
    compared: int
    needed: bool | None
    sentence: str

    def to_json(self) -> dict:
        """Give it as JSON values, NaN as None."""
        return {**vars(self), "difference": self.difference.to_json()}


def give_verdict(
    gaps: Mapping[str, Difference],
    values: Mapping[str, float],
    higher_is_better: bool,
    *,
    margin: float | None = None,
    rows_named: str = "test rows",
) -> Verdict | None:
    """Judge a network against the best of several baselines; None where none has a value.

    Let g be the network's true gain over the truly best baseline: the smallest of its gains. The
    lower end of g's interval is the smallest of the single lower ends: it fails only where that
    of the truly best baseline does, however many there are (intersection-union, Berger 1982).
    The upper end is the smallest of the single upper ends, which any baseline could spoil:
    their chance is lowered until all hold together in 97.5 of 100 resamples (minP, Westfall and
    Young 1993, never below Bonferroni's). So a win is not easier and a defeat not likelier with
    more baselines, and wrong words come in at most 5 of 100.

    "equivalent": the whole interval lies within the margin; else "better" or "worse": it does
    not hold 0; else "unclear".

    Parameters
    ----------
    gaps : dict
        Name -> network minus that baseline, from ``differences``.
    values : dict
        Name -> the baseline's own value.
    margin : float or None
        In the metric's unit; None: see ``default_margin``.
    rows_named : str
        What the rows are called in the sentence.
    """
    known = {
        name: gap for name, gap in gaps.items() if isfinite(gap.value) and isfinite(values[name])
    }
    if not known:
        return None
    sign = 1 if higher_is_better else -1
    best = min(known, key=lambda name: (sign * known[name].value, name))
    gap = known[best]
    low, high = _ends_over_all(known, sign)
    why = "as asked"
    if margin is None:
        margin, why = default_margin(gap.name, values[best])
    finding = _finding(low, high, margin)
    low, high = min(sign * low, sign * high), max(sign * low, sign * high)
    difference = Score(gap.name, gap.value, low, high, gap.rows)
    deviation = gap.deviation
    smallest = (float(ndtri(1 - TAIL)) + float(ndtri(POWER))) * deviation
    needed = {"better": True, "worse": False, "equivalent": False}.get(finding)
    verdict = Verdict(
        finding, best, difference, margin, why, smallest if isfinite(smallest) else None,
        len(known), needed, "",
    )  # fmt: skip
    said = {**vars(verdict), "sentence": _sentence(verdict, sign, rows_named)}
    return Verdict(**said)


def default_margin(metric: str, baseline: float) -> tuple[float, str]:
    """Give the difference below which nobody need care, and how it was chosen.

    Metrics that end at a top, 1 (accuracy, AUC, R2) or 100 (chrF, BLEU): one percentage point of
    it; where the baseline is so good that a quarter of what it lacks is less, that quarter, but
    at least 0.2 points. Errors, losses and a person's own metrics: 2 % of the baseline's value.
    """
    top = METRICS[metric].top if metric in METRICS else None
    if top is None:
        return OF_ERROR * abs(baseline), f"{100 * OF_ERROR:g} % of the baseline's value"
    quarter = OF_LACK * (top - baseline)
    if quarter >= POINT * top:
        return POINT * top, "one percentage point"
    if quarter > LEAST * top:
        return quarter, f"a quarter of what the baseline lacks to {top:g}"
    return LEAST * top, "0.2 percentage points, as the baseline is nearly perfect"


def finding_of(gap: Difference, value: float, higher_is_better: bool) -> str:
    """Give the word for one baseline alone; empty where there is no interval."""
    if not isfinite(gap.value) or not isfinite(value):
        return ""
    low, high = gap.ends() if higher_is_better else [-end for end in reversed(gap.ends())]
    return _finding(low, high, default_margin(gap.name, value)[0]) if isfinite(low) else ""


def _finding(low: float, high: float, margin: float) -> str:
    """Give the word for an interval of the gain; NaN ends prove nothing."""
    if -margin < low and high < margin:
        return "equivalent"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "unclear"


def _ends_over_all(gaps: Mapping[str, Difference], sign: int) -> tuple[float, float]:
    """Give the interval of the gain over the truly best baseline."""
    tail = _shared_tail(gaps, sign)
    lows, highs = [], []
    for gap in gaps.values():
        if sign > 0:
            lows.append(gap.ends()[0])
            highs.append(gap.ends(TAIL, tail)[1])
        else:
            lows.append(-gap.ends()[1])
            highs.append(-gap.ends(tail, TAIL)[0])
    if not np.isfinite(lows).all():
        return -np.inf, np.inf
    return float(min(lows)), float(min(highs))


def _shared_tail(gaps: Mapping[str, Difference], sign: int) -> float:
    """Give the chance above each upper end at which all of them hold in 97.5 of 100 resamples."""
    drawn = [gap.resampled.spread for gap in gaps.values() if gap.resampled is not None]
    if len(drawn) < 2:
        return TAIL
    values = sign * np.array(drawn)
    values = values[:, np.isfinite(values).all(axis=0)]
    if not values.shape[1]:
        return TAIL / len(drawn)
    ranks = rankdata(values, axis=1) / values.shape[1]
    shared = 1 - float(np.quantile(ranks.max(axis=0), 1 - TAIL))
    return float(np.clip(shared, TAIL / len(drawn), TAIL))


def _sentence(verdict: Verdict, sign: int, rows_named: str) -> str:
    gap, name = verdict.difference, _spoken(verdict.baseline)
    of = f"the best of {verdict.compared} baselines, {name}," if verdict.compared > 1 else name
    rows = f"{gap.rows:,} {rows_named}"
    if verdict.finding == "unclear":
        return f"These {rows} cannot tell the network from {of} apart: {_unclear(verdict)}"
    shown = f"{_spoken(gap.name)} differs by {gap.value:+.3g}, 95 % interval {_interval(gap)}"
    if verdict.finding == "equivalent":
        return (
            f"The network and {of.rstrip(',')} are equivalent on {rows}: {shown}, all within the "
            f"margin of {verdict.margin:.2g} ({verdict.margin_why}). Deep learning is not needed "
            f"here: {name} is the simpler model."
        )
    by = f"its {_spoken(gap.name)} is {abs(gap.value):.3g} {_way(gap.value)}"
    shown = f"{by} on {rows}, 95 % interval of the difference {_interval(gap)}"
    if verdict.finding == "better":
        return f"The network is better than {of.rstrip(',')}: {shown}."
    return f"The network is worse than {of.rstrip(',')}: {shown}. Deep learning is not needed here."


def _unclear(verdict: Verdict) -> str:
    """Say what was measured, and what could have been seen."""
    gap = verdict.difference
    said = f"{_spoken(gap.name)} differs by {gap.value:+.3g}"
    if isfinite(gap.low):
        said += f", 95 % interval {_interval(gap)}"
    if verdict.smallest is None:
        return f"{said}. No interval could be measured on them."
    return (
        f"{said}. With 4 chances in 5 they show a difference of {verdict.smallest:.2g} or more; "
        "smaller ones need more test rows."
    )


def _interval(gap: Score) -> str:
    return f"{gap.low:+.3g} to {gap.high:+.3g}"


def _way(value: float) -> str:
    return "higher" if value > 0 else "lower"


def _spoken(name: str) -> str:
    return name.replace("_", " ")
