"""Noise is what its name says, and comes from torch's generator alone."""

import pytest
import torch
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.layers.noise import NOISES, check_noise, corrupted

INPUTS = torch.linspace(1, 2, 20_000).reshape(100, 200)


def noisy(kind, level=0.3):
    torch.manual_seed(0)
    return corrupted(INPUTS, kind, level)


def test_no_noise_changes_nothing():
    assert noisy("none") is INPUTS


def test_gaussian_noise_has_the_wanted_deviation_and_no_mean():
    difference = noisy("gaussian") - INPUTS
    assert abs(difference.mean()) < 0.01
    assert_close(difference.std(), torch.tensor(0.3), atol=0.01, rtol=0)


def test_masking_zeroes_the_wanted_share_and_leaves_the_rest():
    found = noisy("masking")
    hidden = found == 0
    assert_close(hidden.float().mean(), torch.tensor(0.3), atol=0.01, rtol=0)
    assert torch.equal(found[~hidden], INPUTS[~hidden])


def test_salt_and_pepper_are_equally_many_extremes():
    found = noisy("salt_and_pepper")
    pepper, salt = (found == 1), (found == 2)
    for share in (pepper, salt):
        assert_close(share.float().mean(), torch.tensor(0.15), atol=0.01, rtol=0)
    rest = ~(pepper | salt)
    assert torch.equal(found[rest], INPUTS[rest])


@pytest.mark.parametrize("kind", NOISES)
def test_the_same_seed_gives_the_same_noise(kind):
    assert torch.equal(noisy(kind), noisy(kind))


@pytest.mark.parametrize(
    ("kind", "level", "says"),
    [
        ("gausian", 0.1, "Did you mean 'gaussian'"),
        ("gaussian", -0.1, "0 or more with noise gaussian, got -0.1"),
        ("masking", 1.0, "from 0 to below 1 with noise masking, got 1.0"),
    ],
)
def test_what_cannot_be_is_refused(kind, level, says):
    with pytest.raises(SettingsError, match=says):
        check_noise(kind, level, "reconstruct")
