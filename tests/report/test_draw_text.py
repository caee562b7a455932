"""The figure of a language model shows its numbers, or is not there."""

import numpy as np

from layerwise.evaluation.text_specimens import LOOKED
from layerwise.report.draw_text import draw_text


class Kept:
    def __init__(self, specimens, sentences=()):
        self.specimens, self.results = specimens, {"made": {"sentences": list(sentences)}}


def test_the_loss_at_each_place_is_drawn():
    course = np.array([2.0, 1.5, np.nan], np.float32)
    (drawing,) = draw_text(Kept({"loss_by_position": course}))
    assert drawing.section == "made"
    assert drawing.numbers["place"].tolist() == [1, 2, 3]
    assert drawing.numbers["nats per token"].tolist()[:2] == [2.0, 1.5]


def test_the_attention_of_each_head_is_drawn():
    maps = np.full((2, 3, 3), 1 / 3, np.float32)
    (drawing,) = draw_text(Kept({"attention": maps}, [f"{LOOKED}a b c"]))
    assert len(drawing.figure.axes) == 2
    assert [one.get_text() for one in drawing.figure.axes[0].get_yticklabels()] == ["a", "b", "c"]
    assert len(drawing.numbers) == 18


def test_nothing_measured_nothing_drawn():
    assert list(draw_text(Kept(None))) == []
    assert list(draw_text(Kept({}))) == []
    assert list(draw_text(Kept({"loss_by_position": np.array([1.0])}))) == []
