"""GraphSAGE: each node beside the mean of its neighbours; works on nodes never seen before."""

from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.graphs import (
    Graphs,
    answers,
    check_graph_options,
    convolutions,
    read_graphs,
)


class GraphSAGE(nn.Module):
    """Layers of h'_i = relu(W [h_i, mean of h_j]) over the neighbours j; the last without relu.

    Source: Hamilton, Ying and Leskovec 2017, "Inductive representation learning on large graphs",
    NeurIPS, algorithm 1 with the mean aggregator. The layers are PyTorch Geometric's. With the
    data option neighbours each layer sees so many drawn neighbours of each node.

    Parameters
    ----------
    input_shape : tuple of int
        (features,) of a node.
    output_size : int
        Number of outputs per node, graph or pair.
    hidden : int
        Units of every layer but the last.
    layers : int
        Number of layers; a node sees as many steps along the edges.
    dropout : float
        Chance that a hidden unit is silent in a training step.
    normalize : bool
        Divide what each hidden layer gives by its Euclidean norm, as algorithm 1 does (line 7).
    readout : str
        What a whole graph has of its nodes: mean, sum or max.
    pairs : bool
        Pairs of nodes are asked for: the last layer has hidden units, and the answer is the dot
        product of both nodes.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(None, "adam", {}, 0.01, epochs=100, batch_size="all", l2=5e-4),),
        "historic": (Stage(None, "adam", {}, 0.01, epochs=10, batch_size=512),),
    }
    historic_options: ClassVar[dict[str, object]] = {
        "hidden": 256, "dropout": 0.0, "normalize": True,
    }  # fmt: skip
    departures = (
        "Neighbours are drawn only with the data option neighbours (the paper: 25,10).",
        "The last layer gives the scores of the classes; the paper has one more linear map.",
        "The numbers of the historic recipe are those of the authors' program, not of the text.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        hidden: int = 64,
        layers: int = 2,
        dropout: float = 0.5,
        normalize: bool = False,
        readout: str = "mean",
        pairs: bool = False,
    ):
        super().__init__()
        check_graph_options("graphsage", hidden, layers, dropout, readout)
        self.dropout, self.readout, self.normalize = dropout, readout, normalize
        last = hidden if pairs else output_size
        widths = [torch.Size(input_shape).numel(), *[hidden] * (layers - 1), last]
        make = convolutions().SAGEConv
        self.convolutions = nn.ModuleList(make(before, after) for before, after in pairwise(widths))

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        """Nodes, whole graphs or pairs -> (rows, output_size); see ``layers.graphs.Graphs``."""
        graphs = read_graphs(inputs)
        return answers(self._steps(graphs)[-1], graphs, self.readout)

    def embed(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        """What the layer before the last knows of every node, (nodes, hidden)."""
        found = self._steps(read_graphs(inputs))
        return self._hidden(found[-2]) if len(found) > 1 else found[-1]

    def _hidden(self, sums: Tensor) -> Tensor:
        active = torch.relu(sums)
        return F.normalize(active, dim=1) if self.normalize else active

    def _steps(self, graphs: Graphs) -> list[Tensor]:
        """What each layer gives, (nodes, units), before its relu."""
        now = graphs.features
        now = now if now.layout == torch.strided else now.to_dense()
        found = []
        for convolution in self.convolutions:
            now = now if not found else F.dropout(self._hidden(now), self.dropout, self.training)
            now = convolution(now, graphs.edges)
            found.append(now)
        return found
