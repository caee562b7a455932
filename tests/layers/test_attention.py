"""Attention by the fused kernel against the formula, and positions against theirs."""

import math

import pytest
import torch
from torch.testing import assert_close

from layerwise.errors import DataError, SettingsError
from layerwise.layers.attention import (
    MultiHeadAttention,
    Positions,
    attention,
    attention_weights,
    sinusoidal_positions,
)

ROWS, HEADS, QUERIES, KEYS, WIDTH = 2, 3, 5, 7, 4


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def by_formula(queries, keys, values, allowed):
    """softmax(Q K^T / sqrt(d)) V, one query after the other."""
    found = torch.zeros(*queries.shape[:3], values.shape[3])
    for row in range(queries.shape[0]):
        for head in range(queries.shape[1]):
            for place in range(queries.shape[2]):
                seen = allowed[row, place]
                query, key = queries[row, head, place], keys[row, head][seen]
                chances = torch.exp(key @ query / math.sqrt(len(query)))
                found[row, head, place] = chances / chances.sum() @ values[row, head][seen]
    return found


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_the_fused_kernel_is_the_formula(causal, padded):
    places = KEYS if causal else QUERIES
    queries, keys = numbers(ROWS, HEADS, places, WIDTH), numbers(ROWS, HEADS, KEYS, WIDTH, seed=1)
    values = numbers(ROWS, HEADS, KEYS, WIDTH, seed=2)
    allowed = torch.ones(ROWS, places, KEYS, dtype=torch.bool)
    padding = None
    if padded:
        padding = torch.zeros(ROWS, KEYS, dtype=torch.bool)
        padding[1, 4:] = True
        allowed &= ~padding[:, None]
    if causal:
        allowed &= torch.ones(places, KEYS, dtype=torch.bool).tril()
    expected = by_formula(queries, keys, values, allowed)
    found = attention(queries, keys, values, padding=padding, causal=causal)
    assert_close(found, expected)
    weights = attention_weights(queries, keys, padding=padding, causal=causal)
    assert_close(weights @ values, expected)
    assert (weights.masked_select(~allowed[:, None].expand_as(weights)) == 0).all()
    assert_close(weights.sum(-1), torch.ones(ROWS, HEADS, places))


def test_a_query_with_padding_only_gets_zeros_and_no_gradient_is_lost():
    queries = numbers(1, 1, 3, WIDTH).requires_grad_()
    padding = torch.ones(1, 3, dtype=torch.bool)
    found = attention(queries, queries, queries, padding=padding)
    found.sum().backward()
    assert found.equal(torch.zeros(1, 1, 3, WIDTH))
    assert queries.grad.isfinite().all()
    assert attention_weights(queries, queries, padding=padding).eq(0).all()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("cross", [False, True])
def test_many_heads_are_torchs(causal, cross):
    torch.manual_seed(0)
    ours = MultiHeadAttention(12, 3)
    theirs = torch.nn.MultiheadAttention(12, 3, batch_first=True)
    theirs.in_proj_weight.data = ours.queries_keys_values.weight.data
    theirs.in_proj_bias.data = torch.nn.init.normal_(ours.queries_keys_values.bias.data)
    theirs.out_proj.weight.data = ours.last.weight.data
    theirs.out_proj.bias.data = torch.nn.init.normal_(ours.last.bias.data)
    inputs = numbers(ROWS, QUERIES, 12)
    context = numbers(ROWS, QUERIES, 12, seed=1) if cross else None
    padding = torch.tensor([[False] * 5, [False, False, False, True, True]])
    seen = inputs if context is None else context
    hidden = torch.ones(QUERIES, QUERIES, dtype=torch.bool).triu(1) if causal else None
    expected, map_expected = theirs(
        inputs, seen, seen, key_padding_mask=padding, attn_mask=hidden, average_attn_weights=False
    )
    assert_close(ours(inputs, context, padding=padding, causal=causal), expected)
    assert_close(ours.weights(inputs, context, padding=padding, causal=causal), map_expected)


def test_dropout_is_for_training_only():
    torch.manual_seed(0)
    layer, inputs = MultiHeadAttention(8, 2, 0.5), numbers(2, 6, 8)
    assert not layer(inputs).equal(layer(inputs))
    assert layer.eval()(inputs).equal(layer(inputs))


def test_without_bias_there_are_four_matrices():
    layer = MultiHeadAttention(8, 2, bias=False)
    assert sum(one.numel() for one in layer.parameters()) == 4 * 8 * 8
    assert layer(numbers(2, 3, 8), numbers(2, 5, 8)).shape == (2, 3, 8)


def test_a_width_that_heads_do_not_part_is_refused():
    with pytest.raises(SettingsError, match="width 10 and 4 heads"):
        MultiHeadAttention(10, 4)


def test_sinusoids_are_those_of_the_paper():
    table = sinusoidal_positions(9, 6)
    for place in range(9):
        for pair in range(3):
            angle = place / 10000 ** (2 * pair / 6)
            assert table[place, 2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[place, 2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_an_odd_width_ends_with_a_sine():
    assert_close(sinusoidal_positions(4, 3)[:, 2], (torch.arange(4) / 10000 ** (2 / 3)).sin())


@pytest.mark.parametrize("kind", ["sinusoidal", "learned", "none"])
def test_positions_are_added(kind):
    torch.manual_seed(0)
    layer, inputs = Positions(8, 4, kind), numbers(2, 5, 4)
    added = 0 if kind == "none" else layer.table[:5]
    assert_close(layer(inputs), inputs + added)
    assert len(list(layer.parameters())) == (kind == "learned")
    assert list(layer.state_dict()) == (["table"] if kind == "learned" else [])


def test_more_places_than_positions_are_refused():
    with pytest.raises(DataError, match="has 9 places, but the network knows 8 positions"):
        Positions(8, 4)(torch.zeros(1, 9, 4))


def test_an_unknown_kind_of_position_is_refused():
    with pytest.raises(SettingsError, match="must be one of sinusoidal, learned, none, got 'rope'"):
        Positions(8, 4, "rope")
