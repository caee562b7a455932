"""Which columns a network uses: what is lost when one is shuffled, and why it said what it said."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from pandas import DataFrame

from layerwise.evaluation.columns import Inputs, Places, take, with_column
from layerwise.metrics import Metric, Predictions

REPEATS, RESAMPLES = 5, 200
MOST_ROWS, MOST_COLUMNS = 2000, 100
REASONS = 3


def importance(
    inputs: Inputs,
    judged: Predictions,
    outputs: Callable[[Inputs], np.ndarray],
    columns: Sequence[Places],
    metric: Metric,
    *,
    seed: int = 0,
) -> list[dict]:
    """Give how much worse the metric becomes when a column's values are shuffled among the rows.

    Breiman 2001, "Random forests", section 10. A column that others can stand in for seems
    unimportant. The mean of 5 shuffles; the interval is that of the drawn rows or groups, 95 % of
    200 resamples. At most 2,000 rows and the first 100 columns are looked at.

    inputs : of the judged rows, in the order of ``judged``
    outputs : inputs -> (rows, ...) scores as ``judged`` has them
    returns : [{"column", "drop", "low", "high", "rows"}], largest drop first
    """
    generator = np.random.default_rng(seed)
    if len(judged) > MOST_ROWS:
        rows = np.sort(generator.choice(len(judged), MOST_ROWS, replace=False))
        judged, inputs = judged.take(rows), take(inputs, torch.from_numpy(rows))
    orders = [torch.from_numpy(generator.permutation(len(judged))) for _ in range(REPEATS)]
    counts = _counts(judged, generator)
    sign = 1 if metric.higher_is_better else -1
    whole = metric.function(judged)
    wholes = np.array([metric.resampled(judged, drawn) for drawn in counts])
    found = []
    for places in columns[:MOST_COLUMNS]:
        shuffled = [
            _scored(judged, outputs(with_column(inputs, places, take(inputs, order))))
            for order in orders
        ]
        drop = float(sign * (whole - np.mean([metric.function(each) for each in shuffled])))
        worse = [np.mean([metric.resampled(each, drawn) for each in shuffled]) for drawn in counts]
        low, high = _ends(sign * (wholes - np.array(worse)), drop)
        found.append(
            {"column": places.name, "drop": _plain(drop), "low": _plain(low), "high": _plain(high),
             "rows": len(judged)}
        )  # fmt: skip
    return sorted(found, key=lambda one: -(one["drop"] if one["drop"] is not None else -np.inf))


def reasons(
    inputs: Inputs,
    outputs: Callable[[Inputs], np.ndarray],
    columns: Sequence[Places],
    neutral: Inputs,
    shown: Mapping[str, Sequence],
    said: np.ndarray | None,
) -> DataFrame:
    """Give the three columns that move each prediction most, as text such as "age = 61 (+0.21)".

    Each column alone is set to its training median or most common category; the number is how
    much the score is higher with the row's own value.

    said : (rows,) column of the scores that is explained (the class that was said); None: the
        only one
    shown : column -> its values as the source has them
    returns : columns reason_1, reason_2, reason_3; (rows,) texts, empty where nothing moves it
    """
    own = _explained(outputs(inputs), said)
    moves = np.stack(
        [own - _explained(outputs(with_column(inputs, each, neutral)), said) for each in columns],
        axis=1,
    )
    order = np.argsort(-np.abs(moves), axis=1, kind="stable")[:, :REASONS]
    texts = {}
    for place in range(order.shape[1]):
        texts[f"reason_{place + 1}"] = [
            _reason(columns[best].name, shown[columns[best].name][row], moves[row, best])
            for row, best in enumerate(order[:, place])
        ]
    return DataFrame(texts)


def _explained(scores: np.ndarray, said: np.ndarray | None) -> np.ndarray:
    scores = scores.reshape(len(scores), -1)
    return scores[:, 0] if said is None else scores[np.arange(len(scores)), said]


def _reason(name: str, value: object, move: float) -> str:
    if abs(move) < 1e-9:
        return ""
    missing = value is None or value != value
    written = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"{name} {'is missing' if missing else '= ' + written} ({move:+.2g})"


def _scored(judged: Predictions, scores: np.ndarray) -> Predictions:
    return Predictions(
        judged.kind, judged.classes, judged.truth, scores.reshape(judged.scores.shape),
        judged.weight, judged.group, judged.threshold,
    )  # fmt: skip


def _counts(judged: Predictions, generator: np.random.Generator) -> list[np.ndarray]:
    """Give how often each row is drawn, per resample; rows of a group are drawn together."""
    units = np.arange(len(judged))
    if judged.group is not None:
        units = np.unique(judged.group.astype(str), return_inverse=True)[1].reshape(-1)
    size = int(units.max(initial=-1)) + 1
    return [
        np.bincount(generator.integers(0, size, size), minlength=size)[units]
        for _ in range(RESAMPLES)
    ]


def _ends(drops: np.ndarray, drop: float) -> tuple[float, float]:
    known = drops[np.isfinite(drops)]
    if len(known) < RESAMPLES / 2:
        return np.nan, np.nan
    low, high = np.quantile(known, [0.025, 0.975])
    return min(float(low), drop), max(float(high), drop)


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
