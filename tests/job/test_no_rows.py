"""--no-rows: nothing that a person's row held is in any file of the run."""

import struct

import numpy as np
import pandas as pd
import pytest

from layerwise import Learner
from layerwise.tasks.classify import Classify

PLANTED = ("ZANZIBAR", "PATIENT-77", "DEEPNOTE", "WARD-ODD", "1987-06-05", "987654.5", "987654")


@pytest.fixture(scope="module")
def rows():
    chance = np.random.default_rng(0)
    a = chance.normal(size=200)
    a[11] = 987654.5
    frame = pd.DataFrame(
        {
            "a": a,
            "town": chance.choice(["ZANZIBAR", "ULMTOWN", "BONNTOWN"], 200),
            "seen": pd.date_range("1987-01-01", periods=200).astype(str),
            "name": [f"PATIENT-{number}" for number in range(200)],
            "note": [f"DEEPNOTE{number % 3}" for number in range(200)],
            "ward": np.where(np.arange(200) % 2, "WARD-ODD", "WARD-EVEN"),
            "group": np.arange(200) // 4,
        }
    )
    frame["side"] = np.where((a > 0) ^ (frame["town"] == "ZANZIBAR"), "r", "l")
    return frame


ROLES = {"key": "name", "carry": ["note", "ward"], "group": "group"}


@pytest.mark.parametrize("network", ["mlp", "linear"])
def test_no_planted_value_is_in_any_file(rows, tmp_path, network):
    learner = Learner(network, epochs=3, no_rows=True)
    learner.fit(rows, target="side", folder=tmp_path / "run", **ROLES)
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert {"report.html", "results.json", "plan.json"} <= {path.name for path in files}
    planted = [text.encode() for text in (*PLANTED, "ULMTOWN", "PATIENT-3", "WARD-EVEN")]
    planted += [struct.pack("<d", 987654.5), struct.pack("<f", 987654.5)]
    for path in files:
        content = path.read_bytes()
        assert [one for one in planted if one in content] == [], path.name
    assert not any(path.suffix == ".parquet" for path in files)


def test_the_planted_values_are_there_without_the_flag(rows, tmp_path):
    learner = Learner("mlp", epochs=1).fit(rows, target="side", folder=tmp_path / "run", **ROLES)
    everything = b"".join(p.read_bytes() for p in learner.run_.folder.rglob("*") if p.is_file())
    assert all(text.encode() in everything for text in ("ZANZIBAR", "WARD-ODD", "987654"))
    assert struct.pack("<d", 987654.5) in everything


@pytest.mark.parametrize("network", ["mlp", "linear"])
def test_it_predicts_the_same_after_loading(rows, tmp_path, network):
    learner = Learner(network, epochs=3, no_rows=True, baselines="none")
    learner.fit(rows, target="side", folder=tmp_path / "run", **ROLES)
    again = Learner.load(tmp_path / "run")
    new = rows.drop(columns="side").assign(town=rows["town"].replace("ULMTOWN", "NEWTOWN"))
    with pytest.warns(UserWarning, match="categories that training did not know"):
        found = again.predict_table(new)
    with pytest.warns(UserWarning, match="categories that training did not know"):
        pd.testing.assert_frame_equal(found, learner.predict_table(new))


class Failing(Classify):
    """A task that meets a value it cannot handle."""

    def losses(self, network, batch):
        raise ValueError("the value ZANZIBAR is odd")


def test_a_failed_run_says_what_kind_of_error_it_was_alone(rows, tmp_path):
    learner = Learner("mlp", task=Failing, epochs=1, no_rows=True)
    with pytest.raises(ValueError, match="ZANZIBAR"):
        learner.fit(rows, target="side", folder=tmp_path / "run")
    everything = b"".join(p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file())
    assert b"ZANZIBAR" not in everything
    assert b"ValueError" in everything
