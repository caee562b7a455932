"""Simple methods on series: the last value, that of a season ago, a linear map of the window."""

from collections.abc import Callable, Sequence
from time import monotonic

import numpy as np
import torch
from torch import Tensor

from layerwise.data.series import Series
from layerwise.data.series_inputs import carried_forward
from layerwise.data.series_preparation import SeriesPreparation
from layerwise.data.source import Source, counted
from layerwise.evaluation.baselines import BaselineResult

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)  # ridge, times the mean square of the inputs
AT_ONCE = 1024  # rows


def fit(
    names: Sequence[str],
    source: Source,
    preparation: SeriesPreparation,
    parts: np.ndarray,
    *,
    seconds: float,
    seed: int,
) -> list[BaselineResult]:
    """Fit baselines on the training windows and let them forecast from all rows.

    Parameters
    ----------
    names : sequence of str
        "last_value", "seasonal", "window_linear".
    source, preparation : Source, SeriesPreparation
        The rows, and how they become windows.
    parts : array of str
        (rows,) windows of "train" are fitted, those of "validation" choose how strongly.
    seconds : float
        For all of them together; the linear map tries no further strength when they are over.
    seed : int
        Not needed: nothing here is drawn.

    Returns
    -------
    list of BaselineResult
        Scores (rows, outputs) in the units of the data; NaN where there is no whole window.
    """
    ends, found = monotonic() + seconds, []
    kinds: dict[str, Callable[..., tuple[np.ndarray, str]]] = {
        "last_value": lambda: (last_value(source, preparation), "Nothing is fitted."),
        "seasonal": lambda: _seasonal(source, preparation),
        "window_linear": lambda: _window_linear(source, preparation, parts, ends),
    }
    for name in names:
        began = monotonic()
        scores, note = kinds[name]()
        found.append(BaselineResult(name, scores, monotonic() - began, note))
    return found


def last_value(source: Source, preparation: SeriesPreparation) -> np.ndarray:
    """The last known value of each target, for all times ahead; (rows, outputs)."""
    return seasonal(source, preparation, 1)


def seasonal(source: Source, preparation: SeriesPreparation, period: int) -> np.ndarray:
    """The value so many times before, or two periods before where that is not yet known, ...

    returns : (rows, outputs) in the units of the data, NaN where there is no whole window or where
        the values before it are of another series or beyond a gap
    """
    whole: Series = source.whole
    places = np.asarray(source.inputs)
    ahead = np.arange(1, preparation.horizon + 1)
    back = ahead - period * -(-ahead // period)  # 0 or less
    there = places[:, None] + back
    values = carried_forward(whole.channel(preparation.targets), whole.step.runs)
    runs = whole.step.runs
    own = (there >= 0) & (runs[np.maximum(there, 0)] == runs[places][:, None])
    own &= whole.has_window(preparation.lookback)[places][:, None]
    found = np.where(own[:, :, None], values[np.maximum(there, 0)], np.nan)
    return found.transpose(0, 2, 1).reshape(len(places), -1)


def _seasonal(source: Source, preparation: SeriesPreparation) -> tuple[np.ndarray, str]:
    period = preparation.period
    if period is None:
        note = "No period was found in the training times, so it says the last value."
        return seasonal(source, preparation, 1), note
    note = f"The value {counted(period, 'time')} before: the period was found in training times."
    return seasonal(source, preparation, period), note


@torch.no_grad()
def _window_linear(
    source: Source, preparation: SeriesPreparation, parts: np.ndarray, ends: float
) -> tuple[np.ndarray, str]:
    """Ridge regression on the window of each target less its last value.

    One map for all targets or one each, and the strength, are those with the least squared error
    on validation windows; without such windows one map and the second strength.
    """
    work = _Windows(source, preparation)
    rows = {
        part: torch.from_numpy(np.flatnonzero(parts == part)) for part in ("train", "validation")
    }
    if not len(rows["train"]):
        return work.empty(), "Not fitted: there are no training windows."
    moments, products = work.sums(rows["train"])
    shared = (
        moments.sum(0, keepdim=True) / len(moments),
        products.sum(0, keepdim=True) / len(moments),
    )
    candidates = [(True, strength) for strength in STRENGTHS]
    candidates += [(False, strength) for strength in STRENGTHS] * (len(moments) > 1)
    best, least = None, np.inf
    solvers = {True: _Ridge(*shared), False: _Ridge(moments, products)}
    if not len(rows["validation"]):
        candidates = [(True, STRENGTHS[1])]
    for one_map, strength in candidates:
        if best is not None and monotonic() > ends:
            break
        weight = solvers[one_map].solved(strength)
        error = work.error(weight, rows["validation"])
        if best is None or error < least:
            best, least = (one_map, strength, weight), error
    assert best is not None
    which = "one map for all targets" if best[0] else "a map for each target"
    chosen = "chosen on validation windows" if len(rows["validation"]) else "not chosen"
    note = (
        f"Fitted on {counted(len(rows['train']), 'window')}: {which}, ridge {best[1]:g}, {chosen}."
    )
    return work.forecasts(best[2]), note


class _Windows:
    """Windows of each target less their last value, with a last 1; what follows, less it too."""

    def __init__(self, source: Source, preparation: SeriesPreparation):
        self.preparation, self.count = preparation, len(preparation.targets)
        self.dataset = preparation.dataset(source)
        self.answerable = torch.from_numpy(preparation.answerable(source))

    def empty(self) -> np.ndarray:
        outputs = self.count * self.preparation.horizon
        return np.full((len(self.dataset), outputs), np.nan, np.float32)

    def parts(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(targets, rows, lookback + 1), (targets, rows, horizon) and the level."""
        batch = self.dataset.batch(rows)
        assert isinstance(batch.inputs, Tensor) and batch.targets is not None
        windows = batch.inputs[:, :, : self.count].permute(2, 0, 1)
        level = windows[:, :, -1:]
        answers = batch.targets.unflatten(1, (self.count, -1)).transpose(0, 1)
        ones = torch.ones_like(level)
        return torch.cat([windows - level, ones], dim=2), answers - level, level

    def sums(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Mean products of the inputs with each other and with the answers, per target."""
        moments, products = torch.zeros(()), torch.zeros(())
        for some in rows.split(AT_ONCE):
            inputs, answers, _ = self.parts(some)
            inputs, answers = inputs.double(), answers.double()
            moments = moments + inputs.transpose(1, 2) @ inputs
            products = products + inputs.transpose(1, 2) @ answers
        return moments / len(rows), products / len(rows)

    def error(self, weight: Tensor, rows: Tensor) -> float:
        """Mean squared error of maps, in squared deviations."""
        total = 0.0
        for some in rows.split(AT_ONCE):
            inputs, answers, _ = self.parts(some)
            total += float((inputs @ weight - answers).square().mean(dim=(0, 2)).sum())
        return total / max(1, len(rows))

    def forecasts(self, weight: Tensor) -> np.ndarray:
        """What maps say of every row, (rows, outputs) in the units of the data."""
        found = self.empty()
        for some in self.answerable.split(AT_ONCE):
            inputs, _, level = self.parts(some)
            said = (inputs @ weight + level).transpose(0, 1).flatten(1)
            found[some.numpy()] = self.preparation.in_units(said).numpy()
        return found


class _Ridge:
    """Ridge solutions of any strength from one eigendecomposition; the last input is free."""

    def __init__(self, moments: Tensor, products: Tensor):
        means = moments[:, :-1, -1:]  # of the inputs; the constant's own moment is 1
        self.means, self.centre = means, products[:, -1:, :]
        centred = moments[:, :-1, :-1] - means @ means.transpose(1, 2)
        self.values, self.vectors = torch.linalg.eigh(centred)
        self.products = self.vectors.transpose(1, 2) @ (products[:, :-1] - means @ self.centre)

    def solved(self, strength: float) -> Tensor:
        """(maps, inputs, outputs) float32, the constant last."""
        size = self.values.clamp(min=0).mean(dim=1, keepdim=True).clamp(min=1e-12)
        shrunk = self.products / (self.values.clamp(min=0) + strength * size).unsqueeze(2)
        weight = self.vectors @ shrunk
        constant = self.centre - self.means.transpose(1, 2) @ weight
        return torch.cat([weight, constant], dim=1).float()
