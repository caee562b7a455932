"""Places of sequences, their padding, and one answer from many."""

import pytest
import torch
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.layers.sequences import (
    PlaceVectors,
    as_patches,
    as_sequence,
    at_last,
    check_choice,
    check_tokens,
    check_whole,
    last_tokens,
    lengths_of,
    patch_shape,
    pooled,
    sequence_shape,
)

TOKENS = torch.tensor([[3, 1, 4], [2, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize(
    ("shape", "expected"), [((12,), (12, 1)), ((12, 3), (12, 3)), ((3, 8, 6), (8, 18))]
)
def test_a_shape_says_its_places_and_their_numbers(shape, expected):
    assert sequence_shape(shape, "rnn") == expected
    assert as_sequence(torch.zeros(2, *shape)).shape == (2, *expected)


def test_no_sequence_is_refused():
    with pytest.raises(SettingsError, match=r"got \(1, 2, 3, 4\).*--network mlp"):
        sequence_shape((1, 2, 3, 4), "rnn")


def test_patches_are_squares_in_reading_order():
    images = torch.arange(2 * 2 * 4 * 6).reshape(2, 2, 4, 6)
    found = as_patches(images, 2)
    assert found.shape == (2, *patch_shape((2, 4, 6), 2, "transformer")) == (2, 6, 8)
    for place in range(6):
        row, column = 2 * (place // 3), 2 * (place % 3)
        square = images[:, :, row : row + 2, column : column + 2]
        assert found[:, place].equal(square.flatten(1))


@pytest.mark.parametrize("shape", [(1, 5, 4), (1, 4, 5), (12,)])
def test_what_patches_do_not_fill_is_refused(shape):
    with pytest.raises(SettingsError, match="sides are multiples of it, got patch 2"):
        patch_shape(shape, 2, "transformer")


def test_padding_ends_a_row_and_an_empty_row_has_one_place():
    assert lengths_of(TOKENS).tolist() == [3, 1, 1]


@pytest.mark.parametrize("how", ["mean", "max", "last"])
@pytest.mark.parametrize("padded", [False, True])
def test_pooling_is_over_the_places_that_count(how, padded):
    found = torch.randn(3, 3, 5, generator=torch.Generator().manual_seed(0))
    lengths = lengths_of(TOKENS) if padded else None
    for row, length in enumerate([3, 1, 1] if padded else [3, 3, 3]):
        own = found[row, :length]
        expected = {"mean": own.mean(0), "max": own.amax(0), "last": own[-1]}[how]
        assert_close(pooled(found, lengths, how)[row], expected)
    assert_close(pooled(found, lengths, "last"), at_last(found, lengths))


def test_the_last_tokens_before_the_padding_are_kept():
    tokens = torch.tensor([[1, 2, 3, 4, 5], [6, 7, 8, 0, 0], [9, 0, 0, 0, 0]])
    assert last_tokens(tokens, 3).tolist() == [[3, 4, 5], [6, 7, 8], [9, 0, 0]]
    assert last_tokens(tokens, 5) is tokens


def test_vectors_are_of_tokens_or_of_real_numbers():
    torch.manual_seed(0)
    table, linear = PlaceVectors(1, 4, 9, 0.02), PlaceVectors(3, 4, 0, 0.02)
    assert table(TOKENS)[0, 0].equal(table.vectors.weight[3])
    assert linear(torch.zeros(2, 5, 3)).equal(torch.zeros(2, 5, 4))


def test_options_that_cannot_be_are_refused():
    with pytest.raises(
        SettingsError, match=r"Option hidden of rnn must be .* at least 1, got True"
    ):
        check_whole("rnn", {"hidden": True})
    with pytest.raises(SettingsError, match="Option norm of rnn must be one of a, b, got 'c'"):
        check_choice("rnn", "norm", "c", ("a", "b"))
    with pytest.raises(SettingsError, match=r"Tokens of rnn have the shape \(length,\)"):
        check_tokens("rnn", (3, 4), 5)
