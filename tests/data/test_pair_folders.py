import os
from pathlib import Path

import numpy as np
import pytest

from layerwise.data import read
from layerwise.data.known import read_known
from layerwise.data.pair_folders import is_pair_folder, read_pair_folder
from layerwise.errors import DataError

BESIDE = Path(__file__).parents[2].parent / "shared" / "data"


def folder_of(tmp_path, name="talks-en-de", **texts):
    folder = tmp_path / name
    folder.mkdir()
    texts = texts or {
        "train.en": "a b\nc d\n", "train.de": "A B\nC D\n", "val.en": "e\n", "val.de": "E\n",
        "test_2016.en": "f\n", "test_2016.de": "F\n", "README.md": "about",
    }  # fmt: skip
    for file, text in texts.items():
        (folder / file.replace("__", ".")).write_text(text, encoding="utf-8")
    return folder


def test_files_fix_the_parts_and_the_folder_the_direction(tmp_path):
    folder = folder_of(tmp_path)
    assert is_pair_folder(folder)
    source = read_pair_folder(folder, {})
    assert source.frame["source"].tolist() == ["a b", "c d", "e", "f"]
    assert source.frame["target"].tolist() == ["A B", "C D", "E", "F"]
    assert source.parts.tolist() == ["train", "train", "validation", "test"]
    assert source.options["languages"] == "en,de"
    assert "from en into de, as the folder's name says" in source.notes[0]


def test_the_other_direction_can_be_asked_for(tmp_path):
    source = read_pair_folder(folder_of(tmp_path), {"languages": "de,en"})
    assert source.frame["source"].tolist()[0] == "A B"
    assert not source.notes


def test_without_a_telling_name_the_alphabet_decides_and_that_is_said(tmp_path):
    source = read_pair_folder(folder_of(tmp_path, "talks"), {})
    assert source.frame["source"].tolist()[0] == "A B"
    assert "from de into en, in the order of the alphabet" in source.notes[0]


def test_a_folder_of_one_language_is_no_folder_of_pairs(tmp_path):
    assert not is_pair_folder(folder_of(tmp_path, train__en="a\n", train__csv="b\n"))


def test_a_file_without_its_counterpart_is_named(tmp_path):
    folder = folder_of(tmp_path)
    (folder / "val.de").unlink()
    with pytest.raises(DataError, match=r"has val.en, but no val.de"):
        read_pair_folder(folder, {})


def test_of_three_languages_two_must_be_named(tmp_path):
    folder = folder_of(tmp_path, train__en="a\n", train__de="A\n", train__fr="b\n")
    with pytest.raises(DataError, match=r"3 languages \(de, en, fr\)"):
        read_pair_folder(folder, {})
    assert len(read_pair_folder(folder, {"languages": "fr,en"}).frame) == 1


def test_a_language_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"must be two of de, en, .* got en,fr"):
        read_pair_folder(folder_of(tmp_path), {"languages": "en,fr"})


def test_unequal_files_in_a_folder_are_refused(tmp_path):
    folder = folder_of(tmp_path)
    (folder / "val.de").write_text("E\nE\n")
    with pytest.raises(DataError, match=r"val.en has 1 lines and .*val.de has 2"):
        read_pair_folder(folder, {})


def test_the_known_data_set_is_found_where_data_sets_are_kept(tmp_path, monkeypatch):
    folder_of(tmp_path, "multi30k-en-de")
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    source = read("multi30k")
    assert source.name == "multi30k"
    assert source.form == "pairs"


def test_the_known_data_set_says_where_it_must_be(tmp_path, monkeypatch):
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    with pytest.raises(DataError, match="'multi30k' is not in"):
        read_known("multi30k", {})


def test_multi30k_has_the_published_parts(monkeypatch):
    place = Path(os.environ.get("LAYERWISE_DATA", BESIDE))
    if not (place / "multi30k-en-de").is_dir():
        pytest.skip(f"multi30k-en-de is not in {place}")
    monkeypatch.setenv("LAYERWISE_DATA", str(place))
    source = read("multi30k")
    parts, counts = np.unique(source.parts, return_counts=True)
    assert dict(zip(parts.tolist(), counts.tolist(), strict=True)) == {
        "test": 1000,
        "train": 12000,
        "validation": 1014,
    }
    assert source.frame["source"].iloc[2] == "A little girl climbing into a wooden playhouse."
