"""Walks through the codes of a network that encodes and decodes; what the pictures are made of."""

from typing import Any

import torch
from torch import Tensor

from layerwise.errors import DataError, SettingsError

EDGE = 3.0  # where a scan along two axes of many ends, in deviations of the prior


@torch.no_grad()
def latent_scan(network: Any, steps: int, *, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """What the decoder makes of a square grid of codes.

    Source: Kingma and Welling 2014, "Auto-encoding variational Bayes", figure 4. Codes of two
    numbers are quantiles of the normal prior, 1 / (steps + 1) apart, so that every picture is as
    likely as the others. Of longer codes two axes go from -3 to 3 and the others stay at 0.

    network : offers ``decode(codes)`` and ``code``, the numbers in a code
    axes : the two numbers of the code that change, down and to the right
    returns : (steps, steps, *input_shape)
    raises : SettingsError when there are fewer than two steps, or no such two axes
    """
    size = network.code
    _check_steps(steps)
    if len(set(axes)) != 2 or not all(0 <= axis < size for axis in axes):
        raise SettingsError(
            f"The axes of a scan must be two different ones below {size}, the numbers in a code, "
            f"got {axes}. Give others, or a network with a longer code."
        )
    weight = next(network.parameters())
    if size == 2:
        shares = torch.arange(1, steps + 1, dtype=torch.float64) / (steps + 1)
        line = torch.special.ndtri(shares)
    else:
        line = torch.linspace(-EDGE, EDGE, steps, dtype=torch.float64)
    codes = torch.zeros(steps, steps, size, dtype=torch.float64)
    codes[:, :, axes[0]] = line[:, None]
    codes[:, :, axes[1]] = line[None, :]
    made = network.decode(codes.flatten(0, 1).to(weight))
    return made.unflatten(0, (steps, steps))


@torch.no_grad()
def interpolation(network: Any, one: Tensor, other: Tensor, steps: int) -> Tensor:
    """What lies between two examples: the straight line between their codes, decoded.

    network : offers ``encode(inputs)`` and ``decode(codes)``
    one, other : (*input_shape)
    returns : (steps, *input_shape); the first is the reconstruction of ``one``, the last of
        ``other``
    raises : SettingsError when there are fewer than two steps
    """
    _check_steps(steps)
    first, last = network.encode(torch.stack([one, other]))
    share = torch.linspace(0, 1, steps, dtype=first.dtype, device=first.device)
    share = share.reshape(-1, *[1] * first.ndim)
    return network.decode((1 - share) * first + share * last)


@torch.no_grad()
def attribute_vector(network: Any, inputs: Tensor, has: Tensor) -> Tensor:
    """Mean code of the rows that have something, minus that of those that do not.

    Source: Larsen et al. 2016, "Autoencoding beyond pixels using a learned similarity metric",
    section 4.2.1. Added to a code, it adds what the rows have.

    network : offers ``encode(inputs)``
    inputs : (rows, *input_shape)
    has : (rows,), true or false
    returns : (code,)
    raises : DataError when all rows have it, or none
    """
    has = has.bool()
    if has.all() or not has.any():
        raise DataError(
            "An attribute must be had by some rows and lacked by others, got "
            f"{int(has.sum())} of {len(has)} that have it. Give rows of both."
        )
    codes = network.encode(inputs)
    return codes[has].mean(dim=0) - codes[~has].mean(dim=0)


def _check_steps(steps: int) -> None:
    """Refuse a walk that goes nowhere."""
    if steps < 2:
        raise SettingsError(f"The number of steps must be at least 2, got {steps}.")
