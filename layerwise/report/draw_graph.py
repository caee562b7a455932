"""Figures of graphs: nodes by what is said of them, pairs that were judged, a map of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from pandas import DataFrame

from layerwise.report.figures import COLOURS, SERIES, Drawing, blank, short
from layerwise.report.record import Record

Arrays = dict[str, np.ndarray]
PAIRS = (("found edge", 1, 1, "green", "-"), ("missed edge", 1, 0, "red", "--"),
         ("false edge", 0, 1, "orange", ":"))  # fmt: skip
MOST_NAMED = 10  # classes in a legend


def draw_graph(record: Record) -> Iterator[Drawing]:
    """The graph where it is small, and a map of what the network knows; nothing without arrays."""
    made = record.specimens or {}
    if "graph_said" in made:
        yield _nodes(record, made)
    if "graph_pairs" in made:
        yield _pairs(made)
    if "map_places" in made:
        yield _map(record, made)


def _nodes(record: Record, made: Arrays) -> Drawing:
    figure, axes = _background(made)
    said, wrong = made["graph_said"].astype(int), made["graph_wrong"] > 0
    judged = made["graph_judged"] > 0
    for code in np.unique(said):
        chosen = said == code
        _dots(
            axes, made["graph_places"][chosen], _name(record, code), _colour(code), judged[chosen]
        )
    if wrong.any():
        x, y = made["graph_places"][wrong].T
        axes.scatter(
            x, y, s=130, facecolors="none", edgecolors=COLOURS["red"], linewidths=1.6, label="wrong"
        )
    axes.legend(loc="best")
    numbers = DataFrame(
        {"x": made["graph_places"][:, 0], "y": made["graph_places"][:, 1], "said": said,
         "judged": judged, "wrong": wrong}
    )  # fmt: skip
    caption = (
        "Nodes by the predicted class; large ones were judged, red rings are wrong. Linked nodes "
        "are drawn near each other."
    )
    return Drawing("graph", "made", "The graph", caption, figure, numbers, wide=True)


def _pairs(made: Arrays) -> Drawing:
    figure, axes = _background(made)
    x, y = made["graph_places"].T
    axes.scatter(x, y, s=22, color=COLOURS["slate"], zorder=3)
    ends, truth = made["graph_pairs"][:, :2].astype(int), made["graph_pairs"][:, 2]
    said = made["graph_pairs"][:, 3] > 0.5
    for name, true, positive, colour, line in PAIRS:
        chosen = (truth == true) & (said == positive)
        segments = [made["graph_places"][pair] for pair in ends[chosen]]
        label = f"{name} ({len(segments)})"
        axes.add_collection(
            LineCollection(
                segments, colors=COLOURS[colour], linestyles=line, linewidths=1.1, label=label
            )
        )
    axes.legend(loc="best")
    numbers = DataFrame(made["graph_pairs"], columns=["one", "other", "truth", "chance"])
    caption = (
        "Grey: edges of the training rows, along which messages passed. Coloured: judged pairs "
        "with an edge, or taken for one."
    )
    return Drawing("graph", "made", "Judged pairs", caption, figure, numbers, wide=True)


def _map(record: Record, made: Arrays) -> Drawing:
    figure, axes = blank(width=7, height=5)
    codes = made["map_classes"].astype(int)
    for code in np.unique(codes):
        x, y = made["map_places"][codes == code].T
        label = _name(record, code) if code < MOST_NAMED else None
        axes.scatter(x, y, s=9, alpha=0.7, color=COLOURS[_colour(code)], label=label)
    axes.legend(loc="best", markerscale=2)
    axes.set_xlabel("first component")
    axes.set_ylabel("second component")
    numbers = DataFrame(
        {"x": made["map_places"][:, 0], "y": made["map_places"][:, 1], "class": codes}
    )
    caption = (
        "What the network's last hidden layer knows of judged rows, in the two directions in which "
        "it differs most; colours are the true classes."
    )
    return Drawing("graph_map", "made", "Map of the judged rows", caption, figure, numbers)


def _background(made: Arrays) -> tuple[Any, Any]:
    figure, axes = blank(width=8, height=6)
    segments = [made["graph_places"][pair] for pair in made["graph_edges"].astype(int)]
    axes.add_collection(LineCollection(segments, colors=COLOURS["line"], linewidths=0.8))
    axes.set_axis_off()
    return figure, axes


def _dots(axes: Any, points: np.ndarray, name: str, colour: str, judged: np.ndarray) -> None:
    x, y = points.T
    axes.scatter(
        x, y, s=np.where(judged, 60, 22), color=COLOURS[colour], label=name, zorder=3,
        edgecolors="white", linewidths=0.6,
    )  # fmt: skip


def _name(record: Record, code: int) -> str:
    classes = record.target.classes
    return "no row" if code < 0 else short(classes[code]) if code < len(classes) else str(code)


def _colour(code: int) -> str:
    return "muted" if code < 0 else SERIES[code % len(SERIES)]
