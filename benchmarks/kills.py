"""How many trainings survive `kill -9`: weights, optimizer and journal equal those of a whole run.

    python benchmarks/kills.py --kills 200

Each child process trains the same small network (dropout, Adam, cosine schedule) and is killed
from outside: two thirds at any moment, one third inside a save. It is then resumed, perhaps killed
again, until it ends. Everything is imported once and each child is forked, so a kill costs some
tens of milliseconds; Linux or macOS. Exit code 1 where one run differed.
"""

import argparse
import os
import random
import select
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from pandas import DataFrame

from layerwise import Learner
from layerwise.job import learning
from layerwise.job.learning import learn
from layerwise.job.lock import only_process
from layerwise.job.plan import make_plan
from layerwise.job.stopping import Signals, TimeLimit
from layerwise.report.live import Display
from layerwise.run import Run
from layerwise.scaling.processes import ALONE
from layerwise.training.checkpoint import newest_checkpoint

TIMES = ("seconds", "rows_per_second")
BEGINS, ENDS = b"<", b">"


def the_plan():
    """A small training with every kind of state: dropout, Adam's moments, a schedule, patience."""
    chance = np.random.default_rng(0)
    table = DataFrame(chance.normal(size=(160, 4)), columns=list("abcd"))
    table["side"] = np.where(table.a * table.b > 0, "right", "left")
    settings = Learner(
        "mlp", network_options={"hidden": (16,), "dropout": 0.2}, epochs=8, batch_size=16,
        optimizer="adam", schedule="cosine", patience=0, threads=1,
    )  # fmt: skip
    return make_plan(settings, table, {"target": "side"}, ALONE)


def attempt(plan, folder: Path, pause: float) -> None:
    """Train, or go on with training, and write the weights at the end."""
    torch.set_num_threads(1)
    resuming = (folder / "status.json").exists()
    run = Run.open(folder) if resuming else Run.create(folder)
    with only_process(run, lambda text: None), Signals() as signals:
        outcome = learn(
            plan,
            plan.model.dataset(plan.source),
            writes=run,
            checkpoints=run.path("checkpoints") if resuming else None,
            display=Display(False),
            limit=TimeLimit(None, 0.0),
            signals=signals,
            seconds_between_saves=pause,
        )
        run.write_tensors("network", outcome.plan.model.network.state_dict())
        run.write("status", {"state": "finished", "message": ""})


def start(plan, folder: Path, pause: float) -> tuple[int, int]:
    """A forked attempt: its process, and a pipe on which it tells of its saves."""
    reads, writes = os.pipe()
    child = os.fork()
    if child:
        os.close(writes)
        return child, reads
    code = 1
    try:
        os.close(reads)
        save = learning.save_checkpoint

        def told(*given):
            os.write(writes, BEGINS)
            path = save(*given)
            os.write(writes, ENDS)
            return path

        learning.save_checkpoint = told
        attempt(plan, folder, pause)
        code = 0
    finally:
        os._exit(code)


def kill(child: int, reads: int, wait: float, save: int | None) -> tuple[bool, bool]:
    """Kill a child after ``wait`` seconds, or so long after its save number ``save`` began.

    Gives whether it was killed before it ended, and whether that was inside a save.
    """
    last = b""
    if save is not None:
        for _ in range(2 * save + 1):
            last = os.read(reads, 1)
    time.sleep(wait)
    os.kill(child, signal.SIGKILL)
    killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    while select.select([reads], [], [], 0)[0] and (more := os.read(reads, 4096)):
        last = more[-1:]
    os.close(reads)
    return killed, killed and last == BEGINS


def finish(plan, folder: Path, pause: float) -> bool:
    """Let an attempt come to its end; whether it did."""
    child, reads = start(plan, folder, pause)
    while os.read(reads, 4096):
        pass
    os.close(reads)
    return os.waitpid(child, 0)[1] == 0


def is_alike(one, other) -> bool:
    """Equal to the bit, whatever is inside of what."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_alike(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_alike, one, other))
    return one == other


def left_behind(folder: Path) -> dict:
    """What a finished run holds that must not depend on kills."""
    run = Run.open(folder)
    lines = [{k: v for k, v in line.items() if k not in TIMES} for line in run.journal()]
    step, state, _ = newest_checkpoint(folder / "checkpoints")
    return {
        "status": run.read("status"), "journal": lines, "network": run.read_tensors("network"),
        "step": step, "engine": state["engine"], "best": state["best"],
    }  # fmt: skip


def differing(one: dict, other: dict) -> list[str]:
    """The names of what is not equal."""
    return [name for name in one if not is_alike(one[name], other[name])]


def main() -> int:
    """Kill, resume, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance, plan = random.Random(given.seed), the_plan()
    kills = inside = runs = 0
    wrong: list[str] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        seconds = []
        for number in range(3):
            before = time.monotonic()
            assert finish(plan, root / f"whole-{number}", 0.0)
            seconds.append(time.monotonic() - before)
        whole = left_behind(root / "whole-0")
        assert not differing(whole, left_behind(root / "whole-1")), "no run is like another"
        lasts, saves = statistics.median(seconds), whole["step"]
        while kills < given.kills:
            runs += 1
            folder = root / f"killed-{runs}"
            for _ in range(min(chance.randint(1, 3), given.kills - kills)):
                in_save = 3 * inside < given.kills
                wait = chance.uniform(0, lasts / saves) if in_save else chance.uniform(0, lasts)
                pause = 0.0 if in_save else chance.choice([0.0, lasts / 10, lasts / 3])
                child, reads = start(plan, folder, pause)
                save = chance.randint(1, saves // 4) if in_save else None
                killed, was_in_save = kill(child, reads, wait, save)
                kills, inside = kills + killed, inside + was_in_save
            if not finish(plan, folder, 0.0):
                wrong.append(f"{folder.name}: did not finish")
            elif found := differing(whole, left_behind(folder)):
                wrong.append(f"{folder.name}: {', '.join(found)}")
    print(f"{kills} kills of {runs} runs, {inside} of them inside a save")
    print(f"runs that differ from the whole one: {len(wrong)} of {runs}")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    print(f"{time.monotonic() - began:.1f} s; a whole run of {saves} saves takes {lasts:.2f} s")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
