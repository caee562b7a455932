"""The second act: the caller's side of the engine, as ordinary statements in a ``for`` body."""

import copy
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from layerwise.contracts import Progress
from layerwise.data.datasets import Rows, TensorDataset
from layerwise.errors import RunError
from layerwise.evaluation.evaluate import mean_loss
from layerwise.job.attempts import write_plan
from layerwise.job.memory import RAN_OUT, in_smaller_pieces, let_go, ran_out_of_memory
from layerwise.job.plan import Plan
from layerwise.job.stopping import Best, Signals, TimeLimit
from layerwise.metrics import Metric, Predictions, find_metric
from layerwise.report.live import Display
from layerwise.run import Run
from layerwise.scaling.processes import join_again
from layerwise.training import train
from layerwise.training.checkpoint import load_checkpoint, newest_checkpoint, save_checkpoint
from layerwise.training.finite import NotFiniteError

LINES_PER_EPOCH = 20  # of the journal, where an epoch is long
LONG_EPOCH = 400  # steps
FIRST_CHECKPOINT = 5.0  # seconds
CHECKPOINT_SHARE = 50  # a checkpoint may take one part in so many of the time
STEPS_BETWEEN_AGREEMENTS = 20  # processes ask each other now and then whether one must stop
LOSS = "loss"  # what a task is watched by whose metric is too costly for every epoch
SLOW_STEP = 0.05  # seconds; after such steps they ask every time


@dataclass
class Outcome:
    """How training went.

    ended : "finished", "early" (patience), "time", "interrupted" (a signal) or "diverged"
    why : more about it, where there is more to say
    plan : as it was carried out: in smaller pieces where memory ran out
    """

    plan: Plan
    ended: str = "finished"
    why: str = ""
    epochs: int = 0
    steps: int = 0
    best_epoch: int = 0
    seconds: float = 0.0
    journal: list[dict[str, Any]] = field(default_factory=list)


def learn(
    plan: Plan,
    dataset: TensorDataset,
    *,
    writes: Run | None,
    checkpoints: Path | None,
    display: Display,
    limit: TimeLimit,
    signals: Signals,
    seconds_between_saves: float = FIRST_CHECKPOINT,
) -> Outcome:
    """Train the plan's network; at the end it has its best weights.

    Where memory runs out, training goes on from the last checkpoint (or the start) in smaller
    pieces, or RunError names the batch size to try.

    dataset : all rows; the plan says which are for training
    writes : where journal and checkpoints go; None keeps everything in memory
    checkpoints : where an earlier attempt left its checkpoints; None begins anew
    signals : notes the wish to stop
    seconds_between_saves : at least so many; 0 saves after every step
    """
    start = _Start(plan)
    while True:
        student = _Student(plan, dataset, writes, display, seconds_between_saves)
        failed = _attempt(student, checkpoints, signals, limit)
        if failed is None:
            return student.finish()
        display.close()
        del student
        let_go()
        plan, checkpoints = _smaller(plan, failed, dataset, writes)
        start.restore()
        last = plan.choices[-1]
        display.say(f"Training goes on with {last.choice} micro-batches, because {last.why}.")


def _attempt(
    student: "_Student", checkpoints: Path | None, signals: Signals, limit: TimeLimit
) -> int | None:
    """Train to the end; gives the stage in which memory ran out, None where all went well."""
    plan = student.plan
    state = None if checkpoints is None else student.resume(checkpoints)
    if state is not None and plan.machine.processes.agree(student.was_over()):
        plan.model.network.load_state_dict(state["network"])
        return None
    engine = train(
        plan.model.network,
        plan.recipe,
        Rows(student.dataset, plan.rows("train")),
        seed=plan.seed,
        precision=plan.machine.precision,
        micro_batches=plan.micro_batches,
        processes=plan.machine.processes,
        augment=plan.augment,
        state=state,
    )
    try:
        with signals.while_learning(), student.told_of_bad_numbers():
            for progress in engine:
                assert progress is not None
                student.note(progress)
                if progress.epoch_ended:
                    engine.send(student.end_epoch(progress))
                student.save_if_due(progress)
                if student.must_stop(progress, signals, limit):
                    break
            engine.close()
    except Exception as error:
        if student.is_judging or not ran_out_of_memory(error):
            raise
        return 0 if student.last is None else student.last.stage
    return None  # only here are the frames of the failed step gone


def _smaller(
    plan: Plan, stage: int, dataset: TensorDataset, run: Run | None
) -> tuple[Plan, Path | None]:
    """The plan in smaller pieces, the same on every process, and where the checkpoints are."""
    processes = plan.machine.processes
    smaller = in_smaller_pieces(plan, stage, dataset)
    if processes.count > 1:
        processes.report(RAN_OUT)  # the others see it as soon as this one leaves the group
        processes = join_again()
        smaller = replace(smaller, machine=replace(smaller.machine, processes=processes))
    if run is not None:
        write_plan(run, smaller)
    place = processes.told("" if run is None else str(run.path("checkpoints")))
    return smaller, Path(place) if place else None


class _Start:
    """The weights, and the state of the tasks, that training began with."""

    def __init__(self, plan: Plan):
        self._network = plan.model.network
        self._weights = {
            name: tensor.detach().cpu().clone()
            for name, tensor in self._network.state_dict().items()
        }
        tasks = [stage.task for stage in plan.recipe]
        self._tasks = [
            (task, copy.deepcopy(task.state_dict()))
            for task in tasks
            if hasattr(task, "state_dict") and hasattr(task, "load_state_dict")
        ]

    def restore(self) -> None:
        """Put them back."""
        self._network.zero_grad(set_to_none=True)
        self._network.load_state_dict(self._weights)
        for task, state in self._tasks:
            task.load_state_dict(copy.deepcopy(state))


class _Student:
    """What the loop remembers between two steps."""

    def __init__(
        self,
        plan: Plan,
        dataset: TensorDataset,
        run: Run | None,
        display: Display,
        seconds_between_saves: float,
    ):
        self.plan, self.run, self.display, self.dataset = plan, run, display, dataset
        self.pause = seconds_between_saves
        self.metric: Metric = find_metric(plan.metric, plan.model.target.kind)
        self.by_loss = getattr(plan.model.task, "watches_loss", False)
        self.watched = LOSS if self.by_loss else plan.metric
        self.higher = self.metric.higher_is_better and not self.by_loss
        self.best = Best(plan.model.network, self.higher, plan.patience)
        self.chooses = not getattr(plan.model.task, "keeps_last_weights", False)
        self.outcome = Outcome(plan)
        rows = plan.rows("validation")
        self.validation = Rows(dataset, rows) if len(rows) else None
        self.truth = plan.truth(rows)
        self.began = self.epoch_began = time.monotonic()
        self.rows_seen = 0
        self.saved_at, self.save_seconds, self.saved_step = self.began, 0.0, -1
        self.last: Progress | None = None
        self.is_judging = False  # what fails then is no step, and smaller pieces would not help
        self.steps_to_ask = 1  # until the processes ask each other whether one must stop
        self.asked_at = self.began, 0

    def resume(self, checkpoints: Path) -> dict[str, Any] | None:
        """The engine's state at the newest whole checkpoint; None where there is none."""
        found = self._newest(checkpoints)
        if found is None:
            self._cut_journal(0)
            self.display.say("There is no checkpoint yet: training starts from the beginning.")
            return None
        step, state, refused = found
        for sentence in refused:
            self.display.say(f"{sentence} An earlier one is used.")
        _check_fits(state, self.plan.model.network, checkpoints)
        self.best.load_state_dict(state["best"])
        self._cut_journal(state["lines"])
        self.outcome.seconds, self.outcome.steps = state["seconds"], step
        if self.outcome.journal:
            self.outcome.epochs = self.outcome.journal[-1]["epoch"]
        self.display.say(f"Training goes on after step {step}.")
        return state["engine"]

    def was_over(self) -> bool:
        """Whether the earlier attempt had ended by itself before all epochs were done."""
        losses = self.outcome.journal[-1]["losses"] if self.outcome.journal else {}
        if self.best.exhausted():
            self.outcome.ended = "early"
        elif any(loss is None or not math.isfinite(loss) for loss in losses.values()):
            self.outcome.ended = "diverged"
        return self.outcome.ended != "finished"

    @contextmanager
    def told_of_bad_numbers(self) -> Iterator[None]:
        """End training where a loss is no number; the spoilt weights are not saved."""
        try:
            yield
        except NotFiniteError as error:
            step = 1 + (self.last.step if self.last is not None else self.outcome.steps)
            self.outcome.ended, self.outcome.why = "diverged", f"In step {step}, {error}."

    def note(self, progress: Progress) -> None:
        """A step is done."""
        if self.last is None:
            each = max(1, progress.steps // max(1, sum(s.epochs for s in self.plan.recipe)))
            self.interval = max(1, each // LINES_PER_EPOCH) if each > LONG_EPOCH else 0
            self.display.start(
                progress.steps,
                len(self.plan.rows("train")),
                epochs=sum(stage.epochs for stage in self.plan.recipe),
                done=progress.step - 1,
            )
        self.last = progress
        self.rows_seen += progress.rows
        self.display.step(progress.step, progress.losses)
        if self.interval and progress.step % self.interval == 0 and not progress.epoch_ended:
            self._write(self._record(progress))

    def end_epoch(self, progress: Progress) -> float:
        """Validate, keep the best weights, write a line; a value whose lower is better."""
        record, value = self._record(progress), math.nan
        if self.validation is not None:
            value = self._score()
            record["scores"] = {self.watched: value}
            last = progress.stage == len(self.plan.recipe) - 1
            if last and self.chooses and not math.isnan(value):
                record["best"] = self.best.observe(value, progress.epoch)
        record["rows_per_second"] = self.rows_seen / max(1e-9, time.monotonic() - self.epoch_began)
        self.epoch_began, self.rows_seen = time.monotonic(), 0
        self.outcome.epochs = progress.epoch
        self._write(record)
        self.display.epoch(record)
        losses = record["losses"].values()
        if math.isnan(value):
            return sum(losses)
        return -value if self.higher else value

    def save_if_due(self, progress: Progress) -> None:
        """Write a checkpoint now and then; it may take a fiftieth of the time."""
        pause = max(self.pause, CHECKPOINT_SHARE * self.save_seconds) if self.pause else 0.0
        if time.monotonic() - self.saved_at > pause:
            self.save(progress)

    def save(self, progress: Progress) -> None:
        """Write a checkpoint, once per step."""
        if self.run is None or self.saved_step == progress.step:
            return
        start = time.monotonic()
        self.run.sync_journal()  # the checkpoint counts its lines
        state = {
            "engine": progress.state(),
            "best": self.best.state_dict(),
            "lines": len(self.outcome.journal),
            "seconds": self.outcome.seconds + start - self.began,
        }
        save_checkpoint(self.run.path("checkpoints"), progress.step, state)
        self.saved_at, self.saved_step = time.monotonic(), progress.step
        self.save_seconds = self.saved_at - start

    def must_stop(self, progress: Progress, signals: Signals, limit: TimeLimit) -> bool:
        """Whether training ends after this step, and why; the same on every process."""
        losses = self.outcome.journal[-1]["losses"] if progress.epoch_ended else {}
        if not all(math.isfinite(loss) for loss in losses.values()):
            self.outcome.ended = "diverged"
            return True
        if progress.epoch_ended and self.best.exhausted():
            self.outcome.ended = "early"
            return True
        processes = self.plan.machine.processes
        if processes.count > 1 and not self._is_time_to_ask(progress):
            return False
        if processes.agree(signals.received is not None):
            self.outcome.ended = "interrupted"
        elif processes.agree(limit.reached()):
            self.outcome.ended = "time"
        return self.outcome.ended != "finished"

    def _is_time_to_ask(self, progress: Progress) -> bool:
        """Now and then; after every step where steps are slow: a wish to stop cannot wait."""
        self.steps_to_ask -= 1
        if self.steps_to_ask:
            return False
        now, steps = time.monotonic(), progress.step - self.asked_at[1]
        slow = now - self.asked_at[0] > SLOW_STEP * steps
        self.asked_at = now, progress.step
        slow = self.plan.machine.processes.agree(slow)
        self.steps_to_ask = 1 if slow else STEPS_BETWEEN_AGREEMENTS
        return True

    def finish(self) -> Outcome:
        """Save, restore the best weights, and tell how it went."""
        if self.last is not None:
            if self.outcome.ended != "diverged":
                self.save(self.last)
            self.outcome.steps = self.last.step
        self.display.close()
        self.best.restore()
        self.plan.model.network.eval()
        self.outcome.best_epoch = self.best.epoch
        self.outcome.seconds += time.monotonic() - self.began
        return self.outcome

    def _newest(self, checkpoints: Path) -> tuple[int, dict[str, Any], list[str]] | None:
        """The newest whole checkpoint; process 0 decides which, as others may see old folders."""
        processes = self.plan.machine.processes
        found = newest_checkpoint(checkpoints) if processes.first else None
        step = int(processes.told(str(-1 if found is None else found[0])))
        if processes.first or step < 0:
            return found
        return (*load_checkpoint(checkpoints / f"{step:09d}.json"), [])

    def _cut_journal(self, lines: int) -> None:
        """The lines after a checkpoint are written again by the steps after it."""
        if self.run is not None:
            self.run.cut_journal(lines)
            self.outcome.journal = self.run.journal()

    def _record(self, progress: Progress) -> dict[str, Any]:
        return {
            "stage": progress.stage,
            "epoch": progress.epoch,
            "step": progress.step,
            "losses": progress.losses(),
            "learning_rate": progress.learning_rate(),
            "seconds": round(self.outcome.seconds + time.monotonic() - self.began, 3),
        }

    def _write(self, record: dict[str, Any]) -> None:
        self.outcome.journal.append(record)
        if self.run is not None:
            self.run.append(record)

    def _score(self) -> float:
        assert self.validation is not None
        model, self.is_judging = self.plan.model, True
        if self.by_loss:
            return self._loss(self.validation)
        outputs = model.outputs(self.validation)
        self.is_judging = False
        if not bool(torch.isfinite(outputs).all()):
            return math.nan
        return self.metric.function(
            Predictions(
                model.target.kind, model.target.classes, self.truth, outputs.double().numpy(),
                self.plan.weight(self.plan.rows("validation")),
                threshold=model.thresholds(len(outputs)),
            )
        )  # fmt: skip

    def _loss(self, rows: Rows) -> float:
        """The mean loss of the task over all of these rows, in eval mode."""
        model = self.plan.model
        found = mean_loss(model.network, model.task, rows)
        self.is_judging = False
        return found


def _check_fits(state: dict[str, Any], network: torch.nn.Module, folder: Path) -> None:
    """Raise RunError where a checkpoint is not of this network."""
    try:
        for weights in (state["engine"]["network"], state["best"]["weights"]):
            found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
            wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
            if found and found != wanted:
                name = next(iter({*found.items()} ^ {*wanted.items()}))[0]
                raise RunError(f"The checkpoints in {folder} are of another network: see '{name}'.")
        if type(state["lines"]) is not int or not isinstance(state["seconds"], (int, float)):
            raise TypeError
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(f"The checkpoints in {folder} are not of a run of layerwise.") from error
