"""Units that never fire: how many, layer by layer."""

from functools import partial

import torch
from torch import Tensor, nn

from layerwise.contracts import Dataset
from layerwise.evaluation.evaluate import BATCH_SIZE, device_of, on_device, undisturbed

RECTIFIERS = (nn.ReLU, nn.ReLU6)


@torch.no_grad()
def dead_units(
    network: nn.Module, dataset: Dataset, *, batch_size: int = BATCH_SIZE
) -> dict[str, tuple[int, int]]:
    """Give, per rectified layer, the units that are zero on every row, and how many there are.

    A unit of a convolution is a channel, silent at every place of every image. Layers without
    rectifiers (sigmoid, tanh, leaky ReLU) have no dead units and are not counted. Modes and
    chance are left as they were.

    dataset : the rows to look at, validation rows say
    """
    fired: dict[str, Tensor] = {}
    handles = [
        module.register_forward_hook(partial(_note, fired, name))
        for name, module in network.named_modules()
        if isinstance(module, RECTIFIERS)
    ]
    device = device_of(network)
    try:
        with undisturbed(network):
            for rows in torch.arange(len(dataset)).split(batch_size):
                if handles and len(rows):
                    network(on_device(dataset.batch(rows), device).inputs)
    finally:
        for handle in handles:
            handle.remove()
    return {name: (int((~alive).sum()), len(alive)) for name, alive in fired.items()}


def _note(fired: dict[str, Tensor], name: str, _module, _inputs, output: Tensor) -> None:
    """Remember which units were above zero in this batch."""
    alive = (output > 0).transpose(0, 1).flatten(1).any(dim=1).cpu()
    fired[name] = alive | fired[name] if name in fired else alive
