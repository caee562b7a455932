"""The encoder over tokens, real sequences and patches: against torch's own, and its padding."""

import pytest
import torch
from torch.testing import assert_close
from transformer_cases import drawn, torchs_encoder

from layerwise.errors import DataError, SettingsError
from layerwise.layers.sequences import as_patches
from layerwise.networks.summary import summarize
from layerwise.networks.transformer import Transformer

TOKENS = torch.tensor([[3, 1, 4, 1, 5], [2, 6, 0, 0, 0], [5, 3, 5, 8, 0]])
POOLING = pytest.mark.parametrize("pooling", ["mean", "max", "last", "class"])


def build(shape=(5,), size=3, **options):
    return drawn(Transformer(shape, size, **{"width": 8, "layers": 2, "heads": 2} | options))


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_it_is_torchs_encoder(norm):
    network = build(vocabulary=9, norm=norm)
    places = network.vectors(TOKENS) + network.positions.table
    for block in network.blocks:
        places = torchs_encoder(block, norm)(places, src_key_padding_mask=TOKENS == 0)
    places = network.norm(places)
    assert_close(network.encode(TOKENS), places)
    assert_close(network.per_token(TOKENS), network.last(places))
    means = torch.stack(
        [row[tokens > 0].mean(0) for row, tokens in zip(places, TOKENS, strict=True)]
    )
    assert_close(network(TOKENS), network.last(means))


@POOLING
def test_padding_changes_nothing(pooling):
    network = build(vocabulary=9, pooling=pooling)
    found, each = network(TOKENS), network.per_token(TOKENS)
    assert each.shape == (3, 5, 3)
    for row, tokens in enumerate(TOKENS):
        own = tokens[tokens > 0].unsqueeze(0)
        assert_close(found[row : row + 1], network(own))
        assert_close(each[row, : own.shape[1]], network.per_token(own)[0])
    assert network(torch.zeros(2, 3, dtype=torch.int64)).isfinite().all()


@POOLING
@pytest.mark.parametrize(
    ("shape", "patch", "places"),
    [((6,), 0, 6), ((6, 2), 0, 6), ((2, 4, 6), 0, 4), ((2, 4, 6), 2, 6)],
)
def test_series_and_images_have_places(pooling, shape, patch, places):
    network, inputs = build(shape, pooling=pooling, patch=patch), torch.randn(4, *shape)
    assert network(inputs).shape == (4, 3)
    assert network.per_token(inputs).shape == (4, places, 3)
    assert network.encode(inputs).shape == (4, places, 8)
    assert network.places(inputs).shape[:2] == (4, places)
    size = places + (pooling == "class")
    maps = network.attention_maps(inputs)
    assert maps.shape == (2, 4, 2, size, size)
    assert_close(maps.sum(-1), torch.ones(2, 4, 2, size))


def test_maps_leave_out_the_padding():
    maps = build(vocabulary=9, pooling="class").attention_maps(TOKENS)
    assert maps[:, 1, :, :, 3:].eq(0).all()
    assert maps[:, 0].gt(0).all()


def test_a_hidden_place_does_not_show_what_stands_there():
    network, images = build((1, 4, 6), patch=2), torch.randn(3, 1, 4, 6)
    hidden = torch.zeros(3, 6, dtype=torch.bool)
    hidden[:, 1] = True
    changed = images.clone()
    changed[:, :, :2, 2:4] = 7.0
    assert (network.places(images) != network.places(changed)).any(2).equal(hidden)
    assert_close(network.encode(changed, hidden=hidden), network.encode(images, hidden=hidden))
    assert not network.encode(changed).isclose(network.encode(images)).all()


def test_without_positions_order_does_not_count():
    inputs = torch.randn(2, 5, 3)
    for positions, same in (("none", True), ("learned", False), ("sinusoidal", False)):
        network = build((5, 3), positions=positions)
        assert torch.allclose(network(inputs), network(inputs.flip(1)), atol=1e-5) == same


def test_images_of_equal_patches_have_equal_vectors():
    network, images = build((1, 4, 4), patch=2), torch.ones(1, 1, 4, 4)
    assert network.vectors(as_patches(images, 2)).unique(dim=1).shape[1] == 1


def test_its_summary_counts_all():
    network = Transformer((12,), 3, vocabulary=11, pooling="class")
    block = 12 * 64 * 64 + 13 * 64
    by_hand = 11 * 64 + 64 + 13 * 64 + 2 * block + 2 * 64 + 65 * 3
    assert sum(layer.parameters for layer in summarize(network, (12,))) == by_hand
    assert sum(one.numel() for one in network.parameters()) == by_hand


def test_dropout_is_for_training_only():
    network = build(vocabulary=9, dropout=0.5)
    assert not network(TOKENS).equal(network(TOKENS))
    assert network.eval()(TOKENS).equal(network(TOKENS))


def test_longer_sequences_than_were_planned_are_refused():
    with pytest.raises(DataError, match="has 6 places, but the network knows 5 positions"):
        build(vocabulary=9)(torch.ones(1, 6, dtype=torch.int64))


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((5, 2, 2, 2), {}, "transformer needs sequences of shape"),
        ((5, 2), {"vocabulary": 9}, "Tokens of transformer have the shape"),
        ((1, 5, 4), {"patch": 2}, "sides are multiples of it, got patch 2"),
        ((5,), {"heads": 3}, "got width 64 and 3 heads"),
        ((5,), {"patch": -1}, "Option patch of transformer must be a whole number of at least 0"),
        ((5,), {"pooling": "sum"}, "must be one of mean, max, last, class, got 'sum'"),
        ((5,), {"positions": "rope"}, "must be one of sinusoidal, learned, none, got 'rope'"),
        ((5,), {"dropout": 1}, "Option dropout of transformer must be from 0"),
    ],
)
def test_what_cannot_be_is_explained(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        Transformer(shape, 3, **options)
