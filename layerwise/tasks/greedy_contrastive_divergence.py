"""Greedy contrastive divergence: a stack of machines learns one layer after the other."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.tasks.contrastive_divergence import binarized, contrast, reconstruction_errors


class GreedyContrastiveDivergence:
    """Every layer learns by contrastive divergence while the others rest, from below.

    Source: Hinton, Osindero and Teh 2006, "A fast learning algorithm for deep belief nets",
    Neural Computation 18, section 4. With L layers, each has an L-th of the stage. The data of
    a layer are the chances of the hidden units below, or states drawn from them. The network
    has ``layers``, a list of machines with ``free_energy`` and ``gibbs``, and
    ``up(inputs, layers)``.

    Outputs are the mean squared differences of an example and its reconstruction by mean field,
    down from the top, lower is better.

    Parameters
    ----------
    target : Target
        Of any kind; it is not looked at.
    steps : int
        Gibbs steps of the chain in each step of learning.
    binarize : bool
        Data of binary units are drawn as zeros and ones anew each time; else chances are data.

    Raises
    ------
    SettingsError
        A number of steps below 1.
    """

    output_size = 0
    metrics = ("mean_error",)
    baselines = ()

    def __init__(self, target: Target, *, steps: int = 1, binarize: bool = True):
        if not isinstance(steps, int) or steps < 1:
            raise SettingsError(
                "Option steps of greedy_contrastive_divergence must be a whole number above 0, "
                f"got {steps}."
            )
        self.steps, self.binarize = steps, binarize

    def parts(self, network: Any) -> dict[str, list]:
        """Give each layer's parameters, as "layer 1" and so on from below."""
        return {_part(i): list(layer.parameters()) for i, layer in enumerate(network.layers)}

    def losses(self, network: Any, batch: Batch) -> Iterator[Loss]:
        """Yield one loss, of the layer whose turn it is."""
        layers = len(network.layers)
        number = min(int(float(batch.done) * layers), layers - 1)
        machine = network.layers[number]
        with torch.no_grad():
            data = network.up(batch.inputs, number)
        if self.binarize:
            data = binarized(machine, data)
        value, terms = contrast(machine, data, self.steps, batch.weight)
        yield Loss(value, terms, _part(number))

    def outputs(self, network: Any, batch: Batch) -> Tensor:
        """Reconstruction errors, (rows, 1), in squared units of the prepared inputs."""
        return reconstruction_errors(network, batch)


def _part(number: int) -> str:
    """Name of a layer's part."""
    return f"layer {number + 1}"
