"""Training more than once: for each fold of the rows, or for several seeds on the same rows."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pandas import concat

from layerwise.data.datasets import TensorDataset
from layerwise.job.judging import Gathered, Judgement, conclude, gather
from layerwise.job.learning import learn
from layerwise.job.plan import Plan, plan_split
from layerwise.job.stopping import Signals, TimeLimit
from layerwise.metrics import Predictions, find_metric
from layerwise.report.live import Display

NO_DISPLAY = Display(False)


@dataclass(frozen=True)
class Again:
    """One more training of the same settings.

    name : "fold 2 of 5" or "seed 3"; fold : from 1; 0 for a seed
    """

    name: str
    plan: Plan
    fold: int
    seed: int


def times(settings: Any) -> int:
    """How many trainings the settings ask for."""
    return 1 + (settings.folds or settings.repeats - 1)


def more_plans(plan: Plan, settings: Any) -> Iterator[Again]:
    """The plans of the trainings after the first one, each prepared from its own training rows."""
    if settings.folds:
        for fold, split in enumerate(plan.folds, start=1):
            made = plan_split(settings, plan.source, plan.model.roles, plan.model.target, split,
                              plan.machine.processes, seed=settings.seed)  # fmt: skip
            yield Again(f"fold {fold} of {settings.folds}", made, fold, settings.seed)
        return
    for seed in range(settings.seed + 1, settings.seed + settings.repeats):
        made = plan_split(settings, plan.source, plan.model.roles, plan.model.target, plan.split,
                          plan.machine.processes, seed=seed)  # fmt: skip
        yield Again(f"seed {seed}", made, 0, seed)


def splits_of(plan: Plan, settings: Any):
    """The splits of the folds, which ``make_plan`` made."""
    return plan.folds


def train_again(
    plan: Plan, settings: Any, display: Display, limit: TimeLimit, signals: Signals
) -> tuple[list[tuple[Again, Gathered]], str]:
    """Train for every fold or further seed; what each says about its rows, and how it ended.

    A signal ends it after the training that it met; each has its share of a time limit.
    """
    found: list[tuple[Again, Gathered]] = []
    ended = "finished"
    for again in more_plans(plan, settings):
        left = times(settings) - 1 - len(found)
        dataset = again.plan.model.dataset(again.plan.source)
        outcome = learn(
            again.plan, dataset, writes=None, checkpoints=None, display=NO_DISPLAY,
            limit=share_of(limit, left), signals=signals,
        )  # fmt: skip
        again, ended = replace(again, plan=outcome.plan), outcome.ended
        if plan.machine.processes.first:
            seconds = limit.left() / (2 * left)
            gathered = gather(again.plan, dataset, settings, seconds, baselines=bool(again.fold))
            found.append((again, gathered))
            value = _value(gathered, again.plan, plan.metric)
            display.say(f"{again.name.capitalize()}: {plan.metric} {value:.4g}.")
        if ended == "interrupted":
            break
    return found, ended


def share_of(limit: TimeLimit, parts: int) -> TimeLimit:
    """One of so many equal parts of the time that is left."""
    left = limit.left()
    return TimeLimit(None if math.isinf(left) else left / parts / 60, time.monotonic())


def judge_all(
    plan: Plan, dataset: TensorDataset, settings: Any, limit: TimeLimit,
    more: Sequence[tuple[Again, Gathered]],
) -> Judgement:  # fmt: skip
    """The judgement on a training and on those that followed it."""
    folds = more if settings.folds else ()
    gathered = gather(plan, dataset, settings, limit.left() / 2, baselines=not folds)
    judgement = conclude(plan, joined(gathered, folds) if folds else gathered, settings)
    if folds:
        judgement.results["folds"] = over_folds(folds, plan, settings.folds)
    elif more:
        part = judgement.results["headline"]["split"]
        judgement.results["repeats"] = over_seeds(gathered, more, plan, part)
    return judgement


def joined(main: Gathered, folds: Sequence[tuple[Again, Gathered]]) -> Gathered:
    """The main training's predictions for its rows, and those of the folds for their test rows."""
    tables = [main.predictions]
    baselines: dict[str, Any] = {}
    for again, gathered in folds:
        table = gathered.predictions
        tables.append(table[table["split"] == "test"].assign(fold=again.fold))
        rows = again.plan.rows("test").numpy()
        for name, result in gathered.baselines.items():
            if name not in baselines:
                empty = np.full(result.scores.shape, np.nan)
                starts = None if result.threshold is None else np.full(len(empty), np.nan)
                baselines[name] = replace(result, scores=empty, threshold=starts, seconds=0.0)
            whole = baselines[name]
            whole.scores[rows] = result.scores[rows]
            if whole.threshold is not None and result.threshold is not None:
                whole.threshold[rows] = result.threshold
            baselines[name] = replace(whole, seconds=whole.seconds + result.seconds)
    return replace(main, predictions=concat(tables, ignore_index=True), baselines=baselines)


def over_seeds(main: Gathered, others: Sequence[tuple[Again, Gathered]], plan: Plan, part: str):
    """Every metric's mean and deviation over seeds, as JSON values with a sentence."""
    names = list(dict.fromkeys((plan.metric, *plan.metrics)))
    tables = [main, *(gathered for _, gathered in others)]
    scores = []
    for name in names:
        metric = find_metric(name, plan.model.target.kind)
        values = [
            metric.function(Predictions.from_table(one.predictions, plan.model.target, part))
            for one in tables
        ]
        mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
        scores.append({"name": name, "mean": mean, "deviation": deviation, "values": values})
    first = scores[0]
    text = (
        f"Over {len(tables)} seeds, on the same {part} rows, {first['name'].replace('_', ' ')} is "
        f"{first['mean']:.4g} with a standard deviation of {first['deviation']:.2g}. The interval "
        "of the headline is another uncertainty: that of the choice of rows. Predictions come "
        "from the first seed, so that none was chosen for its score."
    )
    seeds = [plan.seed, *(again.seed for again, _ in others)]
    return {"seeds": seeds, "scores": scores, "text": text}


def over_folds(folds: Sequence[tuple[Again, Gathered]], plan: Plan, wanted: int) -> dict[str, Any]:
    """The leading metric of each fold, as JSON values with a sentence."""
    values = [
        {"fold": again.fold, "rows": len(again.plan.rows("test")),
         "value": _value(gathered, again.plan, plan.metric)}
        for again, gathered in folds
    ]  # fmt: skip
    cut = f" Only {len(folds)} of {wanted} folds are done." if len(folds) < wanted else ""
    text = (
        f"Each test row was predicted by a network that never saw it, in {len(folds)} folds "
        f"({plan.metric.replace('_', ' ')} from {min(one['value'] for one in values):.4g} to "
        f"{max(one['value'] for one in values):.4g}).{cut} Predictions for new rows come from a "
        "further network, trained with the same settings on the rows of all folds."
    )
    return {"folds": values, "text": text}


def _value(gathered: Gathered, plan: Plan, name: str) -> float:
    table, target = gathered.predictions, plan.model.target
    split = next(part for part in ("test", "validation", "train") if part in set(table["split"]))
    metric = find_metric(name, target.kind)
    return metric.function(Predictions.from_table(table, target, split))
