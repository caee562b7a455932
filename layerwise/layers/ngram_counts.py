"""Counts of n-grams of every length in one sorted table, and the chances that they give.

An n-gram t1 ... tn over a vocabulary of V numbers has the key ((1 V + t1) V + ...) V + tn: keys of
different lengths never meet, and all n-grams of one context lie side by side.
"""

import torch
from torch import Tensor

NOTHING = torch.iinfo(torch.int64).max  # the key of an empty place


def most_order(size: int) -> int:
    """Give the greatest n whose keys fit in 63 bits, for a vocabulary of ``size``."""
    order, key = 0, 2
    while key * size < NOTHING:
        order, key = order + 1, key * size
    return order


def count_ngrams(inputs: Tensor, targets: Tensor, order: int, size: int) -> tuple[Tensor, Tensor]:
    """Count the n-grams of 1 to ``order`` tokens that end in a target.

    inputs : (rows, length) int64, the token before each target
    targets : (rows, length) int64, 0 is not counted
    returns : keys in ascending order and their counts, both (n-grams,) int64
    """
    found = []
    for length in range(1, order + 1):
        contexts, known = contexts_of(inputs, length - 1, size)
        found.append((contexts * size + targets)[known & (targets != 0)])
    return tuple(torch.unique(torch.cat(found), return_counts=True))  # type: ignore[return-value]


def merge_counts(one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Add two tables of keys and counts."""
    keys, places = torch.unique(torch.cat([one[0], other[0]]), return_inverse=True)
    counts = torch.zeros(len(keys), dtype=one[1].dtype, device=keys.device)
    return keys, counts.index_add_(0, places, torch.cat([one[1], other[1]]))


def contexts_of(inputs: Tensor, length: int, size: int) -> tuple[Tensor, Tensor]:
    """Give the keys of the last ``length`` tokens at every place, and whether there are so many.

    returns : int64 and bool, both (rows, tokens)
    """
    keys = torch.ones_like(inputs)
    for back in range(length - 1, -1, -1):
        earlier = torch.zeros_like(inputs)
        earlier[:, back:] = inputs[:, : max(0, inputs.shape[1] - back)]
        keys = keys * size + earlier
    places = torch.arange(inputs.shape[1], device=inputs.device)
    return keys, (places >= length - 1).expand_as(inputs)


def chances(keys: Tensor, counts: Tensor, inputs: Tensor, order: int, size: int) -> Tensor:
    """Give the chance of every token at every place, (rows, length, size) float64.

    Source: Witten and Bell 1991, "The zero-frequency problem", IEEE Transactions on Information
    Theory 37, method C, interpolated with the next shorter context c': with N(c) tokens of T(c)
    kinds seen after c, p(w | c) = (N(c w) + T(c) p(w | c')) / (N(c) + T(c)). Below the shortest
    all tokens have the same chance.

    keys, counts : the table, in the order of its keys
    inputs : (rows, length) int64
    """
    below = torch.cat([counts.new_zeros(1, dtype=torch.float64), counts.double().cumsum(0)])
    flat = torch.full((inputs.numel(), size), 1 / size, dtype=torch.float64, device=inputs.device)
    for length in range(order):
        first, last = _range(keys, *contexts_of(inputs, length, size), size)
        kinds, total = last - first, below[last] - below[first]
        rows = torch.repeat_interleave(kinds)
        places = (
            torch.arange(len(rows), device=rows.device) - (kinds.cumsum(0) - kinds - first)[rows]
        )
        flat *= (kinds / (total + kinds).clamp(min=1)).where(kinds > 0, 1.0).unsqueeze(1)
        share = counts[places].double() / (total + kinds)[rows]
        flat.index_put_((rows, keys[places] % size), share, accumulate=True)
    return flat.reshape(*inputs.shape, size)


def chances_of_targets(
    keys: Tensor, counts: Tensor, inputs: Tensor, targets: Tensor, order: int, size: int
) -> Tensor:
    """Give the chance of every target with contexts of 0, 1, ... tokens, (order, rows, length).

    The last is that of ``chances``; where a context is not known it is that of the one before.
    """
    below = torch.cat([counts.new_zeros(1, dtype=torch.float64), counts.double().cumsum(0)])
    chance = torch.full((targets.numel(),), 1 / size, dtype=torch.float64, device=inputs.device)
    found = []
    for length in range(order):
        contexts, known = contexts_of(inputs, length, size)
        first, last = _range(keys, contexts, known, size)
        kinds, total = last - first, below[last] - below[first]
        wanted = (contexts * size + targets).flatten()
        place = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
        seen = counts[place].double() * (keys[place] == wanted)
        mixed = (seen + kinds * chance) / (total + kinds).clamp(min=1)
        chance = mixed.where(kinds > 0, chance)
        found.append(chance.reshape(targets.shape))
    return torch.stack(found)


def _range(keys: Tensor, contexts: Tensor, known: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Give first and last place of the n-grams of each context, (places,); empty if not known."""
    wanted = (contexts * size).flatten()
    first = torch.searchsorted(keys, wanted)
    last = torch.searchsorted(keys, wanted + size)
    return first, last.where(known.flatten(), first)
