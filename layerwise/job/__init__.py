"""One job in three acts: plan it, learn, judge what was learned. ``Learner`` calls ``run_job``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch

from layerwise import __version__
from layerwise.errors import RunError, SettingsError
from layerwise.job.attempts import as_before, earlier_attempt, with_threads, write_plan
from layerwise.job.augmenting import write_augmented
from layerwise.job.explaining import write_explanations
from layerwise.job.judging import count_dead_units, write_certificate, write_judgement
from layerwise.job.learning import Outcome, learn
from layerwise.job.lock import only_process
from layerwise.job.machine import command_line
from layerwise.job.making import write_specimens
from layerwise.job.parents import started_from
from layerwise.job.plan import Plan, make_plan
from layerwise.job.repeating import judge_all, share_of, splits_of, times, train_again
from layerwise.job.stopping import Signals, TimeLimit
from layerwise.report import write_report
from layerwise.report.live import Display
from layerwise.run import Run, plain
from layerwise.scaling.processes import LostProcessError, Processes, join, launch, leave

ENDINGS = {
    "finished": "All epochs are done.",
    "early": "Stopped early: the validation metric no longer improved.",
    "time": "Stopped by the time limit.",
    "interrupted": "Interrupted by a signal; the best weights are kept.",
    "diverged": "Stopped: the loss is no longer a finite number. Try a lower --learning-rate.",
}
ECHO = 3.0  # seconds in which torchrun repeats a signal that its processes got already
INTERRUPTED_SECONDS = 10.0  # for judging and reporting after a signal: the system may not wait
STATES = {"interrupted": "interrupted", "diverged": "failed"}  # the others: finished


@dataclass(frozen=True)
class Job:
    """What a job gave: the plan with its trained model, how training went, results, the folder."""

    plan: Plan
    outcome: Outcome
    results: dict[str, Any] | None
    run: Run | None


def run_job(
    settings: Any,
    data: Any,
    wanted: Mapping[str, Any],
    *,
    folder: Any = None,
    resume: Run | None = None,
) -> Job:
    """Plan, learn and judge; write a run where a folder is given or one is resumed.

    settings : a Learner, for its flags
    wanted : the arguments of ``Learner.fit`` but ``data`` and ``folder``
    """
    began = time.monotonic()
    processes = join()
    resume = resume or earlier_attempt(folder, processes)
    if resume is None and folder is not None and processes.first:
        Run.check_free(folder)
    display = Display(settings.verbose and processes.first)
    try:
        with own_chance(), Signals(ECHO if processes.count > 1 else 0.0) as signals:
            plan = make_plan(settings, data, wanted, processes)
            plan = started_from(plan, wanted, settings)
            limit = TimeLimit(settings.minutes, began)
            if settings.folds:
                splits_of(plan, settings)  # raises where there cannot be any
            run = resume
            if resume is not None:
                plan = as_before(plan, resume, settings)
                _check_resumable(resume, plan)
            elif folder is not None:  # only now: a mistake leaves nothing behind
                run = _begun(folder, processes, lambda: _settings_record(settings, data, wanted))
            with _held(run, processes, display):
                job = _guarded(plan, settings, run, resume is not None, display, limit, signals)
    except BaseException as error:
        if not isinstance(error, LostProcessError):
            processes.report(_in_a_line(error))
        raise
    leave()
    return job


def _begun(folder: Any, processes: Processes, record: Callable[[], dict[str, Any]]) -> Run:
    """A new run, made by the first process; all know where it is."""
    if processes.first:
        run = Run.create(folder)
        run.write("settings", record())
        folder = run.folder
    return Run.open(processes.told(str(folder)))


def _held(run: Run | None, processes: Processes, display: Display) -> AbstractContextManager:
    """No other job may work on the run meanwhile."""
    if run is None or not processes.first:
        return nullcontext()
    return only_process(run, display.say)


def _guarded(
    plan: Plan, settings: Any, run: Run | None, resuming: bool, display, limit, signals: Signals
) -> Job:
    """Do the work; a failure is written into the run by the first process that is left."""
    first = plan.machine.processes.first
    checkpoints = run.path("checkpoints") if resuming and run is not None else None
    try:
        return _work(plan, settings, run if first else None, checkpoints, display, limit, signals)
    except BaseException as error:
        signals.ignored()
        display.close()
        lost = isinstance(error, LostProcessError)
        writes = error.first_left == plan.machine.processes.rank if lost else first
        if writes and run is not None:
            _write_failure(run, error, settings.no_rows)
        raise


def _work(
    plan: Plan, settings: Any, run: Run | None, checkpoints, display, limit, signals: Signals
) -> Job:
    dataset = plan.model.dataset(plan.source)
    if checkpoints is None:
        plan = with_threads(plan, dataset, settings)
    _say(plan, display)
    torch.set_num_threads(plan.machine.threads)
    _begin(run, plan, settings.epochs, checkpoints is not None, display)
    outcome = learn(
        plan, dataset, writes=run, checkpoints=checkpoints, display=display,
        limit=share_of(limit, times(settings)), signals=signals,
    )  # fmt: skip
    plan = outcome.plan
    display.say(in_words(outcome))
    more = []
    if times(settings) > 1 and outcome.ended != "interrupted":
        more, ended = train_again(plan, settings, display, limit, signals)
        outcome.ended = "interrupted" if ended == "interrupted" else outcome.ended
    if outcome.ended == "interrupted":
        limit = limit.at_most(INTERRUPTED_SECONDS)
    results = None
    has_rows = _has_rows_to_judge(plan) or bool(settings.folds)
    if plan.machine.processes.first and (run is not None or has_rows):
        plan, results = _judge(plan, dataset, settings, run, outcome, display, limit, more)
    return Job(plan, outcome, results, run)


def _say(plan: Plan, display: Display) -> None:
    for choice in plan.choices:
        if choice.what:
            display.decided(choice.what, choice.choice, choice.why)
        else:
            display.say(choice.choice)


def _begin(
    run: Run | None, plan: Plan, epochs: int | None, resuming: bool, display: Display
) -> None:
    """Write what training starts from."""
    if run is None:
        return
    preparation = plan.stored_preparation()
    if resuming and run.has("plan.json"):
        _say_schedule(run, plan, display)
        settings = run.read("settings")
        settings["learner"]["epochs"] = epochs  # a second resume goes as far
        run.write("settings", settings)
    run.write("status", {"state": "running", "message": ""})
    write_plan(run, plan)
    run.write("preparation", preparation.to_json())
    run.write_tensors("preparation", preparation.tensors())


def _check_resumable(run: Run, plan: Plan) -> None:
    """A resumed run must start from the same constants, and cannot become shorter than it is."""
    journal, wanted = run.journal(), plan.recipe[-1].epochs
    last = journal[-1] if journal else {"stage": 0, "epoch": 0}
    if last["stage"] == len(plan.recipe) - 1 and last["epoch"] > wanted:
        raise SettingsError(
            f"Run '{run.folder}' has been through {last['epoch']} epochs already, so --epochs "
            f"cannot be {wanted}. Give more, or begin a new run."
        )
    if not run.has("preparation.json"):
        return
    if plain(plan.stored_preparation().to_json()) != run.read("preparation"):
        raise RunError(
            f"The data of run '{run.folder}' are not those that it began with: other rows or "
            "columns give other constants. Restore them, or begin a new run."
        )


def _say_schedule(run: Run, plan: Plan, display: Display) -> None:
    before, now = run.read("plan")["recipe"][-1]["epochs"], plan.recipe[-1]
    if before != now.epochs:
        display.say(
            f"{now.epochs} epochs instead of {before}: the schedule '{now.schedule}' is stretched "
            "over all of them, so the learning rate moves to its place in the longer course."
        )


def _judge(plan: Plan, dataset, settings, run: Run | None, outcome, display, limit, more):
    judgement = judge_all(plan, dataset, settings, limit, more)
    plan = replace(plan, model=replace(plan.model, threshold=judgement.threshold))
    for name in ("threshold", "repeats", "folds"):
        if judgement.results.get(name):
            display.say(judgement.results[name]["text"])
    display.say(_headline(judgement.results))
    verdict = judgement.results.get("verdict") or {}
    if verdict.get("sentence"):
        display.say(verdict["sentence"])
    if run is None:
        return plan, judgement.results
    run.write_tensors("network", plan.model.network.state_dict())
    judgement.results["training"] = {
        "ended": outcome.ended, "epochs": outcome.epochs, "steps": outcome.steps,
        "best_epoch": outcome.best_epoch, "seconds": outcome.seconds,
    }  # fmt: skip
    judgement.results["dead_units"] = count_dead_units(plan, dataset)
    if not plan.no_rows:
        part = judgement.results["headline"]["split"]
        judgement.results["made"] = write_specimens(run, plan, part, outcome.journal)
        write_augmented(run, plan, dataset)
    if outcome.ended != "interrupted":
        part = judgement.results["headline"]["split"]
        write_explanations(run, plan, judgement.predictions, part)
    about_test_rows = write_judgement(run, plan, judgement, settings)
    if about_test_rows:
        display.say(about_test_rows)
    for check in write_certificate(run, plan)["checks"]:
        if check["passed"] is False:
            display.say(f"Leak certificate: {check['text']}")
    state = STATES.get(outcome.ended, "finished")
    run.write("status", {"state": state, "message": in_words(outcome)})
    display.say(f"Report: {write_report(run)}")
    return plan, judgement.results


def in_words(outcome: Outcome) -> str:
    """How training ended, in a sentence or two."""
    return f"{ENDINGS[outcome.ended]} {outcome.why}".strip()


def _has_rows_to_judge(plan: Plan) -> bool:
    return plan.split.same_rows or len(plan.rows("test")) > 0


def _headline(results: Mapping[str, Any]) -> str:
    head = results["headline"]
    if head["value"] is None:
        return f"{head['metric']} has no value on {head['rows']:,} {head['split']} rows."
    known = head["low"] is not None
    within = f" (95 % interval {head['low']:.4g} to {head['high']:.4g})" if known else ""
    text = f"{head['metric']} {head['value']:.4g}{within} on {head['rows']:,} {head['split']} rows"
    others = [
        f"{one['name']} {one['scores'][0]['value']:.4g}"
        for one in results["baselines"]
        if one["scores"][0]["value"] is not None
    ]
    return text + (f"; {', '.join(others)}." if others else ".")


def _write_failure(run: Run, error: BaseException, no_rows: bool) -> None:
    """A failed run says why, and gets a report of what there is."""
    state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    message = (not no_rows and str(error)) or type(error).__name__  # a text may name values
    try:
        run.write("status", {"state": state, "message": message})
        write_report(run)
    except Exception as second:
        error.add_note(f"The report of the failed run could not be written either: {second}")


def _settings_record(settings: Any, data: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """settings.json: every flag as given; objects are named, and then the run cannot resume."""
    learner, fit = dict(settings.get_params(deep=False)), {"data": data, **wanted}
    return {
        "learner": {name: _named(value) for name, value in learner.items()},
        "fit": {name: _named(value) for name, value in fit.items()},
        "resumable": all(_is_plain(value) for value in (*learner.values(), *fit.values())),
        "version": __version__,
        "command": command_line(),
        "launch": launch(),
    }


def _in_a_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"


def _is_plain(value: Any) -> bool:
    try:
        json.dumps(
            value, default=lambda other: str(other) if hasattr(other, "__fspath__") else {}[0]
        )
    except (TypeError, ValueError, KeyError):
        return False
    return True


def _named(value: Any) -> Any:
    if _is_plain(value):
        return plain(value)
    kind = value if isinstance(value, type) else type(value)
    shape = getattr(value, "shape", None)
    return f"{kind.__module__}.{kind.__qualname__}" + (f" {tuple(shape)}" if shape else "")


@contextmanager
def own_chance() -> Iterator[None]:
    """Leave torch's generator and thread count as they were."""
    threads = torch.get_num_threads()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
