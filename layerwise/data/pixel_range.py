"""The range that the values of images and vectors can have, as a network sees it."""

from typing import Any

import torch
from torch import Tensor

from layerwise.data.hiding import WIDE
from layerwise.errors import SettingsError


def pixel_range(preparation: Any) -> tuple[Tensor, Tensor]:
    """Lowest and highest value of each channel, or of each number of a vector, when prepared.

    Bytes go from 0 to 255; other numbers from the smallest to the largest of all that the
    training rows hold.

    returns : two tensors (channels, 1, 1) or (features,) float32
    Raises SettingsError where the inputs are no images or vectors, or their range is not known.
    """
    inputs, constants = preparation.to_json()["inputs"], preparation.tensors()
    _check(preparation, inputs, constants)
    low, high = 0.0, 255.0
    if inputs["dtype"] != "uint8":
        low, high = float(constants["low"].min()), float(constants["high"].max())
    mean, scale = constants["mean"].double(), constants["scale"].double()
    shape = (-1, *[1] * (len(preparation.input_shape) - 1))
    ends = [((end - mean) / scale).to(torch.float32).reshape(shape) for end in (low, high)]
    return ends[0], ends[1]


def _check(preparation: Any, inputs: dict, constants: dict[str, Tensor]) -> None:
    if preparation.form not in ("images", "vectors"):
        raise SettingsError(
            "Adversarial examples are small steps of all values in one unit, so the inputs must "
            f"be images or arrays of one kind of number, got the form '{preparation.form}'."
        )
    if inputs["dtype"] != "uint8" and float(constants["high"].max()) >= WIDE:
        raise SettingsError(
            "The range of the values is not known, because --no-rows keeps it out of the run. "
            "Fit without --no-rows, or with images of 8 bits."
        )
    if preparation.input_shape[0] != len(constants["mean"]):
        raise SettingsError(
            "Some rows lack values, and what is missing cannot be moved by an adversary. "
            "Fill them in first."
        )
