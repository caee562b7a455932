"""Digits without labels make few labels go further: 92.7 % of test digits found, 90.6 % without.

A stack of two machines (500, 500) learns 20,000 unlabelled images of MNIST by CD-1, 8 epochs a
layer, then all is fine-tuned on 1,000 labelled ones: 0.9271 +- 0.0016 over three seeds. The same
network of sigmoid units from random weights (Glorot and Bengio 2010), fine-tuned alike: 0.9060 +-
0.0019. Each takes the best of three learning rates on 2,000 other images; it was 0.01, the largest,
for all (0.03 fails from random weights). 94 s on one processor. The paper has all 60,000 labels, a
wider net and the up-down algorithm: 98.75 % (Hinton, Osindero and Teh 2006).

    layerwise fetch mnist; python examples/dbn_mnist.py
"""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Stage, Target
from layerwise.data import read
from layerwise.data.datasets import TensorDataset
from layerwise.networks.dbn import DBN
from layerwise.networks.mlp import MLP
from layerwise.tasks.classify import Classify
from layerwise.tasks.greedy_contrastive_divergence import GreedyContrastiveDivergence
from layerwise.training import train

HIDDEN, UNLABELLED, LABELLED, VALIDATION = (500, 500), 20_000, 1_000, 2_000
SEEDS, RATES = range(3), (0.001, 0.003, 0.01)
TARGET = Target("classes", ("digit",), tuple("0123456789"))
TASK = Classify(TARGET)
PRETRAINING = Stage(
    GreedyContrastiveDivergence(TARGET), "sgd", {}, 0.1, epochs=16, batch_size=100
)  # fmt: skip
Rows = tuple[Tensor, Tensor]


def images() -> tuple[Rows, Rows]:
    """Pixels from 0 to 1 and digits, of the training rows and of the test rows."""
    source = read("mnist")
    pixels = torch.from_numpy(np.asarray(source.inputs)) / 255
    digits = torch.from_numpy(source.frame[source.target[0]].to_numpy().astype(np.int64))
    testing = torch.from_numpy(source.parts == "test")
    return (pixels[~testing], digits[~testing]), (pixels[testing], digits[testing])


def pretrained(pixels: Tensor, seed: int) -> DBN:
    """A stack that learned from pixels alone."""
    torch.manual_seed(seed)
    network = DBN((1, 28, 28), 10, hidden=HIDDEN)
    for _ in train(network, (PRETRAINING,), TensorDataset(pixels), seed=seed):
        pass
    return network


def random(seed: int) -> MLP:
    """The same network of sigmoid units, from random weights."""
    torch.manual_seed(seed)
    return MLP((1, 28, 28), 10, hidden=HIDDEN, activation="sigmoid")


def accuracy(network: nn.Module, rows: Rows) -> float:
    """Part of the rows whose digit is found."""
    with torch.no_grad():
        found = TASK.outputs(network, Batch(rows[0])).argmax(1)
    return (found == rows[1]).double().mean().item()


def fine_tuned(network: nn.Module, labelled: Rows, validation: Rows, seed: int) -> nn.Module:
    """The network after learning from labels, with the rate that is best on validation rows."""
    found = []
    for rate in RATES:
        tuned = copy.deepcopy(network)
        stage = Stage(TASK, "adamw", {}, rate, "cosine", epochs=30, batch_size=50)
        for _ in train(tuned, (stage,), TensorDataset(*labelled), seed=seed):
            pass
        found.append((accuracy(tuned, validation), -rate, tuned))
    best = max(found, key=lambda one: one[:2])
    print(f"  learning rate {-best[1]}, validation accuracy {best[0]:.4f}", flush=True)
    return best[2]


def main() -> None:
    (pixels, digits), tested = images()
    scores: dict[str, list[float]] = {"random": [], "pretrained": []}
    for seed in SEEDS:
        order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(seed))
        some, held = order[:UNLABELLED], order[-VALIDATION:]
        labelled = pixels[some[:LABELLED]], digits[some[:LABELLED]]
        validation = pixels[held], digits[held]
        starts = {"random": random(seed), "pretrained": pretrained(pixels[some], seed)}
        for name, network in starts.items():
            tuned = fine_tuned(network, labelled, validation, seed)
            scores[name].append(accuracy(tuned, tested))
            print(f"seed {seed}, {name}: {scores[name][-1]:.4f}", flush=True)
    for name, found in scores.items():
        print(f"{name}: {np.mean(found):.4f} +- {np.std(found, ddof=1):.4f}")


if __name__ == "__main__":
    main()
