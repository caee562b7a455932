"""What a column is worth and why a prediction is as it is, with formulas instead of networks."""

import numpy as np
import pytest
import torch
from pandas import DataFrame

from layerwise.data import read
from layerwise.data.preparation import Preparation
from layerwise.data.roles import assign_roles, describe_columns
from layerwise.data.target import describe_target
from layerwise.evaluation.columns import Places, column_places, neutral_row, with_column
from layerwise.evaluation.importance import importance, reasons
from layerwise.metrics import Predictions, find_metric


def prepared(categories_as):
    frame = DataFrame(
        {
            "a": [1.0, 2, 3, 4, 5, np.nan] * 5,
            "c": ["x", "y", "y", "z", "y", "y"] * 5,
            "b": [5.0, 1, 4, 2, 3, 9] * 5,
            "side": [0, 1] * 15,
        }
    )
    source = read(frame, target="side")
    roles = assign_roles(source, target="side")
    target = describe_target(source, roles)
    columns = describe_columns(source, roles)
    rows = np.arange(30)
    return source, Preparation.fit(
        source, roles, columns, target, rows, categories_as=categories_as
    )


def test_a_column_is_found_with_its_mark_and_its_categories():
    _, one_hot = prepared("one_hot")
    assert one_hot.feature_names == ("a", "b", "a is missing", "c = x", "c = y", "c = z")
    assert column_places(one_hot) == [
        Places("a", (0, 2)), Places("c", (3, 4, 5)), Places("b", (1,)),
    ]  # fmt: skip
    _, codes = prepared("codes")
    assert column_places(codes)[1] == Places("c", (), 0)


def test_the_neutral_row_has_the_median_and_the_most_common_category():
    _, one_hot = prepared("one_hot")
    row = neutral_row(one_hot)[0]
    mean = np.nanmean([1, 2, 3, 4, 5])
    assert row[0] == pytest.approx(3 - mean)  # the median of a is its mean
    assert row[2:].tolist() == [0, 0, 1, 0]
    _, codes = prepared("codes")
    assert neutral_row(codes)["codes"].tolist() == [[2]]


def test_one_column_is_replaced_and_no_other():
    source, codes = prepared("codes")
    inputs = codes.inputs(source)
    for places in column_places(codes):
        changed = with_column(inputs, places, neutral_row(codes))
        same = (changed["numbers"] == inputs["numbers"]).all(dim=0).tolist()
        assert [place for place, one in enumerate(same) if not one] == list(places.numbers)
        assert (changed["codes"] == inputs["codes"]).all() == (places.code is None)


def test_what_is_not_used_is_worth_nothing_and_what_decides_is_worth_most():
    chance = np.random.default_rng(0)
    inputs = torch.from_numpy(chance.normal(size=(400, 3)))
    truth = (inputs[:, 0] > 0).long().numpy()

    def outputs(rows):
        score = torch.sigmoid(3 * rows[:, 0] + rows[:, 1]).numpy()
        return np.stack([1 - score, score], axis=1)

    judged = Predictions("binary", ("n", "y"), truth, outputs(inputs))
    places = [Places(name, (at,)) for at, name in enumerate(("much", "little", "none"))]
    for metric in ("accuracy", "log_loss"):
        found = importance(inputs, judged, outputs, places, find_metric(metric))
        by_name = {one["column"]: one for one in found}
        assert found[0]["column"] == "much"
        assert by_name["much"]["low"] > 0.1
        unused = [by_name["none"][name] for name in ("drop", "low", "high")]
        assert unused == pytest.approx([0, 0, 0], abs=1e-12)
        assert by_name["much"]["low"] < by_name["much"]["drop"] < by_name["much"]["high"]


def test_reasons_are_the_moves_of_a_linear_formula():
    inputs = torch.tensor([[2.0, 0.0, 1.0], [0.0, -3.0, 0.5]])

    def outputs(rows):
        return (rows @ torch.tensor([0.5, 1.0, 0.1])).reshape(-1, 1).numpy()

    places = [Places(name, (at,)) for at, name in enumerate(("age", "dose", "x"))]
    shown = {"age": [61, 40], "dose": [0.25, 7.5], "x": [None, "q"]}
    found = reasons(inputs, outputs, places, torch.zeros(1, 3), shown, None)
    assert found["reason_1"].tolist() == ["age = 61 (+1)", "dose = 7.5 (-3)"]
    assert found["reason_2"].tolist() == ["x is missing (+0.1)", "x = q (+0.05)"]
    assert found["reason_3"].tolist() == ["", ""]
