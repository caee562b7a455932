"""How many threads a job may use, and how many serve it best: asked, then measured."""

import copy
import itertools
import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch

from layerwise.contracts import Recipe
from layerwise.training import train

SECONDS = 1.0  # at most, for a measurement
STEPS = 12  # at most, with each number of threads
GAIN = 1.15  # more threads must be so many times faster, else they are not worth their trouble


def usable_processors(root: Path = Path("/")) -> int:
    """Processors that this process may use: its affinity, and the limit of its control group.

    root : where /proc and /sys are
    """
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # Linux
        count = len(os.sched_getaffinity(0))
    limit = control_group_limit(root)
    return count if limit is None else max(1, min(count, int(limit)))


def control_group_limit(root: Path = Path("/")) -> float | None:
    """Processors that the control group and those above it allow; None without a limit.

    Both versions of control groups are asked; a container sees its own group as the top one.
    """
    groups = root / "sys/fs/cgroup"
    found = []
    for version, name in _control_groups(root):
        for tree in [groups] if version == 2 else [groups / "cpu", groups / "cpu,cpuacct"]:
            for place in (name, *name.parents):
                found.append(_limit(tree / place, version))
    return min((limit for limit in found if limit is not None), default=None)


def _control_groups(root: Path) -> list[tuple[int, Path]]:
    """Version and path of the groups that this process is in, and the top ones."""
    found = [(2, Path()), (1, Path())]
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, name = line.split(":", 2)
            if not controllers:
                found.append((2, Path(name.lstrip("/"))))
            elif "cpu" in controllers.split(","):
                found.append((1, Path(name.lstrip("/"))))
    return [(version, name) for version, name in found if ".." not in name.parts]


def _limit(folder: Path, version: int) -> float | None:
    with suppress(OSError, ValueError):
        if version == 2:
            quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text(encoding="ascii")
            period = (folder / "cpu.cfs_period_us").read_text(encoding="ascii")
        if quota != "max" and int(quota) > 0:
            return int(quota) / int(period)
    return None


def measure_threads(network: Any, recipe: Recipe, dataset: Any, most: int) -> tuple[int, str]:
    """One thread or ``most``, whichever makes steps of a copy faster, and why.

    The steps are interleaved, so that a busy machine is unfair to neither. ``network`` and tasks
    stay as they are.

    dataset : the training rows
    """
    stage = next((one for one in recipe if one.optimizer not in ("closed_form", "lbfgs")), None)
    if most == 1 or stage is None or hasattr(dataset, "refresh"):  # practice is no step
        return most, "" if most == 1 else f"of the {most} processors that this job may use"
    before = torch.get_num_threads()
    try:
        times = _step_times(copy.deepcopy((network, stage)), dataset, (1, most))
    finally:
        torch.set_num_threads(before)
    one, many = (1000 * median(times[threads]) for threads in (1, most))
    chosen = most if one > GAIN * many else 1
    return chosen, f"measured: {one:.3g} ms a step with 1 thread, {many:.3g} ms with {most}"


def _step_times(copied: tuple, dataset: Any, candidates: tuple[int, ...]) -> dict[int, list[float]]:
    network, stage = copied
    stage = replace(stage, epochs=2 * STEPS * len(candidates) + len(candidates), steps=None)
    steps = train(network, (stage,), dataset, traced=False)
    times: dict[int, list[float]] = {threads: [] for threads in candidates}
    until = time.monotonic() + SECONDS
    for number, threads in enumerate(itertools.cycle(candidates)):
        torch.set_num_threads(threads)
        began = time.perf_counter()
        next(steps)
        taken = time.perf_counter() - began
        warm = number >= 2 * len(candidates)
        if warm or taken > SECONDS / 4:  # so slow a step needs no warming
            times[threads].append(taken)
        enough = len(times[candidates[-1]]) >= STEPS or time.monotonic() > until
        if enough and all(times.values()):
            break
    steps.close()
    return times
