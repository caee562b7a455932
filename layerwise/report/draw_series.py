"""Figures of forecasts: beside the truth with their interval, and the error by time ahead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure
from pandas import DataFrame

from layerwise.report.figures import COLOURS, Drawing, blank, short
from layerwise.report.record import Record

METHODS = ("network", "last value", "a season ago")  # the order of the array "error"
WIDTH, HEIGHT = 10.0, 2.2  # inches, of a row of panels


def draw_series(record: Record) -> Iterator[Drawing]:
    """Forecasts from three origins, and the error by time ahead; nothing where there are none."""
    made = record.specimens or {}
    if "forecast" in made and "history" in made:
        yield Drawing(
            "forecasts",
            "made",
            "Forecasts and what came",
            "Grey: the past that was seen (its last part). Black: what came. Blue: the forecast"
            + (", with the band between its outer quantiles." if "low" in made else ".")
            + " From left to right the first, the middle and the last judged row.",
            _panels(made, _targets(record)),
            _numbers(made, _targets(record)),
            wide=True,
        )
    if "error" in made and made["error"].shape[1] > 1:
        yield _errors(made["error"])


def _targets(record: Record) -> list[str]:
    """Names of the targets, in the order of the outputs."""
    return list(dict.fromkeys(name.rpartition("+")[0] for name in record.target.names))


def _panels(made: dict[str, np.ndarray], names: list[str]) -> Figure:
    """One row of panels per target, one column per origin."""
    origins, targets, horizon = made["forecast"].shape
    figure, _ = blank(WIDTH, HEIGHT * targets)
    figure.clear()
    axes = figure.subplots(targets, origins, squeeze=False, sharey="row", sharex=True)
    past = made["history"].shape[2]
    before, after = np.arange(1 - past, 1), np.arange(1, horizon + 1)
    for target in range(targets):
        for origin in range(origins):
            panel, at = axes[target, origin], (origin, target)
            panel.plot(before, made["history"][at], color=COLOURS["muted"], linewidth=1)
            if "low" in made:
                panel.fill_between(
                    after, made["low"][at], made["high"][at],
                    color=COLOURS["blue"], alpha=0.2, linewidth=0,
                )  # fmt: skip
            panel.plot(after, made["truth"][at], color=COLOURS["ink"], linewidth=1.2)
            panel.plot(after, made["forecast"][at], color=COLOURS["blue"], linewidth=1.4)
        axes[target, 0].set_ylabel(short(names[target]) if target < len(names) else "")
    for panel in axes[-1]:
        panel.set_xlabel("times ahead")
    return figure


def _numbers(made: dict[str, np.ndarray], names: list[str]) -> DataFrame:
    """What the panels show, one row per origin, target and time ahead."""
    origins, targets, horizon = made["forecast"].shape
    index = np.indices((origins, targets, horizon)).reshape(3, -1)
    columns = {
        "origin": index[0] + 1,
        "target": np.array([*names, *[""] * targets], dtype=object)[index[1]],
        "times ahead": index[2] + 1,
    }
    there = [name for name in ("truth", "forecast", "low", "high") if name in made]
    return DataFrame(columns | {name: made[name].reshape(-1) for name in there})


def _errors(error: np.ndarray) -> Drawing:
    ahead, names = np.arange(1, error.shape[1] + 1), METHODS[: len(error)]
    figure, axes = blank(height=3.0)
    for name, values, colour in zip(names, error, ("blue", "orange", "green"), strict=False):
        axes.plot(ahead, values, color=COLOURS[colour], label=name)
    axes.set_xlabel("times ahead")
    axes.set_ylabel("mean absolute error, naive errors")
    axes.set_ylim(bottom=0)
    axes.legend()
    return Drawing(
        "error_by_time_ahead",
        "made",
        "Error by time ahead",
        "Mean absolute error of the judged rows at each time ahead, in units of the mean step from "
        "one time to the next in training.",
        figure,
        DataFrame({"times ahead": ahead, **dict(zip(names, error, strict=False))}),
    )
