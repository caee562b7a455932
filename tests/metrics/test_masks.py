"""Overlaps of masks, by hand."""

import numpy as np
import pytest

from layerwise.contracts import Target
from layerwise.evaluation.evaluate import predictions_table
from layerwise.metrics import METRICS, Predictions, column_names, find_metric
from layerwise.metrics.masks import dice_of_classes, image_dice_rows, iou_of_classes

TARGET = Target("mask", ("mask",), ("ground", "cell"))
# two images of ten pixels: 4 are cell, 5 said so, 3 rightly; then 2 are cell, none said so
TRUTH = np.array([[6.0, 4], [8, 2]])
SCORES = np.array([[5.0, 5, 4, 3], [10, 0, 8, 0]])
THREE = Predictions(
    "mask", ("a", "b", "c"), np.array([[4.0, 6, 0]]), np.array([[5.0, 5, 0, 3, 4, 0]])
)


def judged():
    return Predictions("mask", TARGET.classes, TRUTH, SCORES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dice", 2 * 3 / (6 + 5)),
        ("iou", 3 / (6 + 5 - 3)),
        ("pixel_accuracy", (4 + 3 + 8) / 20),
        ("image_dice", (2 * 3 / 9 + 0) / 2),
    ],
)
def test_values_are_those_worked_out_by_hand(name, value):
    assert find_metric(name, "mask").function(judged()) == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "value"), [("dice", (6 / 9 + 8 / 11) / 2), ("iou", (3 / 6 + 4 / 7) / 2)]
)
def test_of_several_classes_it_is_the_mean_of_those_that_are_there_or_said(name, value):
    assert METRICS[name].function(THREE) == pytest.approx(value)


def test_every_class_has_its_own():
    assert dice_of_classes(judged()) == pytest.approx([2 * 12 / (14 + 15), 6 / 11])
    assert iou_of_classes(judged()) == pytest.approx([12 / (14 + 15 - 12), 3 / 8])
    with np.errstate(invalid="ignore"):
        assert np.isnan(dice_of_classes(THREE)[2])


def test_an_image_with_nothing_there_and_nothing_said_is_right():
    empty = Predictions("mask", TARGET.classes, TRUTH[:1] * [2, 0], np.array([[12.0, 0, 12, 0]]))
    assert image_dice_rows(empty).tolist() == [[1.0]]


@pytest.mark.parametrize("name", ["dice", "iou", "pixel_accuracy", "image_dice"])
def test_a_resample_by_weights_is_that_of_repeated_images(name):
    metric = METRICS[name]
    assert metric.resampled(judged(), np.array([2, 1])) == pytest.approx(
        metric.function(judged().take([0, 0, 1]))
    )


def test_counts_come_through_the_predictions_table():
    names = column_names(TARGET, "score")
    assert names == ["score:ground", "score:cell", "score:ground right", "score:cell right"]
    table = predictions_table(TARGET, TRUTH, SCORES, rows=np.arange(2), split="test")
    found = Predictions.from_table(table, TARGET, "test")
    assert np.array_equal(found.truth, TRUTH)
    assert np.array_equal(found.scores, SCORES)


def test_images_without_a_mask_are_left_out():
    truth = np.array([[6.0, 4], [np.nan, np.nan]])
    table = predictions_table(TARGET, truth, SCORES, rows=np.arange(2), split="test")
    assert len(Predictions.from_table(table, TARGET, "test")) == 1
