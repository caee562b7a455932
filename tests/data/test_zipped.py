"""Files in a zip archive, read where they are."""

import zipfile

import pytest

from layerwise.data import zipped
from layerwise.errors import DataError


def archive(path, **files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in files.items():
            written.writestr(name, content)
    return path


def test_files_are_sorted_and_hidden_ones_left_out(tmp_path):
    names = {"b/2.png": b"two", "b/1.png": b"one", "__MACOSX/1.png": b"", "b/.cache/3.png": b""}
    found = zipped.members(archive(tmp_path / "a.zip", **names))
    assert [one.inside for one in found] == ["b/1.png", "b/2.png"]
    assert (found[0].name, found[0].suffix) == ("1.png", ".png")
    assert str(found[0]) == f"{tmp_path}/a.zip/b/1.png"
    assert found[1].open().read() == b"two"
    assert found[0].stat().st_size == (tmp_path / "a.zip").stat().st_size


def test_a_file_that_is_no_archive_has_none(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 and no more")
    assert zipped.members(tmp_path / "a.zip") == []


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(zipped, "MOST_BYTES", 1000)
    (bomb,) = zipped.members(archive(tmp_path / "a.zip", big=bytes(2000)))
    with pytest.raises(DataError, match="unpacks to 2,000 bytes; at most 1,000"):
        bomb.open()


def test_damaged_bytes_are_refused(tmp_path):
    path = archive(tmp_path / "a.zip", one=bytes(range(256)) * 4)
    content = bytearray(path.read_bytes())
    content[40:60] = bytes(20)
    path.write_bytes(content)
    (damaged,) = zipped.members(path)
    with pytest.raises(DataError, match=r"a.zip/one is damaged in the archive"):
        damaged.open()
