"""Style transfer through the engine: the picture is the network that is trained."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from layerwise.contracts import Stage
from layerwise.data.kept import data_folder
from layerwise.data.photographs import read_photograph
from layerwise.data.weights import FOLDER, WEIGHTS, read_weights
from layerwise.errors import SettingsError, nearest
from layerwise.evaluation.style import CONTENT, CONTENT_OF_RANDOM, OneRow, Picture, Stylize
from layerwise.job.machine import choose_device
from layerwise.networks.vgg import VGG
from layerwise.report.live import Display
from layerwise.training import train

NETWORK = "vgg19"
CHOICES = ("auto", "published", "random")
SMALLEST = 32  # pixels of the longer side
PREFIX = "features."


@dataclass(frozen=True)
class Styling:
    """How a picture is made; see ``learner.style_picture``."""

    size: int
    steps: int
    style_weight: float
    smoothness: float
    weights: str
    seed: int
    width: float = 1.0  # share of the network's channels, where it is random


def styled(content: str, style: str, how: Styling, display: Display) -> np.ndarray:
    """The picture, (height, width, 3) uint8; its height and width are those of the content.

    content, style : files, or china or flower
    """
    _check(how)
    device, _ = choose_device("auto")
    shown, painted = (
        torch.from_numpy(read_photograph(one, how.size)).unsqueeze(0).to(device)
        for one in (content, style)
    )
    features, content_layer = _features(how, display)
    task = Stylize(
        features.to(device), shown, painted, style_weight=how.style_weight,
        smoothness=how.smoothness, content_layer=content_layer,
    )  # fmt: skip
    network = Picture(shown)
    stage = Stage(
        task, "lbfgs", {"max_iter": 1, "history_size": 20, "tolerance_change": 0.0,
                        "tolerance_grad": 0.0}, 1.0, epochs=how.steps, batch_size=1,
    )  # fmt: skip
    display.start(how.steps, 1)
    for progress in train(network, (stage,), OneRow(), seed=how.seed):
        if progress is not None:
            display.step(progress.step, progress.losses)
    display.close()
    pixels = network.pixels.detach().clamp(0, 1)[0].permute(1, 2, 0)
    return (pixels * 255).round().to(torch.uint8).cpu().numpy()


def _features(how: Styling, display: Display) -> tuple[nn.Sequential, str]:
    """The convolutions of VGG-19 and the layer of the content.

    The weights are the published ones where they have been fetched, else random, which is said.
    """
    folder = data_folder() / FOLDER
    there = (folder / WEIGHTS[NETWORK]).is_file()
    published = how.weights == "published" or (how.weights == "auto" and there)
    found = read_weights(NETWORK, folder) if published else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(how.seed)
        whole = VGG((3, 224, 224), 1, configuration="E", width=how.width)
    if published:
        kept = {k.removeprefix(PREFIX): v for k, v in found.items() if k.startswith(PREFIX)}
        whole.features.load_state_dict(kept)
        display.decided("network", f"{NETWORK}, published weights")
    else:
        why = "as asked" if how.weights == "random" else "no published weights have been fetched"
        display.decided("network", f"{NETWORK} with random weights", why)
        display.say(
            "Random weights carry over colours and textures (Ustyuzhaninov et al. 2016; He et al. "
            f"2016), trained ones also strokes and shapes. To fetch them: layerwise fetch {NETWORK}"
        )
    layer = CONTENT if published else CONTENT_OF_RANDOM
    return whole.features.requires_grad_(False), layer


def _check(how: Styling) -> None:
    if how.size < SMALLEST:
        raise SettingsError(
            f"--size must be a whole number of pixels, at least {SMALLEST}, got {how.size}."
        )
    if how.steps < 1:
        raise SettingsError(f"--steps must be a whole number, at least 1, got {how.steps}.")
    for name in ("style_weight", "smoothness"):
        if not getattr(how, name) >= 0:
            flag = f"--{name.replace('_', '-')}"
            raise SettingsError(f"{flag} must not be negative, got {getattr(how, name)}.")
    if how.weights not in CHOICES:
        raise SettingsError(
            f"--weights must be {', '.join(CHOICES)}, got '{how.weights}'."
            f"{nearest(how.weights, CHOICES)}"
        )
