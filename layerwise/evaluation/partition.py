"""The partition function of a restricted Boltzmann machine: exact where small, else estimated."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from layerwise.errors import SettingsError

MOST_UNITS = 20  # of the smaller side: a million states
STATES_AT_ONCE = 1 << 14
TEMPERATURES = ((0.0, 0.5, 500), (0.5, 0.9, 4000), (0.9, 1.0, 10000))  # from, to, how many


@dataclass(frozen=True)
class LogPartition:
    """An estimate of log Z, in nats.

    value : the log of the mean of the chains' weights, times the base model's Z
    standard_error : of ``value``, from the spread of the weights; too small where no chain found
        where most of Z lies: with too few temperatures ``value`` is rather too low than too high
    """

    value: float
    standard_error: float


@torch.no_grad()
def log_partition_exact(machine: Any) -> float:
    """Log Z by summing over every state of the smaller side, in nats.

    machine : an RBM with binary hidden units; with Gaussian visible ones these are integrated

    Raises
    ------
    SettingsError
        The smaller side has more than 20 units.
    """
    hidden, visible = machine.weight.shape
    sums = [(hidden, machine.hidden_free_energy)]
    if machine.visible == "binary":
        sums.append((visible, lambda states: machine.free_energy(_as_inputs(machine, states))))
    units, free_energy = min(sums, key=lambda pair: pair[0])
    if units > MOST_UNITS:
        raise SettingsError(
            f"The exact partition function needs a side of at most {MOST_UNITS} units, got "
            f"{hidden} hidden and {visible} visible ones. Use log_partition_annealed."
        )
    pieces = [
        torch.logsumexp(-free_energy(_states(codes, units).to(machine.weight)).double(), 0)
        for codes in torch.arange(2**units).split(STATES_AT_ONCE)
    ]
    return float(torch.logsumexp(torch.stack(pieces), 0))


@torch.no_grad()
def log_partition_annealed(
    machine: Any,
    *,
    rows: Tensor | None = None,
    chains: int = 100,
    temperatures: Sequence[float] | Tensor | None = None,
) -> LogPartition:
    """Log Z by annealed importance sampling: chains that go from a known model to the machine.

    Source: Salakhutdinov and Murray 2008, "On the quantitative analysis of deep belief
    networks", ICML, section 3 and 4.1. At inverse temperature t the weights and hidden biases
    are t times the machine's, and the visible biases (1 - t) base + t own. Chance comes from
    torch's default generator.

    Parameters
    ----------
    machine : RBM
        What is measured.
    rows : Tensor
        (rows, *input_shape), training examples: the base model has their log odds (means of
        Gaussian units) as visible biases. Absent: the machine's own visible biases.
    chains : int
        How many, side by side, at least 2.
    temperatures : sequence of float
        Inverse temperatures, rising from 0 to 1. Absent: the paper's 14,500.

    Raises
    ------
    SettingsError
        Fewer than two chains, or temperatures that do not rise from 0 to 1.
    """
    inverse = _checked(chains, temperatures)
    base = machine.visible_bias if rows is None else _base_biases(machine, rows)
    visible = machine.draw_visible(base.expand(chains, -1))
    log_weights = torch.zeros(chains, dtype=torch.float64, device=visible.device)
    net = machine.hidden_input(visible)
    for colder, warmer in zip(inverse[1:], inverse[:-1], strict=True):
        log_weights += _log_density(machine, visible, net, base, colder).double()
        log_weights -= _log_density(machine, visible, net, base, warmer).double()
        hidden = torch.rand_like(net) < torch.sigmoid(colder * net)
        own = machine.visible_input(hidden.to(net.dtype))
        visible = machine.draw_visible(torch.lerp(base.expand_as(own), own, colder))
        net = machine.hidden_input(visible)
    weights = torch.exp(log_weights - log_weights.max())
    mean = weights.mean()
    value = _base_log_partition(machine, base) + float(log_weights.max() + torch.log(mean))
    return LogPartition(value, float(weights.std() / mean) / math.sqrt(chains))


@torch.no_grad()
def log_likelihood(machine: Any, rows: Tensor, log_partition: float) -> Tensor:
    """Log p(row) of each row in nats, (rows,); of Gaussian visible units the log density.

    rows : (rows, *input_shape), zeros and ones where the visible units are binary
    """
    pieces = [-machine.free_energy(piece).double() for piece in rows.split(1000)]
    return torch.cat(pieces) - log_partition


def _log_density(machine: Any, visible: Tensor, net: Tensor, base: Tensor, inverse: float):
    """Log of the unnormalized p(v) at an inverse temperature, (rows,); equation 16."""
    bias = torch.lerp(base, machine.visible_bias, inverse)
    return softplus(inverse * net).sum(1) - machine.visible_energy(visible, bias)


def _base_log_partition(machine: Any, base: Tensor) -> float:
    """Log Z of the machine without weights and hidden biases, whose visible biases are ``base``."""
    hidden, visible = machine.weight.shape
    if machine.visible == "binary":
        own = softplus(base.double()).sum()
    else:
        own = machine.deviation.double().log().sum() + 0.5 * math.log(2 * math.pi) * visible
    return hidden * math.log(2) + float(own)


def _base_biases(machine: Any, rows: Tensor) -> Tensor:
    """Visible biases that alone describe the rows best, (visible,); half an example is added."""
    mean = rows.flatten(1).double().mean(0)
    if machine.visible == "binary":
        least = 0.5 / (len(rows) + 1)
        mean = torch.logit(mean.clamp(least, 1 - least))
    return mean.to(machine.visible_bias)


def _checked(chains: int, temperatures: Sequence[float] | Tensor | None) -> list[float]:
    """Inverse temperatures from 0 to 1."""
    if temperatures is None:
        pieces = [torch.linspace(low, high, count + 1)[:-1] for low, high, count in TEMPERATURES]
        inverse = [*torch.cat(pieces).tolist(), 1.0]
    else:
        inverse = torch.as_tensor(temperatures, dtype=torch.float64).tolist()
    if chains < 2:
        raise SettingsError(f"Annealed importance sampling needs 2 chains or more, got {chains}.")
    if len(inverse) < 2 or inverse[0] != 0 or inverse[-1] != 1 or inverse != sorted(inverse):
        raise SettingsError(
            "The temperatures of annealed importance sampling must rise from 0 to 1, got "
            f"{len(inverse)} of them. Give for example torch.linspace(0, 1, 1000)."
        )
    return inverse


def _states(codes: Tensor, units: int) -> Tensor:
    """The binary digits of whole numbers, (codes, units)."""
    return codes[:, None] >> torch.arange(units) & 1


def _as_inputs(machine: Any, states: Tensor) -> Tensor:
    return states.unflatten(1, machine.input_shape)
