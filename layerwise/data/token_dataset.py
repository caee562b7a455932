"""Rows of tokens: kept one after the other, padded batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from layerwise.contracts import Batch
from layerwise.data.datasets import TensorDataset
from layerwise.data.tokens import PADDING

LEAST_FILLED = 0.4  # of the places of a matrix, from which on padding costs less than its saving
MOST_PLACES = 2**25  # of such a matrix


class TokenDataset:
    """Ragged rows of tokens; each batch is padded on the right to its own longest row.

    A language model's row is its tokens as targets, and as inputs the token before each.

    Parameters
    ----------
    tokens : Tensor
        (all tokens,) int32, row after row.
    lengths : Tensor
        (rows,) int64, tokens of each row, at least 1.
    first : Tensor or None
        (rows,) int64, the token before each row, of a language model; None: inputs are the tokens.
    targets : Tensor or None
        One per row, where a row has a label.
    weight : Tensor or None
        (rows,); of a language model, the characters of each row.
    """

    def __init__(
        self,
        tokens: Tensor,
        lengths: Tensor,
        first: Tensor | None = None,
        targets: Tensor | None = None,
        weight: Tensor | None = None,
    ):
        assert first is None or targets is None, "a row of a language model has no label"
        self.tokens, self.lengths, self.first = tokens, lengths, first
        self.targets, self.weight = targets, weight
        self.starts = lengths.cumsum(0) - lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def batch(self, indices: Tensor | slice) -> Batch:
        """The rows ``indices``, padded to the longest of them."""
        if isinstance(indices, slice):
            rows = torch.arange(len(self))[indices]
        else:
            rows = indices.to(self.lengths.device)
        lengths = self.lengths[rows]
        padded = self._padded(rows, lengths, int(lengths.max()) if len(lengths) else 0)
        weight = None if self.weight is None else self.weight[rows]
        if self.first is None:
            targets = None if self.targets is None else self.targets[rows]
            return Batch(padded, targets, weight, keys=rows)
        shifted = torch.cat([self.first[rows].unsqueeze(1), padded[:, :-1]], dim=1)
        inputs = shifted.masked_fill(padded == PADDING, PADDING)
        return Batch(inputs, padded, weight, keys=rows)

    def to(self, device: torch.device | str) -> TokenDataset:
        """The dataset with its tensors on ``device``."""
        held = (self.tokens, self.lengths, self.first, self.targets, self.weight)
        return TokenDataset(*(None if one is None else one.to(device) for one in held))  # type: ignore[arg-type]

    def _padded(self, rows: Tensor, lengths: Tensor, longest: int) -> Tensor:
        """Tokens of the rows (rows, longest) int64, 0 behind their ends."""
        places = torch.arange(longest, device=lengths.device)
        inside = places < lengths.unsqueeze(1)
        where = (self.starts[rows].unsqueeze(1) + places) * inside  # outside: any that is there
        return self.tokens[where].long() * inside


def token_dataset(
    rows: Sequence[np.ndarray],
    *,
    first: np.ndarray | None = None,
    targets: Tensor | None = None,
    weight: np.ndarray | None = None,
) -> TokenDataset | TensorDataset:
    """Rows of tokens as a dataset: one matrix where padding is cheap, else ragged.

    In a matrix every batch has one shape, so that the engine's traced step pays.

    rows : int32 arrays, each of at least one token
    first, targets, weight : see ``TokenDataset``
    """
    lengths = torch.tensor([len(row) for row in rows], dtype=torch.int64)
    flat = np.concatenate(rows) if len(rows) else np.zeros(0, np.int32)
    ragged = TokenDataset(
        torch.from_numpy(flat.astype(np.int32, copy=False)),
        lengths,
        None if first is None else torch.from_numpy(first.astype(np.int64)),
        targets,
        None if weight is None else torch.from_numpy(weight.astype(np.float32)),
    )
    places = len(rows) * int(lengths.max()) if len(rows) else 0
    if not places or len(flat) < LEAST_FILLED * places or places > MOST_PLACES:
        return ragged
    whole = ragged.batch(slice(None))
    assert isinstance(whole.inputs, Tensor)
    return TensorDataset(whole.inputs, whole.targets, whole.weight)
