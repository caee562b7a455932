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


@pytest.fixture(scope="module")
def three():
    """4,000 rows of three classes, 0.78, 0.17 and 0.05 or so, by the numbers a and b."""
    chance = np.random.default_rng(3)
    a, b = chance.normal(size=(2, 4000))
    scores = np.stack([np.full(4000, 2.6), 0.4 + 1.2 * a, -1.2 + 1.2 * b], axis=1)
    kind = (scores + chance.gumbel(size=scores.shape)).argmax(axis=1)
    truth = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return pd.DataFrame({"a": a, "b": b, "kind": np.array(["x", "y", "z"])[kind]}), truth


def test_chances_of_three_classes_are_calibrated_under_class_weights(three, tmp_path):
    rows, truth = three
    learner = Learner(**QUICK, class_weight="balanced")
    learner.fit(rows, target="kind", folder=tmp_path / "run")
    chances = learner.predict_proba(rows)
    assert np.abs(chances - truth).mean() < 0.02
    for place, name in enumerate("xyz"):  # as often as it is said, in each fifth of the chances
        for part in np.array_split(np.argsort(chances[:, place]), 5):
            is_so = (rows["kind"].to_numpy()[part] == name).mean()
            noise = 3 * np.sqrt(is_so * (1 - is_so) / len(part)) + 0.02
            assert chances[part, place].mean() == pytest.approx(is_so, abs=noise)
    plain = Learner(**QUICK).fit(rows, target="kind")
    weights = np.array(learner.model_.task_options["class_weight"])
    said = learner.predict(rows)
    assert (said == np.array(["x", "y", "z"])[(chances * weights).argmax(axis=1)]).all()
    assert (said == "z").sum() > 5 * (plain.predict(rows) == "z").sum()
    by_name = {one["name"]: one["value"] for one in learner.evaluate()["scores"]["test"]}
    plainly = {one["name"]: one["value"] for one in plain.evaluate()["scores"]["test"]}
    assert by_name["log_loss"] == pytest.approx(plainly["log_loss"], abs=0.02)
    assert by_name["balanced_accuracy"] > plainly["balanced_accuracy"] + 0.1


def test_the_decision_under_class_weights_is_kept_in_the_run(three, tmp_path):
    rows = three[0].iloc[:600]
    learner = Learner(**QUICK, class_weight={"z": 20, "y": 3})
    learner.fit(rows, target="kind", folder=tmp_path / "run")
    said = learner.predict(rows)
    again = Learner.load(tmp_path / "run")
    assert again.model_.threshold == learner.model_.threshold
    assert (again.predict(rows) == said).all()
    table = again.predict_table(rows)
    assert (table["prediction"] == said).all()
    assert not [name for name in table if str(name).startswith("threshold")]
    results = again.evaluate(rows)["scores"]["test"]
    accuracy = next(one["value"] for one in results if one["name"] == "accuracy")
    assert accuracy == pytest.approx((said == rows["kind"]).mean())
    assert again.score(rows) == pytest.approx(accuracy)
    baselines = again.run_.read_table("baselines")
    assert not [name for name in baselines if str(name).startswith("threshold")]
    assert "the most times its threshold" in (tmp_path / "run" / "report.html").read_text()


def test_chances_stay_under_the_weights_where_the_loss_gives_no_chances(three):
    rows = three[0].iloc[:300]
    learner = Learner(**QUICK, class_weight="balanced", task_options={"loss": "hinge"})
    learner.fit(rows, target="kind")
    assert learner.model_.threshold is None
    assert learner.model_.prior_factors == ()
