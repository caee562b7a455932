"""Kohonen's rule: the best unit and its neighbours on the grid move towards the row."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.layers.losses import row_mean


class Kohonen:
    """Kohonen's rule as descent: at batch 1 and rate r prototype j moves by r h_j (x - w_j).

    Source: Kohonen 1982; the Gaussian neighbourhood after Kohonen 1990, "The self-organizing
    map", Proceedings of the IEEE 78. Loss: half the sum over the units of
    h_j |x - w_j|^2, with h_j = exp(-d_j^2 / (2 radius^2)), d_j the distance on the grid to the
    best unit, which is held fixed. The radius shrinks over the stage from ``radius`` to
    ``last_radius`` by equal factors; the rate is the schedule's.

    Parameters
    ----------
    target : Target
        Of any kind; it is not looked at.
    radius : float
        Of the neighbourhood at the start, in steps on the grid; 0: half the grid's longer side.
    last_radius : float
        At the end, above 0. At 0.3 a unit moves its next neighbours by less than a hundredth.

    Raises
    ------
    SettingsError
        A radius that cannot be, or a network without a grid of prototypes.
    """

    kinds = ("none",)
    output_size = 0
    metrics = ("mean_error",)
    judged_by = "Mean error: the distance between a row and the prototype of its best unit."
    baselines = ()

    def __init__(self, target: Target, *, radius: float = 0.0, last_radius: float = 0.5):
        if radius < 0 or last_radius <= 0:
            raise SettingsError(
                "Option radius of kohonen must be 0 or more and last_radius above 0, got "
                f"{radius} and {last_radius}."
            )
        self.radius, self.last_radius = radius, last_radius

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss; its gradient at a row is minus Kohonen's change."""
        squares = _map(network).squared_distances(batch.inputs)
        near = self.neighbourhood(network, squares.detach().argmin(dim=1), batch.done)
        yield Loss(*row_mean(0.5 * (near * squares).sum(dim=1), batch.weight))

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Quantization error: distance of each row to its nearest prototype, (rows, 1)."""
        squares = _map(network).squared_distances(batch.inputs)
        return squares.amin(dim=1, keepdim=True).sqrt()

    def neighbourhood(self, network: Any, best: Tensor, done: Tensor | float) -> Tensor:
        """How much each unit moves with the best one, from 0 to 1.

        best : (rows,), numbers of units
        done : how much of the stage is over, 0 to 1
        returns : (rows, units)
        """
        steps = (network.grid[best].unsqueeze(1) - network.grid).square().sum(dim=2)
        return torch.exp(-0.5 * steps / self.radius_at(network, done).to(steps) ** 2)

    def radius_at(self, network: Any, done: Tensor | float) -> Tensor:
        """Radius of the neighbourhood when ``done`` of the stage is over, a scalar."""
        first = self.radius or max(0.5 * max(network.sides), self.last_radius)
        return first * (self.last_radius / first) ** torch.as_tensor(done)


def _map(network: Any) -> Any:
    """The network, if it has prototypes on a grid."""
    if not (hasattr(network, "squared_distances") and hasattr(network, "grid")):
        raise SettingsError(
            "The task kohonen needs a network with prototypes on a grid, which "
            f"{type(network).__name__} does not have. Choose --network self_organizing_map."
        )
    return network
