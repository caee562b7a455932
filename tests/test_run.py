import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from pandas import DataFrame

from layerwise.errors import RunError
from layerwise.run import Run, list_runs, new_run, write_whole


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run")


def test_a_new_run_is_running_and_can_be_opened(run):
    assert Run.open(run.folder).read("status") == {"state": "running", "message": ""}
    assert run.name == "run"


def test_a_run_is_never_written_over(run):
    with pytest.raises(RunError, match=r"holds a run already.*layerwise resume"):
        Run.create(run.folder)


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="is not empty"):
        Run.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_place_of_the_folder_is_one_error(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(RunError, match="is a file"):
        Run.create(tmp_path / "run")


def test_opening_what_is_no_run_names_the_nearest(run, tmp_path):
    new_run(tmp_path, "digits")
    with pytest.raises(RunError, match="Did you mean 'digits-001'"):
        Run.open(tmp_path / "digit-001")


def test_numbers_go_on_after_the_highest(tmp_path):
    new_run(tmp_path, "digits")
    (tmp_path / "digits-007").mkdir()
    assert new_run(tmp_path, "digits").name == "digits-008"
    assert Run.create(tmp_path / "digits-{number}").name == "digits-009"
    assert [run.name for run in list_runs(tmp_path)] == ["digits-001", "digits-008", "digits-009"]


@pytest.mark.parametrize(
    ("stem", "name"),
    [("my wine.csv", "my-wine.csv-001"), ("../..", "run-001"), ("números/ñ", "números-ñ-001")],
)
def test_any_stem_gives_a_name_of_one_folder(tmp_path, stem, name):
    assert new_run(tmp_path, stem).folder == tmp_path / name


def test_jobs_that_start_at_once_get_folders_of_their_own(tmp_path):
    with ThreadPoolExecutor(16) as pool:
        runs = list(pool.map(lambda _: new_run(tmp_path, "job"), range(32)))
    assert len({run.folder for run in runs}) == 32
    assert {run.name for run in runs} == {f"job-{number:03d}" for number in range(1, 33)}


def test_no_folder_has_no_runs(tmp_path):
    assert list_runs(tmp_path / "absent") == []


@dataclass(frozen=True)
class Score:
    name: str
    value: float


def test_records_become_plain_json_and_what_is_no_number_null(run):
    run.write(
        "plan",
        {
            "nan": float("nan"),
            "array": np.array([1.0, np.inf]),
            "tensor": torch.tensor(2.5),
            "whole": np.int64(3),
            "tuple": (1, None, True),
            "path": Path("a") / "b",
            "score": Score("accuracy", float("-inf")),
            "text": "Ünïcode",
            7: "key",
        },
    )
    assert run.read("plan.json") == {
        "nan": None,
        "array": [1.0, None],
        "tensor": 2.5,
        "whole": 3,
        "tuple": [1, None, True],
        "path": os.path.join("a", "b"),
        "score": {"name": "accuracy", "value": None},
        "text": "Ünïcode",
        "7": "key",
    }


def test_a_path_of_a_c_locale_is_written_with_its_letters(run):
    run.write("plan", {"path": "tabl\udcc3\udca9.csv", "\udcff": 1})
    assert run.read("plan") == {"path": "tablé.csv", "\ufffd": 1}


def test_what_has_no_form_in_json_leaves_the_old_record(run):
    run.write("plan", {"epochs": 3})
    with pytest.raises(TypeError, match="no form in JSON"):
        run.write("plan", {"epochs": object()})
    assert run.read("plan") == {"epochs": 3}


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(run):
    run.write("plan", {"epochs": 3})

    def full_disk(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(RunError, match=r"plan\.json: No space left on device"):
        write_whole(run.path("plan.json"), full_disk)
    assert run.read("plan") == {"epochs": 3}
    assert sorted(path.name for path in run.folder.iterdir()) == ["plan.json", "status.json"]


def test_a_damaged_record_is_one_error(run):
    run.path("plan.json").write_text('{"epochs": ')
    with pytest.raises(RunError, match=r"plan\.json is damaged"):
        run.read("plan")


def test_a_missing_record_says_what_to_do(run):
    with pytest.raises(RunError, match=r"has no results\.json.*layerwise resume"):
        run.read("results")


def test_the_journal_keeps_its_order(run):
    assert run.journal() == []
    run.append({"epoch": 1, "losses": {"network": 0.5}})
    run.append({"epoch": 2, "losses": {"network": float("nan")}})
    assert [line["losses"]["network"] for line in run.journal()] == [0.5, None]


def test_half_a_line_of_a_killed_process_gives_way_to_the_next(run):
    run.append({"epoch": 1})
    with open(run.folder / "journal.jsonl", "a") as file:
        file.write('{"epo')
    assert run.journal() == [{"epoch": 1}]
    run.append({"epoch": 2, "note": "x" * 100_000})
    run.append({"epoch": 3})
    assert [line["epoch"] for line in run.journal()] == [1, 2, 3]


def test_the_journal_is_cut_where_training_resumes(run):
    for epoch in range(5):
        run.append({"epoch": epoch})
    run.cut_journal(2)
    run.append({"epoch": 9})
    assert [line["epoch"] for line in run.journal()] == [0, 1, 9]


def test_cutting_keeps_the_very_bytes_of_the_lines_before(run):
    run.append({"epoch": 1, "loss": 0.1 + 0.2})
    before = (run.folder / "journal.jsonl").read_bytes()
    run.append({"epoch": 2})
    run.cut_journal(1)
    assert (run.folder / "journal.jsonl").read_bytes() == before


def test_tensors_come_back_bit_for_bit(run):
    weight = torch.randn(3, 4)
    tensors = {
        "weight": weight,
        "turned": weight.T,  # shares memory, is not contiguous
        "tied": weight,
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 2),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "mask": torch.tensor([True, False]),
        "learned": torch.nn.Parameter(torch.ones(2)),
    }
    run.write_tensors("network", tensors)
    read = run.read_tensors("network")
    assert sorted(read) == sorted(tensors)
    for name, tensor in tensors.items():
        assert read[name].dtype == tensor.dtype
        assert torch.equal(read[name], tensor)


def test_one_flipped_bit_in_the_weights_is_found(run):
    run.write_tensors("network", {"weight": torch.randn(64)})
    path = run.folder / "network.safetensors"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"network\.safetensors is damaged"):
        run.read_tensors("network")


def test_a_truncated_file_of_tensors_is_one_error(run):
    run.write_tensors("network", {"weight": torch.randn(64)})
    path = run.folder / "network.safetensors"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(RunError, match="is damaged"):
        run.read_tensors("network")


def test_tables_come_back_with_their_types(run):
    table = DataFrame({"row": [3, 1], "truth": ["a", None], "score:a": np.float32([0.25, 0.75])})
    run.write_table("predictions", table)
    read = run.read_table("predictions.parquet")
    assert list(read.columns) == ["row", "truth", "score:a"]
    assert read["score:a"].dtype == np.float32
    assert read["row"].tolist() == [3, 1]
    assert read["truth"].isna().tolist() == [False, True]


def test_a_damaged_table_is_one_error(run):
    run.path("predictions.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(RunError, match=r"predictions\.parquet is damaged"):
        run.read_table("predictions")


def test_a_process_killed_while_writing_leaves_whole_records(run):
    code = (
        "import sys; from layerwise.run import Run; run = Run.open(sys.argv[1])\n"
        "print('ready', flush=True); number = 0\n"
        "while True:\n"
        "    number += 1; run.append({'n': number}); run.write('plan', {'numbers': [number] * 999})"
    )
    command = [sys.executable, "-c", code, str(run.folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        while len(run.journal()) < 5:
            pass
    finally:
        process.kill()
        process.communicate()
    assert len(set(run.read("plan")["numbers"])) == 1
    assert [line["n"] for line in run.journal()] == list(range(1, len(run.journal()) + 1))
    assert json.loads((run.folder / "status.json").read_text())["state"] == "running"


class Burglar:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("plan.json", lambda run: run.read("plan")),
        ("journal.jsonl", lambda run: run.journal()),
        ("network.safetensors", lambda run: run.read_tensors("network")),
        ("predictions.parquet", lambda run: run.read_table("predictions")),
    ],
)
def test_a_pickle_in_any_place_runs_nothing_and_is_one_error(name, read, run, tmp_path):
    for content in (pickle.dumps(Burglar(tmp_path / "it ran")) + b"\n", b"[" * 100_000 + b"\n"):
        run.path(name).write_bytes(content)
        with pytest.raises(RunError, match=r"is damaged"):
            read(run)
    assert not (tmp_path / "it ran").exists()


def test_names_in_folders_below_are_made(run):
    run.write("figures/curve", {"x": [1]})
    assert run.has("figures/curve.json")
