"""Thresholds by a stated rule and chances at another prevalence, by hand."""

import numpy as np
import pytest

from layerwise.errors import SettingsError
from layerwise.evaluation.thresholds import (
    at_prevalence,
    choose_threshold,
    decided_at,
    prior_factors,
    read_rule,
    shifted,
)
from layerwise.metrics import Predictions, accuracy, confusion_matrix


def predictions(chances, truth, weight=None, threshold=None):
    chances = np.array(chances, float)
    weight = None if weight is None else np.array(weight, float)
    threshold = None if threshold is None else np.full(len(chances), threshold)
    scores = np.stack([1 - chances, chances], axis=1)
    return Predictions("binary", ("no", "yes"), np.array(truth), scores, weight, None, threshold)


FIVE = predictions([0.1, 0.3, 0.4, 0.6, 0.9], [0, 1, 0, 0, 1])


def chosen(rule, rows=FIVE):
    return choose_threshold(read_rule(rule), rows)


def test_dear_misses_lower_the_threshold_and_dear_alarms_raise_it():
    # at 0.2 no miss and 2 alarms; at 0.75 one miss and no alarm
    assert chosen("cost:10,1").value == pytest.approx(0.2)
    assert chosen("cost:1,10").value == pytest.approx(0.75)


def test_of_equal_costs_the_threshold_nearest_to_the_right_one_for_true_chances():
    # miss 2, alarm 1: 0.2 costs 2 alarms and 0.75 one miss, both 2; 1/3 is nearer to 0.2
    assert chosen("cost:2,1").value == pytest.approx(0.2)


def test_a_weight_counts_as_so_many_rows():
    heavy = predictions([0.1, 0.3, 0.4, 0.6, 0.9], [0, 1, 0, 0, 1], [1, 5, 1, 1, 1])
    assert chosen("cost:1,1", heavy).value == pytest.approx(0.2)  # a miss would cost 5


def test_capacity_is_never_exceeded():
    assert chosen("capacity:40").value == pytest.approx(0.5)
    assert chosen("capacity:39").value == pytest.approx(0.75)
    none = chosen("capacity:1").value
    assert 0.9 < none <= 1


def test_rows_of_one_score_are_called_together():
    tied = predictions([0.2, 0.8, 0.8, 0.8], [0, 1, 0, 1])
    assert chosen("capacity:50", tied).value > 0.8
    assert chosen("recall:0.5", tied).value == pytest.approx(0.5)


def test_recall_is_reached_with_the_highest_threshold_that_does():
    assert chosen("recall:0.5").value == pytest.approx(0.75)
    assert chosen("recall:0.51").value == pytest.approx(0.2)
    found = chosen("recall:0.95")
    assert (found.rule, found.rows) == ("recall:0.95", 5)
    assert "finds 100 % of the positives and is right about 50 %" in found.text


def test_the_best_f1_is_found_and_of_equal_ones_the_one_with_fewest_alarms():
    # F1 above 0.2 is 2*2/(2+4) = 0.667, above 0.35 2/5, 0.5 2/4, 0.75 2*1/(2+1) = 0.667: a tie
    found = chosen("f1")
    assert found.value == pytest.approx(0.75)
    assert (found.rule, found.rows) == ("f1", 5)
    assert "the best F1, on the validation rows, where it finds 50 % of the posit" in found.text
    # the row at 0.6 positive: 0.2 has 2*3/(3+4) = 0.857, 0.5 2*2/(3+2) = 0.8
    three = predictions([0.1, 0.3, 0.4, 0.6, 0.9], [0, 1, 0, 1, 1])
    assert chosen("f1", three).value == pytest.approx(0.2)


def test_the_best_f1_minds_weights_and_ties():
    # weights: above 0.2 it is 2*6/(6+8), above 0.75 2*1/(6+1)
    heavy = predictions([0.1, 0.3, 0.4, 0.6, 0.9], [0, 1, 0, 0, 1], [1, 5, 1, 1, 1])
    assert chosen("f1", heavy).value == pytest.approx(0.2)
    # the three rows of 0.8 only come together: 2*2/(2+3) = 0.8 above 0.5
    tied = predictions([0.2, 0.8, 0.8, 0.8], [0, 1, 0, 1])
    assert chosen("f1", tied).value == pytest.approx(0.5)


def test_a_budget_of_alarms_per_thousand_rows_is_kept():
    assert chosen("alarms:400").value == pytest.approx(0.5)
    found = chosen("alarms:399")
    assert found.value == pytest.approx(0.75)
    assert found.text == (
        "Threshold 0.75: at most 399 alarms per 1,000 rows; on the validation rows it raises 200 "
        "per 1,000, of which 100 % are right, and finds 50 % of the positives."
    )
    none = chosen("alarms:100")
    assert 0.9 < none.value <= 1
    assert none.text.endswith("it raises 0 per 1,000.")


def test_a_budget_of_alarms_minds_weights_and_ties():
    heavy = predictions([0.1, 0.3, 0.9], [0, 0, 1], [6, 3, 1])
    assert chosen("alarms:100", heavy).value == pytest.approx(0.6)
    assert chosen("alarms:400", heavy).value == pytest.approx(0.2)
    tied = predictions([0.2, 0.8, 0.8, 0.8], [0, 1, 0, 1])
    assert chosen("alarms:500", tied).value > 0.8


def test_a_budget_of_alarms_needs_rows_but_no_positive_one():
    found = chosen("alarms:250", predictions([0.1, 0.2, 0.4, 0.8], [0, 0, 0, 0]))
    assert found.value == pytest.approx(0.6)
    assert found.text.endswith("it raises 250 per 1,000.")
    with pytest.raises(SettingsError, match="chosen on validation rows, and there are none"):
        chosen("alarms:250", predictions([], []))


def test_a_threshold_parts_two_scores_that_have_no_number_between_them():
    below = 1 - 2**-53  # the middle of it and 1 rounds to 1, that of its neighbour and it to below
    lower = np.nextafter(below, 0)
    for low, high in ((below, 1.0), (lower, below)):
        value = chosen("alarms:500", predictions([low, high], [0, 1])).value
        assert low < value <= high


def test_a_number_is_itself():
    assert chosen(0.3).value == 0.3
    assert chosen("0.3").rows == 0


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("cst:1,2", "Did you mean 'cost'"),
        ("cost:1", "two costs"),
        ("cost:-1,2", "two costs"),
        ("capacity:101", "per 100 rows"),
        ("recall:0", "a share above 0"),
        ("f1:0.5", "takes no number"),
        ("alarms", "must be a rule or a number, got 'alarms'"),
        ("alarms:0", "alarms per 1,000 rows"),
        ("alarms:1001", "alarms per 1,000 rows"),
        ("high", "must be a rule or a number, got 'high'"),
        ("1.5", "a chance above 0"),
    ],
)
def test_what_is_no_rule_is_told(rule, said):
    with pytest.raises(SettingsError, match=said):
        read_rule(rule)


def test_rows_of_one_class_choose_nothing():
    with pytest.raises(SettingsError, match="--validation-fraction"):
        chosen("recall:0.9", predictions([0.1, 0.2], [0, 0]))


def test_metrics_decide_by_the_threshold_and_keep_it_in_a_resample():
    judged = predictions([0.1, 0.3, 0.4, 0.6, 0.9], [0, 1, 0, 0, 1], threshold=0.3)
    assert confusion_matrix(judged).tolist() == [[1, 2], [0, 2]]
    assert accuracy(judged) == pytest.approx(3 / 5)
    assert accuracy(judged.take([0, 1, 1])) == 1
    assert accuracy(judged.reweighted(np.array([1, 1, 0, 0, 1]))) == 1


def test_class_weights_are_divided_out_of_the_chances():
    # true chance 0.1; weights 1 and 9 make it 0.9 / (0.9 + 0.9) = 0.5
    factors = prior_factors((1.0, 9.0), 0.1, None)
    np.testing.assert_allclose(shifted(np.array([[0.5, 0.5]]), factors), [[0.9, 0.1]])


def test_another_prevalence_changes_the_odds_by_the_ratio_of_the_odds():
    # of 50 % a chance of 0.8 is odds of 4; at 10 % they are 4 * (0.1 / 0.9) = 4/9
    factors = prior_factors((), 0.5, 0.1)
    np.testing.assert_allclose(shifted(np.array([[0.2, 0.8]]), factors), [[9 / 13, 4 / 13]])
    same = prior_factors((), 0.3, 0.3)
    np.testing.assert_allclose(shifted(np.array([[0.2, 0.8]]), same), [[0.2, 0.8]])


def test_weights_give_the_prevalence_and_keep_their_sum():
    truth = np.array([1, 1, 0, 0])
    np.testing.assert_allclose(at_prevalence(truth, None, 0.1), [0.2, 0.2, 1.8, 1.8])
    weight = at_prevalence(truth, np.array([3.0, 1, 2, 2]), 0.25)
    np.testing.assert_allclose(weight, [1.5, 0.5, 3, 3])
    assert at_prevalence(np.array([1, 1]), None, 0.1) is None


def test_thresholds_of_classes_decide_as_the_weights_do():
    chances = np.random.default_rng(0).dirichlet([1, 1, 1, 1], 500)
    weights = (1.0, 4.0, 0.5, 9.0)
    at = np.array(decided_at(weights))
    assert at.sum() == pytest.approx(1)
    assert ((chances / at).argmax(axis=1) == (chances * weights).argmax(axis=1)).all()
    assert decided_at((1.0, 9.0))[1] == pytest.approx(0.1)  # one in ten is enough


def test_weights_of_several_classes_are_divided_out():
    chances = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
    weighted = chances * (1.0, 5.0, 2.0)
    weighted /= weighted.sum(axis=1, keepdims=True)
    found = shifted(weighted, prior_factors((1.0, 5.0, 2.0), 0.0, None))
    assert found == pytest.approx(chances)
