"""Chances from the sorted table are those of Witten and Bell's formula, counted plainly."""

from collections import Counter

import pytest
import torch

from layerwise.layers.ngram_counts import (
    chances,
    chances_of_targets,
    count_ngrams,
    merge_counts,
    most_order,
)

SIZE, ORDER = 7, 3


def rows(seed=0, number=20, length=9):
    torch.manual_seed(seed)
    targets = torch.randint(2, SIZE, (number, length))
    targets[torch.arange(length) >= torch.randint(3, length + 1, (number, 1))] = 0
    inputs = torch.cat([torch.ones(number, 1, dtype=torch.int64), targets[:, :-1]], dim=1)
    return inputs, targets


def plainly(inputs, targets):
    """The formula, with dictionaries: chance of a token after a context."""
    counts = Counter()
    for seen, said in zip(inputs.tolist(), targets.tolist(), strict=True):
        for place, token in enumerate(said):
            for length in range(ORDER):
                if token and place >= length - 1:
                    counts[(tuple(seen[place - length + 1 : place + 1]), token)] += 1

    def chance(context, token):
        below = chance(context[1:], token) if context else 1 / SIZE
        followers = [n for (before, _), n in counts.items() if before == context]
        if not followers:
            return below
        kinds, total = len(followers), sum(followers)
        return (counts[(context, token)] + kinds * below) / (total + kinds)

    return chance


def test_chances_are_those_of_the_formula():
    inputs, targets = rows()
    chance, table = plainly(inputs, targets), count_ngrams(inputs, targets, ORDER, SIZE)
    seen, _ = rows(seed=1, number=4)  # contexts that were counted and others
    found = chances(*table, seen, ORDER, SIZE)
    for row in range(4):
        for place in range(9):
            context = tuple(seen[row, max(0, place - ORDER + 2) : place + 1].tolist())
            wanted = [chance(context, token) for token in range(SIZE)]
            assert found[row, place].tolist() == pytest.approx(wanted)


def test_chances_sum_to_one():
    table = count_ngrams(*rows(), ORDER, SIZE)
    found = chances(*table, rows(seed=3)[0], ORDER, SIZE)
    assert torch.allclose(found.sum(dim=2), torch.ones(20, 9, dtype=torch.float64))
    assert (found > 0).all()


def test_chances_of_targets_are_those_of_every_order():
    table, (inputs, targets) = count_ngrams(*rows(), ORDER, SIZE), rows(seed=4)
    found = chances_of_targets(*table, inputs, targets, ORDER, SIZE)
    for order in range(1, ORDER + 1):
        every = chances(*table, inputs, order, SIZE)
        of_targets = every.gather(2, targets.unsqueeze(2)).squeeze(2)
        counted = targets != 0
        assert torch.allclose(found[order - 1][counted], of_targets[counted])


def test_tables_add_up():
    inputs, targets = rows()
    whole = count_ngrams(inputs, targets, ORDER, SIZE)
    halves = [count_ngrams(inputs[p], targets[p], ORDER, SIZE) for p in (slice(0, 9), slice(9, 20))]
    merged = merge_counts(*halves)
    assert torch.equal(merged[0], whole[0])
    assert torch.equal(merged[1], whole[1])


def test_the_longest_keys_fit_in_63_bits():
    assert 2 * 70 ** most_order(70) < 2**63 < 2 * 70 ** (most_order(70) + 1)
