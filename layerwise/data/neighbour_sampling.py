"""Neighbours drawn for a batch of nodes, from compressed rows; whole neighbourhoods as well.

Hamilton, Ying and Leskovec 2017, section 3.1: of each node's neighbours, a fixed number without
replacement at each step away from the nodes that are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from layerwise.errors import SettingsError

ALL = -1  # neighbours per node


@dataclass(frozen=True)
class Neighbourhood:
    """The part of a graph that some nodes are answered from.

    nodes : (nodes,) numbers in the whole graph; the ones that were asked for come first
    edges : (2, edges) places in ``nodes``
    weights : (edges,); one over the chance that the edge was drawn, times its own weight
    """

    nodes: Tensor
    edges: Tensor
    weights: Tensor


class NeighbourSampler:
    """Draws neighbourhoods.

    Parameters
    ----------
    edges : Tensor
        (2, edges) int64, sorted by the second row.
    nodes : int
        Number of nodes.
    weights : Tensor
        (edges,); absent: all are 1.
    """

    def __init__(self, edges: Tensor, nodes: int, weights: Tensor | None = None):
        self.sources = edges[0]
        self.weights = torch.ones(edges.shape[1]) if weights is None else weights
        counts = torch.bincount(edges[1], minlength=nodes)
        self.begins = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
        self.degree = torch.zeros(nodes).index_add(0, edges[1], self.weights) + 1
        self._place = torch.full((nodes,), -1)  # of each node in the batch; -1: not there

    def draw(
        self, asked: Tensor, sizes: Sequence[int], generator: torch.Generator | None = None
    ) -> Neighbourhood:
        """The neighbourhood of different nodes ``asked``, ``len(sizes)`` steps wide.

        sizes : neighbours per node at each step; ``ALL`` (-1) takes all of them
        """
        found, border, drawn = [asked], asked, []
        place = self._place
        place[asked] = torch.arange(len(asked))
        count = len(asked)
        for size in sizes:
            chosen, owners, shares = self._step(border, size, generator)
            sources = self.sources[chosen]
            border = torch.unique(sources[place[sources] < 0])
            place[border] = torch.arange(count, count + len(border))
            count += len(border)
            found.append(border)
            ends = torch.stack([place[sources], place[owners]])
            drawn.append((ends, self.weights[chosen] * shares))
        nodes = torch.cat(found)
        place[nodes] = -1
        edges = torch.cat([ends for ends, _ in drawn], dim=1)
        return Neighbourhood(nodes, edges, torch.cat([weights for _, weights in drawn]))

    def _step(
        self, nodes: Tensor, size: int, generator: torch.Generator | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Numbers of the drawn edges, the node that each leads to, one over its chance."""
        edges, place = ranges(self.begins[nodes], self.begins[nodes + 1])
        degrees = self.begins[nodes + 1] - self.begins[nodes]
        if size == ALL:
            return edges, nodes[place], torch.ones(len(edges))
        keys = torch.rand(len(edges), generator=generator, dtype=torch.float64)
        order = torch.argsort(place + keys)  # shuffled within each node
        first = degrees.cumsum(0) - degrees
        rank = torch.arange(len(edges)) - first[place]
        kept = rank < size
        shares = (degrees / degrees.clamp(max=size)).float()
        return edges[order][kept], nodes[place[kept]], shares[place[kept]]


def ranges(begins: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """All numbers from each begin to before its end, and which of the ranges each is in."""
    sizes = ends - begins
    place = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
    first = sizes.cumsum(0) - sizes
    return torch.arange(len(place)) + (begins - first)[place], place


def neighbours_option(value: object) -> tuple[int, ...]:
    """Neighbours per step, of "10,10" or (10, 10); () where none are drawn.

    Raises SettingsError for what is no whole number above 0.
    """
    if value is None or value == "":
        return ()
    parts = str(value).strip("()[]").split(",") if not isinstance(value, (tuple, list)) else value
    try:
        sizes = tuple(int(part) for part in parts if str(part).strip())
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1:
        raise SettingsError(
            "--data.neighbours must be whole numbers above 0, one for each layer of the network, "
            f"such as 10,10; got {value}."
        )
    return sizes
