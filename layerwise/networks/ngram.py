"""The n-gram: what comes next depends on the last few tokens, by counting."""

from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.ngram_counts import NOTHING, chances, count_ngrams, merge_counts, most_order


class NGram(nn.Module):
    """Markov chain of any order over tokens: chances of the next one, from counted n-grams.

    Source: Shannon 1948, "A mathematical theory of communication", section 3, draws English so;
    smoothed after Witten and Bell 1991, method C, see ``layers.ngram_counts.chances``. There is
    nothing to descend: only ``solve`` learns.

    Parameters
    ----------
    input_shape : tuple of int
        (length,) of the sequences.
    output_size : int
        Number of tokens, if ``vocabulary`` does not say it.
    order : int
        Tokens in the longest n-gram: 1 knows no context, 2 is a bigram.
    slots : int
        Places for different n-grams, all lengths together; what is not used is empty.
    vocabulary : int
        Number of different tokens; 0: as many as there are outputs.

    Raises
    ------
    SettingsError
        An option or shape that cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(None, "closed_form", batch_size=4096),),
        "historic": (Stage(None, "closed_form", batch_size=4096),),
    }
    historic_options: ClassVar[dict[str, int]] = {"order": 3}
    task = "next_token"
    inputs_as = "states"
    departures = ("Shannon took the shares of the counts without smoothing, from printed tables.",)

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        order: int = 5,
        slots: int = 2**19,
        vocabulary: int = 0,
    ):
        super().__init__()
        self.vocabulary = vocabulary or output_size or 2
        self.order, self.slots = order, slots
        _check(tuple(input_shape), self.vocabulary, order, slots)
        self.keys: Tensor
        self.register_buffer("keys", torch.full((slots,), NOTHING))
        self.counts = nn.Parameter(torch.zeros(slots))

    def forward(self, inputs: Tensor) -> Tensor:
        """Log of the chances of the token that follows each sequence, (rows, vocabulary).

        inputs : (rows, length) token numbers, 0 behind the end of each
        """
        last = (inputs != 0).sum(dim=1).clamp(min=1) - 1
        return self.per_token(inputs)[torch.arange(len(inputs)), last]

    def per_token(self, inputs: Tensor) -> Tensor:
        """Log of the chances of the next token at every place, from the tokens up to it.

        inputs : (rows, length) token numbers
        returns : (rows, length, vocabulary), in nats
        """
        used = int(torch.searchsorted(self.keys, NOTHING))
        keys, counts = self.keys[:used], self.counts.detach()[:used]
        found = chances(keys, counts, self._codes(inputs), self.order, self.vocabulary)
        return found.log().to(counts.dtype)

    @torch.no_grad()
    def solve(self, batches: Iterable[Batch]) -> None:
        """Count the n-grams of all batches; every token counts once, whatever its row weighs.

        Raises
        ------
        SettingsError
            There are more different n-grams than slots.
        """
        nothing = torch.zeros(0, dtype=torch.int64, device=self.keys.device)
        table = nothing, nothing
        for batch in batches:
            assert isinstance(batch.inputs, Tensor)
            assert batch.targets is not None
            inputs, targets = self._codes(batch.inputs), self._codes(batch.targets)
            table = merge_counts(table, count_ngrams(inputs, targets, self.order, self.vocabulary))
        keys, counts = table
        if len(keys) > self.slots:
            raise SettingsError(
                f"The text has {len(keys):,} different n-grams of up to {self.order} tokens, but "
                f"there are {self.slots:,} slots. Give --network.slots {len(keys)} or more, or a "
                "smaller --network.order."
            )
        self.keys.fill_(NOTHING)
        self.counts.zero_()
        self.keys[: len(keys)] = keys
        self.counts[: len(keys)] = counts.to(self.counts.dtype)

    def _codes(self, inputs: Tensor) -> Tensor:
        """The token numbers as int64; they may come as real numbers."""
        codes = inputs.long()
        if len(codes) and (int(codes.min()) < 0 or int(codes.max()) >= self.vocabulary):
            raise SettingsError(
                f"Tokens of this ngram must be from 0 to {self.vocabulary - 1}, got "
                f"{int(codes.min())} to {int(codes.max())}. Give data with this vocabulary."
            )
        return codes


def _check(input_shape: tuple[int, ...], vocabulary: int, order: int, slots: int) -> None:
    """Refuse options and shapes that cannot be."""
    if len(input_shape) != 1:
        raise SettingsError(
            f"The network ngram takes sequences of tokens, (rows, length), got examples of shape "
            f"{input_shape}. Give text."
        )
    most = most_order(vocabulary)
    if not 1 <= order <= most:
        raise SettingsError(
            f"Option order of ngram must be from 1 to {most} for a vocabulary of {vocabulary}, got "
            f"{order}."
        )
    if slots < 1:
        raise SettingsError(f"Option slots of ngram must be 1 or more, got {slots}.")
