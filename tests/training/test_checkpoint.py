import contextlib
import hashlib
import json
import math
import os
import pickle
import struct
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from layerwise.errors import RunError
from layerwise.training.checkpoint import (
    LARGEST_MANIFEST,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)

STATE = {
    "place": {"stage": 0, "epoch": 2},
    "optimizer": {"state": {0: {"step": torch.tensor(3.0), "m": torch.arange(6.0).view(2, 3)}}},
    "list": [1, None, "é", torch.tensor([True]), [0.1, math.inf]],
    "weights": torch.arange(4, dtype=torch.bfloat16),
}


def assert_alike(one, other):
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_alike(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_alike(a, b)
    else:
        assert one == other


def test_a_state_comes_back_with_its_types(tmp_path):
    step, state = load_checkpoint(save_checkpoint(tmp_path, 7, STATE))
    assert step == 7
    assert_alike(state, STATE)


def test_the_two_newest_stay(tmp_path):
    for step in (1, 2, 10):
        save_checkpoint(tmp_path, step, STATE)
    assert sorted(path.stem for path in tmp_path.glob("*.json")) == ["000000002", "000000010"]
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_no_folder_of_checkpoints_means_none(tmp_path):
    assert newest_checkpoint(tmp_path / "none") is None


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_every_flipped_bit_is_found_and_the_one_before_is_used(tmp_path, suffix):
    save_checkpoint(tmp_path, 1, STATE)
    path = save_checkpoint(tmp_path, 2, STATE).with_suffix(suffix)
    whole = path.read_bytes()
    for bit in range(0, len(whole) * 8, max(1, len(whole) * 8 // 60)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        step, _, refused = newest_checkpoint(tmp_path)
        assert step == 1
        assert "000000002" in refused[0]
    path.write_bytes(whole)
    assert newest_checkpoint(tmp_path)[0] == 2


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_a_file_cut_at_any_of_ten_points_is_refused_by_name_and_the_one_before_is_used(
    tmp_path, suffix
):
    save_checkpoint(tmp_path, 2, STATE)
    path = save_checkpoint(tmp_path, 3, STATE).with_suffix(suffix)
    whole = path.read_bytes()
    for length in [0, 1, 7, 8, 9, len(whole) - 1, *(len(whole) * k // 5 for k in range(1, 5))]:
        path.write_bytes(whole[:length])
        step, _, refused = newest_checkpoint(tmp_path)
        assert step == 2
        assert len(refused) == 1
        assert "000000003" in refused[0]


def test_with_no_whole_checkpoint_each_is_named_and_what_to_do(tmp_path):
    for step in (2, 3):
        save_checkpoint(tmp_path, step, STATE).write_bytes(b"")
    with pytest.raises(RunError, match=r"000000003.*000000002.*remove that folder"):
        newest_checkpoint(tmp_path)


def test_tensors_without_their_json_and_parts_of_killed_saves_go(tmp_path):
    for name in ("000000001.safetensors", "000000009.json.part", "000000002.safetensors.part"):
        (tmp_path / name).write_bytes(b"half")
    save_checkpoint(tmp_path, 2, STATE)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "000000002.json",
        "000000002.safetensors",
    ]


def test_a_newer_damaged_one_does_not_push_out_the_one_before(tmp_path):
    for step in (5, 10):
        save_checkpoint(tmp_path, step, STATE)
    (tmp_path / "000000010.json").write_bytes(b"damaged")
    save_checkpoint(tmp_path, 6, STATE)
    assert sorted(path.stem for path in tmp_path.glob("*.json")) == ["000000005", "000000006"]


def test_tied_weights_and_views_of_one_buffer_come_back(tmp_path):
    flat = torch.arange(6.0)
    state = {"tied": [flat, flat], "views": [flat[:4].view(2, 2), flat[2:]], "turned": flat[::2]}
    assert_alike(load_checkpoint(save_checkpoint(tmp_path, 1, state))[1], state)


class Burglar:
    """A pickle that leaves a trace where it is loaded."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def manifest(content):
    """A manifest with a valid checksum, as its writer could be an enemy."""
    text = content if isinstance(content, str) else json.dumps(content)
    return f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}".encode()


def hostile(blob=None, **changes):
    """Manifest and tensors of step 3, valid but for what is changed."""
    blob = save({"000000": torch.ones(2)}) if blob is None else blob
    known = {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()}
    content = {"format": 1, "step": 3, "tensors": known, "state": {"items": []}}
    return manifest({**content, **changes}), blob


def header(text, length=None):
    """A safetensors file with this header."""
    return struct.pack("<Q", len(text) if length is None else length) + text.encode()


def tensor_header(**entry):
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **entry}
    return header(json.dumps({"000000": entry})) + bytes(8)


HOSTILE = {
    "a pickle as manifest": lambda burglar, _: (burglar, b""),
    "a pickle as tensors": lambda burglar, _: hostile(burglar),
    "a torch file as tensors": lambda _, torch_file: hostile(torch_file),
    "a header of 2^63 bytes": lambda *_: hostile(header("{}", 1 << 63)),
    "a header of 4 GB": lambda *_: hostile(header("{}", 1 << 32)),
    "a header that nests": lambda *_: hostile(header("[" * 1_000_000)),
    "a shape of 2^124 numbers": lambda *_: hostile(tensor_header(shape=[1 << 62, 1 << 62])),
    "offsets outside of the file": lambda *_: hostile(tensor_header(data_offsets=[0, 1 << 40])),
    "a manifest that nests": lambda *_: (manifest("[" * 1_000_000), b""),
    "a state that nests": lambda *_: (
        manifest(hostile()[0].decode().partition("\n")[2].replace(
            '{"items": []}', '{"list": [' * 50_000 + "]}" * 50_000)), hostile()[1]),
    "a step that is no number": lambda *_: hostile(step=math.nan),
    "a number of a million digits": lambda *_: (manifest('{"format": 1' + "0" * 1_000_000), b""),
    "a tensor of another folder": lambda *_: hostile(state={"items": [["a", {"tensor": "../x"}]]}),
    "keys that are lists": lambda *_: hostile(state={"items": [[[], 1]]}),
    "bytes that are text": lambda *_: hostile(tensors={"bytes": "all", "sha256": ""}),
    "a state that is a list": lambda *_: hostile(state={"list": []}),
    "no dict at all": lambda *_: (manifest("[]"), b""),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_with_a_valid_checksum_runs_nothing_and_is_one_error(name, tmp_path):
    trace, folder = tmp_path / "it ran", tmp_path / "checkpoints"
    torch.save({"weights": Burglar(trace)}, tmp_path / "burglar.pt")
    save_checkpoint(folder, 2, STATE)
    text, blob = HOSTILE[name](pickle.dumps(Burglar(trace)), (tmp_path / "burglar.pt").read_bytes())
    (folder / "000000003.json").write_bytes(text)
    (folder / "000000003.safetensors").write_bytes(blob)
    (folder / ".metadata").write_bytes(pickle.dumps(Burglar(trace)))
    with pytest.raises(RunError, match="000000003"):
        load_checkpoint(folder / "000000003.json")
    assert newest_checkpoint(folder)[0] == 2
    assert not trace.exists()


def test_a_manifest_beyond_any_size_is_not_read_whole(tmp_path):
    path = save_checkpoint(tmp_path, 3, STATE)
    with open(path, "r+b") as file:
        file.truncate(100 * LARGEST_MANIFEST)  # a hole: it takes no room on the disk
    with pytest.raises(RunError, match="000000003"):
        load_checkpoint(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    path = save_checkpoint(tmp_path, 3, STATE)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(RunError, match="is missing or no file"):
        load_checkpoint(path)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 kB; mounting needs rights that not every machine gives."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "layerwise", str(folder)]
    with contextlib.suppress(OSError):
        if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            yield folder
            subprocess.run(["umount", str(folder)], check=True)
            return
    pytest.skip("file systems cannot be mounted here")


def test_a_full_disk_leaves_the_earlier_checkpoint_and_names_path_and_bytes(small_disk):
    save_checkpoint(small_disk, 1, STATE)
    large = {**STATE, "large": torch.zeros(100_000)}
    with pytest.raises(RunError) as caught:
        save_checkpoint(small_disk, 2, large)
    text = str(caught.value)
    assert str(small_disk / "000000002.safetensors") in text
    assert "needs 400," in text
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    assert f"({os.strerror(28)}; {free:,} bytes are free)" in text
    step, state, refused = newest_checkpoint(small_disk)
    assert (step, refused) == (1, [])
    assert_alike(state, STATE)
    assert not list(Path(small_disk).glob("*.part"))


def test_another_format_is_refused(tmp_path):
    path = save_checkpoint(tmp_path, 3, STATE)
    text = path.read_text().partition("\n")[2]
    text = json.dumps({**json.loads(text), "format": 99})
    from layerwise.training.checkpoint import _digest

    path.write_text(f"{_digest(text)}\n{text}")
    with pytest.raises(RunError, match="has format 99"):
        load_checkpoint(path)
