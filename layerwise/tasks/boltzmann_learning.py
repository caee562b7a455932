"""Learning of the Boltzmann machine: make the dream agree with what is seen."""

from collections.abc import Iterator
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.layers.losses import row_mean


class BoltzmannLearning:
    """The rule of Ackley, Hinton and Sejnowski as descent: what is clamped minus what is free.

    Source: Ackley, Hinton and Sejnowski 1985, the learning rule: w_ij grows by the rate times
    p_ij - p'_ij, how often both units are on with the data clamped and how often in free running.
    This is the gradient of the mean energy of clamped states less that of free ones, which is
    that of the log likelihood where both are in equilibrium. As the machine uses the symmetric
    part of its weights, descent at rate 2 r is the rule with the rate r for the weights, and
    with 2 r for the biases.

    Parameters
    ----------
    target : Target
        Of any kind; it is not looked at.
    sweeps : int
        Sweeps of Gibbs sampling, clamped and free, each from a random start; too few are biased.

    Raises
    ------
    SettingsError
        There is no sweep, or the network is no Boltzmann machine.
    """

    kinds = ("none",)
    output_size = 0
    metrics = ("mean_error",)
    baselines = ()

    def __init__(self, target: Target, *, sweeps: int = 10):
        if sweeps < 1:
            raise SettingsError(
                f"Option sweeps of boltzmann_learning must be 1 or more, got {sweeps}."
            )
        self.sweeps = sweeps

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: mean energy of clamped states less that of as many free states."""
        assert isinstance(batch.inputs, Tensor)
        machine = _machine(network)
        clamped = machine.clamped_states(batch.inputs, self.sweeps)
        free = machine.free_states(len(clamped), self.sweeps)
        value, terms = row_mean(machine.energy(clamped), batch.weight)
        yield Loss(value - machine.energy(free).mean(), terms)

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """-log pseudo-likelihood of each row, in nats, (rows, 1): no sum over all states is needed.

        Source: Besag 1975, "Statistical analysis of non-lattice data". Each visible unit's
        surprise given all the others, summed; 0 where each follows from the others.
        """
        assert isinstance(batch.inputs, Tensor)
        chances = _machine(network)(batch.inputs)
        entries = F.binary_cross_entropy(chances, batch.inputs.to(chances), reduction="none")
        return entries.flatten(1).sum(dim=1, keepdim=True)


def _machine(network: Any) -> Any:
    """The network, if it can be sampled with the data clamped and without."""
    if not (hasattr(network, "clamped_states") and hasattr(network, "free_states")):
        raise SettingsError(
            "The task boltzmann_learning needs a network with clamped and free states, which "
            f"{type(network).__name__} does not have. Choose --network boltzmann."
        )
    return network
