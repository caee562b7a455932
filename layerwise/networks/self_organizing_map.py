"""Kohonen's self-organizing map: prototypes on a grid, neighbours alike."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError


class SelfOrganizingMap(nn.Module):
    """Prototypes on a grid; what is alike in the data comes to lie together on it.

    Source: Kohonen 1982, "Self-organized formation of topologically correct feature maps",
    Biological Cybernetics 43. The unit whose prototype is nearest wins, and it and its neighbours
    on the grid move towards the row. Learns with the task kohonen.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example; it is flattened.
    output_size : int
        Not used: the network predicts nothing.
    rows : int
        Rows of the grid.
    columns : int
        Columns of the grid.

    Raises
    ------
    SettingsError
        The grid has fewer than two units.
    """

    task = "kohonen"
    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(task, "sgd", {}, 1.0, epochs=20, batch_size=16),),  # never overshoots
        "historic": (Stage(task, "sgd", {}, 0.5, "cosine", {"final": 0.02}, 20, 1),),
    }
    departures = (
        "The neighbourhood is a Gaussian bump, not a block of units with one rate.",
        "The grid has edges, and its rate and radius shrink by fixed curves.",
    )
    grid: Tensor

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        rows: int = 8,
        columns: int = 8,
    ):
        super().__init__()
        if rows < 1 or columns < 1 or rows * columns < 2:
            raise SettingsError(
                "Options rows and columns of self_organizing_map must be 1 or more and give at "
                f"least 2 units, got {rows} and {columns}."
            )
        self.input_shape, self.sides = tuple(input_shape), (rows, columns)
        features = torch.Size(input_shape).numel()
        self.prototypes = nn.Parameter(0.1 * torch.randn(rows * columns, features))
        places = torch.cartesian_prod(torch.arange(rows), torch.arange(columns))
        self.register_buffer("grid", places.to(self.prototypes.dtype), persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, *input_shape) -> the same shape, the prototype that is nearest to each row."""
        return self.decode(self.encode(inputs))

    def encode(self, inputs: Tensor) -> Tensor:
        """Place of the best unit of each row on the grid.

        inputs : (rows, *input_shape)
        returns : (rows, 2), row and column, from 0
        """
        return self.grid[self.best(inputs)]

    def decode(self, codes: Tensor) -> Tensor:
        """Prototype of the unit that is nearest to each place on the grid.

        codes : (rows, 2), row and column
        returns : (rows, *input_shape)
        """
        units = torch.cdist(codes.to(self.grid.dtype), self.grid).argmin(dim=1)
        return self.prototypes[units].reshape(-1, *self.input_shape)

    def best(self, inputs: Tensor) -> Tensor:
        """Number of the unit with the nearest prototype, (rows,); the first of equals."""
        return self.squared_distances(inputs).argmin(dim=1)

    def squared_distances(self, inputs: Tensor) -> Tensor:
        """|x - w|^2 of each row to each prototype, (rows, units)."""
        flat = inputs.flatten(1)
        lengths = flat.square().sum(dim=1, keepdim=True) + self.prototypes.square().sum(dim=1)
        return (lengths - 2 * flat @ self.prototypes.T).clamp(min=0)


@torch.no_grad()
def topographic_error(network: SelfOrganizingMap, inputs: Tensor) -> float:
    """Share of the rows whose two best units are not neighbours on the grid, also not across.

    Source: Kiviluoto 1996, "Topology preservation in self-organizing maps". 0: the map is smooth.

    inputs : (rows, *input_shape)
    """
    best = network.squared_distances(inputs).topk(2, largest=False).indices
    steps = (network.grid[best[:, 0]] - network.grid[best[:, 1]]).abs().amax(dim=1)
    return float((steps > 1).double().mean())
