"""results.json: every score once, intervals where they mean something, nothing but JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes

from layerwise.contracts import Target
from layerwise.errors import DataError, SettingsError
from layerwise.evaluation.baselines import BaselineResult, fit_baselines
from layerwise.evaluation.evaluate import predictions_table
from layerwise.evaluation.intervals import difference, interval
from layerwise.evaluation.results import baseline_table, judge
from layerwise.metrics import Predictions

TARGET = Target("binary", ("y",), ("no", "yes"))


@pytest.fixture(scope="module")
def cancer():
    """Predictions table of a logistic regression, and both quick baselines."""
    inputs, truth = (torch.tensor(array) for array in load_breast_cancer(return_X_y=True))
    parts = np.array(["train", "train", "validation", "test"])[np.arange(len(truth)) % 4]
    fitted = fit_baselines(["majority", "logistic"], inputs, truth, None, parts, TARGET)
    table = predictions_table(
        TARGET, truth, fitted[1].scores, rows=np.arange(len(truth)), split=parts
    )
    return table, {result.name: result for result in fitted}


def test_the_verdict_has_all_parts_and_is_json(cancer):
    table, baselines = cancer
    results = judge(table, TARGET, ("accuracy", "roc_auc"), leading="accuracy", baselines=baselines)
    assert json.loads(json.dumps(results, allow_nan=False)) == results
    test = Predictions.from_table(table, TARGET, "test")
    expected = interval("accuracy", test)
    assert results["headline"] == {
        "metric": "accuracy",
        "split": "test",
        "value": expected.value,
        "low": expected.low,
        "high": expected.high,
        "rows": 142,
    }
    assert results["higher_is_better"] is True
    assert [score["name"] for score in results["scores"]["test"]] == ["accuracy", "roc_auc"]
    assert results["scores"]["train"][0]["rows"] == 285
    assert results["scores"]["train"][0]["low"] is None
    assert results["scores"]["validation"][1]["value"] > 0.9


def test_baselines_are_judged_on_the_same_rows(cancer):
    table, baselines = cancer
    results = judge(table, TARGET, (), leading="log_loss", baselines=baselines)
    majority, logistic = results["baselines"]
    test = Predictions.from_table(table, TARGET, "test")
    other = Predictions.from_table(
        baseline_table(baselines["majority"], table, TARGET), TARGET, "test"
    )
    assert majority["difference"] == difference("log_loss", test, other).to_json()
    assert majority["difference"]["value"] < 0
    assert majority["verdict"].startswith("The network is better than majority")
    assert majority["scores"][0]["value"] == pytest.approx(0.65, abs=0.03)
    assert logistic["verdict"].startswith("The network and logistic cannot be told apart")
    assert (logistic["name"], logistic["note"]) == ("logistic", "Fitted on 285 rows.")


def test_a_baseline_that_was_not_fitted_has_no_scores(cancer):
    table, baselines = cancer
    missing = replace(baselines["logistic"], scores=np.full((569, 2), np.nan))
    results = judge(table, TARGET, (), leading="accuracy", baselines={"logistic": missing})
    assert results["baselines"][0]["scores"][0]["value"] is None
    assert results["baselines"][0]["difference"]["value"] is None
    assert "cannot be compared" in results["baselines"][0]["verdict"]
    json.dumps(results, allow_nan=False)


def test_without_test_rows_the_validation_rows_are_the_headline(cancer):
    table = cancer[0]
    results = judge(table[table["split"] != "test"], TARGET, (), leading="accuracy")
    assert results["headline"]["split"] == "validation"
    assert results["headline"]["low"] is not None
    assert results["scores"]["test"] == []
    nothing = table.assign(truth=None)
    with pytest.raises(DataError, match="no row with a known truth"):
        judge(nothing, TARGET, (), leading="accuracy")


def test_abstaining_adds_coverage_and_its_accuracy(cancer):
    results = judge(cancer[0], TARGET, (), leading="accuracy", abstain_below=0.9)
    scores = {score["name"]: score["value"] for score in results["scores"]["test"]}
    assert results["abstain_below"] == 0.9
    assert scores["coverage"] < 1
    assert scores["accuracy_decided"] > scores["accuracy"]


def test_numbers_are_judged_by_their_errors():
    inputs, truth = (torch.tensor(array) for array in load_diabetes(return_X_y=True))
    target, parts = Target("real", ("y",)), np.array(["train", "test"])[np.arange(442) % 2]
    fitted = fit_baselines(["mean", "linear"], inputs, truth[:, None], None, parts, target)
    rows = np.arange(442)
    table = predictions_table(target, truth, fitted[1].scores, rows=rows, split=parts)
    baselines = {result.name: result for result in fitted}
    results = judge(table, target, ("mae", "r2"), leading="rmse", baselines=baselines)
    assert results["higher_is_better"] is False
    assert [score["name"] for score in results["scores"]["test"]] == ["rmse", "mae", "r2"]
    assert results["baselines"][0]["difference"]["high"] < 0
    with pytest.raises(SettingsError, match="not real"):
        judge(table, target, (), leading="accuracy")


def test_the_baseline_table_follows_the_row_numbers():
    table = predictions_table(
        TARGET, [1, 0], [[0.2, 0.8], [0.9, 0.1]], rows=[2, 0], split="test", key=["c", "a"]
    )
    scores = np.array([[0.6, 0.4], [0.5, 0.5], [0.1, 0.9]])
    found = baseline_table(BaselineResult("logistic", scores, 0.1, ""), table, TARGET)
    assert found["score:yes"].tolist() == [0.9, 0.4]
    assert found["baseline"].tolist() == ["logistic", "logistic"]
    assert list(found) == [*table, "baseline"]
