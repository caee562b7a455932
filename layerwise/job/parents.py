"""Starting from the weights of an earlier run, and knowing which rows it was trained on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from layerwise.errors import RunError, SettingsError
from layerwise.job.plan import Choice, Plan
from layerwise.run import Run


def started_from(plan: Plan, wanted: Mapping[str, Any], settings: Any) -> Plan:
    """The plan with the weights and the rows of the run that was named, if one was.

    wanted : the arguments of ``Learner.fit``
    Raises SettingsError where the earlier network is another one or saw other inputs, RunError
    where that run does not know its training rows.
    """
    if wanted.get("from_") is None:
        return plan
    if settings.folds or settings.repeats > 1:
        raise SettingsError(
            "--from starts one training. With --folds the earlier run would have learned from "
            "rows that are tested, and --repeats would begin from the same weights. Leave one out."
        )
    run = Run.open(wanted["from_"])
    if not run.has("rows.safetensors"):
        raise RunError(
            f"Run '{run.folder}' does not say which rows it learned from (it was made with "
            "--no-rows, or did not come to its end), so that nobody could tell whether today's "
            "test rows are among them. Start from another run."
        )
    _check_fits(plan, run)
    weights = run.read_tensors("network")
    plan.model.network.load_state_dict(weights)
    rows = run.read_tensors("rows")["train"].numpy()
    why = f"with the rows that it learned from, {len(rows):,}, in the leak certificate"
    choices = [*plan.choices, Choice("from", f"the weights of run {run.name}", why)]
    return replace(plan, parent_rows=rows, choices=choices)


def _check_fits(plan: Plan, run: Run) -> None:
    """Raise SettingsError at the first thing that differs."""
    model, before = plan.model, run.read("plan")
    entries = {entry["name"]: entry for entry in run.read("preparation")["columns"]}
    now = {entry["name"]: entry for entry in model.preparation.to_json()["columns"]}
    for what, then, here in (
        ("classes", before["target"]["classes"], list(model.target.classes)),
        ("inputs", _inputs(entries), _inputs(now)),
        ("weights", _shapes(run.read_tensors("network")), _shapes(model.network.state_dict())),
    ):
        if then != here:
            raise SettingsError(
                f"The network does not fit the run '{run.folder}' of --from: the {what} must be "
                f"the same, but {_first_difference(then, here)}. Give the same data columns and "
                "network options, or start anew."
            )


def _inputs(entries: Mapping[str, Any]) -> list[Any]:
    return [(name, e["features"], e["categories"]) for name, e in entries.items() if e["features"]]


def _shapes(weights: Mapping[str, Any]) -> list[Any]:
    return sorted((name, tuple(tensor.shape)) for name, tensor in weights.items())


def _first_difference(then: list, here: list) -> str:
    for old, new in zip(then, here, strict=False):
        if old != new:
            return f"that run has {old} where this one has {new}"
    return f"that run has {len(then)}, this one {len(here)}"
