"""How accurate a classifier stays when each input is changed a little, to its disadvantage."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pandas import DataFrame
from torch import Tensor, nn

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError, nearest
from layerwise.evaluation.evaluate import device_of, undisturbed
from layerwise.evaluation.intervals import Score, interval
from layerwise.layers.perturbation import fast_gradient_sign, input_gradient, projected_gradient
from layerwise.metrics import Predictions, column_names, decisions

METHODS = ("fgsm", "pgd")
STRENGTHS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
STEPS = 20  # of pgd
SHOWN = 6  # rows that are shown beside what the attack makes of them
AT_ONCE = 256  # rows
LEAST_CHANCE = 1e-300  # whose logarithm is still a number


@dataclass(frozen=True)
class Attack:
    """What is done to the inputs.

    method : fgsm (one step, Goodfellow et al. 2015) or pgd (many, Madry et al. 2018)
    strengths : how far each number may move, as shares of the range that it can have
    steps : of pgd
    low, high : that range as the network sees it, see ``data.pixel_range``
    """

    method: str
    strengths: tuple[float, ...]
    steps: int
    low: Tensor
    high: Tensor


@dataclass(frozen=True)
class Attacked:
    """How a classifier stands it.

    scores : accuracy with its interval for each strength, the first one being 0
    examples : the strongest attack on a few rows that were right and no longer are, or nothing:
        "rows"; "clean" and "attacked" (rows, ...); "said", class codes, and "chance", both
        (rows, 2), before and after
    """

    scores: list[Score]
    strengths: tuple[float, ...]
    examples: dict[str, Tensor]


def read_strengths(given: Any) -> tuple[float, ...]:
    """Strengths from 0.1, "0.1,0.2" or (0.1, 0.2); None: ``STRENGTHS``."""
    if given is None:
        return STRENGTHS
    parts = given.split(",") if isinstance(given, str) else np.atleast_1d(given).tolist()
    try:
        found = tuple(float(part) for part in parts if str(part).strip())
    except ValueError:
        found = ()
    if not found or not all(0 <= one <= 1 for one in found):
        raise SettingsError(
            "--strength must be numbers from 0 to 1, such as 0.1,0.25: the share of its range by "
            f"which each pixel may move; got '{given}'."
        )
    return found


def check_attack(method: str, steps: int, target: Target) -> None:
    """Raise SettingsError for a method, a number of steps or a target that there cannot be."""
    if method not in METHODS:
        raise SettingsError(f"There is no --method '{method}'.{nearest(method, METHODS)}")
    if steps < 1:
        raise SettingsError(f"--steps must be a whole number, at least 1, got {steps}.")
    if target.kind not in ("binary", "classes"):
        raise SettingsError(
            "attack makes a network take one class for another, but the target of this run is of "
            f"kind '{target.kind}'. Give a run that learned classes."
        )


def attack(
    network: nn.Module,
    task: Any,
    inputs: Tensor,
    table: DataFrame,
    target: Target,
    scores_of: Callable[[Tensor], np.ndarray],
    how: Attack,
) -> Attacked:
    """Accuracy of a classifier under attack.

    The adversary knows the network, and raises -log of the chance of the true class.

    inputs : (rows, ...) as the network sees them
    table : predictions table of the same rows, with the truth
    scores_of : inputs -> chances (rows, classes), as the table has them
    """
    truth = torch.tensor([target.classes.index(name) for name in table["truth"]])
    gradients = _gradients(network, task, inputs, truth) if how.method == "fgsm" else None
    strengths, moved = (0.0, *sorted({*how.strengths} - {0.0})), inputs
    stood = [_predictions(table, target, scores_of(inputs))]
    for strength in strengths[1:]:
        radius = strength * (how.high - how.low)
        moved = _moved(network, task, inputs, truth, gradients, radius, how)
        stood.append(_predictions(table, target, scores_of(moved)))
    scores = [interval("accuracy", each) for each in stood]
    return Attacked(scores, strengths, _examples(inputs, moved, stood[0], stood[-1]))


def _moved(network, task, inputs, truth, gradients, radius, how: Attack) -> Tensor:
    """The inputs after the attack."""
    if gradients is not None:
        return fast_gradient_sign(inputs, gradients, radius, how.low, how.high)
    device, found = device_of(network), []
    with undisturbed(network):
        torch.manual_seed(0)
        for some, codes in zip(inputs.split(AT_ONCE), truth.split(AT_ONCE), strict=True):
            place = [end.to(device) for end in (radius, how.low, how.high)]
            loss_of = _loss(network, task, codes.to(device))
            moved = projected_gradient(loss_of, some.to(device), *place, steps=how.steps)
            found.append(moved.cpu())
    return torch.cat(found)


def _gradients(network: nn.Module, task: Any, inputs: Tensor, truth: Tensor) -> Tensor:
    """Gradient of the loss of each row with respect to its inputs, (rows, ...)."""
    device = device_of(network)
    with undisturbed(network):
        found = torch.cat(
            [
                input_gradient(_loss(network, task, codes.to(device)), some.to(device)).cpu()
                for some, codes in zip(inputs.split(AT_ONCE), truth.split(AT_ONCE), strict=True)
            ]
        )
    if not bool(found.any()):
        raise SettingsError(
            f"The outputs of {type(network).__name__} do not change with small steps of its "
            "inputs, so there is no gradient to follow. Give a run of another network."
        )
    return found


def _loss(network: nn.Module, task: Any, truth: Tensor) -> Callable[[Tensor], Tensor]:
    """Function of inputs: log of the odds against the true class of each row.

    They rise in the same direction as -log of its chance p: one is a rising function of the other.
    But where p is nearly 1, as one step would find no slope in -log p, there still is one here.
    """
    precise = Precise(network)

    def loss(inputs: Tensor) -> Tensor:
        chances = task.outputs(precise, Batch(inputs))
        code = truth.unsqueeze(1)
        others = chances.scatter(1, code, 0.0).sum(dim=1)
        return _log(others) - _log(chances.gather(1, code).squeeze(1))

    return loss


def _log(chance: Tensor) -> Tensor:
    return chance.clamp_min(LEAST_CHANCE).log()


class Precise(nn.Module):
    """The network with its scores in float64, in which small chances are not yet 0."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, ...) -> (rows, outputs) float64."""
        return self.network(inputs).double()


def _predictions(table: DataFrame, target: Target, chances: np.ndarray) -> Predictions:
    names = column_names(target, "score")
    given = {name: chances[:, place] for place, name in enumerate(names)}
    return Predictions.from_table(table.assign(**given), target)


def _examples(
    clean: Tensor, attacked: Tensor, before: Predictions, after: Predictions
) -> dict[str, Tensor]:
    """The rows that were right and are wrong now, the surest of its mistake first."""
    said = np.stack([decisions(before), decisions(after)], axis=1)
    chances = np.stack([before.scores.max(axis=1), after.scores.max(axis=1)], axis=1)
    fooled = np.flatnonzero((said[:, 0] == before.truth) & (said[:, 1] != before.truth))
    rows = fooled[np.argsort(-chances[fooled, 1], kind="stable")][:SHOWN]
    if not len(rows):
        return {}
    return {
        "rows": torch.from_numpy(rows),
        "clean": clean[rows],
        "attacked": attacked[rows],
        "said": torch.from_numpy(said[rows]),
        "chance": torch.from_numpy(chances[rows]),
    }
