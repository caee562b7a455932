"""Bad grids through the whole chain: one text that says what, where and what to do."""

import builtins
import sys

import numpy as np
import pytest
import xarray as xr
from grid_cases import LATITUDES, coarse_and_fine, dataset, fields, months, written
from refusals import refused

from layerwise.cli import main

C = ("--data.coarsen", "4")


def with_levels():
    return dataset().expand_dims(plev=[850.0, 500.0], axis=1)


def out_of_order():
    order = [0, 1, 3, 2, *range(4, 24)]
    return dataset(time=months()[order])


def with_time(place, value):
    times = months().to_numpy().copy()
    times[place] = value
    return dataset(time=times)


def infinite():
    values = fields()
    values[3, 4, 5] = np.inf
    return dataset(values)


def shifted():
    data = coarse_and_fine()
    return data.assign_coords(lat=("lat", LATITUDES + 30, {"units": "degrees_north"}))


def two_variables():
    return dataset().assign(pr=dataset()["tas"] * 2)


def of_other_grid():
    data = dataset()
    half = data["tas"].isel(lat=slice(0, 6)).rename(lat="y")
    return data.assign(half=half)


def decoded_badly():
    data = dataset(time=np.arange(24.0))
    data["time"].attrs["units"] = "moons since yesterday"
    return data


BAD = {  # kind: (dataset, words after the file, what is told)
    "a grid without coordinates": (dataset(lat=None), C, "'lat' of 'tas' in a.nc has no coord"),
    "no sides of a known name": (
        dataset().drop_vars(["lat", "lon"]).rename(lat="rows", lon="columns"), C,
        "has no variable on a grid",
    ),
    "no time": (dataset().isel(time=0, drop=True), C, "the rows of a grid are its times"),
    "times without coordinates": (dataset(time=None), C, "the order of its times is not known"),
    "times out of order": (out_of_order(), C, "out of order: 2000-03-01 comes after 2000-04-01"),
    "a time twice": (with_time(5, np.datetime64("2000-05-01")), C, "2000-05-01 is in a.nc twice"),
    "a missing time": (with_time(5, np.datetime64("NaT")), C, "time of a.nc is missing"),
    "times that cannot be decoded": (decoded_badly(), C, "times of a.nc cannot be read"),
    "latitudes that go up and down": (
        dataset(lat=np.r_[LATITUDES[:6], LATITUDES[4], LATITUDES[7:]]), C, "must rise or fall",
    ),
    "all missing": (dataset(np.full_like(fields(), np.nan)), C, "all 4,608 are missing"),
    "infinite values": (infinite(), C, "infinite values"),
    "a variable that is not there": (
        two_variables(), (*C, "--data.variable", "pt"),
        "no variable 'pt' in a.nc. There are: tas, pr",
    ),
    "several variables and none named": (two_variables(), C, "Name one or several with --data.var"),
    "several inputs and no target": (
        two_variables(), (*C, "--data.variable", "tas,pr"), "Name it with --target",
    ),
    "nothing said of what is refined": (dataset(), (), "Give --data.coarsen 4"),
    "a level needed and not picked": (with_levels(), C, "has 2 levels ('plev': 850, 500)"),
    "a level that is not there": (
        with_levels(), (*C, "--data.level", "700"), "There is no level 700 of 'tas'",
    ),
    "a level of what has none": (dataset(), (*C, "--data.level", "500"), "in a.nc has none"),
    "a level of words": (with_levels(), (*C, "--data.level", "top"), "must be numbers"),
    "times that are not there": (
        dataset(), (*C, "--data.times", "1990:1995"), "picks no time of a.nc, which has 2000-01-01",
    ),
    "blocks larger than the grid": (
        dataset(), ("--data.coarsen", "20"), "blocks larger than the grid, which has 12 x 16",
    ),
    "blocks of one cell": (dataset(), ("--data.coarsen", "1"), "a whole number above 1"),
    "grids of different areas": (
        shifted(), ("--data.variable", "coarse", "--target", "tas"),
        "do not cover the same area: the latitude of 'coarse' goes from -2.5 to 57.5",
    ),
    "a member dimension": (
        dataset().expand_dims(member=[1, 2]), C, "neither time, level, latitude nor longitude",
    ),
    "variables on two grids": (
        of_other_grid(), (*C, "--data.variable", "tas,half", "--target", "tas"), "different grids",
    ),
    "a target that is no field": (
        coarse_and_fine(), ("--data.variable", "coarse", "--target", "co2"), "'co2' is no field",
    ),
    "no field among the inputs": (
        coarse_and_fine(), ("--data.variable", "co2", "--target", "tas"), "No input is a field",
    ),
    "a network that answers once per row": (
        dataset(), (*C, "--network", "mlp"), "Choose --network unet",
    ),
    "rows for testing in another file": (dataset(), (*C, "--test", "a.nc"), "divided by time"),
    "fine fields twice": (dataset(), (*C, "--targets", "a.nc"), "Leave one of them out"),
    "a target file that is not there": (dataset(), ("--targets", "b.nc"), "b.nc"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_grid_is_one_error_and_leaves_nothing(kind, tmp_path, monkeypatch, capsys):
    data, words, told = BAD[kind]
    written(data, tmp_path / "a.nc")
    said = refused(["fit", "a.nc", *words], tmp_path, monkeypatch, capsys)
    assert told in said


def test_a_damaged_file_and_a_damaged_store_are_refused(tmp_path, monkeypatch, capsys):
    whole = written(dataset(), tmp_path / "a.nc").read_bytes()
    (tmp_path / "a.nc").write_bytes(whole[: len(whole) // 2])
    said = refused(["fit", "a.nc", *C], tmp_path, monkeypatch, capsys)
    assert "a.nc is damaged or no NetCDF file" in said
    (tmp_path / "b.zarr").mkdir()
    (tmp_path / "b.zarr" / "zarr.json").write_text("{")
    said = refused(["fit", "b.zarr", *C], tmp_path, monkeypatch, capsys)
    assert "b.zarr is damaged or no Zarr store" in said


def test_two_calendars_are_refused(tmp_path, monkeypatch, capsys):
    coarse = coarse_and_fine()[["coarse"]].rename(coarse="tas")
    written(coarse, tmp_path / "a.nc")
    written(dataset(calendar="360_day"), tmp_path / "b.nc")
    said = refused(["fit", "a.nc", "--targets", "b.nc"], tmp_path, monkeypatch, capsys)
    assert "different calendars (360_day, proleptic_gregorian)" in said


def test_files_without_a_common_time_are_refused(tmp_path, monkeypatch, capsys):
    coarse = coarse_and_fine()[["coarse"]].rename(coarse="tas")
    written(coarse, tmp_path / "a.nc")
    later = xr.date_range("2010-01-01", periods=24, freq="MS")
    written(dataset(time=later), tmp_path / "b.nc")
    said = refused(["fit", "a.nc", "--targets", "b.nc"], tmp_path, monkeypatch, capsys)
    assert "share no time" in said


def test_a_missing_extra_is_told(tmp_path, monkeypatch, capsys):
    written(dataset(), tmp_path / "a.nc")
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "netCDF4":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "netCDF4", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    said = refused(["fit", "a.nc", *C], tmp_path, monkeypatch, capsys)
    assert "pip install 'layerwise[climate]'" in said


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run that learned to refine kelvins."""
    folder = tmp_path_factory.mktemp("grids")
    path = written(dataset(), folder / "a.nc")
    words = ["--network.width", "2", "--network.depth", "1", "--epochs", "1", "--threads", "1",
             "--baselines", "none", "--folder", str(folder / "run")]  # fmt: skip
    assert main(["fit", str(path), *C, *words]) == 0
    return folder / "run"


NEW = {  # kind: (dataset, what is told)
    "other units": (
        dataset(fields() - 273.15, units="degC"), "'tas' in new is in degC, in training it was in K"
    ),
    "units that are not written": (dataset(units=""), "is in units that are not written"),
    "another grid": (
        dataset().isel(lat=slice(0, 8)), "another one than in training: 8 x 16 cells",
    ),
    "a variable that is gone": (dataset(name="ta"), "no variable 'tas' in new.nc"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NEW)
def test_a_field_unlike_those_of_training_is_refused(kind, run, tmp_path, monkeypatch, capsys):
    data, told = NEW[kind]
    written(data, tmp_path / "new.nc")
    capsys.readouterr()
    words = ["predict", str(run), "new.nc", "--out", "out.nc"]
    assert told in refused(words, tmp_path, monkeypatch, capsys)


def test_fields_are_written_as_netcdf_alone(run, tmp_path, monkeypatch, capsys):
    written(dataset(), tmp_path / "new.nc")
    capsys.readouterr()
    words = ["predict", str(run), "new.nc", "--out", "out.csv"]
    assert "--out must end in .nc" in refused(words, tmp_path, monkeypatch, capsys)
