"""CIFAR's files, byte by byte, and made images of ImageNet's size."""

import numpy as np
import pytest

from layerwise.data import KNOWN, read
from layerwise.errors import DataError, SettingsError


def rows(*labels, width=1):
    """Rows with these labels; pixel p of row r has the value (p + r) % 251."""
    made = np.zeros((len(labels), width + 3072), dtype=np.uint8)
    made[:, :width] = np.array(labels).reshape(len(labels), width)
    made[:, width:] = (np.arange(3072) + np.arange(len(labels))[:, None]) % 251
    return made


@pytest.fixture
def ten(tmp_path):
    for number in (1, 2):
        rows(0, 9).tofile(tmp_path / f"data_batch_{number}.bin")
    rows(3).tofile(tmp_path / "test_batch.bin")
    return tmp_path


def test_a_folder_of_cifar10_is_read(ten):
    source = read(ten)
    assert source.frame["label"].tolist() == ["airplane", "truck"] * 2 + ["cat"]
    assert source.parts.tolist() == [""] * 4 + ["test"]
    assert source.inputs.shape == (5, 3, 32, 32)
    assert source.inputs[1, 2, 31, 31] == (3071 + 1) % 251  # the last byte is the last blue one
    assert source.inputs[0, 1, 0, 2] == (1024 + 2) % 251
    assert source.notes == ("3 of the 6 files of CIFAR-10 are not there.",)


@pytest.fixture
def hundred(tmp_path):
    rows((1, 5), (0, 99), width=2).tofile(tmp_path / "train.bin")
    rows((19, 0), width=2).tofile(tmp_path / "test.bin")
    for name, count in (("fine", 100), ("coarse", 20)):
        text = "\n".join(f"{name}{code}" for code in range(count))
        (tmp_path / f"{name}_label_names.txt").write_text(text + "\n")
    return tmp_path


def test_a_folder_of_cifar100_has_fine_and_coarse_labels(hundred):
    source = read(hundred)
    assert source.target == ("label",)
    assert source.frame["label"].tolist() == ["fine5", "fine99", "fine0"]
    assert source.frame["coarse_label"].tolist() == ["coarse1", "coarse0", "coarse19"]
    assert source.parts.tolist() == ["", "", "test"]
    assert source.inputs[0, 0, 0, 1] == 1


def test_too_few_names_of_classes_are_told(hundred):
    (hundred / "coarse_label_names.txt").write_text("one\ntwo\n")
    with pytest.raises(DataError, match=r"has 2 names; there must be 20"):
        read(hundred)


def test_a_file_that_is_cut_off_or_of_another_kind_is_told(ten):
    (ten / "data_batch_2.bin").write_bytes(rows(1).tobytes()[:-1])
    with pytest.raises(DataError, match=r"data_batch_2\.bin is cut off.*3,073 bytes"):
        read(ten)
    rows(10).tofile(ten / "data_batch_2.bin")
    with pytest.raises(DataError, match="labels below 10"):
        read(ten)


def test_pickles_are_refused(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02}q\x01.")
    (tmp_path / "batches.meta").write_bytes(b"\x80\x02}q\x01.")
    with pytest.raises(DataError, match="is a pickle, which is not read"):
        read(tmp_path)


def test_the_subset_is_known_by_its_own_name(tmp_path, monkeypatch):
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="cannot be fetched"):
        read("cifar10_subset")
    (tmp_path / "cifar10-subset").mkdir()
    images = np.zeros((3, 32, 32, 3), np.uint8)
    np.savez(
        tmp_path / "cifar10-subset" / "cifar10_subset.npz",
        x_train=images, y_train=[0, 1, 0], x_test=images[:1], y_test=[1],
        class_names=np.array(["cat", "dog"]),
    )  # fmt: skip
    source = read("cifar10_subset")
    assert source.name == "cifar10_subset"
    assert source.inputs.shape == (4, 3, 32, 32)
    assert source.frame["label"].tolist() == ["cat", "dog", "cat", "dog"]
    assert source.parts.tolist() == ["", "", "", "test"]


def test_cifar100_says_how_to_fetch_it(tmp_path, monkeypatch):
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="layerwise fetch cifar100"):
        read("cifar100")


# ------------------------------------------------------------------------------ made images


def test_made_images_share_their_memory():
    source = read("synthetic_imagenet", options={"count": "500", "classes": "4"})
    assert source.inputs.shape == (500, 3, 224, 224)
    assert source.inputs.dtype == np.uint8
    assert source.frame["label"].value_counts().tolist() == [125] * 4
    first, last = source.inputs[0].astype(int), source.inputs[-1].astype(int)
    assert abs(first - last).mean() > 5
    assert not (source.inputs[1] == source.inputs[0]).all()
    assert np.shares_memory(source.inputs[1], source.inputs[0])
    again = read("synthetic_imagenet", options={"count": 500, "classes": 4})
    assert (again.inputs[7] == source.inputs[7]).all()


def test_the_classes_of_made_images_differ_in_colour():
    source = read("synthetic_imagenet", options={"count": 40, "classes": 4})
    means = source.inputs.mean(axis=(2, 3))
    centres = np.stack([means[source.frame["label"] == code].mean(axis=0) for code in range(4)])
    apart = np.abs(centres[:, None] - centres[None]).sum(axis=2)
    assert apart[~np.eye(4, dtype=bool)].min() > 10


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"count": "many"}, "data.count must be a whole number"),
        ({"classes": 0}, "data.classes must be a whole number, at least 1"),
        ({"count": 3, "classes": 4}, "more than --data.count 3"),
    ],
)
def test_numbers_that_cannot_be_are_told(options, words):
    with pytest.raises(SettingsError, match=words):
        read("synthetic_imagenet", options=options)


def test_all_are_known():
    assert {"cifar10", "cifar100", "cifar10_subset", "synthetic_imagenet"} <= set(KNOWN)
