"""What a network without labels makes: examples beside their reconstructions, and its samples."""

from typing import Any

import torch
from torch import Tensor, nn

from layerwise.data.preparation import Preparation
from layerwise.evaluation.evaluate import device_of, undisturbed

SHOWN = 12  # examples beside their reconstructions
SAMPLES = 64


@torch.no_grad()
def specimens(
    network: nn.Module, task: Any, preparation: Preparation, inputs: Tensor, *, seed: int
) -> dict[str, Tensor]:
    """Give "originals" and "reconstructions" of the given rows, and "samples", as far as it can.

    inputs : (rows, *input_shape) as the network sees them; the first ones are shown
    returns : tensors (rows, *input_shape) float32, see ``shown``; {} where the network neither
        decodes nor samples
    """
    found: dict[str, Tensor] = {}
    with undisturbed(network):
        if hasattr(network, "decode") and len(inputs):
            some = inputs[:SHOWN].to(device_of(network))
            found = {"originals": some, "reconstructions": _back(network, task, some)}
        if hasattr(network, "sample"):
            found["samples"] = draw(network, SAMPLES, seed)
    return {name: shown(preparation, tensor) for name, tensor in found.items()}


def shown(preparation: Preparation, made: Tensor) -> Tensor:
    """Rows as they are drawn: images in the units of the data, columns each in its own scale."""
    rows = made.cpu().reshape(len(made), *preparation.input_shape)
    if len(preparation.input_shape) == 3:
        rows = preparation.in_original_units(rows)
    return rows.float().contiguous()


def _back(network: Any, task: Any, inputs: Tensor) -> Tensor:
    """What comes back of the inputs, as the task reads it where it does."""
    if hasattr(task, "reconstruct"):
        return task.reconstruct(network, inputs)
    return network.decode(network.encode(inputs))


@torch.no_grad()
def draw(network: nn.Module, rows: int, seed: int) -> Tensor:
    """Draw so many examples from a network that can; (rows, *input_shape), prepared units."""
    with undisturbed(network):
        torch.manual_seed(seed)
        return network.sample(rows)  # type: ignore[operator]
