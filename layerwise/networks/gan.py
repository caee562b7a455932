"""The generative adversarial network: a generator that learns from a critic's judgement."""

from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError, nearest
from layerwise.layers.activations import activation as make_activation
from layerwise.layers.activations import channels_before, start_weights

OUTPUTS = {"sigmoid": nn.Sigmoid, "linear": nn.Identity}


class GAN(nn.Module):
    """Two multi-layer perceptrons that play against each other; draws rows like the training rows.

    Source: Goodfellow et al. 2014, "Generative adversarial nets", NeurIPS 27, equation 1; with
    classes Mirza and Osindero 2014, "Conditional generative adversarial nets", equation 2.
    Rows are G(z) with z from a standard normal distribution; the critic's logit is
    log D(x) / (1 - D(x)), D the chance that x is a training row. Learns with tasks.adversarial.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example; it is flattened.
    output_size : int
        Not used: nothing is predicted.
    noise_size : int
        Numbers of noise from which a row is generated.
    hidden : tuple of int
        Units of each hidden layer of the generator; the critic has them in reverse order.
    critic_activation : str
        Of the critic's hidden layers, one of ``layers.activations``; the generator has ReLU.
    dropout : float
        Chance that a hidden unit of the critic is silent in a training step.
    output : str
        sigmoid, for inputs from 0 to 1, or linear, for inputs without bounds.
    classes : int
        Number of classes that rows are generated for; 0: rows are generated without a class.

    Raises
    ------
    SettingsError
        An option that cannot be; later, a conditional network without classes, or the reverse.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(None, "adam", {"betas": (0.5, 0.999)}, 0.0005, epochs=200, batch_size=64),
        ),
        "historic": (
            Stage(
                None,
                "sgd",
                {"momentum": 0.5},
                0.1,
                "step",
                {"every": 1, "factor": 0.98},
                epochs=100,
                batch_size=100,
            ),
        ),
    }
    historic_options: ClassVar[dict[str, object]] = {"critic_activation": "maxout", "dropout": 0.5}
    departures = (
        "The generator's hidden units are all ReLU, not a mixture of ReLU and sigmoid ones.",
        "The momentum is 0.5 throughout; the published code raises it to 0.7 while it trains.",
        "Noise is normal, not uniform, and its size is an option.",
        "Dropout silences hidden units of the critic with one chance, and none of its inputs.",
        "The generator's loss is the non-saturating one, which the paper recommends in section 3.",
    )
    task = "adversarial"
    inputs_as = "unit"

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        noise_size: int = 32,
        hidden: tuple[int, ...] = (128, 128),
        critic_activation: str = "leaky_relu",
        dropout: float = 0.0,
        output: str = "sigmoid",
        classes: int = 0,
    ):
        super().__init__()
        hidden = (hidden,) if isinstance(hidden, int) else tuple(hidden)
        _check(noise_size, hidden, dropout, output, classes)
        self.input_shape, self.noise_size, self.classes = tuple(input_shape), noise_size, classes
        features = torch.Size(input_shape).numel()
        self.generator = nn.Sequential(
            *_perceptron((noise_size + classes, *hidden, features), "relu", 0.0),
            OUTPUTS[output](),
        )
        self.critic = nn.Sequential(
            *_perceptron((features + classes, *reversed(hidden), 1), critic_activation, dropout)
        )

    def generate(self, noise: Tensor, classes: Tensor | None = None) -> Tensor:
        """Rows from noise, (rows, noise_size) -> (rows, *input_shape).

        classes : (rows,) int64, codes from 0; only for a network with classes
        """
        made = self.generator(self._with_classes(noise, classes))
        return made.unflatten(1, self.input_shape)

    def discriminate(self, inputs: Tensor, classes: Tensor | None = None) -> Tensor:
        """Logit of the chance that a row is a training row, (rows, *input_shape) -> (rows,).

        classes : (rows,) int64, codes from 0; only for a network with classes
        """
        return self.critic(self._with_classes(inputs.flatten(1), classes)).squeeze(1)

    def sample(self, rows: int, classes: Tensor | None = None) -> Tensor:
        """Draw rows, (rows, *input_shape); with classes each is drawn evenly unless given."""
        device = next(self.parameters()).device
        noise = torch.randn(
            rows, self.noise_size, device=device, dtype=next(self.parameters()).dtype
        )
        if self.classes and classes is None:
            classes = torch.randint(self.classes, (rows,), device=device)
        return self.generate(noise, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logit of the chance to be a training row, (rows, *input_shape) -> (rows, 1).

        With classes the chance is the mean over all of them.
        """
        if not self.classes:
            return self.discriminate(inputs)[:, None]
        codes = torch.arange(self.classes, device=inputs.device).repeat_interleave(len(inputs))
        every = inputs.repeat(self.classes, *[1] * (inputs.ndim - 1))
        logits = self.discriminate(every, codes).unflatten(0, (self.classes, len(inputs)))
        real, made = F.logsigmoid(logits), F.logsigmoid(-logits)
        return (real.logsumexp(0) - made.logsumexp(0))[:, None]

    def _with_classes(self, numbers: Tensor, classes: Tensor | None) -> Tensor:
        """Append one number per class: 1 for that of the row, 0 for the others."""
        if (classes is not None) != (self.classes > 0):
            given = "were given" if classes is not None else "were not given"
            raise SettingsError(
                f"This gan was built with classes={self.classes}, but classes {given}. Build it "
                "with the number of classes of the data, and train it with the task's conditional."
            )
        if classes is None:
            return numbers
        return torch.cat([numbers, F.one_hot(classes.long(), self.classes).to(numbers)], dim=1)


def _perceptron(widths: tuple[int, ...], activation: str, dropout: float) -> list[nn.Module]:
    """Give full layers of these widths; all but the last with activation and dropout."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths[:-1]):
        layer = nn.Linear(before, channels_before(activation, after))
        start_weights(layer, activation)
        layers += [layer, make_activation(activation)]
        layers += [nn.Dropout(dropout)] if dropout else []
    last = nn.Linear(widths[-2], widths[-1])
    start_weights(last, "softmax")
    return [*layers, last]


def _check(
    noise_size: int, hidden: tuple[int, ...], dropout: float, output: str, classes: int
) -> None:
    """Refuse sizes, chances and names that cannot be."""
    if noise_size < 1 or not all(isinstance(units, int) and units > 0 for units in hidden):
        raise SettingsError(
            "Options noise_size and hidden of gan must be whole numbers above 0, such as 32 and "
            f"128,128; got {noise_size} and {hidden}."
        )
    if not 0 <= dropout < 1:
        raise SettingsError(f"Option dropout of gan must be from 0 to below 1, got {dropout}.")
    if output not in OUTPUTS:
        raise SettingsError(f"There is no output '{output}' of gan.{nearest(output, OUTPUTS)}")
    if classes < 0 or classes == 1:
        raise SettingsError(
            f"Option classes of gan must be 0 (none) or the number of classes, got {classes}."
        )
