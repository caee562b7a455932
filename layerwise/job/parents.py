"""Starting from the weights of an earlier run, and knowing which rows it was trained on."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from layerwise.data.source import counted
from layerwise.errors import RunError, SettingsError
from layerwise.job.choices import Choice
from layerwise.job.fine_tuning import check_start
from layerwise.job.model import load_model
from layerwise.job.plan import Plan
from layerwise.layers.body import output_layer
from layerwise.networks.choose import GOING_ON
from layerwise.run import Run, plain


def started_from(plan: Plan, wanted: Mapping[str, Any], settings: Any) -> Plan:
    """The plan with the weights and the rows of the run that was named, if one was.

    wanted : the arguments of ``Learner.fit``
    Raises SettingsError where the earlier network is another one or saw other inputs, RunError
    where that run does not know its training rows.
    """
    check_start(settings, wanted.get("from_"))
    if wanted.get("from_") is None:
        return plan
    if settings.folds or settings.repeats > 1:
        raise SettingsError(
            "--from starts one training. With --folds the earlier run would have learned from "
            "rows that are tested, and --repeats would begin from the same weights. Leave one out."
        )
    if settings.pretrained:
        raise SettingsError(
            "--from and --pretrained both say with which weights to start. Leave one out."
        )
    run = Run.open(wanted["from_"])
    if not run.has("rows.safetensors"):
        raise RunError(
            f"Run '{run.folder}' does not say which rows it learned from (it was made with "
            "--no-rows, or did not come to its end), so that nobody could tell whether today's "
            "test rows are among them. Start from another run."
        )
    _check_form(plan, run)
    before = run.read("plan")
    name = before["network"]["name"]
    alike = bool(name) and name == plan.model.network_name
    if alike and settings.recipe in GOING_ON and _asks_other_things(plan, before):
        taken = f"{_take_all_but_head(plan, run)} of run {run.name}; the output layer starts anew"
    elif before["target"]["kind"] != "none" or plan.model.target.kind == "none":
        _check_fits(plan, run, ("classes", "inputs", "weights"))
        plan.model.network.load_state_dict(run.read_tensors("network"))
        taken = f"the weights of run {run.name}"
    elif alike:
        taken = f"{_take_all_but_head(plan, run)} of run {run.name}, all but the output layer"
    else:
        taken = f"{counted(_take_layers(plan, run), 'layer')} of the encoder of run {run.name}"
    rows = run.read_tensors("rows")["train"].numpy()
    why = f"with the rows that it learned from, {len(rows):,}, in the leak certificate"
    chosen = [Choice("from", taken, why), *_tokens_taken(plan)]
    return replace(plan, parent_rows=rows, choices=[*plan.choices, *chosen])


def _tokens_taken(plan: Plan) -> list[Choice]:
    """What is said where the tokens were learned by an earlier run."""
    preparation = plan.model.preparation
    earlier = preparation.to_json().get("tokens_from")
    if earlier is None:
        return []
    rows = counted(earlier["rows"], "training row")
    odd = preparation.check(plan.source.take(plan.rows("train").numpy()))
    return [
        Choice("tokens", f"those of run {earlier['run']}", f"learned from {rows} of that run"),
        *(Choice("", note) for note in odd),
    ]


def _asks_other_things(plan: Plan, before: Mapping[str, Any]) -> bool:
    """Whether the outputs mean something else than in the earlier run: other classes or amounts."""
    here = plain(vars(plan.model.target))
    compared = ("kind", "classes") if here["classes"] else ("kind", "names")
    return any(before["target"][what] != here[what] for what in compared)


def _take_all_but_head(plan: Plan, run: Run) -> str:
    """Give the network all weights of its like that was pretrained, but for the output layer.

    returns : how many, in words
    Raises SettingsError where one of them has another shape or is not there.
    """
    _check_fits(plan, run, ("inputs", "scaling"))
    theirs, ours = run.read_tensors("network"), plan.model.network.state_dict()
    head = output_layer(plan.model.network)[0] + "."
    bodies = [{n: t for n, t in one.items() if not n.startswith(head)} for one in (theirs, ours)]
    then, here = map(_shapes, bodies)
    if then != here:
        raise SettingsError(
            f"The network does not fit the run '{run.folder}' of --from: all but its output layer "
            f"must be the same, but {_first_difference(then, here)}. Give the same network "
            "options, and for text the same --data.context."
        )
    plan.model.network.load_state_dict({**ours, **bodies[0]})
    return f"{len(then)} of {counted(len(ours), 'tensor')}"


def _check_form(plan: Plan, run: Run) -> None:
    """Raise SettingsError where one run is of text and the other of pairs: tokens mean others."""
    both = run.read("preparation"), plain(plan.model.preparation.to_json())
    forms = [one["inputs"]["form"] for one in both]
    if all(one.get("tokens") for one in both) and forms[0] != forms[1]:
        raise SettingsError(
            f"Run '{run.folder}' of --from learned from {forms[0]}, this one is to learn from "
            f"{forms[1]}: their tokens are not the same. Start anew, or from a run on {forms[1]}."
        )


def _take_layers(plan: Plan, run: Run) -> int:
    """Give the network the first layers of what was pretrained without labels; their number.

    Layers with weights are taken in order, as long as their shapes are the same.
    Raises SettingsError where not even the first one is.
    """
    _check_fits(plan, run, ("inputs", "scaling"))
    pretrained: Any = load_model(run).network
    theirs = _with_weights(getattr(pretrained, "encoder", pretrained))
    count = 0
    for here, there in zip(_with_weights(plan.model.network), theirs, strict=False):
        if _shapes(here.state_dict()) != _shapes(there.state_dict()):
            break
        here.load_state_dict(there.state_dict())
        count += 1
    if not count:
        shapes = ", ".join(str(tuple(one.weight.shape)) for one in theirs)
        raise SettingsError(
            f"No layer fits the run '{run.folder}' of --from: its encoder has weights of the "
            f"shapes {shapes}, and the first ones must be the same. Give the same hidden layers."
        )
    return count


def _with_weights(network: nn.Module) -> list[Any]:
    return [one for one in network.modules() if isinstance(one, (nn.Linear, nn.Conv2d))]


def _check_fits(plan: Plan, run: Run, compared: tuple[str, ...]) -> None:
    """Raise SettingsError at the first of the compared things that differs."""
    model, before = plan.model, run.read("plan")
    then_prepared, prepared = run.read("preparation"), model.preparation.to_json()
    entries = {entry["name"]: entry for entry in then_prepared["columns"]}
    now = {entry["name"]: entry for entry in prepared["columns"]}
    both = {
        "classes": (before["target"]["classes"], list(model.target.classes)),
        "inputs": (_inputs(entries), _inputs(now)),
        "scaling": tuple([one["inputs"]["inputs_as"]] for one in (then_prepared, prepared)),
        "weights": (_shapes(run.read_tensors("network")), _shapes(model.network.state_dict())),
    }
    for what in compared:
        then, here = both[what]
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
