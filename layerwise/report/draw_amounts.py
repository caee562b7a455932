"""Figures of predicted numbers: predicted against true, and residuals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from pandas import DataFrame

from layerwise.metrics import Predictions
from layerwise.report.figures import COLOURS, Drawing, blank, short

MOST_TARGETS = 4
MOST_DOTS = 2000
FEW_DOTS = 400  # drawn one by one; more of them become a picture, which keeps the page small


def draw_amounts(judged: Predictions, names: tuple[str, ...]) -> Iterator[Drawing]:
    """Two figures for each target, at most four targets; a sample where rows are many."""
    rows = np.arange(len(judged))
    if len(rows) > MOST_DOTS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_DOTS, replace=False))
    sample = f" {len(rows):,} of {len(judged):,} rows are drawn." if len(rows) < len(judged) else ""
    targets = judged.truth.shape[1]
    for column in range(min(targets, MOST_TARGETS)):
        name = short(names[column] if column < len(names) else f"target {column + 1}", 30)
        truth, said = judged.truth[rows, column], judged.scores[rows, column]
        table = DataFrame({"truth": truth, "predicted": said, "residual": truth - said})
        suffix = f"-{column + 1}" if targets > 1 else ""
        yield _predicted(table, name, suffix, sample)
        yield _residuals(table, name, suffix, sample)


def _predicted(table: DataFrame, name: str, suffix: str, sample: str) -> Drawing:
    figure, axes = blank(height=4.0)
    both = table[["truth", "predicted"]].to_numpy()
    ends = [np.nanmin(both), np.nanmax(both)]
    axes.plot(ends, ends, color=COLOURS["muted"], linewidth=0.8, linestyle=(0, (4, 3)))
    _dots(axes, table["truth"], table["predicted"])
    axes.set_xlabel(f"true {name}")
    axes.set_ylabel(f"predicted {name}")
    caption = f"On the diagonal, prediction and truth agree.{sample}"
    title = f"Predicted against true {name}"
    return Drawing(f"predicted{suffix}", "mistakes", title, caption, figure, table)


def _residuals(table: DataFrame, name: str, suffix: str, sample: str) -> Drawing:
    figure, axes = blank(height=4.0)
    axes.axhline(0, color=COLOURS["muted"], linewidth=0.8, linestyle=(0, (4, 3)))
    _dots(axes, table["predicted"], table["residual"])
    axes.set_xlabel(f"predicted {name}")
    axes.set_ylabel("truth minus prediction")
    caption = f"Good residuals show no pattern: no bend, no funnel.{sample}"
    return Drawing(f"residuals{suffix}", "mistakes", f"Residuals of {name}", caption, figure, table)


def _dots(axes: Axes, x, y) -> None:
    many = len(x) > FEW_DOTS
    axes.scatter(
        x, y, s=9 if many else 16, color=COLOURS["blue"], alpha=0.4 if many else 0.6,
        linewidths=0, rasterized=many,
    )  # fmt: skip
