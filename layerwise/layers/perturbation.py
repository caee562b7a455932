"""Small changes of inputs that raise a loss most: what an adversary would do to a network."""

from collections.abc import Callable

import torch
from torch import Tensor

LossOf = Callable[[Tensor], Tensor]  # inputs -> a number, or one per row


def fast_gradient_sign(
    inputs: Tensor, gradient: Tensor, radius: Tensor | float, low: Tensor, high: Tensor
) -> Tensor:
    """Every number moved by the radius in the direction that raises the loss.

    Source: Goodfellow, Shlens and Szegedy 2015, "Explaining and harnessing adversarial examples",
    ICLR, section 4: x + epsilon sign(gradient of J).

    inputs, gradient : (rows, ...)
    radius, low, high : one for each channel or feature, so that they broadcast to the inputs; what
        comes back lies from low to high
    """
    return within(inputs + radius * gradient.sign(), low, high)


def projected_gradient(
    loss_of: LossOf,
    inputs: Tensor,
    radius: Tensor | float,
    low: Tensor,
    high: Tensor,
    *,
    steps: int,
) -> Tensor:
    """The fast gradient sign again and again, never further than the radius from the inputs.

    Source: Madry et al. 2018, "Towards deep learning models resistant to adversarial attacks",
    ICLR, section 2.1. It starts at a random place within the radius, from torch's default
    generator, and a step is 2.5 radius / steps (appendix), so that the border is in reach.

    loss_of : gives a number for inputs of the same shape
    """
    moved = within(inputs + radius * (2 * torch.rand_like(inputs) - 1), low, high)
    for _ in range(steps):
        gradient = input_gradient(loss_of, moved)
        stepped = moved + 2.5 / steps * radius * gradient.sign()
        near = torch.minimum(torch.maximum(stepped, inputs - radius), inputs + radius)
        moved = within(near, low, high)
    return moved


def input_gradient(loss_of: LossOf, inputs: Tensor) -> Tensor:
    """Gradient of the sum of ``loss_of`` with respect to the inputs; no parameter gets one.

    inputs : (rows, ...), which is also the shape of the result
    """
    with torch.enable_grad():
        given = inputs.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss_of(given).sum(), given)
    return gradient


def within(inputs: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """The inputs, cut at the lowest and highest value that there can be."""
    return torch.minimum(torch.maximum(inputs, low), high)
