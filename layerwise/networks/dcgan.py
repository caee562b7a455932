"""The deep convolutional GAN: images from noise by transposed convolutions."""

from itertools import pairwise
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError

SMALLEST = 4  # pixels of the shorter side from which on no further halving is needed
LEAST, MOST = 2, 4  # halvings, each one convolution; the paper has four
SLOPE = 0.2  # of the critic's leaky ReLU below zero
START = 0.02  # deviation of the weights that training starts with


class DCGAN(nn.Module):
    """A generator of transposed convolutions against a convolutional critic; draws images.

    Source: Radford, Metz and Chintala 2016, "Unsupervised representation learning with deep
    convolutional generative adversarial networks", ICLR, section 3. Strides in place of pooling;
    batch normalization but for the generator's output and the critic's input; ReLU in the
    generator, leaky ReLU of slope 0.2 in the critic; weights start normal with deviation 0.02.
    The tanh of the paper is brought from -1..1 to 0..1 on its way out and back on its way in.
    Learns with tasks.adversarial.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, height, width), both sides multiples of 4: 8x8, 28x28, 32x32, 64x64. They are
        halved while even and above 4 pixels, two to four times.
    output_size : int
        Not used: nothing is predicted.
    noise_size : int
        Numbers of noise from which an image is generated.
    channels : int
        Maps of the critic's first convolution; each further one has twice as many, and the
        generator has them in reverse order. The paper has 128.
    classes : int
        Number of classes that images are generated for; 0: images are generated without a class.

    Raises
    ------
    SettingsError
        An option or a shape that cannot be; later, classes where there are none or the reverse.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(None, "adam", {"betas": (0.5, 0.999)}, 0.0002, epochs=30, batch_size=64),),
        "historic": (
            Stage(None, "adam", {"betas": (0.5, 0.999)}, 0.0002, epochs=25, batch_size=128),
        ),
    }
    historic_options: ClassVar[dict[str, object]] = {"noise_size": 100, "channels": 128}
    departures = (
        "Noise is normal, not uniform.",
        "Kernels are 4x4, which strides of 2 cover evenly; the paper draws 5x5.",
        "The number of convolutions follows the size of the image; the paper's 64x64 has four.",
        "Classes, where wanted, are planes beside the image and numbers beside the noise; the "
        "paper has none.",
    )
    task = "adversarial"
    inputs_as = "unit"

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        noise_size: int = 64,
        channels: int = 32,
        classes: int = 0,
    ):
        super().__init__()
        _check(input_shape, noise_size, channels, classes)
        self.noise_size, self.classes = noise_size, classes
        seen, *sides = input_shape
        halvings = _halvings(*sides)
        widths = [channels * 2**step for step in range(halvings)]
        height, width = (side // 2**halvings for side in sides)
        self.generator = nn.Sequential(
            *_projection(noise_size + classes, widths[-1], height, width),
            *_growing([*reversed(widths), seen]),
        )
        self.critic = nn.Sequential(
            *_shrinking([seen + classes, *widths]),
            nn.Flatten(),
            nn.Linear(widths[-1] * height * width, 1),
        )
        self.apply(_start)

    def generate(self, noise: Tensor, classes: Tensor | None = None) -> Tensor:
        """Images from noise, (rows, noise_size) -> (rows, channels, height, width), 0 to 1.

        classes : (rows,) int64, codes from 0; only for a network with classes
        """
        told = self._told(classes)
        made = self.generator(noise if told is None else torch.cat([noise, told.to(noise)], dim=1))
        return (made + 1) / 2

    def discriminate(self, inputs: Tensor, classes: Tensor | None = None) -> Tensor:
        """Logit of the chance that an image is a training one; (rows, ...) 0 to 1 -> (rows,).

        classes : (rows,) int64, codes from 0; only for a network with classes
        """
        told, seen = self._told(classes), 2 * inputs - 1
        if told is not None:
            planes = told.to(seen)[:, :, None, None].expand(-1, -1, *seen.shape[2:])
            seen = torch.cat([seen, planes], dim=1)
        return self.critic(seen).squeeze(1)

    def sample(self, rows: int, classes: Tensor | None = None) -> Tensor:
        """Draw images, (rows, channels, height, width); classes are drawn evenly unless given."""
        held = next(self.parameters())
        noise = torch.randn(rows, self.noise_size, device=held.device, dtype=held.dtype)
        if self.classes and classes is None:
            classes = torch.randint(self.classes, (rows,), device=held.device)
        return self.generate(noise, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logit of the chance to be a training image, (rows, channels, height, width) -> (rows, 1).

        With classes the chance is the mean over all of them.
        """
        if not self.classes:
            return self.discriminate(inputs)[:, None]
        codes = torch.arange(self.classes, device=inputs.device).repeat_interleave(len(inputs))
        logits = self.discriminate(inputs.repeat(self.classes, 1, 1, 1), codes)
        logits = logits.unflatten(0, (self.classes, len(inputs)))
        real, made = F.logsigmoid(logits), F.logsigmoid(-logits)
        return (real.logsumexp(0) - made.logsumexp(0))[:, None]

    def _told(self, classes: Tensor | None) -> Tensor | None:
        """One number per class, (rows, classes): 1 for that of the row; None without classes."""
        if (classes is not None) != (self.classes > 0):
            given = "were given" if classes is not None else "were not given"
            raise SettingsError(
                f"This dcgan was built with classes={self.classes}, but classes {given}. Build it "
                "with the number of classes of the data, and train it with the task's conditional."
            )
        return None if classes is None else F.one_hot(classes.long(), self.classes)


def _halvings(height: int, width: int) -> int:
    """How often both sides are halved: while even and large, at least twice."""
    count = 0
    while count < LEAST or (count < MOST and _can_halve(height, width)):
        height, width, count = height // 2, width // 2, count + 1
    return count


def _can_halve(height: int, width: int) -> bool:
    return min(height, width) > SMALLEST and height % 2 == 0 and width % 2 == 0


def _projection(noise_size: int, channels: int, height: int, width: int) -> list[nn.Module]:
    """Noise to small maps, (rows, noise_size) -> (rows, channels, height, width)."""
    return [
        nn.Linear(noise_size, channels * height * width, bias=False),
        nn.Unflatten(1, (channels, height, width)),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    ]


def _growing(widths: list[int]) -> list[nn.Module]:
    """Transposed convolutions that double both sides; the last gives values from -1 to 1."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths[:-1]):
        grow = nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)
        layers += [grow, nn.BatchNorm2d(after), nn.ReLU()]
    return [*layers, nn.ConvTranspose2d(widths[-2], widths[-1], 4, 2, 1), nn.Tanh()]


def _shrinking(widths: list[int]) -> list[nn.Module]:
    """Convolutions that halve both sides; the first is not normalized."""
    layers: list[nn.Module] = [nn.Conv2d(widths[0], widths[1], 4, 2, 1), nn.LeakyReLU(SLOPE)]
    for before, after in pairwise(widths[1:]):
        shrink = nn.Conv2d(before, after, 4, 2, 1, bias=False)
        layers += [shrink, nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE)]
    return layers


def _start(module: nn.Module) -> None:
    """Draw the weights as the paper does; gains around 1, biases 0."""
    if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)):
        mean = 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0
        nn.init.normal_(module.weight, mean, START)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _check(input_shape: tuple[int, ...], noise_size: int, channels: int, classes: int) -> None:
    """Refuse what is no image, sides that cannot be halved twice, and counts that cannot be."""
    if len(input_shape) != 3:
        raise SettingsError(
            f"DCGAN needs images of shape (channels, height, width), got {tuple(input_shape)}. "
            "For a table choose --network gan."
        )
    if any(side < SMALLEST or side % 4 for side in input_shape[1:]):
        raise SettingsError(
            "DCGAN needs images whose sides are multiples of 4, such as 8x8 or 28x28, got "
            f"{input_shape[1]}x{input_shape[2]}. Resize them, or choose --network gan."
        )
    if noise_size < 1 or channels < 1:
        raise SettingsError(
            "Options noise_size and channels of dcgan must be whole numbers above 0, got "
            f"{noise_size} and {channels}."
        )
    if classes < 0 or classes == 1:
        raise SettingsError(
            f"Option classes of dcgan must be 0 (none) or the number of classes, got {classes}."
        )
