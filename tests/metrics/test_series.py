"""Metrics of forecasts, by hand."""

import numpy as np
import pytest
from pandas import DataFrame

from layerwise.contracts import Target
from layerwise.metrics import METRICS, Predictions, find_metric

TARGET = Target("series", ("a+1", "a+2", "b+1", "b+2"))
TRUTH = np.array([[1.0, 2, 10, 20], [3, 4, 30, 40]])
SCORES = np.array([[2.0, 2, 10, 30], [3, 2, 30, 40]])


def table(**more):
    frame = DataFrame({"split": ["test"] * 2})
    for place, name in enumerate(TARGET.names):
        frame[f"truth:{name}"], frame[f"score:{name}"] = TRUTH[:, place], SCORES[:, place]
    return frame.assign(**{"unit:a": 1.0, "unit:b": 10.0, "naive:a": 0.5, "naive:b": 20.0, **more})


def predictions(**more):
    return Predictions.from_table(table(**more), TARGET, "test")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mae", (1 + 10 + 2) / 8),
        ("rmse", ((1 + 100 + 4) / 8) ** 0.5),
        ("mase", (1 / 0.5 + 10 / 20 + 2 / 0.5) / 8),
        ("scaled_mse", (1 + (10 / 10) ** 2 + 4) / 8),
    ],
)
def test_values_are_those_worked_out_by_hand(name, value):
    assert find_metric(name, "series").function(predictions()) == pytest.approx(value)


@pytest.mark.parametrize("name", ["mae", "rmse", "mase", "scaled_mse"])
def test_each_is_the_mean_of_one_number_per_row_or_its_root(name):
    metric, judged = METRICS[name], predictions()
    rows = metric.of_rows(judged)
    assert rows.shape == (2, 1)
    value = rows.mean() ** (0.5 if metric.rooted else 1)
    assert metric.function(judged) == pytest.approx(value)


def test_weights_count():
    judged = predictions().reweighted(np.array([3.0, 1.0]))
    assert METRICS["mae"].function(judged) == pytest.approx((3 * 11 / 4 + 2 / 4) / 4)
    assert METRICS["mase"].function(judged) == pytest.approx((3 * 2.5 / 4 + 4 / 4) / 4)


def test_a_target_that_never_moved_is_left_out_of_mase():
    judged = predictions(**{"naive:b": np.nan})
    assert METRICS["mase"].function(judged) == pytest.approx((1 / 0.5 + 2 / 0.5) / 4)


def test_quantiles_are_judged_by_pinball_and_coverage():
    low = {f"score:{name}@0.1": TRUTH[:, at] - 1 for at, name in enumerate(TARGET.names)}
    high = {f"score:{name}@0.9": TRUTH[:, at] + 2 for at, name in enumerate(TARGET.names)}
    high["score:b+2@0.9"] = TRUTH[:, 3] - 0.5
    judged = predictions(**low, **high)
    pinball = ((0.1 * 1 * 4) + (0.1 * 2 * 3 + 0.9 * 0.5)) / 8
    assert METRICS["pinball"].function(judged) == pytest.approx(pinball)
    assert METRICS["interval_coverage"].function(judged) == pytest.approx(0.75)
    assert METRICS["pinball"].function(judged.take([1, 1])) == pytest.approx(pinball)


def test_what_is_not_in_the_table_makes_no_number():
    plain = table().drop(columns=["unit:a", "unit:b", "naive:a", "naive:b"])
    judged = Predictions.from_table(plain, TARGET, "test")
    for name in ("mase", "scaled_mse", "pinball", "interval_coverage"):
        assert np.isnan(METRICS[name].function(judged))
    assert METRICS["mae"].function(judged) == pytest.approx(13 / 8)


def test_one_output_has_columns_without_its_name():
    frame = DataFrame({"truth": [1.0], "score": [2.0], "score@0.1": [0.0], "score@0.9": [3.0]})
    judged = Predictions.from_table(frame.assign(**{"naive:a": 2.0}), Target("series", ("a+1",)))
    assert METRICS["mase"].function(judged) == pytest.approx(0.5)
    assert METRICS["interval_coverage"].function(judged) == 1.0
