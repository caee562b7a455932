"""Figures of translations: where the network looked for each word that it said."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from pandas import DataFrame

from layerwise.evaluation.pairs_specimens import TABLE
from layerwise.report.figures import COLOURS, Drawing, blank, short
from layerwise.report.record import Record

WIDEST = 10.0  # inches
EACH = 0.28  # inches for a token
LONGEST = 14  # letters of a token beside an axis


def draw_pairs(record: Record) -> Iterator[Drawing]:
    """A map of attention for each translation that has one; nothing where there is none."""
    made = record.specimens or {}
    tables = (record.results.get("made") or {}).get("tables") or []
    lines = next((one["rows"] for one in tables if one["title"] == TABLE), [])
    tokens = {(number, side): words.split(" ") for number, side, words in lines}
    for name in sorted(name for name in made if name.startswith("attention_")):
        number = name.removeprefix("attention_")
        source, said = (_named(tokens.get((number, side)), size) for side, size in zip(
            ("source", "said"), made[name].shape[::-1], strict=True))  # fmt: skip
        yield _map(name, number, made[name], source, said)


def _named(words: list[str] | None, size: int) -> list[str]:
    """Tokens for the axis; their places where the words are not as many."""
    if words is None or len(words) != size:
        return [str(place + 1) for place in range(size)]
    return words


def _map(
    name: str, number: str, weights: np.ndarray, source: list[str], said: list[str]
) -> Drawing:
    width = min(WIDEST, 1.8 + EACH * len(source))
    figure, axes = blank(width=width, height=min(WIDEST, 1.4 + EACH * len(said)))
    colours = LinearSegmentedColormap.from_list("attention", ["#ffffff", COLOURS["blue"]])
    axes.imshow(weights, cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(source)), [short(word, LONGEST) for word in source], rotation=60,
                    ha="left", rotation_mode="anchor")  # fmt: skip
    axes.set_yticks(range(len(said)), [short(word, LONGEST) for word in said])
    axes.xaxis.tick_top()
    axes.grid(False)
    numbers = DataFrame(
        {
            "said": np.repeat(said, len(source)),
            "source": np.tile(source, len(said)),
            "attention": weights.ravel(),
        }
    )
    caption = (
        "Each line is a token that was said, from top to bottom; dark squares are the tokens of "
        "the source that it took most from. Every line sums to 1."
    )
    return Drawing(name, "made", f"Attention of translation {number}", caption, figure, numbers)
