"""A run in several attempts: what a later one takes over from those before."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from layerwise.data.datasets import Rows
from layerwise.job.choices import Choice
from layerwise.job.lock import FILE
from layerwise.job.plan import Plan
from layerwise.job.threads import measure_threads
from layerwise.run import SETTINGS, STATUS, Run, list_runs
from layerwise.scaling.processes import Processes, launch, restarted


def earlier_attempt(folder: Any, processes: Processes) -> Run | None:
    """The run that an earlier attempt of this launch began, where torchrun or SLURM restarts it.

    folder : of ``Learner.fit``; with "-{number}" at its end the run is known by its launch
    """
    if folder is None or not restarted():
        return None
    found = _found(Path(os.fspath(folder))) if processes.first else None
    place = processes.told("" if found is None else str(found.folder))
    return Run.open(place) if place else None


def as_before(plan: Plan, run: Run, settings: Any) -> Plan:
    """The plan with the threads and micro-batches that the run has used so far."""
    if not run.has("plan.json"):
        return plan
    before = run.read("plan")
    threads = before["environment"]["threads"] if settings.threads is None else settings.threads
    micro_batches = max(plan.micro_batches, before.get("micro_batches", 1))
    plan = replace(plan, micro_batches=micro_batches)
    return _on_threads(plan, threads, "as the run had before")


def with_threads(plan: Plan, dataset: Any, settings: Any) -> Plan:
    """The plan with as many threads as serve it best; measured where more than one may."""
    machine = plan.machine
    if settings.threads is not None or machine.threads == 1 or machine.device != "cpu":
        return plan
    rows = Rows(dataset, plan.rows("train"))
    threads, why = measure_threads(plan.model.network, plan.recipe, rows, machine.threads)
    threads = int(machine.processes.told(str(threads)))
    return _on_threads(plan, threads, why)


def write_plan(run: Run, plan: Plan) -> None:
    """Write plan.json, with what a later attempt must know."""
    run.write("plan", plan.record() | {"micro_batches": plan.micro_batches})


def _on_threads(plan: Plan, threads: int, why: str) -> Plan:
    machine = replace(plan.machine, threads=threads)
    choices = [
        Choice("threads", f"{threads}, {machine.precision}", why) if one.what == "threads" else one
        for one in plan.choices
    ]
    return replace(plan, machine=machine, choices=choices)


def _found(folder: Path) -> Run | None:
    if folder.name.endswith("-{number}"):
        name = launch()
        runs = [run for run in list_runs(folder.parent) if name and _launch_of(run) == name]
        return runs[-1] if runs else None
    run = Run(folder)
    if run.has(SETTINGS):
        return run
    if folder.is_dir() and {path.name for path in folder.iterdir()} <= {STATUS, FILE}:
        for path in folder.iterdir():  # the attempt was killed before it began
            path.unlink()
    return None


def _launch_of(run: Run) -> str | None:
    with suppress(Exception):
        settings: Mapping[str, Any] = run.read("settings")
        return settings.get("launch")
    return None
