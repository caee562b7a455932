"""Images per second of ResNet-50 on a GPU, and the share of its matrix rate; nothing without one.

Synthetic ImageNet (224x224, kept as bytes on the card), bf16 by autocast, channels-last, compiled,
flips and moves on the card; layerwise's engine with SGD and momentum.

    python benchmarks/gpu_vision.py [--network resnet50] [--batch 256] [--steps 30] [--eager]

The matrix rate is measured: the best of products of square bf16 matrices. The arithmetic of a step
is counted as three times that of the forward pass, a multiplication and an addition each.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from layerwise.contracts import Stage, Target
from layerwise.data import read
from layerwise.data.augmentation import Augment
from layerwise.data.datasets import TensorDataset
from layerwise.data.standardize import ImageInputs
from layerwise.networks import network_class, variant_options
from layerwise.networks.summary import summarize
from layerwise.tasks.classify import Classify
from layerwise.training import train

FOREVER = 10**6  # epochs
CLASSES = 100
SHAPE = (3, 224, 224)


def dataset(count: int, device: torch.device) -> TensorDataset:
    """Made images as bytes, and their classes, on the device; standardized batch by batch."""
    source = read("synthetic_imagenet", options={"count": count, "classes": CLASSES})
    assert source.inputs is not None
    images = torch.from_numpy(np.ascontiguousarray(source.inputs)).to(device)
    targets = torch.tensor(source.frame["label"].to_numpy(), device=device)
    constants = torch.full((3,), 127.0), torch.full((3,), 50.0)
    return TensorDataset(images, targets, prepare=ImageInputs(*constants).to(device)).to(device)


def build(name: str, device: torch.device, compiled: bool) -> nn.Module:
    """The network with weights of seed 0."""
    torch.manual_seed(0)
    network = network_class(name)(SHAPE, CLASSES, **variant_options(name, {})).to(device)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if compiled:
        network.compile()
    return network


def images_per_second(
    network: nn.Module, data: TensorDataset, batch: int, warm_up: int, steps: int,
    wait: Callable[[], None],
) -> float:  # fmt: skip
    """The rate over so many steps after a warm-up, in which the network is compiled.

    wait : until the device has done what it was told
    """
    target = Target("classes", ("y",), tuple(map(str, range(CLASSES))))
    options = {"momentum": 0.9, "weight_decay": 1e-4}
    stage = Stage(Classify(target), "sgd", options, 0.01, epochs=FOREVER, batch_size=batch)
    augment = Augment(flip=True, crop=16)
    running = train(network, (stage,), data, precision="bf16", traced=False, augment=augment)
    rows = 0
    for _ in range(warm_up):
        next(running)
    wait()
    start = time.perf_counter()
    for _ in range(steps):
        progress = next(running)
        assert progress is not None
        rows += progress.rows
    wait()
    return rows / (time.perf_counter() - start)


def matrix_rate(device: torch.device, side: int, wait: Callable[[], None]) -> float:
    """Operations per second of a product of square bf16 matrices, the best of ten."""
    left, right = (torch.randn(side, side, device=device).bfloat16() for _ in range(2))
    times = []
    for _ in range(10):
        wait()
        start = time.perf_counter()
        for _ in range(5):
            torch.mm(left, right)
        wait()
        times.append((time.perf_counter() - start) / 5)
    return 2 * side**3 / min(times)


def main() -> None:
    """Measure once, and print the card's name with it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="resnet50")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warm-up", type=int, default=15)
    parser.add_argument("--count", type=int, default=2560)
    parser.add_argument("--eager", action="store_true", help="without torch.compile")
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        print("There is no GPU here: nothing was measured.")
        return
    device, wait = torch.device("cuda", 0), torch.cuda.synchronize
    rate = matrix_rate(device, 8192, wait)
    network = build(asked.network, device, not asked.eager)
    per_image = 6 * sum(layer.multiply_adds for layer in summarize(network, SHAPE))
    data = dataset(asked.count, device)
    found = images_per_second(network, data, asked.batch, asked.warm_up, asked.steps, wait)
    how = "eager" if asked.eager else "compiled"
    print(f"{torch.cuda.get_device_name(device)}, torch {torch.__version__}")
    print(
        f"{asked.network}, 224x224, batch {asked.batch}, bf16, channels-last, {how}: "
        f"{found:,.0f} images/s"
    )
    print(
        f"{found * per_image / 1e12:,.1f} Tflop/s, {found * per_image / rate:.1%} of the "
        f"{rate / 1e12:,.0f} Tflop/s of bf16 matrix products; "
        f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB at most"
    )


if __name__ == "__main__":
    main()
