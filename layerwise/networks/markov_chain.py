"""The Markov chain: where next depends on where now, and on nothing before."""

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Recipe, Stage
from layerwise.errors import DataError, SettingsError


class MarkovChain(nn.Module):
    """Chances of the first state and of the step from each state to the next, by counting.

    Source: Markov 1906, "Extension of the law of large numbers to dependent quantities"; Markov
    1913 counted letters of "Eugene Onegin". The chance of a sequence is p(s_1) times the product
    of P(s_t | s_t-1); the shares of the counts make the data most likely. Inputs are whole
    sequences of state numbers. There is nothing to descend: only ``solve`` learns.

    Parameters
    ----------
    input_shape : tuple of int
        (length,) of the sequences to be seen and sampled.
    output_size : int
        Not used: the network predicts nothing.
    states : int
        Number of states; they are numbered from 0.
    smoothing : float
        This many imagined steps are added to each count, so that nothing is impossible; 0: none,
        and a state that was never left goes everywhere with the same chance.

    Raises
    ------
    SettingsError
        An option or shape that cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(None, "closed_form", batch_size="all"),),
        "historic": (Stage(None, "closed_form", batch_size="all"),),
    }
    historic_options: ClassVar[dict[str, float]] = {"smoothing": 0.0}
    task = "counting"
    inputs_as = "states"
    departures = ("Markov counted by hand and looked at two kinds of letters.",)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        states: int = 2,
        smoothing: float = 1.0,
    ):
        super().__init__()
        _check(tuple(input_shape), states, smoothing)
        (self.length,) = input_shape
        self.states, self.smoothing = states, smoothing
        self.first = nn.Parameter(torch.full((states,), 1 / states))
        self.transitions = nn.Parameter(torch.full((states, states), 1 / states))

    def forward(self, inputs: Tensor) -> Tensor:
        """Chances of the state that follows each state of a sequence.

        inputs : (rows, length), state numbers
        returns : (rows, length, states)
        """
        return self.transitions[self._codes(inputs)]

    def log_likelihood(self, inputs: Tensor) -> Tensor:
        """Log of the chance of each sequence, in nats; -inf where it is impossible.

        inputs : (rows, length), state numbers
        returns : (rows,)
        """
        codes = self._codes(inputs)
        steps = self.transitions[codes[:, :-1], codes[:, 1:]]
        return self.first[codes[:, 0]].log() + steps.log().sum(dim=1)

    @torch.no_grad()
    def solve(self, batches: Iterable[Batch]) -> None:
        """Set all chances to the smoothed shares of the counts; a row counts by its weight.

        Raises
        ------
        DataError
            A number is no state.
        """
        size = self.states
        starts = self.first.new_full((size,), self.smoothing, dtype=torch.float64)
        steps = starts.new_full((size * size,), self.smoothing)
        for batch in batches:
            assert isinstance(batch.inputs, Tensor)
            codes = self._codes(batch.inputs)
            weight = codes.new_ones(len(codes)) if batch.weight is None else batch.weight
            weight = weight.to(starts)
            pairs = size * codes[:, :-1] + codes[:, 1:]
            starts.index_add_(0, codes[:, 0], weight)
            steps.index_add_(0, pairs.flatten(), weight.repeat_interleave(pairs.shape[1]))
        self.first.copy_(shares(starts))
        self.transitions.copy_(shares(steps.reshape(size, size)))

    @torch.no_grad()
    def stationary(self) -> Tensor:
        """Chances of the states in the long run, (states,): p = p P, the left eigenvector of 1.

        Raises
        ------
        SettingsError
            There are several, because the chain can be caught in separate parts.
        """
        gaps = self.transitions.double().T - torch.eye(self.states).to(self.transitions).double()
        _, sizes, directions = torch.linalg.svd(gaps)
        if int((sizes < 1e-6).sum()) > 1:  # float32 chances sum to 1 within 1e-7
            raise SettingsError(
                "This chain has no single stationary distribution: it falls into parts that it "
                "cannot leave. Learn with a smoothing above 0."
            )
        chances = directions[-1].abs()
        return (chances / chances.sum()).to(self.transitions.dtype)

    @torch.no_grad()
    def sample(self, rows: int) -> Tensor:
        """Draw sequences from torch's generator, (rows, length), state numbers as int64."""
        drawn = [torch.multinomial(self.first, rows, replacement=True)]
        for _ in range(self.length - 1):
            drawn.append(torch.multinomial(self.transitions[drawn[-1]], 1)[:, 0])
        return torch.stack(drawn, dim=1)

    def _codes(self, inputs: Tensor) -> Tensor:
        """The state numbers as int64; they may come as real numbers."""
        codes = inputs.long()
        wrong = inputs[(codes != inputs) | (codes < 0) | (codes >= self.states)]
        if len(wrong):
            raise DataError(
                f"States of this Markov chain must be whole numbers from 0 to {self.states - 1}, "
                f"got {float(wrong[0]):g}. Number them, or give more with --network.states."
            )
        return codes


def shares(counts: Tensor) -> Tensor:
    """Counts over their sum along the last axis; equal shares where nothing was counted."""
    total = counts.sum(dim=-1, keepdim=True)
    equal = torch.full_like(counts, 1 / counts.shape[-1])
    return torch.where(total > 0, counts / total, equal)


def _check(input_shape: tuple[int, ...], states: int, smoothing: float) -> None:
    """Refuse options and shapes that cannot be."""
    if len(input_shape) != 1:
        raise SettingsError(
            f"The network markov_chain takes sequences of one length, (rows, length), got "
            f"examples of shape {input_shape}. Flatten them."
        )
    if states < 2:
        raise SettingsError(f"Option states of markov_chain must be 2 or more, got {states}.")
    if smoothing < 0:
        raise SettingsError(f"Option smoothing of markov_chain must be 0 or more, got {smoothing}.")
