"""The second act: the caller's side of the engine, as ordinary statements in a ``for`` body."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from layerwise.contracts import Progress
from layerwise.data.datasets import Rows, TensorDataset
from layerwise.job.plan import Plan
from layerwise.job.stopping import Best, Signals, TimeLimit
from layerwise.metrics import Metric, Predictions, find_metric
from layerwise.report.live import Display
from layerwise.run import Run
from layerwise.training import train
from layerwise.training.checkpoint import newest_checkpoint, save_checkpoint
from layerwise.training.finite import NotFiniteError

LINES_PER_EPOCH = 20  # of the journal, where an epoch is long
LONG_EPOCH = 400  # steps
FIRST_CHECKPOINT = 5.0  # seconds
CHECKPOINT_SHARE = 50  # a checkpoint may take one part in so many of the time
STEPS_BETWEEN_AGREEMENTS = 20  # processes ask each other now and then whether one must stop


@dataclass
class Outcome:
    """How training went.

    ended : "finished", "early" (patience), "time", "interrupted" (a signal) or "diverged"
    why : more about it, where there is more to say
    """

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
) -> Outcome:
    """Train the plan's network; at the end it has its best weights.

    dataset : all rows; the plan says which are for training
    writes : where journal and checkpoints go; None keeps everything in memory
    checkpoints : where an earlier attempt left its checkpoints; None begins anew
    """
    student = _Student(plan, dataset, writes, display)
    state = None if checkpoints is None else student.resume(checkpoints)
    if state is not None and student.was_over():
        plan.model.network.load_state_dict(state["network"])
        return student.finish()
    engine = train(
        plan.model.network,
        plan.recipe,
        Rows(dataset, plan.rows("train")),
        seed=plan.seed,
        precision=plan.machine.precision,
        micro_batches=plan.micro_batches,
        processes=plan.machine.processes,
        state=state,
    )
    with Signals() as signals, student.told_of_bad_numbers():
        for progress in engine:
            assert progress is not None
            student.note(progress)
            if progress.epoch_ended:
                engine.send(student.end_epoch(progress))
            student.save_if_due(progress)
            if student.must_stop(progress, signals, limit):
                break
        engine.close()
    return student.finish()


class _Student:
    """What the loop remembers between two steps."""

    def __init__(self, plan: Plan, dataset: TensorDataset, run: Run | None, display: Display):
        self.plan, self.run, self.display = plan, run, display
        self.metric: Metric = find_metric(plan.metric, plan.model.target.kind)
        self.best = Best(plan.model.network, self.metric.higher_is_better, plan.patience)
        self.outcome = Outcome()
        rows = plan.rows("validation")
        self.validation = Rows(dataset, rows) if len(rows) else None
        self.truth = plan.truth(rows)
        self.began = self.epoch_began = time.monotonic()
        self.rows_seen = 0
        self.saved_at, self.save_seconds, self.saved_step = self.began, 0.0, -1
        self.last: Progress | None = None

    def resume(self, checkpoints: Path) -> dict[str, Any] | None:
        """The engine's state at the newest whole checkpoint; None where there is none."""
        found = newest_checkpoint(checkpoints)
        if found is None:
            self._cut_journal(0)
            self.display.say("There is no checkpoint yet: training starts from the beginning.")
            return None
        step, state, refused = found
        for sentence in refused:
            self.display.say(f"{sentence} An earlier one is used.")
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
            record["scores"] = {self.plan.metric: value}
            if progress.stage == len(self.plan.recipe) - 1 and not math.isnan(value):
                record["best"] = self.best.observe(value, progress.epoch)
        record["rows_per_second"] = self.rows_seen / max(1e-9, time.monotonic() - self.epoch_began)
        self.epoch_began, self.rows_seen = time.monotonic(), 0
        self.outcome.epochs = progress.epoch
        self._write(record)
        self.display.epoch(record)
        losses = record["losses"].values()
        if math.isnan(value):
            return sum(losses)
        return -value if self.metric.higher_is_better else value

    def save_if_due(self, progress: Progress) -> None:
        """Write a checkpoint now and then; it may take a fiftieth of the time."""
        pause = max(FIRST_CHECKPOINT, CHECKPOINT_SHARE * self.save_seconds)
        if time.monotonic() - self.saved_at > pause:
            self.save(progress)

    def save(self, progress: Progress) -> None:
        """Write a checkpoint, once per step."""
        if self.run is None or self.saved_step == progress.step:
            return
        start = time.monotonic()
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
        if processes.count > 1 and progress.step % STEPS_BETWEEN_AGREEMENTS:
            return False
        if processes.agree(signals.received is not None):
            self.outcome.ended = "interrupted"
        elif processes.agree(limit.reached()):
            self.outcome.ended = "time"
        return self.outcome.ended != "finished"

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
        model = self.plan.model
        outputs = model.outputs(self.validation)
        if not bool(torch.isfinite(outputs).all()):
            return math.nan
        return self.metric.function(
            Predictions(
                model.target.kind, model.target.classes, self.truth, outputs.double().numpy(),
                self.plan.weight(self.plan.rows("validation")),
                threshold=model.thresholds(len(outputs)),
            )
        )  # fmt: skip
