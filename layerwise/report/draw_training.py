"""Figures of how training went: losses and the validation metric, the best epoch marked."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from pandas import DataFrame

from layerwise.report.figures import COLOURS, SERIES, Drawing, blank
from layerwise.report.glossary import label
from layerwise.report.record import Record


def draw_training(record: Record) -> Iterator[Drawing]:
    """Losses, then the leading validation metric; nothing where no epoch ended."""
    if not record.journal:
        return
    axis, x = positions(record.journal)
    table = journal_table(record.journal)
    best = best_line(record.journal)
    parts = list(dict.fromkeys(part for line in record.journal for part in line.get("losses", {})))
    if parts:
        yield _losses(record, axis, x, table, parts, best)
    if record.leading and f"validation:{record.leading}" in table:
        yield _metric(record, axis, x, table, best)


def positions(journal: list[dict]) -> tuple[str, np.ndarray]:
    """Name and values of the horizontal axis: epochs over all stages, or steps.

    Steps where an epoch has several lines (intervals).
    """
    places = [(line.get("stage", 0), line.get("epoch", 0)) for line in journal]
    if len(set(places)) == len(places):
        offsets: dict[int, int] = {}
        total = 0
        for stage in dict.fromkeys(stage for stage, _ in places):
            offsets[stage] = total
            total += max(epoch for other, epoch in places if other == stage)
        return "epoch", np.array([offsets[stage] + epoch for stage, epoch in places], float)
    return "step", np.array([line.get("step", 0) for line in journal], float)


def best_line(journal: list[dict]) -> int | None:
    """Index of the journal's line with the best validation metric."""
    best = [index for index, line in enumerate(journal) if line.get("best")]
    return best[-1] if best else None


def journal_table(journal: list[dict]) -> DataFrame:
    """The journal as columns; loss:PART, validation:METRIC and learning_rate:PART among them."""
    rows = []
    for line in journal:
        row = {name: line.get(name) for name in ("stage", "epoch", "step", "seconds", "best")}
        for field, prefix in (
            ("losses", "loss"),
            ("scores", "validation"),
            ("learning_rate", "learning_rate"),
        ):
            row |= {f"{prefix}:{name}": value for name, value in (line.get(field) or {}).items()}
        rows.append(row)
    return DataFrame(rows)


def _losses(record, axis, x, table, parts, best) -> Drawing:
    figure, axes = blank()
    for part, colour in zip(parts, SERIES, strict=False):
        values = _values(table, f"loss:{part}")
        axes.plot(x, values, color=COLOURS[colour], label=part, **_marks(x))
    if len(parts) > 1:
        axes.legend()
    if _spans_decades(table, parts):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    _finish(axes, record, axis, x, best)
    axes.set_ylabel("training loss")
    caption = "What training makes small, on the training rows"
    caption += ", a curve for each part of the network." if len(parts) > 1 else "."
    return Drawing("loss", "training", "Loss", caption, figure, table)


def _metric(record, axis, x, table, best) -> Drawing:
    figure, axes = blank()
    name = record.leading
    values = _values(table, f"validation:{name}")
    known = np.isfinite(values)  # lines within an epoch have no score
    axes.plot(x[known], values[known], color=COLOURS["blue"], **_marks(x[known]))
    _finish(axes, record, axis, x, best)
    caption = "Measured on validation rows, which training does not see; they choose the weights."
    if record.same_rows:
        caption = "Measured on the rows that it is trained on."
    if best is not None and np.isfinite(values[best]):
        axes.plot(x[best], values[best], "o", color=COLOURS["orange"], markersize=6)
        caption += f" Best at {axis} {x[best]:,.0f}: {values[best]:.4g}. These weights are kept."
    axes.set_ylabel(label(name))
    columns = [*table.columns[:5], f"validation:{name}"]
    title = label(name).capitalize() if record.same_rows else f"Validation {label(name)}"
    return Drawing("validation", "training", title, caption, figure, table[columns])


def _values(table: DataFrame, column: str) -> np.ndarray:
    return table[column].to_numpy(dtype=float, na_value=np.nan)


def _marks(x: np.ndarray) -> dict:
    return {"marker": "o", "markersize": 3} if len(x) <= 12 else {}


def _spans_decades(table: DataFrame, parts: list[str]) -> bool:
    values = table[[f"loss:{part}" for part in parts]].to_numpy(dtype=float, na_value=np.nan)
    values = values[np.isfinite(values)]
    return len(values) > 0 and values.min() > 0 and values.max() / values.min() > 30


def _finish(axes: Axes, record: Record, axis: str, x: np.ndarray, best: int | None) -> None:
    axes.set_xlabel(axis if axis == "epoch" else "training step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    if best is not None:
        axes.axvline(x[best], color=COLOURS["orange"], linewidth=0.9, linestyle=(0, (4, 3)))
    stages = [line.get("stage", 0) for line in record.journal]
    for index in range(1, len(stages)):
        if stages[index] != stages[index - 1]:
            axes.axvline((x[index] + x[index - 1]) / 2, color=COLOURS["muted"], linewidth=0.8)
