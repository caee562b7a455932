"""Figures of fields: maps beside the truth, where they are wrong, and their power spectra."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator
from pandas import DataFrame

from layerwise.evaluation.grid_specimens import METHODS
from layerwise.report.figures import COLOURS, Drawing, blank
from layerwise.report.record import Record

WIDTH = 10.0  # inches
TALLEST, FLATTEST = 1.6, 0.35  # height of a panel over its width
OUTLIERS = 1.0  # percent of cells at either end that may leave the colour scale
MOST_LISTED = 20_000  # numbers of a map that are written beside it


def draw_grid(record: Record) -> Iterator[Drawing]:
    """Maps of a few rows, of bias and correlation, and spectra; nothing where there are none."""
    made = record.specimens or {}
    if "truth" not in made or "interpolation" not in made:
        return
    best = METHODS[int(made["best"][0])]
    yield _fields(made, best)
    for name, title, words in (
        ("bias", "Mean error by cell", "said minus true, in the mean of the judged rows"),
        ("correlation", "Correlation over times by cell", "of what was said with the truth"),
    ):
        if name in made:
            yield _pair(made, name, title, words, best)
    yield _spectrum(made)


def _fields(made: dict[str, np.ndarray], best: str) -> Drawing:
    """A row of panels per time: input, truth, network, interpolation, and their errors."""
    times = len(made["truth"])
    figure = _canvas(made, times, 6)
    axes = figure.subplots(times, 6, squeeze=False)
    errors = {name: made[name] - made["truth"] for name in ("network", "interpolation")}
    largest = max(float(np.nanpercentile(np.abs(one), 100 - OUTLIERS)) for one in errors.values())
    shades = None
    for time in range(times):
        low, high = np.nanpercentile(made["truth"][time], [OUTLIERS, 100 - OUTLIERS])
        for place, name in enumerate(("input", "truth", "network", "interpolation")):
            _map(axes[time, place], made[name][time], made, "viridis", low, high)
        for place, name in enumerate(errors):
            shades = _map(axes[time, 4 + place], errors[name][time], made, _signs(),
                          -largest, largest)  # fmt: skip
    titles = ("coarse input", "truth", "network", best, "network - truth", f"{best} - truth")
    for panel, title in zip(axes[0], titles, strict=True):
        panel.set_title(title, fontsize=8.5)
    if shades is not None:
        figure.colorbar(shades, ax=axes[:, 4:].ravel().tolist(), shrink=0.8, pad=0.02)
    caption = (
        "From top to bottom the first, the middle and the last judged row. Each row of fields has "
        "one colour scale; the errors at the right share theirs: red is too high, blue too low."
    )
    return Drawing("fields", "made", "Fields beside the truth", caption, figure,
                   _listed(made, ("truth", "network", "interpolation")), wide=True)  # fmt: skip


def _pair(made: dict[str, np.ndarray], name: str, title: str, words: str, best: str) -> Drawing:
    """Two maps with one scale: of the network, and of the best interpolation."""
    figure = _canvas(made, 1, 3)
    axes = figure.subplots(1, 2, squeeze=False)[0]
    values = made[name]
    if name == "bias":
        largest = float(np.nanpercentile(np.abs(values), 100 - OUTLIERS)) or 1.0
        low, high, colours = -largest, largest, _signs()
    else:
        low, high, colours = float(np.nanpercentile(values, OUTLIERS)), 1.0, "viridis"
    shades = None
    for panel, one, who in zip(axes, values, ("network", best), strict=True):
        shades = _map(panel, one, made, colours, low, high)
        panel.set_title(who, fontsize=8.5)
    assert shades is not None
    figure.colorbar(shades, ax=list(axes), shrink=0.9, pad=0.02)
    numbers = DataFrame({
        "y": np.repeat(made["y"], len(made["x"])), "x": np.tile(made["x"], len(made["y"])),
        "network": values[0].ravel(), "interpolation": values[1].ravel(),
    })  # fmt: skip
    caption = f"{title}: {words}. Left the network, right {best} interpolation."
    return Drawing(f"field_{name}", "made", title, caption, figure, numbers, wide=True)


def _spectrum(made: dict[str, np.ndarray]) -> Drawing:
    figure, axes = blank(height=3.2)
    length = 1 / made["frequency"]
    names = ("truth", "network", "bicubic")
    for name, power, colour in zip(names, made["power"], ("ink", "blue", "orange"), strict=True):
        axes.loglog(length, power, color=COLOURS[colour], label=name)
    axes.invert_xaxis()
    ticks = [2**power for power in range(1, 12) if length.min() <= 2**power <= length.max()]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("wavelength, cells of the fine grid")
    axes.set_ylabel("power")
    axes.legend()
    caption = (
        "Power of the judged fields by wavelength, averaged over directions and rows (edges faded "
        "by a Hann window). Detail is at the right: an interpolation has little of it, and a "
        "network that is unsure smooths it away too."
    )
    numbers = DataFrame({"wavelength": length, **dict(zip(names, made["power"], strict=True))})
    return Drawing("power_spectrum", "made", "Power spectrum", caption, figure, numbers)


def _canvas(made: dict[str, np.ndarray], rows: int, columns: int) -> Figure:
    height, width = made["truth"].shape[1:]
    shape = min(TALLEST, max(FLATTEST, height / width))
    figure, _ = blank(WIDTH if columns > 3 else WIDTH * 0.75, 0.4 + rows * shape * WIDTH / columns)
    figure.clear()
    return figure


def _map(
    panel: Any, values: np.ndarray, made: dict[str, np.ndarray], colours: Any, low: float,
    high: float,
) -> Any:  # fmt: skip
    """One field, north up where rows rise to the north, without ticks."""
    rises = bool(made["rises"][0])
    panel.grid(False)
    panel.set_xticks([])
    panel.set_yticks([])
    return panel.imshow(
        values, cmap=colours, vmin=low, vmax=high, aspect="auto", interpolation="nearest",
        origin="lower" if rises else "upper",
    )  # fmt: skip


def _signs() -> LinearSegmentedColormap:
    """Blue for too low, white for right, red for too high."""
    return LinearSegmentedColormap.from_list("signs", [COLOURS["blue"], "#ffffff", COLOURS["red"]])


def _listed(made: dict[str, np.ndarray], names: tuple[str, ...]) -> DataFrame:
    """What the maps show, one line per row and cell, as far as they are few enough."""
    times, height, width = made["truth"].shape
    kept = max(1, min(times, MOST_LISTED // (height * width)))
    index = np.indices((kept, height, width)).reshape(3, -1)
    columns = {"row": index[0] + 1, "y": made["y"][index[1]], "x": made["x"][index[2]]}
    return DataFrame(columns | {name: made[name][:kept].ravel() for name in names})
