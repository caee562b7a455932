"""`kill -9` at any moment loses nothing: twenty kills here, two hundred in benchmarks/kills.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "kills.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_killed_trainings_resume_to_the_same_bits():
    kills = 20
    command = [sys.executable, SCRIPT, "--kills", str(kills), "--seed", str(kills)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False,
                          env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    first, second, *_ = done.stdout.splitlines()
    assert first.startswith(f"{kills} kills")
    assert 3 * int(first.split(", ")[1].split()[0]) >= kills  # inside a save
    assert second.startswith("runs that differ from the whole one: 0 of")
