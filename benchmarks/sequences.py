"""Steps per second on sequences and graphs, beside loops that a careful person writes by hand.

Both take turns in one process; the figure is the median of the ratios within a round, so that a
stolen core hits everyone alike. Each runs with one thread or all, whichever was quicker for it.

    python benchmarks/sequences.py [--rounds 9] [--seconds 2.0] [--only lstm]

- lstm: 64 steps of 64 numbers, width 64, batch 128; nn.LSTM, a linear layer, Adam.
- characters: tinyshakespeare, 4 layers, 4 heads, width 128, block 64, batch 12; the plain loop is
  a decoder with one matrix for queries, keys and values, torch's fused attention, AdamW, clipping.
- gcn: Cora with its public split, 16 hidden units, all nodes at once; the plain loop is what
  PyTorch Geometric's example of GCN does: two cached GCNConv, dropout, Adam.
"""

import argparse
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise import Learner
from layerwise.contracts import Stage, Target
from layerwise.data.datasets import Rows, TensorDataset
from layerwise.errors import LayerwiseError
from layerwise.job.plan import make_plan
from layerwise.networks.lstm import LSTM
from layerwise.scaling.processes import ALONE
from layerwise.tasks.classify import Classify
from layerwise.training import train

FOREVER = 10**6  # epochs


# lstm ------------------------------------------------------------------------------------------


def sequences() -> tuple[Tensor, Tensor]:
    """2,560 made-up sequences (rows, 64, 64) of ten classes."""
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(2560, 64, 64, generator=generator)
    return inputs, inputs.mean(dim=1)[:, :10].argmax(dim=1)


def layerwise_lstm() -> Iterator[int]:
    """The engine with the network of the zoo."""
    target = Target("classes", ("y",), tuple("abcdefghij"))
    stage = Stage(Classify(target), "adam", {}, 1e-3, epochs=FOREVER, batch_size=128)
    for progress in train(LSTM((64, 64), 10, hidden=64), (stage,), TensorDataset(*sequences())):
        yield progress.rows


def plain_lstm() -> Iterator[int]:
    """Data resident, an epoch permuted by index, torch's fused Adam."""
    inputs, targets = sequences()
    cells, last = nn.LSTM(64, 64, batch_first=True), nn.Linear(64, 10)
    parameters = [*cells.parameters(), *last.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)
    while True:
        for rows in torch.randperm(len(inputs)).split(128):
            optimizer.zero_grad(set_to_none=True)
            states, _ = cells(inputs[rows])
            F.cross_entropy(last(states[:, -1]), targets[rows]).backward()
            optimizer.step()
            yield len(rows)


# characters ------------------------------------------------------------------------------------


def layerwise_characters() -> Iterator[int]:
    """What ``layerwise fit tinyshakespeare`` does in a step."""
    learner = Learner(
        "transformer_decoder",
        network_options={"layers": 4, "heads": 4, "width": 128},
        data_options={"context": 64},
        optimizer="adamw", learning_rate=1e-3, schedule="constant", clip=1.0, batch_size=12,
        epochs=FOREVER, test_fraction=0.1, validation_fraction=0.0,
    )  # fmt: skip
    yield from engine_of(learner, "tinyshakespeare")


class PlainBlock(nn.Module):
    """Attention and a feed-forward net, each behind a normalization and added to what came."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.triple, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, length, width) -> the same."""
        rows, length, width = x.shape
        parts = self.triple(self.first(x)).split(width, dim=2)
        q, k, v = (part.view(rows, length, self.heads, -1).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.joined(mixed.transpose(1, 2).reshape(rows, length, width))
        return x + self.narrow(F.gelu(self.wide(self.second(x))))


class PlainDecoder(nn.Module):
    """Tokens and places as vectors, four blocks, scores of the next token."""

    def __init__(self, tokens: int, context: int = 64, width: int = 128, layers: int = 4):
        super().__init__()
        self.tokens, self.places = nn.Embedding(tokens, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(PlainBlock(width, 4) for _ in range(layers)))
        self.norm, self.last = nn.LayerNorm(width), nn.Linear(width, tokens, bias=False)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * layers))

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, length) -> (rows, length, tokens)."""
        x = self.tokens(inputs) + self.places.weight[: inputs.shape[1]]
        return self.last(self.norm(self.blocks(x)))


def plain_characters() -> Iterator[int]:
    """Blocks from random places of the text; AdamW and clipping."""
    plan = make_plan(Learner("transformer_decoder"), "tinyshakespeare", {}, ALONE)
    text = "".join(plan.source.frame["text"])
    symbols = sorted(set(text))
    codes = torch.tensor([symbols.index(one) for one in text[: 10**6]])
    network = PlainDecoder(len(symbols))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    while True:
        places = torch.randint(len(codes) - 65, (12,))
        inputs = torch.stack([codes[place : place + 64] for place in places.tolist()])
        targets = torch.stack([codes[place + 1 : place + 65] for place in places.tolist()])
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(inputs).flatten(0, 1), targets.flatten()).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        yield 12


# gcn -------------------------------------------------------------------------------------------


def layerwise_gcn() -> Iterator[int]:
    """What ``layerwise fit cora --network gcn`` does in a step."""
    yield from engine_of(Learner("gcn", epochs=FOREVER), "cora")


def plain_gcn() -> Iterator[int]:
    """The training step of PyTorch Geometric's example."""
    from torch_geometric.nn import GCNConv

    plan = make_plan(Learner("gcn"), "cora", {}, ALONE)
    batch = plan.model.dataset(plan.source).batch(plan.rows("train"))
    features, edges = batch.inputs["features"].to_dense(), batch.inputs["edges"]
    first = GCNConv(features.shape[1], 16, cached=True)
    second = GCNConv(16, 7, cached=True)
    groups = [
        {"params": first.parameters(), "weight_decay": 5e-4},
        {"params": second.parameters(), "weight_decay": 0.0},
    ]
    optimizer = torch.optim.Adam(groups, lr=0.01)
    rows = batch.inputs["rows"]
    while True:
        optimizer.zero_grad()
        x = F.dropout(features, p=0.5, training=True)
        x = F.dropout(first(x, edges).relu(), p=0.5, training=True)
        F.cross_entropy(second(x, edges)[rows], batch.targets).backward()
        optimizer.step()
        yield len(rows)


# both --------------------------------------------------------------------------------------------


def engine_of(learner: Learner, data: str) -> Iterator[int]:
    """The engine as ``fit`` starts it, on the training rows."""
    plan = make_plan(learner, data, {}, ALONE)
    rows = Rows(plan.model.dataset(plan.source), plan.rows("train"))
    for progress in train(plan.model.network, plan.recipe, rows, seed=0):
        yield progress.rows


def rate(steps: Iterator[int], seconds: float) -> float:
    """Steps per second over at least so many seconds."""
    count, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < seconds:
        next(steps)
        count += 1
    return count / spent


def threads_for(steps: Iterator[int], seconds: float) -> int:
    """One thread or all processors: what is quicker for this loop, after a warm-up of each."""
    found = {}
    for threads in (1, os.cpu_count() or 1):
        torch.set_num_threads(threads)
        rate(steps, seconds)
        found[threads] = rate(steps, seconds)
    return max(found, key=lambda threads: found[threads])


JOBS: dict[str, tuple[Callable[[], Iterator[int]], Callable[[], Iterator[int]]]] = {
    "lstm": (layerwise_lstm, plain_lstm),
    "characters": (layerwise_characters, plain_characters),
    "gcn": (layerwise_gcn, plain_gcn),
}


def measure(name: str, rounds: int, seconds: float) -> None:
    """Print both medians and the median ratio."""
    running = [build() for build in JOBS[name]]
    threads = [threads_for(steps, seconds) for steps in running]
    found: list[list[float]] = [[], []]
    for _ in range(rounds):
        for place, steps in enumerate(running):
            torch.set_num_threads(threads[place])
            next(steps)
            found[place].append(rate(steps, seconds))
    ratios = sorted(ours / plain for ours, plain in zip(*found, strict=True))
    ours, plain = map(statistics.median, found)
    print(
        f"{name:12} layerwise {ours:8.1f} steps/s ({threads[0]} threads), by hand {plain:8.1f} "
        f"({threads[1]}), ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to "
        f"{ratios[-1]:.2f} over {rounds} rounds)"
    )


def main() -> None:
    """Measure every job whose data are there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    print(f"torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} processors")
    for name in JOBS:
        if chosen.only in name:
            try:
                measure(name, chosen.rounds, chosen.seconds)
            except LayerwiseError as error:
                print(f"{name:12} not measured: {error}")


if __name__ == "__main__":
    main()
