"""Examples as tensors, side by side, from which the engine takes batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from layerwise.contracts import Batch


class TensorDataset:
    """Rows of tensors; batches by slice are views of them, nothing is copied.

    Parameters
    ----------
    inputs : Tensor or dict of Tensors
        The first axis of each counts the rows; may be memory-mapped.
    targets : Tensor
        One per row; absent where nothing is predicted.
    weight : Tensor
        (rows,), may be negative.
    keys : Tensor
        (rows,) row numbers in the source; absent: 0, 1, 2, ...
    prepare : function
        Turns raw inputs (such as uint8 pixels) into those of the network, batch by batch.
    """

    def __init__(
        self,
        inputs: Tensor | dict[str, Tensor],
        targets: Tensor | None = None,
        weight: Tensor | None = None,
        keys: Tensor | None = None,
        prepare: Callable[[Tensor], Tensor] | None = None,
    ):
        self.inputs, self.targets, self.weight, self.prepare = inputs, targets, weight, prepare
        self.rows = len(next(iter(inputs.values()))) if isinstance(inputs, dict) else len(inputs)
        self._counted = keys is None
        self.keys = torch.arange(self.rows) if keys is None else keys
        for part in (targets, weight, self.keys):
            assert part is None or len(part) == self.rows, "unequal numbers of rows"

    def __len__(self) -> int:
        return self.rows

    def batch(self, indices: Tensor | slice) -> Batch:
        """The rows ``indices`` (a slice gives views) as one batch."""
        inputs = _taken(self.inputs, indices)
        return Batch(
            inputs=inputs if self.prepare is None else self.prepare(inputs),
            targets=_taken(self.targets, indices),
            weight=_taken(self.weight, indices),
            keys=_taken(self.keys, indices),
        )

    def arrange(self, order: Tensor) -> TensorDataset:
        """The rows ``order`` (any number of them) as a dataset of its own, copied once."""
        return TensorDataset(
            _taken(self.inputs, order),
            _taken(self.targets, order),
            _taken(self.weight, order),
            order.to(self.keys.device) if self._counted else _taken(self.keys, order),
            self.prepare,
        )

    def to(self, device: torch.device | str) -> TensorDataset:
        """The dataset with its tensors on ``device``."""

        def there(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: part.to(device) for name, part in value.items()}
            return None if value is None else value.to(device)

        return TensorDataset(
            there(self.inputs), there(self.targets), there(self.weight), there(self.keys),
            self.prepare,
        )  # fmt: skip


def _taken(value: Any, indices: Tensor | slice) -> Any:
    """Rows of a tensor, of each tensor in a dict, or of nothing."""
    if isinstance(value, dict):
        return {name: _taken(part, indices) for name, part in value.items()}
    if value is None or isinstance(indices, slice):
        return value if value is None else value[indices]
    return value.index_select(0, indices.to(value.device))


class Rows:
    """Some rows of a dataset, by number; nothing is copied until a batch is taken.

    It offers the optional methods of a Dataset that the whole one has.

    Parameters
    ----------
    dataset : Dataset
        All rows.
    rows : Tensor
        (rows,) int64 numbers of the chosen ones.
    """

    def __init__(self, dataset: Any, rows: Tensor):
        self.dataset, self.rows = dataset, rows
        if hasattr(dataset, "arrange"):
            self.arrange = self._arrange
        for optional in ("refresh", "state_dict", "load_state_dict"):
            if hasattr(dataset, optional):
                setattr(self, optional, getattr(dataset, optional))

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, indices: Tensor | slice) -> Batch:
        """The chosen rows ``indices`` as one batch."""
        return self.dataset.batch(self.rows[indices])

    def _arrange(self, order: Tensor) -> Any:
        """The chosen rows ``order`` as a dataset of its own, copied once."""
        return self.dataset.arrange(self.rows[order])
