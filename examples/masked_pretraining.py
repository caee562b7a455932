"""Masked patches teach an encoder without labels; then few labels tune it. Not measured yet.

After He et al. 2022 and Xie et al. 2022: a small Transformer rebuilds hidden patches of 20,000
Fashion-MNIST images, then learns ten classes from 100 or 500 labels, beside the same network that
starts anew with the same labels, and logistic regression on the pixels. Known so far, on 2,000
validation images and one seed, from scratch with 100 and 500 labels: 54.2 and 73.4 % at a rate of
0.0003, 56.1 and 70.3 % at 0.001; logistic regression has 65.3 and 77.8 %.

    layerwise fetch fashion_mnist; python examples/masked_pretraining.py
"""

import time

import numpy as np
import torch
from torch import Tensor, nn

from layerwise.contracts import Stage, Target
from layerwise.data import read
from layerwise.data.datasets import TensorDataset
from layerwise.evaluation.evaluate import predict
from layerwise.networks.transformer import Transformer
from layerwise.tasks.classify import Classify
from layerwise.tasks.masked_patch import MaskedPatch
from layerwise.training import train

UNLABELLED, VALIDATION = 20_000, 2_000  # of the 60,000 training images; the last ones validate
LABELS = (100, 500)
SEEDS = range(3)
CLASSES = tuple("0123456789")
PATCH = 7  # pixels
OPTIONS = {"patch": PATCH, "width": 64, "layers": 3}
PRETRAIN = MaskedPatch(Target("none"), share=0.6)
CLASSIFY = Classify(Target("classes", ("class",), CLASSES))
PRETRAIN_EPOCHS, TUNE_STEPS, RATE = 10, 600, 1e-3


def images() -> tuple[Tensor, Tensor, Tensor]:
    """All images (rows, 1, 28, 28), mean 0 and deviation 1; classes; whether a row is for tests."""
    source = read("fashion_mnist")
    pixels = torch.from_numpy(np.asarray(source.inputs)).float() / 255
    testing = torch.from_numpy(source.parts == "test")
    some = pixels[~testing][:UNLABELLED]
    codes = np.unique(source.frame[source.target[0]].to_numpy(str), return_inverse=True)[1]
    return (pixels - some.mean()) / some.std(), torch.from_numpy(codes), testing


def pretrained(rows: Tensor, seed: int) -> Transformer:
    """An encoder that learned to rebuild hidden patches, without labels."""
    torch.manual_seed(seed)
    network = Transformer((1, 28, 28), PATCH**2, **OPTIONS)
    stage = Stage(PRETRAIN, "adamw", {"weight_decay": 0.05}, 0.002, "cosine", {"warm_up": 0.05},
                  epochs=PRETRAIN_EPOCHS, batch_size=128, clip=1.0)  # fmt: skip
    for _ in train(network, (stage,), TensorDataset(rows), seed=seed):
        pass
    return network


def classifier(seed: int, encoder: nn.Module | None = None) -> Transformer:
    """A network for ten classes; all but its output layer from the encoder, if one is given."""
    torch.manual_seed(seed)
    network = Transformer((1, 28, 28), 10, **OPTIONS)
    if encoder is not None:
        body = {n: t for n, t in encoder.state_dict().items() if not n.startswith("last.")}
        network.load_state_dict({**network.state_dict(), **body})
    return network


def tuned(network: Transformer, rows: Tensor, classes: Tensor, seed: int, rate: float = RATE):
    """The network after learning from labels; the same steps from whatever it starts."""
    stage = Stage(CLASSIFY, "adamw", {"weight_decay": 0.05}, rate, "cosine", {"warm_up": 0.1},
                  steps=TUNE_STEPS, epochs=-(-TUNE_STEPS // (len(rows) // 25)), batch_size=25,
                  clip=1.0)  # fmt: skip
    for _ in train(network, (stage,), TensorDataset(rows, classes), seed=seed):
        pass
    return network


def accuracy(network: nn.Module, rows: Tensor, classes: Tensor) -> float:
    """Share of the rows whose class is the likeliest."""
    return float(
        (predict(network, CLASSIFY, TensorDataset(rows)).argmax(1) == classes).float().mean()
    )


def logistic(rows: Tensor, classes: Tensor, others: Tensor, truth: Tensor) -> float:
    """Accuracy of logistic regression on the pixels, from the same labels."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=0.01, max_iter=1000).fit(rows.flatten(1).numpy(), classes.numpy())
    return float(model.score(others.flatten(1).numpy(), truth.numpy()))


def labelled(classes: Tensor, count: int, seed: int) -> Tensor:
    """Numbers of so many rows, as many of each class, drawn from the unlabelled ones."""
    order = torch.randperm(UNLABELLED, generator=torch.Generator().manual_seed(seed))
    return torch.cat([order[classes[order] == one][: count // 10] for one in range(10)])


def main() -> None:
    torch.set_num_threads(1)
    pixels, classes, testing = images()
    known, truth = pixels[~testing], classes[~testing]
    test, test_truth = pixels[testing], classes[testing]
    found: dict[tuple[int, str], list[float]] = {}
    for seed in SEEDS:
        began = time.process_time()
        encoder = pretrained(known[:UNLABELLED], seed)
        print(f"seed {seed}: pretrained in {time.process_time() - began:.0f} s", flush=True)
        for count in LABELS:
            some = labelled(truth, count, seed)
            rows, answers = known[some], truth[some]
            scores = {
                "from scratch": accuracy(
                    tuned(classifier(seed), rows, answers, seed), test, test_truth
                ),
                "pretrained": accuracy(
                    tuned(classifier(seed, encoder), rows, answers, seed), test, test_truth
                ),
                "logistic regression": logistic(rows, answers, test, test_truth),
            }
            for name, score in scores.items():
                found.setdefault((count, name), []).append(score)
                print(f"  {count} labels, {name}: {100 * score:.1f} %", flush=True)
    for (count, name), scores in found.items():
        mean, deviation = 100 * np.mean(scores), 100 * np.std(scores, ddof=1)
        print(f"{count} labels, {name}: {mean:.1f} +- {deviation:.1f} %")


if __name__ == "__main__":
    main()
