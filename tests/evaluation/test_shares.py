"""Closed forms cover what they promise: exact sums over the binomial distribution, no chance."""

import numpy as np
import pytest
from scipy.stats import binom

from layerwise.evaluation.shares import clopper_pearson, paired_deviation, paired_ends, share_ends


@pytest.mark.parametrize("rows", [100, 200, 500, 1000])
@pytest.mark.parametrize("share", [0.5, 0.62, 0.7, 0.81, 0.9, 0.95, 0.97, 0.98])
def test_the_interval_of_a_share_covers_in_93_to_97_of_100(rows, share):
    hits = np.arange(rows + 1)
    ends = np.array([share_ends(int(count), rows) for count in hits])
    covers = (ends[:, 0] <= share) & (share <= ends[:, 1])
    assert 0.93 <= binom.pmf(hits, rows, share)[covers].sum() <= 0.97


def test_wilson_is_as_worked_out_by_hand():
    # 80 of 100: (0.8 + 0.01921) / 1.03841 = 0.78890 +- 0.07773
    assert share_ends(80, 100) == pytest.approx((0.7112, 0.8666), abs=1e-4)


def test_a_share_and_its_mirror_have_mirrored_intervals():
    low, high = share_ends(97, 100)
    assert share_ends(3, 100) == pytest.approx((1 - high, 1 - low))
    assert share_ends(0, 20) == clopper_pearson(0, 20) == (0.0, 1 - 0.025 ** (1 / 20))


def test_a_paired_difference_is_as_worked_out_by_hand():
    # (8 + 1 - 2 - 1) / 102 = 0.05882, se = sqrt((12 / 102 - 0.05882^2) / 102) = 0.03346
    assert paired_deviation(8, 2, 100) == pytest.approx(0.03346, abs=1e-5)
    assert paired_ends(8, 2, 100) == pytest.approx((-0.00675, 0.12439), abs=1e-4)
    low, high = paired_ends(2, 8, 100)
    assert (-high, -low) == pytest.approx(paired_ends(8, 2, 100))


@pytest.mark.parametrize("disagree", [0.02, 0.05, 0.2])
@pytest.mark.parametrize("rows", [50, 100, 400])
def test_equal_shares_are_seldom_told_apart(rows, disagree):
    """Only rows where one of them is right matter; each is a fair coin."""
    wrong = 0.0
    for count in range(rows + 1):
        chance = binom.pmf(count, rows, disagree)
        if chance < 1e-9:
            continue
        first = np.arange(count + 1)
        ends = np.array([paired_ends(int(one), count - int(one), rows) for one in first])
        excluded = (ends[:, 0] > 0) | (ends[:, 1] < 0)
        wrong += chance * binom.pmf(first, count, 0.5)[excluded].sum()
    assert wrong <= 0.05
