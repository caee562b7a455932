"""Maps and spectra of judged fields."""

import numpy as np
import pytest
import torch
from grid_cases import dataset, written

from layerwise.contracts import Target
from layerwise.data import read
from layerwise.data.grid_preparation import GridPreparation
from layerwise.data.grids import as_fields
from layerwise.data.roles import Roles
from layerwise.evaluation.grid_specimens import root_mean_square, show, spectra
from layerwise.tasks.downscale import Downscale


class One(torch.nn.Module):
    """Adds one deviation everywhere."""

    def forward(self, inputs):
        return torch.ones_like(inputs[:, :1])


def shown(folder, rows):
    source = as_fields(read(str(written(dataset(), folder / "a.nc")), options={"coarsen": 4}), {})
    target = Target("field", source.target)
    preparation = GridPreparation.fit(source, Roles((), time="time"), target, np.arange(12))
    return show(One(), Downscale(target), preparation, source, rows, seed=0), source, preparation


def test_shows_the_first_the_middle_and_the_last_judged_row(tmp_path):
    made, source, preparation = shown(tmp_path, np.arange(12, 24))
    arrays = made["arrays"]
    np.testing.assert_array_equal(arrays["truth"], source.whole.fine[[12, 18, 23], 0])
    np.testing.assert_array_equal(arrays["input"], source.whole.coarse[[12, 18, 23], 0])
    added = float(preparation.tensors()["residual_scale"])
    np.testing.assert_allclose(
        arrays["bias"][0] - arrays["bias"][1], added, rtol=1e-3
    )  # the best interpolation is the corrected one, which the network starts from
    assert arrays["best"] == [2]
    assert arrays["correlation"].shape == (2, 12, 16)
    np.testing.assert_allclose(arrays["correlation"][0], arrays["correlation"][1], atol=1e-3)
    assert "2001-01-01, 2001-07-01, 2001-12-01" in made["sentences"][0]
    assert [row[0] for row in made["tables"][0]["rows"]] == [
        "network", "bilinear", "bicubic", "corrected bicubic",
    ]  # fmt: skip


def test_few_rows_make_no_correlation_over_times(tmp_path):
    made, _, _ = shown(tmp_path, np.arange(20, 24))
    assert "correlation" not in made["arrays"]
    assert made["arrays"]["bias"].shape == (2, 12, 16)


def test_the_power_of_a_wave_stands_at_its_length():
    x = np.arange(64)
    wave = np.broadcast_to(np.sin(2 * np.pi * x / 8), (3, 64, 64))
    frequency, power, twice = spectra([wave, 2 * wave])
    assert frequency[power.argmax()] == pytest.approx(1 / 8)
    np.testing.assert_allclose(twice, 4 * power)


def test_a_missing_cell_does_not_count():
    error = np.array([[[1.0, np.nan]], [[3.0, 2.0]]])
    assert root_mean_square(error, np.array([[1.0, 2.0]])) == pytest.approx(
        ((1 + 9 + 8) / 4) ** 0.5
    )
