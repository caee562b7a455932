"""Word vectors: words and the words around them, against words drawn by chance."""

from collections.abc import Iterator
from math import log
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError


class WordVectors:
    """Learn vectors by which a word tells its neighbours in the text from noise.

    Source: Mikolov et al. 2013, see ``networks.word2vec``. Pairs are made in every step: words that
    are left out let those beside them move together; each word draws how far it looks.

    Parameters
    ----------
    target : Target
        Of kind none: the text is all there is.

    Raises
    ------
    SettingsError
        There is a target, or the network has no vectors of words.
    """

    kinds = ("none",)
    form = "text"
    output_size = 0
    metrics = ("mean_error",)
    baselines = ()
    watches_loss = True  # outputs ask every word of the vocabulary as noise
    judged_by = (
        "Mean error: nats that it takes a word to tell a neighbour from the noise words, in the "
        "mean over all of these; without any knowledge ln 2 for each of them and the neighbour."
    )

    def __init__(self, target: Target):
        if target.kind != "none":
            raise SettingsError(
                "The task word_vectors learns from text alone, but there is a target of kind "
                f"'{target.kind}'. Leave --target out."
            )

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean over the pairs (of cbow, over the words), in nats."""
        known, tokens = _with_words(network), _tokens(batch)
        tokens, inside = close_ranks(tokens, known.kept(tokens))
        reach = torch.randint(1, known.window + 1, tokens.shape, device=tokens.device)
        around, near = neighbours(tokens, inside, known.window, reach)
        if known.method == "skip_gram":
            terms = int(near.sum())  # a number of Python's: a trace would keep that of one batch
            centres = tokens.unsqueeze(2).expand_as(around)[near]
            costs = known.costs(known.words(centres), around[near])
        else:
            terms = int(near.any(dim=2).sum())
            mean, some = _mean_vectors(known, around, near)
            costs = known.costs(mean, tokens[some])
        yield Loss(costs.sum() / max(1, terms), float(terms))

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean cost of the pairs of each row, (rows, 1), in nats; no chance is in it.

        All words count; a neighbour at distance d counts as often as it is drawn, which for a
        window of w is (w - d + 1) / w; cbow takes the whole window. A row without pairs gets what
        a network without knowledge gets.
        """
        known, tokens = _with_words(network), _tokens(batch)
        tokens, inside = close_ranks(tokens, tokens >= known.first)
        around, near = neighbours(tokens, inside, known.window)
        if known.method == "skip_gram":
            costs, weights = _skip_gram_costs(known, tokens, around, near)
        else:
            mean, some = _mean_vectors(known, around, near)
            costs = torch.zeros(tokens.shape, device=tokens.device)
            costs[some] = known.mean_costs(mean, tokens[some])
            weights = some.to(costs.dtype)
        totals, pairs = costs.sum(dim=1), weights.sum(dim=1)
        blind = (1 + known.negatives) * log(2)
        return torch.where(pairs > 0, totals / pairs.clamp(min=1e-9), blind).unsqueeze(1)


def close_ranks(tokens: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Move the kept tokens of each row together at its left; these, and where they are.

    tokens : (rows, length) int64
    kept : (rows, length) bool
    """
    order = torch.argsort((~kept).to(torch.uint8), dim=1, stable=True)
    return tokens.gather(1, order), kept.gather(1, order)


def neighbours(
    tokens: Tensor, inside: Tensor, window: int, reach: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Give the tokens at distances -w ... -1, 1 ... w of each, and which of them count.

    tokens : (rows, length) int64; inside : (rows, length) bool
    reach : (rows, length) int64, farthest distance of each; None: all within the window
    returns : int64 and bool, both (rows, length, 2 w)
    """
    distances = torch.cat([torch.arange(-window, 0), torch.arange(1, window + 1)])
    distances = distances.to(tokens.device)
    length = tokens.shape[1]
    places = torch.arange(length, device=tokens.device).unsqueeze(1) + distances
    there = (places >= 0) & (places < length)
    places = places.clamp(0, max(length - 1, 0))
    near = inside[:, places] & there & inside.unsqueeze(2)
    if reach is not None:
        near = near & (distances.abs() <= reach.unsqueeze(2))
    return tokens[:, places], near


def _skip_gram_costs(
    known: Any, tokens: Tensor, around: Tensor, near: Tensor
) -> tuple[Tensor, Tensor]:
    """Weighted costs and weights of all pairs of each row, both (rows, pairs).

    What the noise costs a word is the same wherever it stands.
    """
    words, places = torch.unique(tokens, return_inverse=True)
    noise = known.mean_noise_costs(known.words(words))[places].unsqueeze(2)
    vectors = known.words(tokens).unsqueeze(3)
    products = torch.matmul(known.neighbours(around), vectors).squeeze(3)
    window = known.window
    falling = torch.arange(1, window + 1, device=tokens.device) / window
    weights = near * torch.cat([falling, falling.flip(0)])
    costs = (F.softplus(-products) + noise) * weights
    return costs.flatten(1), weights.flatten(1)


def _mean_vectors(known: Any, around: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
    """Mean vector of the neighbours of each word that has some, (words, size), and which do."""
    some = near.any(dim=2)
    near = near[some].unsqueeze(2)
    return (known.words(around[some]) * near).sum(dim=1) / near.sum(dim=1), some


def _tokens(batch: Batch) -> Tensor:
    """The tokens of a batch of a language model, (rows, length)."""
    assert batch.targets is not None
    return batch.targets


def _with_words(network: Any) -> Any:
    """The network, if it has vectors of words and of neighbours."""
    if not hasattr(network, "mean_noise_costs"):
        raise SettingsError(
            "The task word_vectors needs a network with vectors of words, which "
            f"{type(network).__name__} does not have. Choose --network word2vec."
        )
    return network
