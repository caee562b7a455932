"""The parameters of a small part as views of one tensor: an optimizer then moves a single one.

For optimizers that treat each number by itself the result is the same to the bit, and a step of a
small network costs some 40 us less. A parameter that the loss does not reach counts as one whose
gradient is zero.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, AdamW, Optimizer

ELEMENTWISE = ("sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw")
LARGEST = 300_000  # numbers; above, an optimizer's arithmetic outweighs its overhead


class Flat:
    """One parameter whose pieces are the given ones; those keep their names and shapes."""

    def __init__(self, tensors: list[Tensor]):
        self.parameter = nn.Parameter(torch.cat([t.detach().reshape(-1) for t in tensors]))
        self.gradient = torch.zeros_like(self.parameter)
        self.parameter.grad = self.gradient
        self.views = self._views(self.gradient, tensors)
        for tensor, view in zip(tensors, self._views(self.parameter, tensors), strict=True):
            tensor.data = view

    @staticmethod
    def _views(whole: Tensor, tensors: list[Tensor]) -> list[Tensor]:
        ends = torch.tensor([0, *(t.numel() for t in tensors)]).cumsum(0).tolist()
        pieces = [whole.detach()[start:end] for start, end in pairwise(ends)]
        return [piece.view(t.shape) for piece, t in zip(pieces, tensors, strict=True)]

    def gather(self, tensors: list[Tensor]) -> None:
        """Take the gradients that autograd left on the pieces."""
        for tensor, view in zip(tensors, self.views, strict=True):
            if tensor.grad is None:
                view.zero_()
            elif tensor.grad is not view:
                view.copy_(tensor.grad)
            tensor.grad = view


def can_flatten(optimizer: str, part: list[Any]) -> bool:
    """Whether a part is small, without groups, of one kind, and its optimizer allows it."""
    if optimizer not in ELEMENTWISE or not all(isinstance(t, Tensor) for t in part):
        return False
    kinds = {(t.dtype, t.device, t.is_contiguous()) for t in part}
    return len(kinds) == 1 and (*kinds,)[0][2] and sum(t.numel() for t in part) <= LARGEST


def mover(optimizer: Optimizer, flat: Flat) -> Callable[[], Any]:
    """What moves a flat part by its gradient: ``optimizer.step``, or what it comes down to.

    Around the kernel of Adam that does the work in 5 us, ``torch.optim`` takes 20, and 60 when the
    processor's cache is cold; so from the second step on the kernel is called with the optimizer's
    own state. Optimizers and options without such a kernel step as they come.
    """
    kernels = {Adam: torch._fused_adam_, AdamW: torch._fused_adamw_}
    kernel, group = kernels.get(type(optimizer)), optimizer.param_groups[0]
    if kernel is None or not group["fused"] or group["amsgrad"] or group["maximize"]:
        return optimizer.step
    parameter, gradient = flat.parameter.detach(), flat.gradient

    def move() -> None:
        state = optimizer.state.get(flat.parameter)
        if not state:
            optimizer.step()
            return
        group = optimizer.param_groups[0]  # not the one of before: loading a state replaces it
        beta1, beta2 = group["betas"]
        state["step"].add_(1)
        kernel(
            [parameter],
            [gradient],
            [state["exp_avg"]],
            [state["exp_avg_sq"]],
            [],
            [state["step"]],
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )

    return move
