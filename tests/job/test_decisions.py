"""Threshold, prevalence and class weights from the flag to predictions and reports."""

import numpy as np
import pandas as pd
import pytest

from layerwise import Learner
from layerwise.errors import SettingsError

QUICK = {"network": "linear", "epochs": 30, "baselines": "fast", "metric": "log_loss"}


@pytest.fixture(scope="module")
def rare():
    """2,000 rows of which a tenth or so is "ill", by the number a."""
    chance = np.random.default_rng(0)
    a = chance.normal(size=2000)
    ill = chance.uniform(size=2000) < 1 / (1 + np.exp(3 - 1.5 * a))
    return pd.DataFrame({"a": a, "state": np.where(ill, "ill", "well")})


def fitted(rows, **settings):
    return Learner(**QUICK, positive="ill", **settings).fit(rows, target="state")


def test_a_wanted_recall_is_kept_in_the_run_and_used_by_predict(rare, tmp_path):
    learner = Learner(**QUICK, positive="ill", threshold="recall:0.9")
    learner.fit(rare, target="state", folder=tmp_path / "run")
    chosen = learner.evaluate()["threshold"]
    assert chosen["rule"] == "recall:0.9"
    scores = {score["name"]: score["value"] for score in learner.evaluate()["scores"]["validation"]}
    assert scores["recall"] >= 0.9
    chances = learner.predict_proba(rare)[:, list(learner.classes_).index("ill")]
    expected = np.where(chances >= chosen["value"], "ill", "well")
    assert (learner.predict(rare) == expected).all()
    again = Learner.load(tmp_path / "run")
    assert (again.predict(rare) == expected).all()
    assert (again.predict_table(rare)["prediction"] == expected).all()
    assert again.model_.threshold == chosen["value"]
    recall = next(s for s in again.evaluate(rare)["scores"]["test"] if s["name"] == "recall")
    ill = rare["state"] == "ill"
    assert recall["value"] == pytest.approx((expected[ill] == "ill").mean())
    assert "recall:0.9" in (tmp_path / "run" / "report.html").read_text()


def test_class_weights_move_decisions_but_not_the_chances(rare):
    plain, weighted = fitted(rare), fitted(rare, class_weight="balanced")
    place = list(weighted.classes_).index("ill")
    mean = weighted.predict_proba(rare)[:, place].mean()
    assert mean == pytest.approx((rare["state"] == "ill").mean(), abs=0.03)
    assert plain.predict_proba(rare)[:, place].mean() == pytest.approx(mean, abs=0.03)
    assert (weighted.predict(rare) == "ill").sum() > 2 * (plain.predict(rare) == "ill").sum()


def test_chances_and_metrics_are_those_of_the_prevalence(rare):
    few = pd.concat([rare[rare["state"] == "ill"], rare[rare["state"] == "well"].iloc[:250]])
    learner = fitted(few, prevalence=0.1)
    place = list(learner.classes_).index("ill")
    chances = learner.predict_proba(rare)[:, place]
    assert chances.mean() == pytest.approx((rare["state"] == "ill").mean(), abs=0.04)
    results = learner.evaluate()
    majority = next(one for one in results["baselines"] if one["name"] == "majority")
    accuracy = next(score for score in majority["scores"] if score["name"] == "accuracy")
    assert accuracy["value"] == pytest.approx(0.9)  # of always "well"


def test_flags_of_two_classes_are_refused_for_amounts():
    rows = pd.DataFrame({"a": np.arange(60.0) % 7, "b": np.arange(60.0) ** 1.5})
    for flag, value in (("threshold", 0.3), ("prevalence", 0.3)):
        with pytest.raises(SettingsError, match=f"--{flag} goes with a target of two classes"):
            Learner(**QUICK, **{flag: value}).fit(rows, target="b")
