"""Batches of tensors: views by slice, rows by number."""

import numpy as np
import torch
from torch import tensor
from torch.testing import assert_close

from layerwise.data.datasets import TensorDataset
from layerwise.data.preparation import as_tensor


def test_batch_by_slice_is_a_view():
    data = TensorDataset(torch.arange(12.0).reshape(6, 2), torch.arange(6))
    batch = data.batch(slice(2, 4))
    assert batch.inputs.data_ptr() == data.inputs[2:].data_ptr()
    assert batch.targets.tolist() == batch.keys.tolist() == [2, 3]
    assert batch.weight is None


def test_batch_by_numbers_takes_all_parts():
    inputs = {"numbers": torch.arange(4.0)[:, None], "codes": torch.arange(4)[:, None]}
    data = TensorDataset(inputs, torch.arange(4), torch.arange(4.0), torch.arange(4) + 10)
    batch = data.batch(tensor([3, 1]))
    assert batch.inputs["numbers"].flatten().tolist() == [3, 1]
    assert batch.inputs["codes"].flatten().tolist() == [3, 1]
    assert batch.weight.tolist() == [3, 1]
    assert batch.keys.tolist() == [13, 11]


def test_arrange_permutes_once_and_keeps_the_keys():
    data = TensorDataset({"numbers": torch.arange(4.0)[:, None]}, torch.arange(4))
    arranged = data.arrange(tensor([3, 0, 2]))
    assert len(arranged) == 3
    batch = arranged.batch(slice(0, 2))
    assert batch.inputs["numbers"].data_ptr() == arranged.inputs["numbers"].data_ptr()
    assert batch.keys.tolist() == batch.targets.tolist() == [3, 0]


def test_memory_mapped_rows_are_read_when_asked_for(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(20, dtype=np.uint8).reshape(10, 2))
    stored = np.load(tmp_path / "x.npy", mmap_mode="r")
    data = TensorDataset(as_tensor(stored), prepare=lambda raw: raw.float() / 2)
    assert_close(data.batch(tensor([4])).inputs, tensor([[4.0, 4.5]]))
    assert_close(data.arrange(tensor([9])).batch(slice(0, 1)).inputs, tensor([[9.0, 9.5]]))


def test_to_moves_every_part():
    data = TensorDataset({"numbers": torch.zeros(2, 1)}, torch.zeros(2)).to("meta")
    batch = data.batch(slice(0, 1))
    assert batch.inputs["numbers"].device.type == batch.targets.device.type == "meta"
    assert batch.keys.device.type == "meta"
