"""Images with masks: how pairs are found, which value is which class, and what is refused."""

import shutil
import zipfile

import numpy as np
import pytest
from mask_cases import picture, save, write_pictures
from PIL import Image

from layerwise import Learner
from layerwise.data import image_cache, read
from layerwise.data.mask_pixels import drawn
from layerwise.data.mask_target import mask_target
from layerwise.errors import DataError, SettingsError


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(image_cache, "cache_folder", lambda: folder)


def codes(source):
    return np.asarray(source.inputs[:, -1])


def test_images_and_masks_of_equal_names_are_pairs(tmp_path):
    source = read(write_pictures(tmp_path / "cells", 3))
    assert (source.form, source.name, source.inputs.shape) == ("masks", "cells", (3, 4, 16, 16))
    for number in range(3):
        image, mask = picture(number)
        assert np.array_equal(source.inputs[number, :3].transpose(1, 2, 0), image)
        assert np.array_equal(source.inputs[number, 3], mask)
    assert source.frame["file"].tolist() == [f"images/0{number}.png" for number in range(3)]
    assert mask_target(source).classes == ("background", "foreground")
    assert "Values of the masks: 0 is background, 255 is foreground." in source.notes


def test_the_cache_gives_the_same_again(tmp_path):
    folder = write_pictures(tmp_path / "cells", 3)
    first, second = read(folder), read(folder)
    assert np.array_equal(first.inputs, second.inputs)
    assert first.options == second.options
    assert first.frame.equals(second.frame)
    save(folder / "masks" / "00.png", 255 - 255 * picture(0)[1])
    assert not np.array_equal(codes(read(folder))[0], codes(first)[0])


@pytest.mark.parametrize("ending", ["_mask", "-mask", "_seg"])
def test_masks_may_end_in_mask_and_lie_beside_their_images(tmp_path, ending):
    for number in range(2):
        image, mask = picture(number)
        save(tmp_path / "flat" / f"{number}.png", image)
        save(tmp_path / "flat" / f"{number}{ending}.png", 255 * mask)
        save(tmp_path / "two" / "images" / f"{number}.png", image)
        save(tmp_path / "two" / "masks" / f"{number}{ending}.png", 255 * mask)
    flat, two = read(tmp_path / "flat"), read(tmp_path / "two")
    assert np.array_equal(flat.inputs, two.inputs)
    assert np.array_equal(codes(flat)[1], picture(1)[1])


def test_folders_train_and_test_decide_the_parts_and_others_are_left_out(tmp_path):
    folder = write_pictures(tmp_path, 4, parts=("train", "test"))
    shutil.copytree(folder / "train" / "masks", folder / "train" / "instances")
    source = read(folder)
    assert source.parts.tolist() == ["test", "test", "", ""]
    assert "2 images in other folders: left out." in source.notes


def test_an_archive_is_read_as_its_folder(tmp_path):
    folder = write_pictures(tmp_path / "cells", 4, parts=("train", "test"))
    with zipfile.ZipFile(tmp_path / "cells.zip", "w") as archive:
        for file in sorted(folder.rglob("*.png")):
            archive.write(file, file.relative_to(folder))
    unpacked, packed = read(folder), read(tmp_path / "cells.zip")
    assert packed.name == "cells"
    assert np.array_equal(packed.inputs, unpacked.inputs)
    assert packed.parts.tolist() == unpacked.parts.tolist()
    assert packed.frame.equals(unpacked.frame)


def test_class_numbers_are_classes_in_their_order(tmp_path):
    folder = write_pictures(tmp_path, 2)
    for number in range(2):
        save(folder / "masks" / f"0{number}.png", picture(number)[1] * (10 if number else 2))
    source = read(folder)
    assert mask_target(source).classes == ("0", "2", "10")
    assert set(np.unique(codes(source)[0])) == {0, 1}
    assert set(np.unique(codes(source)[1])) == {0, 2}
    named = read(folder, options={"classes": "ground,house,tree"})
    assert mask_target(named).classes == ("ground", "house", "tree")


def palette(path, indices, colours):
    image = Image.fromarray(np.asarray(indices, np.uint8), mode="P")
    image.putpalette([number for colour in colours for number in colour])
    image.save(path)


RED, BLUE, BLACK = (255, 0, 0), (0, 0, 255), (0, 0, 0)


def test_one_palette_names_classes_by_its_places_and_several_by_their_colours(tmp_path):
    folder = write_pictures(tmp_path, 2)
    for number in range(2):
        palette(folder / "masks" / f"0{number}.png", 2 * picture(number)[1], [BLACK, RED, BLUE])
    source = read(folder)
    assert source.options["mask_values"] == ["index 0", "index 2"]
    palette(folder / "masks" / "01.png", 1 - picture(1)[1], [BLUE, BLACK])  # turned round
    turned = read(folder)
    assert turned.options["mask_values"] == ["#000000", "#0000ff"]
    assert np.array_equal(codes(turned), codes(source))


def test_colours_are_classes_and_grey_masks_among_them_fit(tmp_path):
    folder = write_pictures(tmp_path, 3)
    table = np.array([BLACK, RED], np.uint8)
    save(folder / "masks" / "00.png", table[picture(0)[1]])
    save(folder / "masks" / "01.png", table[0 * picture(1)[1]])
    save(folder / "masks" / "02.png", 0 * picture(2)[1])
    source = read(folder)
    assert source.options["mask_values"] == ["#000000", "#ff0000"]
    assert codes(source).reshape(3, -1).max(axis=1).tolist() == [1, 0, 0]


def test_a_value_to_be_ignored_is_no_class(tmp_path):
    folder = write_pictures(tmp_path, 2)
    mask = picture(0)[1]
    mask[0] = 9
    save(folder / "masks" / "00.png", mask)
    save(folder / "masks" / "01.png", picture(1)[1])
    source = read(folder, options={"mask_ignore": 9})
    assert mask_target(source).classes == ("background", "foreground")
    assert (codes(source)[0, 0] == 255).all()
    assert codes(source)[0, 1:].max() <= 1


def test_a_threshold_makes_two_classes_of_grey_masks(tmp_path):
    folder = write_pictures(tmp_path, 2)
    for number in range(2):
        blurred = 40 + 150 * picture(number)[1] + np.arange(16, dtype=np.uint8)
        save(folder / "masks" / f"0{number}.jpg", blurred, quality=90)
        (folder / "masks" / f"0{number}.png").unlink()
    with pytest.raises(DataError, match=r"is a JPEG with \d+ different values.*mask_threshold 128"):
        read(folder)
    source = read(folder, options={"mask_threshold": "128"})
    assert (codes(source)[0] == picture(0)[1]).mean() > 0.95


def test_masks_are_resized_to_the_nearest_pixel(tmp_path):
    folder = write_pictures(tmp_path, 3, side=32)
    source = read(folder, options={"image_size": 16})
    assert set(np.unique(codes(source))) == {0, 1}
    assert np.array_equal(codes(source)[1], picture(1, 32)[1][1::2, 1::2])
    assert source.frame[["height", "width"]].to_numpy().tolist() == [[32, 32]] * 3


def test_codes_are_drawn_as_the_masks_were(tmp_path):
    codes = np.array([[0, 1], [1, 0]])
    grey = drawn(codes, (2, 2), {"mask_values": ["0", "255"]})
    assert grey.tolist() == [[0, 255], [255, 0]]
    assert drawn(codes, (4, 4), {"mask_values": ["3", "7"]})[0].tolist() == [3, 3, 7, 7]
    colours = drawn(codes, (2, 2), {"mask_values": ["#000000", "#ff8000"]})
    assert colours[0, 1].tolist() == [255, 128, 0]
    above = drawn(codes, (2, 2), {"mask_values": ["below 9", "9 and more"], "mask_threshold": "9"})
    assert above.max() == 255


def test_an_image_folder_with_a_class_called_mask_stays_one(tmp_path):
    for label in ("mask", "without"):
        save(tmp_path / label / "1.png", picture(1)[0])
    assert read(tmp_path).form == ""


def test_what_was_named_but_is_not_so_is_refused(tmp_path):
    folder = write_pictures(tmp_path, 2)
    for options, says in (
        ({"mask_values": "0"}, "must name two or more"),
        ({"mask_values": "0,300"}, "from 0 to 255 or a colour"),
        ({"mask_threshold": "0"}, "must be from 1 to 255"),
    ):
        with pytest.raises(SettingsError, match=says):
            read(folder, options=options)


def test_the_name_of_the_file_comes_out_unless_it_is_the_key(tmp_path):
    folder = str(write_pictures(tmp_path / "cells", 12))
    learner = Learner(network_options={"width": 2, "depth": 2})
    carried = {one["name"]: one["role"] for one in learner.plan(folder)["data"]["columns"]}
    assert carried["file"] == "carry"
    plan = learner.plan(folder, key="file")
    assert {one["name"]: one["role"] for one in plan["data"]["columns"]}["file"] == "key"
    assert plan["splits"]["method"] == "key"
