"""The Hopfield network: an associative memory that finds a stored pattern from a part of it."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Recipe, Stage
from layerwise.errors import DataError, SettingsError, nearest

RULES = ("hebb", "pseudo_inverse")
SWEEPS = 100  # more than any recall was seen to need


class Hopfield(nn.Module):
    """Associative memory: stored patterns are minima of an energy, and recall goes downhill.

    Source: Hopfield 1982, "Neural networks and physical systems with emergent collective
    computational abilities", PNAS 79. E = -1/2 x W x, W symmetric without a diagonal; a unit
    takes the sign of its field W x, one unit after the other. Learns with the task hebb. Hebb's
    rule stores about 0.138 patterns per unit (Amit, Gutfreund and Sompolinsky 1985), the pseudo-
    inverse as many as there are units if they are independent (Personnaz, Guyon and Dreyfus 1985).

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one pattern of -1 and +1; it is flattened, one unit for each number.
    output_size : int
        Not used: the network predicts nothing.
    rule : str
        What ``solve`` stores by. hebb: W = 1/N sum x x'. pseudo_inverse: W projects onto the
        patterns, for patterns that resemble each other. Descent on the task hebb is Hebb's rule.

    Raises
    ------
    SettingsError
        There is one unit only, or no such rule.
    """

    task = "hebb"
    inputs_as = "signs"
    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(task, "closed_form", batch_size="all"),),
        "historic": (Stage(task, "sgd", {}, 2.0, epochs=1, batch_size=1),),
    }
    departures = ("Units are -1 and +1, not 0 and 1, and every threshold is zero.",)

    def __init__(self, input_shape: tuple[int, ...], output_size: int = 0, *, rule: str = "hebb"):
        super().__init__()
        if rule not in RULES:
            raise SettingsError(f"There is no rule '{rule}' in hopfield.{nearest(rule, RULES)}")
        self.rule = rule
        self.units = torch.Size(input_shape).numel()
        if self.units < 2:
            raise SettingsError(
                f"The network hopfield must have at least 2 units, got {self.units}. "
                "Give patterns of two or more numbers."
            )
        self.weight = nn.Parameter(torch.zeros(self.units, self.units))

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, *input_shape) -> the same shape, what is recalled from each row."""
        return self.recall(inputs)

    def energy(self, states: Tensor) -> Tensor:
        """Energy of each state; recall never raises it.

        states : (rows, *input_shape), values -1 or +1
        returns : (rows,), no unit
        Raises DataError for other values.
        """
        flat = self._signs(states)
        return -0.5 * ((flat @ self.symmetric_weights()) * flat).sum(dim=1)

    @torch.no_grad()
    def recall(self, states: Tensor, *, sweeps: int = SWEEPS) -> Tensor:
        """Give the stable state that each row falls into: units decide one after the other.

        states : (rows, *input_shape), values -1 or +1; they are not changed
        sweeps : times at most that all units are asked, each time in another random order; it
            ends before, when none changes
        returns : the same shape
        Raises DataError for other values.
        """
        found, weights = self._signs(states).clone(), self.symmetric_weights()
        for _ in range(sweeps):
            before = found.clone()
            for unit in torch.randperm(self.units).tolist():
                decide(found, weights, unit)
            if torch.equal(found, before):
                break
        return found.reshape(states.shape)

    def recall_steps(
        self, states: Tensor, *, sweeps: int = SWEEPS
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the states and their energies at the start, and whenever a unit has changed.

        It is ``recall`` step by step: with the same generator it ends in the same states.
        yields : (rows, *input_shape) and (rows,)
        """
        found, weights = self._signs(states).clone(), self.symmetric_weights().detach()
        yield found.reshape(states.shape).clone(), self.energy(found).detach()
        for _ in range(sweeps):
            settled = True
            for unit in torch.randperm(self.units).tolist():
                if decide(found, weights, unit):
                    settled = False
                    yield found.reshape(states.shape).clone(), self.energy(found).detach()
            if settled:
                return

    @torch.no_grad()
    def solve(self, batches: Iterable[Batch]) -> None:
        """Store all rows at once, by the rule of the network.

        The pseudo-inverse holds all patterns; what it adds to a unit's own weight is left out, so
        that the energy falls. A row counts as often as its weight says (hebb), or once.

        Raises
        ------
        DataError
            A pattern has other values than -1 and +1.
        """
        if self.rule == "hebb":
            self.weight.zero_()
            for batch in batches:
                self.weight += self._products(batch) / self.units
        else:
            patterns = torch.cat([self._patterns(batch) for batch in batches]).double()
            self.weight.copy_(torch.linalg.pinv(patterns) @ patterns)
        self.weight.fill_diagonal_(0)

    def symmetric_weights(self) -> Tensor:
        """Weights as the units use them: the symmetric part without the diagonal, (units, units).

        Only this part is in the energy; without it asynchronous recall could go round in circles.
        """
        half = self.weight - torch.diag(self.weight.diagonal())
        return 0.5 * (half + half.T)

    def _products(self, batch: Batch) -> Tensor:
        """Sum of x x' over the rows of a batch, (units, units)."""
        patterns = self._patterns(batch)
        weighted = patterns if batch.weight is None else patterns * batch.weight.unsqueeze(1)
        return patterns.T @ weighted

    def _patterns(self, batch: Batch) -> Tensor:
        assert isinstance(batch.inputs, Tensor)
        return self._signs(batch.inputs)

    def _signs(self, states: Tensor) -> Tensor:
        """The states as (rows, units), in the number type of the weights."""
        flat = states.flatten(1).to(self.weight.dtype)
        other = flat[flat.abs() != 1]
        if len(other):
            raise DataError(
                f"A pattern of a Hopfield network must hold -1 and +1 only, got {float(other[0]):g}"
                ". Cut the values at a threshold, and leave out columns that have one value only."
            )
        return flat


def decide(states: Tensor, weights: Tensor, unit: int) -> bool:
    """Let one unit take the sign of its field, in place; at a field of zero it stays.

    Hopfield 1982, equation 1. The energy changes by -(new - old) field, so it cannot rise.

    states : (rows, units)
    weights : (units, units), symmetric
    returns : whether the unit changed in any row
    """
    field, before = states @ weights[unit], states[:, unit].clone()
    states[:, unit] = torch.where(field == 0, before, field.sign())
    return not torch.equal(states[:, unit], before)
