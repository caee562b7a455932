"""Two processes of one job: one dies, fails or runs out of memory; nothing hangs, nothing is lost.

Slow: each launch imports torch twice, so several cases share one.
"""

import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch

from layerwise.run import Run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
]
SECONDS = 15.0  # in which the others must be down
NETWORK = """
import os, signal, time
from pathlib import Path
import torch
from torch import nn

RANK = int(os.environ["RANK"])

def once(name):
    mark = Path(__file__).with_name(f"{name}-{RANK}")
    if mark.exists():
        mark.unlink()
        Path(__file__).with_name("moment").write_text(str(time.monotonic()))
        return True

class Net(nn.Module):
    def __init__(self, input_shape, output_size):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(input_shape[0], 8), nn.Tanh(), nn.Linear(8, output_size))
        self.calls = 0

    def forward(self, x):
        if self.training:
            self.calls += float(x.sum()) < 1e9  # which no trace can hold
            if len(x) > 4 and once("memory"):
                raise torch.OutOfMemoryError("no memory")
            if self.calls == 20 and once("sleep"):
                time.sleep(5.5)  # so that a checkpoint is due
            if self.calls == 30 and once("kill"):
                os.kill(os.getpid(), signal.SIGKILL)
            if self.calls == 30 and once("fail"):
                raise ValueError("the roof is leaking")
        return self.layers(x)
"""


@pytest.fixture
def launch(tmp_path):
    """Train with two processes; gives exit code, output, and seconds from the mishap to the end."""
    chance = np.random.default_rng(0)
    table = pd.DataFrame(chance.normal(size=(120, 3)), columns=list("abc"))
    table["y"] = table.a - 2 * table.b + table.c**2
    table.to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "net.py").write_text(NETWORK)

    def launched(folder, *marks, restarts=0, words=()):
        for mark in marks:
            (tmp_path / mark).write_text("")
        command = [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            "--max-restarts", str(restarts), "-m", "layerwise", "fit", tmp_path / "table.csv",
            "--target", "y", "--network", f"{tmp_path / 'net.py'}:Net", "--epochs", "5",
            "--batch-size", "16", "--patience", "0", "--baselines", "none", "--threads", "1",
            "--folder", tmp_path / folder, *words,
        ]  # fmt: skip
        env = os.environ | {"OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, check=False, env=env
        )
        moment = tmp_path / "moment"
        seconds = time.monotonic() - float(moment.read_text()) if moment.exists() else 0.0
        return done.returncode, done.stdout + done.stderr, seconds

    return launched


def lines(folder):
    times = ("seconds", "rows_per_second")
    return [
        {key: value for key, value in line.items() if key not in times}
        for line in Run.open(folder).journal()
    ]


def test_a_restart_by_torchrun_comes_back_to_the_same_bits_after_short_memory_too(launch, tmp_path):
    code, said, _ = launch("whole", words=["--micro-batches", "2"])
    assert code == 0, said
    code, said, _ = launch("killed", "memory-1", "sleep-0", "kill-1", restarts=1)
    assert code == 0, said
    assert not list(tmp_path.glob("*-[01]")), "a mishap did not happen"
    assert "Training goes on with 2 micro-batches, because memory ran out with 1" in said
    assert "Training goes on after step" in said
    whole, killed = Run.open(tmp_path / "whole"), Run.open(tmp_path / "killed")
    assert killed.read("status")["state"] == "finished"
    assert lines(whole.folder) == lines(killed.folder)
    weights, others = whole.read_tensors("network"), killed.read_tensors("network")
    assert all(torch.equal(weights[name], others[name]) for name in weights)


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("kill-0", "process 0 of 2: it does not answer: it was killed"),
        ("fail-1", "process 1 of 2: ValueError: the roof is leaking"),
    ],
)
def test_a_lost_process_takes_the_other_down_and_the_run_names_it(mark, says, launch, tmp_path):
    code, said, seconds = launch("run", mark)
    assert code == 1
    assert seconds < SECONDS, said
    run = Run.open(tmp_path / "run")
    assert run.read("status")["state"] == "failed"
    assert says in run.read("status")["message"]
    assert "of 2:" in (run.folder / "report.html").read_text(encoding="utf-8")
