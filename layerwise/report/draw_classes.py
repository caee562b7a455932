"""Figures of classes and labels: confusion, ROC, precision and recall, calibration, abstaining."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from pandas import DataFrame, concat

from layerwise.metrics import Predictions
from layerwise.report.curves import (
    calibration,
    confusion,
    coverage,
    precision_recall,
    roc,
    thresholds,
)
from layerwise.report.figures import COLOURS, SERIES, Drawing, blank, short

MOST_CLASSES = 20  # of a whole confusion matrix; beyond, the pairs most often confused
MOST_CURVES = 6  # with a colour and a name each; beyond, the worst stands out of grey ones
DASHED = (0, (4, 3))


def draw_classes(
    judged: Predictions, abstain_below: float | None = None, *, chances: bool = True
) -> Iterator[Drawing]:
    """What suits the number of classes; a curve on abstaining where the run asked for it.

    chances : whether the scores are chances, or only rank the rows
    """
    if judged.kind != "labels":
        draw = _confusion if len(judged.classes) <= MOST_CLASSES else _confused_pairs
        yield draw(judged, confusion(judged))
    yield from _roc(judged)
    yield from _precision_recall(judged)
    if judged.kind == "binary":
        yield from _thresholds(judged)
    if chances:
        yield _calibration(judged)
    if abstain_below is not None and judged.kind != "labels":
        yield _coverage(judged, abstain_below)


def _confusion(judged: Predictions, table: DataFrame) -> Drawing:
    size = len(judged.classes)
    matrix = table["weight"].to_numpy().reshape(size, size)
    shares = np.clip(matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-12), 0, 1)
    figure, axes = blank(height=2.0 + 0.3 * min(size, 12))
    for truth, said in np.argwhere(matrix != 0):
        colour = COLOURS["blue" if truth == said else "orange"]
        shade = 0.12 + 0.6 * float(shares[truth, said]) ** 0.6
        corner = (said - 0.47, truth - 0.47)
        axes.add_patch(Rectangle(corner, 0.94, 0.94, color=colour, alpha=shade, linewidth=0))
        axes.text(
            said, truth, _count(float(matrix[truth, said])), ha="center", va="center",
            fontsize=9 if size <= 12 else 6.5,
        )  # fmt: skip
    names = [short(name, 12) for name in judged.classes]
    upright = size > 4 and max(map(len, names)) > 3
    axes.set_xticks(range(size), names, rotation=60 if upright else 0)
    axes.set_yticks(range(size), names)
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(size - 0.5, -0.5)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlabel("the network says")
    axes.set_ylabel("truth")
    caption = "Rows by true class (down) and answer (across); mistakes stand off the diagonal."
    return Drawing("confusion", "mistakes", "Confusion matrix", caption, figure, table)


def _confused_pairs(judged: Predictions, table: DataFrame) -> Drawing:
    wrong = table.query("truth != said and weight > 0")
    pairs = wrong.nlargest(MOST_CLASSES, "weight")
    figure, axes = blank(height=0.9 + 0.21 * max(len(pairs), 2))
    axes.barh(range(len(pairs)), pairs["weight"], color=COLOURS["orange"], height=0.7)
    both = zip(pairs["truth"], pairs["said"], strict=True)
    axes.set_yticks(range(len(pairs)), [f"{short(true)} → {short(said)}" for true, said in both])
    axes.set_ylim(max(len(pairs), 1) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("rows")
    mistakes = _count(float(wrong["weight"].to_numpy().sum()))
    caption = (
        f"The {len(pairs)} pairs most often confused (truth → answer) among "
        f"{len(judged.classes)} classes; {mistakes} mistakes in all. The CSV has the whole matrix."
    )
    return Drawing("confusion", "mistakes", "Most often confused", caption, figure, table)


def _thresholds(judged: Predictions) -> Iterator[Drawing]:
    """What every threshold would find and miss; the confusion matrices are in the CSV."""
    table = thresholds(judged)
    if table is None:
        return
    figure, axes = blank()
    for name, colour in (("precision", "orange"), ("recall", "blue")):
        axes.plot(table["threshold"], table[name], color=COLOURS[colour], label=name)
    if judged.threshold is not None:
        axes.axvline(judged.threshold[0], color=COLOURS["muted"], linestyle=DASHED, linewidth=0.9)
    axes.set_xlabel("threshold")
    axes.set_ylim(-0.02, 1.02)
    axes.legend()
    caption = (
        "What the network would find (recall) and be right about (precision) at other thresholds"
        f"{'; dashed: the one in use' if judged.threshold is not None else ''}. The CSV has the "
        "confusion matrix at each."
    )
    title = "At every threshold"
    yield Drawing("thresholds", "mistakes", title, caption, figure, table)


def _roc(judged: Predictions) -> Iterator[Drawing]:
    curves, numbers = _curves(judged, roc)
    if not curves:
        return
    figure, axes = blank(height=4.0)
    axes.plot([0, 1], [0, 1], color=COLOURS["muted"], linewidth=0.8, linestyle=DASHED)
    _draw_curves(axes, curves, "lower right", "default")
    _unit(axes, "share of the others called positive", "share of positives found")
    caption = "The closer to the upper left corner, the better; the diagonal is guessing."
    yield Drawing("roc", "mistakes", "ROC curve", caption + _of_each(judged), figure, numbers)


def _precision_recall(judged: Predictions) -> Iterator[Drawing]:
    curves, numbers = _curves(judged, precision_recall)
    if not curves:
        return
    figure, axes = blank(height=4.0)
    _draw_curves(axes, curves, "lower left", "steps-pre")
    _unit(axes, "recall: share of positives found", "precision: share of calls that are right")
    caption = "The closer to the upper right corner, the better." + _of_each(judged)
    title = "Precision and recall"
    yield Drawing("precision_recall", "mistakes", title, caption, figure, numbers)


def _curves(
    judged: Predictions, compute: Callable[[Predictions, int], DataFrame | None]
) -> tuple[dict[str, DataFrame], DataFrame]:
    """Curve per class (binary: of the positive one), and all of them as one long table."""
    columns = range(len(judged.classes))
    columns = columns[-1:] if judged.kind == "binary" else columns
    curves = {judged.classes[column]: compute(judged, column) for column in columns}
    known = {name: curve for name, curve in curves.items() if curve is not None}
    plain = [DataFrame({"of": name, **curve}) for name, curve in known.items()]
    return known, concat(plain, ignore_index=True) if plain else DataFrame()


def _draw_curves(axes: Axes, curves: dict[str, DataFrame], place: Any, how: Any) -> None:
    worst = min(curves, key=lambda name: curves[name].attrs["area"])
    for number, (name, curve) in enumerate(curves.items()):
        line = partial(axes.plot, curve.iloc[:, 0], curve.iloc[:, 1], drawstyle=how)
        said = f"{short(name)}: area {curve.attrs['area']:.3f}"
        if len(curves) <= MOST_CURVES:
            line(color=COLOURS[SERIES[number]], label=said)
        elif name == worst:
            line(color=COLOURS["orange"], label=f"worst class, {said}", zorder=3)
        else:
            line(color=COLOURS["slate"], alpha=0.45, linewidth=1.0)
    axes.legend(loc=place)


def _of_each(judged: Predictions) -> str:
    if judged.kind == "binary":
        return f" Positive is “{judged.classes[1]}”."
    each = "label" if judged.kind == "labels" else "class against the others"
    return f" One curve for each {each}."


def _calibration(judged: Predictions) -> Drawing:
    table = calibration(judged)
    figure, axes = blank(height=4.0)
    axes.plot([0, 1], [0, 1], color=COLOURS["muted"], linewidth=0.8, linestyle=DASHED)
    shares = np.clip(table["weight"] / table["weight"].sum(), 0, 1)
    width = table["to"] - table["from"]
    axes.bar(table["from"], shares, width, align="edge", color=COLOURS["slate"], alpha=0.25)
    axes.plot(table["said"], table["came_true"], color=COLOURS["blue"], marker="o", markersize=4)
    _unit(axes, "probability it states", "share that comes true")
    caption = "On the diagonal, what it calls 80 % likely happens 80 times in 100. "
    if judged.kind == "classes":
        caption += "The probability is that of its answer. "
    caption += "Bars: share of the rows."
    return Drawing("calibration", "mistakes", "Calibration", caption, figure, table)


def _coverage(judged: Predictions, below: float) -> Drawing:
    table = coverage(judged)
    figure, axes = blank(height=4.0)
    axes.plot(table["coverage"], table["accuracy"], color=COLOURS["blue"])
    kept = table.query("abstain_below >= @below")
    if len(kept):
        x, y = kept[["coverage", "accuracy"]].to_numpy()[-1]
        axes.plot(x, y, "o", color=COLOURS["orange"], markersize=6)
    axes.set_xlabel("share of rows on which it decides")
    axes.set_ylabel("accuracy on these")
    caption = f"The dot: it abstains where its best probability is below {below:g}."
    return Drawing("coverage", "mistakes", "When it may abstain", caption, figure, table)


def _unit(axes: Axes, x: str, y: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _count(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() or abs(value) >= 1000 else f"{value:.3g}"
