"""What excites the units of a convolutional network most: edges, then motifs, then objects."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from layerwise.evaluation.evaluate import device_of, undisturbed

LAYERS, UNITS, BEST = 4, 8, 4  # that are shown: layers, units of each, patches of each
AT_ONCE = 64  # rows
NOTHING = 1e-6  # of the largest gradient, below which a pixel does not count


@dataclass(frozen=True)
class Excited:
    """The units of one layer and the parts of images that excite them most.

    units : their numbers
    rows : (units, best) places among the inputs, the most exciting first
    values : (units, best) activations
    patches : (units, best, channels, height, width), all of a layer of one size
    """

    layer: str
    units: list[int]
    rows: Tensor
    values: Tensor
    patches: Tensor


def convolutions(network: nn.Module) -> list[tuple[str, nn.Conv2d]]:
    """The convolutions over images, by name, in order."""
    return [(name, one) for name, one in network.named_modules() if isinstance(one, nn.Conv2d)]


def excitations(network: nn.Module, inputs: Tensor) -> list[Excited]:
    """The most exciting patches of up to four convolutions, first and last ones, and the outputs.

    Source: Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", ECCV,
    section 4: for each unit the rows with the strongest activation. The patch is what the place
    of that activation can see: the pixels to which its gradient reaches.

    inputs : (rows, channels, height, width) as the network sees them
    """
    named = _that_run(network, inputs[:1])
    places = torch.linspace(0, len(named) - 1, min(LAYERS, len(named))).round().int().tolist()
    chosen: list[tuple[str, nn.Module]] = [named[place] for place in dict.fromkeys(places)]
    chosen.append(("output", network))
    with undisturbed(network):
        peaks = _peaks(network, [layer for _, layer in chosen], inputs)
        found = [
            _excited(network, name, layer, inputs, *peak)
            for (name, layer), peak in zip(chosen, peaks, strict=True)
        ]
    return [one for one in found if one is not None]


@torch.no_grad()
def _that_run(network: nn.Module, inputs: Tensor) -> list[tuple[str, nn.Conv2d]]:
    """The convolutions that take part in prediction; heads that only help to learn do not."""
    ran: list[nn.Module] = []
    named = convolutions(network)
    handles = [one.register_forward_hook(lambda layer, *_: ran.append(layer)) for _, one in named]
    try:
        with undisturbed(network):
            network(inputs.to(device_of(network)))
    finally:
        for handle in handles:
            handle.remove()
    return [(name, one) for name, one in named if one in ran]


@torch.no_grad()
def _peaks(
    network: nn.Module, layers: list[nn.Module], inputs: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """Per layer the largest activation of each row and unit, and where; (rows, units) each."""
    found: list[list[tuple[Tensor, Tensor]]] = [[] for _ in layers]
    handles = [
        layer.register_forward_hook(
            lambda module, given, made, kept=kept: kept.append(_maps(made).max(dim=2))
        )
        for layer, kept in zip(layers, found, strict=True)
    ]
    try:
        for some in inputs.split(AT_ONCE):
            network(some.to(device_of(network)))
    finally:
        for handle in handles:
            handle.remove()
    return [
        (torch.cat([one[0].cpu() for one in kept]), torch.cat([one[1].cpu() for one in kept]))
        for kept in found
    ]


def _excited(
    network: nn.Module, name: str, layer: nn.Module, inputs: Tensor, peak: Tensor, where: Tensor
) -> Excited | None:
    """The patches of one layer; None where no unit of it ever changes."""
    alive = (peak.amax(dim=0) > peak.amin(dim=0)).nonzero()[:, 0]
    if not len(alive):
        return None
    even = torch.linspace(0, len(alive) - 1, min(UNITS, len(alive))).round().long()
    units = alive[even.unique()]
    values, rows = peak[:, units].topk(min(BEST, len(inputs)), dim=0)
    flat = rows.T.flatten()
    of_unit = units.repeat_interleave(len(rows))
    gradient = _reach(network, layer, inputs[flat], of_unit, where[flat, of_unit])
    patches = _cut(inputs[flat], gradient)
    shape = (len(units), len(rows), *patches.shape[1:])
    return Excited(name, units.tolist(), rows.T, values.T, patches.reshape(shape))


def _reach(
    network: nn.Module, layer: nn.Module, inputs: Tensor, units: Tensor, places: Tensor
) -> Tensor:
    """Gradient of one activation of each row with respect to the row; (rows, ...)."""
    kept: list[Any] = []
    handle = layer.register_forward_hook(lambda module, given, made: kept.append(made))
    device = device_of(network)
    try:
        with torch.enable_grad():
            given = inputs.to(device).requires_grad_()
            network(given)
            maps = _maps(kept[-1])
            chosen = maps[torch.arange(len(maps)), units.to(device), places.to(device)]
            (gradient,) = torch.autograd.grad(chosen.sum(), given)
    finally:
        handle.remove()
    return gradient.cpu()


def _maps(made: Any) -> Tensor:
    """What a layer gives as (rows, units, places)."""
    return made.reshape(*made.shape[:2], -1)


def _cut(inputs: Tensor, gradient: Tensor) -> Tensor:
    """The part of each row that its gradient reaches; all as large as the largest one."""
    size = gradient.abs().amax(dim=1)
    reached = size > NOTHING * size.amax(dim=(1, 2), keepdim=True)
    spans = [_spans(reached.any(dim=2)), _spans(reached.any(dim=1))]
    sides = [int((last - first).max()) for first, last in spans]
    patches = []
    for row, image in enumerate(inputs):
        window: list[Any] = [slice(None)]
        for (first, last), side, whole in zip(spans, sides, inputs.shape[2:], strict=True):
            start = int(first[row] + last[row] - side) // 2
            start = min(max(start, 0), whole - side)
            window.append(slice(start, start + side))
        patches.append(image[tuple(window)])
    return torch.stack(patches)


def _spans(reached: Tensor) -> tuple[Tensor, Tensor]:
    """First place that is reached and the one after the last, per row; (rows,) each."""
    side = reached.shape[1]
    counts = reached.long()
    first = counts.argmax(dim=1)
    last = side - counts.flip(1).argmax(dim=1)
    none = ~reached.any(dim=1)
    return first.masked_fill(none, 0), last.masked_fill(none, 1)
