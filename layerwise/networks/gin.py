"""The graph isomorphism network: sums over neighbours, which tell apart what means cannot."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.graphs import (
    Graphs,
    check_graph_options,
    convolutions,
    pooled,
    read_graphs,
    scores_of_pairs,
)


class GIN(nn.Module):
    """Layers of h'_i = f((1 + e) h_i + sum of h_j), f a small network; all layers are read out.

    Source: Xu, Hu, Leskovec and Jegelka 2019, "How powerful are graph neural networks?", ICLR,
    eq. 4.1 and 4.2: the answer is the sum over the layers (the features among them) of a linear
    map of each layer's readout. f is linear, batch-normalized, relu, linear, batch-normalized,
    relu. The layers are PyTorch Geometric's.

    Parameters
    ----------
    input_shape : tuple of int
        (features,) of a node.
    output_size : int
        Number of outputs per node, graph or pair.
    hidden : int
        Units of every layer.
    layers : int
        Number of layers; a node sees as many steps along the edges.
    dropout : float
        Chance that a number of the readout is silent in a training step.
    learned_epsilon : bool
        Whether e is learned; else it is 0.
    readout : str
        What a whole graph has of its nodes: sum, mean or max.
    pairs : bool
        Pairs of nodes are asked for: the maps have hidden outputs, and the answer is the dot
        product of both nodes.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None, "adam", {}, 0.01, "step", {"every": 50, "factor": 0.5},
                epochs=100, batch_size=32,
            ),
        ),
        "historic": (
            Stage(
                None, "adam", {}, 0.01, "step", {"every": 50, "factor": 0.5},
                epochs=350, batch_size=32,
            ),
        ),
    }  # fmt: skip
    departures = (
        "The number of epochs is fixed or chosen by validation rows; the paper chooses it on the "
        "rows that it reports.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        hidden: int = 32,
        layers: int = 4,
        dropout: float = 0.5,
        learned_epsilon: bool = False,
        readout: str = "sum",
        pairs: bool = False,
    ):
        super().__init__()
        check_graph_options("gin", hidden, layers, dropout, readout)
        self.dropout, self.readout = dropout, readout
        features, make = torch.Size(input_shape).numel(), convolutions().GINConv
        widths = [features, *[hidden] * layers]
        self.convolutions = nn.ModuleList(
            make(_small_network(before, hidden), train_eps=learned_epsilon)
            for before in widths[:-1]
        )
        self.heads = nn.ModuleList(
            nn.Linear(width, hidden if pairs else output_size) for width in widths
        )

    def forward(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        """Nodes, whole graphs or pairs -> (rows, output_size); see ``layers.graphs.Graphs``."""
        graphs = read_graphs(inputs)
        read = [self._read(nodes, graphs) for nodes in self._steps(graphs)]
        maps = zip(self.heads, read, strict=True)
        total = sum(F.dropout(head(rows), self.dropout, self.training) for head, rows in maps)
        assert isinstance(total, Tensor)
        return total if graphs.pairs is None else scores_of_pairs(total, graphs.pairs)

    def embed(self, inputs: Tensor | dict[str, Tensor]) -> Tensor:
        """What the last layer knows of every node, (nodes, hidden)."""
        return self._steps(read_graphs(inputs))[-1]

    def _read(self, nodes: Tensor, graphs: Graphs) -> Tensor:
        """The rows that are asked for, of graphs their readout; for pairs, all nodes."""
        if graphs.graph is not None:
            return pooled(nodes, graphs, self.readout)
        whole = graphs.rows is None or graphs.pairs is not None
        return nodes if whole else nodes.index_select(0, graphs.rows)  # type: ignore[arg-type]

    def _steps(self, graphs: Graphs) -> list[Tensor]:
        """The features and what each layer gives, (nodes, units)."""
        now = graphs.features
        found = [now if now.layout == torch.strided else now.to_dense()]
        for convolution in self.convolutions:
            found.append(convolution(found[-1], graphs.edges))
        return found


def _small_network(before: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(before, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
    )
