"""Forecast: what comes after a window, one or many times ahead, as a point or with quantiles."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError, nearest
from layerwise.layers.losses import row_mean

LOSSES = ("squared", "absolute", "huber", "quantiles")
METRICS = ("mae", "rmse", "mase", "scaled_mse")


class Forecast:
    """Learn the next times of one or several series, all at once ("direct" forecasting).

    The network gives one output per target and time ahead, one target after the other; for
    quantiles one each, of which the median is the point forecast.

    Source of the quantile ("pinball") loss: Koenker and Bassett 1978, "Regression quantiles",
    Econometrica 46. Quantiles that cross are sorted (Chernozhukov et al. 2010, "Quantile and
    probability curves without crossing").

    Parameters
    ----------
    target : Target
        Of kind series.
    loss : str
        squared: the mean. absolute: the median. huber: between them (Huber 1964). quantiles: the
        quantiles that are named.
    quantiles : tuple of float
        Rising chances between 0 and 1, with 0.5 among them; the lowest and the highest bound the
        interval that is shown.
    huber_delta : float
        Where Huber's loss turns from squared to absolute, in deviations of the target.

    Raises
    ------
    SettingsError
        The target is no series, or an option cannot be.
    """

    form = "series"
    kinds = ("series",)
    baselines = ("last_value", "seasonal", "window_linear")
    watches_loss = True  # metrics in units need the constants of the targets beside them
    judged_by = (
        "Forecasts are made from every time of the judged part whose future lies in it. Windows "
        "overlap, so intervals draw blocks of neighbouring forecasts together."
    )

    def __init__(
        self,
        target: Target,
        *,
        loss: str = "squared",
        quantiles: tuple[float, ...] = (0.1, 0.5, 0.9),
        huber_delta: float = 1.0,
    ):
        if target.kind != "series":
            raise SettingsError(
                f"The task forecast needs series, got a target of kind '{target.kind}'. Give a "
                "table with a column of times, and name it with --time."
            )
        if loss not in LOSSES:
            raise SettingsError(f"There is no loss '{loss}' in forecast.{nearest(loss, LOSSES)}")
        if huber_delta <= 0:
            raise SettingsError(
                f"Option huber_delta of forecast must be above 0, got {huber_delta}."
            )
        self.loss, self.huber_delta = loss, huber_delta
        self.quantiles = _checked(quantiles) if loss == "quantiles" else ()
        self.num_outputs = len(target.names)
        self.output_size = self.num_outputs * max(1, len(self.quantiles))
        self.metrics = METRICS + (("pinball", "interval_coverage") if self.quantiles else ())

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean over rows and outputs, in deviations of the target."""
        assert batch.targets is not None
        predicted = network(batch.inputs)
        truth = batch.targets.to(predicted.dtype)
        yield Loss(*row_mean(self._entries(predicted, truth).flatten(1).mean(dim=1), batch.weight))

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Point forecasts (rows, outputs), or quantiles (rows, outputs, quantiles), rising."""
        predicted = network(batch.inputs)
        if not self.quantiles:
            return predicted
        return self._by_quantile(predicted).sort(dim=2).values

    def point(self, outputs: Tensor) -> Tensor:
        """The point forecasts in what ``outputs`` gave, (rows, outputs)."""
        return outputs[:, :, self.quantiles.index(0.5)] if self.quantiles else outputs

    def beside(self, outputs: Tensor) -> dict[str, Tensor]:
        """The quantiles in what ``outputs`` gave: "0.1" -> (rows, outputs)."""
        return {f"{q:g}": outputs[:, :, place] for place, q in enumerate(self.quantiles)}

    def _by_quantile(self, predicted: Tensor) -> Tensor:
        return predicted.unflatten(1, (self.num_outputs, len(self.quantiles)))

    def _entries(self, predicted: Tensor, truth: Tensor) -> Tensor:
        """Loss of every output, (rows, outputs) or (rows, outputs, quantiles)."""
        if self.loss == "squared":
            return F.mse_loss(predicted, truth, reduction="none")
        if self.loss == "absolute":
            return F.l1_loss(predicted, truth, reduction="none")
        if self.loss == "huber":
            return F.huber_loss(predicted, truth, reduction="none", delta=self.huber_delta)
        return pinball(self._by_quantile(predicted), truth, self.quantiles)


def pinball(predicted: Tensor, truth: Tensor, quantiles: Sequence[float]) -> Tensor:
    """max(q (y - p), (q - 1)(y - p)) for each quantile q (Koenker and Bassett 1978).

    predicted : (rows, outputs, quantiles), which is also the shape of the result
    truth : (rows, outputs)
    """
    missed = truth.unsqueeze(2) - predicted
    return torch.stack(
        [
            torch.maximum(chance * missed[..., place], (chance - 1) * missed[..., place])
            for place, chance in enumerate(quantiles)
        ],
        dim=2,
    )


def _checked(quantiles: Sequence[float]) -> tuple[float, ...]:
    chances = tuple(float(chance) for chance in quantiles)
    rising = all(low < high for low, high in pairwise(chances))
    if not (rising and 0.5 in chances and chances[0] > 0 and chances[-1] < 1):
        raise SettingsError(
            "Option quantiles of forecast must be rising numbers between 0 and 1 with 0.5 among "
            f"them, such as 0.1,0.5,0.9; got {', '.join(map(str, chances))}."
        )
    return chances
