"""Blocks of Transformers against torch's layers with the same weights, and plain equations."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from transformer_cases import drawn, torchs_decoder, torchs_encoder

from layerwise.errors import SettingsError
from layerwise.layers.transformer_blocks import (
    DecoderBlock,
    EncoderBlock,
    FeedForward,
    check_blocks,
    start_small,
)

ROWS, PLACES, WIDTH, HEADS = 2, 5, 12, 3
NORM = pytest.mark.parametrize("norm", ["pre", "post"])
ACTIVATION = pytest.mark.parametrize("activation", ["relu", "gelu"])
HIDDEN = torch.ones(PLACES, PLACES, dtype=torch.bool).triu(1)


@NORM
@ACTIVATION
@pytest.mark.parametrize("causal", [False, True])
def test_an_encoder_block_is_torchs(norm, activation, causal):
    ours = drawn(EncoderBlock(WIDTH, HEADS, inner=20, norm=norm, activation=activation))
    theirs = torchs_encoder(ours, norm, activation)
    places, padding = torch.randn(ROWS, PLACES, WIDTH), torch.zeros(ROWS, PLACES) > 0
    padding[1, 3:] = True
    expected = theirs(
        places, src_mask=HIDDEN if causal else None, src_key_padding_mask=padding, is_causal=causal
    )
    assert_close(ours(places, padding=padding, causal=causal), expected)


@NORM
@ACTIVATION
def test_a_decoder_block_is_torchs(norm, activation):
    ours = drawn(DecoderBlock(WIDTH, HEADS, inner=20, norm=norm, activation=activation))
    theirs = torchs_decoder(ours, norm, activation)
    places, memory = torch.randn(ROWS, PLACES, WIDTH), torch.randn(ROWS, 7, WIDTH)
    padding = torch.zeros(ROWS, 7) > 0
    padding[0, 4:] = True
    expected = theirs(places, memory, tgt_mask=HIDDEN, memory_key_padding_mask=padding)
    assert_close(ours(places, memory, memory_padding=padding), expected)


@NORM
def test_a_decoder_block_without_memory_is_a_causal_encoder_block(norm):
    ours = drawn(DecoderBlock(WIDTH, HEADS, norm=norm, cross=False))
    other = EncoderBlock(WIDTH, HEADS, norm=norm)
    other.load_state_dict(ours.state_dict())
    places = torch.randn(ROWS, PLACES, WIDTH)
    assert_close(ours(places), other(places, causal=True))
    assert_close(ours.weights(places), other.weights(places, causal=True))


@NORM
def test_it_is_the_equations(norm):
    block, places = drawn(EncoderBlock(WIDTH, HEADS, norm=norm)), torch.randn(1, PLACES, WIDTH)
    attend, inside = block.attention, block.feed_forward
    first, second = block.attention_norm, block.feed_forward_norm
    if norm == "pre":
        seen = places + attend(first(places))
        expected = seen + inside(second(seen))
    else:
        seen = first(places + attend(places))
        expected = second(seen + inside(seen))
    assert_close(block(places), expected)


@NORM
def test_its_map_is_the_one_that_it_used(norm):
    block, places = drawn(EncoderBlock(WIDTH, 1, norm=norm)), torch.randn(ROWS, PLACES, WIDTH)
    seen = block.attention_norm(places) if norm == "pre" else places
    weights = block.weights(places)[:, 0]
    values = block.attention.queries_keys_values(seen)[..., 2 * WIDTH :]
    assert_close(weights.sum(-1), torch.ones(ROWS, PLACES))
    assert_close(block.attention(seen), block.attention.last(weights @ values))


@NORM
def test_the_map_over_the_memory_leaves_out_its_padding(norm):
    block = drawn(DecoderBlock(WIDTH, HEADS, norm=norm))
    places, memory = torch.randn(ROWS, PLACES, WIDTH), torch.randn(ROWS, 7, WIDTH)
    padding = torch.zeros(ROWS, 7) > 0
    padding[0, 4:] = True
    weights = block.cross_weights(places, memory, memory_padding=padding)
    assert weights.shape == (ROWS, HEADS, PLACES, 7)
    assert weights[0, :, :, 4:].eq(0).all()
    assert_close(weights.sum(-1), torch.ones(ROWS, HEADS, PLACES))


@ACTIVATION
def test_the_small_network_is_its_equation(activation):
    layer, places = drawn(FeedForward(4, 6, activation)), torch.randn(3, 2, 4)
    inside = places @ layer.first.weight.T + layer.first.bias
    curved = inside.clamp(min=0)
    if activation == "gelu":
        curved = inside * 0.5 * (1 + torch.erf(inside / 2**0.5))
    assert_close(layer(places), curved @ layer.last.weight.T + layer.last.bias)


def test_without_bias_there_are_only_matrices_and_scales():
    block = EncoderBlock(WIDTH, HEADS, bias=False)
    assert sum(one.numel() for one in block.parameters()) == 12 * WIDTH**2 + 2 * WIDTH


def test_dropout_is_for_training_only():
    block, places = (
        drawn(DecoderBlock(WIDTH, HEADS, dropout=0.5, cross=False)),
        torch.randn(ROWS, PLACES, WIDTH),
    )
    assert not block(places).equal(block(places))
    assert block.eval()(places).equal(block(places))


def test_weights_start_small_and_smaller_where_they_are_added():
    torch.manual_seed(0)
    blocks = nn.Sequential(EncoderBlock(64, 4), EncoderBlock(64, 4))
    start_small(blocks, residuals=4)
    for block in blocks:
        for layer in (block.attention.queries_keys_values, block.feed_forward.first):
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
            assert layer.bias.eq(0).all()
        for layer in (block.attention.last, block.feed_forward.last):
            assert layer.weight.std().item() == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"heads": 0}, "Option heads of net must be a whole number of at least 1, got 0"),
        ({"dropout": 1.0}, "Option dropout of net must be from 0 to below 1"),
        ({"norm": "rms"}, "Option norm of net must be one of pre, post, got 'rms'"),
        ({"activation": "tanh"}, "Option activation of net must be one of relu, gelu, got 'tanh'"),
    ],
)
def test_options_of_blocks_are_checked_by_name(option, says):
    good = {"width": 8, "layers": 1, "heads": 2, "dropout": 0.0, "norm": "pre"}
    check_blocks("net", **good, activation="gelu")
    with pytest.raises(SettingsError, match=says):
        check_blocks("net", **{**good, "activation": "gelu", **option})


def test_words_that_are_not_known_are_refused():
    with pytest.raises(SettingsError, match="must be pre or post, got 'middle'"):
        EncoderBlock(WIDTH, HEADS, norm="middle")
    with pytest.raises(SettingsError, match="must be one of relu, gelu, got 'tanh'"):
        EncoderBlock(WIDTH, HEADS, activation="tanh")
