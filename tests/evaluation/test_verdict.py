"""Words are right in 95 of 100 simulated data sets, and a tie is never called a win."""

import json
from collections import Counter

import numpy as np
import pytest
from scipy.special import ndtr

from layerwise.evaluation.intervals import differences, interval
from layerwise.evaluation.verdict import default_margin, finding_of, give_verdict
from layerwise.metrics import METRICS, Predictions

WRONG = {
    "tie": {"better", "worse"},
    "win": {"worse", "equivalent"},
    "loss": {"better", "equivalent"},
}


def decided(generator, rows, shares):
    """Networks that are right on shares of the rows; hard rows are hard for all of them."""
    truth, hard = generator.integers(0, 2, rows), generator.random(rows)
    for share in shares:
        luck = np.where(generator.random(rows) < 0.7, hard, generator.random(rows))
        positive = np.where((luck < share) == (truth == 1), 0.8, 0.2)
        yield Predictions("binary", ("no", "yes"), truth, np.stack([1 - positive, positive], 1))


def ranked(generator, rows, distances):
    """Networks whose scores of the two classes lie so many deviations apart."""
    truth = (generator.random(rows) < 0.4).astype(int)
    shared = generator.normal(size=rows)
    for distance in distances:
        noise = 0.7 * shared + 0.714 * generator.normal(size=rows)
        positive = ndtr(noise + distance * (truth - 0.5))
        yield Predictions("binary", ("no", "yes"), truth, np.stack([1 - positive, positive], 1))


def measured(generator, rows, errors):
    """Regressions with long-tailed errors of these sizes."""
    truth, shared = generator.normal(size=(rows, 1)), generator.laplace(size=(rows, 1))
    for size in errors:
        error = size * (0.7 * shared + 0.714 * generator.laplace(size=(rows, 1)))
        yield Predictions("real", (), truth, truth + error)


def judged(name, predictions, resamples=300, seed=0):
    network, *others = predictions
    baselines = {f"baseline_{place}": other for place, other in enumerate(others)}
    metric = METRICS[name]
    gaps = differences(name, network, baselines, metric=metric, resamples=resamples, seed=seed)
    values = {of: metric.function(other) for of, other in baselines.items()}
    return give_verdict(gaps, values, metric.higher_is_better)


SIMULATIONS = [
    ("tie", "accuracy", decided, 200, (0.8, 0.8), 400),
    ("tie", "accuracy", decided, 200, (0.8, 0.8, 0.8, 0.8), 100),
    ("win", "accuracy", decided, 1000, (0.84, 0.8, 0.8), 100),
    ("loss", "accuracy", decided, 1000, (0.8, 0.84, 0.8), 100),
    ("tie", "balanced_accuracy", decided, 100, (0.95, 0.95), 100),
    ("tie", "roc_auc", ranked, 200, (1.5, 1.5, 1.5), 150),
    ("loss", "roc_auc", ranked, 200, (1.5, 1.9), 100),
    ("tie", "rmse", measured, 200, (1.0, 1.0), 400),
    ("tie", "rmse", measured, 200, (1.0, 1.0, 1.0, 1.0), 150),
    ("win", "rmse", measured, 300, (0.8, 1.0, 1.0), 100),
]


@pytest.mark.slow
def test_wrong_words_come_in_at_most_5_of_100():
    generator = np.random.default_rng(0)
    wrong, total = 0, 0
    for planted, name, make, rows, sizes, times in SIMULATIONS:
        found = Counter(
            judged(name, make(generator, rows, sizes), seed=seed).finding for seed in range(times)
        )
        mistakes = sum(found[word] for word in WRONG[planted])
        assert mistakes <= 0.07 * times + 2, (planted, name, found)  # chance of the simulation
        wrong, total = wrong + mistakes, total + times
    assert total >= 400
    assert wrong <= 0.05 * total


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "make", "rows", "size", "truth"),
    [
        ("roc_auc", ranked, 100, 1.0, ndtr(2**-0.5)),
        ("roc_auc", ranked, 300, 2.0, ndtr(2**0.5)),
        ("rmse", measured, 100, 1.0, None),
        ("rmse", measured, 300, 1.0, None),
        ("mae", measured, 100, 1.0, None),
    ],
)
def test_intervals_cover_in_93_to_97_of_100(name, make, rows, size, truth):
    generator = np.random.default_rng(1)
    if truth is None:
        truth = interval(name, next(make(generator, 1_000_000, [size])), resamples=2).value
    scores = [
        interval(name, next(make(generator, rows, [size])), resamples=300, seed=seed)
        for seed in range(500)
    ]
    assert 0.93 <= np.mean([score.low <= truth <= score.high for score in scores]) <= 0.97


def test_a_clear_win_is_named_with_its_numbers():
    found = judged("accuracy", decided(np.random.default_rng(0), 1000, (0.9, 0.7, 0.6)))
    assert (found.finding, found.baseline, found.needed) == ("better", "baseline_0", True)
    assert found.difference.low > 0
    assert found.sentence.startswith("The network is better than the best of 2 baselines, baseline")
    assert "on 1,000 test rows, 95 % interval of the difference +" in found.sentence
    json.dumps(found.to_json(), allow_nan=False)


def test_a_lower_error_is_a_win_and_its_difference_is_negative():
    found = judged("rmse", measured(np.random.default_rng(0), 500, (0.5, 1.0)))
    assert found.finding == "better"
    assert found.difference.high < 0
    assert "its rmse is" in found.sentence
    assert "lower" in found.sentence


def test_a_defeat_says_that_deep_learning_is_not_needed():
    found = judged("accuracy", decided(np.random.default_rng(0), 1000, (0.7, 0.9)))
    assert (found.finding, found.needed) == ("worse", False)
    assert "Deep learning is not needed here" in found.sentence


def test_many_rows_show_that_two_are_equivalent():
    found = judged("accuracy", decided(np.random.default_rng(0), 40_000, (0.9, 0.9)))
    assert (found.finding, found.needed) == ("equivalent", False)
    assert "within the margin of 0.01 (one percentage point)" in found.sentence
    assert "the simpler model" in found.sentence


def test_few_rows_say_what_they_could_have_shown():
    found = judged("accuracy", decided(np.random.default_rng(0), 100, (0.8, 0.8)))
    assert (found.finding, found.needed) == ("unclear", None)
    assert found.smallest == pytest.approx((1.95996 + 0.84162) * found_deviation(), rel=1e-4)
    assert "cannot tell the network from baseline 0 apart" in found.sentence


def found_deviation():
    network, other = decided(np.random.default_rng(0), 100, (0.8, 0.8))
    return differences("accuracy", network, {"": other})[""].deviation


def test_equal_answers_are_equivalent_and_no_win():
    network = next(decided(np.random.default_rng(0), 50, (0.8,)))
    found = judged("accuracy", [network, network])
    assert found.finding == "equivalent"
    assert found.difference.low == found.difference.high == 0


def test_the_single_finding_of_a_baseline_uses_its_own_interval():
    network, other = decided(np.random.default_rng(0), 1000, (0.9, 0.7))
    gap = differences("accuracy", network, {"": other})[""]
    assert finding_of(gap, 0.7, True) == "better"
    assert finding_of(gap, 0.7, False) == "worse"
    assert finding_of(gap, float("nan"), True) == ""


def test_without_a_fitted_baseline_there_is_no_verdict():
    network, other = decided(np.random.default_rng(0), 100, (0.9, 0.7))
    missing = Predictions("binary", other.classes, other.truth, np.full_like(other.scores, np.nan))
    assert judged("accuracy", [network, missing]) is None
    assert judged("accuracy", [network]) is None


@pytest.mark.parametrize(
    ("metric", "baseline", "margin"),
    [
        ("accuracy", 0.8, 0.01),
        ("roc_auc", 0.98, 0.005),
        ("accuracy", 1.0, 0.002),
        ("r2", -0.3, 0.01),
        ("chrf", 35.0, 1.0),
        ("bleu", 98.0, 0.5),
        ("chrf", 99.9, 0.2),
        ("interval_coverage", 0.8, 0.01),
        ("mase", 1.5, 0.03),
        ("rmse", 50.0, 1.0),
        ("log_loss", 0.5, 0.01),
        ("my.py:gain", -3.0, 0.06),
    ],
)
def test_the_margin_follows_the_metric_and_the_baseline(metric, baseline, margin):
    assert default_margin(metric, baseline)[0] == pytest.approx(margin)


def test_less_than_a_tenth_of_a_point_of_chrf_is_within_the_margin():
    said = np.array(["the cat sat"] * 400, dtype=object)
    other = said.copy()
    other[0] = (
        "the cat sap"  # 1 row of 400 is worse: by far more than 0.002, by less than 0.1 of 100
    )
    pair = [Predictions("text", (), said, scores) for scores in (said, other)]
    found = judged("chrf", pair)
    assert 0.01 < found.difference.value < 0.1
    assert (found.finding, found.margin_why) == (
        "equivalent",
        "0.2 percentage points, as the baseline is nearly perfect",
    )
