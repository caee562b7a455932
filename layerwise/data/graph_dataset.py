"""Batches of nodes, of whole graphs and of pairs of nodes, ready for the engine.

Every batch is {"features", "edges", ...}, see ``layers.graphs.Graphs``. Where all of a graph is
needed for any of its nodes, all batches share the same tensors and only the rows differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from layerwise.contracts import Batch
from layerwise.data.neighbour_sampling import ALL, NeighbourSampler, ranges


@dataclass(frozen=True)
class Answers:
    """What is true of each row: targets, weights; None where there are none."""

    targets: Tensor | None = None
    weight: Tensor | None = None

    def batch(self, inputs: dict[str, Tensor], rows: Tensor) -> Batch:
        """These inputs with what is true of their rows."""
        targets = None if self.targets is None else self.targets.index_select(0, rows)
        weight = None if self.weight is None else self.weight.index_select(0, rows)
        return Batch(inputs, targets, weight, keys=rows)


@dataclass(frozen=True)
class Messages:
    """Features of nodes and the edges between them.

    features : (nodes, features), dense or sparse; edges : (2, edges), sorted by the second row
    weights : (edges,) or None
    """

    features: Tensor
    edges: Tensor
    weights: Tensor | None = None

    def inputs(self) -> dict[str, Tensor]:
        """The part of a batch that all rows share."""
        held = {"features": self.features, "edges": self.edges}
        return held if self.weights is None else held | {"edge_weights": self.weights}

    def only(self, kept: Tensor) -> tuple[Messages, Tensor]:
        """The graph of the nodes with ``kept``, and the place (nodes,) of each in it."""
        place = kept.cumsum(0) - 1
        inside = kept[self.edges].all(dim=0)
        weights = None if self.weights is None else self.weights[inside]
        nodes = torch.nonzero(kept).reshape(-1)
        return Messages(
            take_rows(self.features, nodes), place[self.edges[:, inside]], weights
        ), place


class NodeDataset:
    """Nodes of one graph; every batch has the whole graph.

    Parameters
    ----------
    messages : Messages
        The graph.
    nodes : Tensor
        (rows,) node of each row.
    answers : Answers
        What is true of each row.
    training : tuple
        Graph without held-out nodes, place of each node in it, and whether each row (rows,) is a
        training row; batches of training rows that are learned from see this graph. Absent: all
        see the whole graph.
    """

    def __init__(
        self, messages: Messages, nodes: Tensor, answers: Answers, training: Any | None = None
    ):
        self.messages, self.nodes, self.answers, self.training = messages, nodes, answers, training

    def __len__(self) -> int:
        return len(self.nodes)

    def batch(self, indices: Tensor | slice) -> Batch:
        """The rows ``indices`` as one batch; "rows" are numbers of nodes."""
        rows = numbers(indices, len(self))
        nodes, messages = self.nodes[rows], self.messages
        if self.training is not None and torch.is_grad_enabled():
            graph, place, learned = self.training
            if bool(learned[rows].all()):
                messages, nodes = graph, place[nodes]
        return self.answers.batch(messages.inputs() | {"rows": nodes}, rows)


class SampledNodeDataset:
    """Nodes of a large graph; a batch has the drawn neighbourhood of its rows.

    Neighbours are drawn while gradients are wanted; a prediction (under ``torch.no_grad``) sees
    all neighbours, so that it is the same each time. Chance is that of torch's generator at the
    beginning of the epoch and of the rows.

    Parameters
    ----------
    messages : Messages
        The graph.
    nodes : Tensor
        (rows,) node of each row.
    answers : Answers
        What is true of each row.
    sizes : tuple of int
        Neighbours per node at each step.
    training : tuple
        As for NodeDataset.
    """

    def __init__(
        self,
        messages: Messages,
        nodes: Tensor,
        answers: Answers,
        sizes: tuple[int, ...],
        training: Any | None = None,
    ):
        self.nodes, self.answers, self.sizes, self.training = nodes, answers, sizes, training
        self.whole = _Sampled(messages)
        self.inner = None if training is None else _Sampled(training[0])
        self.epoch_seed = 0

    def __len__(self) -> int:
        return len(self.nodes)

    def refresh(self, network: Any) -> None:
        """Take the chance of an epoch from torch's generator."""
        self.epoch_seed = int(torch.randint(2**31, ()))

    def state_dict(self) -> dict[str, Any]:
        """The chance of this epoch."""
        return {"epoch_seed": self.epoch_seed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what ``state_dict`` gave."""
        self.epoch_seed = int(state["epoch_seed"])

    def batch(self, indices: Tensor | slice) -> Batch:
        """The rows ``indices`` as one batch; "rows" are places among the nodes of the batch."""
        rows = numbers(indices, len(self))
        learning = torch.is_grad_enabled()
        nodes, drawn_from = self.nodes[rows], self.whole
        if self.training is not None and learning:
            _, place, learned = self.training
            if bool(learned[rows].all()):
                assert self.inner is not None
                nodes, drawn_from = place[nodes], self.inner
        sizes = self.sizes if learning else (ALL,) * len(self.sizes)
        inputs = drawn_from.inputs(nodes, sizes, self._generator(rows))
        return self.answers.batch(inputs, rows)

    def _generator(self, rows: Tensor) -> torch.Generator:
        mixed = self.epoch_seed * 1_000_003 + int(rows[0]) * 8191 + int(rows.sum())
        return torch.Generator().manual_seed(mixed % 2**63)


class _Sampled:
    """Drawn neighbourhoods of one graph as inputs."""

    def __init__(self, messages: Messages):
        self.messages = messages
        count = messages.features.shape[0]
        self.sampler = NeighbourSampler(messages.edges, count, messages.weights)

    def inputs(
        self, nodes: Tensor, sizes: tuple[int, ...], generator: torch.Generator
    ) -> dict[str, Tensor]:
        asked, rows = torch.unique(nodes, return_inverse=True)
        drawn = self.sampler.draw(asked, sizes, generator)
        return {
            "features": take_rows(self.messages.features, drawn.nodes),
            "edges": drawn.edges,
            "edge_weights": drawn.weights,
            "degree": self.sampler.degree[drawn.nodes],
            "rows": rows,
        }


class GraphsDataset:
    """Whole graphs; a batch has the nodes and edges of its graphs alone.

    Parameters
    ----------
    messages : Messages
        All graphs side by side.
    graph_of_node : Tensor
        (nodes,) number of each node's graph, rising.
    graphs : Tensor
        (rows,) graph of each row.
    answers : Answers
        What is true of each row.
    """

    def __init__(self, messages: Messages, graph_of_node: Tensor, graphs: Tensor, answers: Answers):
        self.messages, self.graphs, self.answers = messages, graphs, answers
        count = int(max(graph_of_node.max(), graphs.max())) + 1
        edges_of = graph_of_node[messages.edges[1]]
        self.nodes_from = _begins(graph_of_node, count)
        self.edges_from = _begins(edges_of, count)

    def __len__(self) -> int:
        return len(self.graphs)

    def batch(self, indices: Tensor | slice) -> Batch:
        """The rows ``indices`` as one batch, their graphs numbered 0, 1, 2, ... in this order."""
        rows = numbers(indices, len(self))
        chosen, held = self.graphs[rows], self.messages
        nodes, graph = ranges(self.nodes_from[chosen], self.nodes_from[chosen + 1])
        edges, owner = ranges(self.edges_from[chosen], self.edges_from[chosen + 1])
        sizes = self.nodes_from[chosen + 1] - self.nodes_from[chosen]
        shift = sizes.cumsum(0) - sizes - self.nodes_from[chosen]
        inputs = {
            "features": take_rows(held.features, nodes),
            "edges": held.edges[:, edges] + shift[owner],
            "graph": graph,
            "rows": torch.arange(len(rows)),
        }
        if held.weights is not None:
            inputs["edge_weights"] = held.weights[edges]
        return self.answers.batch(inputs, rows)


class PairDataset:
    """Pairs of nodes; messages pass along the edges of the training rows only.

    Parameters
    ----------
    messages : Messages
        The nodes, and the edges of the training rows.
    pairs : Tensor
        (rows, 2) nodes of each row.
    answers : Answers
        What is true of each row.
    """

    def __init__(self, messages: Messages, pairs: Tensor, answers: Answers):
        self.messages, self.pairs, self.answers = messages, pairs, answers

    def __len__(self) -> int:
        return len(self.pairs)

    def batch(self, indices: Tensor | slice) -> Batch:
        """The rows ``indices`` as one batch."""
        rows = numbers(indices, len(self))
        return self.answers.batch(self.messages.inputs() | {"pairs": self.pairs[rows]}, rows)


def numbers(indices: Tensor | slice, rows: int) -> Tensor:
    """Row numbers (rows,) that a slice or a tensor means."""
    if isinstance(indices, slice):
        return torch.arange(*indices.indices(rows))
    return indices.reshape(-1)


def take_rows(features: Tensor, rows: Tensor) -> Tensor:
    """Some rows of features, dense or sparse."""
    if features.layout == torch.strided:
        return features.index_select(0, rows)
    begins = features.crow_indices()
    places, _ = ranges(begins[rows], begins[rows + 1])
    sizes = begins[rows + 1] - begins[rows]
    return torch.sparse_csr_tensor(
        torch.cat([begins.new_zeros(1), sizes.cumsum(0)]),
        features.col_indices()[places],
        features.values()[places],
        size=(len(rows), features.shape[1]),
        check_invariants=False,
    )


def _begins(owners: Tensor, count: int) -> Tensor:
    """Where each owner's stretch begins, and the end of the last; ``owners`` rise."""
    return torch.cat([owners.new_zeros(1), torch.bincount(owners, minlength=count).cumsum(0)])
