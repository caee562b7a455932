"""Figures of an attack: accuracy against its strength, and the pictures that fooled the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from pandas import DataFrame

from layerwise.report.boards import board, in_colour
from layerwise.report.figures import COLOURS, Drawing, blank, short
from layerwise.report.record import Record

STYLES = {"fgsm": ("blue", "o"), "pgd": ("orange", "s")}
LEAST_SIDE = 4  # pixels, below which there is nothing to see


def draw_attack(record: Record) -> Iterator[Drawing]:
    """The curve of each attack and its pictures; nothing where the run was not attacked."""
    if not record.attack:
        return
    yield _curves(record)
    for method, found in record.attack.items():
        clean = record.attacked.get(f"{method}.clean")
        if clean is not None and min(clean.shape[2:]) >= LEAST_SIDE:
            yield _pictures(method, found, clean, record.attacked[f"{method}.attacked"], record)


def _curves(record: Record) -> Drawing:
    figure, axes = blank(height=3.2)
    for method, found in record.attack.items():
        colour, marker = STYLES[method]
        scores = found["scores"]
        places, values = [[one[key] for one in scores] for key in ("strength", "value")]
        away = [
            [abs(one["value"] - (one["value"] if one[end] is None else one[end])) for one in scores]
            for end in ("low", "high")
        ]
        axes.errorbar(
            places, values, away, color=COLOURS[colour], marker=marker, markersize=4.5,
            elinewidth=1.2, label=_named(found),
        )  # fmt: skip
    axes.set_xlabel("strength: share of its range by which each pixel may move")
    axes.set_ylabel("accuracy")
    axes.set_ylim(-0.02, 1.02)
    axes.legend()
    numbers = DataFrame(
        [
            {"method": method, **{key: one[key] for key in ("strength", "value", "low", "high")}}
            for method, found in record.attack.items()
            for one in found["scores"]
        ]
    )
    judged = "; ".join(
        f"{method.upper()} on {one['rows']}" for method, one in record.attack.items()
    )
    caption = (
        f"Lines: 95 % intervals. {judged}. The true class is known to the adversary, and pixels "
        "stay within the range that they can have."
    )
    title = "Accuracy against the strength of the attack"
    return Drawing("attack", "attack", title, caption, figure, numbers)


def _named(found: dict[str, Any]) -> str:
    name = found["method"].upper()
    return f"{name}, {found['steps']} steps" if found["steps"] > 1 else f"{name}, one step"


def _pictures(
    method: str, found: dict[str, Any], clean: np.ndarray, attacked: np.ndarray, record: Record
) -> Drawing:
    """Three rows: the picture, what was added, and the picture that is taken for another class."""
    added = attacked - clean
    noise = 0.5 + added / (2 * (float(np.abs(added).max()) or 1.0))
    pictures = [[in_colour(image) for image in row] for row in (clean, noise, attacked)]
    named = [
        [f"{short(record.target.classes[codes[time]])} ({100 * sure[time]:.0f} %)"
         for codes, sure in zip(found["said"], found["chance"], strict=True)]
        for time in (0, 1)
    ]  # fmt: skip
    figure = board(pictures, [named[0], ["added"] * len(clean), named[1]])
    strength = found["scores"][-1]["strength"]
    caption = (
        f"Above: rows that were right, with the chance that the network gave. Middle: what "
        f"{method.upper()} of strength {strength:g} added, grey being nothing. Below: the sum, and "
        "the wrong class that it is taken for now. Those that the network is surest of."
    )
    numbers = DataFrame(
        [
            {"said": before, "chance": sure, "said_attacked": after, "chance_attacked": then}
            for (before, after), (sure, then) in zip(
                [[record.target.classes[code] for code in pair] for pair in found["said"]],
                found["chance"],
                strict=True,
            )
        ]
    )
    title = f"What {method.upper()} adds, and what comes of it"
    return Drawing(f"attack_{method}", "attack", title, caption, figure, numbers, wide=True)
