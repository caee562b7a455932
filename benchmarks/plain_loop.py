"""The loop that a careful person writes by hand: what the engine is measured against.

Eager autograd, data resident on the device, an epoch permuted once, torch's fused optimizer, and
channels-last images. Nothing of layerwise is used here.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn


def plain_steps(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    batch_size: int,
    learning_rate: float = 1e-3,
) -> Iterator[int]:
    """Train for ever; yield the number of rows after each step.

    inputs : (rows, ...); images become channels-last
    targets : (rows, ...)
    loss : mean loss of outputs and targets
    """
    if inputs.ndim == 4:
        network = network.to(memory_format=torch.channels_last)
        inputs = inputs.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    network.train()
    while True:
        order = torch.randperm(len(inputs))
        for rows in order.split(batch_size):
            optimizer.zero_grad(set_to_none=True)
            loss(network(inputs[rows]), targets[rows]).backward()
            optimizer.step()
            yield len(rows)


def loader_steps(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    batch_size: int,
    learning_rate: float = 1e-3,
) -> Iterator[int]:
    """The loop of the tutorials: a DataLoader over single examples, Adam as it comes."""
    dataset = torch.utils.data.TensorDataset(inputs, targets)
    loader = torch.utils.data.DataLoader(dataset, batch_size=batch_size, shuffle=True)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    network.train()
    while True:
        for some, wanted in loader:
            optimizer.zero_grad()
            loss(network(some), wanted).backward()
            optimizer.step()
            yield len(some)
