"""What an associative memory makes of corrupted patterns: a picture of each step and its energy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from layerwise.errors import SettingsError
from layerwise.run import write_whole

STEPS = 8  # states that are shown of each recall

SUFFIXES = (".png", ".svg", ".pdf")


def check_picture(file: str) -> None:
    """Raise SettingsError where no picture can be written into a file of this suffix."""
    if Path(file).suffix.lower() not in SUFFIXES:
        raise SettingsError(f"--out must end in {', '.join(SUFFIXES)}; got '{file}'.")


def draw_recalls(file: str, recalls: Sequence[Any]) -> None:
    """Draw, row by row: pattern, corrupted, states on the way, recalled, and the energy.

    recalls : of ``Learner.recall``: ``pattern``, ``states`` (steps, ...), ``energies`` (steps,)
    """
    figure = Figure(figsize=(1.1 * (STEPS + 4), 1.25 * len(recalls)), layout="constrained")
    axes = figure.subplots(
        len(recalls), STEPS + 2, squeeze=False,
        gridspec_kw={"width_ratios": [1] * (STEPS + 1) + [2]},
    )  # fmt: skip
    for row, recall in zip(axes, recalls, strict=True):
        places = np.linspace(0, len(recall.states) - 1, STEPS).round().astype(int)
        _show(row[0], recall.pattern, "pattern")
        for at, place in zip(row[1:], places, strict=False):
            _show(at, recall.states[place], f"step {place}")
        row[-1].plot(recall.energies)
        row[-1].set_title("energy", fontsize=7)
        row[-1].tick_params(labelsize=6)
    suffix = Path(file).suffix[1:].lower()
    write_whole(Path(file), lambda beside: figure.savefig(beside, format=suffix, dpi=130))


def _show(axes: Any, state: np.ndarray, title: str) -> None:
    """One state as a picture: its own shape, or a row of units folded to a rectangle."""
    picture = state[0] if state.ndim == 3 else state.reshape(1, -1)
    if picture.shape[0] == 1:
        side = int(np.ceil(np.sqrt(picture.size)))
        folded = np.full(side * side, np.nan)
        folded[: picture.size] = picture.ravel()
        picture = folded.reshape(side, side)
    axes.imshow(picture, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=7)
    axes.set_axis_off()
