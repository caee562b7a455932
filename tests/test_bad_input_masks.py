"""Bad images and masks through the whole chain: one text, and nothing is written."""

import zipfile

import numpy as np
import pytest
from mask_cases import picture, save, write_pictures
from PIL import Image
from refusals import refused

from layerwise.cli import main
from layerwise.data import image_cache


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(image_cache, "cache_folder", lambda: folder)


def remove(*names):
    return lambda folder: [(folder / name).unlink() for name in names]


def mask(name, pixels, **options):
    return lambda folder: save(folder / "masks" / name, pixels, **options)


def every(change):
    return lambda folder: [change(file) for file in sorted((folder / "masks").iterdir())]


def cut(name, size=60):
    def change(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:size])

    return change


def as_jpeg(file):
    grey = 100 + 55 * (np.asarray(Image.open(file)) > 0) + np.arange(16, dtype=np.uint8)
    save(file.with_suffix(".jpg"), grey)
    file.unlink()


def blank(file):
    save(file, np.zeros((16, 16)))


def real(file):
    Image.fromarray(np.full((16, 16), 0.5, np.float32)).save(file.with_suffix(".tif"))
    file.unlink()


def objects(file):
    numbers = np.arange(256, dtype=np.uint16).reshape(16, 16) + 300
    Image.fromarray(numbers).save(file)


def packed(folder):
    with zipfile.ZipFile(folder / "cells.zip", "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, file.relative_to(folder))
    content = bytearray((folder / "cells.zip").read_bytes())
    place = content.index(b"IDAT") + 20
    content[place : place + 40] = bytes(40)
    (folder / "cells.zip").write_bytes(content)


NOTHING = ()
BAD = {  # kind: (what is changed, words after "fit cells", what is told)
    "an image without a mask": (
        remove("masks/03.png"), NOTHING, "1 of 12 images of cells has no mask, such as cells",
    ),
    "masks without an image": (
        remove("images/03.png", "images/04.png"), NOTHING, "2 of 12 masks of cells have no image",
    ),
    "a mask of another size": (
        mask("02.png", np.zeros((16, 20))), NOTHING,
        "02.png is 16 x 20 pixels (height x width), cells/images/02.png is 16 x 16",
    ),
    "a value that no class has": (
        mask("02.png", np.full((16, 16), 7)), ("--data.mask_values", "0,255"),
        "02.png has the value 7, but the masks have 2 classes: 0, 255",
    ),
    "more values than classes": (
        mask("02.png", np.full((16, 16), 7)), ("--data.classes", "ground,cell"),
        "names 2 classes (ground, cell), but the masks have 3 values: 0, 7, 255",
    ),
    "masks that JPEG has blurred": (every(as_jpeg), NOTHING, "is a JPEG with"),
    "numbers of objects for classes": (every(objects), NOTHING, "has values up to 555"),
    "a grey picture for a mask": (
        mask("02.png", np.arange(256).reshape(16, 16)), NOTHING, "has 256 different values",
    ),
    "masks of real numbers": (every(real), NOTHING, "has real-valued pixels"),
    "masks that are empty": (
        every(blank), NOTHING, "All 12 masks are 0 everywhere: there is nothing to tell apart",
    ),
    "a threshold above all values": (
        every(blank), ("--data.mask_threshold", "9"), "No pixel of 12 masks is at or above",
    ),
    "a damaged mask": (cut("masks/05.png"), NOTHING, "05.png is a damaged or cut off image"),
    "an empty file for a mask": (cut("masks/05.png", 0), NOTHING, "05.png is empty (0 bytes)"),
    "a damaged image": (cut("images/05.png"), NOTHING, "05.png is a damaged or cut off image"),
    "two masks of one image": (
        mask("05_mask.png", picture(5)[1]), NOTHING, "There must be one image and one mask",
    ),
    "no masks at all": (
        every(lambda file: file.unlink()), NOTHING, "holds 12 images and no masks",
    ),
    "no images at all": (
        lambda folder: [file.unlink() for file in (folder / "images").iterdir()], NOTHING,
        "cells holds no images",
    ),
    "a network with one answer per image": (
        lambda folder: None, ("--network", "lenet5"), "Choose --network unet",
    ),
    "images too small for the depth": (
        lambda folder: None, ("--network.depth", "5"), "at least 32 x 32, got 16 x 16",
    ),
    "another task": (lambda folder: None, ("--task", "classify"), "classify needs a target"),
    "rows that must not be kept": (lambda folder: None, ("--no-rows",), "--no-rows"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_bad_masks_are_one_error_and_leave_nothing(kind, tmp_path, monkeypatch, capsys):
    change, words, told = BAD[kind]
    change(write_pictures(tmp_path / "cells"))
    assert told in refused(["fit", "cells", *words], tmp_path, monkeypatch, capsys)


def test_a_damaged_archive_is_refused_by_the_name_of_the_file(tmp_path, monkeypatch, capsys):
    packed(write_pictures(tmp_path / "cells"))
    said = refused(["fit", "cells/cells.zip"], tmp_path, monkeypatch, capsys)
    assert "cells.zip/images/00.png is damaged in the archive" in said


def test_images_without_masks_cannot_be_segmented(tmp_path, monkeypatch, capsys):
    for number in range(3):
        save(tmp_path / "photos" / "a" / f"{number}.png", picture(number)[0])
        save(tmp_path / "photos" / "b" / f"{number}.png", picture(number)[0])
    words = ["fit", "photos", "--task", "segment"]
    assert "needs images with masks" in refused(words, tmp_path, monkeypatch, capsys)


def test_a_run_predicts_masks_and_refuses_what_does_not_fit(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_pictures(tmp_path / "cells", 20, values=(0, 200))
    quick = ["--network.width", "4", "--network.depth", "2", "--epochs", "10", "--threads", "1"]
    words = [
        "--learning-rate",
        "0.02",
        "--batch-size",
        "5",
        "--patience",
        "0",
        "--baselines",
        "none",
    ]
    assert main(["fit", "cells", "--folder", "run", *quick, *words]) == 0
    for number in range(3):  # images alone, larger ones
        save(tmp_path / "new" / f"{number}.png", picture(number, 32)[0])
    assert main(["predict", "run", "new", "--out", "said"]) == 0
    said = np.asarray(Image.open(tmp_path / "said" / "1.png"))
    assert said.shape == (32, 32)
    assert set(np.unique(said)) <= {0, 200}
    assert ((said > 0) == picture(1, 32)[1]).mean() > 0.9
    assert main(["predict", "run", "cells", "--out", "pixels.csv"]) == 0
    assert main(["evaluate", "run", "cells"]) == 0
    assert "dice" in capsys.readouterr().out
    header = (tmp_path / "pixels.csv").read_text().splitlines()[0]
    assert "score:200 right" in header
    assert "carry:file" in header
    again = refused(["predict", "run", "new", "--out", "said"], tmp_path, monkeypatch, capsys)
    assert "is there and not empty" in again
    save(tmp_path / "cells" / "masks" / "03.png", np.full((16, 16), 9))
    strange = refused(["evaluate", "run", "cells"], tmp_path, monkeypatch, capsys)
    assert "03.png has the value 9, but the masks have 2 classes: 0, 200" in strange
