"""Inputs of any shape as plain rows of numbers, for the baselines."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

MOST_ROWS = 20_000  # of training rows that a fitted baseline sees
MOST_CELLS = 20_000_000  # rows times features
MOST_WORK = 2_000_000_000  # rows times features times classes: some seconds per boosting round
MOST_PIXELS = 32  # on a side; larger images are averaged down
AT_ONCE = 8192  # rows predicted at a time


class FlatRows:
    """The inputs as rows of numbers: a sample of training rows, and all rows in pieces.

    Parameters
    ----------
    inputs : tensor or dict
        (rows, ...), or "numbers" (rows, n) and "codes" (rows, k), which become one-hot.
    training : array
        Row numbers that may be fitted; large data are sampled to ``rows``.
    choosing : array
        Row numbers that may choose between fits, sampled likewise.
    outputs : int
        Classes to be told apart; many allow fewer rows.
    """

    def __init__(
        self,
        inputs: Tensor | dict[str, Tensor],
        training: np.ndarray,
        choosing: np.ndarray,
        *,
        outputs: int = 1,
        seed: int = 0,
    ):
        self._inputs = inputs
        parts = inputs if isinstance(inputs, dict) else {"numbers": inputs}
        self._length = len(next(iter(parts.values())))
        codes = parts.get("codes")
        self._sizes = [] if codes is None else (codes.amax(dim=0) + 1).tolist()
        features = max(1, self._flat(np.arange(min(1, self._length))).shape[1])
        self._at_once = min(AT_ONCE, 1 + MOST_CELLS // features)
        kept = min(MOST_ROWS, 1 + MOST_CELLS // features, 1 + MOST_WORK // (features * outputs))
        self.rows, self._of = _drawn(training, kept, seed), len(training)
        self.choosing = _drawn(choosing, kept, seed)
        self._center: np.ndarray | float = 0.0
        self._scale: np.ndarray | float = 1.0

    @property
    def note(self) -> str:
        """Say how many rows are fitted."""
        sampled = f" drawn from {self._of}" if len(self.rows) < self._of else ""
        return f"Fitted on {len(self.rows)} rows{sampled}."

    def standardized(self) -> "FlatRows":
        """Give the same table with columns of mean 0 and deviation 1 on the training rows."""
        table = FlatRows.__new__(FlatRows)
        table.__dict__.update(self.__dict__)
        training = self._flat(self.rows)
        spread = training.std(axis=0, dtype=np.float64)
        table._center = training.mean(axis=0, dtype=np.float64)
        table._scale = np.where(spread > 0, spread, 1.0)
        return table

    def training(self) -> np.ndarray:
        """Give the rows to fit; (rows, features)."""
        return self.ready(self.rows)

    def all(self) -> Iterator[np.ndarray]:
        """Yield all rows in order, some thousands at a time."""
        for start in range(0, self._length, self._at_once):
            yield self.ready(np.arange(start, min(start + self._at_once, self._length)))

    def ready(self, rows: np.ndarray) -> np.ndarray:
        """Give some rows, standardized where the table is; (rows, features)."""
        flat = self._flat(rows)
        flat -= self._center
        flat /= self._scale
        return flat

    def _flat(self, rows: np.ndarray) -> np.ndarray:
        index = torch.from_numpy(rows)
        if not isinstance(self._inputs, dict):
            return _flattened(self._inputs[index])
        columns = [_flattened(self._inputs["numbers"][index])] if "numbers" in self._inputs else []
        for column, size in enumerate(self._sizes):
            codes = self._inputs["codes"][index, column].long()
            columns.append(np.eye(size, dtype=np.float32)[codes.numpy()])
        return np.concatenate(columns, axis=1)


def _drawn(rows: np.ndarray, most: int, seed: int) -> np.ndarray:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _flattened(rows: Tensor) -> np.ndarray:
    """Give (rows, features) of 32 bits; images are averaged down to at most 32 x 32."""
    rows = rows.detach().cpu().float()
    if rows.ndim == 4 and max(rows.shape[2:]) > MOST_PIXELS:
        height, width = (min(side, MOST_PIXELS) for side in rows.shape[2:])
        rows = nn.functional.adaptive_avg_pool2d(rows, (height, width))
    return rows.reshape(len(rows), -1).numpy().copy()
