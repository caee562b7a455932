"""Which recipe trains a network: its own, changed by what the user asked for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from layerwise.contracts import Recipe, Stage, Target
from layerwise.job.fine_tuning import fine_tuning
from layerwise.job.model import build_task
from layerwise.networks.choose import GOING_ON, recipe_of
from layerwise.tasks.fine_tune import FineTune

RATES = {  # for an optimizer that is not the recipe's: torch's own defaults, or the usual ones
    "sgd": 0.05,
    "rmsprop": 1e-3,
    "adagrad": 1e-2,
    "adadelta": 1.0,
    "adam": 2e-3,
    "adamw": 2e-3,
    "lbfgs": 1.0,
    "closed_form": 0.0,
}
DESCENDING = ("one_cycle", "cosine")  # schedules whose last steps matter most
MOST_STEPS_PER_EPOCH, LARGEST_BATCH, MOST_STEPS = 1000, 1024, 100_000
FIELDS = ("learning_rate", "schedule", "schedule_options", "epochs", "steps", "batch_size",
          "l1", "l2", "clip")  # fmt: skip


def resolve_recipe(
    kind: type, settings: Any, task: Any, target: Target, rows: int
) -> tuple[Recipe, tuple[str, ...]]:
    """The stages with their tasks, and a sentence for each thing that was fitted to the data.

    kind : the network's class, which may have ``recipes``
    settings : has ``recipe``, ``optimizer``, ``learning_rate`` and the other flags of learning
    rows : training rows
    """
    fine = settings.recipe in GOING_ON
    stages = list(recipe_of(kind, "modern" if fine else settings.recipe))
    last, notes = _fitted_to_rows(stages[-1], settings, rows)
    stages[-1] = _with_steps(_changed(last, settings), rows)
    if fine:
        return tuple(
            _with_steps(one, rows) for one in fine_tuning(settings.recipe, stages[-1], task)
        ), notes
    own = [None if stage.task is not None else task for stage in stages[:-1]]
    pairs = zip(stages, [*own, task], strict=True)
    return tuple(_with_task(stage, given, target) for stage, given in pairs), notes


def _with_task(stage: Stage, task: Any, target: Target) -> Stage:
    """The stage with its own task, which only a stage before the last one may have."""
    if task is None:
        return replace(stage, task=build_task(stage.task, {}, target))
    return replace(stage, task=task)


def _changed(stage: Stage, settings: Any) -> Stage:
    """The stage with every flag that was given."""
    changes: dict[str, Any] = {
        name: getattr(settings, name) for name in FIELDS if getattr(settings, name) is not None
    }
    options: Mapping[str, Any] = settings.optimizer_options or {}
    if settings.optimizer is not None and settings.optimizer != stage.optimizer:
        changes["optimizer"] = settings.optimizer
        changes.setdefault("learning_rate", RATES.get(settings.optimizer, 1e-3))
        changes["optimizer_options"] = dict(options)
        if settings.optimizer == "lbfgs":
            changes["optimizer_options"] = {"line_search_fn": "strong_wolfe", **options}
            changes.setdefault("batch_size", "all")
            changes.setdefault("schedule", "constant")
    elif options:
        changes["optimizer_options"] = {**stage.optimizer_options, **options}
    if settings.schedule is not None and settings.schedule_options is None:
        changes["schedule_options"] = {}
    return replace(stage, **changes)


def _with_steps(stage: Stage, rows: int) -> Stage:
    """The stage with as many epochs as its steps begin, where it counts steps."""
    if stage.steps is None:
        return stage
    size = rows if stage.batch_size == "all" else min(int(stage.batch_size), rows)
    return replace(stage, epochs=-(-stage.steps // max(1, rows // size)))


def _fitted_to_rows(stage: Stage, settings: Any, rows: int) -> tuple[Stage, tuple[str, ...]]:
    """Larger batches and fewer epochs where the recipe would take more steps than it needs."""
    if settings.recipe not in ("modern", *GOING_ON) or not isinstance(stage.batch_size, int):
        return stage, ()
    size = stage.batch_size
    while rows / size > MOST_STEPS_PER_EPOCH and size < LARGEST_BATCH:
        size *= 2
    epochs = min(stage.epochs, max(3, MOST_STEPS * size // max(rows, 1)))
    notes = []
    if size != stage.batch_size and settings.batch_size is None:
        notes.append(f"{rows:,} rows take batches of {size}")
    else:
        size = stage.batch_size
    if epochs != stage.epochs and settings.epochs is None:
        notes.append(f"{rows:,} rows need no more than {epochs} epochs")
    else:
        epochs = stage.epochs
    return replace(stage, batch_size=size, epochs=epochs), tuple(notes)


def default_patience(stage: Stage) -> int:
    """Epochs without improvement before training stops; 0 where the schedule ends low.

    An epoch of all rows at once is a single step, so that there it takes ten times as many.
    """
    least = 100 if stage.batch_size == "all" else 10
    return 0 if stage.schedule in DESCENDING else max(least, stage.epochs // 10)


def stage_record(stage: Stage) -> dict[str, Any]:
    """A stage as JSON values."""
    if isinstance(stage.task, FineTune):
        name = type(stage.task.task).__name__
        return {**vars(stage), "task": name, "learns": stage.task.learns}
    return {**vars(stage), "task": type(stage.task).__name__}


def in_words(stage: Stage) -> str:
    """A stage in a line: "adamw, learning rate 0.002 (one_cycle), 60 epochs, batches of 64"."""
    if stage.optimizer == "closed_form":
        return "closed form: solved, not descended"
    size = "of all rows" if stage.batch_size == "all" else f"of {stage.batch_size}"
    rate = stage.learning_rate
    shown = (
        rate if not isinstance(rate, Mapping) else ", ".join(f"{k} {v}" for k, v in rate.items())
    )
    options = "".join(f", {key} {value}" for key, value in stage.optimizer_options.items())
    penalties = "".join(f", {n} {getattr(stage, n)}" for n in ("l1", "l2") if getattr(stage, n))
    length = f"{stage.epochs} epochs" if stage.steps is None else f"{stage.steps:,} steps"
    clip = f", gradients clipped at {stage.clip}" if stage.clip else ""
    learns = f"; {stage.task.learns}" if isinstance(stage.task, FineTune) else ""
    return (
        f"{stage.optimizer}{options}, learning rate {shown} ({stage.schedule}), "
        f"{length}, batches {size}{penalties}{clip}{learns}"
    )
