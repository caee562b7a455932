"""The figure of words."""

import numpy as np

from layerwise.evaluation.word_maps import TABLE
from layerwise.report.draw_words import draw_words
from layerwise.report.record import Record


def record(words, places):
    tables = [{"title": TABLE, "columns": ["word", "near"], "rows": [[w, ""] for w in words]}]
    specimens = None if places is None else {"word_map": places}
    return Record("run", {}, results={"made": {"tables": tables}}, specimens=specimens)


def test_every_word_stands_at_its_place():
    places = np.array([[0.0, 1], [2, 3]], dtype=np.float32)
    (drawing,) = draw_words(record(["king", "queen"], places))
    texts = [one.get_text() for one in drawing.figure.axes[0].texts]
    assert texts == drawing.numbers["word"].tolist() == ["king", "queen"]
    assert drawing.numbers["second"].tolist() == [1, 3]


def test_nothing_is_drawn_without_a_map():
    assert not list(draw_words(record(["king"], None)))
    assert not list(draw_words(record([], np.zeros((2, 2)))))
    assert not list(draw_words(Record("run", {})))
