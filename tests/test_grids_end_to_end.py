"""Grids from the file to the report and back to a file, in the units and calendar of the data."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from grid_cases import coarse_and_fine, dataset, written
from PIL import Image

from layerwise import Learner
from layerwise.cli import main
from layerwise.contracts import Target
from layerwise.data import read
from layerwise.data.grids import as_fields
from layerwise.data.roles import Roles
from layerwise.data.split import split_rows

REAL = Path(os.environ.get("LAYERWISE_DATA", Path(__file__).parents[2] / "shared" / "data"))
SMALL = ("--network.width", "2", "--network.depth", "1", "--threads", "1")


def test_a_run_of_a_360_day_calendar_is_reported_and_predicts_netcdf(tmp_path, capsys):
    path = written(dataset(calendar="360_day"), tmp_path / "a.nc")
    run, out = tmp_path / "run", tmp_path / "out.nc"
    words = ["--data.coarsen", "4", "--epochs", "2", "--folder", str(run), *SMALL]
    assert main(["fit", str(path), *words]) == 0
    said = capsys.readouterr().out
    assert "task       downscale, because the data are fields on a grid" in said
    assert "unet" in said
    results = json.loads((run / "results.json").read_text())
    assert results["headline"]["metric"] == "rmse"
    assert [one["name"] for one in results["baselines"]] == [
        "bilinear", "bicubic", "climatology", "corrected_bicubic",
    ]  # fmt: skip
    assert results["verdict"]["baseline"] == "corrected_bicubic"
    assert {file.stem for file in (run / "figures").glob("*.svg")} >= {
        "fields", "field_bias", "power_spectrum",
    }  # fmt: skip
    assert "Mean error by cell" in (run / "report.html").read_text()
    assert main(["predict", str(run), str(path), "--out", str(out)]) == 0
    with xr.open_dataset(out) as said, xr.open_dataset(path) as given:
        assert said["time"].dt.calendar == "360_day"
        xr.testing.assert_equal(said["time"], given["time"])
        np.testing.assert_array_equal(said["lat"], given["lat"])
        assert said["lat"].attrs == given["lat"].attrs
        assert said["tas"].attrs["units"] == "K"
        assert said["tas"].dims == ("time", "lat", "lon")
        assert float(np.sqrt(((said["tas"] - given["tas"]) ** 2).mean())) < 2


def test_a_coarse_file_alone_is_refined_to_the_grid_of_training(tmp_path):
    data = coarse_and_fine()
    path = written(data[["tas"]], tmp_path / "a.nc")
    learner = Learner(network_options={"width": 2, "depth": 1}, data_options={"coarsen": 4},
                      epochs=1, baselines="none").fit(str(path))  # fmt: skip
    whole = learner.predict(str(path))
    assert whole.shape == (24, 12, 16)
    areas = np.cos(np.deg2rad(data["lat"]))
    weighted = (data["tas"] * areas).coarsen(lat=4, lon=4).sum()
    blocks = weighted / (xr.ones_like(data["tas"]) * areas).coarsen(lat=4, lon=4).sum()
    blocks.attrs = data["tas"].attrs
    for side in ("lat", "lon"):
        blocks[side].attrs = data[side].attrs
    coarse = written(blocks.to_dataset(name="tas"), tmp_path / "coarse.nc")
    np.testing.assert_allclose(learner.predict(str(coarse)), whole, atol=1e-3)
    made = learner.predict_fields(str(coarse))
    np.testing.assert_array_equal(made["lat"], data["lat"])
    assert learner.score(str(path)) < 0, "minus the error"


def test_two_variables_of_one_file_with_a_number_over_time(tmp_path):
    path = written(coarse_and_fine(), tmp_path / "a.nc")
    learner = Learner(
        network_options={"width": 2, "depth": 1}, data_options={"variable": "coarse,co2"},
        epochs=1, baselines="none",
    ).fit(str(path), target="tas")  # fmt: skip
    assert learner.model_.preparation.input_shape == (4, 12, 16)
    assert learner.results_["headline"]["rows"] == 4
    made = learner.predict_fields(str(path))
    assert set(made.data_vars) == {"tas"}


def test_a_folder_of_images_is_refined_from_coarser_ones(tmp_path):
    chance = np.random.default_rng(0)
    for number in range(30):
        pixels = chance.integers(0, 256, (8, 8)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    learner = Learner(
        task="downscale", network_options={"width": 2, "depth": 1}, data_options={"coarsen": 2},
        epochs=1, baselines="none",
    ).fit(str(tmp_path))  # fmt: skip
    assert learner.model_.target.names == ("grey",)
    assert learner.predict(str(tmp_path)).shape == (30, 8, 8)


@pytest.mark.skipif(not (REAL / "climate").is_dir(), reason="LAYERWISE_DATA is absent")
def test_the_climate_projection_is_split_by_years(monkeypatch):
    monkeypatch.setenv("LAYERWISE_DATA", str(REAL))
    source = as_fields(read("climate"), {})
    assert source.whole.fine.shape == (240, 1, 36, 48)
    assert source.whole.coarse.shape == (240, 1, 9, 12)
    assert "calendar 360_day" in source.notes[0]
    split = split_rows(source, Roles((), time="time"), Target("field", source.target))
    assert split.counts() == {"train": 168, "validation": 36, "test": 36}
    assert source.frame["time"].iloc[split.rows("test")[0]] == "2064-06-01"
