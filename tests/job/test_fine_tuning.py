"""The recipes "head" and "fine_tune": stages that go on from an earlier run."""

import numpy as np
import pandas as pd
import pytest
import torch

from layerwise import Learner
from layerwise.cli import main
from layerwise.errors import SettingsError
from layerwise.run import Run

QUICK = {"network": "mlp", "network_options": {"hidden": (8, 8)}, "baselines": "none",
         "threads": 1}  # fmt: skip
BODY = ("layers.0", "layers.2")


@pytest.fixture(scope="module")
def rows():
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(2, 120))
    side = np.where(a + b > 0, "r", "l")
    return pd.DataFrame({"a": a, "b": b, "side": side, "third": np.digitize(a - b, (-0.7, 0.7))})


@pytest.fixture(scope="module")
def parent(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parents") / "parent"
    table = rows[["a", "b", "side"]]
    return Learner(**QUICK, epochs=5).fit(table, target="side", folder=folder).run_


def on_three(rows, parent, **flags):
    """A child of the parent whose rows are of three classes."""
    table = rows[["a", "b", "third"]].astype({"third": str})
    return Learner(**{**QUICK, **flags}).fit(table, target="third", from_=parent.folder)


def test_the_output_layer_starts_anew_for_other_classes_and_the_body_is_kept(rows, parent, capsys):
    child = on_three(rows, parent, recipe="head", epochs=3, verbose=True)
    before, now = parent.read_tensors("network"), child.model_.network.state_dict()
    for name in before:
        assert name.startswith(BODY) == (torch.equal(before[name], now[name])), name
    assert now["layers.4.weight"].shape == (3, 8)
    said = " ".join(capsys.readouterr().out.split())
    assert "only the output layer learns" in said
    assert "of run parent; the output layer starts anew" in said


def test_fine_tuning_unfreezes_in_three_stages_at_a_lower_rate(rows, parent, tmp_path, capsys):
    rows[["a", "b", "side"]].to_csv(tmp_path / "rows.csv", index=False)
    words = "--target side --network mlp --network.hidden 8,8 --baselines none --threads 1"
    words += " --recipe fine_tune --epochs 6 --learning-rate head=0.02,body=0.001"
    command = ["fit", str(tmp_path / "rows.csv"), *words.split(), "--from", str(parent.folder)]
    assert main([*command, "--folder", str(tmp_path / "child")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "all layers learn, below the output layer at rate 0.001" in said
    child = Run.open(tmp_path / "child")
    stages = child.read("plan")["recipe"]
    assert [(one["epochs"], one["learning_rate"], one["task"]) for one in stages] == [
        (2, 0.02, "Classify"), (2, 0.02, "Classify"), (6, 0.02, "Classify"),
    ]  # fmt: skip
    assert [line["stage"] for line in child.journal()] == [0, 0, 1, 1, *[2] * 6]
    before, now = parent.read_tensors("network"), child.read_tensors("network")
    assert not any(torch.equal(before[name], now[name]) for name in before)


def test_a_tenth_of_the_rate_is_the_bodys_unless_it_is_said(rows):
    table, flags = rows[["a", "b", "side"]], {**QUICK, "recipe": "fine_tune"}
    plan = Learner(**flags, learning_rate=0.02).plan(table, target="side")
    said = [one["learns"] for one in plan["recipe"]]
    assert said[0] == "only the output layer learns"
    assert said[1].startswith("the output layer and those near it learn")
    assert all(one.endswith("at rate 0.002") for one in said[1:])


def test_what_cannot_be_is_told(rows, parent):
    table = rows[["a", "b", "side"]]
    with pytest.raises(SettingsError, match="goes on from trained weights"):
        Learner(**QUICK, recipe="fine_tune").fit(table, target="side")
    with pytest.raises(SettingsError, match=r"no recipe 'finetune'. Did you mean 'fine_tune'"):
        Learner(**QUICK, recipe="finetune").fit(table, target="side")
    with pytest.raises(SettingsError, match="names critic, but fine-tuning trains head"):
        on_three(rows, parent, recipe="head", learning_rate={"critic": 0.1})
    with pytest.raises(SettingsError, match="The closed form solves for all weights"):
        on_three(rows, parent, recipe="head", optimizer="closed_form")
    with pytest.raises(SettingsError, match="the classes must be the same"):
        on_three(rows, parent, epochs=1)
