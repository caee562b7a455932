"""Training speed in rows per second, beside a hand-written loop and other libraries.

All competitors take turns in one process and one run; the figure is the median over the rounds,
and ratios are medians of the ratios within a round, so that a stolen core hits everyone alike.
Each loop on torch runs with one thread or with all, whichever was quicker for it in the warm-up
(``layerwise fit`` chooses the same way); JAX and scikit-learn take what they take.

    python benchmarks/throughput.py [--rounds 7] [--seconds 1.0] [--peers]

``--peers`` adds Keras 3 on JAX and Lightning (pip install 'layerwise[benchmark]').
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import torch
from plain_loop import loader_steps, plain_steps
from workloads import WORKLOADS, Workload

from layerwise.contracts import Batch, Loss, Stage
from layerwise.data.datasets import TensorDataset
from layerwise.training import train

ON_TORCH = ("layerwise", "(a) DataLoader loop", "(b) plain loop", "(e) Lightning")


class WorkloadTask:
    """The workload's loss as a task."""

    def __init__(self, workload: Workload):
        self.workload = workload

    def losses(self, network, batch: Batch) -> Iterator[Loss]:
        """Yield the mean loss over the rows."""
        outputs = network(batch.inputs)
        yield Loss(self.workload.loss(outputs, batch.targets), len(batch.targets))


def layerwise_steps(workload: Workload) -> Iterator[int]:
    """The engine, as ``layerwise fit`` calls it."""
    stage = Stage(WorkloadTask(workload), "adam", learning_rate=1e-3, epochs=10**6,
                  batch_size=workload.batch_size)  # fmt: skip
    for progress in train(workload.build(), (stage,), TensorDataset(*workload.data())):
        yield progress.rows


def plain(workload: Workload) -> Iterator[int]:
    """(b) the careful loop."""
    return plain_steps(workload.build(), *workload.data(), workload.loss, workload.batch_size)


def loader(workload: Workload) -> Iterator[int]:
    """(a) the tutorial's loop."""
    return loader_steps(workload.build(), *workload.data(), workload.loss, workload.batch_size)


def scikit_learn(workload: Workload) -> Iterator[int] | None:
    """(c) scikit-learn's MLP, by whole epochs."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if not workload.units:
        return None
    inputs, targets = (tensor.numpy() for tensor in workload.data())
    kind = MLPRegressor if workload.kind == "reconstruct" else MLPClassifier
    model = kind(hidden_layer_sizes=workload.units, batch_size=workload.batch_size, max_iter=1)
    classes = {} if kind is MLPRegressor else {"classes": np.unique(targets)}
    few = min(len(inputs), 40 * workload.batch_size)

    def steps() -> Iterator[int]:
        while True:
            model.partial_fit(inputs[:few], targets[:few], **classes)
            yield few

    return steps()


def keras_jax(workload: Workload, steps_per_execution: int) -> Iterator[int]:
    """(d) Keras 3 on JAX, compiled, by whole epochs."""
    import keras

    layers = [keras.Input(workload.shape if workload.units else (28, 28, 1))]
    layers += [keras.layers.Dense(units, activation="relu") for units in workload.units]
    if not workload.units:
        layers += [
            keras.layers.Conv2D(6, 5, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(16, 5, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(120, activation="relu"),
            keras.layers.Dense(84, activation="relu"),
        ]
    model = keras.Sequential([*layers, keras.layers.Dense(workload.outputs)])
    loss = {
        "binary": keras.losses.BinaryCrossentropy(from_logits=True),
        "classes": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "reconstruct": "mse",
    }[workload.kind]
    model.compile("adam", loss, jit_compile=True, steps_per_execution=steps_per_execution)
    inputs, targets = (tensor.numpy() for tensor in workload.data())
    if not workload.units:
        inputs = inputs.transpose(0, 2, 3, 1)
    few = min(len(inputs), 192 * workload.batch_size) // workload.batch_size * workload.batch_size
    while True:
        model.fit(inputs[:few], targets[:few], batch_size=workload.batch_size, verbose=0)
        yield few


def lightning(workload: Workload) -> Iterator[int]:
    """(e) Lightning, by whole epochs of its own trainer."""
    import logging
    import warnings

    import lightning

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = workload.build()

        def training_step(self, batch, _):
            return workload.loss(self.network(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1e-3)

    inputs, targets = workload.data()
    few = min(len(inputs), 96 * workload.batch_size)
    data = torch.utils.data.TensorDataset(inputs[:few], targets[:few])
    module = Module()
    while True:
        batches = torch.utils.data.DataLoader(data, workload.batch_size, shuffle=True)
        trainer = lightning.Trainer(
            max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(module, batches)
        yield few


def rate(steps: Iterator[int], seconds: float) -> float:
    """Rows per second over at least so many seconds."""
    rows, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        rows += next(steps)
    return rows / spent


def threads_for(steps: Iterator[int], seconds: float) -> int:
    """One thread or all processors: what is quicker for this loop, after a warm-up of each."""
    found = {}
    for threads in (1, os.cpu_count() or 1):
        torch.set_num_threads(threads)
        rate(steps, seconds)
        found[threads] = rate(steps, seconds)
    return max(found, key=lambda threads: found[threads])


def measure(workload: Workload, competitors: dict[str, Callable], rounds: int, seconds: float):
    """Print the median speed of each competitor and layerwise's ratio to it."""
    running = {name: build(workload) for name, build in competitors.items()}
    running = {name: steps for name, steps in running.items() if steps is not None}
    threads = {name: threads_for(steps, seconds) for name, steps in running.items()}
    found: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, steps in running.items():
            torch.set_num_threads(threads[name])
            next(steps)  # the pool of threads wakes up
            found[name].append(rate(steps, seconds))
    print(f"\n{workload.name}, {workload.rows:,} rows, batch {workload.batch_size}")
    print(f"  {'':28} {'threads':>7} {'rows/s, median':>15} {'layerwise is':>14} {'least':>7}")
    for name, rates in found.items():
        ratios = [ours / other for ours, other in zip(found["layerwise"], rates, strict=True)]
        used = threads[name] if name in ON_TORCH else "own"
        print(f"  {name:28} {used:>7} {statistics.median(rates):15,.0f} "
              f"{statistics.median(ratios):12.2f} x {min(ratios):6.2f}")  # fmt: skip


def main() -> None:
    """Measure every workload."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    competitors: dict[str, Callable] = {
        "layerwise": layerwise_steps,
        "(a) DataLoader loop": loader,
        "(b) plain loop": plain,
        "(c) scikit-learn": scikit_learn,
    }
    if chosen.peers:
        competitors["(d) Keras 3, JAX"] = lambda workload: keras_jax(workload, 1)
        competitors["(d) Keras 3, JAX, 32 at once"] = lambda workload: keras_jax(workload, 32)
        competitors["(e) Lightning"] = lightning
    print(f"torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} processors")
    for workload in WORKLOADS:
        if chosen.only in workload.name:
            measure(workload, competitors, chosen.rounds, chosen.seconds)


if __name__ == "__main__":
    main()
