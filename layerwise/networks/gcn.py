"""The graph convolutional network: each node takes the weighted mean of its neighbourhood."""

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.graphs import (
    FeatureMap,
    Graphs,
    answers,
    check_graph_options,
    convolutions,
    normalized_edges,
    read_graphs,
    silenced,
)


class GCN(nn.Module):
    """Layers of H' = relu(S H W), S = D^-1/2 (A + I) D^-1/2; the last one without relu.

    Source: Kipf and Welling 2017, "Semi-supervised classification with graph convolutional
    networks", ICLR, eq. 2 and 9. The layers are PyTorch Geometric's.

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
        Chance that a feature or a hidden unit is silent in a training step.
    readout : str
        What a whole graph has of its nodes: mean, sum or max.
    pairs : bool
        Pairs of nodes are asked for: the last layer has hidden units, and the answer is the dot
        product of both nodes.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(None, "adam", {}, 0.01, epochs=200, batch_size="all", l2=5e-4),),
        "historic": (Stage(None, "adam", {}, 0.01, epochs=200, batch_size="all", l2=5e-4),),
    }
    departures = (
        "The weights of all layers are decayed, not those of the first one only.",
        "The epoch is chosen by the validation rows after all 200, not stopped 10 after the best.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        hidden: int = 16,
        layers: int = 2,
        dropout: float = 0.5,
        readout: str = "mean",
        pairs: bool = False,
    ):
        super().__init__()
        check_graph_options("gcn", hidden, layers, dropout, readout)
        self.dropout, self.readout = dropout, readout
        last = hidden if pairs else output_size
        widths = [torch.Size(input_shape).numel(), *[hidden] * (layers - 1), last]
        make = convolutions().GCNConv
        self.convolutions = nn.ModuleList(
            make(before, after, normalize=False) for before, after in pairwise(widths)
        )
        first = self.convolutions[0]
        first.lin = FeatureMap(*widths[:2])  # the same map, which also takes sparse features

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        """Nodes, whole graphs or pairs -> (rows, output_size); see ``layers.graphs.Graphs``."""
        graphs = read_graphs(inputs)
        return answers(self._steps(graphs)[-1], graphs, self.readout)

    def embed(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        """What the layer before the last knows of every node, (nodes, hidden)."""
        found = self._steps(read_graphs(inputs))
        return torch.relu(found[-2]) if len(found) > 1 else found[-1]

    def _steps(self, graphs: Graphs) -> list[Tensor]:
        """What each layer gives, (nodes, units), before its relu."""
        edges, weights = normalized_edges(graphs)
        found, now = [], graphs.features
        for convolution in self.convolutions:
            now = now if not found else torch.relu(now)
            now = convolution(silenced(now, self.dropout, self.training), edges, weights)
            found.append(now)
        return found
