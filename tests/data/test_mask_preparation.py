"""Masks as batches: constants of training images only, and pixels counted beside the truth."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from mask_cases import save, write_pictures

from layerwise.data import image_cache, read
from layerwise.data.forms import Prepared, fit_preparation, load_preparation
from layerwise.data.mask_target import mask_target, without_masks
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.errors import DataError


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(image_cache, "cache_folder", lambda: folder)


@pytest.fixture
def source(tmp_path):
    return read(write_pictures(tmp_path / "cells", 6))


def fitted(source, rows=(0, 1, 2, 3), **options):
    return fit_preparation(source, Roles(), (), mask_target(source), np.array(rows), **options)


def test_it_keeps_the_contract_and_comes_back_from_json(source):
    preparation = fitted(source)
    assert isinstance(preparation, Prepared)
    assert preparation.input_shape == (3, 16, 16)
    again = load_preparation(preparation.to_json(), preparation.tensors())
    assert again.target == preparation.target
    first, second = preparation.dataset(source).batch(slice(0, 6)), again.dataset(source).batch(
        torch.arange(6)
    )  # fmt: skip
    assert torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.targets, second.targets)


def test_constants_are_those_of_the_training_images(source):
    preparation = fitted(source)
    images = np.asarray(source.inputs[:4, :3]).astype(float)
    assert np.allclose(preparation.tensors()["mean"], images.mean(axis=(0, 2, 3)))
    assert np.allclose(preparation.tensors()["scale"], images.std(axis=(0, 2, 3)))
    inputs = preparation.dataset(source).batch(slice(0, 4)).inputs
    assert inputs.mean().abs() < 1e-5
    changed = np.array(source.inputs)
    changed[4:] = 7
    other = fitted(replace(source, inputs=changed))
    assert other.to_json() == preparation.to_json()
    assert torch.equal(other.tensors()["mean"], preparation.tensors()["mean"])


def test_balanced_weights_give_every_class_the_same_say(source):
    weights = fitted(source).class_weights.numpy()
    pixels = np.bincount(np.asarray(source.inputs[:4, 3]).ravel(), minlength=2)
    assert np.allclose(weights * pixels, pixels.sum() / 2)


def test_a_batch_has_the_class_of_every_pixel_and_minus_one_where_none_is_known(source):
    pixels = np.array(source.inputs)
    pixels[0, 3, 0] = 255
    batch = fitted(source).dataset(replace(source, inputs=pixels)).batch(
        torch.tensor([0, 2])
    )  # fmt: skip
    assert batch.targets.dtype == torch.int64
    assert (batch.targets[0, 0] == -1).all()
    assert np.array_equal(batch.targets[1], pixels[2, 3])
    assert batch.keys.tolist() == [0, 2]


def test_rows_in_another_order_are_copied_as_bytes(source):
    dataset = fitted(source).dataset(source)
    block = dataset.arrange(torch.tensor([3, 1]))
    assert block.pixels.dtype == torch.uint8
    assert torch.equal(block.batch(slice(0, 1)).inputs, dataset.batch(torch.tensor([3])).inputs)
    assert block.batch(slice(0, 2)).keys.tolist() == [3, 1]


def test_pixels_are_counted_beside_the_truth(source):
    pixels = np.array(source.inputs[:2])
    pixels[:, 3] = 0
    pixels[0, 3, :4] = 1  # 64 of 256 pixels
    pixels[0, 3, 15] = 255  # 16 count for nothing
    pixels[1, 3] = 255  # no mask
    some = replace(source.take(np.arange(2)), inputs=pixels)
    preparation = fitted(source)
    said = np.zeros((2, 16, 16), np.uint8)
    said[:, 2:6] = 1
    said[:, 15] = 1
    truth = preparation.truth(some, np.arange(2))
    assert truth[0].tolist() == [176, 64]
    assert np.isnan(truth[1]).all()
    counts = preparation.compared(some, np.arange(2), said)
    assert counts[0].tolist() == [176, 64, 144, 32]
    assert counts[1, :2].tolist() == [176, 80]
    assert np.isnan(counts[1, 2:]).all()


def test_fingerprints_are_of_the_image_and_not_of_its_mask(source):
    preparation, pixels = fitted(source), np.array(source.inputs)
    pixels[0, 3] = 1 - pixels[0, 3]
    pixels[1, 0, 0, 0] += 1
    other = preparation.fingerprints(replace(source, inputs=pixels))
    same = other == preparation.fingerprints(source)
    assert same.tolist() == [True, False, True, True, True, True]


def test_images_of_another_shape_are_refused(source):
    preparation = fitted(source)
    wide = replace(source, inputs=np.zeros((6, 4, 16, 18), np.uint8))
    with pytest.raises(DataError, match=r"shape \(3, 16, 18\).*training of \(3, 16, 16\)"):
        preparation.check(wide)


def test_training_masks_of_one_class_are_refused(tmp_path):
    folder = write_pictures(tmp_path / "cells", 4)
    for number in range(2):
        save(folder / "masks" / f"0{number}.png", np.zeros((16, 16)))
    with pytest.raises(DataError, match="training rows have only the class background"):
        fitted(read(folder), rows=(0, 1))


def test_images_alone_can_be_predicted(source):
    images = Source("new", source.frame[["file"]], source.inputs[:, :3], options=source.options)
    known = without_masks(images)
    preparation = fitted(source)
    preparation.check(known)
    assert (preparation.dataset(known).batch(slice(0, 2)).targets == -1).all()
    assert known.frame["height"].tolist() == [16] * 6
