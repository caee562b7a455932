"""Contrastive divergence: make the data more likely than what the machine dreams."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.layers.losses import row_mean


class ContrastiveDivergence:
    """Lower the free energy of the data, raise that of states to which the machine moves.

    Source: Hinton 2002, "Training products of experts by minimizing contrastive divergence",
    Neural Computation 14; persistent chains: Tieleman 2008, "Training restricted Boltzmann
    machines using approximations to the likelihood gradient", ICML. The loss is the mean free
    energy of the data minus that of the states after ``steps`` Gibbs steps, which are taken as
    constants: its gradient is minus (<v h> of the data - <v h> of the chain), where h are
    chances. The value itself measures nothing. The network has ``free_energy`` and
    ``gibbs``, and ``encode`` and ``decode`` for the outputs.

    Outputs are reconstruction errors, the mean squared difference of an example and its
    reconstruction by mean field, lower is better. They say that learning goes on, not how
    likely the data are (Hinton 2012, section 5): that says ``layerwise.evaluation.partition``.

    Parameters
    ----------
    target : Target
        Of any kind; it is not looked at.
    steps : int
        Gibbs steps of the chain in each step of learning (the k of CD-k).
    persistent : bool
        Chains go on from where the last step left them, not from the data.
    chains : int
        How many persistent chains.
    binarize : bool
        Inputs of binary visible units, from 0 to 1, are drawn as zeros and ones anew each time.

    Raises
    ------
    SettingsError
        A number of steps or chains below 1.
    """

    kinds = ("none",)
    output_size = 0
    metrics = ("mean_error",)
    baselines = ()

    def __init__(
        self,
        target: Target,
        *,
        steps: int = 1,
        persistent: bool = False,
        chains: int = 100,
        binarize: bool = True,
    ):
        for name, value in (("steps", steps), ("chains", chains)):
            if not isinstance(value, int) or value < 1:
                raise SettingsError(
                    f"Option {name} of contrastive_divergence must be a whole number above 0, "
                    f"got {value}."
                )
        self.steps, self.persistent, self.binarize = steps, persistent, binarize
        self.splittable = not persistent
        if persistent:  # else there is no state, and the engine may trace the step
            self._chains = _Chains(chains)
            self.state_dict = self._chains.state_dict
            self.load_state_dict = self._chains.load_state_dict

    def losses(self, network: Any, batch: Batch) -> Iterator[Loss]:
        """Yield one loss."""
        assert isinstance(batch.inputs, Tensor)
        data = binarized(network, batch.inputs) if self.binarize else batch.inputs
        if not self.persistent:
            yield Loss(*contrast(network, data, self.steps, batch.weight))
            return
        dreamt = self._chains.advance(network, data, self.steps)
        value, terms = row_mean(network.free_energy(data), batch.weight)
        yield Loss(value - network.free_energy(dreamt).mean(), terms)

    def outputs(self, network: Any, batch: Batch) -> Tensor:
        """Reconstruction errors, (rows, 1), in squared units of the prepared inputs."""
        return reconstruction_errors(network, batch)


def contrast(
    machine: Any, data: Tensor, steps: int, weight: Tensor | None
) -> tuple[Tensor, Tensor | float]:
    """Mean free energy of the data minus that of a chain from the data, and its terms.

    data : (rows, ...), what the machine's visible units are
    weight : (rows,) or None, which a row's chain shares
    """
    dreamt = machine.gibbs(data, steps)
    return row_mean(machine.free_energy(data) - machine.free_energy(dreamt), weight)


def binarized(machine: Any, inputs: Tensor) -> Tensor:
    """Inputs as drawn zeros and ones where the machine's visible units are binary."""
    if machine.visible != "binary":
        return inputs
    return (torch.rand_like(inputs) < inputs).to(inputs.dtype)


def reconstruction_errors(network: Any, batch: Batch) -> Tensor:
    """Mean squared difference of each example and its way up and down, (rows, 1)."""
    assert isinstance(batch.inputs, Tensor)
    differences = network.decode(network.encode(batch.inputs)) - batch.inputs
    return differences.flatten(1).square().mean(1, keepdim=True)


class _Chains:
    """States that Gibbs sampling carries on from step to step; they begin at examples."""

    def __init__(self, count: int):
        self.count = count
        self.states: Tensor | None = None

    def advance(self, network: Any, data: Tensor, steps: int) -> Tensor:
        """Move all chains by ``steps`` and give them, (chains, ...)."""
        states = self.states
        if states is None:
            states = data[torch.arange(self.count, device=data.device) % len(data)]
        self.states = moved = network.gibbs(states.to(data), steps)
        return moved

    def state_dict(self) -> dict[str, Tensor]:
        """The states; nothing before the first step."""
        return {} if self.states is None else {"chains": self.states}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take back what ``state_dict`` gave."""
        self.states = state["chains"].clone() if "chains" in state else None
