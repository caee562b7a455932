"""Bad images through the whole chain: one text, and nothing is written."""

import io

import numpy as np
import pytest
from PIL import Image
from refusals import refused, written

from layerwise.cli import main
from layerwise.data import image_cache, read, storage
from layerwise.errors import DataError


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """A cache folder of this test's own, beside the folder that must stay as it is."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(image_cache, "cache_folder", lambda: folder)
    return folder


def picture(seed=0, side=16, kind="JPEG"):
    noise = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, kind)
    return file.getvalue()


CUT = picture()[:300]


def photos(*bad, folder="p", each=6):
    """Some images for each of two classes; the first ones are what is given."""
    files = {f"{folder}/{c}/{i:02d}.jpg": picture(i) for c in ("cat", "dog") for i in range(each)}
    return files | {f"{folder}/cat/{i:02d}.jpg": content for i, content in enumerate(bad)}


def arrays(**content):
    file = io.BytesIO()
    np.savez(file, **content)
    return file.getvalue()


def cifar(rows, label=3):
    return (bytes([label]) + bytes(3072)) * rows


LABELS = np.arange(20) % 2
GREY, COLOUR = np.zeros((20, 8, 8), np.uint8), np.zeros((20, 8, 8, 3), np.uint8)
TABLE = b"a,b,y\n" + b"".join(b"%d,%d,%d\n" % (i, i % 7, i % 2) for i in range(40))
BAD = {  # kind: (files, words after "fit", what is told)
    "a cut off image, and how to leave it out": (
        photos(CUT), ("p",), "fit --data.skip_damaged 1 leaves them out",
    ),
    "more damaged images than may be": (
        photos(CUT, b"", b"<html>"), ("p", "--data.skip_damaged", "2"),
        "3 images of 12 cannot be read, more than the 2 that --data.skip_damaged leaves out: "
        "00.jpg, 01.jpg, 02.jpg",
    ),
    "no image that is whole": (
        {f"p/{c}/{i}.jpg": CUT for c in "ab" for i in range(3)},
        ("p", "--data.skip_damaged", "9"), "None of 6 images can be read",
    ),
    "a limit of damaged images that is no number": (
        photos(), ("p", "--data.skip_damaged", "few"), "not 'few'",
    ),
    "a part without class folders": (
        photos(folder="p/train") | {"p/val/0.JPEG": picture()}, ("p",),
        "0.JPEG lies in no class folder",
    ),
    "parts with other numbers of channels": (
        {"a.npz": arrays(x_train=GREY, y_train=LABELS, x_test=COLOUR, y_test=LABELS)},
        ("a.npz",), "different shapes",
    ),
    "one label too few": (
        {"a.npz": arrays(x=GREY, y=LABELS[:19])}, ("a.npz",), "20 inputs but 19 labels",
    ),
    "a class without a name": (
        {"a.npz": arrays(x=GREY, y=LABELS, class_names=np.array(["cat"]))}, ("a.npz",), "class",
    ),
    "CIFAR cut off": ({"c/data_batch_1.bin": cifar(4)[:-1]}, ("c",), "is cut off or damaged"),
    "CIFAR with a class that is none": (
        {"c/data_batch_1.bin": cifar(4, label=10)}, ("c",), "labels below 10",
    ),
    "CIFAR as pickles": ({"c/data_batch_1": b"\x80\x02}q\x01."}, ("c",), "can run code"),
    "more made classes than images": (
        {}, ("synthetic_imagenet", "--data.count", "3", "--data.classes", "5"), "more than",
    ),
    "an augmentation that is none": ({}, ("digits", "--augment", "photo"), "Did you mean 'photos'"),
    "an option of it that is none": (
        {}, ("digits", "--augment.rotatee", "3"), "Did you mean 'rotate'",
    ),
    "an amount that cannot be": ({}, ("digits", "--augment.shift", "1.5"), "from 0 to below 1"),
    "augmentation of a table": (
        {"t.csv": TABLE}, ("t.csv", "--target", "y", "--augment", "photos"), "changes images",
    ),
    "mixed rows in pieces": (
        {}, ("digits", "--augment.mixup", "0.2", "--micro-batches", "2"), "mixes the rows",
    ),
    "mixed rows for a loss of classes": (
        {}, ("digits", "--augment.cutmix", "1", "--task", "classify", "--task.loss", "focal"),
        "does not take",
    ),
    "two ways of mixing": (
        {}, ("digits", "--augment.cutmix", "1", "--augment.mixup", "1"), "Leave one of them out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_images_are_one_error_and_leave_nothing(kind, tmp_path, monkeypatch, capsys):
    files, words, told = BAD[kind]
    written(tmp_path, files)
    assert told in refused(["fit", *words], tmp_path, monkeypatch, capsys)


def test_damaged_images_are_left_out_named_and_counted(tmp_path, cache):
    written(tmp_path, photos(CUT, b""))
    for _ in range(2):  # the second time from what was found the first time
        source = read(tmp_path / "p", options={"skip_damaged": "2"})
        assert source.notes[0] == "2 images of 12 cannot be read: left out (00.jpg, 01.jpg)."
        assert source.frame["file"].tolist()[:2] == ["cat/02.jpg", "cat/03.jpg"]
        assert len(source.inputs) == len(source.frame) == 10
    whole = read(tmp_path / "p" / "dog", options={"skip_damaged": 0})
    assert (source.inputs[4:] == whole.inputs).all()
    assert "skip_damaged" not in source.options  # what is predicted is never left out unseen


def test_damaged_images_that_a_table_names_go_with_their_rows(tmp_path):
    written(tmp_path, photos(CUT) | {
        "p/t.csv": b"photo,y\ndog/01.jpg,1\ncat/00.jpg,2\ncat/01.jpg,3\n"})  # fmt: skip
    source = read(tmp_path / "p" / "t.csv", options={"skip_damaged": 1})
    assert source.frame["y"].tolist() == [1, 3]
    assert len(source.inputs) == 2
    assert any("left out (00.jpg)" in note for note in source.notes)


def test_a_mended_image_is_looked_at_again(tmp_path):
    written(tmp_path, photos(CUT))
    assert len(read(tmp_path / "p", options={"skip_damaged": 1}).frame) == 11
    written(tmp_path, photos())
    assert len(read(tmp_path / "p", options={"skip_damaged": 1}).frame) == 12


def test_images_that_fit_nowhere_are_told(tmp_path, monkeypatch):
    written(tmp_path, photos())
    monkeypatch.setattr(image_cache, "cache_folder", lambda: tmp_path / "p" / "cat" / "00.jpg")
    monkeypatch.setattr(storage, "free_memory", lambda: 1000)
    with pytest.raises(DataError, match="12 images need 9,216 bytes when decoded"):
        read(tmp_path / "p")


def test_a_run_that_left_images_out_refuses_damaged_ones_at_predict(tmp_path, monkeypatch, capsys):
    written(tmp_path, photos(CUT, each=12))
    run = tmp_path / "run"
    words = ["--data.skip_damaged", "1", "--network", "linear", "--epochs", "1", "--threads", "1"]
    code = main(["fit", str(tmp_path / "p"), *words, "--baselines", "none", "--folder", str(run)])
    assert code == 0
    assert "1 image of 24 cannot be read: left out (00.jpg)." in capsys.readouterr().out
    words = ["predict", str(run), str(tmp_path / "p"), "--out", str(tmp_path / "out.csv")]
    assert "00.jpg cannot be read" in refused(words, tmp_path, monkeypatch, capsys)
