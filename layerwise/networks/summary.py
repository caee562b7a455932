"""What a network is made of: layers, shapes, parameters, multiply-adds, without running it."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Layer:
    """One layer of a network, for one example.

    name : where it is in the network, such as "layers.0"; the network's class if it is all of it
    kind : its class, such as "Linear"
    output_shape : without the axis of the rows; () where it gives no single tensor
    parameters : learned numbers of its own, each counted once in the network
    multiply_adds : of the matrix products and convolutions in it, but not in layers listed
        under it
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def summarize(
    network: nn.Module,
    input_shape: tuple[int, ...],
    *,
    categories: tuple[int, ...] = (),
    example: Any = None,
) -> list[Layer]:
    """Give the layers in the order in which one example goes through them.

    Shapes travel on torch's "meta" device: no arithmetic, no memory, and the network is not
    changed. A layer that is used twice is listed once, with the multiply-adds of both. A network
    that looks at values (``item()``) cannot be followed: its shapes are then () and its
    multiply-adds 0, its parameters are right.

    Parameters
    ----------
    network : nn.Module
        On any device, in any mode.
    input_shape : tuple of int
        Shape of one example, without the axis of the rows.
    categories : tuple of int
        Codes per category column; then the network gets a dict of numbers and codes.
    example : tensor or dict of tensors
        One example as the network takes it, where its shape alone does not say so.
    """
    layers = _layers(network)
    shapes: dict[str, tuple[int, ...]] = {}
    hooks = [module.register_forward_hook(_note(shapes, name)) for name, module in layers.items()]
    modes = {module: module.training for module in network.modules()}
    network.eval()
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a network that is given numbers for tokens
            given = _example(input_shape, categories)
            made = given if example is None else _without_memory(example)
            functional_call(network, _on_meta(network), (made,))
    except Exception:  # a network that looks at values fails in its own way
        shapes.clear()
    finally:
        for hook in hooks:
            hook.remove()
        for module, mode in modes.items():
            module.training = mode
    work = _multiply_adds(counter, type(network).__name__, shapes)
    return _listed(layers, shapes, work, type(network).__name__)


def _layers(network: nn.Module) -> dict[str, nn.Module]:
    """Give the modules to list: without children, or with parameters of their own."""
    return {
        name: module
        for name, module in network.named_modules()
        if not any(module.children()) or any(True for _ in module.parameters(recurse=False))
    }


def _listed(
    layers: dict[str, nn.Module], shapes: dict[str, tuple], work: dict[str, int], root: str
) -> list[Layer]:
    """Give the records: layers that ran in their order, then others that have parameters."""
    counted: set[int] = set()
    found = []
    for name in dict.fromkeys([*shapes, *layers]):
        new = {id(p): p.numel() for p in layers[name].parameters(recurse=False)}
        parameters = sum(size for key, size in new.items() if key not in counted)
        counted |= set(new)
        if name in shapes or parameters:
            kind = type(layers[name]).__name__
            shape = shapes.get(name, ())
            found.append(Layer(name or root, kind, shape, parameters, work.get(name, 0)))
    return found


def _multiply_adds(counter: FlopCounterMode, root: str, names: dict[str, tuple]) -> dict[str, int]:
    """Give the work of each layer, without that of the listed layers under it."""
    counts = counter.get_flop_counts()
    total = {
        name: sum(counts.get(f"{root}.{name}" if name else root, {}).values()) // 2
        for name in names
    }
    own = dict(total)
    for name in names:
        above = [other for other in names if other != name and _is_under(name, other)]
        if above:
            own[max(above, key=len)] -= total[name]
    return own


def _is_under(name: str, other: str) -> bool:
    return other == "" or name.startswith(other + ".")


def _note(shapes: dict[str, tuple[int, ...]], name: str) -> Callable[..., None]:
    """Give a hook that keeps the shape that comes out of a layer."""

    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        shapes[name] = tuple(output.shape[1:]) if isinstance(output, Tensor) else ()

    return hook


def _on_meta(network: nn.Module) -> dict[str, Tensor]:
    """Give shapes without memory in place of all parameters and buffers."""
    held = dict(network.named_parameters()) | dict(network.named_buffers())
    return {name: torch.empty_like(tensor, device="meta") for name, tensor in held.items()}


def _without_memory(example: Any) -> Any:
    if isinstance(example, dict):
        return {name: _without_memory(value) for name, value in example.items()}
    return example.to("meta") if isinstance(example, Tensor) else example


def _example(
    input_shape: tuple[int, ...], categories: tuple[int, ...]
) -> Tensor | dict[str, Tensor]:
    """Give one example without memory."""
    numbers = torch.empty((1, *input_shape), device="meta")
    if not categories:
        return numbers
    codes = torch.empty((1, len(categories)), dtype=torch.int64, device="meta")
    return {"numbers": numbers, "codes": codes}
