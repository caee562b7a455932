"""Steps per second on images, beside loops that a careful person writes by hand.

All take turns in one process; a ratio is one of minima: the shortest time of a step over all turns,
so that a stolen core spoils no figure. Each loop runs with one thread or all, and a DataLoader
without workers or with two, whichever was quicker for it in a warm-up.

    python benchmarks/vision.py [--rounds 9] [--steps 4] [--only resnet20]

- resnet20: 32x32 in colour, batch 128; flips, and 4 pixels of padding cropped again.
- cnn: 32 and 64 convolutions, 28x28 in grey, batch 128; moves by up to 2 pixels.

Against layerwise's engine stand: the loop of the tutorials with a DataLoader, the same augmentation
done example by example, in contiguous format; the same loop in channels-last without augmentation;
and, without a DataLoader, data that are resident and taken by index, in channels-last. All with
Adam. Then the share of a step outside torch's kernels (by torch's profiler), and the share that
the arithmetic has of what matrix products reach on this machine.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from plain_loop import plain_steps
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader, Dataset

from layerwise.contracts import Stage, Target
from layerwise.data.augmentation import Augment
from layerwise.data.datasets import TensorDataset
from layerwise.networks import network_class, variant_options
from layerwise.networks.summary import summarize
from layerwise.tasks.classify import Classify
from layerwise.training import train

FOREVER = 10**6  # epochs
BATCH = 128
CLASSES = 10


@dataclass(frozen=True)
class Job:
    """A network, its images, and how they are augmented.

    pixels : of padding on each side, and so of the largest move
    """

    network: str
    shape: tuple[int, int, int]
    pixels: int
    flip: bool

    def build(self) -> nn.Module:
        """The network with the same weights each time."""
        torch.manual_seed(0)
        options = variant_options(self.network, {})
        return network_class(self.network)(self.shape, CLASSES, **options)

    def data(self, rows: int) -> tuple[Tensor, Tensor]:
        """Made images (rows, *shape) and classes (rows,)."""
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(rows, *self.shape, generator=generator)
        return images, torch.randint(CLASSES, (rows,), generator=generator)


JOBS = {
    "resnet20": Job("resnet20", (3, 32, 32), 4, True),
    "cnn": Job("cnn", (1, 28, 28), 2, False),
}


# the loops -------------------------------------------------------------------------------------


def engine(job: Job, rows: int, augment: Augment | None) -> Iterator[int]:
    """Layerwise's engine."""
    target = Target("classes", ("y",), tuple("abcdefghij"))
    stage = Stage(Classify(target), "adam", {}, 1e-3, epochs=FOREVER, batch_size=BATCH)
    data = TensorDataset(*job.data(rows))
    for progress in train(job.build(), (stage,), data, augment=augment):
        yield progress.rows


class OneByOne(Dataset):
    """Examples, each flipped, padded and cropped by itself."""

    def __init__(self, job: Job, rows: int):
        self.job, (self.images, self.targets) = job, job.data(rows)

    def __len__(self) -> int:
        """Rows."""
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        """One image, changed, and its class."""
        image, pixels = self.images[row], self.job.pixels
        _, height, width = image.shape
        if self.job.flip and torch.rand(()) < 0.5:
            image = image.flip(2)
        top, left = torch.randint(2 * pixels + 1, (2,)).tolist()
        padded = F.pad(image, (pixels, pixels, pixels, pixels))
        return padded[:, top : top + height, left : left + width], self.targets[row]


def loader(job: Job, data: Dataset, layout: torch.memory_format, workers: int) -> Iterator[int]:
    """The loop of the tutorials."""
    network = job.build().to(memory_format=layout)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    batches = DataLoader(
        data, BATCH, shuffle=True, drop_last=True, num_workers=workers,
        persistent_workers=workers > 0,
    )  # fmt: skip
    while True:
        for images, targets in batches:
            optimizer.zero_grad()
            outputs = network(images.contiguous(memory_format=layout))
            F.cross_entropy(outputs, targets).backward()
            optimizer.step()
            yield len(images)


def loops(job: Job, rows: int) -> dict[str, list[Callable[[], Iterator[int]]]]:
    """Name -> the ways to run it, of which the quickest counts."""
    augment = Augment(flip=job.flip, crop=job.pixels)
    plain = torch.utils.data.TensorDataset(*job.data(rows))
    contiguous, last = torch.contiguous_format, torch.channels_last
    return {
        "engine, augmented": [lambda: engine(job, rows, augment)],
        "engine": [lambda: engine(job, rows, None)],
        "loader, augmented, contiguous": [
            lambda: loader(job, OneByOne(job, rows), contiguous, 0),
            lambda: loader(job, OneByOne(job, rows), contiguous, 2),
        ],
        "loader, channels-last": [
            lambda: loader(job, plain, last, 0),
            lambda: loader(job, plain, last, 2),
        ],
        "resident, channels-last": [
            lambda: plain_steps(job.build(), *job.data(rows), F.cross_entropy, BATCH)
        ],
    }


# measuring -------------------------------------------------------------------------------------


@dataclass
class Loop:
    """A loop that runs, with the threads that serve it best."""

    steps: Iterator[int]
    threads: int
    best: float = float("inf")  # seconds of the shortest turn, per step

    def turn(self, steps: int) -> None:
        """Measure so many steps in one go."""
        torch.set_num_threads(self.threads)
        self.best = min(self.best, seconds(self.steps, steps))


def seconds(loop: Iterator[int], steps: int) -> float:
    """Seconds per step over so many."""
    start = time.perf_counter()
    for _ in range(steps):
        next(loop)
    return (time.perf_counter() - start) / steps


def chosen(ways: list[Callable[[], Iterator[int]]], steps: int) -> Loop:
    """The quickest way to run a loop, and its threads, after a warm-up of each."""
    found = []
    for build in ways:
        running = build()
        for threads in sorted({1, os.cpu_count() or 1}):
            torch.set_num_threads(threads)
            seconds(running, max(3, steps))  # a step is traced when its shape comes again
            found.append((seconds(running, steps), threads, running))
    _, threads, running = min(found, key=lambda one: one[0])
    return Loop(running, threads)


def matrix_rate(threads: int, side: int = 1024) -> float:
    """Floating-point operations per second of a product of square matrices, at best."""
    torch.set_num_threads(threads)
    left, right = torch.randn(side, side), torch.randn(side, side)
    out = torch.empty(side, side)
    times = []
    for _ in range(12):
        start = time.perf_counter()
        torch.mm(left, right, out=out)
        times.append(time.perf_counter() - start)
    return 2 * side**3 / min(times)


def outside_kernels(loop: Loop, steps: int) -> float:
    """Share of the time that no operation of torch accounts for, by torch's profiler."""
    torch.set_num_threads(loop.threads)
    with profile(activities=[ProfilerActivity.CPU]) as record:
        whole = seconds(loop.steps, steps) * steps
    inside = sum(
        event.self_cpu_time_total for event in record.key_averages()
        if event.key.startswith(("aten::", "mkldnn::", "prims::"))
    )  # fmt: skip
    return max(0.0, 1 - inside * 1e-6 / whole)


def operations(job: Job) -> float:
    """Of one step: a multiplication and an addition, forward once and backward twice."""
    layers = summarize(job.build(), job.shape)
    return 2 * 3 * BATCH * sum(layer.multiply_adds for layer in layers)


def measure(name: str, rounds: int, steps: int, rows: int) -> None:
    """Print times, ratios of minima and shares for one job."""
    job = JOBS[name]
    running = {key: chosen(ways, steps) for key, ways in loops(job, rows).items()}
    rates = {loop.threads: 0.0 for loop in running.values()}
    for _ in range(rounds):
        for loop in running.values():
            loop.turn(steps)
        rates = {threads: max(rate, matrix_rate(threads)) for threads, rate in rates.items()}
    print(f"{name}, batch {BATCH}, {rounds} rounds of {steps} steps")
    for key, loop in running.items():
        share = operations(job) / loop.best / rates[loop.threads]
        print(
            f"  {key:30} {1000 * loop.best:8.2f} ms a step, {BATCH / loop.best:9,.0f} images/s, "
            f"{loop.threads} threads, {share:.0%} of {rates[loop.threads] / 1e9:,.0f} Gflop/s"
        )
    pairs = (
        ("engine, augmented", "loader, augmented, contiguous"),
        ("engine", "loader, channels-last"),
        ("engine", "resident, channels-last"),
        ("engine, augmented", "engine"),
    )
    for ours, other in pairs:
        ratio = running[other].best / running[ours].best
        print(f"  {ours} is {ratio:.2f} times as fast as {other}")
    for key in ("engine, augmented", "engine"):
        share = outside_kernels(running[key], max(4, steps))
        print(f"  {key}: {share:.1%} of a step is outside torch's kernels")


def main() -> None:
    """Measure every job."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rows", type=int, default=20 * BATCH)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    print(f"torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} processors")
    for name in JOBS:
        if asked.only in name:
            measure(name, asked.rounds, asked.steps, max(2 * BATCH, asked.rows))


if __name__ == "__main__":
    main()
