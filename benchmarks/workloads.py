"""The four jobs that speed is measured on: a network, made-up data, a loss, a batch size."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.networks.lenet5 import LeNet5
from layerwise.networks.mlp import MLP


@dataclass(frozen=True)
class Workload:
    """One job; ``units`` are the widths of its full layers, for peers that build their own."""

    name: str
    rows: int
    shape: tuple[int, ...]
    batch_size: int
    outputs: int
    kind: str  # "binary", "classes" or "reconstruct"
    build: Callable[[], nn.Module]
    units: tuple[int, ...] = ()

    def data(self) -> tuple[Tensor, Tensor]:
        """Random inputs, and targets that depend on them."""
        generator = torch.Generator().manual_seed(0)
        inputs = torch.randn(self.rows, *self.shape, generator=generator)
        if self.kind == "reconstruct":
            return inputs, inputs
        score = inputs.flatten(1)[:, :10].cumsum(1)
        if self.kind == "binary":
            return inputs, (score[:, -1] > 0).float()
        return inputs, score.argmax(1)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean loss."""
        if self.kind == "reconstruct":
            return F.mse_loss(outputs, targets)
        if self.kind == "binary":
            return F.binary_cross_entropy_with_logits(outputs[:, 0], targets)
        return F.cross_entropy(outputs, targets)


def _mlp(inputs: int, outputs: int, hidden: tuple[int, ...]) -> Callable[[], nn.Module]:
    return lambda: MLP((inputs,), outputs, hidden=hidden)


WORKLOADS = [
    Workload("table MLP 28-100-1", 200_000, (28,), 512, 1, "binary", _mlp(28, 1, (100,)), (100,)),
    Workload("AE 29-16-8-16-29", 200_000, (29,), 256, 29, "reconstruct",
             _mlp(29, 29, (16, 8, 16)), (16, 8, 16)),
    Workload("MLP 784-512-512-10", 20_000, (784,), 128, 10, "classes",
             _mlp(784, 10, (512, 512)), (512, 512)),
    Workload("LeNet-5", 20_000, (1, 28, 28), 128, 10, "classes", lambda: LeNet5((1, 28, 28), 10)),
]  # fmt: skip
