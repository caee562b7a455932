"""Measures of samples against values worked by hand, and against faults that were planted."""

import numpy as np
import pytest

from layerwise.errors import DataError, SettingsError
from layerwise.evaluation.sample_quality import (
    frechet_distance,
    nearest_training,
    neighbour_distances,
    precision_recall,
)


def with_moments(mean, covariance, rows=200, seed=0):
    """Rows whose mean and covariance (over rows - 1) are exactly these."""
    plain = np.random.default_rng(seed).normal(size=(rows, len(mean)))
    plain -= plain.mean(axis=0)
    spread = np.atleast_2d(np.cov(plain, rowvar=False))
    plain = plain @ np.linalg.inv(np.linalg.cholesky(spread)).T
    return plain @ np.linalg.cholesky(np.array(covariance)).T + mean


def modes(count, rows=400, seed=0):
    """Rows at 0, 10, 20, ... with deviation 0.3, evenly on ``count`` modes."""
    generator = np.random.default_rng(seed)
    return 10.0 * (np.arange(rows) % count)[:, None] + 0.3 * generator.normal(size=(rows, 2))


def test_the_frechet_distance_of_two_known_gaussians():
    one = with_moments([0.0, 0.0], [[1.0, 0.0], [0.0, 4.0]])
    other = with_moments([3.0, -1.0], [[9.0, 0.0], [0.0, 1.0]], seed=1)
    by_hand = 9 + 1 + (1 - 3) ** 2 + (2 - 1) ** 2  # |gap|^2 + (s1 - s2)^2 per axis
    assert frechet_distance(one, other) == pytest.approx(by_hand)


def test_the_frechet_distance_of_covariances_that_do_not_commute():
    first, second = [[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.5], [0.5, 1.0]]
    product = np.array(first) @ np.array(second)  # for 2 x 2: tr sqrt = sqrt(tr + 2 sqrt(det))
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    found = frechet_distance(with_moments([0, 0], first), with_moments([0, 0], second, seed=1))
    assert found == pytest.approx(3 + 2 - 2 * root)


def test_the_frechet_distance_of_one_feature_and_of_the_same_rows():
    one, other = with_moments([1.0], [[4.0]]), with_moments([0.0], [[1.0]], seed=1)
    assert frechet_distance(one, other) == pytest.approx(1 + (2 - 1) ** 2)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-12)


def test_the_frechet_distance_is_taken_in_the_features_that_are_given():
    one, other = with_moments([0.0, 0.0], np.eye(2)), with_moments([0.0, 5.0], np.eye(2))
    assert frechet_distance(one, other) == pytest.approx(25)
    assert frechet_distance(one, other, lambda rows: rows[:, :1]) == pytest.approx(0, abs=1e-9)


def test_precision_and_recall_worked_by_hand():
    real, drawn = np.array([[0.0], [1.0], [3.0]]), np.array([[3.5], [5.0], [9.0]])
    found = precision_recall(real, drawn, neighbours=1)
    # radii of real rows 1, 1, 2: 3.5 and 5 lie within; of drawn 1.5, 1.5, 4: 3 lies within
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(1 / 3)


def test_rows_that_repeat_lie_in_each_others_balls():
    rows = np.repeat(np.random.default_rng(0).normal(size=(5, 3)) + 100, 4, axis=0)
    found = precision_recall(rows, rows.copy())
    assert (found.precision, found.recall) == (1, 1)


def test_missing_modes_lower_recall_and_not_precision():
    full, dropped = (
        precision_recall(modes(8), drawn) for drawn in (modes(8, seed=1), modes(2, seed=1))
    )
    assert full.precision > 0.8
    assert full.recall > 0.8
    assert dropped.precision > 0.8
    assert dropped.recall == pytest.approx(2 / 8, abs=0.05)


def test_rows_between_modes_lower_precision_and_not_recall():
    drawn = modes(8, seed=1)
    drawn[:100] += 5
    found = precision_recall(modes(8), drawn)
    assert found.precision == pytest.approx(3 / 4, abs=0.1)
    assert found.recall > 0.8


def test_the_nearest_training_rows_are_found_and_copies_are_at_0():
    training = np.array([[0.0, 0.0], [3.0, 4.0], [9.0, 9.0]])
    found = nearest_training(np.array([[9.0, 9.0], [0.0, 1.0], [3.0, 2.0]]), training)
    assert found.indices.tolist() == [2, 0, 1]
    assert found.distances.tolist() == [0, 1, 2]


def test_distances_far_from_the_origin_and_in_several_blocks_stay_exact():
    rows = np.arange(3000.0)[:, None] * 0.01 + 1e6
    assert nearest_training(rows[::3] + 0.002, rows).indices.tolist() == list(range(0, 3000, 3))
    assert neighbour_distances(rows - 1e6, 2)[1:-1] == pytest.approx(0.01, rel=1e-3)


def test_images_are_flattened():
    images = np.random.default_rng(0).random((20, 1, 4, 4))
    assert nearest_training(images, images).indices.tolist() == list(range(20))


@pytest.mark.parametrize(
    ("real", "drawn", "says"),
    [
        (np.zeros((4, 2)), np.zeros((4, 3)), "2 numbers each, drawn rows 3"),
        (np.zeros((4, 2)), np.zeros((0, 2)), "no drawn rows"),
        (np.zeros((4, 2)), np.array([[0.0, 0.0], [np.nan, 0.0]]), "but row 1 does not"),
        (np.zeros((4, 2)), np.zeros((1, 2)), "at least 2 real and 2 drawn rows.* 4 and 1"),
    ],
)
def test_rows_that_cannot_be_compared_are_refused(real, drawn, says):
    with pytest.raises(DataError, match=says):
        frechet_distance(real, drawn)


def test_too_few_rows_or_neighbours_are_refused():
    with pytest.raises(DataError, match="more than 3 real and drawn rows, got 3 and 9"):
        precision_recall(np.zeros((3, 2)), np.zeros((9, 2)))
    with pytest.raises(SettingsError, match="at least 1, got 0"):
        precision_recall(np.zeros((3, 2)), np.zeros((9, 2)), neighbours=0)
