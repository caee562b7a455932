import json
import math

import pytest
import torch

from layerwise.errors import RunError
from layerwise.training.checkpoint import load_checkpoint, newest_checkpoint, save_checkpoint

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


def test_a_cut_file_is_refused_by_name(tmp_path):
    path = save_checkpoint(tmp_path, 3, STATE)
    for part in (path, path.with_suffix(".safetensors")):
        whole = part.read_bytes()
        part.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(RunError, match="000000003"):
            newest_checkpoint(tmp_path)
        part.write_bytes(whole)


def test_another_format_is_refused(tmp_path):
    path = save_checkpoint(tmp_path, 3, STATE)
    text = path.read_text().partition("\n")[2]
    text = json.dumps({**json.loads(text), "format": 99})
    from layerwise.training.checkpoint import _digest

    path.write_text(f"{_digest(text)}\n{text}")
    with pytest.raises(RunError, match="has format 99"):
        load_checkpoint(path)
