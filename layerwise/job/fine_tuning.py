"""The recipes that go on from trained weights: "head" and "fine_tune"."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.networks.choose import GOING_ON
from layerwise.tasks.fine_tune import FineTune

SHARES = {"head": (0.0,), "fine_tune": (0.0, 0.5, 1.0)}  # of the body that learns in each stage
SHORTER = 5  # the stages before the last one have one epoch for so many of it
BODY_SHARE = 0.1  # of the output layer's rate, unless --learning-rate says otherwise


def fine_tuning(recipe: str, stage: Stage, task: Any) -> Recipe:
    """The stages that unfreeze a network from its output layer down.

    recipe : a name of ``GOING_ON``
    stage : as the last one would be without freezing, with every flag
    Raises SettingsError where it is no descent, or rates are given for something else.
    """
    if stage.optimizer == "closed_form":
        raise SettingsError("The closed form solves for all weights. Choose another --optimizer.")
    rate, body_rate = _rates(stage.learning_rate)
    *before, last = (FineTune(task, share=one, body_rate=body_rate) for one in SHARES[recipe])
    stage = replace(stage, learning_rate=rate)
    short = replace(stage, epochs=-(-stage.epochs // SHORTER), steps=_shorter(stage.steps))
    return (*(replace(short, task=one) for one in before), replace(stage, task=last))


def check_start(settings: Any, from_: Any) -> None:
    """Raise SettingsError where there are no trained weights to be fine-tuned."""
    if settings.recipe in GOING_ON and from_ is None and not settings.pretrained:
        raise SettingsError(
            f"--recipe {settings.recipe} goes on from trained weights. Give --from RUN or "
            "--pretrained; from random weights choose --recipe modern."
        )


def _rates(given: float | Mapping[str, float]) -> tuple[float, float]:
    """The rate of the output layer and that of the body."""
    if not isinstance(given, Mapping):
        return given, BODY_SHARE * given
    if set(given) != {"head", "body"}:
        raise SettingsError(
            f"The learning rate names {', '.join(given)}, but fine-tuning trains head, the output "
            "layer, and body. Give one number, or head=0.01,body=0.001."
        )
    return given["head"], given["body"]


def _shorter(steps: int | None) -> int | None:
    return None if steps is None else -(-steps // SHORTER)
