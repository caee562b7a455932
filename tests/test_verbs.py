"""The verbs on a small run, one after the other, as a person gives them."""

import numpy as np
import pandas
import pytest

from layerwise.cli import main
from layerwise.run import Run, list_runs, new_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "iris"
    words = ["fit", "iris", "--epochs", "3", "--network", "mlp", "--network.hidden", "8,"]
    assert main([*words, "--baselines", "none", "--folder", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def flowers(tmp_path_factory):
    from layerwise.data import read

    path = tmp_path_factory.mktemp("data") / "new flowers.csv"
    read("iris").frame.iloc[::10].to_csv(path, index=False)
    return path


def test_fit_writes_a_run_with_a_report(folder):
    run = Run.open(folder)
    assert run.read("status")["state"] == "finished"
    assert len(run.journal()) == 3
    assert run.has("report.html")
    assert run.read("settings")["learner"]["network_options"] == {"hidden": [8]}


def test_fit_without_a_folder_takes_the_next_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    new_run("runs", "iris")
    assert main(["fit", "iris", "--epochs", "1", "--baselines", "none"]) == 0
    assert [run.name for run in list_runs("runs")] == ["iris-001", "iris-002"]


def test_a_dry_run_shows_the_plan_and_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "iris", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert main(["data", "iris"]) == 0
    assert "species" in shown
    assert "petal" in shown
    assert "mlp" in shown
    assert list(tmp_path.iterdir()) == []


def test_bad_input_leaves_nothing_behind(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "iris", "--target", "spices"]) == 2
    assert "Did you mean 'species'" in capsys.readouterr().err
    assert list(tmp_path.rglob("*.json")) == []


def test_evaluate_on_its_own_test_rows_and_on_a_source(folder, flowers, capsys):
    for words in ([], [str(flowers)]):
        assert main(["evaluate", str(folder), *words]) == 0
        assert "accuracy" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "npz"])
def test_predict_writes_a_row_for_each_row(folder, flowers, tmp_path, suffix):
    out = tmp_path / f"out.{suffix}"
    assert main(["predict", str(folder), str(flowers), "--out", str(out)]) == 0
    readers = {
        "csv": pandas.read_csv,
        "parquet": pandas.read_parquet,
        "jsonl": lambda path: pandas.read_json(path, lines=True),
        "npz": lambda path: pandas.DataFrame(dict(np.load(path))),
    }
    table = readers[suffix](out)
    assert len(table) == 15
    scores = table[[name for name in table if name.startswith("score:")]]
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_report_is_written_again(folder, capsys):
    (folder / "report.html").unlink()
    assert main(["report", str(folder)]) == 0
    assert (folder / "report.html").exists()
    assert "report.html" in capsys.readouterr().out


def test_runs_lists_it(folder, capsys):
    assert main(["runs", str(folder.parent)]) == 0
    out = capsys.readouterr().out
    assert "finished" in out
    assert "mlp" in out


def test_resume_goes_on_to_more_epochs(folder):
    assert main(["resume", str(folder), "--epochs", "5"]) == 0
    assert len(Run.open(folder).journal()) == 5


def test_compare_with_a_second_run(folder, tmp_path, capsys):
    other = tmp_path / "linear"
    words = ["fit", "iris", "--network", "linear", "--epochs", "1", "--baselines", "none"]
    assert main([*words, "--folder", str(other)]) == 0
    capsys.readouterr()
    assert main(["compare", str(folder), str(other)]) == 0
    assert "accuracy" in capsys.readouterr().out
