"""Pairs of fields as batches: the coarse field, interpolated, and what the fine one has besides."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from layerwise.contracts import Batch


@dataclass(frozen=True)
class FieldDataset:
    """Rows of coarse fields, interpolated when a batch is taken; all is prepared.

    coarse : (rows, channels, h, w), missing cells filled
    known : (rows, marked channels, h, w), 1 where it was known, else 0
    scalars : (rows, scalars)
    level : (rows, channels), what was taken from each row's channel, in its deviations
    fixed : (static channels, H, W), inputs that are the same in every row
    down, across : (H, h) and (W, w), bicubic weights; ``mark_`` the bilinear ones of the marks
    base : per target the channel that is refined, -1 where there is none
    base_scale : (targets,), from a prepared channel to prepared targets
    base_shift : (targets, H, W), what is added then; of a target without a channel its base
    fine : (rows, targets, H, W), prepared, NaN where missing; None where there is none
    area : (H, W)
    """

    coarse: Tensor
    known: Tensor
    level: Tensor
    scalars: Tensor
    fixed: Tensor
    down: Tensor
    across: Tensor
    mark_down: Tensor
    mark_across: Tensor
    base: tuple[int, ...]
    base_scale: Tensor
    base_shift: Tensor
    fine: Tensor | None
    area: Tensor

    def __len__(self) -> int:
        return len(self.coarse)

    def batch(self, indices: Tensor | slice) -> Batch:
        """Inputs (rows, channels, H, W) and targets (rows, 2 x targets + 1, H, W).

        The targets are, one after the other: what each has beyond its base (0 where missing), the
        bases, and how much each cell counts (0 where a target is missing).
        """
        rows = torch.arange(len(self))[indices] if isinstance(indices, slice) else indices
        rows = rows.to(self.coarse.device)
        maps = self.down @ self.coarse.index_select(0, rows) @ self.across.T
        height, width = self.area.shape
        scalars = self.scalars.index_select(0, rows)[:, :, None, None]
        inputs = [maps, scalars.expand(-1, -1, height, width)]
        inputs.append(self.fixed.expand(len(rows), -1, -1, -1))
        if self.known.shape[1]:
            known = self.known.index_select(0, rows)
            inputs.append(self.mark_down @ known @ self.mark_across.T)
        return Batch(inputs=torch.cat(inputs, dim=1), targets=self._targets(rows, maps), keys=rows)

    def to(self, place: torch.device | str | torch.dtype) -> FieldDataset:
        """The dataset on a device, or in a type such as torch.float64."""
        moved = {
            one.name: getattr(self, one.name).to(place)
            for one in fields(self)
            if isinstance(getattr(self, one.name), Tensor)
        }
        return replace(self, **moved)

    def _targets(self, rows: Tensor, maps: Tensor) -> Tensor:
        level = self.level.index_select(0, rows)[:, :, None, None]
        bases = [
            (maps[:, own] + level[:, own]) * self.base_scale[place] + self.base_shift[place]
            if own >= 0
            else self.base_shift[place].expand(len(rows), -1, -1)
            for place, own in enumerate(self.base)
        ]
        base = torch.stack(bases, dim=1)
        if self.fine is None:
            beyond = torch.zeros_like(base)
            counts = torch.zeros_like(base[:, :1])
        else:
            fine = self.fine.index_select(0, rows)
            there = torch.isfinite(fine)
            beyond = torch.where(there, fine - base, 0.0)
            counts = self.area * there.all(dim=1, keepdim=True)
        return torch.cat([beyond, base, counts.to(base.dtype)], dim=1)
