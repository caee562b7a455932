"""Regress: predict one or several numbers, or the mean of a count."""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError, nearest
from layerwise.layers.losses import gaussian_negative_log_likelihood, row_mean, scores_in_training

LOSSES = ("auto", "squared", "absolute", "huber", "gaussian_nll", "poisson")


class Regress:
    """Learn numbers; the loss says what of their distribution: mean, median, or also the width.

    Parameters
    ----------
    target : Target
        Of kind real or count.
    loss : str
        auto: squared for real targets, poisson for counts. squared: the mean. absolute: the
        median. huber: between them (Huber 1964). gaussian_nll: mean and variance, two outputs
        per target. poisson: the network gives the log of the mean of a count.
    huber_delta : float
        Where Huber's loss turns from squared to absolute, in units of the prepared target.

    Raises
    ------
    SettingsError
        The target is no number, or the loss does not fit it.
    """

    baselines = ("mean", "linear", "boosted_trees")

    def __init__(self, target: Target, *, loss: str = "auto", huber_delta: float = 1.0):
        if target.kind not in ("real", "count"):
            raise SettingsError(
                f"The task regress needs a target of numbers, got one of kind '{target.kind}'. "
                "Choose --task classify for classes."
            )
        if loss not in LOSSES:
            raise SettingsError(f"There is no loss '{loss}' in regress.{nearest(loss, LOSSES)}")
        if loss == "poisson" and target.kind != "count":
            raise SettingsError(
                "The loss poisson is for counts (0, 1, 2, ...), but the target has other numbers. "
                "Choose squared."
            )
        if huber_delta <= 0:
            raise SettingsError(
                f"Option huber_delta of regress must be above 0, got {huber_delta}."
            )
        usual = "poisson" if target.kind == "count" else "squared"
        self.loss = usual if loss == "auto" else loss
        self.huber_delta = huber_delta
        self.num_targets = max(1, len(target.names))
        self.output_size = self.num_targets * (2 if self.loss == "gaussian_nll" else 1)
        counted = ("poisson_deviance",) if self.loss == "poisson" else ()
        self.metrics = ("rmse", "mae", "r2", *counted)

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the weighted mean over the rows of the mean over the targets.

        Auxiliary heads, where the network has them, add theirs to it while it learns.
        """
        predicted, auxiliary = scores_in_training(network, batch.inputs)
        value, terms = self._mean_of(predicted, batch)
        for weight, beside in auxiliary:
            value = value + weight * self._mean_of(beside, batch)[0]
        yield Loss(value, terms)

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Predicted means (for absolute: medians), (rows, targets), in prepared units."""
        predicted = network(batch.inputs)[:, : self.num_targets]
        return torch.exp(predicted) if self.loss == "poisson" else predicted

    def _mean_of(self, predicted: Tensor, batch: Batch) -> tuple[Tensor, Tensor | float]:
        assert batch.targets is not None
        truth = batch.targets.reshape(-1, self.num_targets).to(predicted.dtype)
        return row_mean(self._entries(predicted, truth).mean(dim=1), batch.weight)

    def _entries(self, predicted: Tensor, truth: Tensor) -> Tensor:
        """Loss of every number, (rows, targets)."""
        if self.loss == "squared":
            return F.mse_loss(predicted, truth, reduction="none")
        if self.loss == "absolute":
            return F.l1_loss(predicted, truth, reduction="none")
        if self.loss == "huber":
            return F.huber_loss(predicted, truth, reduction="none", delta=self.huber_delta)
        if self.loss == "poisson":
            return F.poisson_nll_loss(predicted, truth, reduction="none")
        mean, log_variance = predicted.chunk(2, dim=1)
        return gaussian_negative_log_likelihood(mean, log_variance, truth)
