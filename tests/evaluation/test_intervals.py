"""Intervals hold what they promise, with rows, groups, weights, and at the ends of the scale."""

import math

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binomtest, t

from layerwise.errors import DataError
from layerwise.evaluation.intervals import Score, clopper_pearson, difference, interval, intervals
from layerwise.metrics import METRICS, Predictions, find_metric


def judged(right, weight=None, group=None):
    """Rows that are right or wrong, said with 0.8."""
    truth = np.zeros(len(right), dtype=np.int64)
    positive = np.where(right, 0.2, 0.8)
    scores = np.stack([1 - positive, positive], axis=1)
    return Predictions("binary", ("no", "yes"), truth, scores, weight, group)


def test_the_interval_of_an_accuracy_is_that_of_a_share():
    right = np.arange(1000) % 5 != 0
    score = interval("accuracy", judged(right))
    deviation = math.sqrt(0.8 * 0.2 / 1000)
    assert (score.name, score.value, score.rows, score.level) == ("accuracy", 0.8, 1000, 0.95)
    assert score.low == pytest.approx(0.8 - 1.96 * deviation, abs=0.004)
    assert score.high == pytest.approx(0.8 + 1.96 * deviation, abs=0.004)


def test_nineteen_of_twenty_intervals_hold_the_truth():
    generator = np.random.default_rng(0)
    found = [
        interval("accuracy", judged(generator.random(200) < 0.7), resamples=200) for _ in range(200)
    ]
    assert 0.90 <= np.mean([score.low <= 0.7 <= score.high for score in found]) <= 0.99


def test_rows_of_one_group_are_drawn_together():
    right = np.repeat(np.arange(50) % 2 == 0, 10)
    by_rows = interval("accuracy", judged(right))
    by_groups = interval("accuracy", judged(right, group=np.repeat(np.arange(50), 10)))
    widths = [score.high - score.low for score in (by_rows, by_groups)]
    assert widths[1] == pytest.approx(widths[0] * math.sqrt(10), rel=0.15)


def test_a_heavy_row_widens_the_interval():
    right = np.arange(100) % 2 == 0
    weight = np.ones(100)
    weight[0] = 100
    even = interval("accuracy", judged(right))
    heavy = interval("accuracy", judged(right, weight))
    assert heavy.high - heavy.low > 2 * (even.high - even.low)


@pytest.mark.parametrize("rows", [1, 20])
@pytest.mark.parametrize("right", [True, False])
def test_an_accuracy_of_0_or_1_gets_the_exact_bound(rows, right):
    score = interval("accuracy", judged(np.full(rows, right)))
    exact = binomtest(rows if right else 0, rows).proportion_ci(0.95, "exact")
    assert (score.low, score.high) == pytest.approx((exact.low, exact.high))
    assert (score.low, score.high) == clopper_pearson(int(right), rows)


def test_weights_do_not_hide_a_perfect_accuracy_and_groups_count_once():
    weight = np.random.default_rng(0).random(30) / 3
    score = interval("accuracy", judged(np.full(30, True), weight, np.repeat(np.arange(3), 10)))
    assert score.low == pytest.approx(0.025 ** (1 / 3))


def test_where_all_resamples_agree_there_is_no_interval():
    rows = np.array([[1.0], [2.0], [3.0]])
    perfect = interval("rmse", Predictions("real", (), rows, rows))
    assert perfect.value == 0
    assert math.isnan(perfect.low)
    assert math.isnan(perfect.high)
    lonely = interval("rmse", Predictions("real", (), rows[:1], rows[:1] + 1))
    assert (lonely.value, math.isnan(lonely.low)) == (1.0, True)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "area"), [(0.05, 0.95), (0.1, 0.98)])
def test_a_roc_auc_near_1_of_few_positives_is_covered_in_93_to_97_of_100(share, area):
    generator = np.random.default_rng(1)
    distance = math.sqrt(2) * 1.6448536 if area == 0.95 else math.sqrt(2) * 2.0537489
    scores = []
    for _ in range(500):
        truth = (generator.random(300) < share).astype(np.int64)
        positive = ndtr((generator.normal(size=300) + distance * truth) / 3)
        each = Predictions("binary", ("no", "yes"), truth, np.stack([1 - positive, positive], 1))
        scores.append(interval("roc_auc", each))
    known = [score for score in scores if math.isfinite(score.low)]
    assert len(known) > 490  # the others separate the classes, or have one positive
    assert 0.93 <= np.mean([score.low <= area <= score.high for score in known]) <= 0.97


def test_the_interval_of_a_roc_auc_is_that_of_its_logit():
    """Student's interval with the variance of DeLong, the rarer class deciding how many rows."""
    generator = np.random.default_rng(4)
    truth = (np.arange(150) % 6 == 0).astype(np.int64)
    positive = ndtr(generator.normal(size=150) / 2 + truth)
    each = Predictions("binary", ("no", "yes"), truth, np.stack([1 - positive, positive], 1))
    score = interval("roc_auc", each)
    above = positive[truth == 1][:, None] > positive[truth == 0]
    of_positives, of_negatives = above.mean(axis=1), above.mean(axis=0)
    variance = of_positives.var(ddof=1) / 25 + of_negatives.var(ddof=1) / 125
    error = math.sqrt(variance) / (score.value * (1 - score.value))
    center = math.log(score.value / (1 - score.value))
    for end, sign in ((score.low, -1), (score.high, 1)):
        alone = center + sign * t.ppf(0.975, 24) * error
        assert math.log(end / (1 - end)) == pytest.approx(alone, abs=0.2 * error)
        assert sign * math.log(end / (1 - end)) > sign * alone  # as if one more row disagreed


def test_one_positive_row_gives_a_roc_auc_no_interval():
    positive = np.linspace(0.1, 0.9, 20)
    truth = (np.arange(20) == 15).astype(np.int64)
    each = Predictions("binary", ("no", "yes"), truth, np.stack([1 - positive, positive], 1))
    score = interval("roc_auc", each)
    assert score.value == pytest.approx(15 / 19)
    assert math.isnan(score.low)


def test_what_is_undefined_stays_undefined_and_becomes_null():
    score = interval("roc_auc", judged(np.array([True, False])))
    assert score.to_json() == {
        "name": "roc_auc",
        "value": None,
        "low": None,
        "high": None,
        "rows": 2,
        "level": 0.95,
    }
    assert math.isnan(Score.from_json(score.to_json()).value)


def test_an_interval_holds_its_value_for_every_metric():
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 3, 150)
    scores = generator.dirichlet([1, 1, 1], 150)
    each = Predictions("classes", ("a", "b", "c"), truth, scores)
    measures = {name: metric for name, metric in METRICS.items() if "classes" in metric.kinds}
    for score in intervals(measures, each, resamples=100):
        assert score.low <= score.value <= score.high
        assert score.low < score.high


def test_the_calibration_error_of_a_calibrated_network_reaches_down_to_nothing():
    generator = np.random.default_rng(2)
    positive = generator.random(500)
    truth = (generator.random(500) < positive).astype(np.int64)
    calibrated = Predictions(
        "binary", ("no", "yes"), truth, np.stack([1 - positive, positive], axis=1)
    )
    score = interval("calibration_error", calibrated)
    assert 0 <= score.low < 0.02 < score.value


def test_the_same_seed_gives_the_same_interval_and_numpy_is_left_alone():
    each = judged(np.random.default_rng(0).random(100) < 0.7)
    before = np.random.get_state()[1].copy()
    assert interval("log_loss", each, seed=4) == interval("log_loss", each, seed=4)
    assert interval("log_loss", each, seed=4) != interval("log_loss", each, seed=5)
    assert np.array_equal(np.random.get_state()[1], before)


def test_an_own_metric_gets_an_interval_by_taking_rows(tmp_path):
    file = tmp_path / "my.py"
    file.write_text(
        "def share(p):\n"
        "    right = p.scores.argmax(1) == p.truth\n"
        "    return sum(right[p.truth == k].mean() for k in (0, 1)) / 2\n"
    )
    truth = np.arange(100) % 2
    scores = np.eye(2)[np.where(np.arange(100) % 7 > 1, truth, 1 - truth)]
    each = Predictions("binary", ("no", "yes"), truth, scores)
    own, ours = interval(f"{file}:share", each), interval("balanced_accuracy", each)
    assert (own.value, own.low, own.high) == pytest.approx((ours.value, ours.low, ours.high))


def test_a_paired_difference_is_sharper_than_two_intervals():
    generator = np.random.default_rng(0)
    first = generator.random(2000) < 0.8
    second = first & (generator.random(2000) < 0.97)
    gap = difference("accuracy", judged(first), judged(second))
    assert gap.value == pytest.approx(first.mean() - second.mean())
    assert 0 < gap.low < gap.value < gap.high
    alone = interval("accuracy", judged(first))
    assert gap.high - gap.low < (alone.high - alone.low) / 1.5


def test_equal_predictions_surely_do_not_differ():
    each = judged(np.array([True, False, True]))
    gap = difference("accuracy", each, judged(np.array([True, False, True])))
    assert (gap.value, gap.low, gap.high) == (0, 0, 0)


def test_a_difference_that_every_resample_shows_alike_has_no_interval():
    gap = difference("recall", judged(np.full(3, True)), judged(np.full(3, False)))
    assert gap.value == 0
    assert math.isnan(gap.low)


def test_three_rows_prove_nothing_about_two_accuracies():
    gap = difference("accuracy", judged(np.full(3, True)), judged(np.full(3, False)))
    assert gap.value == 1
    assert gap.low < 0
    assert gap.high == 1


def test_rows_with_other_truths_are_refused():
    one, two = judged(np.full(4, True)), judged(np.full(5, True))
    with pytest.raises(DataError, match="same rows"):
        difference("accuracy", one, two)
    assert find_metric("accuracy").function(one) == 1
