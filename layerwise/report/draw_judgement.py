"""Figures of how good the answers are: against the baselines, and by what suits the target."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pandas import DataFrame

from layerwise.report.draw_amounts import draw_amounts
from layerwise.report.draw_classes import draw_classes
from layerwise.report.figures import COLOURS, Drawing, blank, short
from layerwise.report.glossary import label
from layerwise.report.record import Record, score_of

MOST_COLUMNS = 20  # that are drawn


def draw_comparison(record: Record) -> Iterator[Drawing]:
    """The leading metric with its interval: the network above its baselines."""
    name, part = record.leading, record.judged_part or "test"
    scores = {"network": record.score(part, name)}
    for baseline in record.results.get("baselines") or ():
        scores[baseline["name"]] = score_of(baseline.get("scores"), name)
    known = {of: score for of, score in scores.items() if score and score["value"] is not None}
    if len(known) < 2 or name is None:
        return
    figure, axes = blank(height=0.75 + 0.33 * len(known))
    for place, score in enumerate(known.values()):
        colour = COLOURS["blue" if place == 0 else "slate"]
        ends = [np.nan if score[end] is None else score[end] for end in ("low", "high")]
        axes.plot(ends, [place, place], color=colour, linewidth=2.4)
        axes.plot(score["value"], place, "o", color=colour, markersize=6.5)
    axes.set_yticks(range(len(known)), [short(label(of), 26) for of in known])
    axes.set_ylim(len(known) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(label(name))
    better = "right" if record.results.get("higher_is_better", True) else "left"
    caption = f"Dot: measured; line: 95 % interval. Further {better} is better."
    numbers = DataFrame(
        [
            {"name": of, **{field: score[field] for field in ("value", "low", "high", "rows")}}
            for of, score in known.items()
        ]
    )
    title = f"{label(name)[:1].upper()}{label(name)[1:]}, with intervals"
    yield Drawing("baselines", "baselines", title, caption, figure, numbers)


def draw_importance(record: Record) -> Iterator[Drawing]:
    """How much worse the leading metric becomes when a column is shuffled."""
    rows = [one for one in record.results.get("importance") or () if one["drop"] is not None]
    rows = rows[:MOST_COLUMNS]
    if not rows:
        return
    figure, axes = blank(height=0.75 + 0.27 * len(rows))
    for place, row in enumerate(rows):
        ends = [np.nan if row[end] is None else row[end] for end in ("low", "high")]
        axes.plot(ends, [place, place], color=COLOURS["slate"], linewidth=2.4)
        axes.plot(row["drop"], place, "o", color=COLOURS["blue"], markersize=5.5)
    axes.axvline(0, color=COLOURS["muted"], linewidth=0.8)
    axes.set_yticks(range(len(rows)), [short(row["column"], 26) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"loss of {label(record.leading or 'score')}")
    caption = (
        "What is lost when the values of one column are shuffled among the judged rows: the mean "
        "of 5 shuffles; line: 95 % interval over the rows. A column that others can stand in for "
        "seems unimportant."
    )
    title = "What each column is worth"
    yield Drawing("columns", "columns", title, caption, figure, DataFrame(rows))


def draw_judgement(record: Record) -> Iterator[Drawing]:
    """What suits the kind of target; nothing where there are no predictions."""
    judged = record.judged
    if judged is None or judged.kind in ("field", "series", "text", "mask"):
        return  # their own drawings show what they are
    if judged.kind in ("count", "real"):
        yield from draw_amounts(judged, record.target.names)
    else:
        metrics = record.plan.get("metrics")
        chances = not metrics or "calibration_error" in metrics
        yield from draw_classes(judged, record.results.get("abstain_below"), chances=chances)
