"""Convolutions along a sequence: the equations tap by tap, what they see, and padding."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.networks.conv1d import Conv1d
from layerwise.networks.summary import summarize

TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9], [2, 6, 0, 0, 0, 0], [5, 3, 5, 8, 0, 0]])
LAST = torch.tensor([5, 1, 3])


def build(shape=(6,), size=3, **options):
    torch.manual_seed(0)
    network = Conv1d(shape, size, **{"channels": 4, "layers": 2} | options)
    for one in network.parameters():
        nn.init.normal_(one, std=0.5)
    return network


def convolved(places, layer, dilation, causal):
    """One row through relu(convolution), tap by tap; (length, channels)."""
    taps, found = layer.weight.shape[2], []
    for place in range(len(places)):
        total = layer.bias.clone()
        for tap in range(taps):
            back = (taps - 1 - tap) if causal else (taps // 2 - tap)
            other = place - back * dilation
            if 0 <= other < len(places):
                total = total + layer.weight[:, :, tap] @ places[other]
        found.append(total.relu())
    return torch.stack(found)


@pytest.mark.parametrize(("causal", "kernel"), [(True, 2), (True, 3), (False, 3)])
def test_it_is_the_equations_tap_by_tap(causal, kernel):
    network, inputs = build((6, 2), causal=causal, kernel=kernel), torch.randn(2, 6, 2)
    for row in range(2):
        places = inputs[row]
        for number, block in enumerate(network.blocks):
            inside = convolved(places, block.first, 2**number, causal)
            inside = convolved(inside, block.second, 2**number, causal)
            around = block.around(places.T.unsqueeze(0))[0].T
            places = (around + inside).relu()
        assert_close(network.encode(inputs)[row], places)
        assert_close(network(inputs)[row], network.last(places.mean(0)))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("pooling", ["mean", "max", "last"])
def test_padding_changes_nothing(causal, pooling):
    network = build(causal=causal, pooling=pooling, vocabulary=10)
    found = network(TOKENS)
    for row, tokens in enumerate(TOKENS):
        assert_close(found[row : row + 1], network(tokens[tokens > 0].unsqueeze(0)))


def test_the_next_token_is_told_from_all_before():
    network = build(size=10, vocabulary=10)
    scores = network.per_token(TOKENS)
    assert_close(network.next_scores(TOKENS), scores[torch.arange(3), LAST])
    changed = TOKENS.clone()
    changed[:, 3:] = 7
    assert_close(network.per_token(changed)[:, :3], scores[:, :3])


def test_a_place_sees_as_far_as_is_said():
    network = build((40, 1), layers=3, kernel=2).double()
    inputs = torch.randn(1, 40, 1, dtype=torch.float64, requires_grad=True)
    network.encode(inputs)[0, -1].sum().backward()
    assert inputs.grad[0, :, 0].ne(0).nonzero().min() >= 40 - (1 + 2 * (2**3 - 1))
    assert Conv1d.__doc__.count("1 + 2 (kernel - 1) (2^layers - 1)") == 1


def test_who_sees_what_comes_cannot_predict_it():
    network = build(causal=False, vocabulary=10)
    for ask in (network.per_token, network.next_scores):
        with pytest.raises(SettingsError, match="not causal sees what comes after"):
            ask(TOKENS)


def test_an_image_is_read_row_by_row_and_a_vector_number_by_number():
    assert build((3, 8, 6))(torch.randn(5, 3, 8, 6)).shape == (5, 3)
    assert build((12,)).blocks[0].first.in_channels == 1


def test_its_summary_counts_all():
    network = Conv1d((12,), 3, channels=8, layers=2, vocabulary=11, width=5)
    by_hand = 11 * 5 + (5 * 3 + 1) * 8 + 3 * (8 * 3 + 1) * 8 + 6 * 8 + 9 * 3
    assert sum(layer.parameters for layer in summarize(network, (12,))) == by_hand
    assert sum(one.numel() for one in network.parameters()) == by_hand


def test_dropout_is_for_training_only():
    network, inputs = build((6, 2), dropout=0.5), torch.randn(2, 6, 2)
    assert not network(inputs).equal(network(inputs))
    assert network.eval()(inputs).equal(network(inputs))


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((5, 2, 2, 2), {}, "conv1d needs sequences of shape"),
        ((5, 2), {"vocabulary": 9}, "Tokens of conv1d have the shape"),
        ((5,), {"kernel": 1}, "Option kernel of conv1d must be a whole number of at least 2"),
        ((5,), {"kernel": 4, "causal": False}, "must be odd where it is not causal, got 4"),
        ((5,), {"pooling": "class"}, "must be one of mean, max, last, got 'class'"),
        ((5,), {"dropout": 1.5}, "Option dropout of conv1d must be from 0"),
    ],
)
def test_what_cannot_be_is_explained(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        Conv1d(shape, 3, **options)
