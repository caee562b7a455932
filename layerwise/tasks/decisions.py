"""What the threshold rules share: targets as +1 and -1, and decisions without chances."""

import torch
from torch import Tensor

from layerwise.contracts import Target
from layerwise.errors import SettingsError


def check_classes(target: Target, task: str) -> None:
    """Refuse a target that is not one of two or several classes."""
    if target.kind not in ("binary", "classes"):
        raise SettingsError(
            f"The task {task} needs a target of classes, got one of kind '{target.kind}'. "
            "Choose --task regress for numbers and --task classify for several labels."
        )


def signs(targets: Tensor, units: int, like: Tensor) -> Tensor:
    """Give +1 where a unit shall fire and -1 where not, (rows, units).

    targets : (rows,); one unit: above zero is +1 (0 and 1, or -1 and +1); several: class codes
    """
    if units == 1:
        shall_fire = targets.reshape(-1, 1) > 0
    else:
        codes = torch.arange(units, device=targets.device)
        shall_fire = targets.long().reshape(-1, 1) == codes
    return 2 * shall_fire.to(like.dtype) - 1


def decisions(net: Tensor) -> Tensor:
    """Give 1 for the chosen class and 0 for the others, (rows, classes).

    One unit decides between two classes by firing (net input above zero); of several the one
    with the largest net input wins.
    """
    if net.shape[1] == 1:
        fires = net > 0
        return torch.cat([~fires, fires], dim=1).to(net.dtype)
    codes = torch.arange(net.shape[1], device=net.device)
    return (net.argmax(dim=1, keepdim=True) == codes).to(net.dtype)
