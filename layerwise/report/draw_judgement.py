"""Figures of how good the answers are: against the baselines, and where they go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from pandas import DataFrame, concat

from layerwise.metrics import Predictions
from layerwise.report.curves import calibration, confusion, coverage, precision_recall, roc
from layerwise.report.figures import COLOURS, SERIES, Drawing, blank, short
from layerwise.report.glossary import label
from layerwise.report.record import Record, score_of

MOST_CLASSES = 20  # of a whole confusion matrix; beyond, the pairs most often confused
MOST_CURVES = 6  # with a colour and a name each; beyond, one line stands out of grey ones
MOST_TARGETS = 4
MOST_DOTS = 2000

Curve = Callable[[Predictions, int], DataFrame | None]


def draw_comparison(record: Record) -> Iterator[Drawing]:
    """The leading metric with its interval: the network above its baselines."""
    name, part = record.leading, record.judged_part or "test"
    scores = {"network": record.score(part, name)}
    for baseline in record.results.get("baselines") or ():
        scores[baseline["name"]] = score_of(baseline.get("scores"), name)
    rows = [{"name": of, **score} for of, score in scores.items() if score]
    if len(rows) < 2 or name is None:
        return
    table = DataFrame(rows)[["name", "value", "low", "high"]].astype(
        {"value": float, "low": float, "high": float}
    )
    figure, axes = blank(height=0.75 + 0.33 * len(rows))
    for place, row in enumerate(table.itertuples()):
        colour = COLOURS["blue" if place == 0 else "slate"]
        axes.plot([row.low, row.high], [place, place], color=colour, linewidth=2.4)
        axes.plot(row.value, place, "o", color=colour, markersize=6.5)
    axes.set_yticks(range(len(table)), [short(of, 26) for of in table["name"]])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(label(name))
    better = "right" if record.results.get("higher_is_better", True) else "left"
    caption = f"Dot: measured; line: 95 % interval. Further {better} is better."
    yield Drawing(
        "baselines", "baselines", f"Against baselines: {label(name)}", caption, figure, table
    )


def draw_judgement(record: Record) -> Iterator[Drawing]:
    """What suits the kind of target; nothing where there are no predictions."""
    judged = record.judged
    if judged is None:
        return
    if judged.kind in ("count", "real"):
        yield from _amounts(judged, record.target.names)
        return
    if judged.kind != "labels":
        table = confusion(judged)
        draw = _confusion if len(judged.classes) <= MOST_CLASSES else _confused_pairs
        yield draw(judged, table)
    yield from _rankings(judged)
    yield _calibration(judged)
    if record.settings.get("learner", {}).get("abstain_below") is not None:
        yield _coverage(judged, record.settings["learner"]["abstain_below"])


def _confusion(judged: Predictions, table: DataFrame) -> Drawing:
    size = len(judged.classes)
    matrix = table["weight"].to_numpy().reshape(size, size)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1e-12)
    figure, axes = blank(height=2.0 + 0.3 * min(size, 12))
    for truth, said in np.argwhere(matrix != 0):
        colour = COLOURS["blue" if truth == said else "orange"]
        shade = 0.12 + 0.6 * float(np.clip(share[truth, said], 0, 1)) ** 0.6
        axes.add_patch(
            Rectangle((said - 0.47, truth - 0.47), 0.94, 0.94, color=colour, alpha=shade, lw=0)
        )
        axes.text(
            said,
            truth,
            _count(matrix[truth, said]),
            ha="center",
            va="center",
            fontsize=9 if size <= 12 else 6.5,
        )
    names = [short(name, 12) for name in judged.classes]
    upright = size > 4 and max(map(len, names)) > 3
    axes.set_xticks(range(size), names, rotation=60 if upright else 0)
    axes.set_yticks(range(size), names)
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(size - 0.5, -0.5)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel("the network says")
    axes.set_ylabel("truth")
    caption = "Rows by true class (down) and answer (across); mistakes stand off the diagonal."
    return Drawing("confusion", "mistakes", "Confusion matrix", caption, figure, table)


def _confused_pairs(judged: Predictions, table: DataFrame) -> Drawing:
    wrong = table[(table["truth"] != table["said"]) & (table["weight"] > 0)]
    pairs = wrong.sort_values("weight", ascending=False, kind="stable").head(MOST_CLASSES)
    figure, axes = blank(height=0.9 + 0.21 * max(len(pairs), 2))
    axes.barh(range(len(pairs)), pairs["weight"], color=COLOURS["orange"], height=0.7)
    names = [f"{short(row.truth)} → {short(row.said)}" for row in pairs.itertuples()]
    axes.set_yticks(range(len(pairs)), names)
    axes.set_ylim(len(pairs) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("rows")
    caption = (
        f"The {len(pairs)} pairs most often confused (truth → answer) of "
        f"{len(judged.classes)} classes; {_count(wrong['weight'].sum())} mistakes in all."
    )
    return Drawing("confusion", "mistakes", "Most often confused", caption, figure, table)


def _rankings(judged: Predictions) -> Iterator[Drawing]:
    curves, numbers = _curves(judged, roc)
    if curves:
        figure, axes = blank(height=4.0)
        axes.plot([0, 1], [0, 1], color=COLOURS["muted"], linewidth=0.8, linestyle=(0, (4, 3)))
        _draw_curves(axes, curves, "lower right")
        _unit(axes, "share of the others called positive", "share of positives found")
        caption = "The closer to the upper left corner, the better; the diagonal is guessing."
        yield Drawing("roc", "mistakes", "ROC curve", caption + _of_each(judged), figure, numbers)
    curves, numbers = _curves(judged, precision_recall)
    if curves:
        figure, axes = blank(height=4.0)
        _draw_curves(axes, curves, "lower left")
        _unit(axes, "recall: share of positives found", "precision: share of calls that are right")
        caption = "The closer to the upper right corner, the better."
        title = "Precision and recall"
        yield Drawing(
            "precision_recall", "mistakes", title, caption + _of_each(judged), figure, numbers
        )


def _curves(judged: Predictions, compute: Curve) -> tuple[dict[str, DataFrame], DataFrame]:
    """Curve per class (binary: of the positive one) and all of them as one long table."""
    columns = range(len(judged.classes))
    columns = columns[-1:] if judged.kind == "binary" else columns
    curves = {judged.classes[column]: compute(judged, column) for column in columns}
    there = {name: curve for name, curve in curves.items() if curve is not None}
    plain = [curve.assign(of=name) for name, curve in there.items()]
    for curve in plain:
        curve.attrs = {}
    return there, concat(plain, ignore_index=True) if plain else DataFrame()


def _draw_curves(axes: Axes, curves: dict[str, DataFrame], place: str) -> None:
    worst = min(curves, key=lambda name: curves[name].attrs["area"])
    few = len(curves) <= MOST_CURVES
    for number, (name, curve) in enumerate(curves.items()):
        x, y = curve.iloc[:, 0], curve.iloc[:, 1]
        said = f"{short(name)}: area {curve.attrs['area']:.3f}"
        if few:
            axes.plot(x, y, color=COLOURS[SERIES[number]], label=said)
        elif name == worst:
            axes.plot(x, y, color=COLOURS["orange"], label=f"worst class, {said}", zorder=3)
        else:
            axes.plot(x, y, color=COLOURS["slate"], alpha=0.45, linewidth=1.0)
    axes.legend(loc=place)


def _of_each(judged: Predictions) -> str:
    if judged.kind == "binary":
        return f" Positive is “{judged.classes[1]}”."
    each = "label" if judged.kind == "labels" else "class against the others"
    return f" One curve for each {each}."


def _calibration(judged: Predictions) -> Drawing:
    table = calibration(judged)
    figure, axes = blank(height=4.0)
    axes.plot([0, 1], [0, 1], color=COLOURS["muted"], linewidth=0.8, linestyle=(0, (4, 3)))
    share = np.clip(table["weight"] / table["weight"].sum(), 0, 1)
    width = table["to"] - table["from"]
    axes.bar(table["from"], share, width, align="edge", color=COLOURS["slate"], alpha=0.25)
    axes.plot(table["said"], table["came_true"], color=COLOURS["blue"], marker="o", markersize=4)
    _unit(axes, "probability it states", "share that comes true")
    caption = "On the diagonal, what it calls 80 % likely happens 80 times in 100. "
    if judged.kind == "classes":
        caption += "The probability is that of its answer. "
    caption += "Bars: share of the rows."
    return Drawing("calibration", "mistakes", "Calibration", caption, figure, table)


def _coverage(judged: Predictions, below: float) -> Drawing:
    table = coverage(judged)
    figure, axes = blank()
    axes.plot(table["coverage"], table["accuracy"], color=COLOURS["blue"])
    kept = table[table["abstain_below"] >= below]
    if len(kept):
        axes.plot(
            kept["coverage"].iloc[-1],
            kept["accuracy"].iloc[-1],
            "o",
            color=COLOURS["orange"],
            markersize=6,
        )
    axes.set_xlabel("share of rows on which it decides")
    axes.set_ylabel("accuracy on these")
    caption = f"The dot: it abstains below a probability of {below:g}."
    return Drawing("coverage", "mistakes", "When it may abstain", caption, figure, table)


def _amounts(judged: Predictions, names: tuple[str, ...]) -> Iterator[Drawing]:
    rng = np.random.default_rng(0)
    for column in range(min(judged.truth.shape[1], MOST_TARGETS)):
        name = names[column] if column < len(names) else f"target {column + 1}"
        suffix = f"-{column + 1}" if judged.truth.shape[1] > 1 else ""
        rows = np.arange(len(judged))
        if len(rows) > MOST_DOTS:
            rows = np.sort(rng.choice(rows, MOST_DOTS, replace=False))
        truth, said = judged.truth[rows, column], judged.scores[rows, column]
        table = DataFrame({"truth": truth, "predicted": said, "residual": truth - said})
        note = (
            f" {len(rows):,} of {len(judged):,} rows are drawn." if len(rows) < len(judged) else ""
        )
        yield _predicted(table, name, suffix, note)
        yield _residuals(table, name, suffix, note)


def _predicted(table: DataFrame, name: str, suffix: str, note: str) -> Drawing:
    figure, axes = blank(height=4.0)
    both = table[["truth", "predicted"]].to_numpy()
    ends = [np.nanmin(both), np.nanmax(both)]
    axes.plot(ends, ends, color=COLOURS["muted"], linewidth=0.8, linestyle=(0, (4, 3)))
    _dots(axes, table["truth"], table["predicted"])
    axes.set_xlabel(f"true {short(name, 30)}")
    axes.set_ylabel("predicted")
    caption = f"On the diagonal, prediction and truth agree.{note}"
    title = f"Predicted against true {short(name, 30)}"
    return Drawing(f"predicted{suffix}", "mistakes", title, caption, figure, table)


def _residuals(table: DataFrame, name: str, suffix: str, note: str) -> Drawing:
    figure, axes = blank(height=4.0)
    axes.axhline(0, color=COLOURS["muted"], linewidth=0.8, linestyle=(0, (4, 3)))
    _dots(axes, table["predicted"], table["residual"])
    axes.set_xlabel(f"predicted {short(name, 30)}")
    axes.set_ylabel("truth minus prediction")
    caption = f"Good residuals show no pattern: no bend, no funnel.{note}"
    return Drawing(f"residuals{suffix}", "mistakes", "Residuals", caption, figure, table)


def _dots(axes: Axes, x, y) -> None:
    many = len(x) > 400
    axes.scatter(
        x,
        y,
        s=9 if many else 16,
        color=COLOURS["blue"],
        alpha=0.4 if many else 0.6,
        linewidths=0,
        rasterized=many,
    )


def _unit(axes: Axes, x: str, y: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _count(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:.3g}"
