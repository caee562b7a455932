"""Seconds for one epoch of an autoencoder over the usual rows of cover, beside other libraries.

10-16-8-16-10 with rectifiers, 283,301 rows, batches of 256, Adam. All competitors take turns in one
process, one epoch each per round; ratios are medians of the ratios within a round. Loops on torch
run with one thread or with all, whichever was quicker for each in the warm-up; JAX takes what it
takes. PyOD's scoring of the training rows, which its fit ends with, is left out.

    python benchmarks/anomaly_speed.py [cover.npz] [--rounds 7] [--rows N]

The table is looked for in anomaly/ under LAYERWISE_DATA. What is not installed is left out:
pip install 'layerwise[benchmark]' pyod.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import torch
from plain_loop import plain_steps
from torch import nn
from torch.nn.functional import mse_loss

from layerwise.contracts import Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.data.known import data_folder
from layerwise.networks.autoencoder import Autoencoder
from layerwise.tasks.detect import Detect
from layerwise.training import train

BATCH_SIZE = 256
ON_TORCH = ("layerwise", "plain loop", "PyOD")


def usual_rows(path: Path, most: int | None) -> torch.Tensor:
    """Give the standardized rows of cover that are no anomalies; (rows, 10) float32."""
    with np.load(path, allow_pickle=False) as file:
        inputs = file["X"][file["y"] == 0][:most].astype(np.float64)
    spread = inputs.std(axis=0)
    ready = (inputs - inputs.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return torch.tensor(ready, dtype=torch.float32)


def network(inputs: torch.Tensor) -> nn.Module:
    """Give the autoencoder; relu after the code too, as PyOD has it."""
    return Autoencoder(inputs.shape[1:], hidden=(16,), code=8, code_activation="relu")


def layerwise(inputs: torch.Tensor) -> Iterator[int]:
    """The engine, as ``layerwise fit`` calls it."""
    stage = Stage(Detect(Target("none")), "adam", {}, 1e-3, epochs=10**6, batch_size=BATCH_SIZE)
    for progress in train(network(inputs), (stage,), TensorDataset(inputs)):
        yield progress.rows


def plain(inputs: torch.Tensor) -> Iterator[int]:
    """A careful loop written by hand."""
    return plain_steps(network(inputs), inputs, inputs, mse_loss, BATCH_SIZE)


def keras_jax(inputs: torch.Tensor, steps_per_execution: int) -> Iterator[int]:
    """Keras 3 on JAX, compiled."""
    import keras

    widths = [keras.layers.Dense(units, activation="relu") for units in (16, 8, 16)]
    last = keras.layers.Dense(inputs.shape[1])
    model = keras.Sequential([keras.Input(inputs.shape[1:]), *widths, last])
    model.compile("adam", "mse", jit_compile=True, steps_per_execution=steps_per_execution)
    rows = inputs.numpy()

    def epochs() -> Iterator[int]:
        while True:
            model.fit(rows, rows, batch_size=BATCH_SIZE, verbose=0)
            yield len(rows)

    return epochs()


def pyod(inputs: torch.Tensor) -> Iterator[int]:
    """PyOD's autoencoder, built anew for each epoch."""
    from pyod.models.auto_encoder import AutoEncoder

    class Trained(AutoEncoder):
        def decision_function(self, X, batch_size=None):  # the name is PyOD's
            return np.arange(len(X), dtype=float)

    rows = inputs.numpy()

    def epochs() -> Iterator[int]:
        while True:
            Trained(
                epoch_num=1, batch_size=BATCH_SIZE, hidden_neuron_list=[16, 8], batch_norm=False,
                dropout_rate=0.0, preprocessing=False, verbose=0, device=torch.device("cpu"),
            ).fit(rows)  # fmt: skip
            yield len(rows)

    return epochs()


def epoch_seconds(steps: Iterator[int], rows: int) -> float:
    """Seconds until so many rows were learned from."""
    done, start = 0, time.perf_counter()
    while done < rows:
        done += next(steps)
    return time.perf_counter() - start


def threads_for(steps: Iterator[int], rows: int) -> int:
    """One thread or all processors: what is quicker for this loop, after an epoch of warm-up."""
    epoch_seconds(steps, rows)
    found = {}
    for threads in (1, os.cpu_count() or 1):
        torch.set_num_threads(threads)
        found[threads] = epoch_seconds(steps, rows)
    return max(found, key=lambda threads: -found[threads])


def installed(competitors: dict[str, Callable], inputs: torch.Tensor) -> dict[str, Iterator[int]]:
    """Build those competitors whose library is there."""
    running = {}
    for name, build in competitors.items():
        try:
            running[name] = build(inputs)
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return running


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    usual = data_folder() / "anomaly" / "cover.npz"
    parser.add_argument("path", nargs="?", type=Path, default=usual)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rows", type=int, default=None)
    chosen = parser.parse_args()
    inputs = usual_rows(chosen.path, chosen.rows)
    running = installed(
        {
            "layerwise": layerwise,
            "plain loop": plain,
            "Keras 3, JAX": lambda inputs: keras_jax(inputs, 1),
            "Keras 3, JAX, 32 at once": lambda inputs: keras_jax(inputs, 32),
            "PyOD": pyod,
        },
        inputs,
    )
    threads = {name: threads_for(steps, len(inputs)) for name, steps in running.items()}
    found: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(chosen.rounds):
        for name, steps in running.items():
            torch.set_num_threads(threads[name])
            found[name].append(epoch_seconds(steps, len(inputs)))
    print(f"torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} processors")
    print(f"{len(inputs):,} rows, batch {BATCH_SIZE}, {chosen.rounds} rounds")
    print(f"  {'':26} {'threads':>7} {'s/epoch, median':>16} {'layerwise is':>14} {'least':>7}")
    for name, seconds in found.items():
        ratios = [other / ours for ours, other in zip(found["layerwise"], seconds, strict=True)]
        used = threads[name] if name in ON_TORCH else "own"
        print(f"  {name:26} {used:>7} {statistics.median(seconds):16.3f} "
              f"{statistics.median(ratios):12.2f} x {min(ratios):6.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
