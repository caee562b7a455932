"""What a person sees while a network trains: the decisions, a live bar, or plain lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from time import perf_counter
from typing import Any

Losses = Callable[[], Mapping[str, float]] | Mapping[str, float] | None

REDRAWS_PER_SECOND = 4.0
EPOCH_LINES = 25  # at most, where the output is no terminal
FIRST_STEP_LINE = 20.0  # seconds without an epoch's end before a plain line says where it stands
LABEL_WIDTH = 10


class Display:
    """Says what was decided, then how training goes; silent unless ``verbose``.

    In a terminal and in Jupyter (with ipywidgets) one live line; anywhere else plain lines, at
    most about thirty for a long run. ``step`` may be called after every training step: it looks
    at the clock and redraws a few times per second; only then are the losses read.
    """

    def __init__(self, verbose: bool):
        self._verbose = verbose
        self._line = _Line()
        self._bar: Any = None
        self._console: Any = _console() if verbose else None
        self._live = verbose and _can_redraw(self._console)
        self._next = float("inf")

    def decided(self, what: str, choice: str, why: str = "") -> None:
        """Say a decision as one aligned line: ``network    mlp (64-64), because ...``."""
        if not self._verbose:
            return
        because = why if not why or why.startswith(("because", "as ")) else f"because {why}"
        said = ", ".join(part for part in (str(choice), because) if part)
        self._print(what or " ", said)

    def say(self, text: str) -> None:
        """Print a sentence; a live bar stays below it."""
        if self._verbose:
            self._print("", text)

    def start(
        self, steps: int, rows_per_epoch: int, *, epochs: int | None = None, done: int = 0
    ) -> None:
        """Begin the live line of ``steps`` steps, of which ``done`` were made before a resume."""
        if not self._verbose:
            return
        self._line = _Line(steps, rows_per_epoch, epochs, first=done, step=done)
        if self._live:
            self._bar = _bar(self._console, steps, done)
            self._bar.start()
        wait = 0.0 if self._live else FIRST_STEP_LINE
        self._next = self._line.started + wait

    def step(self, step: int, losses: Losses = None) -> None:
        """Note that ``step`` steps are done; ``losses`` are only read when the line is redrawn."""
        if perf_counter() < self._next:
            return
        line = self._line
        line.note(step, losses() if callable(losses) else losses)
        if self._bar is not None:
            self._redraw()
            self._next = perf_counter() + 1 / REDRAWS_PER_SECOND
        else:
            self._print("", line.text(with_step=True))
            self._next = perf_counter() + max(FIRST_STEP_LINE, 0.5 * line.seconds())

    def epoch(self, record: Mapping) -> None:
        """Show a line of the journal: epoch, losses, scores and rows per second."""
        if not self._verbose:
            return
        line = self._line
        line.note_epoch(record)
        if self._bar is not None:
            self.step(line.step, line.losses)  # redraws when it is time
        elif line.epoch_is_due():
            self._print_epoch()
            self._next = perf_counter() + FIRST_STEP_LINE

    def close(self) -> None:
        """End the live line; what it last said stays. May be called twice."""
        self._next = float("inf")
        if self._bar is not None:
            self._redraw()
            self._bar.stop()
            self._bar: Any = None
        elif self._line.epochs_seen > self._line.epochs_printed:
            self._print_epoch()

    def _redraw(self) -> None:
        self._bar.update(0, completed=self._line.step, said=self._line.text(with_step=True))
        self._bar.refresh()

    def _print_epoch(self) -> None:
        self._print("", self._line.text())
        self._line.epochs_printed, self._line.step_printed = self._line.epochs_seen, self._line.step

    def _print(self, what: str, text: str) -> None:
        if self._live:
            self._console.print(_aligned(what, text))
        else:
            label = f"{what:<{LABEL_WIDTH}} " if what else ""
            print(label + text, flush=True)


class _Line:
    """Where training stands, and its text: epoch, losses, scores, rows per second, time left."""

    def __init__(self, steps=0, rows_per_epoch=0, epochs=None, first=0, step=0):
        self.steps, self.rows_per_epoch, self.epochs = steps, rows_per_epoch, epochs
        self.first, self.step = first, step
        self.started = perf_counter()
        self.losses: Mapping[str, float] = {}
        self.scores: Mapping[str, float] = {}
        self.where: dict = {}  # stage and epoch of the last record
        self.best: int | None = None
        self.epochs_seen = self.epochs_printed = 0
        self.step_printed = first
        self.rows_per_second: float | None = None

    def seconds(self) -> float:
        return perf_counter() - self.started

    def note(self, step: int, losses: Mapping[str, float] | None) -> None:
        self.step = step
        self.losses = losses or self.losses
        if self.epochs and self.seconds() > 0:
            rows_per_step = self.rows_per_epoch * self.epochs / max(self.steps, 1)
            self.rows_per_second = (step - self.first) * rows_per_step / self.seconds()

    def note_epoch(self, record: Mapping) -> None:
        self.epochs_seen += 1
        self.where = {name: record[name] for name in ("stage", "epoch") if name in record}
        self.step = record.get("step", self.step)
        self.losses = record.get("losses") or self.losses
        self.scores = record.get("scores") or self.scores
        self.rows_per_second = record.get("rows_per_second") or self.rows_per_second
        if record.get("best"):
            self.best = record.get("epoch")

    def epoch_is_due(self) -> bool:
        """Whether this epoch's plain line is one of the few that are printed."""
        if self.epochs_seen <= 1 or not self.steps:
            return True
        enough = self.step - self.step_printed >= self.steps / EPOCH_LINES
        return enough or self.step >= self.steps

    def text(self, with_step: bool = False) -> str:
        """One line, its parts in a fixed order, without what is unknown."""
        parts = [self._epoch(), *self._losses(), *self._scores()]
        if with_step and not parts[0]:
            parts[0] = f"step {self.step:,} of {self.steps:,}"
        if self.rows_per_second:
            parts.append(f"{self.rows_per_second:,.0f} examples/s")
        left = self._seconds_left()
        if left is not None:
            parts.append(f"{duration(left)} left")
        return "  ".join(part for part in parts if part)

    def _epoch(self) -> str:
        if "epoch" not in self.where:
            return ""
        stage = f"stage {self.where['stage'] + 1} " if self.where.get("stage") else ""
        width = len(str(self.epochs or ""))
        of = f"/{self.epochs}" if self.epochs and not stage else ""
        return f"{stage}epoch {self.where['epoch']:>{width}}{of}"

    def _losses(self) -> list[str]:
        several = len(self.losses) > 1
        return [
            f"{f'{part} loss' if several else 'loss'} {value:#.4g}".ljust(0 if several else 11)
            for part, value in self.losses.items()
        ]

    def _scores(self) -> list[str]:
        said = [f"{name} {value:.4f}" for name, value in list(self.scores.items())[:1]]
        if said and self.best is not None and self.best != self.where.get("epoch"):
            said.append(f"(best: epoch {self.best})")
        return said

    def _seconds_left(self) -> float | None:
        made = self.step - self.first
        if made <= 0 or self.step >= self.steps or self.seconds() < 0.5:
            return None
        return self.seconds() / made * (self.steps - self.step)


def duration(seconds: float) -> str:
    """Seconds in words that fit in a line: ``8 s``, ``3 min 20 s``, ``5 h 12 min``."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def _console():
    from rich.console import Console  # slow enough that a quiet fit should not wait for it

    return Console(file=sys.stdout, highlight=False)


def _can_redraw(console) -> bool:
    if console.is_jupyter:
        return find_spec("ipywidgets") is not None
    return console.is_terminal and not console.is_dumb_terminal


def _bar(console, steps: int, done: int):
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.table import Column

    columns = (
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[said]}", markup=False, table_column=Column(no_wrap=True)),
    )
    bar = Progress(*columns, console=console, auto_refresh=False)
    bar.add_task("", total=steps or None, completed=done, said="")
    return bar


def _aligned(what: str, text: str):
    from rich.table import Table
    from rich.text import Text

    if not what:
        return Text(text)
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=LABEL_WIDTH, style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(what), Text(text))
    return grid
