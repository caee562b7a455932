"""Subgroups, importance and reasons from the data to the report and the predictions."""

import numpy as np
import pandas as pd
import pytest

from layerwise import Learner
from layerwise.cli import main
from layerwise.errors import SettingsError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(2, 400))
    town = np.where(np.arange(400) % 2, "Ulm", "Bonn")
    c = chance.choice(list("xy"), 400)
    side = np.where(a + (c == "x") > 0.5, "r", "l")
    rows = pd.DataFrame({"a": a, "b": b, "c": c, "town": town, "side": side})
    rows.to_csv(folder / "rows.csv", index=False)
    learner = Learner("mlp", epochs=20, baselines="none")
    learner.fit(str(folder / "rows.csv"), target="side", carry=["town"], folder=folder / "run")
    return learner.run_, folder


def test_the_report_has_subgroups_and_importance(run):
    made, _ = run
    results = made.read("results")
    (town,) = results["subgroups"]
    assert {one["value"] for one in town["values"]} == {"Ulm", "Bonn"}
    assert sum(one["rows"] for one in town["values"]) == results["headline"]["rows"]
    assert {one["column"] for one in results["importance"]} == {"a", "b", "c"}
    assert results["importance"][0]["column"] == "a"
    page = (made.folder / "report.html").read_text()
    assert "For each group of rows" in page
    assert "What each column is worth" in page
    assert (made.folder / "figures" / "columns.svg").exists()


def test_predictions_come_with_their_reasons(run):
    made, folder = run
    out = folder / "out.csv"
    words = ["predict", str(made.folder), str(folder / "rows.csv"), "--explain", "--out", str(out)]
    assert main(words) == 0
    table, rows = pd.read_csv(out), pd.read_csv(folder / "rows.csv")
    high = rows["a"].idxmax()
    assert table["prediction"][high] == "r"
    reason = next(
        table[name][high] for name in ("reason_1", "reason_2", "reason_3")
        if str(table[name][high]).startswith("a = ")
    )  # fmt: skip
    assert reason.startswith(f"a = {rows['a'][high]:.6g} (+")


def test_images_have_no_columns_to_explain_by():
    images = np.random.default_rng(0).integers(0, 255, (40, 1, 8, 8), dtype=np.uint8)
    learner = Learner(epochs=1).fit(images, np.arange(40) % 2)
    with pytest.raises(SettingsError, match="images as inputs"):
        learner.predict_table(images, explain=True)
