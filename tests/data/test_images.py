import os
import time

import numpy as np
import pytest
from PIL import Image

from layerwise.data import image_cache, read
from layerwise.errors import DataError, SettingsError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache folder of this test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(image_cache, "cache_folder", lambda: folder)
    return folder


@pytest.fixture
def pets(tmp_path):
    """Two cats and a dog, 6 high and 4 wide: red, green and blue."""
    for name, colour in (("cat/a", (255, 0, 0)), ("cat/b", (0, 255, 0)), ("dog/c", (0, 0, 255))):
        save(tmp_path / "pets" / f"{name}.png", Image.new("RGB", (4, 6), colour))
    return tmp_path / "pets"


def save(path, image, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def said(source, words):
    return any(words in note for note in source.notes)


def test_the_sub_folder_is_the_class(pets):
    source = read(pets)
    assert source.name == "pets"
    assert source.frame["label"].tolist() == ["cat", "cat", "dog"]
    assert source.frame["file"].tolist() == ["cat/a.png", "cat/b.png", "dog/c.png"]
    assert source.target == ("label",)
    assert source.inputs.shape == (3, 3, 6, 4)
    assert source.inputs.dtype == np.uint8
    assert source.inputs[:, :, 0, 0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    assert source.notes == ()
    assert source.options == {"image_size": (6, 4), "image_mode": "rgb"}


def test_images_are_decoded_once_and_mapped(pets, cache):
    first = read(pets)
    assert isinstance(first.inputs, np.memmap)
    (stored,) = cache.glob("*.npy")
    when = stored.stat().st_mtime_ns
    again = read(pets)
    assert stored.stat().st_mtime_ns == when
    assert (again.inputs == first.inputs).all()
    assert again.notes == first.notes
    assert again.options == first.options
    assert not list(cache.glob("*.part"))


def test_a_changed_image_is_decoded_anew(pets, cache):
    read(pets)
    save(pets / "cat" / "a.png", Image.new("RGB", (4, 6), (9, 9, 9)))
    assert read(pets).inputs[0, 0, 0, 0] == 9
    assert len(list(cache.glob("*.npy"))) == 2


def test_a_damaged_cache_is_made_anew(pets, cache):
    read(pets)
    (stored,) = cache.glob("*.npy")
    stored.write_bytes(b"cut")
    assert read(pets).inputs[0, 0, 0, 0] == 255


def cached(cache):
    """Height of the images in each file of the cache."""
    return sorted(np.load(path).shape[2] for path in cache.glob("*.npy"))


def test_of_too_large_a_cache_the_longest_unused_goes_first(pets, cache, monkeypatch):
    one = 3 * 3 * 8 * 8 + 128  # bytes of three images, 8 x 8, behind numpy's header
    for place, size in enumerate((8, 9, 10)):
        read(pets, options={"image_size": size})
        for path in cache.glob("*.json"):  # as if days lay between them
            os.utime(path, (path.stat().st_mtime - 1e5,) * 2)
        assert len(cached(cache)) == place + 1
    assert not read(pets, options={"image_size": 8}).notes[1:]  # used again: now the youngest
    monkeypatch.setattr(image_cache, "MOST_BYTES", 2.5 * one)
    source = read(pets, options={"image_size": 7})
    assert cached(cache) == [7, 8]
    assert said(source, "2 old files removed")
    assert len(list(cache.iterdir())) == 4  # the facts of those that went are gone too
    assert not said(read(pets, options={"image_size": 7}), "removed")


def test_the_images_that_were_just_used_stay_however_large(pets, cache, monkeypatch):
    monkeypatch.setattr(image_cache, "MOST_BYTES", 1)
    read(pets, options={"image_size": 8})
    read(pets, options={"image_size": 9})
    assert cached(cache) == [8, 9]


def test_half_made_files_go_when_they_are_a_day_old(pets, cache):
    cache.mkdir()
    for name, age in (("old.1-1.part", 1e5), ("new.1-1.part", 0)):
        (cache / name).write_bytes(b"half")
        os.utime(cache / name, (time.time() - age,) * 2)
    read(pets)
    assert [path.name for path in cache.glob("*.part")] == ["new.1-1.part"]


def test_an_unusable_cache_folder_is_said(pets, cache):
    cache.write_text("a file where the folder should be")
    source = read(pets)
    assert source.inputs.shape == (3, 3, 6, 4)
    assert said(source, "kept in memory")


def test_different_sizes_become_one_and_it_is_said(pets):
    save(pets / "dog" / "large.png", Image.new("RGB", (40, 60)))
    source = read(pets)
    assert source.inputs.shape == (4, 3, 6, 4)
    assert said(source, "resized to 6 x 4")


def test_large_images_are_made_smaller(tmp_path):
    save(tmp_path / "p" / "a" / "1.png", Image.new("L", (600, 300)))
    save(tmp_path / "p" / "b" / "2.png", Image.new("L", (600, 300)))
    source = read(tmp_path / "p")
    assert source.inputs.shape == (2, 1, 112, 224)
    assert said(source, "resized to 112 x 224")


@pytest.mark.parametrize("size", [8, "8", "8,8", "8x8", (8, 8), [8, 8]])
def test_the_size_can_be_chosen(pets, size):
    assert read(pets, options={"image_size": size}).inputs.shape == (3, 3, 8, 8)


def test_what_was_chosen_holds_for_prediction(pets, tmp_path):
    used = read(pets).options
    save(tmp_path / "new" / "x.png", Image.new("L", (50, 50), 7))
    new = read(tmp_path / "new", options=used)
    assert new.inputs.shape == (1, 3, 6, 4)
    assert new.target == ()
    assert new.frame["file"].tolist() == ["x.png"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image_size": "huge"}, "must be pixels"),
        ({"image_size": 0}, "must be pixels"),
        ({"image_mode": "gray"}, "Did you mean 'grey'"),
    ],
)
def test_a_wrong_option_is_told(pets, options, words):
    with pytest.raises(SettingsError, match=words):
        read(pets, options=options)


# ------------------------------------------------------------------------- kinds of images


def two(tmp_path, image, name="x.png", **options):
    """A folder with this image beside a grey one of the same size."""
    save(tmp_path / "p" / "a" / name, image, **options)
    save(tmp_path / "p" / "b" / "grey.png", Image.new("L", image.size, 100))
    return read(tmp_path / "p")


def test_grey_images_have_one_channel(tmp_path):
    source = two(tmp_path, Image.new("L", (3, 3), 50))
    assert source.inputs[:, :, 1, 1].tolist() == [[50], [100]]
    assert source.options["image_mode"] == "grey"


def test_black_and_white_images_are_grey(tmp_path):
    assert two(tmp_path, Image.new("1", (3, 3), 1)).inputs[0, 0, 0, 0] == 255


def test_palette_images_have_their_colours(tmp_path):
    image = Image.new("RGB", (3, 3), (10, 200, 30)).quantize(4)
    source = two(tmp_path, image)
    assert source.inputs[0, :, 0, 0].tolist() == [10, 200, 30]
    assert source.inputs[1, :, 0, 0].tolist() == [100, 100, 100]
    assert said(source, "1 image with a palette")
    assert said(source, "1 of 2 images in grey")


def test_cmyk_images_become_rgb(tmp_path):
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    source = two(tmp_path, image, "x.jpg", quality=95)
    red, green, blue = source.inputs[0, :, 4, 4].astype(int)
    assert red > 220
    assert max(green, blue) < 60
    assert said(source, "1 image in CMYK")


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_sixteen_bits_become_eight(tmp_path, name):
    values = np.array([[0, 257], [32896, 65535]], dtype=np.uint16)
    source = two(tmp_path, Image.fromarray(values), name)
    assert source.inputs[0, 0].tolist() == [[0, 1], [128, 255]]
    assert said(source, "1 image with 16 bits")


def deep(tmp_path, folder, *largest, **options):
    """16-bit images, 2 x 2, each with a black pixel, a half-bright one and two of its largest."""
    for number, value in enumerate(largest):
        values = np.array([[0, value // 2], [value, value]], dtype=np.uint16)
        save(tmp_path / folder / "a" / f"{number}.png", Image.fromarray(values))
    return read(tmp_path / folder, options=options)


@pytest.mark.parametrize(
    ("largest", "bits"), [(4095, 12), (2048, 12), (1023, 10), (255, 8), (3, 8), (4096, 16)]
)
def test_deep_images_of_few_bits_are_scaled_by_their_own_range(tmp_path, largest, bits):
    source = deep(tmp_path, "p", largest)
    assert source.options["image_bits"] == bits
    assert source.inputs[0, 0, 1, 1] == round(255 * largest / (2**bits - 1))
    assert said(source, f"(0 to {2**bits - 1:,};") == (bits < 16)


def test_deep_images_are_scaled_alike_whatever_their_own_brightness(tmp_path):
    assert deep(tmp_path, "p", 4095, 1000).inputs[:, 0, 1, 1].tolist() == [255, 62]
    assert deep(tmp_path, "q", 65535, 1000).inputs[:, 0, 1, 1].tolist() == [255, 4]


def test_the_bits_of_training_hold_for_prediction(tmp_path):
    used = deep(tmp_path, "p", 4095).options
    new = deep(tmp_path, "new", 1000, 5000, **used)
    assert new.inputs[:, 0, 1, 1].tolist() == [62, 255]
    assert said(new, "1 image with pixels above 4,095: cut there.")


def test_bits_that_cannot_be_are_told(tmp_path):
    with pytest.raises(SettingsError, match="from 8 to 16, not '17'"):
        deep(tmp_path, "p", 100, image_bits=17)


def test_transparent_images_are_laid_on_white(tmp_path):
    image = Image.new("RGBA", (2, 2), (255, 0, 0, 0))
    source = two(tmp_path, image)
    assert source.inputs[0, :, 0, 0].tolist() == [255, 255, 255]
    assert said(source, "laid on white")


def test_transparency_is_kept_when_asked_for(tmp_path):
    save(tmp_path / "p" / "a" / "x.png", Image.new("RGBA", (2, 2), (255, 0, 0, 7)))
    source = read(tmp_path / "p", options={"image_mode": "rgba"})
    assert source.inputs[0, :, 0, 0].tolist() == [255, 0, 0, 7]


def test_photographs_are_turned_as_their_exif_data_says(tmp_path):
    wide = Image.new("RGB", (16, 8), (255, 255, 255))
    wide.paste((0, 0, 0), (0, 0, 8, 8))  # left half black
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: the left side becomes the top
    save(tmp_path / "p" / "a" / "x.jpg", wide, exif=exif, quality=95)
    source = read(tmp_path / "p")
    assert source.inputs.shape == (1, 3, 16, 8)
    assert source.inputs[0, :, :6].max() < 60
    assert source.inputs[0, :, -6:].min() > 200
    assert said(source, "turned")


def test_the_first_frame_of_an_animation_is_used(tmp_path):
    frames = [Image.new("L", (2, 2), value) for value in (10, 20)]
    source = two(tmp_path, frames[0], "x.gif", save_all=True, append_images=frames[1:])
    assert source.inputs[0, 0, 0, 0] == 10
    assert said(source, "several frames")


# -------------------------------------------------------------------------------- bad images


def test_an_empty_image_file_is_told(pets):
    (pets / "cat" / "z.png").touch()
    with pytest.raises(DataError, match=r"z\.png is empty \(0 bytes\)"):
        read(pets)


@pytest.mark.parametrize("name", ["z.png", "z.jpg", "z.gif", "z.bmp", "z.tif"])
def test_a_cut_off_image_is_told_and_leaves_no_cache(pets, cache, name):
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    path = save(pets / "cat" / name, Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"{name} is (a damaged|no image)"):
        read(pets)
    assert not cache.exists() or not list(cache.iterdir())


def test_a_web_page_under_the_name_of_an_image_is_told(pets):
    (pets / "cat" / "z.jpg").write_text("<!DOCTYPE html><html><body>404</body></html>")
    (pets / "dog" / "y.jpg").write_text("not an image")
    with pytest.raises(DataError, match=r"z\.jpg is a web page.* 1 more"):
        read(pets)


def test_an_image_bomb_is_told_before_it_fills_the_memory(pets):
    Image.new("1", (20_000, 20_000)).save(pets / "cat" / "bomb.png")
    assert (pets / "cat" / "bomb.png").stat().st_size < 100_000
    with pytest.raises(DataError, match=r"bomb\.png has .* pixels; at most 100,000,000"):
        read(pets)


def test_a_bomb_that_pillow_only_warns_of_is_told_too(pets):
    Image.new("1", (10_100, 10_100)).save(pets / "cat" / "bomb.png")
    with pytest.raises(DataError, match="102,010,000 pixels"):
        read(pets)


def test_a_folder_without_images_is_told(tmp_path):
    (tmp_path / "p" / "cat").mkdir(parents=True)
    (tmp_path / "p" / "cat" / "notes.doc").touch()
    with pytest.raises(DataError, match="holds no images"):
        read(tmp_path / "p")


def test_a_single_class_is_said(tmp_path):
    save(tmp_path / "p" / "cat" / "a.png", Image.new("L", (2, 2)))
    source = read(tmp_path / "p")
    assert source.frame["label"].tolist() == ["cat"]
    assert said(source, "nothing to tell apart")


def test_an_image_beside_the_class_folders_is_told(pets):
    save(pets / "stray.png", Image.new("RGB", (4, 6)))
    with pytest.raises(DataError, match=r"stray\.png lies beside the class folders"):
        read(pets)


def test_other_files_and_empty_folders_are_left_out_and_said(pets):
    (pets / "readme.txt").touch()
    (pets / "bird").mkdir()
    (pets / ".DS_Store").touch()
    source = read(pets)
    assert len(source.frame) == 3
    assert said(source, "left out (readme.txt)")
    assert said(source, "bird")


def test_spaces_and_unicode_in_paths(tmp_path):
    save(
        tmp_path / "my p\u00efctures" / "gr\u00fcne Katze" / "\u732b 1.png", Image.new("L", (2, 2))
    )
    source = read(tmp_path / "my p\u00efctures")
    assert source.frame["label"].tolist() == ["gr\u00fcne Katze"]


# --------------------------------------------------------------------------- arrangements


def test_class_folders_one_folder_deeper_are_found(pets, tmp_path):
    outer = tmp_path / "archive"
    outer.mkdir()
    pets.rename(outer / "pets")
    source = read(outer)
    assert source.frame["label"].tolist() == ["cat", "cat", "dog"]
    assert said(source, "lie in the folder 'pets'")


def test_train_and_test_folders_are_parts(tmp_path):
    for place in ("train/cat/1", "train/dog/2", "test/cat/3", "test/dog/4"):
        save(tmp_path / "p" / f"{place}.png", Image.new("L", (2, 2)))
    source = read(tmp_path / "p")
    assert source.frame["label"].tolist() == ["cat", "dog", "cat", "dog"]
    assert source.parts.tolist() == ["test", "test", "", ""]


def test_a_column_names_the_images(pets, tmp_path):
    path = pets / "labels.csv"
    path.write_text("photo,age,label\ndog/c.png,3,dog\ncat/a.png,4,cat\n")
    source = read(path)
    assert source.inputs[:, :, 0, 0].tolist() == [[0, 0, 255], [255, 0, 0]]
    assert source.frame["label"].tolist() == ["dog", "cat"]
    assert source.options["image_column"] == "photo"
    assert said(source, "Column 'photo' names the images")


@pytest.mark.parametrize(
    ("rows", "options", "words"),
    [
        ("cat/a.png,1\ncat/zz.png,2\n", {}, "1 of 2 images that column 'photo' names do not exist"),
        ("cat/a.png,1\n,2\n", {}, "names no image in row 2"),
        ("cat/a.png,1\n", {"image_column": "foto"}, "Did you mean 'photo'"),
    ],
)
def test_a_column_that_names_no_images_is_told(pets, rows, options, words):
    (pets / "labels.csv").write_text(f"photo,y\n{rows}")
    with pytest.raises(DataError, match=words):
        read(pets / "labels.csv", options=options)


def test_names_of_absent_images_are_said(tmp_path):
    (tmp_path / "t.csv").write_text("photo,y\na.png,1\nb.png,2\n")
    source = read(tmp_path / "t.csv")
    assert source.inputs is None
    assert said(source, "looks like names of images, but a.png is not in")


def test_separate_folders_for_test_get_the_same_size(pets, tmp_path):
    save(tmp_path / "later" / "cat" / "x.png", Image.new("L", (30, 30)))
    save(tmp_path / "later" / "dog" / "y.png", Image.new("L", (30, 30)))
    source = read(pets, test=tmp_path / "later")
    assert source.inputs.shape == (5, 3, 6, 4)
    assert source.parts.tolist() == ["", "", "", "test", "test"]
