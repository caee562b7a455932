import errno
import os
from collections import namedtuple

import pytest
import torch

from layerwise.data.storage import empty_tensor, free_memory
from layerwise.errors import DataError

Room = namedtuple("Room", "free")


def test_small_tensors_lie_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = empty_tensor((3, 4), free=1000)
    assert made.shape == (3, 4)
    assert made.dtype == torch.float32


def test_large_tensors_lie_in_a_file_and_hold_what_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = empty_tensor((1000, 7), torch.float64, free=1000)
    made[:] = torch.arange(7000.0).view(1000, 7)
    assert made.untyped_storage().filename is not None
    assert made.index_select(0, torch.tensor([999, 0]))[:, 0].tolist() == [6993.0, 0.0]


def test_what_fits_is_mapped_when_it_is_large_and_the_disk_has_room(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("layerwise.data.storage.LARGE", 1000)
    assert empty_tensor((1000,), free=1 << 40).untyped_storage().filename is not None
    assert empty_tensor((10,), free=1 << 40).untyped_storage().filename is None
    monkeypatch.setattr("layerwise.data.storage.shutil.disk_usage", lambda _: Room(7999))
    assert empty_tensor((1000,), free=1 << 40).untyped_storage().filename is None


@pytest.mark.skipif(os.name != "posix", reason="the file goes only when the program ends")
def test_the_file_goes_with_the_tensor(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = empty_tensor((1000,), free=10)
    made.fill_(1.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="no early word of a full disk")
def test_a_full_disk_is_a_clear_error(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError, match=r"4,000 bytes.*Set TMPDIR"):
        empty_tensor((1000,), free=10)
    assert list(tmp_path.iterdir()) == []


def test_free_memory_is_a_number_of_bytes_or_unknown():
    free = free_memory()
    assert free is None or free > 1 << 20
