"""What a report shows of masks: the worst and the best images, every class, and their drawing."""

import numpy as np
import pytest
import torch
from mask_cases import picture
from pandas import DataFrame
from torch import nn

from layerwise.contracts import Target
from layerwise.data.forms import fit_preparation
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.evaluation.masks_specimens import show
from layerwise.report.draw_masks import draw_masks
from layerwise.report.figures import style
from layerwise.report.record import Record
from layerwise.tasks.segment import Segment

TARGET = Target("mask", ("mask",), ("ground", "square"))


class AboveMean(nn.Module):
    """Says the second class where the standardized image is bright."""

    def forward(self, images):
        grey = images.mean(dim=1)
        return torch.stack([-grey, grey], dim=1)


@pytest.fixture(scope="module")
def shown():
    pixels = []
    for number in range(9):
        image, mask = picture(number)
        image[:number] = 0  # more and more of it is dark, and then missed
        pixels.append(np.concatenate([image.transpose(2, 0, 1), mask[None]]))
    pixels = np.stack(pixels)
    pixels[4, 3] = 255  # no mask
    frame = DataFrame({"file": [f"{row}.png" for row in range(9)]})
    source = Source("squares", frame, pixels, form="masks", options={"classes": TARGET.classes})
    preparation = fit_preparation(source, Roles(), (), TARGET, np.array([0, 1, 2]))
    network, task = AboveMean(), Segment(TARGET)
    return show(network, task, preparation, source, np.arange(9), seed=0)


def test_the_worst_come_first_and_images_without_a_mask_are_not_drawn(shown):
    listed = next(one for one in shown["tables"] if "drawn" in one["title"])["rows"]
    dice = [float(line[2]) for line in listed]
    assert dice == sorted(dice)
    assert len(listed) == 6
    assert "4" not in [line[0] for line in listed]
    assert "Of 8 judged images" in shown["sentences"][0]


def test_every_class_has_a_line_with_intervals(shown):
    table = next(one for one in shown["tables"] if one["title"] == "Every class")
    assert [line[0] for line in table["rows"]] == ["ground", "square"]
    share, dice, iou = table["rows"][1][1:]
    assert float(share.rstrip("%")) == pytest.approx(25, abs=0.1)
    value = float(dice.split()[0])
    assert float(iou.split()[0]) == pytest.approx(value / (2 - value), abs=0.002)
    low, high = (float(end) for end in dice.split("(")[1].rstrip(")").split(" to "))
    assert low < value < high


def drawn(arrays, results=None, classes=TARGET.classes):
    plan = {"target": {"kind": "mask", "names": ["mask"], "classes": list(classes)}}
    with style():
        record = Record("run", {}, plan=plan, specimens=arrays, results=results or {})
        return list(draw_masks(record))


def test_images_truth_network_and_mistakes_are_drawn(shown):
    found = drawn(shown["arrays"], {"made": {"tables": shown["tables"]}})
    assert [one.name for one in found] == ["masks"]
    axes = found[0].figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()][-1] == "mistakes"
    assert len(axes.get_xticklabels()) == 6
    assert "'square' that was missed" in found[0].caption
    numbers = found[0].numbers
    assert numbers.shape == (12, 5)
    assert (numbers["both"] <= numbers[["true", "said"]].min(axis=1)).all()


def test_mistakes_are_painted_where_they_are(shown):
    truth, said = np.zeros((1, 8, 8)), np.zeros((1, 8, 8))
    truth[0, 0], said[0, 1], truth[0, 2] = 1, 1, 255
    arrays = {"pictures": np.zeros((1, 3, 8, 8)), "truth": truth, "said": said}
    canvas = drawn(arrays)[0].figure.axes[0].images[0].get_array()
    mistakes = canvas[-8:, :, :3]
    assert mistakes[0].max() > 0.3
    assert mistakes[1].max() > 0.3
    assert not np.allclose(mistakes[0, 0], mistakes[1, 0])
    assert not mistakes[2:].any()


def test_three_classes_are_drawn_and_nothing_makes_no_figure(shown):
    arrays = dict(shown["arrays"])
    arrays["said"] = arrays["said"] * 2
    assert "Red: pixels with another class" in drawn(arrays, classes=("a", "b", "c"))[0].caption
    assert drawn({}) == []
