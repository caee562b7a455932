"""What ails an adversarial training: its known troubles, each with the numbers that show it.

The losses of the two players do not tell how good the samples are, so each trouble is looked for
in what does show it: swings in the course of the losses, gaps and repeats among the samples, the
generator's gradient, and a critic that is never wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.errors import DataError, SettingsError, nearest
from layerwise.evaluation.sample_quality import (
    flat_rows,
    nearest_training,
    neighbour_distances,
)

FEW_EPOCHS = 16  # fewer do not show whether a course swings
PERIODS = 4  # swings that must fit into the course
CORRELATED = 0.4  # autocorrelation of a swing at its period
SWING = 0.05  # deviation of a swing, as a share of the mean loss
SURE = 0.95  # accuracy from which on a critic learns its rows by heart
LONG = 0.25  # last share of the epochs in which it was so
VANISHED = 0.1  # norm of a gradient, as a share of that under the non-saturating loss
CELL = 40  # training rows in a neighbourhood, on average
MOST_CELLS = 100
LEFT = 0.1  # a neighbourhood with less than this part of its share is left out by the generator
MISSING = 0.1  # share of training rows in such neighbourhoods
QUANTILE = 0.05  # of the distances between neighbouring training rows: nearer is nearly equal
REPEATED = 0.5  # share of samples that nearly equal another one


@dataclass(frozen=True)
class Trouble:
    """One known trouble, present or not.

    name : "oscillation", "mode_collapse", "vanishing_gradient" or "strong_critic"
    found : whether it is present
    evidence : a sentence with the numbers, also where it is not present
    following : a sentence that says what to try; empty where it is not present
    numbers : the same numbers by name
    """

    name: str
    found: bool
    evidence: str
    following: str
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class Modes:
    """How samples spread over known modes.

    shares : (modes,) share of all samples that lies within the radius of each
    found : number of modes that hold at least the least share
    near : share of samples within the radius of any mode
    """

    shares: np.ndarray
    found: int
    near: float


@dataclass(frozen=True)
class Gradients:
    """What the generator hears from its critic, over the same noise.

    saturating, non_saturating : Euclidean norms of the gradient of either loss in the
        generator's weights
    accuracy : share of training and generated rows, half each, that the critic tells rightly
    passing : mean chance that the critic gives generated rows to be real
    """

    saturating: float
    non_saturating: float
    accuracy: float
    passing: float


def gan_health(
    journal: Sequence[Mapping[str, Any]],
    drawn: np.ndarray,
    training: np.ndarray,
    *,
    gradients: Gradients | None = None,
    loss: str = "non_saturating",
) -> list[Trouble]:
    """Look for all known troubles; those that are present come first.

    Parameters
    ----------
    journal : list of dict
        The lines of journal.jsonl; without losses the course is not judged.
    drawn, training : array
        (rows, ...), samples and training rows in the same units.
    gradients : Gradients
        From ``generator_gradients``; absent: not judged.
    loss : str
        The generator's loss in training.
    """
    losses = losses_by_part(journal)
    found = [mode_collapse(drawn, training)]
    if "critic" in losses:
        found += [oscillation(losses), strong_critic(losses["critic"])]
    if gradients is not None:
        found.append(vanishing_gradient(gradients, loss))
    return sorted(found, key=lambda trouble: not trouble.found)


def losses_by_part(journal: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Mean losses of each part at the end of each epoch of the last stage, (epochs,) each."""
    last = max((line.get("stage", 0) for line in journal), default=0)
    lines = [line for line in journal if line.get("stage", 0) == last and line.get("losses")]
    ends = {line["epoch"]: line["losses"] for line in lines}
    parts = dict.fromkeys(part for epoch in sorted(ends) for part in ends[epoch])
    return {part: np.array([_number(ends[e].get(part)) for e in sorted(ends)]) for part in parts}


def oscillation(losses: Mapping[str, np.ndarray]) -> Trouble:
    """Look for players that chase each other: losses that swing with a steady period.

    The straight trend is taken out and the autocorrelation searched for its first peak after it
    fell below zero. A swing is one with a correlation of 0.4 there (noise has about one over the
    root of the number of epochs), four periods within the course, and a deviation of 5 % of the
    mean loss.

    losses : (epochs,) per part, as from ``losses_by_part``
    """
    swings = {part: _swing(np.asarray(course, float)) for part, course in losses.items()}
    judged = {part: swing for part, swing in swings.items() if swing is not None}
    if not judged:
        text = f"There are fewer than {FEW_EPOCHS} epochs, too few to tell whether losses swing."
        return Trouble("oscillation", False, text, "", {})
    part = max(judged, key=lambda name: (_swings(judged[name]), judged[name]["correlation"]))
    numbers, found = judged[part], _swings(judged[part])
    kind = f"swings with a period of {numbers['period']:.0f} epochs" if found else "has no period"
    evidence = (
        f"The loss of the {part} {kind}: its autocorrelation there is "
        f"{numbers['correlation']:.2f}, its deviation {numbers['deviation']:.0%} of its mean, and "
        f"it crosses its trend {numbers['crossings']:.0f} times in {numbers['epochs']:.0f} epochs."
    )
    following = "Lower the learning rate of both parts, and the momentum (betas 0.5,0.999)."
    return Trouble("oscillation", found, evidence, following if found else "", numbers)


def strong_critic(losses: np.ndarray, accuracies: np.ndarray | None = None) -> Trouble:
    """Look for a critic that has been right nearly always for the last quarter of the epochs.

    Without measured accuracies the loss gives a bound: every wrong decision costs at least log 2,
    so at least 1 - loss / (2 log 2) of the training and generated rows are told rightly.

    losses : (epochs,) of the critic, -log D(x) - log(1 - D(G(z))) in nats
    accuracies : (epochs,) measured
    """
    bound = np.clip(1 - np.asarray(losses, float) / (2 * log(2)), 0, 1)
    known = bound if accuracies is None else np.asarray(accuracies, float)
    if not len(known):
        return Trouble("strong_critic", False, "There are no epochs to judge.", "", {})
    needed = max(1, round(LONG * len(known)))
    weak = np.flatnonzero(~(known >= SURE))
    sure = len(known) - 1 - int(weak[-1]) if len(weak) else len(known)
    least, found = float(known[-needed:].min()), sure >= needed
    how = "by its loss at least" if accuracies is None else ""
    evidence = (
        f"In the last {needed} of {len(known)} epochs the critic is right on {how} {least:.1%} of "
        f"the rows; it has been above {SURE:.0%} for the last {sure}."
    ).replace("  ", " ")
    following = "Lower the critic's learning rate or width, or smooth its labels (0.1)."
    numbers = {"accuracy": least, "epochs": float(sure)}
    return Trouble("strong_critic", found, evidence, following if found else "", numbers)


def mode_collapse(drawn: np.ndarray, training: np.ndarray) -> Trouble:
    """Look for regions of the training rows that samples leave out, and for samples that repeat.

    Left out: up to 100 training rows stand for neighbourhoods of about 40 training rows each
    (the bins of Richardson and Weiss 2018, "On GANs and GMMs", without their k-means); one
    with less than a tenth of its share of the samples is left out. Repeats: samples nearer to
    another sample than 95 % of as many training rows are to another training row.

    drawn, training : (rows, ...), at least 80 each, in units in which distances mean something
    """
    samples, known = flat_rows(drawn, "drawn"), flat_rows(training, "training")
    _check_amounts(samples, known)
    missing, cells = _left_out(samples, known)
    usual, repeats = _repeats(samples, known)
    found = missing > MISSING or repeats > REPEATED
    evidence = (
        f"Samples leave out neighbourhoods that hold {missing:.1%} of the training rows "
        f"({cells} neighbourhoods looked at), and {repeats:.1%} of the samples nearly equal "
        f"another one, against {usual:.1%} of the training rows."
    )
    following = (
        "Lower both learning rates, use larger batches, or give the critic more steps "
        "(critic_steps) or width."
    )
    numbers = {"left_out": missing, "repeats": repeats, "repeats_in_training": usual}
    return Trouble("mode_collapse", found, evidence, following if found else "", numbers)


def modes_found(
    drawn: np.ndarray, centres: np.ndarray, radius: float, *, least_share: float = 0.02
) -> Modes:
    """Count the known modes that samples reach.

    drawn : (rows, features)
    centres : (modes, features)
    radius : how far from its centre a sample counts, such as three deviations of a mode
    least_share : of all samples that a mode must hold to count as found
    """
    near = nearest_training(drawn, centres)
    within = near.indices[near.distances <= radius]
    shares = np.bincount(within, minlength=len(centres)) / len(near.indices)
    return Modes(shares, int((shares >= least_share).sum()), float(shares.sum()))


def generator_gradients(network: Any, inputs: Tensor, noise: Tensor) -> Gradients:
    """Measure what the generator would learn from its present critic, under either loss.

    The network is judged in eval mode and left as it was; nothing is drawn.

    network : offers ``generate``, ``discriminate`` and ``generator``
    inputs : (rows, *input_shape) training rows, for the critic's accuracy
    noise : (rows, noise_size)
    """
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.no_grad():
            real = network.discriminate(inputs)
        with torch.enable_grad():
            fake = network.discriminate(network.generate(noise))
            saturating = _gradient_norm(-F.softplus(fake).mean(), network.generator)
            other = _gradient_norm(F.softplus(-fake).mean(), network.generator)
    finally:
        for module, mode in modes.items():
            module.training = mode
    fake = fake.detach()
    right = (real > 0).double().mean() + (fake <= 0).double().mean()
    return Gradients(saturating, other, float(right) / 2, float(torch.sigmoid(fake).mean()))


def vanishing_gradient(gradients: Gradients, loss: str = "saturating") -> Trouble:
    """Look for a generator that hears nothing because its critic is sure.

    Goodfellow et al. 2014, section 3: log(1 - D(G(z))) saturates where D is confident. Its
    gradient in the logit is D(G(z)), that of -log D(G(z)) is 1 - D(G(z)); the trouble is there
    where the loss in use gives less than a tenth of the latter's gradient and the critic is right
    on 95 % of the rows.

    loss : the one in use, "saturating" or "non_saturating"
    """
    if loss not in ("saturating", "non_saturating"):
        known = ("saturating", "non_saturating")
        raise SettingsError(f"There is no loss '{loss}' of a generator.{nearest(loss, known)}")
    norm, other = getattr(gradients, loss), gradients.non_saturating
    found = norm <= VANISHED * other and gradients.accuracy >= SURE
    evidence = (
        f"The generator's gradient has norm {norm:.3g} under the {loss} loss and {other:.3g} under "
        f"the non_saturating one; the critic is right on {gradients.accuracy:.1%} of the rows and "
        f"gives samples a chance of {gradients.passing:.3g} to be real."
    )
    following = (
        "Train with the loss non_saturating, or give the critic fewer steps or a lower rate."
    )
    numbers = {"norm": norm, "non_saturating_norm": other, "accuracy": gradients.accuracy}
    return Trouble("vanishing_gradient", found, evidence, following if found else "", numbers)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _swing(course: np.ndarray) -> dict[str, float] | None:
    """Period, correlation, deviation and crossings of a course; None where it is too short."""
    course = course[np.isfinite(course)]
    epochs = len(course)
    if epochs < FEW_EPOCHS:
        return None
    rest = _without_trend(course)
    period, correlation = _first_peak(_autocorrelation(rest), epochs // PERIODS)
    return {
        "period": float(period),
        "correlation": correlation,
        "deviation": float(rest.std() / max(abs(course.mean()), 1e-12)),
        "crossings": float((np.diff(np.sign(rest)) != 0).sum()),
        "epochs": float(epochs),
    }


def _swings(numbers: Mapping[str, float]) -> bool:
    by_chance = 3 / sqrt(numbers["epochs"])
    return numbers["correlation"] > max(CORRELATED, by_chance) and numbers["deviation"] > SWING


def _without_trend(course: np.ndarray) -> np.ndarray:
    """The course less its straight line, outliers cut at three times the usual deviation."""
    places = np.arange(len(course))
    rest = course - np.polyval(np.polyfit(places, course, 1), places)
    usual = 1.4826 * np.median(np.abs(rest - np.median(rest)))
    return np.clip(rest, -3 * usual, 3 * usual) if usual > 0 else rest


def _autocorrelation(rest: np.ndarray) -> np.ndarray:
    """Correlation of the course with itself at each lag, (epochs,), 1 at lag 0."""
    rest = rest - rest.mean()
    lags = np.correlate(rest, rest, mode="full")[len(rest) - 1 :]
    pairs = len(rest) - np.arange(len(rest))
    return lags / pairs / lags[0] * len(rest) if lags[0] > 0 else np.zeros(len(rest))


def _first_peak(correlations: np.ndarray, longest: int) -> tuple[int, float]:
    """Lag and height of the highest correlation after the first one below zero."""
    below = np.flatnonzero(correlations[: longest + 1] < 0)
    if not len(below) or below[0] >= longest:
        return 0, 0.0
    start = int(below[0]) + 1
    lag = start + int(correlations[start : longest + 1].argmax())
    return lag, float(correlations[lag])


def _left_out(samples: np.ndarray, known: np.ndarray) -> tuple[float, int]:
    """Share of training rows in neighbourhoods that samples leave out; how many were looked at."""
    cells = max(2, min(MOST_CELLS, min(len(samples), len(known)) // CELL))
    centres = known[np.linspace(0, len(known) - 1, cells).astype(int)]
    wanted, given = (
        np.bincount(nearest_training(rows, centres).indices, minlength=cells) / len(rows)
        for rows in (known, samples)
    )
    large = wanted * len(samples) >= CELL / 4  # where so few samples are no accident
    return float(wanted[large & (given < LEFT * wanted)].sum()), int(large.sum())


def _repeats(samples: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    """Shares of training rows and of samples that nearly equal another of as many."""
    rows = min(len(samples), len(known))
    some = known[np.linspace(0, len(known) - 1, rows).astype(int)]
    usual, drawn = neighbour_distances(some), neighbour_distances(samples[:rows])
    limit = np.quantile(usual, QUANTILE)
    return float((usual <= limit).mean()), float((drawn <= limit).mean())


def _check_amounts(samples: np.ndarray, known: np.ndarray) -> None:
    if samples.shape[1] != known.shape[1]:
        raise DataError(
            f"Drawn rows have {samples.shape[1]} numbers each, training rows {known.shape[1]}; "
            "they must have as many. Bring both into the same shape."
        )
    if min(len(samples), len(known)) < 2 * CELL:
        raise DataError(
            f"Mode collapse shows from {2 * CELL} drawn and {2 * CELL} training rows on, got "
            f"{len(samples)} and {len(known)}. Draw more."
        )


def _gradient_norm(loss: Tensor, generator: nn.Module) -> float:
    found = torch.autograd.grad(loss, list(generator.parameters()), retain_graph=True)
    return float(torch.stack([gradient.norm() for gradient in found]).norm())
