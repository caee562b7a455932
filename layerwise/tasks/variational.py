"""Variational: learn a density of the inputs by a lower bound of its logarithm."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.layers.losses import row_mean

FIXED = 2014  # seed of the one sample that judges rows
SPREAD = 1e4  # rows that differ by more than one over this have noise of their own


class Variational:
    """Make the negative evidence lower bound of each row small, in nats.

    Source: Kingma and Welling 2014, "Auto-encoding variational Bayes", equations 7 and 10:
    -log p(x|z) + beta KL(q(z|x) || N(0, I)) with one sample z = mean + deviation x noise. beta
    other than 1: Higgins et al. 2017, "beta-VAE", equation 4. Its rise: Bowman et al. 2016,
    "Generating sentences from a continuous space", section 3.1; Sonderby et al. 2016. The network
    offers ``posterior(inputs)``, ``log_likelihood(inputs, codes)``, ``likelihood`` and ``code``.

    Parameters
    ----------
    target : Target
        Of kind none: the inputs are what is learned.
    beta : float
        Weight of the divergence between a row's codes and the prior.
    warm_up : float
        Share of the stage in which that weight rises from 0 to beta, in a straight line.
    binarize : bool
        Draw each value anew as 0 or 1 in every step, with its own chance (Salakhutdinov and
        Murray 2008); only where the network's likelihood is bernoulli.

    Raises
    ------
    SettingsError
        There is a target, or an option cannot be.
    """

    kinds = ("none",)
    output_size = 0
    metrics = ("mean_error",)
    judged_by = "Mean error: the negative evidence lower bound of a row, in nats."
    baselines = ()

    def __init__(
        self, target: Target, *, beta: float = 1.0, warm_up: float = 0.0, binarize: bool = True
    ):
        if target.kind != "none":
            raise SettingsError(
                "The task variational learns the inputs alone, so it must have no target, got one "
                f"of kind '{target.kind}'. Leave --target out."
            )
        if beta < 0:
            raise SettingsError(f"Option beta of variational must be 0 or more, got {beta}.")
        if not 0 <= warm_up <= 1:
            raise SettingsError(
                f"Option warm_up of variational must be a part of the stage, from 0 to 1, "
                f"got {warm_up}."
            )
        self.beta, self.warm_up, self.binarize = beta, warm_up, binarize

    def losses(self, network: Any, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the weighted mean over the rows of the negative bound, in nats."""
        inputs = batch.inputs
        assert isinstance(inputs, Tensor)
        if self._draws(network):
            inputs = (torch.rand_like(inputs) < inputs).to(inputs.dtype)
        mean, log_variance = network.posterior(inputs)
        codes = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        divergence = divergence_from_standard(mean, log_variance)
        misfit = -network.log_likelihood(inputs, codes)
        yield Loss(*row_mean(misfit + self._beta(batch) * divergence, batch.weight))

    def outputs(self, network: Any, batch: Batch) -> Tensor:
        """Negative bound of each row with beta = 1 and one fixed sample, (rows, 1), in nats.

        The sample is decided by the row's own values: it is the same at every call, and whatever
        other rows stand beside.
        """
        inputs = batch.inputs
        assert isinstance(inputs, Tensor)
        features = inputs.shape[1:].numel()
        fixed = fixed_uniform(inputs, features + network.code)
        if self._draws(network):
            chance = fixed[:, :features].reshape(inputs.shape)
            inputs = (chance < inputs).to(inputs.dtype)
        mean, log_variance = network.posterior(inputs)
        noise = torch.special.ndtri(fixed[:, features:]).to(mean.dtype)
        codes = mean + torch.exp(0.5 * log_variance) * noise
        divergence = divergence_from_standard(mean, log_variance)
        return (divergence - network.log_likelihood(inputs, codes))[:, None]

    def _beta(self, batch: Batch) -> Tensor | float:
        """Weight of the divergence at this point of the stage; by tensors, so it can be traced."""
        if self.warm_up == 0:
            return self.beta
        done = torch.as_tensor(batch.done)
        return self.beta * torch.clamp(done / self.warm_up, max=1.0)

    def _draws(self, network: Any) -> bool:
        """Whether values are drawn as 0 or 1."""
        return self.binarize and network.likelihood == "bernoulli"


def divergence_from_standard(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, I)) of each row, in nats, (rows, code) -> (rows,).

    Source: Kingma and Welling 2014, appendix B.
    """
    return 0.5 * (torch.exp(log_variance) + mean.square() - 1.0 - log_variance).sum(dim=1)


def fixed_uniform(inputs: Tensor, size: int) -> Tensor:
    """Numbers that look uniform in (0, 1) but are functions of each row's values, (rows, size).

    frac(a_j + b_j p) with a fixed projection p of the row and fixed a, b: as p runs far, it goes
    evenly through the cube. float64, so that the order of a sum does not move it.
    """
    generator = torch.Generator().manual_seed(FIXED)
    values = inputs.flatten(1).double()
    projection, shift, speed = (
        torch.rand(count, generator=generator, dtype=torch.float64).to(values.device)
        for count in (values.shape[1], size, size)
    )
    place = (values * (1 + projection)).sum(dim=1, keepdim=True)
    return torch.frac(shift + SPREAD * (1 + speed) * place.abs()).clamp(1e-9, 1 - 1e-9)
