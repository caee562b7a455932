"""Radial basis functions: bumps around centres, joined by one linear layer."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Recipe, Stage
from layerwise.errors import SettingsError


class RBF(nn.Module):
    """Gaussian bumps around centres, then one linear layer.

    Source: Broomhead and Lowe 1988, "Multivariable functional interpolation and adaptive
    networks", Complex Systems 2. h_j = exp(-|x - c_j|^2 / (2 s_j^2)), y = W h + b. Centres by
    k-means and widths by the nearest centres after Moody and Darken 1989, "Fast learning in
    networks of locally-tuned processing units". ``solve`` sets all three; descent moves them on.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example; it is flattened.
    output_size : int
        Number of targets, or of classes (1 for two classes).
    centres : int
        Number of bumps.
    neighbours : int
        A bump's width is the mean distance of its centre to this many nearest others.
    ridge : float
        Penalty of ``solve``: this times the sum of squared output weights is added to the mean
        squared error.

    Raises
    ------
    SettingsError
        An option that cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(None, "closed_form", batch_size="all"),
            Stage(None, "adamw", {"weight_decay": 0.0}, 0.03, "cosine", epochs=60, batch_size=32),
        ),
        "historic": (Stage(None, "closed_form", batch_size="all"),),
    }
    solves = ("binary", "classes")  # by least squares on -1 and +1
    departures = (
        "The centres are those of k-means, not points of a grid or of the examples.",
        "Each bump has a width of its own, by its nearest centres.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        centres: int = 32,
        neighbours: int = 2,
        ridge: float = 1e-6,
    ):
        super().__init__()
        _check(centres, neighbours, ridge)
        self.neighbours, self.ridge = neighbours, ridge
        features = torch.Size(input_shape).numel()
        self.centres = nn.Parameter(torch.randn(centres, features))
        self.log_widths = nn.Parameter(torch.full((centres,), 0.5 * float(np.log(features))))
        self.last = nn.Linear(centres, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, *input_shape) -> (rows, output_size), numbers or unnormalized log chances."""
        return self.last(self.bumps(inputs))

    def bumps(self, inputs: Tensor) -> Tensor:
        """Height of each bump at each row, from 0 to 1.

        inputs : (rows, *input_shape)
        returns : (rows, centres)
        """
        squares = squared_distances(inputs.flatten(1), self.centres)
        return torch.exp(-0.5 * squares * torch.exp(-2 * self.log_widths))

    @torch.no_grad()
    def solve(self, batches: Iterable[Batch]) -> None:
        """Place the bumps on the rows, then set the output weights by least squares.

        Numbers are fitted as they are; classes as +1 for the true one and -1 for the others, from
        which descent can go on. All rows are held at once. Chance is that of torch's generator.

        Raises
        ------
        SettingsError
            There are no targets, or fewer different rows than centres.
        """
        rows = [(_flat(batch), self._truth(batch), _weight(batch)) for batch in batches]
        inputs, targets, weight = (torch.cat(column) for column in zip(*rows, strict=True))
        self.centres.copy_(k_means(inputs, len(self.centres)))
        self.log_widths.copy_(nearest_distances(self.centres, self.neighbours).log())
        ones = inputs.new_ones((len(inputs), 1), dtype=torch.float64)
        design = torch.cat([self._bumps_as_float64(inputs), ones], dim=1)
        solution = weighted_ridge(design, targets.double(), weight.double(), self.ridge)
        self.last.weight.copy_(solution[:-1].T)
        self.last.bias.copy_(solution[-1])

    def _bumps_as_float64(self, inputs: Tensor) -> Tensor:
        """``bumps`` in float64: neighbouring bumps are so alike that float32 is too coarse."""
        squares = squared_distances(inputs.double(), self.centres.double())
        return torch.exp(-0.5 * squares * torch.exp(-2 * self.log_widths.double()))

    def _truth(self, batch: Batch) -> Tensor:
        """The targets as (rows, outputs): numbers, or +1 and -1 for classes."""
        targets, outputs = batch.targets, self.last.out_features
        if targets is None:
            raise SettingsError(
                "The network rbf fits its output weights to a target. Name one with --target."
            )
        if targets.is_floating_point() and targets.dim() == 2 and targets.shape[1] == outputs:
            return targets
        if outputs == 1:
            codes = targets.reshape(-1, 1) > 0
        else:
            codes = targets.reshape(-1, 1).long() == torch.arange(outputs, device=targets.device)
        return 2.0 * codes.to(self.centres.dtype) - 1


def squared_distances(inputs: Tensor, centres: Tensor) -> Tensor:
    """|x - c|^2 for each row and centre, through one product of matrices.

    inputs : (rows, features)
    centres : (centres, features)
    returns : (rows, centres), never below 0
    """
    products = inputs @ centres.T
    lengths = inputs.square().sum(dim=1, keepdim=True) + centres.square().sum(dim=1)
    return (lengths - 2 * products).clamp(min=0)


def k_means(inputs: Tensor, count: int) -> Tensor:
    """Centres (count, features) of the rows (rows, features), by k-means from k-means++.

    Raises SettingsError where there are fewer different rows.
    """
    from sklearn.cluster import KMeans  # slow to import

    different = torch.unique(inputs, dim=0)
    if count > len(different):
        raise SettingsError(
            f"Option centres of rbf must be at most the number of different training rows, "
            f"{len(different)}, got {count}. Give fewer with --network.centres."
        )
    if count == len(different):
        return different
    seed = int(torch.randint(2**31 - 1, ()))
    found = KMeans(count, random_state=seed).fit(inputs.double().cpu().numpy())
    return torch.from_numpy(found.cluster_centers_).to(inputs)


def nearest_distances(centres: Tensor, neighbours: int) -> Tensor:
    """Mean distance of each centre to its nearest others, (centres,); 1 for one alone."""
    if len(centres) == 1:
        return centres.new_ones(1)
    distances = torch.cdist(centres.double(), centres.double())
    distances.fill_diagonal_(torch.inf)
    count = min(neighbours, len(centres) - 1)
    return distances.topk(count, largest=False).values.mean(dim=1).clamp(min=1e-6).to(centres)


def weighted_ridge(design: Tensor, targets: Tensor, weight: Tensor, ridge: float) -> Tensor:
    """Coefficients that minimize the weighted mean squared error plus ridge times their squares.

    The last column's is free of the penalty. It is solved as least squares over the rows and, for
    the penalty, one more row per column, which loses less than the normal equations.

    design : (rows, columns); targets : (rows, outputs); weight : (rows,), not negative
    returns : (columns, outputs)
    """
    if (weight < 0).any():
        raise SettingsError(
            "The closed form of rbf must have row weights of 0 or more, got one below 0. "
            "Leave --weight out."
        )
    roots = weight.sqrt().unsqueeze(1)
    columns = design.shape[1]
    penalty = (ridge * weight.sum()).sqrt() * torch.eye(columns - 1, columns).to(design)
    left = torch.cat([roots * design, penalty]).cpu()
    right = torch.cat([roots * targets, targets.new_zeros((columns - 1, targets.shape[1]))]).cpu()
    return torch.linalg.lstsq(left, right, driver="gelsd").solution.to(design.device)


def _flat(batch: Batch) -> Tensor:
    assert isinstance(batch.inputs, Tensor)
    return batch.inputs.flatten(1)


def _weight(batch: Batch) -> Tensor:
    rows = _flat(batch)
    return rows.new_ones(len(rows)) if batch.weight is None else batch.weight


def _check(centres: int, neighbours: int, ridge: float) -> None:
    """Refuse options that cannot be."""
    for name, value in (("centres", centres), ("neighbours", neighbours)):
        if value < 1:
            raise SettingsError(f"Option {name} of rbf must be 1 or more, got {value}.")
    if ridge < 0:
        raise SettingsError(f"Option ridge of rbf must be 0 or more, got {ridge}.")
