"""The graph attention network: each node chooses how much it listens to each neighbour."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.graphs import (
    FeatureMap,
    Graphs,
    answers,
    check_graph_options,
    convolutions,
    read_graphs,
    silenced,
    with_self_loops,
)


class GAT(nn.Module):
    """Layers of h'_i = elu(sum_j a_ij W h_j), a_ij = softmax_j leaky_relu(a . [W h_i, W h_j]).

    Source: Velickovic et al. 2018, "Graph attention networks", ICLR, eq. 3-6. The heads of a
    layer stand side by side, those of the last one are averaged. The layers are PyTorch
    Geometric's.

    Parameters
    ----------
    input_shape : tuple of int
        (features,) of a node.
    output_size : int
        Number of outputs per node, graph or pair.
    hidden : int
        Units of each head in every layer but the last.
    heads : int
        Heads of every layer but the last.
    last_heads : int
        Heads of the last layer, which are averaged.
    layers : int
        Number of layers; a node sees as many steps along the edges.
    dropout : float
        Chance that a feature, a hidden unit or an attention weight is silent in a training step.
    readout : str
        What a whole graph has of its nodes: mean, sum or max.
    pairs : bool
        Pairs of nodes are asked for: the last layer has hidden x heads units, and the answer is
        the dot product of both nodes.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(None, "adam", {}, 0.005, epochs=500, batch_size="all", l2=5e-4),),
        "historic": (Stage(None, "adam", {}, 0.005, epochs=1000, batch_size="all", l2=5e-4),),
    }
    departures = (
        "The epoch is chosen by the validation rows after all of them, not stopped 100 after the "
        "best.",
        "Attention vectors are decayed as all matrices are, biases are not.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        hidden: int = 8,
        heads: int = 8,
        last_heads: int = 1,
        layers: int = 2,
        dropout: float = 0.6,
        readout: str = "mean",
        pairs: bool = False,
    ):
        super().__init__()
        check_graph_options("gat", hidden, layers, dropout, readout)
        if heads < 1 or last_heads < 1:
            raise SettingsError("Options heads and last_heads of gat must be at least 1.")
        self.dropout, self.readout = dropout, readout
        make, width = convolutions().GATConv, torch.Size(input_shape).numel()
        found = []
        for _ in range(layers - 1):
            found.append(make(width, hidden, heads, dropout=dropout, add_self_loops=False))
            width = hidden * heads
        last = hidden * heads if pairs else output_size
        found.append(
            make(width, last, last_heads, concat=False, dropout=dropout, add_self_loops=False)
        )
        self.convolutions = nn.ModuleList(found)
        first = found[0]
        first.lin = FeatureMap(first.in_channels, first.heads * first.out_channels)

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        """Nodes, whole graphs or pairs -> (rows, output_size); see ``layers.graphs.Graphs``."""
        graphs = read_graphs(inputs)
        return answers(self._steps(graphs)[-1], graphs, self.readout)

    def embed(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        """What the layer before the last knows of every node, (nodes, hidden x heads)."""
        found = self._steps(read_graphs(inputs))
        return F.elu(found[-2]) if len(found) > 1 else found[-1]

    def _steps(self, graphs: Graphs) -> list[Tensor]:
        """What each layer gives, (nodes, units), before its elu."""
        edges, _ = with_self_loops(graphs)
        found, now = [], graphs.features
        for convolution in self.convolutions:
            now = now if not found else F.elu(now)
            now = convolution(silenced(now, self.dropout, self.training), edges)
            found.append(now)
        return found
