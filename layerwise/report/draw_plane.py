"""Figures for data with two features: the answer over the plane, and what each hidden layer sees.

Drawn from the arrays of plane.safetensors: the axes "x" and "y" (steps,), the data's "points"
(n, 2) and "rows" (n,), "grid_outputs" (steps, steps, outputs), and per hidden layer
"grid:NUMBER:NAME" (steps, steps, units) and "points:NUMBER:NAME" (n, units).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from pandas import DataFrame

from layerwise.report.figures import COLOURS, SERIES, WIDTH, Drawing, blank, short
from layerwise.report.record import Record

MOST_LAYERS = 4
MOST_UNITS = 12
MOST_POINTS = 600
GRID_LINES = 13  # of the plane that are followed into a layer
STRAIGHT = ("Linear", "BatchNorm1d", "LayerNorm")  # drawn after the activation that follows

Arrays = dict[str, np.ndarray]


def draw_plane(record: Record) -> Iterator[Drawing]:
    """The decision boundary (or the surface), then each hidden layer; nothing without a plane."""
    plane = record.plane
    if plane is None or "grid_outputs" not in plane:
        return
    points = _Points(record, plane)
    yield _answer(record, plane, points)
    sizes = {layer["name"]: layer["output_shape"] for layer in _layers(record)}
    for number, key in enumerate(hidden_layers(plane)[:MOST_LAYERS], start=1):
        name, _, kind = key.partition(":")[2].rpartition(".")
        units = int(np.prod(sizes.get(name) or [plane[f"grid:{key}"].shape[-1]]))
        counted = f"{units} {'unit' if units == 1 else 'units'}"
        title = f"Hidden layer {number}: {counted}, {kind}"
        yield _layer(plane, points, key, title, units)


def hidden_layers(plane: Arrays) -> list[str]:
    """Keys of the layers worth a picture, in order: after their activation where there is one."""
    keys = sorted(key.removeprefix("grid:") for key in plane if key.startswith("grid:"))
    kinds = [key.rsplit(".", 1)[-1].rsplit(":", 1)[-1] for key in keys]
    kept = []
    for place, key in enumerate(keys):
        following = kinds[place + 1] if place + 1 < len(kinds) else "Linear"
        activated = kinds[place] not in STRAIGHT and following in STRAIGHT
        linear = kinds[place] == following == "Linear"
        if activated or linear or (place + 1 == len(kinds)):
            kept.append(key)
    return kept


class _Points:
    """The data's points that are drawn: where they are, their colours, which are answered wrong."""

    def __init__(self, record: Record, plane: Arrays):
        self.places = plane["points"].astype(float)
        chosen = np.linspace(0, len(self.places) - 1, min(MOST_POINTS, len(self.places)))
        self.chosen = np.unique(chosen.astype(int))
        self.truth, self.wrong = self._judged(record, plane)

    def _judged(self, record: Record, plane: Arrays):
        """Code of the true class of each point, -1 where unknown; whether the answer is wrong."""
        unknown = np.full(len(self.places), -1)
        outputs = plane.get("points_outputs")
        if record.predictions is None or record.target.kind not in ("binary", "classes"):
            return unknown, unknown > 0
        table = record.predictions.drop_duplicates("row").set_index("row")["truth"]
        code = {name: number for number, name in enumerate(record.target.classes)}
        texts = table.reindex(plane["rows"].astype(int)).astype(str)
        truth = texts.map(lambda name: code.get(name, -1)).to_numpy(dtype=int)
        said = truth if outputs is None else answers(outputs)
        return truth, (truth >= 0) & (said != truth)

    def draw(self, axes: Axes, places: np.ndarray) -> None:
        """Dots in the colours of their classes; crosses where the answer is wrong."""
        size = float(np.clip(1500 / len(self.chosen), 12, 48))
        for code in np.unique(self.truth[self.chosen]):
            of_class = self.chosen[self.truth[self.chosen] == code]
            colour = COLOURS["slate" if code < 0 else SERIES[code % len(SERIES)]]
            for wrong, marker in ((False, "o"), (True, "X")):
                rows = of_class[self.wrong[of_class] == wrong]
                axes.scatter(
                    *places[rows].T, s=size * (2.4 if wrong else 1), marker=marker, color=colour,
                    edgecolors=COLOURS["ink"] if wrong else "none", linewidths=0.7,
                    alpha=1.0 if wrong else 0.85,
                )  # fmt: skip


def answers(outputs: np.ndarray) -> np.ndarray:
    """Code of the class that is answered; outputs (..., classes), or one per row: positive."""
    if outputs.shape[-1] == 1:
        return (outputs[..., 0] > (0.5 if outputs.min() >= 0 else 0.0)).astype(int)
    return outputs.argmax(axis=-1)


def _answer(record: Record, plane: Arrays, points: _Points) -> Drawing:
    outputs = plane["grid_outputs"]
    figure, axes = blank(height=4.3)
    if record.target.kind in ("binary", "classes"):
        _shade_classes(axes, plane, outputs)
        title = "Decision boundary"
        caption = "The colour is the network's answer, deeper where it is surer. "
        caption += _key(record)
    else:
        surface = axes.contourf(plane["x"], plane["y"], outputs[..., 0], 12, cmap="cividis")
        surface.set_alpha(0.75)
        figure.colorbar(surface, ax=axes, label="the network's answer", shrink=0.9)
        title, caption = "What it answers over the plane", "Dots are the data."
    points.draw(axes, points.places)
    _frame(axes, record, plane)
    return Drawing("plane", "plane", title, caption, figure, _numbers(plane, outputs, record))


def _shade_classes(axes: Axes, plane: Arrays, outputs: np.ndarray) -> None:
    said = answers(outputs)
    sure = outputs.max(axis=-1) if outputs.shape[-1] > 1 else np.full(said.shape, 0.8)
    floor = 1 / max(outputs.shape[-1], 2)
    sure = np.clip((sure - floor) / (1 - floor), 0, 1)
    colours = np.array([to_rgb(COLOURS[name]) for name in SERIES])
    picture = np.dstack([colours[said % len(SERIES)], 0.06 + 0.34 * sure])
    _picture(axes, plane, picture)
    for code in np.unique(said)[1:]:
        lead = (said == code).astype(float)
        if outputs.shape[-1] == 2:
            lead = outputs[..., 1] - outputs[..., 0] + 0.5
        axes.contour(plane["x"], plane["y"], lead, [0.5], colors=[COLOURS["ink"]], linewidths=1.0)


def _layers(record: Record) -> list[dict]:
    return (record.plan.get("network") or {}).get("layers") or []


def _layer(plane: Arrays, points: _Points, key: str, title: str, total: int) -> Drawing:
    grid, seen = plane[f"grid:{key}"], plane[f"points:{key}"]
    units = min(MOST_UNITS, grid.shape[-1])
    rows = 1 if units <= 2 else 2 if units <= 6 else 3
    columns = -(-units // rows)
    figure = Figure(figsize=(2 * WIDTH, 3.9), layout="constrained")
    halves: Any = figure.subfigures(1, 2, width_ratios=(1, 1.25))
    left, right = halves
    how = _space(left.subplots(), grid, seen, points)
    for unit, axes in enumerate(np.ravel(right.subplots(rows, columns))):
        axes.set_axis_off()
        if unit < units:
            _unit(axes, plane, grid[..., unit], unit + 1)
    caption = (
        f"Left: the data as this layer passes them on, with a square grid of the plane bent along"
        f"{how}. Right: where each unit is active (blue) or negative (orange); the line is zero."
    )
    if total > units:
        caption += f" The first {units} of its units."
    name = f"layer-{key.split(':')[0]}"
    return Drawing(name, "plane", title, caption, figure, _numbers(plane, grid), wide=True)


def _space(axes: Axes, grid: np.ndarray, seen: np.ndarray, points: _Points) -> str:
    """Draw the points and the bent grid in the layer's space; says how the space is shown."""
    flat = grid.reshape(-1, grid.shape[-1])
    if grid.shape[-1] == 1:
        bent, places, how = _with_zeros(flat), _with_zeros(seen), ""
    elif grid.shape[-1] == 2:
        bent, places, how = flat, seen, ""
    else:
        centre = seen.mean(axis=0)
        _, _, directions = np.linalg.svd(seen - centre, full_matrices=False)
        directions = np.vstack([directions, np.zeros((2, seen.shape[1]))])[:2]
        bent, places = (flat - centre) @ directions.T, (seen - centre) @ directions.T
        how = ", seen along their two widest directions"
    lines = bent.reshape(*grid.shape[:2], 2)
    every = np.linspace(0, len(lines) - 1, GRID_LINES).astype(int)
    for line in (*lines[every], *lines[:, every].swapaxes(0, 1)):
        axes.plot(*line.T, color=COLOURS["slate"], alpha=0.35, linewidth=0.6)
    points.draw(axes, places)
    for place, extent in enumerate((axes.set_xlim, axes.set_ylim)):
        low, high = places[:, place].min(), places[:, place].max()
        beyond = 0.15 * (high - low) or 1.0
        extent(low - beyond, high + beyond)
    axes.set_xlabel("unit 1" if not how else "widest direction")
    axes.set_ylabel("unit 2" if not how else "second widest")
    axes.grid(visible=False)
    return how


def _with_zeros(values: np.ndarray) -> np.ndarray:
    return np.column_stack([values[:, 0], np.zeros(len(values))])


def _unit(axes: Axes, plane: Arrays, values: np.ndarray, number: int) -> None:
    blue, orange = (np.array(to_rgb(COLOURS[name])) for name in ("blue", "orange"))
    scale = np.abs(values).max() or 1.0
    colours = np.where((values >= 0)[..., None], blue, orange)
    _picture(axes, plane, np.dstack([colours, 0.04 + 0.75 * np.abs(values) / scale]))
    middle = 0.0 if values.min() < 0 else 0.01 * scale  # a smooth line along a ReLU's corner
    if values.min() <= middle < values.max():
        axes.contour(
            plane["x"], plane["y"], values, [middle], colors=[COLOURS["ink"]], linewidths=0.8
        )
    never = " (never active)" if not values.any() else ""
    axes.set_title(f"unit {number}{never}", fontsize=8, pad=2)


def _picture(axes: Axes, plane: Arrays, colours: np.ndarray) -> None:
    x, y = plane["x"], plane["y"]
    axes.imshow(
        colours, extent=(x[0], x[-1], y[0], y[-1]), origin="lower", aspect="auto",
        interpolation="none",
    )  # fmt: skip


def _frame(axes: Axes, record: Record, plane: Arrays) -> None:
    axes.set_xlim(plane["x"][0], plane["x"][-1])
    axes.set_ylim(plane["y"][0], plane["y"][-1])
    names = _features(record)
    axes.set_xlabel(short(names[0], 30))
    axes.set_ylabel(short(names[1], 30))
    axes.grid(visible=False)


def _features(record: Record) -> list[str]:
    names = (record.results.get("plane") or {}).get("columns") or []
    return names if len(names) == 2 else ["first feature", "second feature"]


def _key(record: Record) -> str:
    classes = record.target.classes
    if len(classes) > len(SERIES):
        return "Dots are the data, crosses are wrong."
    named = ", ".join(f"{colour}: {name}" for colour, name in zip(SERIES, classes, strict=False))
    return f"Dots are the data ({named}); crosses are answered wrong."


def _numbers(plane: Arrays, values: np.ndarray, record: Record | None = None) -> DataFrame:
    """Every second point of the grid with what is drawn there."""
    across, up = np.meshgrid(plane["x"][::2], plane["y"][::2])
    table = DataFrame({"x": across.ravel(), "y": up.ravel()})
    classes = record.target.classes if record is not None else ()
    for place in range(min(values.shape[-1], MOST_UNITS)):
        named = len(classes) == values.shape[-1]
        name = f"score:{classes[place]}" if named else f"output {place + 1}"
        table[name] = values[::2, ::2, place].ravel()
    return table.round(6)
