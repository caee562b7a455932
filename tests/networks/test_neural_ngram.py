"""The neural n-gram: its equation, its sight, and tokens or numbers alike."""

import pytest
import torch
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.networks.neural_ngram import NeuralNGram

TOKENS = torch.tensor([[5, 6, 7, 5, 8], [6, 6, 0, 0, 0]])


def network(**options):
    torch.manual_seed(0)
    return NeuralNGram((5,), 9, vocabulary=9, order=3, width=4, hidden=7, **options)


@pytest.mark.parametrize("direct", [False, True])
def test_it_is_the_equation_of_bengio(direct):
    made = network(direct=direct)
    table, found = made.places.vectors.weight, made.per_token(TOKENS)
    d, h = made.hidden.bias, made.hidden.weight
    b, u = made.last.bias, made.last.weight
    for row in range(2):
        for place in range(5):
            last = [place - back for back in (2, 1, 0)]
            x = torch.cat([table[TOKENS[row, t]] if t >= 0 else torch.zeros(4) for t in last])
            y = b + u @ torch.tanh(d + h @ x)
            if direct:
                y = y + made.direct.weight @ x
            assert_close(found[row, place], y)


def test_later_tokens_and_those_before_the_last_three_change_nothing():
    made, changed = network(), TOKENS.clone()
    changed[0, 3:] = 1
    assert_close(made.per_token(changed)[0, :3], made.per_token(TOKENS)[0, :3])
    assert not torch.allclose(made.per_token(changed)[0, 3:], made.per_token(TOKENS)[0, 3:])
    earlier = TOKENS.clone()
    earlier[0, :2] = 1
    assert_close(made.per_token(earlier)[0, 4], made.per_token(TOKENS)[0, 4])


def test_the_answer_of_a_row_is_that_of_its_last_token():
    made = network()
    every = made.per_token(TOKENS)
    assert_close(made(TOKENS), torch.stack([every[0, 4], every[1, 1]]))
    assert_close(made.next_scores(TOKENS[:, :2]), every[:, 1])


def test_real_sequences_go_the_same_way():
    torch.manual_seed(0)
    made, inputs = NeuralNGram((6, 2), 3, order=2), torch.randn(4, 6, 2)
    assert_close(made(inputs), made.per_token(inputs)[:, -1])
    short = NeuralNGram((2, 2), 3, order=5)
    assert_close(short(inputs[:, :2]), short.per_token(inputs[:, :2])[:, -1])


def test_options_that_cannot_be_are_told():
    with pytest.raises(SettingsError, match="Option order of neural_ngram"):
        NeuralNGram((5,), 9, order=0)
    with pytest.raises(SettingsError, match="Option dropout of neural_ngram"):
        NeuralNGram((5,), 9, dropout=1.0)
