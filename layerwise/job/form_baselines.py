"""Baselines of the forms of data that are no table; some of them must be trained."""

from dataclasses import replace
from importlib import import_module
from time import monotonic
from typing import Any

from layerwise.evaluation.baselines import BaselineResult, choose_baselines
from layerwise.job.learning import learn
from layerwise.job.plan import Plan, plan_split
from layerwise.job.stopping import Signals, TimeLimit
from layerwise.report.live import Display

FITTERS = {  # form -> where its baselines are fitted
    "text": "text_baselines",
    "pairs": "pairs_baselines",
    "series": "series_baselines",
    "graph": "graph_baselines",
    "game": "game_baselines",
    "grid": "grid_baselines",
    "masks": "masks_baselines",
}


def baselines_of_form(plan: Plan, settings: Any, seconds: float) -> list[BaselineResult]:
    """What simple methods say about every row, in the units of the data."""
    names = _names(plan, settings.baselines)
    trained = [name for name in names if name == "without_edges"]
    others = [name for name in names if name not in trained]
    fitter = import_module(f"layerwise.evaluation.{FITTERS[plan.source.form]}")
    found = fitter.fit(
        others, plan.source, plan.model.preparation, plan.split.parts,
        seconds=seconds, seed=settings.seed,
    )  # fmt: skip
    return [*found, *(_without_edges(plan, settings) for _ in trained)]


def _names(plan: Plan, choice: str) -> tuple[str, ...]:
    """Those of the task; of graphs those of the level of their rows, which are not alone."""
    target, named = plan.model.target, getattr(plan.model.task, "baselines", ())
    if plan.source.form != "graph" or not named:
        return choose_baselines(choice, target, named)
    unfit = "mean" if target.kind in ("binary", "classes", "labels") else "majority"
    return tuple(name for name in plan.model.preparation.baselines if name != unfit)


def _without_edges(plan: Plan, settings: Any) -> BaselineResult:
    """The same network, trained by the same recipe on the same rows of a graph without edges."""
    from layerwise.data.graph import without_edges  # with what graphs need

    began, model = monotonic(), plan.model
    alone = plan_split(
        settings, without_edges(plan.source), model.roles, model.target, plan.split,
        plan.machine.processes, seed=plan.seed,
    )  # fmt: skip
    alone = replace(alone, machine=plan.machine)
    dataset = alone.model.dataset(alone.source)
    with Signals() as signals:
        learn(
            alone, dataset, writes=None, checkpoints=None, display=Display(False),
            limit=TimeLimit(None, began), signals=signals,
        )  # fmt: skip
    scores = alone.model.outputs(dataset).double().numpy()
    note = "The same network and recipe, trained on the same rows without the edges."
    return BaselineResult("without_edges", scores, monotonic() - began, note)
