"""Small texts, prepared, for the tests of whatever learns from text."""

import numpy as np
import torch
from pandas import DataFrame

from layerwise.contracts import Stage, Target
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.data.text import as_text, source_of_text
from layerwise.data.text_preparation import TextPreparation
from layerwise.networks.ngram import NGram
from layerwise.tasks.next_token import NextToken
from layerwise.training import train

NAMES = ["anna", "hanna", "nan", "ahab", "banana", "an", "hannah", "ban"]
NONE = Target("none")
POEM = "the cat sat on the mat. the rat ran. " * 12


def lines(texts=tuple(NAMES), **options) -> Source:
    return source_of_text("\n".join(texts) + "\n", {"lines": True, **options}, "names")


def pieces(text=POEM, **options) -> Source:
    return source_of_text(text, {"lines": False, "context": 8, **options}, "poem")


def reviews(rows=40, **options) -> Source:
    good = ["a fine good film", "good story, fine end", "bad dull film", "dull and bad, no end"]
    texts = [good[row % 4] for row in range(rows)]
    liked = ["yes" if row % 4 < 2 else "no" for row in range(rows)]
    stars = [4.0 + row % 2 if row % 4 < 2 else 1.0 + row % 2 for row in range(rows)]
    frame = DataFrame({"review": texts, "liked": liked, "stars": stars})
    return as_text(Source("reviews", frame), "review", options)


def prepared(source, rows=None, target=NONE, **roles) -> TextPreparation:
    rows = np.arange(len(source.frame)) if rows is None else np.asarray(rows)
    return TextPreparation.fit(source, Roles(**roles), target, rows)


def counted(preparation, source, **options) -> NGram:
    """An n-gram network that has counted all rows of the source."""
    size = preparation.tokens.size
    network = NGram(preparation.input_shape, size, vocabulary=size, slots=4096, **options)
    stage = Stage(NextToken(NONE), "closed_form", batch_size=16)
    for _ in train(network, (stage,), preparation.dataset(source)):
        pass
    return network


class Always(torch.nn.Module):
    """Says the same scores at every place: a language model without a memory."""

    def __init__(self, scores):
        super().__init__()
        self.scores = torch.nn.Parameter(torch.as_tensor(scores, dtype=torch.float32))

    def per_token(self, inputs):
        return self.scores.expand(*inputs.shape, -1)
