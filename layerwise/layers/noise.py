"""Noise on inputs, by name: what a denoising network learns to take away again."""

import torch
from torch import Tensor

from layerwise.errors import SettingsError, nearest

NOISES = ("none", "gaussian", "masking", "salt_and_pepper")


def corrupted(inputs: Tensor, noise: str, level: float) -> Tensor:
    """Give the inputs with noise drawn from torch's default generator.

    Source: Vincent et al. 2010, "Stacked denoising autoencoders", JMLR 11, section 4.2.

    inputs : any shape
    noise : gaussian adds a normal number of deviation ``level`` to each; masking sets each to 0
        with chance ``level``; salt_and_pepper sets each, with chance ``level``, to the smallest
        or the largest number of the batch, whichever a fair coin says; none changes nothing
    returns : a tensor of the same shape
    """
    if noise == "none":
        return inputs
    if noise == "gaussian":
        return inputs + level * torch.randn_like(inputs)
    draw = torch.rand_like(inputs)
    if noise == "masking":
        return torch.where(draw < level, torch.zeros_like(inputs), inputs)
    assert noise == "salt_and_pepper", noise
    peppered = torch.where(draw < level / 2, inputs.amin(), inputs)
    return torch.where((draw >= level / 2) & (draw < level), inputs.amax(), peppered)


def check_noise(noise: str, level: float, task: str) -> None:
    """Refuse a noise that there is not, or a level that it cannot have.

    task : whose options they are, for the sentence
    """
    if noise not in NOISES:
        raise SettingsError(f"There is no noise '{noise}' in {task}.{nearest(noise, NOISES)}")
    if level < 0 or (noise in ("masking", "salt_and_pepper") and level >= 1):
        must = "0 or more" if noise in ("none", "gaussian") else "from 0 to below 1"
        raise SettingsError(
            f"Option noise_level of {task} must be {must} with noise {noise}, got {level}."
        )
