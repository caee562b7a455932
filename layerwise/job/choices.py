"""What was decided, in words, in the order in which a person would ask."""

from dataclasses import dataclass
from typing import Any

from layerwise.contracts import Target
from layerwise.data.target import target_notes
from layerwise.job.augmenting import augment_in_words
from layerwise.job.model import Model
from layerwise.job.recipes import in_words
from layerwise.tasks import FORM_TASKS

MOST_NAMES = 6  # outputs of a series that are named one by one
FEW_TESTED = 200  # test rows below which folds are suggested


@dataclass(frozen=True)
class Choice:
    """Something that was decided, and why."""

    what: str
    choice: str
    why: str = ""


def choices(plan: Any, why_network: str, fitted: tuple, machine_why: tuple, settings: Any):
    """What was decided, in the order in which a person would ask."""
    model, source, machine = plan.model, plan.source, plan.machine
    count = sum(p.numel() for p in model.network.parameters())
    parts = ", ".join(f"{len(plan.rows(p)):,} {p}" for p in ("train", "validation", "test"))
    used = len(model.preparation.feature_names)
    shape = "x".join(str(size) for size in model.preparation.input_shape)
    about = f" ({source.about})" if source.about else ""
    yield Choice("data", f"{source.name}: {len(source.frame):,} rows{about}")
    columns = (f"Column '{c.name}': {c.note}." for c in plan.columns if c.note)
    for note in (*source.notes, *columns):
        yield Choice("", note)
    inputs = f"images {shape}" if len(model.preparation.input_shape) == 3 else f"{used} features"
    if source.form:
        inputs = f"{source.form}, {shape} for each example"
    yield Choice("inputs", inputs)
    yield Choice("target", _target_in_words(model.target))
    for note in target_notes(source, model.roles, model.target):
        yield Choice("", note)
    yield Choice("split", f"{parts} ({plan.split.method})")
    for note in plan.split.notes:
        yield Choice("", note)
    yield from _repeating_choices(plan, settings)
    yield Choice("task", model.task_name or type(model.task).__name__, _why_task(settings, model))
    options = {k: v for k, v in model.network_options.items() if k != "categories"}
    named = model.network_name or type(model.network).__name__
    shown = f" ({', '.join(f'{k} {_short(v)}' for k, v in options.items())})" if options else ""
    yield Choice("network", f"{named}{shown}, {count:,} parameters", why_network)
    for stage in plan.recipe:
        yield Choice("recipe", f"{settings.recipe}: {in_words(stage)}", "; ".join(fitted))
    if plan.augment is not None or plan.augment_why:
        yield Choice("augment", augment_in_words(plan.augment), plan.augment_why)
    for departure in plan.departures:
        yield Choice("", f"Not as in the paper: {departure}")
    stops = f", stops after {plan.patience} epochs without a better one" if plan.patience else ""
    if settings.no_rows:
        kept = "medians, means and marks of categories, in preparation.* alone, so that it predicts"
        yield Choice("rows", "none are written", f"no predictions either; what stays: {kept}")
    for note in getattr(model.task, "notes", lambda _: ())(model.network):
        yield Choice("", note)
    yield Choice("metric", f"{plan.metric}{stops}")
    yield from _decision_choices(plan, settings)
    yield Choice("device", machine.device_name(), machine_why[0])
    yield Choice("threads", f"{machine.threads}, {machine.precision}", machine_why[1])
    yield Choice("processes", str(machine.processes))


def _repeating_choices(plan: Any, settings: Any):
    tested = len(plan.rows("test"))
    if settings.folds:
        why = "every row is a test row once; a last network learns from all of them"
        yield Choice("folds", str(settings.folds), why)
    elif 0 < tested < FEW_TESTED and not plan.split.same_rows and plan.source.parts is None:
        yield Choice("", f"Only {tested} test rows: --folds 5 would judge all rows.")
    if settings.repeats > 1:
        why = "the same rows with other weights at the start; the first one is kept"
        yield Choice("repeats", f"{settings.repeats} seeds", why)


def _decision_choices(plan: Any, settings: Any):
    model = plan.model
    if settings.prevalence is not None:
        why = "the training rows' rate is not the world's: chances and metrics are moved to it"
        yield Choice("prevalence", f"{settings.prevalence:g}", why)
    if plan.threshold is not None:
        asked = "the task's own" if settings.threshold is None else "as asked"
        yield Choice("threshold", str(plan.threshold), f"{asked}; chosen on validation rows")
    elif isinstance(model.threshold, tuple):
        places = list(zip(model.target.classes, model.threshold, strict=True))
        shown = ", ".join(f"{name} {value:.4g}" for name, value in places[:10])
        why = (
            "said is the class whose chance is the most times its threshold, as the class weights "
            "ask for; they are divided out of the chances themselves"
        )
        yield Choice("thresholds", shown + (", ..." if len(places) > 10 else ""), why)
    elif model.threshold is not None:
        why = "the class weights decide there; they are divided out of the chances themselves"
        yield Choice("threshold", f"{model.threshold:.4g}", why)
    elif model.target.kind == "classes" and any(getattr(model.task, "class_weight", ())):
        yield Choice("", "The chances of the classes are those under the class weights.")


def _why_task(settings: Any, model: Model) -> str:
    if settings.task != "auto":
        return "as asked"
    if model.preparation.form in FORM_TASKS and model.target.kind in (
        "none", "series", "text", "mask",
    ):  # fmt: skip
        return f"the data are of the form '{model.preparation.form}'"
    if model.target.kind == "field":
        return "the data are fields on a grid"
    if model.target.kind == "none":
        return "the network's own rule"
    if isinstance(getattr(type(model.network), "task", None), str):
        return "the network's own rule"
    return f"the target is {model.target.kind}"


def _target_in_words(target: Target) -> str:
    if target.kind == "none":
        return "none: this is learned without labels"
    names = ", ".join(target.names)
    if target.kind in ("binary", "classes"):
        shown = ", ".join(target.classes[:10]) + (", ..." if len(target.classes) > 10 else "")
        return f"{names}: {len(target.classes)} classes ({shown})"
    if target.kind == "series" and len(target.names) > MOST_NAMES:
        names = f"{target.names[0]}, ..., {target.names[-1]} ({len(target.names)} numbers)"
    words = {"labels": "several labels at once", "count": "counts", "real": "real numbers",
             "field": "the fine field",
             "series": "what comes next", "text": "text",
             "mask": f"the class of every pixel ({', '.join(target.classes)})"}  # fmt: skip
    return f"{names}: {words.get(target.kind, target.kind)}"


def _short(value: Any) -> str:
    return "-".join(str(v) for v in value) if isinstance(value, (tuple, list)) else str(value)
