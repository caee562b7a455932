"""What a network makes of the plane, for data with two features: its answers and hidden layers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

import numpy as np
import torch
from pandas import DataFrame, Series
from torch import Tensor, nn

from layerwise.contracts import Batch, Task
from layerwise.data import cells
from layerwise.data.source import Source
from layerwise.evaluation.evaluate import device_of, on_device, undisturbed

STEPS = 120  # grid points along each axis
MARGIN = 0.1  # how far the grid goes beyond the data, as a share of their range
UNITS = 24  # of a hidden layer that are kept
POINTS = 2000  # of the data that are kept
AT_ONCE = 4096
NOT_SHOWN = (nn.Identity, nn.Flatten, nn.modules.dropout._DropoutNd)


class PointPreparation(Protocol):
    """What of a preparation is needed here."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the input columns."""
        ...

    def inputs(self, source: Source) -> Tensor | dict[str, Tensor]:
        """Give the network's inputs for all rows of a source."""
        ...


def plane(
    network: nn.Module,
    task: Task,
    preparation: PointPreparation,
    source: Source,
    *,
    columns: tuple[str, ...] | None = None,
    rows: np.ndarray | None = None,
    steps: int = STEPS,
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Give the network's outputs and hidden activations over a grid and at the data's points.

    Parameters
    ----------
    source : Source
        Two number columns, or inputs (rows, 2).
    columns : tuple of two str or None
        Those columns; None: ``preparation.feature_names``.
    rows : array or None
        Row numbers of the points; None: all, of which at most 2000 are kept, evenly spaced.
    steps : int
        Grid points along each axis.

    Returns
    -------
    tensors : dict
        "x" and "y" (steps,): the axes in the data's own units. "points" (n, 2) in the same units
        and "rows" (n,): their row numbers. "grid_outputs" (steps, steps, outputs), y first, and
        "points_outputs" (n, outputs): the task's outputs. For each hidden layer, such as
        "00:layers.1.ReLU", "grid:00:layers.1.ReLU" (steps, steps, units) and
        "points:00:layers.1.ReLU" (n, units): what it gives, at most 24 units.
    names : tuple of str
        Of the hidden layers in order of execution, as above: their number, the module's name and
        its class. All modules without children but the last one, dropout, identity and flatten.
    """
    columns = columns or preparation.feature_names
    points, kept = _points(source, columns, rows)
    axes = [_axis(points[:, feature], steps) for feature in range(2)]
    across, up = np.meshgrid(*axes)
    grid = np.stack([across.ravel(), up.ravel()], axis=1)
    tensors = {
        "x": torch.from_numpy(axes[0]),
        "y": torch.from_numpy(axes[1]),
        "points": torch.from_numpy(points),
        "rows": torch.from_numpy(kept),
    }
    names: tuple[str, ...] = ()
    for place, where in (("grid", grid), ("points", points)):
        inputs = preparation.inputs(_source_of(where, source, columns))
        outputs, hidden = activations(network, task, inputs)
        hidden = {
            f"{number:02d}:{name}": each for number, (name, each) in enumerate(hidden.items())
        }
        names, shape = tuple(hidden), (steps, steps) if place == "grid" else (len(points),)
        tensors[f"{place}_outputs"] = outputs.reshape(*shape, *outputs.shape[1:])
        for name, values in hidden.items():
            tensors[f"{place}:{name}"] = values.reshape(*shape, *values.shape[1:])
    return {name: _float(tensor) for name, tensor in tensors.items()}, names


@torch.no_grad()
def activations(
    network: nn.Module, task: Task, inputs: Tensor | dict[str, Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Give (outputs, {layer: (rows, units)}) in eval mode; the network stays as it was."""
    first = next(iter(inputs.values())) if isinstance(inputs, dict) else inputs
    outputs, seen = [], []
    with undisturbed(network):
        for rows in torch.arange(len(first)).split(AT_ONCE):
            with _recorded(network) as heard:
                batch = Batch(_taken(inputs, rows))
                outputs.append(task.outputs(network, on_device(batch, device_of(network))).cpu())
            seen.append({name: _units(value, len(rows)) for name, value in heard.items()})
    hidden = {name: [piece[name] for piece in seen] for name in list(seen[0])[:-1]}
    return torch.cat(outputs), {
        name: torch.cat([piece for piece in pieces if piece is not None])
        for name, pieces in hidden.items()
        if pieces[0] is not None
    }


@contextmanager
def _recorded(network: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Collect what each module without children gives, in order of execution."""
    heard: dict[str, Tensor] = {}

    def listen(name: str):
        def hook(module: nn.Module, arguments: tuple, output: object) -> None:
            heard.pop(name, None)  # a module used twice counts where it was used last
            if isinstance(output, Tensor):
                heard[name] = output

        return hook

    handles = [
        module.register_forward_hook(listen(f"{name}.{type(module).__name__}".lstrip(".")))
        for name, module in network.named_modules()
        if not any(module.children()) and not isinstance(module, NOT_SHOWN)
    ]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def _units(value: Tensor, rows: int) -> Tensor | None:
    """Give (rows, at most 24 units), or None where it is no floating output per row."""
    if value.ndim < 2 or len(value) != rows or not value.is_floating_point():
        return None
    return value.flatten(1)[:, :UNITS].float().cpu()


def _points(
    source: Source, names: tuple[str, ...], rows: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Give the points without missing values, (n, 2), and their row numbers."""
    assert len(names) == 2, f"a plane needs two features, got {names}"
    rows = np.arange(len(source.frame)) if rows is None else np.asarray(rows)
    if source.inputs is not None:
        points = np.asarray(source.inputs[rows], dtype=np.float64).reshape(len(rows), 2)
    else:
        series = [Series(source.frame[name]) for name in names]
        points = np.stack([cells.numbers(each) for each in series], axis=1)[rows].astype(np.float64)
    known = np.isfinite(points).all(axis=1)
    points, rows = points[known], rows[known]
    if len(rows) > POINTS:
        chosen = np.linspace(0, len(rows) - 1, POINTS).astype(np.int64)
        points, rows = points[chosen], rows[chosen]
    return points, rows


def _axis(values: np.ndarray, steps: int) -> np.ndarray:
    low, high = (float(values.min()), float(values.max())) if len(values) else (-1.0, 1.0)
    beyond = MARGIN * ((high - low) or 1.0)
    return np.linspace(low - beyond, high + beyond, steps)


def _source_of(points: np.ndarray, source: Source, names: tuple[str, ...]) -> Source:
    """Give the points as a source of their own, shaped like the one they came from."""
    if source.inputs is None:
        return replace(source, frame=DataFrame(points, columns=list(names)), parts=None)
    inputs = points.astype(source.inputs.dtype).reshape(len(points), *source.inputs.shape[1:])
    return replace(source, frame=DataFrame(index=range(len(points))), inputs=inputs, parts=None)


def _taken(inputs: Tensor | dict[str, Tensor], rows: Tensor) -> Tensor | dict[str, Tensor]:
    if isinstance(inputs, dict):
        return {name: tensor[rows] for name, tensor in inputs.items()}
    return inputs[rows]


def _float(tensor: Tensor) -> Tensor:
    return (tensor.float() if tensor.is_floating_point() else tensor).contiguous()
