"""Which parameters a task trains, and what rests meanwhile."""

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn


def parts_of(network: nn.Module, task: Any) -> dict[str, list]:
    """Per part, the list that ``torch.optim`` takes first; without ``task.parts``: everything."""
    if not hasattr(task, "parts"):
        everything = list(network.parameters())
        return {"network": everything} if everything else {}
    return {name: list(given) for name, given in task.parts(network).items()}


def tensors_of(part: Iterable) -> list[Tensor]:
    """The parameters of a part, whether they come in groups or not."""
    groups = [group["params"] if isinstance(group, dict) else [group] for group in part]
    return [tensor for group in groups for tensor in group]


def freeze_others(network: nn.Module, parts: dict[str, list]) -> None:
    """Freeze what is in no part, and put modules that hold nothing else into eval mode."""
    trained = {id(tensor) for part in parts.values() for tensor in tensors_of(part)}
    for parameter in network.parameters():
        parameter.requires_grad_(id(parameter) in trained)
    network.train()
    for module in network.modules():
        held = list(module.parameters())
        if held and not any(parameter.requires_grad for parameter in held):
            module.eval()
