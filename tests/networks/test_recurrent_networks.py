"""RNN, LSTM and GRU: torch's fused cells against the equations, and what they share."""

import pytest
import torch
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.networks.gru import GRU
from layerwise.networks.lstm import LSTM
from layerwise.networks.rnn import RNN
from layerwise.networks.summary import summarize

NETWORKS = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
GATES = {"rnn": 1, "lstm": 4, "gru": 3}  # matrices for each input and each state
EACH = pytest.mark.parametrize("name", NETWORKS)
TOKENS = torch.tensor([[3, 1, 4, 1, 5], [2, 6, 0, 0, 0], [5, 3, 5, 8, 0]])


def build(name, *arguments, **options):
    torch.manual_seed(0)
    network = NETWORKS[name](*arguments, **options)
    for one in network.parameters():  # biases are not zero in general
        torch.nn.init.normal_(one, std=0.5)
    return network


def elman_step(place, state, cell, weights):
    """Elman 1990: h = tanh(W x + b + U h + c); there is no cell."""
    W, b, U, c = weights
    return torch.tanh(W @ place + b + U @ state + c), cell


def lstm_step(place, state, cell, weights):
    """Gers et al. 2000: the cell forgets, then takes in; the output gate shows it."""
    W, b, U, c = weights
    sums = (W @ place + b + U @ state + c).reshape(4, -1)
    taken, kept, shown = (torch.sigmoid(sums[gate]) for gate in (0, 1, 3))
    cell = kept * cell + taken * torch.tanh(sums[2])
    return shown * torch.tanh(cell), cell


def gru_step(place, state, cell, weights):
    """Cho et al. 2014, eq. 5-8, the reset gate after the matrix product; there is no cell."""
    W, b, U, c = weights
    below, before = (W @ place + b).reshape(3, -1), (U @ state + c).reshape(3, -1)
    reset, update = (torch.sigmoid(below[gate] + before[gate]) for gate in (0, 1))
    new = torch.tanh(below[2] + reset * before[2])
    return (1 - update) * new + update * state, cell


STEPS = {"rnn": elman_step, "lstm": lstm_step, "gru": gru_step}


def read(network, places, layer, direction=""):
    """States of one row after each of its places, by the equations."""
    states, step = network.recurrence.states, STEPS[network.recurrence.cell]
    names = [
        f"{kind}_l{layer}{direction}" for kind in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
    ]
    weights = [getattr(states, name) for name in names]
    state = cell = torch.zeros(states.hidden_size)
    found = []
    for place in places:
        state, cell = step(place, state, cell, weights)
        found.append(state)
    return torch.stack(found)


@EACH
@pytest.mark.parametrize("layers", [1, 2])
def test_it_is_the_equations_step_by_step(name, layers):
    network, inputs = build(name, (5, 2), 3, hidden=4, layers=layers), torch.randn(2, 5, 2)
    for row in range(2):
        places = inputs[row]
        for layer in range(layers):
            places = read(network, places, layer)
        assert_close(network.per_token(inputs)[row], network.last(places))
        assert_close(network(inputs)[row], network.last(places[-1]))


@EACH
def test_both_directions_read_their_own_row_to_its_end(name):
    network = build(name, (5,), 3, hidden=4, bidirectional=True, vocabulary=9, width=3)
    found = network(TOKENS)
    for row, tokens in enumerate(TOKENS):
        places = network.recurrence.vectors(tokens[tokens > 0])
        there = read(network, places, 0)[-1]
        back = read(network, places.flip(0), 0, "_reverse")[-1]
        assert_close(found[row], network.last(torch.cat([there, back])))


@EACH
@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_nothing(name, bidirectional):
    network = build(name, (5,), 3, hidden=4, layers=2, bidirectional=bidirectional, vocabulary=9)
    found = network(TOKENS)
    for row, tokens in enumerate(TOKENS):
        assert_close(found[row : row + 1], network(tokens[tokens > 0].unsqueeze(0)))
    full = TOKENS[:1]
    assert_close(network(full), found[:1])
    assert network(torch.zeros(2, 3, dtype=torch.int64)).isfinite().all()


@EACH
def test_the_next_token_is_told_from_all_before(name):
    network = build(name, (5,), 9, hidden=4, vocabulary=9)
    scores = network.per_token(TOKENS)
    assert_close(network.next_scores(TOKENS), scores[torch.arange(3), torch.tensor([4, 1, 3])])
    changed = TOKENS.clone()
    changed[:, 3:] = 7
    assert_close(network.per_token(changed)[:, :3], scores[:, :3])


@EACH
def test_who_sees_what_comes_cannot_predict_it(name):
    network = build(name, (5,), 9, bidirectional=True, vocabulary=9)
    for ask in (network.per_token, network.next_scores):
        with pytest.raises(SettingsError, match=f"bidirectional {name} sees what comes after"):
            ask(TOKENS)


@EACH
def test_an_image_is_read_row_by_row_and_a_vector_number_by_number(name):
    network, images = build(name, (3, 8, 6), 2, hidden=4), torch.randn(5, 3, 8, 6)
    rows = torch.cat([images[:, 0], images[:, 1], images[:, 2]], dim=2)
    assert_close(network(images), network(rows))
    assert build(name, (12,), 2).recurrence.states.input_size == 1


@EACH
def test_dropout_is_for_training_only(name):
    network, inputs = build(name, (5, 2), 3, dropout=0.5), torch.randn(2, 5, 2)
    assert not network(inputs).equal(network(inputs))
    assert network.eval()(inputs).equal(network(inputs))


@EACH
def test_its_summary_counts_a_vocabulary_too(name):
    network = NETWORKS[name]((12,), 3, hidden=8, layers=2, vocabulary=11, width=5)
    counted = sum(layer.parameters for layer in summarize(network, (12,)))
    by_hand = 11 * 5 + GATES[name] * (8 * (5 + 8 + 2) + 8 * (8 + 8 + 2)) + 9 * 3
    assert counted == by_hand == sum(one.numel() for one in network.parameters())


def test_units_of_an_rnn_may_be_rectified():
    network, inputs = build("rnn", (5, 2), 3, hidden=4, activation="relu"), torch.randn(2, 5, 2)
    assert (network.recurrence.every(inputs) >= 0).all()


def test_the_forget_gate_of_an_lstm_starts_open():
    states = LSTM((5, 2), 3, hidden=4, layers=2).recurrence.states
    for layer in range(2):
        bias = getattr(states, f"bias_ih_l{layer}") + getattr(states, f"bias_hh_l{layer}")
        assert bias.tolist() == [0] * 4 + [1] * 4 + [0] * 8
        for gate in getattr(states, f"weight_hh_l{layer}").split(4):
            assert_close(gate @ gate.T, torch.eye(4))


@EACH
@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((5, 2, 2, 2), {}, "{} needs sequences of shape"),
        ((5, 2), {"vocabulary": 9}, r"Tokens of {} have the shape \(length,\), got \(5, 2\)"),
        ((5,), {"hidden": 0}, "Option hidden of {} must be a whole number of at least 1, got 0"),
        ((5,), {"layers": 1.5}, "Option layers of {} must be a whole number"),
        ((5,), {"vocabulary": -1}, "Option vocabulary of {} must be a whole number"),
        ((5,), {"dropout": 1.0}, "Option dropout of {} must be from 0 to below 1"),
    ],
)
def test_what_cannot_be_is_explained(name, shape, options, says):
    with pytest.raises(SettingsError, match=says.format(name)):
        NETWORKS[name](shape, 3, **options)


def test_units_of_an_rnn_are_tanh_or_relu():
    with pytest.raises(SettingsError, match="must be one of tanh, relu, got 'gelu'"):
        RNN((5,), 3, activation="gelu")
