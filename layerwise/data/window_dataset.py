"""Windows of series as examples: gathered from one array when a batch is taken."""

from __future__ import annotations

import torch
from torch import Tensor

from layerwise.contracts import Batch


class WindowDataset:
    """Windows that end at given times, and what comes after them; nothing is copied as a whole.

    Parameters
    ----------
    inputs : Tensor
        (times, channels), prepared.
    targets : Tensor
        (times, targets), prepared, NaN where not known.
    places : Tensor
        (rows,) int64, the time at which each row's window ends.
    has_window, has_future : Tensor
        (rows,) bool; a window that is not whole is given as NaN, and so is a future.
    lookback, horizon : int
        Times in a window, and times after it.
    """

    def __init__(
        self,
        inputs: Tensor,
        targets: Tensor,
        places: Tensor,
        has_window: Tensor,
        has_future: Tensor,
        lookback: int,
        horizon: int,
    ):
        self.inputs, self.targets, self.places = inputs, targets, places
        self.has_window, self.has_future = has_window, has_future
        self.lookback, self.horizon = lookback, horizon
        self._pasts = _windows(inputs, lookback)
        self._futures = _windows(targets, horizon)
        self._complete = bool(has_window.all()) and bool(has_future.all())

    def __len__(self) -> int:
        return len(self.places)

    def batch(self, indices: Tensor | slice) -> Batch:
        """Windows (rows, lookback, channels) and targets (rows, targets x horizon).

        The targets of a row stand one variable after the other, each in the order of time.
        """
        rows = torch.arange(len(self))[indices] if isinstance(indices, slice) else indices
        rows = rows.to(self.places.device)
        places = self.places.index_select(0, rows)
        first = (places - (self.lookback - 1)).clamp(0, len(self._pasts) - 1)
        after = (places + 1).clamp(0, len(self._futures) - 1)
        inputs = self._pasts.index_select(0, first).transpose(1, 2)  # quicker than an index grid
        targets = self._futures.index_select(0, after).flatten(1)
        if not self._complete:
            known = self.has_window.index_select(0, rows), self.has_future.index_select(0, rows)
            inputs = torch.where(known[0][:, None, None], inputs, torch.nan)
            targets = torch.where(known[1][:, None], targets, torch.nan)
        return Batch(inputs=inputs.contiguous(), targets=targets, keys=rows)

    def to(self, place: torch.device | str | torch.dtype) -> WindowDataset:
        """The dataset with its numbers on a device, or of a type such as torch.float64."""
        device = self.places.device if isinstance(place, torch.dtype) else torch.device(place)
        numbers = place if isinstance(place, torch.dtype) else self.inputs.dtype
        return WindowDataset(
            self.inputs.to(device, numbers), self.targets.to(device, numbers),
            self.places.to(device), self.has_window.to(device), self.has_future.to(device),
            self.lookback, self.horizon,
        )  # fmt: skip


def _windows(values: Tensor, length: int) -> Tensor:
    """All windows of a length as a view, (windows, channels, length); one of NaN if too short."""
    if len(values) < length:
        return values.new_full((1, values.shape[1], length), torch.nan)
    return values.unfold(0, length, 1)
