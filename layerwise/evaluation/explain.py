"""Where in an image a network sees what it says: four maps, from its scores and gradients."""

from typing import Any

import torch
from torch import Tensor, nn

from layerwise.layers.perturbation import input_gradient

STEPS = 32  # of integrated gradients
PATCHES = 7  # places on a side that are covered in turn


def class_scores(network: nn.Module, inputs: Tensor, classes: Tensor) -> Tensor:
    """Score of the given class of each row before any softmax, (rows,).

    Of two classes with one output it is the output for the second one, less it for the first.
    """
    scores = network(inputs)
    if scores.shape[1] == 1:
        return scores[:, 0] * (2 * classes - 1)
    return scores.gather(1, classes.unsqueeze(1)).squeeze(1)


def saliency(network: nn.Module, inputs: Tensor, classes: Tensor) -> Tensor:
    """How much the score moves with each pixel: the largest |gradient| over the channels.

    Source: Simonyan, Vedaldi and Zisserman 2014, "Deep inside convolutional networks", section 3.

    inputs : (rows, channels, height, width); classes : (rows,) int64
    returns : (rows, height, width)
    """
    gradient = input_gradient(lambda moved: class_scores(network, moved, classes), inputs)
    return gradient.abs().amax(dim=1)


def integrated_gradients(
    network: nn.Module, inputs: Tensor, classes: Tensor, baseline: Tensor, *, steps: int = STEPS
) -> Tensor:
    """Share of each number in the difference of the score from that of a baseline.

    Source: Sundararajan, Taly and Yan 2017, "Axiomatic attribution for deep networks", ICML,
    equation 1, by the midpoints of so many steps. All shares of a row sum to its score less that of
    the baseline (their section 3, completeness), up to the error of the sum.

    baseline : broadcasts to the inputs
    returns : the shape of the inputs
    """
    away, total = inputs - baseline, torch.zeros_like(inputs)
    for step in range(steps):
        place = baseline + (step + 0.5) / steps * away
        total += input_gradient(lambda moved: class_scores(network, moved, classes), place)
    return away * total / steps


def grad_cam(network: nn.Module, layer: nn.Module, inputs: Tensor, classes: Tensor) -> Tensor:
    """Where the maps of a convolution speak for the class.

    Source: Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks via
    gradient-based localization", ICCV, equations 1 and 2: ReLU of the maps' sum, each weighted by
    the mean gradient of the score over its places; enlarged to the image.

    layer : of the network; its outputs are (rows, maps, height, width)
    returns : (rows, height, width), 0 or more
    """
    kept: list[Any] = []
    handle = layer.register_forward_hook(lambda module, given, made: kept.append(made))
    try:
        with torch.enable_grad():
            score = class_scores(network, inputs.detach().requires_grad_(), classes)
            (gradient,) = torch.autograd.grad(score.sum(), kept[-1])
    finally:
        handle.remove()
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    spoken = torch.relu((weights * kept[-1].detach()).sum(dim=1, keepdim=True))
    size: Any = inputs.shape[2:]
    return nn.functional.interpolate(spoken, size=size, mode="bilinear")[:, 0]


@torch.no_grad()
def occlusion(
    network: nn.Module, inputs: Tensor, classes: Tensor, fill: Tensor | float = 0.0
) -> Tensor:
    """How much of the score is lost when a square around each place is covered.

    Source: Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks", ECCV,
    section 4.2. Squares of about a quarter of the side, at 7 x 7 places; where several cover a
    pixel, their mean.

    fill : what covers, broadcasts to the inputs; 0 is the training mean
    returns : (rows, height, width)
    """
    whole = class_scores(network, inputs, classes)
    lost = torch.zeros_like(inputs[:, 0])
    times = torch.zeros_like(inputs[0, 0])
    cover = torch.zeros_like(inputs) + fill
    for top, bottom in _squares(inputs.shape[2]):
        for left, right in _squares(inputs.shape[3]):
            covered = inputs.clone()
            place = (..., slice(top, bottom), slice(left, right))
            covered[place] = cover[place]
            loss = whole - class_scores(network, covered, classes)
            lost[place] += loss.reshape(-1, 1, 1)
            times[place] += 1
    return lost / times


def _squares(side: int) -> list[tuple[int, int]]:
    """First and last pixel of the squares along a side; together they cover all of it."""
    width = max(1, round(side / 4))
    starts = torch.linspace(0, side - width, min(PATCHES, side - width + 1)).round().int().tolist()
    return [(start, start + width) for start in dict.fromkeys(starts)]
