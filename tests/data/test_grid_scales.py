"""Block means, interpolation and areas, against values worked by hand and torch's own."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from layerwise.data.grid_scales import (
    axis_weights,
    block_means,
    cell_areas,
    goes_around,
    nearest_filled,
    same_turn,
)


def test_a_block_mean_is_weighted_by_area_and_leaves_out_missing_cells():
    values = np.array([[1.0, 3.0, 5.0, np.nan], [2.0, 2.0, np.nan, np.nan]])
    area = np.array([[3.0] * 4, [1.0] * 4])
    np.testing.assert_allclose(block_means(values, 2, area), [[(3 + 9 + 2 + 2) / 8, 5.0]])
    assert np.isnan(block_means(np.full((2, 2), np.nan), 2, area[:, :2])).all()


def test_bilinear_interpolation_of_block_centres_is_torchs():
    values = torch.randn(1, 1, 5, 6, dtype=torch.float64)
    ways = [axis_weights(4 * np.arange(n) + 1.5, np.arange(4.0 * n), "bilinear") for n in (5, 6)]
    found = ways[0] @ values[0, 0].numpy() @ ways[1].T
    torchs = F.interpolate(values, scale_factor=4, mode="bilinear", align_corners=False)
    np.testing.assert_allclose(found, torchs[0, 0].numpy(), atol=1e-12)


def test_bicubic_interpolation_is_exact_for_parabolas_away_from_the_ends():
    coarse, fine = np.arange(0.0, 9.0), np.arange(1.0, 7.01, 0.25)
    weights = axis_weights(coarse, fine, "bicubic")
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    np.testing.assert_allclose(weights @ (coarse**2 - 3 * coarse), fine**2 - 3 * fine, atol=1e-12)
    # Keys 1981: half-way between two places the four take -1/16, 9/16, 9/16, -1/16
    np.testing.assert_allclose(
        axis_weights(coarse, np.array([3.5]), "bicubic")[0, 2:6], [-1 / 16, 9 / 16, 9 / 16, -1 / 16]
    )


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
def test_an_axis_may_fall_and_its_last_value_stands_beyond_the_ends(method):
    rising = axis_weights(np.arange(5.0), np.array([-1.0, 0.3, 5.0]), method)
    falling = axis_weights(np.arange(5.0)[::-1], np.array([-1.0, 0.3, 5.0]), method)
    np.testing.assert_allclose(rising, falling[:, ::-1], atol=1e-12)
    np.testing.assert_allclose(rising[0] @ np.arange(5.0), 0.0, atol=0.2)


def test_longitudes_that_go_around_are_joined():
    longitudes = np.arange(0.0, 360.0, 30.0)
    assert goes_around(longitudes)
    assert not goes_around(longitudes[:-2])
    weights = axis_weights(longitudes, np.array([345.0, -15.0]), "bilinear", around=True)
    np.testing.assert_allclose(weights[0, [0, 11]], 0.5)
    np.testing.assert_allclose(weights[0], weights[1])


def test_longitudes_are_compared_in_the_same_turn():
    np.testing.assert_allclose(same_turn(np.array([230.0, 310.0]), np.array([-120.0])), [240.0])


def test_missing_cells_take_the_nearest_known_value():
    values = np.array([[[1.0, np.nan, np.nan, 7.0]], [[np.nan] * 4]])
    np.testing.assert_allclose(nearest_filled(values), [[[1, 1, 7, 7]], [[0, 0, 0, 0]]])
    assert np.isnan(values[0, 0, 1]), "the data themselves stay"


def test_cells_count_by_the_cosine_of_their_latitude():
    areas = cell_areas(2, 3, np.array([0.0, 60.0]))
    np.testing.assert_allclose(areas[:, 0], [4 / 3, 2 / 3])
    np.testing.assert_allclose(cell_areas(2, 3, None), 1.0)
