"""Windows are gathered when a batch is taken."""

import torch
from torch.testing import assert_close

from layerwise.data.datasets import Rows
from layerwise.data.window_dataset import WindowDataset


def made(times=30, lookback=5, horizon=3):
    inputs = torch.arange(times * 2.0).reshape(times, 2)
    places = torch.arange(times)
    whole = places >= lookback - 1, places < times - horizon
    return WindowDataset(inputs, inputs[:, :1], places, *whole, lookback, horizon)


def test_a_batch_holds_the_windows_in_the_order_that_was_asked():
    dataset = made()
    batch = dataset.batch(torch.tensor([20, 4]))
    assert_close(batch.inputs, torch.stack([dataset.inputs[16:21], dataset.inputs[0:5]]))
    assert_close(batch.targets, torch.stack([dataset.inputs[21:24, 0], dataset.inputs[5:8, 0]]))
    assert batch.keys.tolist() == [20, 4]


def test_a_slice_and_numbers_give_the_same():
    dataset = made()
    assert_close(dataset.batch(slice(4, 9)).inputs, dataset.batch(torch.arange(4, 9)).inputs)


def test_what_is_not_whole_is_not_given():
    batch = made().batch(torch.tensor([3, 28]))
    assert batch.inputs[0].isnan().all()
    assert batch.inputs[1].isfinite().all()
    assert batch.targets[1].isnan().all()


def test_memory_grows_with_the_times_not_with_the_windows():
    dataset = made(times=1000, lookback=300)
    held = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes()
            for t in vars(dataset).values() if isinstance(t, torch.Tensor)}  # fmt: skip
    assert sum(held.values()) < 30_000


def test_the_engine_takes_some_rows_without_copying_them():
    rows = Rows(made(), torch.tensor([10, 12, 14]))
    assert not hasattr(rows, "arrange")
    assert rows.batch(torch.tensor([2, 0])).keys.tolist() == [14, 10]


def test_a_series_shorter_than_a_window_gives_nothing():
    batch = made(times=4).batch(torch.arange(4))
    assert batch.inputs.shape == (4, 5, 2)
    assert batch.inputs.isnan().all()


def test_can_be_had_in_double_precision():
    dataset = made().to(torch.float64)
    assert dataset.batch(torch.tensor([5])).inputs.dtype == torch.float64
    assert made().to("cpu").batch(torch.tensor([5])).inputs.dtype == torch.float32
