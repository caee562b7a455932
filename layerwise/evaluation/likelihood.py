"""How likely a network with codes makes an example: log p(x) by importance sampling."""

from typing import Any

import torch
from torch import Tensor

from layerwise.errors import SettingsError


@torch.no_grad()
def log_likelihood(
    network: Any,
    inputs: Tensor,
    samples: int,
    generator: torch.Generator,
    *,
    block: int = 4096,
) -> Tensor:
    """Importance-weighted estimate of log p(x) of each row, in nats.

    Source: Burda, Grosse and Salakhutdinov 2016, "Importance weighted autoencoders", equation 8:
    log of the mean over k samples of p(x, z) / q(z|x). In the mean it is a lower bound that rises
    with k; with k = 1 it is the evidence lower bound.

    network : offers ``posterior(inputs)`` and ``log_likelihood(inputs, codes)``
    inputs : (rows, *input_shape), as the network takes them; binary for a bernoulli likelihood
    samples : k, at least 1
    generator : on the CPU, seeded by the caller; inputs, samples, seed and block decide the result
    block : codes that are decoded at once; bounds the memory
    returns : (rows,)
    raises : SettingsError when samples or block is below 1
    """
    for name, value in (("samples", samples), ("block", block)):
        if value < 1:
            raise SettingsError(f"The number {name} must be at least 1, got {value}.")
    rows = max(1, block // samples)
    found = [_of_rows(network, some, samples, generator, block) for some in inputs.split(rows)]
    return torch.cat(found)


def _of_rows(
    network: Any, inputs: Tensor, samples: int, generator: torch.Generator, block: int
) -> Tensor:
    """The estimate for few rows, a block of samples after the other."""
    mean, log_variance = network.posterior(inputs)
    total = mean.new_full((len(inputs),), -torch.inf)
    step = max(1, block // max(1, len(inputs)))
    for begin in range(0, samples, step):
        count = min(step, samples - begin)
        weights = _log_weights(network, inputs, mean, log_variance, count, generator)
        total = torch.logaddexp(total, weights.logsumexp(dim=1))
    return total - torch.log(torch.tensor(float(samples), dtype=total.dtype))


def _log_weights(
    network: Any,
    inputs: Tensor,
    mean: Tensor,
    log_variance: Tensor,
    count: int,
    generator: torch.Generator,
) -> Tensor:
    """Logarithm of p(x, z) / q(z|x) for ``count`` codes of each row, (rows, count).

    The normal densities of z and of its noise have the same constant, which cancels.
    """
    rows, size = mean.shape
    noise = torch.randn(rows, count, size, generator=generator, dtype=mean.dtype).to(mean.device)
    codes = mean[:, None] + torch.exp(0.5 * log_variance)[:, None] * noise
    repeated = inputs.repeat_interleave(count, dim=0)
    fit = network.log_likelihood(repeated, codes.flatten(0, 1)).unflatten(0, (rows, count))
    prior = -0.5 * codes.square().sum(dim=2)
    posterior = -0.5 * (noise.square().sum(dim=2) + log_variance.sum(dim=1, keepdim=True))
    return fit + prior - posterior
