"""Test rows: sealed until they are asked for, and counted how often they were looked at."""

import json

import numpy as np
import pandas as pd
import pytest

from layerwise import Learner
from layerwise.cli import main
from layerwise.errors import RunError, SettingsError

QUICK = {"network": "linear", "epochs": 4, "baselines": "none"}


@pytest.fixture
def path(tmp_path):
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(2, 150))
    rows = pd.DataFrame({"a": a, "b": b, "side": np.where(a + b > 0, "r", "l")})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


def fitted(path, folder, **settings):
    return Learner(**QUICK, **settings).fit(str(path), target="side", folder=folder)


def test_sealed_test_rows_are_not_predicted_until_they_are_opened(path, tmp_path, capsys):
    sealed = fitted(path, tmp_path / "runs" / "sealed", seal_test=True)
    assert sealed.evaluate()["headline"]["split"] == "validation"
    assert sealed.evaluate()["scores"]["test"] == []
    assert set(sealed.run_.read_table("predictions")["split"]) == {"train", "validation"}
    assert "--open-test" in (sealed.run_.folder / "report.html").read_text()
    capsys.readouterr()
    assert main(["evaluate", str(sealed.run_.folder), "--open-test"]) == 0
    assert "accuracy" in capsys.readouterr().out
    opened = sealed.run_.read("results")
    plain = fitted(path, tmp_path / "other" / "plain").evaluate()
    assert opened["scores"]["test"] == plain["scores"]["test"]
    assert opened["headline"] == plain["headline"]
    assert opened["training"]["epochs"] == 4


def test_other_data_do_not_open_it(path, tmp_path):
    sealed = fitted(path, tmp_path / "run", seal_test=True)
    rows = pd.read_csv(path)
    rows.iloc[:140].to_csv(path, index=False)
    with pytest.raises(RunError, match="are not those that it learned from"):
        sealed.evaluate(open_test=True)
    assert sealed.run_.read("results")["headline"]["split"] == "validation"
    with pytest.raises(SettingsError, match="--folds judges all rows"):
        fitted(path, tmp_path / "again", seal_test=True, folds=2)


def test_looks_at_the_same_test_rows_are_counted(path, tmp_path):
    runs = [fitted(path, tmp_path / "runs" / f"r{number}", seed=0) for number in range(3)]
    assert [run.run_.read("results")["looks"]["before"] for run in runs] == [0, 1, 2]
    assert "judged 2 times before" in (runs[2].run_.folder / "report.html").read_text()
    other = fitted(path, tmp_path / "runs" / "r3", seed=1)
    assert other.run_.read("results")["looks"]["before"] == 0
    report = json.loads((other.run_.folder / "report.json").read_text())
    assert not any("before" in text for text in report["asides"])
