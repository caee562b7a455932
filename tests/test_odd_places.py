"""Accounts and disks that are not as they should be: each fit works or says what to do."""

import contextlib
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from layerwise.run import Run

pytestmark = pytest.mark.skipif(os.name != "posix", reason="places of POSIX systems")
SECRET = "hunter2-of-the-environment"
SHORT = ["--epochs", "1", "--baselines", "none", "--threads", "1"]


@pytest.fixture
def table(tmp_path):
    chance = np.random.default_rng(0)
    frame = pd.DataFrame(chance.normal(size=(60, 2)), columns=["größe", "b"])
    frame["y"] = frame["größe"] - frame.b
    frame.to_csv(tmp_path / "tablé.csv", index=False)
    return tmp_path / "tablé.csv"


@pytest.fixture
def disk(tmp_path):
    """A small file system, made full or read-only; mounting needs rights that few have."""
    with contextlib.ExitStack() as mounted:

        def mount(options):
            folder = tmp_path / "disk"
            folder.mkdir()
            command = ["mount", "-t", "tmpfs", "-o", options, "layerwise", str(folder)]
            with contextlib.suppress(OSError):
                if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                    mounted.callback(subprocess.run, ["umount", "-l", str(folder)], check=True)
                    return folder
            return pytest.skip("file systems cannot be mounted here")

        yield mount


def fit(source, *words, home=None, umask=-1, **env):
    """Exit code and all that is said; the environment holds next to nothing."""
    clean = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "SECRET_TOKEN": SECRET, **env}
    if home is not None:
        clean["HOME"] = str(home)
    command = [sys.executable, "-m", "layerwise", "fit", str(source), *map(str, words), *SHORT]
    done = subprocess.run(
        command, capture_output=True, timeout=120, check=False, env=clean, umask=umask
    )
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", errors="replace")


def assert_finished(folder):
    run = Run.open(folder)
    assert run.read("status")["state"] == "finished"
    assert run.has("report.html")
    return run


def test_no_home_the_c_locale_a_strict_umask_and_no_secret_in_any_file(table, tmp_path):
    place = tmp_path / "rün"
    code, said = fit(table, "--target", "y", "--folder", place, umask=0o077, LC_ALL="C")
    assert code == 0, said
    assert_finished(place)
    files = [path for path in place.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]
    assert not [path for path in files if path.stat().st_mode & 0o077]


@pytest.mark.slow
def test_a_home_that_is_read_only_is_not_needed(table, tmp_path, disk):
    code, said = fit(table, "--target", "y", "--folder", tmp_path / "run", home=disk("ro"))
    assert code == 0, said
    assert_finished(tmp_path / "run")


@pytest.mark.slow
def test_names_of_255_bytes_work(table, tmp_path):
    long = tmp_path / ("ä" * 125 + "x.csv")
    table.rename(long)
    assert len(os.fsencode(long.name)) == 255
    code, said = fit(long, "--target", "y", "--folder", tmp_path / ("f" * 255), home=tmp_path)
    assert code == 0, said
    assert_finished(tmp_path / ("f" * 255))


@pytest.mark.slow
def test_a_long_name_of_data_gives_a_run_that_can_have_a_name(table, tmp_path, monkeypatch):
    long = tmp_path / ("x" * 251 + ".csv")
    table.rename(long)
    monkeypatch.chdir(tmp_path)
    code, said = fit(long, "--target", "y", home=tmp_path)
    assert code == 0, said
    (run,) = (tmp_path / "runs").iterdir()
    assert_finished(run)


@pytest.mark.slow
def test_a_full_cache_keeps_images_in_memory(tmp_path, disk):
    chance = np.random.default_rng(0)
    for number in range(24):
        kind = tmp_path / "photos" / "ab"[number % 2]
        kind.mkdir(parents=True, exist_ok=True)
        pixels = chance.integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(kind / f"{number}.png")
    code, said = fit(
        tmp_path / "photos", "--folder", tmp_path / "run", "--network", "linear",
        home=disk("size=16k"),
    )  # fmt: skip
    assert code == 0, said
    assert "kept in memory" in " ".join(said.split())
    assert_finished(tmp_path / "run")


def test_a_full_disk_for_the_run_says_what_to_do(table, disk):
    folder = disk("size=48k") / "run"
    code, said = fit(table, "--target", "y", "--folder", folder)
    assert code == 2, said
    said = " ".join(said.split())
    assert "bytes are free" in said
    assert str(folder) in said
    assert "Traceback" not in said
