"""Two processes never work on one run, and the lock of a dead one is in nobody's way."""

import json
import os
import signal
import subprocess
import sys

import pytest

from layerwise.errors import RunError
from layerwise.job import lock
from layerwise.job.lock import FILE, only_process
from layerwise.run import Run

HOLDS = (
    "import sys, time\nfrom layerwise.run import Run\nfrom layerwise.job.lock import only_process\n"
    "with only_process(Run.open(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
)
WINS = (
    "import sys, time\nfrom layerwise.run import Run\nfrom layerwise.errors import RunError\n"
    "sys.stdin.readline()\n"
    "for place in sys.argv[1:]:\n"
    "    try:\n        Run.create(place); print(1, end='')\n"
    "    except RunError:\n        print(0, end='')\n"
)


@pytest.fixture
def run(tmp_path):
    return Run.create(tmp_path / "run")


def test_fifty_races_for_a_folder_have_one_winner_each(tmp_path):
    places = [str(tmp_path / f"run-{number}") for number in range(50)]
    racers = [
        subprocess.Popen([sys.executable, "-c", WINS, *places], text=True, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
        for _ in range(4)
    ]  # fmt: skip
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    won = [racer.communicate(timeout=60)[0] for racer in racers]
    assert [sum(int(mark) for mark in marks) for marks in zip(*won, strict=True)] == [1] * 50


def test_a_run_in_use_is_refused_and_its_holder_named(run):
    with subprocess.Popen([sys.executable, "-c", HOLDS, run.folder], stdout=subprocess.PIPE,
                          text=True) as holder:  # fmt: skip
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(RunError, match=rf"is in use by process {holder.pid} on .*--folder"),
            only_process(run),
        ):
            pass
        assert holder.poll() is None
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        said = []
        with only_process(run, said.append):
            assert (run.folder / FILE).exists()
    assert f"was left by process {holder.pid}" in said[0]
    assert not (run.folder / FILE).exists()
    with only_process(run, said.append):
        assert len(said) == 1


def test_two_jobs_of_one_process_are_kept_apart_too(run):
    with only_process(run), pytest.raises(RunError, match="in use"), only_process(run):
        pass


@pytest.mark.parametrize("text", ["", '{"proc', "[]", "{}", '{"process": "x"}'])
def test_a_lock_file_that_is_cut_or_odd_is_taken_over(run, text):
    (run.folder / FILE).write_text(text)
    with only_process(run, lambda said: None):
        pass


# Where the file system has no locks, the text of the file decides --------------------------------


@pytest.fixture
def no_locks(monkeypatch):
    monkeypatch.setattr(lock, "_lock", lambda file: None)


def sign(run, **changes):
    (run.folder / FILE).unlink(missing_ok=True)
    with only_process(run):
        signed = json.loads((run.folder / FILE).read_text())
    (run.folder / FILE).write_text(json.dumps({**signed, **changes}))


def is_free(run):
    try:
        with only_process(run, lambda said: None):
            return True
    except RunError:
        return False


@pytest.mark.usefixtures("no_locks")
@pytest.mark.skipif(os.name != "posix", reason="Windows always has locks")
def test_without_locks_a_living_process_and_another_machine_are_respected(run):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    sign(run)
    assert not is_free(run)  # this very process
    sign(run, machine="elsewhere")
    assert not is_free(run)
    sign(run, process=dead.pid)
    assert is_free(run)
    sign(run, ticks=1)
    assert is_free(run) == os.path.exists("/proc/self/stat")  # the number was given out again
