"""The Boltzmann machine: chancy units, all joined, that dream what they have seen."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import DataError, SettingsError

MOST_HIDDEN = 12  # all 2^hidden states are summed over
SAMPLE_SWEEPS = 200


class BoltzmannMachine(nn.Module):
    """Units of 0 and 1, each joined to each; it learns how likely every visible state is.

    Source: Ackley, Hinton and Sejnowski 1985, "A learning algorithm for Boltzmann machines",
    Cognitive Science 9. E(s) = -1/2 s W s - b s over visible and hidden units, W symmetric without
    a diagonal, and a state has the chance exp(-E) / Z. Learns with the task boltzmann_learning.
    Every sweep of Gibbs sampling asks unit after unit, so it is for small inputs, up to some
    hundred units.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example, numbers from 0 to 1; it is flattened, one visible unit for each.
    output_size : int
        Not used: the network predicts nothing.
    hidden : int
        Number of hidden units, 0 to 12: sums over all their states are exact.

    Raises
    ------
    SettingsError
        The number of hidden units cannot be.
    """

    task = "boltzmann_learning"
    inputs_as = "unit"
    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(task, "adam", {}, 0.02, "cosine", epochs=60, batch_size=32),),
        "historic": (Stage(task, "sgd", {}, 0.1, epochs=60, batch_size=32),),
    }
    departures = (
        "The temperature is 1 throughout; the paper cools down before it collects statistics.",
        "Weights move by the difference of the statistics, not by a fixed step of its sign.",
        "Inputs are clamped as they are; the paper turns single bits over at random.",
    )

    def __init__(self, input_shape: tuple[int, ...], output_size: int = 0, *, hidden: int = 4):
        super().__init__()
        if not 0 <= hidden <= MOST_HIDDEN:
            raise SettingsError(
                f"Option hidden of boltzmann must be from 0 to {MOST_HIDDEN}, got {hidden}. "
                "For more hidden units choose a restricted machine."
            )
        self.input_shape = tuple(input_shape)
        self.visible, self.hidden = torch.Size(input_shape).numel(), hidden
        self.units = self.visible + hidden
        self.weight = nn.Parameter(0.01 * torch.randn(self.units, self.units))
        self.bias = nn.Parameter(torch.zeros(self.units))

    def forward(self, inputs: Tensor) -> Tensor:
        """Chance of each visible unit to be on, given all other visible units, exact.

        inputs : (rows, *input_shape), from 0 to 1
        returns : the same shape
        """
        visible, chances = self.visible_states(inputs), []
        for unit in range(self.visible):
            on, off = visible.clone(), visible.clone()
            on[:, unit], off[:, unit] = 1.0, 0.0
            chances.append(torch.sigmoid(self._free_energy(off) - self._free_energy(on)))
        return torch.stack(chances, dim=1).reshape(inputs.shape)

    def energy(self, states: Tensor) -> Tensor:
        """E = -1/2 s W s - b s, no unit; a state has the chance exp(-E) / Z.

        states : (rows, units), the visible ones first
        returns : (rows,)
        """
        return -0.5 * ((states @ self.symmetric_weights()) * states).sum(dim=1) - states @ self.bias

    def free_energy(self, visible: Tensor) -> Tensor:
        """-log of the sum of exp(-E) over all hidden states, in nats.

        visible : (rows, *input_shape), from 0 to 1
        returns : (rows,)
        """
        return self._free_energy(self.visible_states(visible))

    def sample(self, rows: int, *, sweeps: int = SAMPLE_SWEEPS) -> Tensor:
        """Draw visible states from a random start, after so many sweeps over all units.

        returns : (rows, *input_shape), 0 and 1
        """
        visible = self.free_states(rows, sweeps)[:, : self.visible]
        return visible.reshape(rows, *self.input_shape)

    @torch.no_grad()
    def clamped_states(self, inputs: Tensor, sweeps: int) -> Tensor:
        """States with the visible units held and the hidden ones sampled.

        inputs : (rows, *input_shape), from 0 to 1
        returns : (rows, units), the visible ones first
        """
        visible = self.visible_states(inputs)
        states = torch.cat([visible, _coins(visible, self.hidden)], dim=1)
        return self._gibbs(states, range(self.visible, self.units), sweeps)

    @torch.no_grad()
    def free_states(self, rows: int, sweeps: int) -> Tensor:
        """States of the machine left to itself, from random ones, (rows, units)."""
        start = self.bias.new_empty((rows, 0))
        return self._gibbs(_coins(start, self.units), range(self.units), sweeps)

    def symmetric_weights(self) -> Tensor:
        """The symmetric part of the weights without the diagonal, (units, units)."""
        half = self.weight - torch.diag(self.weight.diagonal())
        return 0.5 * (half + half.T)

    def visible_states(self, inputs: Tensor) -> Tensor:
        """The inputs as (rows, visible); DataError unless they are from 0 to 1."""
        flat = inputs.flatten(1).to(self.bias.dtype)
        outside = flat[(flat < 0) | (flat > 1)]
        if len(outside):
            raise DataError(
                "Inputs of a Boltzmann machine must be from 0 to 1, got "
                f"{float(outside[0]):g}. Scale them first."
            )
        return flat

    def _gibbs(self, states: Tensor, units: range, sweeps: int) -> Tensor:
        """Let the units decide one after the other, each by chance; in place.

        The decision rule of Ackley, Hinton and Sejnowski 1985, at temperature 1: on with the chance
        1 / (1 + exp(-gap)), where the gap W s + b is by how much the energy falls.
        """
        weights, bias = self.symmetric_weights(), self.bias
        for _ in range(sweeps):
            for unit in units:
                gap = states @ weights[unit] + bias[unit]
                states[:, unit] = torch.bernoulli(torch.sigmoid(gap))
        return states

    def _free_energy(self, visible: Tensor) -> Tensor:
        """Free energy by brute force over the hidden states; (rows, visible) -> (rows,)."""
        seen, weights = self.visible, self.symmetric_weights()
        own = -0.5 * ((visible @ weights[:seen, :seen]) * visible).sum(dim=1)
        own = own - visible @ self.bias[:seen]
        codes = all_states(self.hidden).to(visible)
        among = 0.5 * ((codes @ weights[seen:, seen:]) * codes).sum(dim=1)
        fields = visible @ weights[:seen, seen:] + self.bias[seen:]
        return own - torch.logsumexp(fields @ codes.T + among, dim=1)


def all_states(units: int) -> Tensor:
    """Every state of so many units of 0 and 1, (2^units, units), counted up in binary."""
    numbers = torch.arange(2**units).unsqueeze(1)
    return (numbers >> torch.arange(units - 1, -1, -1)) & 1


def _coins(like: Tensor, units: int) -> Tensor:
    """0 or 1 by the toss of a coin, (rows, units)."""
    return torch.bernoulli(like.new_full((len(like), units), 0.5))
