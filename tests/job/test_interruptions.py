"""Signals, memory that runs out, cut journals and wrong clocks: no run is lost by them."""

import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from layerwise import Learner
from layerwise.errors import RunError
from layerwise.run import Run
from layerwise.training.checkpoint import newest_checkpoint

SETTINGS = {"epochs": 4, "batch_size": 16, "baselines": "none", "patience": 0, "threads": 1}
TIMES = ("seconds", "rows_per_second")
NETWORK = """
import os, signal
from pathlib import Path
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, input_shape, output_size):
        super().__init__()
        self.first, self.last = nn.Linear(input_shape[0], 8), nn.Linear(8, output_size)
        self.middle = MIDDLE
        self.calls = 0

    def forward(self, x):
        if self.training:
            self.calls += float(x.sum()) < 1e9  # which no trace can hold: every step runs this
            AT_WORK
        return self.last(self.middle(torch.tanh(self.first(x))))
"""


@pytest.fixture
def table(tmp_path):
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(chance.normal(size=(120, 3)), columns=list("abc"))
    frame["y"] = frame.a - 2 * frame.b + frame.c**2
    frame.to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def network(folder, at_work="pass", middle="nn.Identity()"):
    """A person's own network that does something in its forward pass while it learns."""
    path = folder / "net.py"
    path.write_text(NETWORK.replace("AT_WORK", at_work).replace("MIDDLE", middle))
    return f"{path}:Net"


def fitted(table, folder, net, **settings):
    return Learner(net, **{**SETTINGS, **settings}).fit(table, target="y", folder=folder)


def lines(folder):
    return [
        {key: value for key, value in line.items() if key not in TIMES}
        for line in Run.open(folder).journal()
    ]


def assert_same_run(one, other):
    assert lines(one) == lines(other)
    weights, others = (Run.open(folder).read_tensors("network") for folder in (one, other))
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def by_hand(number, mark):
    """Code that sends signals to itself in the 13th forward pass, once for the mark."""
    now = f"mark = Path({str(mark)!r}); self.calls == 13 and mark.exists()"
    send = f"[os.kill(os.getpid(), signal.{number}) for _ in range(len(mark.read_text()))]"
    return f"{now} and ({send}, mark.unlink())"


SENDS = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@SENDS
@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGINT"])
def test_a_signal_saves_at_the_next_step_and_resume_goes_on_to_the_same_bits(name, table, tmp_path):
    mark = tmp_path / "mark"
    net = network(tmp_path, by_hand(name, mark))
    fitted(table, tmp_path / "whole", net)
    mark.write_text("1")
    before = signal.getsignal(signal.SIGTERM)
    learner = fitted(table, tmp_path / "cut", net)
    assert signal.getsignal(signal.SIGTERM) is before
    assert learner.ended_ == "interrupted"
    assert not mark.exists()
    cut = Run.open(tmp_path / "cut")
    assert cut.read("status")["state"] == "interrupted"
    assert cut.has("report.html")
    assert newest_checkpoint(tmp_path / "cut" / "checkpoints")[0] in (12, 13)
    assert Learner.resume(cut.folder).ended_ == "finished"
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


@SENDS
def test_the_second_ctrl_c_stops_at_once_and_leaves_a_run_that_resumes(table, tmp_path):
    mark = tmp_path / "mark"
    net = network(tmp_path, by_hand("SIGINT", mark))
    fitted(table, tmp_path / "whole", net)
    mark.write_text("11")
    with pytest.raises(KeyboardInterrupt, match="at once"):
        fitted(table, tmp_path / "cut", net)
    mark.unlink(missing_ok=True)
    assert Run.open(tmp_path / "cut").read("status")["state"] == "interrupted"
    assert Run.open(tmp_path / "cut").has("report.html")
    Learner.resume(tmp_path / "cut")
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


def test_a_journal_cut_in_a_line_is_repaired_and_no_line_is_there_twice(table, tmp_path):
    net = network(tmp_path)
    fitted(table, tmp_path / "whole", net)
    fitted(table, tmp_path / "cut", net, epochs=2)
    journal = tmp_path / "cut" / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole[: len(whole) // 2] + b'{"stage": 0, "epo')
    Learner.resume(tmp_path / "cut", epochs=4)
    assert [line["epoch"] for line in lines(tmp_path / "cut")] == [1, 2, 3, 4]


def ends_above(rows, error="torch.OutOfMemoryError('no memory')"):
    code = f"raise {error}"
    return f"exec({code!r}, globals()) if len(x) > {rows} else None"


ALLOCATOR = "RuntimeError('DefaultCPUAllocator: not enough memory')"


@pytest.mark.parametrize("error", ["torch.OutOfMemoryError('no memory')", ALLOCATOR])
def test_out_of_memory_goes_on_in_smaller_pieces_to_the_same_result(error, table, tmp_path):
    whole = fitted(table, tmp_path / "whole", network(tmp_path), precision="float64")
    pieces = fitted(
        table, tmp_path / "pieces", network(tmp_path, ends_above(5, error)), precision="float64"
    )
    run = Run.open(tmp_path / "pieces")
    assert run.read("plan")["micro_batches"] == 4
    assert run.read("status")["state"] == "finished"
    assert "memory ran out" in str(run.read("plan")["decisions"])
    weights, others = (one.model_.network.state_dict() for one in (whole, pieces))
    torch.testing.assert_close(weights, others, rtol=1e-9, atol=1e-10)
    assert len(run.journal()) == 4
    Learner.resume(run.folder, epochs=5)
    assert run.read("plan")["micro_batches"] == 4


def test_out_of_memory_later_goes_on_from_the_last_checkpoint_or_the_start(table, tmp_path):
    """In memory, without a folder, the start is all there is."""
    code = f"(self.calls > 15) and ({ends_above(8)})"
    learner = Learner(network(tmp_path, code), precision="float64", **SETTINGS)
    learner.fit(table, target="y")
    whole = Learner(network(tmp_path), precision="float64", **SETTINGS).fit(table, target="y")
    weights, others = (one.model_.network.state_dict() for one in (whole, learner))
    torch.testing.assert_close(weights, others, rtol=1e-9, atol=1e-10)
    assert len(learner.journal_) == 4


@pytest.mark.parametrize(
    ("middle", "says"),
    [
        ("nn.Dropout(0.5)", r"a random layer.*--batch-size 8"),
        ("nn.BatchNorm1d(8)", r"batch normalization.*--batch-size 8"),
    ],
)
def test_out_of_memory_names_the_batch_size_where_pieces_would_change_the_result(
    middle, says, table, tmp_path
):
    with pytest.raises(RunError, match=says):
        fitted(table, tmp_path / "run", network(tmp_path, ends_above(8), middle))
    assert "--batch-size 8" in Run.open(tmp_path / "run").read("status")["message"]


def test_out_of_memory_with_one_row_stops_in_the_end(table, tmp_path):
    with pytest.raises(RunError, match="Use a smaller network"):
        fitted(table, tmp_path / "run", network(tmp_path, ends_above(0)))


JUMPS = """
import sys, time
real, steps = time.time, iter(range(10**9))
time.time = lambda: real() + (-1) ** next(steps) * 10**6
import layerwise.cli
sys.exit(layerwise.cli.main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_clock_that_jumps_changes_nothing(table, tmp_path):
    fit = ["fit", table, "--target", "y", "--epochs", "4", "--baselines", "none", "--minutes", "2"]
    for name, start in (("steady", ["-m", "layerwise"]), ("jumps", ["-c", JUMPS])):
        command = [sys.executable, *start, *fit, "--threads", "1", "--folder", tmp_path / name]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
    assert_same_run(tmp_path / "steady", tmp_path / "jumps")
