"""Whether one run is better than another on the same test rows, in numbers and in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import numpy as np
from pandas import DataFrame

from layerwise.contracts import Target
from layerwise.errors import DataError
from layerwise.evaluation.intervals import RESAMPLES, Score, difference, intervals
from layerwise.metrics import Predictions, find_metric


@dataclass(frozen=True)
class Comparison:
    """Several runs on the same rows, best first.

    scores : each run's own value and interval
    differences : of each other run, the best minus it, from paired resamples
    statement : which is better, or that they cannot be told apart, in words
    """

    metric: str
    higher_is_better: bool
    best: str
    scores: dict[str, Score]
    differences: dict[str, Score]
    statement: str

    def to_json(self) -> dict:
        """Give it as JSON values, NaN as None."""
        return {
            "metric": self.metric,
            "higher_is_better": self.higher_is_better,
            "best": self.best,
            "scores": {name: score.to_json() for name, score in self.scores.items()},
            "differences": {name: score.to_json() for name, score in self.differences.items()},
            "statement": self.statement,
        }


def compare(
    tables: Mapping[str, DataFrame],
    target: Target,
    metric: str,
    *,
    split: str = "test",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Hold runs against each other by their predictions tables.

    tables : name of the run -> its predictions table, at least two
    raises : DataError when the rows of the split differ in key, row number or truth
    """
    if len(tables) < 2:
        raise DataError(f"A comparison must have at least two runs, got {len(tables)}.")
    aligned = same_rows(tables, split=split)
    judged = {name: Predictions.from_table(table, target) for name, table in aligned.items()}
    measure = find_metric(metric, target.kind)
    scores = {
        name: intervals({metric: measure}, each, resamples=resamples, seed=seed)[0]
        for name, each in judged.items()
    }
    sign = 1 if measure.higher_is_better else -1
    order = sorted(scores, key=lambda name: _sortable(-sign * scores[name].value))
    best = order[0]
    differences = {
        name: difference(
            metric, judged[best], judged[name], metric=measure, resamples=resamples, seed=seed
        )
        for name in order[1:]
    }
    said = [
        statement(best, name, each, measure.higher_is_better) for name, each in differences.items()
    ]
    return Comparison(
        metric,
        measure.higher_is_better,
        best,
        {name: scores[name] for name in order},
        differences,
        " ".join(said),
    )


def statement(first: str, second: str, gap: Score, higher_is_better: bool) -> str:
    """Say in words what a paired difference (first minus second) means."""
    if gap.value == gap.low == gap.high == 0:
        return f"{first} and {second} cannot be told apart (no difference in {gap.name})."
    shown = f"{gap.name} differs by {gap.value:+.4g}"
    if isnan(gap.low) or isnan(gap.high):
        return f"{first} and {second} cannot be compared: these rows give no interval ({shown})."
    shown += f", 95 % interval {gap.low:+.4g} to {gap.high:+.4g}, {gap.rows} rows"
    if gap.low <= 0 <= gap.high:
        return f"{first} and {second} cannot be told apart ({shown})."
    first_wins = (gap.low > 0) == higher_is_better
    better, worse = (first, second) if first_wins else (second, first)
    return f"{better} is better than {worse} ({shown})."


def same_rows(tables: Mapping[str, DataFrame], *, split: str = "test") -> dict[str, DataFrame]:
    """Give the rows of one split of every table, in the same order.

    Rows are known by their key, or by their row number where no table has keys. DataError: rows
    or truths differ, are none, or are there twice.
    """
    parts = {name: table.loc[table["split"] == split] for name, table in tables.items()}
    by = "key" if all("key" in part for part in parts.values()) else "row"
    sorted_parts = {name: _sorted(name, part, by, split) for name, part in parts.items()}
    first, *others = sorted_parts
    for other in others:
        _require_same(first, sorted_parts[first], other, sorted_parts[other], by, split)
    return sorted_parts


def _sorted(name: str, part: DataFrame, by: str, split: str) -> DataFrame:
    names = part[by].astype(str)
    if not len(part) or names.duplicated().any():
        what = "has no rows" if not len(part) else f"has the same {by} twice in its rows"
        raise DataError(
            f"The run {name} {what} for {split}. A comparison must have every row once; "
            "compare runs that were judged on the same source."
        )
    return part.iloc[np.argsort(names.to_numpy(), kind="stable")].reset_index(drop=True)


def _require_same(
    first: str, one: DataFrame, other: str, two: DataFrame, by: str, split: str
) -> None:
    known, new = set(one[by].astype(str)), set(two[by].astype(str))
    if known != new:
        raise DataError(
            f"The {split} rows of {first} and {other} differ: {len(known - new)} are only in "
            f"{first}, {len(new - known)} only in {other} (by {by}). Runs are compared on the "
            "same rows: fit both with the same source, split and seed."
        )
    truths = [name for name in one if name == "truth" or str(name).startswith("truth:")]
    for name in truths:
        differ = one[name].astype(str) != two[name].astype(str) if name in two else [True]
        if np.any(differ):
            raise DataError(
                f"The {split} rows of {first} and {other} have the same {by}s but other values "
                f"of '{name}' ({int(np.sum(differ))} rows). Runs are compared on the same target."
            )


def _sortable(value: float) -> float:
    return np.inf if isnan(value) else value
