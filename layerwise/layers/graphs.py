"""What graph networks share: what a batch of graphs holds, edges made ready, answers read out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.errors import SettingsError

READOUTS = ("mean", "sum", "max")


@dataclass(frozen=True)
class Graphs:
    """Nodes, the edges between them, and what is asked about them.

    features : (nodes, features), dense or sparse (CSR)
    edges : (2, edges) int64, from row 0 to row 1; an edge of both directions stands there twice
    weights : (edges,), or None: all are 1
    rows : (rows,) numbers of the nodes, or of the graphs, that are asked for; None: all nodes
    graph : (nodes,) number of each node's graph where whole graphs are asked for
    pairs : (rows, 2) nodes where pairs of them are asked for
    degree : (nodes,) sum of the weights of each node's edges, and one for itself, where not all
        of the edges are there; None: it is counted
    """

    features: Tensor
    edges: Tensor
    weights: Tensor | None = None
    rows: Tensor | None = None
    graph: Tensor | None = None
    pairs: Tensor | None = None
    degree: Tensor | None = None

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return self.features.shape[0]


def read_graphs(inputs: Tensor | dict[str, Tensor]) -> Graphs:
    """The inputs of a batch; a tensor (rows, ...) is read as so many nodes without edges."""
    if not isinstance(inputs, dict):
        features = inputs.flatten(1)
        none = torch.empty((2, 0), dtype=torch.int64, device=features.device)
        return Graphs(features, none)
    return Graphs(
        inputs["features"],
        inputs["edges"],
        inputs.get("edge_weights"),
        inputs.get("rows"),
        inputs.get("graph"),
        inputs.get("pairs"),
        inputs.get("degree"),
    )


def with_self_loops(graphs: Graphs) -> tuple[Tensor, Tensor | None]:
    """Edges (2, edges + nodes) and their weights, each node being a neighbour of itself."""
    loops = torch.arange(graphs.nodes, device=graphs.edges.device).expand(2, -1)
    edges = torch.cat([graphs.edges, loops], dim=1)
    if graphs.weights is None:
        return edges, None
    return edges, torch.cat([graphs.weights, graphs.weights.new_ones(graphs.nodes)])


def normalized_edges(graphs: Graphs) -> tuple[Tensor, Tensor]:
    """Edges with self-loops and the entries of D^-1/2 (A + I) D^-1/2; D is the degree of A + I.

    Kipf and Welling 2017, eq. 2. It is made anew at each call: that costs 0.1 ms on Cora, and a
    remembered one would be wrong for the next batch.
    """
    edges, weights = with_self_loops(graphs)
    if weights is None:
        held = graphs.features  # perhaps sparse, so that its new_ones would be too
        weights = torch.ones(1, dtype=held.dtype, device=held.device).expand(edges.shape[1])
    degree = graphs.degree
    if degree is None:
        degree = weights.new_zeros(graphs.nodes).index_add(0, edges[1], weights)
    scale = degree.rsqrt()
    return edges, scale.index_select(0, edges[0]) * weights * scale.index_select(0, edges[1])


class FeatureMap(nn.Module):
    """y = W x for features that may be sparse; W starts after Glorot and Bengio 2010.

    Parameters
    ----------
    features : int
        Numbers per node.
    outputs : int
        Numbers per node that come out.
    """

    def __init__(self, features: int, outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights anew."""
        nn.init.xavier_uniform_(self.weight)

    def forward(self, features: Tensor) -> Tensor:
        """(nodes, features), dense or sparse -> (nodes, outputs)."""
        return features @ self.weight.t()  # F.linear has other shapes for sparse CSR (torch 2.13)


def silenced(features: Tensor, chance: float, learning: bool) -> Tensor:
    """Dropout of single numbers; of sparse features only what is stored, as zeros stay zeros."""
    if not learning or not chance:
        return features
    if features.layout == torch.strided:
        return F.dropout(features, chance)
    return torch.sparse_csr_tensor(
        features.crow_indices(),
        features.col_indices(),
        F.dropout(features.values(), chance),
        size=features.shape,
        check_invariants=False,
    )


def answers(nodes: Tensor, graphs: Graphs, readout: str) -> Tensor:
    """What was asked for, (rows, outputs), from the outputs (nodes, outputs) of all nodes.

    A whole graph has the mean, sum or maximum of its nodes; a pair the dot product of both.
    """
    if graphs.pairs is not None:
        return scores_of_pairs(nodes, graphs.pairs)
    if graphs.graph is not None:
        return pooled(nodes, graphs, readout)
    return nodes if graphs.rows is None else nodes.index_select(0, graphs.rows)


def scores_of_pairs(nodes: Tensor, pairs: Tensor) -> Tensor:
    """Dot product of the two nodes of each pair, (rows, 1)."""
    one, other = (nodes.index_select(0, pairs[:, side]) for side in (0, 1))
    return (one * other).sum(dim=1, keepdim=True)


def pooled(nodes: Tensor, graphs: Graphs, readout: str) -> Tensor:
    """One row per graph, (graphs, outputs): mean, sum or maximum over its nodes."""
    assert graphs.graph is not None and graphs.rows is not None, "graphs are numbered by rows"
    count = graphs.rows.shape[0]
    if readout == "max":
        where = graphs.graph.unsqueeze(1).expand_as(nodes)
        empty = nodes.new_zeros(count, nodes.shape[1])
        return empty.scatter_reduce(0, where, nodes, "amax", include_self=False)
    total = nodes.new_zeros(count, nodes.shape[1]).index_add(0, graphs.graph, nodes)
    if readout == "sum":
        return total
    ones = nodes.new_ones(1).expand(graphs.nodes)
    sizes = nodes.new_zeros(count).index_add(0, graphs.graph, ones)
    return total / sizes.clamp(min=1).unsqueeze(1)


def convolutions() -> Any:
    """PyTorch Geometric's layers. Raises SettingsError where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it calls torch.jit.script at import, now deprecated
            import torch_geometric.nn
    except ImportError:
        raise SettingsError(
            "Graph networks need PyTorch Geometric: pip install 'layerwise[graphs]'"
        ) from None
    return torch_geometric.nn


def check_graph_options(name: str, hidden: int, layers: int, dropout: float, readout: str) -> None:
    """Raise SettingsError for sizes and words that cannot be."""
    for option, value in (("hidden", hidden), ("layers", layers)):
        if not isinstance(value, int) or value < 1:
            raise SettingsError(
                f"Option {option} of {name} must be a whole number above 0, got {value}."
            )
    if not 0 <= dropout < 1:
        raise SettingsError(f"Option dropout of {name} must be from 0 to below 1, got {dropout}.")
    if readout not in READOUTS:
        raise SettingsError(
            f"Option readout of {name} must be one of {', '.join(READOUTS)}, got '{readout}'."
        )
