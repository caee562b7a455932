from itertools import product
from math import log

import pytest
import torch

from layerwise.errors import SettingsError
from layerwise.layers.beam_search import END, beam_search

A, B = 5, 6


def chain(chances):
    """A step whose scores depend on the last token alone, the same for every row."""
    table = torch.full((7, 7), -30.0)  # as good as never
    for (last, following), chance in chances.items():
        table[last, following] = log(chance)

    def step(memory, state, tokens):
        return table[tokens] + memory["shift"], {"count": state["count"] + 1}

    return step


# greedily a (0.6) and then the end (0.4); but b with its end has the chance 0.4 x 0.9
TEMPTING = {(1, A): 0.6, (1, B): 0.4, (A, A): 0.3, (A, B): 0.3, (A, END): 0.4, (B, END): 0.9,
            (B, A): 0.1}  # fmt: skip


def searched(step, rows=2, limit=4, **options):
    memory, state = {"shift": torch.zeros(rows, 1)}, {"count": torch.zeros(rows)}
    limits = torch.full((rows,), limit) if isinstance(limit, int) else torch.tensor(limit)
    return beam_search(step, memory, state, limits, **options).tolist()


def test_greedy_takes_the_likeliest_token_each_time():
    assert searched(chain(TEMPTING)) == [[A, END], [A, END]]


def test_two_beams_find_the_likelier_sequence():
    assert searched(chain(TEMPTING), beams=2, length_power=0) == [[B, END], [B, END]]


def test_many_beams_find_the_best_of_all_sequences():
    def chance(tokens):
        found, last = 1.0, 1
        for token in (*tokens, END):
            found, last = found * TEMPTING.get((last, token), 0.0), token
        return found

    every = [each for size in range(4) for each in product((A, B), repeat=size)]
    best = [*max(every, key=chance), END]
    said = searched(chain(TEMPTING), rows=1, beams=16, length_power=0)[0]
    assert [token for token in said if token] == best


def test_the_length_power_favours_long_sequences():
    step = chain({(1, A): 1.0, (A, A): 0.5, (A, END): 0.5})
    for power, best in ((0, [A, END]), (6, [A, A, A, END])):
        said = searched(step, rows=1, beams=8, length_power=power)[0]
        assert [token for token in said if token] == best


def test_every_row_ends_at_its_own_limit():
    endless = chain({(1, A): 1.0, (A, A): 0.99, (A, END): 0.01})
    assert searched(endless, limit=[2, 4]) == [[A, END, 0, 0], [A, A, A, END]]


def test_padding_start_unknown_and_mask_are_never_said():
    chances = {(1, 0): 0.3, (1, 1): 0.3, (1, 3): 0.2, (1, 4): 0.1, (1, A): 0.1, (A, END): 1.0}
    assert searched(chain(chances), rows=1) == [[A, END]]


def test_no_beam_is_refused():
    with pytest.raises(SettingsError, match="must be 1 or more, got 0"):
        searched(chain(TEMPTING), beams=0)
