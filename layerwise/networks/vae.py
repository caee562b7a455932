"""The variational autoencoder: codes with a known prior, from which new examples are drawn."""

import math
from itertools import pairwise
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.activations import activation as make_activation
from layerwise.layers.activations import channels_before, start_weights

LIKELIHOODS = ("bernoulli", "gaussian")


class VAE(nn.Module):
    """Codes z ~ N(0, I) that a decoder turns into examples, with an encoder that finds them.

    Source: Kingma and Welling 2014, "Auto-encoding variational Bayes", ICLR, section 3 and
    appendix C. The encoder gives q(z|x) = N(mean, exp(log_variance)), the decoder p(x|z): each
    value is 1 with its own chance (bernoulli), or normal around its own mean with one deviation
    for all (gaussian), which is learned. Learns with the task variational.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example, values from 0 to 1; it is flattened.
    output_size : int
        Always 0: nothing is predicted.
    hidden : tuple of int
        Units of each hidden layer of the encoder; the decoder has them in reverse. () is linear.
    code : int
        Numbers in a code.
    activation : str
        Of the hidden layers: sigmoid, tanh, relu, leaky_relu, elu, maxout, gelu, silu, ...
    likelihood : str
        bernoulli (binary values and pixels) or gaussian (real values).

    Raises
    ------
    SettingsError
        An option cannot be, or something is to be predicted.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(None, "adam", {}, 0.002, "cosine", epochs=100, batch_size=128),),
        "historic": (Stage(None, "adagrad", {}, 0.02, epochs=100, batch_size=100),),
    }
    historic_options: ClassVar[dict[str, Any]] = {
        "hidden": (500,),
        "code": 20,
        "activation": "tanh",
    }
    departures = (
        "Weights start after Glorot and Bengio, not from a normal density around zero.",
        "The weights have no prior; the paper adds a small decay of weights.",
        "The gaussian deviation is one for all values; the paper's decoder gives one for each.",
    )
    task = "variational"
    inputs_as = "unit"

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        hidden: tuple[int, ...] = (400,),
        code: int = 40,
        activation: str = "silu",
        likelihood: str = "bernoulli",
    ):
        super().__init__()
        hidden = (hidden,) if isinstance(hidden, int) else tuple(hidden)
        _check(output_size, hidden, code, likelihood)
        self.input_shape, self.code, self.likelihood = tuple(input_shape), code, likelihood
        features = torch.Size(input_shape).numel()
        self.encoder = _layers([features, *hidden], activation, 2 * code)
        self.decoder = _layers([code, *reversed(hidden)], activation, features)
        if likelihood == "gaussian":
            self.log_deviation = nn.Parameter(torch.tensor(-1.0))

    def forward(self, inputs: Tensor) -> Tensor:
        """Reconstruct from the mean code, (rows, *input_shape) -> (rows, *input_shape)."""
        return self.decode(self.encode(inputs))

    def encode(self, inputs: Tensor) -> Tensor:
        """Mean of q(z|x), (rows, *input_shape) -> (rows, code)."""
        return self.posterior(inputs)[0]

    def posterior(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of q(z|x), (rows, *input_shape) -> twice (rows, code)."""
        found = self.encoder(inputs.flatten(1)).to(inputs.dtype)  # sums in bf16 would be coarse
        mean, log_variance = found.chunk(2, dim=1)
        return mean, log_variance

    def decode(self, codes: Tensor) -> Tensor:
        """Mean of p(x|z), (rows, code) -> (rows, *input_shape)."""
        logits = self.logits(codes)
        return torch.sigmoid(logits) if self.likelihood == "bernoulli" else logits

    def logits(self, codes: Tensor) -> Tensor:
        """What the decoder gives, (rows, code) -> (rows, *input_shape).

        The log odds of each value being 1 (bernoulli), or its mean (gaussian).
        """
        return self.decoder(codes).unflatten(1, self.input_shape)

    def log_likelihood(self, inputs: Tensor, codes: Tensor) -> Tensor:
        """Logarithm of p(x|z), in nats, (rows, *input_shape) and (rows, code) -> (rows,).

        Values between 0 and 1 count for the bernoulli likelihood as the mean of such that are drawn
        with that chance.
        """
        values = inputs.flatten(1)
        logits = self.decoder(codes).to(values.dtype)
        if self.likelihood == "bernoulli":
            return (values * logits - F.softplus(logits)).sum(dim=1)
        errors = (values - logits) * torch.exp(-self.log_deviation)
        constant = self.log_deviation + 0.5 * math.log(2 * math.pi)
        return -0.5 * errors.square().sum(dim=1) - values.shape[1] * constant

    def sample(self, rows: int) -> Tensor:
        """Means of p(x|z) for codes drawn from the prior, (rows, *input_shape)."""
        weight = next(self.decoder.parameters())
        codes = torch.randn(rows, self.code, device=weight.device, dtype=weight.dtype)
        return self.decode(codes)


def _layers(widths: list[int], activation: str, outputs: int) -> nn.Sequential:
    """Hidden layers of these widths (the first is that of the inputs), then a linear one."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layer = nn.Linear(before, channels_before(activation, after))
        start_weights(layer, activation)
        layers += [layer, make_activation(activation)]
    last = nn.Linear(widths[-1], outputs)
    start_weights(last, "sigmoid")
    return nn.Sequential(*layers, last)


def _check(output_size: int, hidden: tuple[int, ...], code: int, likelihood: str) -> None:
    """Refuse what cannot be built."""
    if output_size != 0:
        raise SettingsError(
            f"vae predicts nothing, so its output_size must be 0, got {output_size}. "
            "Choose mlp for a target."
        )
    if not all(isinstance(units, int) and units > 0 for units in hidden):
        raise SettingsError(
            f"Option hidden of vae must be whole numbers above 0, such as 400,200; got {hidden}."
        )
    if not isinstance(code, int) or code < 1:
        raise SettingsError(f"Option code of vae must be a whole number above 0, got {code}.")
    if likelihood not in LIKELIHOODS:
        raise SettingsError(
            f"Option likelihood of vae must be bernoulli or gaussian, got '{likelihood}'."
        )
