"""Figure of vectors of words: the frequent ones in the plane where they differ most."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure
from pandas import DataFrame

from layerwise.evaluation.word_maps import TABLE
from layerwise.report.figures import COLOURS, Drawing, blank, short
from layerwise.report.record import Record


def draw_words(record: Record) -> Iterator[Drawing]:
    """The map of words; nothing where the run has none.

    Names of the points are the first column of the table ``TABLE`` among what was made.
    """
    places = (record.specimens or {}).get("word_map")
    tables = (record.results.get("made") or {}).get("tables") or []
    words = next(([row[0] for row in one["rows"]] for one in tables if one["title"] == TABLE), [])
    if places is None or len(words) != len(places):
        return
    caption = (
        f"The {len(words)} words that occur most, in the plane of the two directions in which "
        "their vectors differ most (principal components): words in like company stand together."
    )
    numbers = DataFrame({"word": words, "first": places[:, 0], "second": places[:, 1]})
    figure = _map(places, words)
    yield Drawing("words", "made", "Map of words", caption, figure, numbers, wide=True)


def _map(places: np.ndarray, words: list[str]) -> Figure:
    figure, axes = blank(width=10, height=6)
    axes.scatter(*places.T, s=6, color=COLOURS["blue"], alpha=0.5)
    for place, word in zip(places, words, strict=True):
        axes.annotate(
            short(word), place, xytext=(2, 2), textcoords="offset points", fontsize=7,
            color=COLOURS["ink"],
        )  # fmt: skip
    axes.set_xlabel("first principal component")
    axes.set_ylabel("second")
    return figure
