"""The simple recurrent network: torch's fused cell against the equations, step after step."""

import pytest
import torch
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.networks.rnn import RNN
from layerwise.networks.summary import summarize

TOKENS = torch.tensor([[3, 1, 4, 1, 5], [2, 6, 0, 0, 0], [5, 3, 5, 8, 0]])


def build(*arguments, **options):
    torch.manual_seed(0)
    network = RNN(*arguments, **options)
    for one in network.parameters():  # biases are not zero in general
        torch.nn.init.normal_(one, std=0.5)
    return network


def step(place, state, weights):
    """Elman 1990: h = tanh(W x + b + U h + c)."""
    W, b, U, c = weights
    return torch.tanh(W @ place + b + U @ state + c)


def read(network, places, layer, direction=""):
    """States of one row after each of its places, by the equations."""
    states = network.recurrence.states
    names = [
        f"{kind}_l{layer}{direction}" for kind in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
    ]
    weights = [getattr(states, name) for name in names]
    state = torch.zeros(states.hidden_size)
    found = []
    for place in places:
        state = step(place, state, weights)
        found.append(state)
    return torch.stack(found)


@pytest.mark.parametrize("layers", [1, 2])
def test_it_is_the_equations_step_by_step(layers):
    network, inputs = build((5, 2), 3, hidden=4, layers=layers), torch.randn(2, 5, 2)
    for row in range(2):
        places = inputs[row]
        for layer in range(layers):
            places = read(network, places, layer)
        assert_close(network.per_token(inputs)[row], network.last(places))
        assert_close(network(inputs)[row], network.last(places[-1]))


def test_both_directions_read_their_own_row_to_its_end():
    network = build((5,), 3, hidden=4, bidirectional=True, vocabulary=9, width=3)
    found = network(TOKENS)
    for row, tokens in enumerate(TOKENS):
        places = network.recurrence.vectors(tokens[tokens > 0])
        there = read(network, places, 0)[-1]
        back = read(network, places.flip(0), 0, "_reverse")[-1]
        assert_close(found[row], network.last(torch.cat([there, back])))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_nothing(bidirectional):
    network = build((5,), 3, hidden=4, layers=2, bidirectional=bidirectional, vocabulary=9)
    found = network(TOKENS)
    for row, tokens in enumerate(TOKENS):
        assert_close(found[row : row + 1], network(tokens[tokens > 0].unsqueeze(0)))
    full = TOKENS[:1]
    assert_close(network(full), found[:1])
    assert network(torch.zeros(2, 3, dtype=torch.int64)).isfinite().all()


def test_the_next_token_is_told_from_all_before():
    network = build((5,), 9, hidden=4, vocabulary=9)
    scores = network.per_token(TOKENS)
    assert_close(network.next_scores(TOKENS), scores[torch.arange(3), torch.tensor([4, 1, 3])])
    changed = TOKENS.clone()
    changed[:, 3:] = 7
    assert_close(network.per_token(changed)[:, :3], scores[:, :3])


def test_who_sees_what_comes_cannot_predict_it():
    network = build((5,), 9, bidirectional=True, vocabulary=9)
    for ask in (network.per_token, network.next_scores):
        with pytest.raises(SettingsError, match="bidirectional rnn sees what comes after"):
            ask(TOKENS)


def test_an_image_is_read_row_by_row_and_a_vector_number_by_number():
    network, images = build((3, 8, 6), 2, hidden=4), torch.randn(5, 3, 8, 6)
    rows = torch.cat([images[:, 0], images[:, 1], images[:, 2]], dim=2)
    assert_close(network(images), network(rows))
    assert build((12,), 2).recurrence.states.input_size == 1


def test_units_may_be_rectified():
    network, inputs = build((5, 2), 3, hidden=4, activation="relu"), torch.randn(2, 5, 2)
    assert (network.recurrence.every(inputs) >= 0).all()


def test_dropout_is_for_training_only():
    network, inputs = build((5, 2), 3, dropout=0.5), torch.randn(2, 5, 2)
    assert not network(inputs).equal(network(inputs))
    assert network.eval()(inputs).equal(network(inputs))


def test_its_summary_counts_a_vocabulary_too():
    network = RNN((12,), 3, hidden=8, layers=2, vocabulary=11, width=5)
    counted = sum(layer.parameters for layer in summarize(network, (12,)))
    by_hand = 11 * 5 + 1 * (8 * (5 + 8 + 2) + 8 * (8 + 8 + 2)) + 9 * 3
    assert counted == by_hand == sum(one.numel() for one in network.parameters())


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((5, 2, 2, 2), {}, "rnn needs sequences of shape"),
        ((5, 2), {"vocabulary": 9}, r"Tokens of rnn have the shape \(length,\), got \(5, 2\)"),
        ((5,), {"hidden": 0}, "Option hidden of rnn must be a whole number of at least 1, got 0"),
        ((5,), {"layers": 1.5}, "Option layers of rnn must be a whole number"),
        ((5,), {"vocabulary": -1}, "Option vocabulary of rnn must be a whole number"),
        ((5,), {"dropout": 1.0}, "Option dropout of rnn must be from 0 to below 1"),
        ((5,), {"activation": "gelu"}, "must be one of tanh, relu, got 'gelu'"),
    ],
)
def test_what_cannot_be_is_explained(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        RNN(shape, 3, **options)
