"""What can be learned: one task per file; this table names them all."""

import inspect
from importlib import import_module

from layerwise.contracts import Target
from layerwise.errors import SettingsError, nearest
from layerwise.own_code import is_own, load_own

TASKS = {
    "classify": "classify:Classify",
    "regress": "regress:Regress",
    "forecast": "forecast:Forecast",
    "perceptron_rule": "perceptron_rule:PerceptronRule",
    "delta_rule": "delta_rule:DeltaRule",
    "reconstruct": "reconstruct:Reconstruct",
    "greedy_reconstruct": "greedy_reconstruct:GreedyReconstruct",
    "detect": "detect:Detect",
    "variational": "variational:Variational",
    "adversarial": "adversarial:Adversarial",
    "hebb": "hebb:Hebb",
    "contrastive_divergence": "contrastive_divergence:ContrastiveDivergence",
    "greedy_contrastive_divergence": ("greedy_contrastive_divergence:GreedyContrastiveDivergence"),
    "boltzmann_learning": "boltzmann_learning:BoltzmannLearning",
    "kohonen": "kohonen:Kohonen",
    "self_play": "self_play:SelfPlay",
    "segment": "segment:Segment",
    "counting": "counting:Counting",
    "translate": "translate:Translate",
    "next_token": "next_token:NextToken",
    "masked_token": "masked_token:MaskedToken",
    "word_vectors": "word_vectors:WordVectors",
    "masked_patch": "masked_patch:MaskedPatch",
    "downscale": "downscale:Downscale",
}


FORM_TASKS = {  # what is learned from a form of data that brings no labels
    "text": "next_token",
    "pairs": "translate",
    "series": "forecast",
    "grid": "downscale",
    "game": "self_play",
    "masks": "segment",
}


def default_task(target: Target, network: type | None = None, form: str = "") -> str:
    """Give the name of the task that a target, or the form of the data, asks for.

    A network that learns by a rule of its own names it in its attribute ``task``.

    Raises
    ------
    SettingsError
        There is no target to learn.
    """
    own = getattr(network, "task", None)
    if isinstance(own, str):
        return own
    if target.kind in ("binary", "classes", "labels"):
        return "classify"
    if target.kind in ("real", "count"):
        return "regress"
    if form in FORM_TASKS:
        return FORM_TASKS[form]
    raise SettingsError(
        "There is nothing to predict without a target. Name one with --target, or learn without "
        "labels: --task reconstruct, --task detect, or a network such as vae or gan."
    )


def kinds_of(task: object) -> tuple[str, ...]:
    """Give the kinds of target that a task (an object or class) names in its attribute ``kinds``.

    A task without it learns from labels. One that names only "none" takes no target at all.
    """
    return tuple(getattr(task, "kinds", ()))


def task_class(name: str) -> type:
    """Give the class of a task by its name in the table, or as "my.py:Task".

    Raises
    ------
    SettingsError
        Nothing has that name, or a person's own class is no task.
    """
    if is_own(name):
        return _checked(load_own(name, "task"), name)
    if name not in TASKS:
        raise SettingsError(f"There is no task '{name}'.{nearest(name, TASKS)}")
    module, _, attribute = TASKS[name].partition(":")
    return getattr(import_module(f"layerwise.tasks.{module}"), attribute)


def _checked(found: object, name: str) -> type:
    """Give a person's own class back if it can be built and used as a task."""
    missing = [method for method in ("losses", "outputs") if not hasattr(found, method)]
    if not isinstance(found, type) or missing:
        what = f"one without {' and '.join(missing)}" if missing else type(found).__name__
        raise SettingsError(
            f"The task '{name}' must be a class with the methods losses(network, batch) and "
            f"outputs(network, batch), got {what}."
        )
    try:
        inspect.signature(found).bind(Target("none"))
    except TypeError as error:
        raise SettingsError(
            f"The task '{name}' must be built as {found.__name__}(target) with only options "
            f"after it, got {found.__name__}{inspect.signature(found)} ({error})."
        ) from error
    return found
