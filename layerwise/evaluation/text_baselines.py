"""Simple methods on text: counted n-grams for language models, bags of words for labels."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

import numpy as np
import torch
from torch import Tensor

from layerwise.contracts import Batch
from layerwise.data.source import Source, counted
from layerwise.data.text_preparation import TextPreparation
from layerwise.evaluation.bag_of_words import fit_bag_of_words
from layerwise.evaluation.baselines import BaselineResult, fit_baselines
from layerwise.layers.ngram_counts import (
    chances_of_targets,
    count_ngrams,
    merge_counts,
    most_order,
)

LONGEST = 5  # tokens of an n-gram
USUAL = 3  # tokens, where no validation rows choose
AT_ONCE = 4096  # rows
COUNTED = ("unigram", "ngram")
OF_COLUMNS = ("logistic", "linear", "boosted_trees")  # need columns; for text: the bag of words


def fit(
    names: Sequence[str],
    source: Source,
    preparation: TextPreparation,
    parts: np.ndarray,
    *,
    seconds: float,
    seed: int,
) -> list[BaselineResult]:
    """Fit baselines on the training rows and let them predict all rows.

    Parameters
    ----------
    names : sequence of str
        "unigram" and "ngram" for language models: nats per character of each row, (rows, 1), as
        the task next_token has them. "bag_of_words", "majority" and "mean" for labels; those of
        ``OF_COLUMNS``, which tasks name for tables, mean the bag of words here.
    source, preparation : Source, TextPreparation
        The rows, and how they become tokens.
    parts : array of str
        (rows,) "train" rows are fitted, "validation" rows choose.
    seconds : float
        For all of them together; bag_of_words stops choosing when they are over.
    seed : int
        Not needed: nothing here is drawn.
    """
    ends = monotonic() + seconds
    meant = ("bag_of_words" if name in OF_COLUMNS else name for name in names)
    names = tuple(dict.fromkeys(meant))
    results = _count(source, preparation, parts, names) if set(names) & set(COUNTED) else []
    if set(names) - set(COUNTED):
        results += _of_labels(names, source, preparation, parts, ends, seed)
    return sorted(results, key=lambda result: names.index(result.name))


# ------------------------------------------------------------------------- language models


def _count(
    source: Source, preparation: TextPreparation, parts: np.ndarray, names: Sequence[str]
) -> list[BaselineResult]:
    """Count n-grams once; the unigram, and the length that suits the validation rows best."""
    began = monotonic()
    dataset, size = preparation.dataset(source), preparation.tokens.size
    order = min(LONGEST, most_order(size))
    nothing = torch.zeros(0, dtype=torch.int64)
    table = nothing, nothing
    for rows in torch.from_numpy(np.flatnonzero(parts == "train")).split(AT_ONCE):
        table = merge_counts(table, count_ngrams(*_tensors(dataset.batch(rows)), order, size))
    found = [
        _nats(dataset.batch(rows), table, order, size)
        for rows in torch.arange(len(dataset)).split(AT_ONCE)
    ]
    scores = torch.cat(found, dim=1).numpy()  # (order, rows)
    best, why = _best_order(scores, preparation, source, parts)
    seconds = monotonic() - began
    trained = counted(int((parts == "train").sum()), "training row")
    said = {
        "unigram": (0, f"Shares of the tokens in {trained}."),
        "ngram": (best, f"{best + 1}-grams with Witten-Bell smoothing, from {trained}; {why}"),
    }
    return [
        BaselineResult(name, scores[said[name][0]][:, None], seconds, said[name][1])
        for name in names
        if name in said
    ]


def _tensors(batch: Batch) -> tuple[Tensor, Tensor]:
    assert isinstance(batch.inputs, Tensor)
    assert batch.targets is not None
    return batch.inputs, batch.targets


def _nats(batch: Batch, table: tuple[Tensor, Tensor], order: int, size: int) -> Tensor:
    """Nats per character with n-grams of 1, 2, ... tokens, (order, rows)."""
    inputs, targets = _tensors(batch)
    found = chances_of_targets(*table, inputs, targets, order, size)
    assert batch.weight is not None
    return -(found.log() * (targets != 0)).sum(dim=2) / batch.weight.double()


def _best_order(
    scores: np.ndarray, preparation: TextPreparation, source: Source, parts: np.ndarray
) -> tuple[int, str]:
    """Give the place of the best length, and why it is that one."""
    rows = np.flatnonzero(parts == "validation")
    if not len(rows):
        usual = min(USUAL, len(scores))
        return usual - 1, "the length is the usual one, as there are no validation rows."
    weights = preparation.row_weights(source, rows)
    assert weights is not None
    best = int(np.argmin(scores[:, rows] @ weights))
    return best, f"of 1 to {len(scores)} tokens this length suits the validation rows best."


# --------------------------------------------------------------------------------- labels


def _of_labels(
    names: Sequence[str],
    source: Source,
    preparation: TextPreparation,
    parts: np.ndarray,
    ends: float,
    seed: int,
) -> list[BaselineResult]:
    """Constants by the general baselines, and the bag of words."""
    targets = preparation.targets(source)
    if targets is None:
        return []
    if preparation.target.kind == "real":
        targets = torch.as_tensor(preparation.in_units(targets))
    constants = [name for name in names if name in ("majority", "mean")]
    weight = preparation.row_weights(source, np.arange(len(source.frame)))
    results = fit_baselines(
        constants, torch.zeros(len(targets), 1), targets,
        None if weight is None else torch.from_numpy(weight),
        parts, preparation.target, seconds=1.0, seed=seed,
    )  # fmt: skip
    if "bag_of_words" in names:
        answers = targets.double().reshape(len(targets), -1).numpy()
        by_words = preparation.tokens.kind in ("words", "bpe")
        results.append(
            fit_bag_of_words(
                preparation.texts(source), answers, weight, parts, preparation.target,
                by_words=by_words, ends=ends,
            )
        )  # fmt: skip
    return results
