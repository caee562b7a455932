"""Shortcuts let depth learn: with 56 layers a loss of 1.08 nats, the plain twin ends at 2.00.

After He et al. 2016, figure 6: three stages of 3x3 convolutions on CIFAR, plain and residual twins
with the same number of weights and the same recipe. Reduced for two processor cores: 10,000
training images, half the channels (8, 16, 32), 5 epochs of 78 steps in place of 164 of 391, no
augmentation. One seed; mean training loss of the last epoch in nats, and the share of the 2,000
test images that is right (an interval of about +-2 %):

    layers     plain              with shortcuts
       8       1.269   54.3 %     1.299   51.1 %
      20       1.466   44.9 %     1.104   57.6 %
      56       2.002   24.1 %     1.081   55.2 %

The shallow twins show no gap; the plain nets learn less the deeper they are, the others do not.
16 minutes of one core for all six; residual.png beside this file is the figure.

    python examples/residual.py [figure.png] [SEED...]      # cifar10-subset in LAYERWISE_DATA
"""

import os
import sys
import time
from pathlib import Path

import matplotlib
import numpy as np
import torch
from torch import Tensor

from layerwise.contracts import Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.evaluation.evaluate import predict
from layerwise.networks.cifar_resnet import CifarResNet
from layerwise.tasks.classify import Classify
from layerwise.training import train

matplotlib.use("agg")  # a file, no window
from matplotlib import pyplot

DEPTHS, WIDTH = (8, 20, 56), 0.5
TASK = Classify(Target("classes", ("object",), tuple("0123456789")))
STAGE = Stage(
    TASK, "sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}, 0.1, "one_cycle",
    {"rise": 0.2}, epochs=5, batch_size=128,
)  # fmt: skip


def images() -> dict[str, tuple[Tensor, Tensor]]:
    """Part -> images (rows, 3, 32, 32), standardized by the training ones, and classes."""
    path = Path(os.environ["LAYERWISE_DATA"]) / "cifar10-subset" / "cifar10_subset.npz"
    with np.load(path, allow_pickle=False) as held:
        pixels = {one: torch.from_numpy(held[f"x_{one}"]).float() for one in ("train", "test")}
        classes = {one: torch.from_numpy(held[f"y_{one}"].astype("int64")) for one in pixels}
    mean, deviation = pixels["train"].mean((0, 1, 2)), pixels["train"].std((0, 1, 2))
    return {
        one: (((pixels[one] - mean) / deviation).movedim(3, 1).contiguous(), classes[one])
        for one in pixels
    }


def learned(depth: int, shortcuts: bool, seed: int, rows: dict) -> tuple[list[float], float]:
    """Mean training loss of every epoch, in nats, and the share of test images that is right."""
    torch.manual_seed(seed)
    network = CifarResNet((3, 32, 32), 10, depth=depth, width=WIDTH, shortcuts=shortcuts)
    losses = [
        progress.losses()["network"]
        for progress in train(network, (STAGE,), TensorDataset(*rows["train"]), seed=seed)
        if progress and progress.epoch_ended
    ]
    test, classes = rows["test"]
    right = predict(network, TASK, TensorDataset(test)).argmax(1) == classes
    return losses, float(right.float().mean())


def draw(found: dict[tuple[int, bool], list[list[float]]], path: str) -> None:
    """Training loss against epochs: plain nets dashed, residual ones solid, mean over seeds."""
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    for (depth, shortcuts), runs in found.items():
        mean = np.mean(runs, axis=0)
        name = f"{'ResNet' if shortcuts else 'plain'}-{depth}"
        axes.plot(
            range(1, len(mean) + 1), mean, "-" if shortcuts else "--", marker="o",
            color=f"C{DEPTHS.index(depth)}", label=name,
        )  # fmt: skip
    axes.set(xlabel="epoch", ylabel="training loss (nats)", xticks=range(1, STAGE.epochs + 1))
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    seeds = [int(word) for word in sys.argv[1:] if word.isdecimal()] or [0]
    paths = [word for word in sys.argv[1:] if not word.isdecimal()]
    rows, found = images(), {}
    for depth in DEPTHS:
        for shortcuts in (False, True):
            for seed in seeds:
                began = time.process_time()
                losses, right = learned(depth, shortcuts, seed, rows)
                found.setdefault((depth, shortcuts), []).append(losses)
                print(
                    f"{'ResNet' if shortcuts else 'plain'}-{depth}, seed {seed}: training loss "
                    f"{', '.join(f'{loss:.3f}' for loss in losses)}; {100 * right:.1f} % of the "
                    f"test images right; {time.process_time() - began:.0f} s of processors",
                    flush=True,
                )
    if paths:
        draw(found, paths[0])


if __name__ == "__main__":
    main()
