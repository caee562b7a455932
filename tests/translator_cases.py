"""Pairs that are small enough for tests of translation."""

import numpy as np
import torch
from pandas import DataFrame

from layerwise.contracts import Batch, Target
from layerwise.data.pair_preparation import PairPreparation
from layerwise.data.roles import Roles
from layerwise.data.source import Source

TEXT = Target("text", ("target",))
ENGLISH = (  # every word occurs twice, at the beginning of a text and within it
    "a dog runs", "a cat runs", "the dog sleeps", "the cat sleeps",
    "a man sees the dog", "the man sees a cat", "a dog sees a man", "the cat sees the dog",
)  # fmt: skip
WORDS = {
    "a": "ein", "the": "der", "dog": "Hund", "cat": "Kater", "man": "Mann",
    "runs": "rennt", "sleeps": "ruht", "sees": "sieht",
}  # fmt: skip
GERMAN = tuple(" ".join(WORDS[word] for word in text.split()) for text in ENGLISH)


def pairs(english=ENGLISH, german=GERMAN, **options):
    frame = DataFrame({"source": list(english), "target": list(german)})
    return Source("talk", frame, target=("target",), form="pairs",
                  options={"tokens": "characters", **options})  # fmt: skip


def prepared(source=None, rows=None, **options):
    source = source or pairs(**options)
    rows = np.arange(len(source.frame)) if rows is None else rows
    return PairPreparation.fit(source, Roles(("target",)), TEXT, rows)


def batch_of(rows=3, source=6, target=5, vocabulary=(20, 15), seed=0):
    """Random tokens without padding, behind a start."""
    generator = torch.Generator().manual_seed(seed)
    draw = {"generator": generator}
    sources = torch.randint(5, vocabulary[0], (rows, source), **draw)
    targets = torch.randint(5, vocabulary[1], (rows, target), **draw)
    before = torch.cat([torch.ones(rows, 1, dtype=torch.int64), targets[:, :-1]], dim=1)
    return Batch({"source": sources, "target": before}, targets)
