"""Metrics of fields against values worked by hand."""

import numpy as np
import pytest
from pandas import DataFrame

from layerwise.contracts import Target
from layerwise.evaluation.evaluate import predictions_table
from layerwise.metrics import METRICS, Predictions

TRUTH = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, np.nan]])
SAID = np.array([[1.0, -1.0, 2.0], [1.0, 4.0, 9.0]])
AREA = np.array([1.0, 1.0, 2.0])


def two_rows(**changed):
    beside = {"area": np.tile(AREA, (2, 1))}
    return Predictions("field", (), TRUTH, SAID, **{"beside": beside, **changed})


def test_errors_are_means_by_area_over_known_cells():
    # squares: (1 + 1 + 2 * 4) / 4 and (0 + 4) / 2; amounts: (1 + 1 + 2 * 2) / 4 and 1
    assert METRICS["rmse"].function(two_rows()) == pytest.approx(((2.5 + 2) / 2) ** 0.5)
    assert METRICS["mae"].function(two_rows()) == pytest.approx((1.5 + 1) / 2)
    assert METRICS["bias"].function(two_rows()) == pytest.approx((1 + 1) / 2)


def test_rows_count_by_their_weight():
    assert METRICS["rmse"].function(two_rows(weight=np.array([4.0, 2.0]))) == pytest.approx(
        ((4 * 2.5 + 2 * 2) / 6) ** 0.5
    )


def test_a_bias_of_rows_that_cancel_is_none():
    truth = np.zeros((2, 2))
    said = np.array([[1.0, 3.0], [-1.0, -3.0]])
    found = METRICS["bias"].function(Predictions("field", (), truth, said))
    assert found == pytest.approx(0)


def test_pattern_correlation_is_pearsons_over_the_cells():
    truth = np.array([[1.0, 2.0, 4.0], [5.0, 5.0, 5.0]])
    said = np.array([[2.0, 1.0, 5.0], [1.0, 2.0, 3.0]])
    found = METRICS["pattern_correlation"].function(Predictions("field", (), truth, said))
    by_numpy = np.corrcoef(truth[0], said[0])[0, 1]
    assert found == pytest.approx(by_numpy), "a constant row has no pattern"


def test_fields_of_two_targets_come_back_from_the_table():
    target = Target("field", ("t", "p"))
    truth = np.arange(12.0).reshape(2, 2, 3)
    truth[1, :, 2] = np.nan
    table = predictions_table(target, truth, truth + 1, rows=[0, 1], split="test")
    table["area"] = [AREA.astype(np.float32)] * 2
    assert list(table)[3:] == ["truth:t", "truth:p", "score:t", "score:p", "area"]
    judged = Predictions.from_table(table, target)
    np.testing.assert_allclose(judged.truth, truth.reshape(2, 6))
    assert METRICS["rmse"].function(judged.take([0])) == pytest.approx(1)
    assert METRICS["rmse"].of_rows(judged).shape == (2, 2)


def test_rows_without_any_truth_are_left_out():
    table = DataFrame({"split": ["test"] * 2, "truth": [np.array([1.0, 2]), np.array([np.nan] * 2)],
                       "score": [np.zeros(2)] * 2})  # fmt: skip
    assert len(Predictions.from_table(table, Target("field", ("t",)))) == 1
