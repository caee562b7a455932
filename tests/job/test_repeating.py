"""Several seeds and folds, from the flag to the report."""

import numpy as np
import pandas as pd
import pytest

from layerwise import Learner
from layerwise.errors import SettingsError
from layerwise.evaluation.results import judge

QUICK = {"network": "linear", "epochs": 5}


@pytest.fixture(scope="module")
def rows():
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(2, 150))
    side = np.where(a + b + chance.normal(size=150) > 0, "r", "l")
    return pd.DataFrame({"a": a, "b": b, "side": side})


@pytest.fixture(scope="module")
def folded(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds") / "run"
    return Learner(**QUICK, folds=3, threshold="cost:2,1").fit(rows, target="side", folder=folder)


def test_every_row_has_a_prediction_of_a_network_that_never_saw_it(folded, rows):
    table = folded.run_.read_table("predictions")
    tested = table[table["split"] == "test"]
    assert sorted(tested["row"]) == list(range(150))
    assert set(tested["fold"]) == {1, 2, 3}
    assert set(table.loc[table["split"] != "test", "fold"]) == {0}
    assert folded.evaluate()["headline"]["rows"] == 150
    assert [one["rows"] for one in folded.evaluate()["folds"]["folds"]] == [50, 50, 50]
    assert tested.groupby("fold")["threshold"].nunique().tolist() == [1, 1, 1]


def test_baselines_are_fitted_in_each_fold(folded):
    table = folded.run_.read_table("baselines")
    tested = table[(table["split"] == "test") & (table["baseline"] == "logistic")]
    assert len(tested) == 150
    assert tested["score:r"].notna().all()
    (logistic,) = (one for one in folded.evaluate()["baselines"] if one["name"] == "logistic")
    assert logistic["scores"][0]["value"] > 0.6


def test_the_results_are_those_of_the_table(folded):
    table = folded.run_.read_table("predictions")
    again = judge(table, folded.model_.target, folded.metrics_[1], leading=folded.metrics_[0])
    assert again["scores"]["test"] == folded.evaluate()["scores"]["test"]


def test_predict_uses_a_network_of_all_rows(folded, rows):
    splits = folded.run_.read("plan")["splits"]
    assert splits["train"] + splits["validation"] == 150
    again = Learner.load(folded.run_.folder)
    assert (again.predict(rows) == folded.predict(rows)).all()
    page = (folded.run_.folder / "report.html").read_text()
    assert "a network that never saw it, in 3 folds" in page
    assert "trained with the same settings on the rows of all folds" in page


def test_rows_of_one_fold_never_move_what_another_one_says(rows):
    """The constants and weights of fold 1 do not know its test rows."""
    first = Learner(**QUICK, folds=3, baselines="none").fit(rows, target="side")
    from layerwise.job.repeating import more_plans  # the plans that fit made

    settings = first.set_params(folds=3)
    plan = settings_plan(settings, rows)
    fold = next(more_plans(plan, settings))
    tested = fold.plan.rows("test").numpy()
    changed = rows.copy()
    changed.loc[tested, "a"] = 1e6
    other = next(more_plans(settings_plan(settings, changed), settings))
    before, after = (one.plan.model.preparation.tensors() for one in (fold, other))
    assert all((before[name] == after[name]).all() for name in before)


def settings_plan(settings, rows):
    from layerwise.job.plan import make_plan
    from layerwise.scaling.processes import ALONE

    return make_plan(settings, rows, {"target": "side"}, ALONE)


def test_seeds_have_a_mean_and_a_deviation_of_their_own(rows, tmp_path):
    learner = Learner(**QUICK, repeats=3, baselines="none")
    learner.fit(rows, target="side", folder=tmp_path / "run")
    found = learner.evaluate()["repeats"]
    assert found["seeds"] == [0, 1, 2]
    first = found["scores"][0]
    assert first["name"] == "accuracy"
    assert first["mean"] == pytest.approx(np.mean(first["values"]))
    assert first["deviation"] == pytest.approx(np.std(first["values"], ddof=1))
    assert first["values"][0] == learner.evaluate()["headline"]["value"]
    alone = Learner(**QUICK, baselines="none").fit(rows, target="side")
    assert (alone.predict_proba(rows) == learner.predict_proba(rows)).all()
    assert "Over 3 seeds" in (tmp_path / "run" / "report.html").read_text()


def test_few_test_rows_suggest_folds_and_both_at_once_are_refused(rows):
    said = [one["choice"] for one in Learner(**QUICK).plan(rows, "side")["decisions"]]
    assert "Only 23 test rows: --folds 5 would judge all rows." in said
    with pytest.raises(SettingsError, match="Leave one of them out"):
        Learner(folds=3, repeats=2).fit(rows, target="side")


def test_the_leak_certificate_judges_every_fold(rows, tmp_path):
    """Four rows are there three times, and the folds take them apart."""
    again = pd.concat([rows, rows.iloc[:4], rows.iloc[:4]], ignore_index=True)
    learner = Learner(**QUICK, folds=3, baselines="none")
    clean = learner.fit(rows, target="side", folder=tmp_path / "clean").run_.read("leaks")
    found = learner.fit(again, target="side", folder=tmp_path / "double").run_.read("leaks")
    (before,), (after,) = (
        [one for one in content["checks"] if one["name"] == "Exact duplicates"]
        for content in (clean, found)
    )
    assert before["passed"] is True
    assert before["text"].startswith("In each of 3 folds")
    assert after["passed"] is False
    assert "of 3 folds (" in after["text"]
    assert "test rows equal" in after["text"] or "test row equals" in after["text"]
    same = [{row if row < 150 else (row - 150) % 4 for row in pair} for pair in after["rows"]]
    assert all(len(pair) == 1 for pair in same)
