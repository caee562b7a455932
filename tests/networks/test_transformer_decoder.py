"""The causal language model: against torch's layers, and what it may not see."""

import math

import pytest
import torch
from torch.testing import assert_close
from transformer_cases import drawn, torchs_encoder

from layerwise.errors import DataError, SettingsError
from layerwise.networks.summary import summarize
from layerwise.networks.transformer_decoder import TransformerDecoder

TOKENS = torch.tensor([[3, 1, 4, 1, 5], [2, 6, 0, 0, 0], [5, 3, 5, 8, 0]])
LAST = torch.tensor([4, 1, 3])


def build(length=5, size=9, **options):
    return drawn(
        TransformerDecoder((length,), size, **{"width": 8, "layers": 2, "heads": 2} | options)
    )


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
def test_it_is_torchs_layers_with_a_causal_mask(norm, positions):
    network = build(norm=norm, positions=positions)
    places = network.vectors(TOKENS) + network.positions.table
    hidden = torch.ones(5, 5, dtype=torch.bool).triu(1)
    for block in network.blocks:
        places = torchs_encoder(block, norm)(places, src_mask=hidden)
    expected = network.last(network.norm(places))
    assert_close(network(TOKENS), expected)
    assert_close(network.per_token(TOKENS), expected)


def test_no_place_sees_what_follows():
    network = build()
    changed = TOKENS.clone()
    changed[:, 3:] = 7
    assert_close(network(changed)[:, :3], network(TOKENS)[:, :3])
    assert not network(changed)[:, 3:].isclose(network(TOKENS)[:, 3:]).all(2).any()


def test_padding_changes_nothing_before_it():
    network = build()
    for row, tokens in enumerate(TOKENS):
        own = tokens[tokens > 0].unsqueeze(0)
        assert_close(network(TOKENS)[row, : own.shape[1]], network(own)[0])


def test_the_next_token_is_told_from_the_last_context():
    network = build()
    assert_close(network.next_scores(TOKENS), network(TOKENS)[torch.arange(3), LAST])
    longer = torch.tensor([[7, 7, 3, 1, 4, 1, 5], [2, 6, 0, 0, 0, 0, 0], [7, 5, 3, 5, 8, 2, 0]])
    seen = torch.tensor([[3, 1, 4, 1, 5], [2, 6, 0, 0, 0], [5, 3, 5, 8, 2]])
    assert_close(network.next_scores(longer), network.next_scores(seen))


def test_longer_rows_than_the_context_are_refused():
    with pytest.raises(DataError, match="has 6 places, but the network knows 5 positions"):
        build()(torch.ones(1, 6, dtype=torch.int64))


def test_maps_are_chances_over_the_past():
    maps = build(norm="post").attention_maps(TOKENS)
    assert maps.shape == (2, 3, 2, 5, 5)
    assert_close(maps.sum(-1), torch.ones(2, 3, 2, 5))
    assert maps.triu(1).eq(0).all()


def test_tied_scores_are_products_with_the_vectors():
    network = build(tied=True)
    assert "last.weight" not in network.state_dict()
    assert_close(network(TOKENS), network.encode(TOKENS) @ network.vectors.weight.T)
    with pytest.raises(SettingsError, match="one output for each of 9 tokens, got 5 outputs"):
        build(size=5, tied=True, vocabulary=9)


def test_it_has_the_parameters_of_its_plan():
    network = TransformerDecoder((64,), 65, vocabulary=65)
    block = 4 * 128 * 128 + 4 * 128 + 2 * 4 * 128 * 128 + 5 * 128 + 4 * 128
    assert sum(one.numel() for one in network.parameters()) == (
        65 * 128 + 64 * 128 + 4 * block + 2 * 128 + 128 * 65
    )
    plain = build(bias=False, tied=True)
    assert not [name for name in plain.state_dict() if name.endswith("bias")]
    assert sum(layer.parameters for layer in summarize(plain, (5,))) == sum(
        one.numel() for one in plain.parameters()
    )


def test_its_weights_start_as_those_of_gpt2():
    torch.manual_seed(0)
    network = TransformerDecoder((64,), 65, layers=2)
    for block in network.blocks:
        assert block.feed_forward.first.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert block.feed_forward.last.weight.std().item() == pytest.approx(0.01, rel=0.05)
        assert block.attention.last.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert network.vectors.weight.std().item() == pytest.approx(0.02, rel=0.05)
    scores = network(torch.randint(1, 65, (4, 64)))
    assert torch.log_softmax(scores, -1).mean().item() == pytest.approx(-math.log(65), abs=0.1)


def test_dropout_is_for_training_only():
    network = build(dropout=0.5)
    assert not network(TOKENS).equal(network(TOKENS))
    assert network.eval()(TOKENS).equal(network(TOKENS))


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((5, 2), {}, r"Tokens of transformer_decoder have the shape \(length,\), got \(5, 2\)"),
        ((5,), {"heads": 3}, "got width 128 and 3 heads"),
        ((5,), {"layers": 0}, "Option layers of transformer_decoder must be a whole number"),
        ((5,), {"positions": "none"}, "must be one of learned, sinusoidal, got 'none'"),
        ((5,), {"norm": "rms"}, "must be one of pre, post, got 'rms'"),
        ((5,), {"activation": "tanh"}, "must be one of relu, gelu, got 'tanh'"),
        ((5,), {"dropout": -1}, "Option dropout of transformer_decoder must be from 0"),
    ],
)
def test_what_cannot_be_is_explained(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        TransformerDecoder(shape, 9, **options)
