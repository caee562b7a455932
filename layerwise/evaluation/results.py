"""The verdict on a run as one dict of JSON values: results.json."""

from collections.abc import Mapping, Sequence

import numpy as np
from pandas import DataFrame

from layerwise.contracts import Target
from layerwise.errors import DataError
from layerwise.evaluation.baselines import BaselineResult
from layerwise.evaluation.compare import statement
from layerwise.evaluation.intervals import Difference, Score, differences, intervals
from layerwise.evaluation.verdict import finding_of, give_verdict
from layerwise.metrics import Metric, Predictions, column_names, coverage_metrics, find_metric
from layerwise.metrics.beside import field_columns

SPLITS = ("train", "validation", "test")


def judge(
    table: DataFrame,
    target: Target,
    metrics: Sequence[str],
    *,
    leading: str,
    baselines: Mapping[str, BaselineResult] | None = None,
    abstain_below: float | None = None,
    margin: float | None = None,
    seed: int = 0,
) -> dict:
    """Give all scores of a run, with intervals on the rows that it is judged by.

    Parameters
    ----------
    table : DataFrame
        The predictions table.
    metrics : sequence of str
        Names of ``METRICS``, or "my.py:function"; the leading one may be missing here.
    leading : str
        The metric of the headline and of the differences.
    baselines : dict
        Name -> result with scores in the target's units, one per row of the source.
    abstain_below : float or None
        Adds "coverage" and "accuracy_decided" for abstention below this probability.
    margin : float or None
        Difference of the leading metric that does not matter; None: ``default_margin``.

    Returns
    -------
    dict
        "headline" {metric, value, low, high, rows, split}: of the test rows, or where there are
        none of the validation or training rows; "higher_is_better"; "abstain_below"; "scores"
        {split: [score]}; "baselines" [{name, scores, difference, finding, verdict, seconds,
        note}], with "difference" the network minus the baseline and "finding" better, worse,
        equivalent, unclear or "" for that baseline alone; "verdict": the ``Verdict`` against the
        best of them, None without baselines or where the rows were trained on. A score is {name,
        value, low, high, rows, level}. Intervals are drawn for the headline's split only (the
        network was fitted to the others), for baselines only those of the leading metric;
        elsewhere low and high are None, as is whatever is not a number.
    """
    measures = {name: find_metric(name, target.kind) for name in (leading, *metrics)}
    if abstain_below is not None and target.kind in ("binary", "classes"):
        measures |= coverage_metrics(abstain_below)
    judged = {
        split: Predictions.from_table(table, target, split)
        for split in SPLITS
        if split in set(table["split"])
    }
    split = next((name for name in reversed(SPLITS) if len(judged.get(name, ()))), None)
    if split is None:
        raise DataError("There is no row with a known truth to judge the run by.")
    scores = {
        name: intervals(measures, each, seed=seed) if name == split else _values(measures, each)
        for name, each in judged.items()
    }
    head = scores[split][0].to_json()
    against, verdict = _against_baselines(
        baselines or {}, table, target, measures, leading, judged[split], split, margin, seed
    )
    return {
        "headline": {"metric": leading, "split": split}
        | {name: head[name] for name in ("value", "low", "high", "rows")},
        "higher_is_better": measures[leading].higher_is_better,
        "abstain_below": abstain_below,
        "scores": {name: [score.to_json() for score in scores.get(name, [])] for name in SPLITS},
        "baselines": against,
        "verdict": verdict,
    }


def baseline_table(result: BaselineResult, table: DataFrame, target: Target) -> DataFrame:
    """Give the predictions table with a baseline's scores, and its name as "baseline".

    result : scores in the target's units, one per row of the source that "row" counts
    """
    rows = table["row"].to_numpy(dtype=np.int64)
    scores = result.scores.reshape(len(result.scores), -1)[rows]
    columns = column_names(target, "score")
    given: dict = {name: scores[:, place] for place, name in enumerate(columns)}
    if target.kind == "field":
        given = field_columns(columns, scores)
    if result.threshold is not None:
        given["threshold"] = np.broadcast_to(result.threshold, len(result.scores))[rows]
    others = ["threshold", *column_names(target, "threshold")]
    others += [name for name in table if str(name).startswith(tuple(f"{one}@" for one in columns))]
    return table.drop(columns=others, errors="ignore").assign(baseline=result.name, **given)


def _values(measures: Mapping[str, Metric], predictions: Predictions) -> list[Score]:
    """Give the scores without intervals."""
    return [
        Score(name, metric.function(predictions), np.nan, np.nan, len(predictions))
        for name, metric in measures.items()
    ]


def _against_baselines(
    baselines: Mapping[str, BaselineResult],
    table: DataFrame,
    target: Target,
    measures: Mapping[str, Metric],
    leading: str,
    network: Predictions,
    split: str,
    margin: float | None,
    seed: int,
) -> tuple[list[dict], dict | None]:
    """Give each baseline's record, and the verdict against the best of them."""
    part, metric = table.loc[table["split"] == split], measures[leading]
    others = {
        name: Predictions.from_table(baseline_table(result, part, target), target)
        for name, result in baselines.items()
    }
    gaps = differences(leading, network, others, metric=metric, seed=seed)
    records = [
        _against(baselines[name], other, gaps[name], measures, leading, seed)
        for name, other in others.items()
    ]
    values = {name: metric.function(other) for name, other in others.items()}
    verdict = None
    if split != "train":
        verdict = give_verdict(
            gaps, values, metric.higher_is_better, margin=margin, rows_named=f"{split} rows"
        )
    return records, None if verdict is None else verdict.to_json()


def _against(
    result: BaselineResult,
    baseline: Predictions,
    gap: Difference,
    measures: Mapping[str, Metric],
    leading: str,
    seed: int,
) -> dict:
    """Give one baseline's scores and how the network differs from it on the same rows."""
    metric = measures[leading]
    others = {name: other for name, other in measures.items() if name != leading}
    leads = intervals({leading: metric}, baseline, seed=seed)
    return {
        "name": result.name,
        "scores": [score.to_json() for score in (*leads, *_values(others, baseline))],
        "difference": gap.score.to_json(),
        "finding": finding_of(gap, leads[0].value, metric.higher_is_better),
        "verdict": statement("The network", result.name, gap.score, metric.higher_is_better),
        "seconds": result.seconds,
        "note": result.note,
    }
