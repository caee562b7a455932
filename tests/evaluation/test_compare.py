"""Runs are compared on the same rows only, and the words say what the numbers can bear."""

import json

import numpy as np
import pytest

from layerwise.contracts import Target
from layerwise.errors import DataError
from layerwise.evaluation.compare import compare, same_rows, statement
from layerwise.evaluation.evaluate import predictions_table
from layerwise.evaluation.intervals import Score

TARGET = Target("binary", ("y",), ("no", "yes"))


def run(right, key=None, rows=None):
    """A run whose decisions are right on some of the rows; every second truth is yes."""
    right = np.asarray(right)
    truth = np.arange(len(right)) % 2
    positive = np.where(right == (truth == 1), 0.8, 0.2)
    rows = np.arange(len(right)) if rows is None else rows
    return predictions_table(TARGET, truth, positive, rows=rows, split="test", key=key)


def shares(*shares_right, rows=400):
    generator = np.random.default_rng(0)
    return [generator.random(rows) < share for share in shares_right]


def test_the_better_run_is_named_and_the_even_one_is_not_put_down():
    good, even, bad = shares(0.9, 0.89, 0.6)
    found = compare({"bad": run(bad), "good": run(good), "even": run(even)}, TARGET, "accuracy")
    assert list(found.scores)[2] == "bad"
    assert found.best in ("good", "even")
    assert "cannot be told apart" in found.statement
    assert f"{found.best} is better than bad (accuracy differs by +0." in found.statement
    assert found.differences["bad"].low > 0
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["best"] == found.best


def test_for_an_error_the_lower_one_is_better():
    good, bad = shares(0.9, 0.6)
    found = compare({"bad": run(bad), "good": run(good)}, TARGET, "log_loss")
    assert found.statement.startswith("good is better than bad (log_loss differs by -")
    assert not found.higher_is_better


def test_rows_in_another_order_are_put_in_order():
    right = shares(0.8)[0]
    table = run(right, key=[f"k{number}" for number in range(400)])
    mixed = table.sample(frac=1, random_state=0).assign(row=range(400))
    found = compare({"a": table, "b": mixed}, TARGET, "accuracy")
    assert found.statement == "a and b cannot be told apart (no difference in accuracy)."


@pytest.mark.parametrize(
    ("one", "two", "says"),
    [
        ({}, {"rows": range(1, 5)}, "differ: 1 are only in a, 1 only in b"),
        ({"key": list("wxyz")}, {"key": list("vxyz")}, r"only in b \(by key\)"),
        ({}, {"rows": [0, 1, 2, 2]}, "same row twice"),
    ],
)
def test_other_rows_are_refused(one, two, says):
    right = [True, True, False, True]
    with pytest.raises(DataError, match=says):
        same_rows({"a": run(right, **one), "b": run(right, **two)})


def test_other_truths_no_rows_and_a_single_run_are_refused():
    table = run([True, True, False, True])
    with pytest.raises(DataError, match=r"other values of 'truth' \(4 rows\)"):
        same_rows({"a": table, "b": table.assign(truth="perhaps")})
    with pytest.raises(DataError, match="has no rows for test"):
        same_rows({"a": table, "b": table.assign(split="train")})
    with pytest.raises(DataError, match="at least two runs"):
        compare({"a": table}, TARGET, "accuracy")


def test_truths_that_are_numbers_may_differ_in_their_type_only():
    target = Target("real", ("y",))
    one = predictions_table(target, np.float32([1, 2]), [1.0, 2.5], rows=[0, 1], split="test")
    two = predictions_table(target, np.float64([1, 2]), [1.5, 2.0], rows=[0, 1], split="test")
    assert compare({"a": one, "b": two}, target, "mae").scores["a"].value == 0.25


@pytest.mark.parametrize(
    ("low", "high", "higher", "says"),
    [
        (0.1, 0.3, True, "a is better than b"),
        (0.1, 0.3, False, "b is better than a"),
        (-0.3, -0.1, True, "b is better than a"),
        (-0.1, 0.3, True, "cannot be told apart"),
        (float("nan"), float("nan"), True, "give no interval"),
    ],
)
def test_the_words_follow_the_interval(low, high, higher, says):
    assert says in statement("a", "b", Score("accuracy", 0.2, low, high, 10), higher)
