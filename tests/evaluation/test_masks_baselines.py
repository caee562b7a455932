"""Otsu's threshold, logistic regression of pixels, and the commonest class."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mask_cases import picture
from pandas import DataFrame

from layerwise.contracts import Target
from layerwise.data.forms import fit_preparation
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.errors import SettingsError
from layerwise.evaluation.masks_baselines import choose_otsu, features, fit, grey_of, otsu

TARGET = Target("mask", ("mask",), ("ground", "square"))
PARTS = np.array(["train"] * 6 + ["test"] * 2)


@pytest.fixture(scope="module")
def source():
    pictures = [picture(number) for number in range(8)]
    pixels = [np.concatenate([i.transpose(2, 0, 1), m[None]]) for i, m in pictures]
    return Source(
        "squares",
        DataFrame({"file": [f"{row}.png" for row in range(8)]}),
        np.stack(pixels),
        form="masks",
        options={"classes": TARGET.classes},
    )


def fitted(source, names, parts=PARTS, target=TARGET):
    preparation = fit_preparation(source, Roles(), (), target, np.arange(6))
    return {one.name: one for one in fit(names, source, preparation, parts, seconds=60, seed=0)}


def test_otsu_parts_two_heaps_where_their_variance_is_largest():
    grey = np.random.default_rng(0).choice([10, 12, 14, 90, 95], 500).astype(np.uint8)
    between = []
    for threshold in range(256):
        low, high = grey[grey <= threshold].astype(float), grey[grey > threshold].astype(float)
        gap = low.mean() - high.mean() if len(low) and len(high) else 0.0
        between.append(len(low) * len(high) * gap**2)
    assert between[otsu(grey)] == pytest.approx(max(between))
    assert 14 <= otsu(grey) < 90


def test_grey_is_weighted_as_the_eye_does():
    colours = np.zeros((1, 3, 1, 2), np.uint8)
    colours[0, :, 0, 0], colours[0, 1, 0, 1] = 200, 100
    assert grey_of(colours).tolist() == [[[200, 59]]]


def test_the_rule_is_chosen_on_training_images(source):
    pixels = np.array(source.inputs[:6])
    pixels[:, :3] = 255 - pixels[:, :3]
    say, note = choose_otsu(pixels)
    assert "what is darker" in note
    assert (say(pixels[:, :3]) == pixels[:, 3]).mean() > 0.99


def test_where_both_sides_come_the_smaller_side_is_the_object(source):
    pixels = np.array(source.inputs[:6])
    pixels[:, 3] = 0
    pixels[:, 3, 4:8, 4:8] = 1
    pixels[:, :3] = np.where(pixels[:, 3:] == 1, 200, 20)
    pixels[::2, :3] = 255 - pixels[::2, :3]
    assert "the smaller side" in choose_otsu(pixels)[1]


def test_easy_squares_are_found_by_all_but_the_commonest_class(source):
    found = fitted(source, ["majority_class", "otsu", "pixel_logistic"])
    truth = np.asarray(source.inputs[:, 3]).reshape(8, -1)
    said = found["majority_class"].scores
    assert np.array_equal(said[:, 0], np.full(8, 256))
    assert np.array_equal(said[:, 2], (truth == 0).sum(axis=1))
    for name in ("otsu", "pixel_logistic"):
        assert (found[name].scores[:, 2:].sum(axis=1) / 256 > 0.95).all()


def test_only_training_images_are_fitted(source):
    pixels = np.array(source.inputs)
    pixels[6:, 3] = 1 - pixels[6:, 3]
    names = ["majority_class", "otsu", "pixel_logistic"]
    one, other = fitted(source, names), fitted(replace(source, inputs=pixels), names)
    for name in names:
        assert one[name].note == other[name].note
        assert np.array_equal(one[name].scores[6:, :2], other[name].scores[6:, :2])


def test_a_threshold_is_not_fitted_to_three_classes(source):
    pixels = np.array(source.inputs)
    pixels[:, 3, 0] = 2
    three = Target("mask", ("mask",), ("ground", "square", "edge"))
    found = fitted(replace(source, inputs=pixels), ["otsu"], target=three)["otsu"]
    assert "a threshold makes two classes, here are 3" in found.note
    assert np.isnan(found.scores).all()


def test_a_pixel_is_told_by_itself_and_by_those_around_it():
    inputs = torch.arange(36.0).reshape(1, 1, 6, 6)
    found = features(inputs)
    assert found.shape == (1, 5, 6, 6)
    around = inputs[0, 0, 1:6, 1:6]
    assert found[0, 1, 3, 3] == pytest.approx(float(around.mean()))
    assert found[0, 2, 3, 3] == pytest.approx(float(around.std(unbiased=False)), rel=1e-3)


def test_an_unknown_baseline_is_refused(source):
    with pytest.raises(SettingsError, match="Did you mean 'otsu'"):
        fitted(source, ["otzu"])
