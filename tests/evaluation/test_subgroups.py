"""The leading metric by the values of a column, by hand."""

import numpy as np
from pandas import DataFrame

from layerwise.contracts import Target
from layerwise.evaluation.subgroups import subgroups

TARGET = Target("binary", ("y",), ("a", "b"))


def table(right, **columns):
    """Test rows whose truth is "b", said rightly where ``right``."""
    score = np.where(right, 0.9, 0.1)
    return DataFrame(
        {"row": np.arange(len(right)), "split": "test", "truth": "b",
         "score:a": 1 - score, "score:b": score} | columns
    )  # fmt: skip


def test_each_value_has_its_rows_and_its_score():
    right = np.array([True] * 30 + [True] * 10 + [False] * 10 + [False] * 5)
    sex = ["w"] * 30 + ["m"] * 20 + ["?"] * 3 + [None] * 2
    (found,) = subgroups(table(right, **{"carry:sex": sex}), TARGET, "accuracy")
    assert found["column"] == "sex"
    shown = [(one["value"], one["rows"], one["score"]["value"]) for one in found["values"]]
    assert shown == [("w", 30, 1.0), ("m", 20, 0.5), ("other (2 values)", 5, 0.0)]
    score = found["values"][1]["score"]
    assert score["low"] < 0.5 < score["high"]


def test_numbers_are_cut_at_their_quartiles():
    ages = np.arange(100.0)
    (found,) = subgroups(table(ages >= 50, **{"carry:age": ages}), TARGET, "accuracy")
    shown = {one["value"]: (one["rows"], one["score"]["value"]) for one in found["values"]}
    assert shown == {
        "0 to 24.75": (25, 0.0), "24.75 to 49.5": (25, 0.0),
        "49.5 to 74.25": (25, 1.0), "74.25 to 99": (25, 1.0),
    }  # fmt: skip


def test_the_group_column_counts_and_one_value_alone_is_no_table():
    rows = table(np.ones(60, bool), group=["x", "y"] * 30, **{"carry:same": "s"})
    (found,) = subgroups(rows, TARGET, "accuracy")
    assert found["column"] == "group"
    assert [one["rows"] for one in found["values"]] == [30, 30]
    assert subgroups(rows.assign(split="train"), TARGET, "accuracy") == []
