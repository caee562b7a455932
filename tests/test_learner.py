"""Learner as a person uses it in Python."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

from layerwise import Learner
from layerwise.cli import main
from layerwise.contracts import Loss
from layerwise.errors import DataError, RunError, SettingsError
from layerwise.run import Run

QUICK = {"epochs": 2, "baselines": "none"}


@pytest.fixture(scope="module")
def rows():
    """120 rows: numbers a and b, category c, roles, and targets of every kind."""
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(2, 120))
    return pd.DataFrame(
        {
            "a": a,
            "b": b,
            "c": chance.choice(list("xyz"), 120),
            "name": [f"r{number}" for number in range(120)],
            "group": chance.integers(0, 12, 120),
            "day": pd.date_range("2020-01-01", periods=120).astype(str),
            "weight": chance.uniform(-0.2, 1, 120),
            "side": np.where(a + b > 0, "right", "left"),
            "amount": 2 * a - b,
            "second": 3 * a + 1,
            "high": (a > 0).astype(int),
            "wide": (b > 0).astype(int),
            "visits": chance.poisson(np.exp(0.5 * a)),
        }
    )


def fitted(rows, *columns, target, **settings):
    return Learner(**{**QUICK, **settings}).fit(rows[["a", "b", *columns]], target=target)


# The usual calls ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classify", "regress"])
@pytest.mark.filterwarnings("ignore:Values are of type float32, in training float64")
def test_it_passes_the_checks_of_scikit_learn(task, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = check_estimator(Learner(task=task), on_skip=None, on_fail=None)
    assert [one["check_name"] for one in found if one["status"] == "failed"] == []
    assert list(tmp_path.iterdir()) == []


def test_a_table_with_the_name_of_its_target(rows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    used = rows[["a", "b", "c", "side"]]
    learner = Learner(**QUICK, network="mlp").fit(used, target="side")
    assert learner.classes_.tolist() == ["left", "right"]
    given = learner.predict(used)
    assert set(given) <= {"left", "right"}
    chances = learner.predict_proba(used.drop(columns="side"))
    assert chances.shape == (120, 2)
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert (learner.classes_[chances.argmax(axis=1)] == given).all()
    assert learner.score(used) == (given == rows["side"]).mean()
    assert learner.evaluate()["headline"]["rows"] == 18
    assert learner.evaluate(used)["headline"]["rows"] == 120
    assert learner.run_ is None
    assert list(tmp_path.iterdir()) == []


def test_history_is_one_row_per_epoch(rows):
    history = fitted(rows, "side", target="side", epochs=3).history
    assert history["epoch"].tolist() == [1, 2, 3]
    assert {"losses.network", "scores.accuracy", "learning_rate.network"} <= set(history)


@pytest.mark.parametrize("classes", [("no", "yes"), (3, 7), (False, True), (-1, 1), (2.0, 10.0)])
def test_predictions_keep_the_type_of_the_classes(rows, classes):
    side = np.array(classes)[(rows["a"] > 0).astype(int)]
    inputs = rows[["a", "b"]]
    learner = Learner(**QUICK).fit(inputs, side)
    assert learner.classes_.tolist() == list(classes)
    assert type(learner.classes_.tolist()[0]) is type(classes[0])
    assert learner.score(inputs, side) == (learner.predict(inputs) == side).mean()


def test_arrays_and_tensors_give_what_tables_give(rows):
    inputs, side = rows[["a", "b"]], (rows["a"] > 0).to_numpy().astype(int)
    array = inputs.to_numpy(copy=True)
    named = Learner(**QUICK).fit(inputs, side).predict_proba(inputs)
    plain = Learner(**QUICK).fit(array, side).predict_proba(array)
    tensor = torch.from_numpy(array)
    tensors = Learner(**QUICK).fit(tensor, torch.from_numpy(side)).predict_proba(tensor)
    np.testing.assert_array_equal(plain, tensors)
    np.testing.assert_allclose(named, plain, atol=1e-6)


def test_tensors_of_images():
    images = torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    learner = Learner(**QUICK).fit(images, torch.arange(60) % 3)
    assert type(learner.model_.network).__name__ == "LeNet5"
    assert learner.predict(images[:4]).shape == (4,)


def test_a_path_with_a_space(rows, tmp_path):
    path = tmp_path / "my rows.csv"
    rows[["a", "b", "side"]].to_csv(path, index=False)
    learner = Learner(**QUICK).fit(path, target="side")
    assert learner.score(path) == learner.score(str(path)) == learner.score(pd.read_csv(path))
    assert [one.name for one in tmp_path.iterdir()] == ["my rows.csv"]


@pytest.mark.parametrize("target", ["side", "group", "amount", "visits"])
def test_a_saved_run_gives_the_same_predictions(rows, target, tmp_path):
    used = rows[["a", "b", "c", target]]
    learner = Learner(**QUICK).fit(used, target=target, folder=tmp_path / "run")
    again = Learner.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict(used), learner.predict(used))
    assert again.predict(used).dtype == learner.predict(used).dtype
    assert again.score(used) == learner.score(used)
    assert again.history.equals(learner.history)
    assert again.evaluate() == again.run_.read("results")
    assert again.get_params()["epochs"] == 2


# Inside scikit-learn, threads, other programs ----------------------------------------------------


def test_it_works_in_pipelines_and_searches(rows):
    inputs, side = rows[["a", "b"]], rows["side"]
    learner = Learner("mlp", task="classify", **QUICK)
    assert make_pipeline(StandardScaler(), learner).fit(inputs, side).score(inputs, side) > 0.5
    assert len(cross_val_score(learner, inputs, side, cv=2)) == 2
    grid = {"network_options": [{"hidden": (2,)}, {"hidden": (16,)}], "epochs": np.arange(1, 2)}
    search = GridSearchCV(learner, grid, cv=2).fit(inputs, side)
    assert search.best_params_["network_options"] in grid["network_options"]


def test_it_works_off_the_main_thread_with_the_same_result(rows):
    found = []
    thread = threading.Thread(target=lambda: found.append(fitted(rows, "side", target="side")))
    thread.start()
    thread.join()
    here = fitted(rows, "side", target="side")
    used = rows[["a", "b"]]
    np.testing.assert_array_equal(found[0].predict_proba(used), here.predict_proba(used))


def test_it_leaves_everything_as_it_was(rows):
    names = ("SIGINT", "SIGTERM", "SIGUSR1")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    before = [signal.getsignal(number) for number in numbers], np.random.get_state()[1].tolist()
    chance = torch.get_rng_state()
    try:
        used = rows[["a", "b", "side"]]
        learner = Learner("mlp", threads=1, network_options={"dropout": 0.5}, **QUICK)
        learner.plan(used, "side")
        learner.fit(used, target="side").predict(used)
        learner.score(used)
        learner.evaluate(used)
        learner.predict_table(used)
        with pytest.raises(DataError):
            learner.fit(used, target="sied")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    after = [signal.getsignal(number) for number in numbers], np.random.get_state()[1].tolist()
    assert after == before
    assert torch.equal(torch.get_rng_state(), chance)
    assert torch.is_grad_enabled()


# A person's own network, task, metric ------------------------------------------------------------


class Small(nn.Module):
    def __init__(self, input_shape, output_size, *, width=4):
        super().__init__()
        self.first = nn.Linear(input_shape[0], width)
        self.last = nn.Linear(width, output_size)

    def forward(self, inputs):
        return self.last(torch.tanh(self.first(inputs)))


class Cubic:
    def __init__(self, target, *, power=3.0):
        self.power = power

    def losses(self, network, batch):
        given = network(batch.inputs)
        apart = (given - batch.targets.reshape(given.shape)).abs()
        yield Loss((apart**self.power).mean(), len(given))

    def outputs(self, network, batch):
        return network(batch.inputs)


OWN = """
import torch
from torch import nn
from layerwise.contracts import Loss

class Small(nn.Module):
    def __init__(self, input_shape, output_size, *, width=4):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(input_shape[0], width), nn.Linear(width, output_size))
    def forward(self, inputs):
        return self.layers(inputs)

class Squares:
    def __init__(self, target, *, factor=1.0):
        self.factor = factor
    def losses(self, network, batch):
        given = network(batch.inputs)
        yield Loss(self.factor * ((given - batch.targets) ** 2).mean(), len(given))
    def outputs(self, network, batch):
        return network(batch.inputs)

def worst(predictions):
    "The largest error."
    return float(abs(predictions.truth - predictions.scores).max())
worst.higher_is_better = False
"""


def test_a_class_of_ones_own_as_network(rows):
    learner = fitted(rows, "c", "side", target="side", network=Small, network_options={"width": 6})
    assert learner.model_.network.first.weight.shape == (6, 5)


def test_an_object_as_network_is_copied(rows):
    network = Small((2,), 1)
    before = network.first.weight.clone()
    learner = fitted(rows, "side", target="side", network=network)
    assert torch.equal(network.first.weight, before)
    assert not torch.equal(learner.model_.network.first.weight, before)


def test_an_object_that_does_not_fit_is_told(rows):
    with pytest.raises(SettingsError, match=r"'Small' fails on two rows of shape \(2,\)"):
        fitted(rows, "side", target="side", network=Small((3,), 1))
    with pytest.raises(SettingsError, match=r"must be of shape \(2, 2\)"):
        fitted(rows, "side", target="side", network=Small((2,), 3))


def test_a_class_of_ones_own_as_task(rows):
    learner = fitted(
        rows, "amount", target="amount", task=Cubic, task_options={"power": 2.0}, epochs=20
    )
    assert learner.model_.task.power == 2.0
    assert learner.score(rows[["a", "b", "amount"]]) > 0.5


def test_what_only_a_program_has_is_not_loaded_again(rows, tmp_path):
    used = rows[["a", "b", "amount"]]
    for name, given in (("network", Small), ("task", Cubic)):
        Learner(**{name: given}, **QUICK).fit(used, target="amount", folder=tmp_path / name)
        with pytest.raises(RunError, match=f"{name}='my.py:Name'"):
            Learner.load(tmp_path / name)


def test_network_task_and_metric_from_a_file_survive_saving(rows, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.py").write_text(OWN)
    used = rows[["a", "b", "amount"]]
    learner = Learner(
        "my.py:Small", network_options={"width": 3}, task="my.py:Squares",
        task_options={"factor": 2.0}, metric="my.py:worst", **QUICK,
    ).fit(used, target="amount", folder="run")  # fmt: skip
    assert learner.evaluate()["headline"]["metric"] == "my.py:worst"
    assert learner.evaluate()["higher_is_better"] is False
    again = Learner.load("run")
    np.testing.assert_array_equal(again.predict(used), learner.predict(used))
    assert again.model_.task.factor == 2.0


# Targets, weights and roles ----------------------------------------------------------------------


def test_class_weights(rows):
    balanced = fitted(rows, "side", target="side", class_weight="balanced")
    left, right = balanced.model_.task_options["class_weight"]
    shares = balanced.model_.preparation.class_weights.tolist()
    assert [left, right] == shares
    given = fitted(rows, "side", target="side", class_weight={"right": 5})
    assert given.model_.task_options["class_weight"] == (1.0, 5.0)
    with pytest.raises(SettingsError, match="Did you mean 'right'"):
        fitted(rows, "side", target="side", class_weight={"rihgt": 5})
    with pytest.raises(SettingsError, match="goes with a target of classes"):
        fitted(rows, "amount", target="amount", class_weight="balanced")


def test_weights_may_be_negative_and_change_what_is_learned(rows):
    assert (rows["weight"] < 0).any()
    used = rows[["a", "b", "weight", "side"]]
    weighted = Learner(**QUICK).fit(used, target="side", weight="weight")
    plain = fitted(rows, "side", target="side")
    table = weighted.predict_table(used)
    assert table["weight"].tolist() == rows["weight"].tolist()
    assert not np.allclose(weighted.predict_proba(used), plain.predict_proba(rows[["a", "b"]]))


def test_several_labels_at_once(rows):
    used = rows[["a", "b", "high", "wide"]]
    learner = Learner(**{**QUICK, "epochs": 40}).fit(used, target=["high", "wide"])
    given = learner.predict(used)
    assert given.shape == learner.predict_proba(used).shape == (120, 2)
    assert learner.score(used) == (given == used[["high", "wide"]].to_numpy()).mean() > 0.9
    table = learner.predict_table(used)
    assert table["prediction:wide"].tolist() == given[:, 1].tolist()


def test_several_amounts(rows):
    used = rows[["a", "b", "amount", "second"]]
    learner = Learner(**{**QUICK, "epochs": 40}).fit(used, target=["amount", "second"])
    assert learner.predict(used).shape == (120, 2)
    assert learner.score(used) > 0.8
    assert {"prediction:amount", "score:second"} <= set(learner.predict_table(used))
    beside = Learner(**QUICK).fit(rows[["a", "b"]], rows[["amount", "second"]])
    assert beside.predict(rows[["a", "b"]]).shape == (120, 2)


def test_counts_with_the_poisson_loss(rows):
    used = rows[["a", "b", "visits"]]
    learner = Learner(task_options={"loss": "poisson"}, **QUICK).fit(used, target="visits")
    assert learner.model_.target.kind == "count"
    assert "poisson_deviance" in learner.metrics_[1]
    assert (learner.predict(used) > 0).all()
    with pytest.raises(DataError, match="must be a count"):
        fitted(rows, "amount", target="amount", task_options={"loss": "poisson"})


def test_roles_come_out_with_the_predictions_and_are_no_input(rows):
    used = rows.drop(columns=["second", "high", "wide", "visits"])
    roles = {"key": "name", "group": "group", "weight": "weight", "carry": ["amount", "day"]}
    learner = Learner(**QUICK).fit(used, target="side", **roles)
    assert set(learner.model_.preparation.feature_names) == {"a", "b", "c"}
    table = learner.predict_table(used)
    assert table["key"].tolist() == rows["name"].tolist()
    assert table["group"].tolist() == rows["group"].tolist()
    assert table["carry:amount"].tolist() == rows["amount"].tolist()
    assert table["carry:day"].tolist() == rows["day"].tolist()
    assert table["prediction"].tolist() == learner.predict(used).tolist()


def test_the_time_comes_out_too(rows):
    used = rows[["a", "b", "day", "side"]]
    learner = Learner(**QUICK).fit(used, target="side", time="day")
    assert learner.predict_table(used)["carry:day"].tolist() == rows["day"].tolist()


def test_it_abstains_below_a_probability(rows):
    used = rows[["a", "b", "side"]]
    learner = Learner(abstain_below=0.6, **QUICK).fit(used, target="side")
    table = learner.predict_table(used)
    scores = table[["score:left", "score:right"]].max(axis=1)
    assert table["abstains"].tolist() == (scores < 0.6).tolist()
    named = [one["name"] for one in learner.evaluate()["scores"]["test"]]
    assert {"coverage", "accuracy_decided"} <= set(named)


def test_missing_values_are_filled_in_training_and_at_predict(rows):
    gaps = rows[["a", "b", "c", "side"]].copy()
    gaps.loc[::5, "a"], gaps.loc[::7, "c"] = np.nan, None
    learner = Learner(**QUICK).fit(gaps, target="side")
    assert learner.predict(gaps).shape == (120,)
    whole = fitted(rows, "c", "side", target="side")
    with pytest.warns(UserWarning, match="the training median stands in"):
        whole.predict(gaps[["a", "b"]].assign(c="x"))


def test_an_unseen_category_is_said_and_counts_as_unknown(rows):
    learner = fitted(rows, "c", "side", target="side")
    other = rows[["a", "b", "c"]].copy()
    other.loc[3, "c"] = "new"
    with pytest.warns(UserWarning, match=r"1 of 120 rows have categories .*'new'"):
        assert len(learner.predict(other)) == 120


def test_a_missing_column_is_an_error_and_an_extra_one_is_said(rows):
    learner = fitted(rows, "c", "side", target="side")
    with pytest.raises(DataError, match="Column 'b', which the network was trained with"):
        learner.predict(rows[["a", "c"]])
    with pytest.warns(UserWarning, match="not used: amount"):
        learner.predict(rows[["a", "b", "c", "amount"]])


# Endings -----------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_ends_the_training_with_a_warning(rows, tmp_path):
    with pytest.warns(UserWarning, match="Try a lower --learning-rate"):
        learner = Learner("mlp", optimizer="sgd", learning_rate=1e30, **QUICK).fit(
            rows[["a", "b", "amount"]], target="amount", folder=tmp_path / "run"
        )
    assert learner.ended_ == "diverged"
    assert learner.run_.read("status")["state"] == "failed"
    assert learner.run_.has("report.html")


def test_a_diverged_run_is_an_error_of_the_command_line(tmp_path, capsys):
    words = ["fit", "diabetes", "--optimizer", "sgd", "--learning-rate", "1e30", "--epochs", "2"]
    assert main([*words, "--baselines", "none", "--folder", str(tmp_path / "run")]) == 2
    assert "the loss is no longer a finite number" in capsys.readouterr().err


@pytest.mark.slow
def test_a_time_limit_ends_the_training_and_leaves_a_report(tmp_path):
    start = time.monotonic()
    learner = Learner("mlp", epochs=10**6, minutes=0.1).fit("iris", folder=tmp_path / "run")
    assert time.monotonic() - start < 0.1 * 60 + 10  # ten for a busy machine
    assert learner.ended_ == "time"
    assert learner.run_.read("status")["state"] == "finished"
    assert learner.run_.has("report.html")


def long_training(folder):
    words = "--network mlp --schedule constant --epochs 1000000 --patience 0 --baselines none"
    command = [sys.executable, "-m", "layerwise", "fit", "iris", "--folder", str(folder)]
    return subprocess.Popen([*command, *words.split()], stdout=subprocess.PIPE, text=True)


def wait_for(true, seconds=120):
    start = time.monotonic()
    while not true():
        assert time.monotonic() - start < seconds, "it did not happen in time"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_ctrl_c_keeps_the_best_weights_and_resume_goes_on(tmp_path, capsys):
    folder = tmp_path / "run"
    with long_training(folder) as process:
        journal = folder / "journal.jsonl"
        wait_for(lambda: journal.exists() and journal.stat().st_size > 2000)
        os.kill(process.pid, signal.SIGINT)
        out = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert "Interrupted by a signal" in out
    run = Run.open(folder)
    assert run.read("status")["state"] == "interrupted"
    assert run.has("network.safetensors")
    assert run.has("report.html")
    before = run.journal()
    assert Learner.load(folder).score("iris") > 0.5

    capsys.readouterr()
    epochs = before[-1]["epoch"] + 2
    assert main(["resume", str(folder), "--epochs", str(epochs)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"{epochs} epochs instead of 1000000: the schedule 'constant'" in out
    after = run.journal()
    assert after[: len(before)] == before
    assert after[-1]["epoch"] == epochs
    assert run.read("status")["state"] == "finished"


def test_a_resumed_run_equals_one_that_was_never_stopped(tmp_path):
    settings = {"network": "mlp", "schedule": "constant", "baselines": "none"}
    whole = Learner(epochs=4, **settings).fit("iris", folder=tmp_path / "whole")
    Learner(epochs=2, **settings).fit("iris", folder=tmp_path / "cut")
    longer = Learner.resume(tmp_path / "cut", epochs=4)
    assert_same_run(longer.run_, whole.run_)


UNTIMED = ["stage", "epoch", "step", "losses", "scores", "best", "learning_rate"]


def assert_same_run(first, second):
    """Equal to the bit, but for what tells the time."""
    lines = [[{key: line.get(key) for key in UNTIMED} for line in run.journal()]
             for run in (first, second)]  # fmt: skip
    assert lines[0] == lines[1]
    weights, others = first.read_tensors("network"), second.read_tensors("network")
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    scores = [run.read("results")["scores"] for run in (first, second)]
    assert scores[0] == scores[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_run_resumes_to_the_same_bits(tmp_path):
    words = "fit diabetes --network mlp --batch-size 1 --epochs 150 --patience 0 --baselines none"
    command = [sys.executable, "-m", "layerwise", *words.split(), "--folder"]
    folder, checkpoints = tmp_path / "killed", tmp_path / "killed" / "checkpoints"
    with subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: any(checkpoints.glob("*.json")))
        time.sleep(0.5)  # so that lines were written after the checkpoint
        process.kill()
    cut = Run.open(folder)
    assert not cut.has("results.json"), "it was over before it was killed"
    assert len(cut.journal()) < 150
    assert main(["resume", str(folder)]) == 0
    subprocess.run([*command, str(tmp_path / "whole")], check=True, stdout=subprocess.DEVNULL)
    assert_same_run(cut, Run.open(tmp_path / "whole"))


def test_a_run_that_ended_by_itself_is_left_as_it_is_by_a_resume(tmp_path):
    settings = {"network": "mlp", "patience": 2, "epochs": 200, "baselines": "none"}
    learner = Learner(**settings, schedule="constant").fit("iris", folder=tmp_path / "run")
    assert learner.ended_ == "early"
    before = learner.run_.journal()
    again = Learner.resume(tmp_path / "run")
    assert again.ended_ == "early"
    assert again.run_.journal() == before
    assert again.evaluate() | {"training": 0} == learner.evaluate() | {"training": 0}
    steps = [one.evaluate()["training"]["steps"] for one in (learner, again)]
    assert steps[0] == steps[1]


def test_a_run_cannot_become_shorter_and_remembers_that_it_became_longer(tmp_path, capsys):
    Learner("mlp", epochs=3, baselines="none").fit("iris", folder=tmp_path / "run")
    with pytest.raises(SettingsError, match="has been through 3 epochs already"):
        Learner.resume(tmp_path / "run", epochs=2)
    assert Run.open(tmp_path / "run").read("plan")["recipe"][-1]["epochs"] == 3
    assert Learner.resume(tmp_path / "run", epochs=4).epochs == 4
    assert Learner.resume(tmp_path / "run").epochs == 4
    assert len(Run.open(tmp_path / "run").journal()) == 4


def test_a_run_does_not_go_on_with_other_data(rows, tmp_path):
    path = tmp_path / "rows.csv"
    rows[["a", "b", "side"]].to_csv(path, index=False)
    Learner(**QUICK).fit(path, target="side", folder=tmp_path / "run")
    rows[["a", "b", "side"]].iloc[:90].to_csv(path, index=False)
    with pytest.raises(RunError, match="are not those that it began with"):
        Learner.resume(tmp_path / "run", epochs=3)
    assert Run.open(tmp_path / "run").read("status")["state"] == "finished"


def test_what_was_in_memory_does_not_resume(rows, tmp_path):
    Learner(**QUICK).fit(rows[["a", "b", "side"]], target="side", folder=tmp_path / "run")
    with pytest.raises(RunError, match="objects in memory"):
        Learner.resume(tmp_path / "run", epochs=3)
