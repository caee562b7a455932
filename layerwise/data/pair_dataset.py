"""Batches of pairs: numbers of tokens, padded to the longest row of each batch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from layerwise.contracts import Batch
from layerwise.data.tokens import END, PADDING, START


class PairDataset:
    """Pairs as numbers of tokens, padded on the right to the longest of each batch.

    inputs are {"source": (rows, S), "target": (rows, T)} int64, the target behind a start;
    targets (rows, T) int64 is what comes next at each place, 0 where nothing is counted.

    Parameters
    ----------
    source, target : list of array
        Numbers of tokens per row, without start and end; target may be None.
    most : tuple of int
        Most tokens of each side; what is longer is cut.
    weight : array
        (rows,) or None.
    """

    def __init__(
        self,
        source: list[np.ndarray],
        target: list[np.ndarray] | None,
        most: tuple[int, ...],
        weight: np.ndarray | None = None,
    ):
        self.rows = len(source)
        ends = np.array([END], dtype=np.int32)
        self._source = _Ragged([np.append(codes, ends)[: most[0]] for codes in source])
        self._target = (
            None
            if target is None
            else _Ragged([np.append(codes, ends)[: most[1]] for codes in target])
        )
        self._weight = None if weight is None else torch.from_numpy(weight.astype(np.float32))

    def __len__(self) -> int:
        return self.rows

    def batch(self, indices: Tensor | slice) -> Batch:
        """The pairs with these row numbers."""
        if isinstance(indices, slice):
            indices = torch.arange(self.rows)[indices]
        start = torch.full((len(indices), 1), START)
        targets = None if self._target is None else self._target.padded(indices)
        shifted = start if targets is None else _behind(start, targets)
        return Batch(
            inputs={"source": self._source.padded(indices), "target": shifted},
            targets=targets,
            weight=None if self._weight is None else self._weight[indices],
            keys=indices,
        )


class _Ragged:
    """Rows of unequal length in one tensor."""

    def __init__(self, rows: list[np.ndarray]):
        lengths = torch.tensor([len(row) for row in rows], dtype=torch.int64)
        self.lengths, self.starts = lengths, lengths.cumsum(0) - lengths
        flat = np.concatenate(rows) if rows else np.zeros(0, dtype=np.int32)
        self.flat = torch.from_numpy(flat.astype(np.int64))

    def padded(self, indices: Tensor) -> Tensor:
        """(rows, longest of them) int64, 0 behind the end of each."""
        lengths = self.lengths[indices]
        places = torch.arange(int(lengths.max()) if len(lengths) else 0)
        inside = places < lengths.unsqueeze(1)
        where = (self.starts[indices].unsqueeze(1) + places).clamp(max=len(self.flat) - 1)
        return torch.where(inside, self.flat[where], PADDING)


def _behind(start: Tensor, targets: Tensor) -> Tensor:
    """Targets moved by one place behind a start; the end itself is never read."""
    moved = torch.cat([start, targets[:, :-1]], dim=1)
    return torch.where(moved == END, PADDING, moved)
