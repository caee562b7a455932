"""Grids become pairs of fields: which coordinates, variables, levels and times are taken."""

import numpy as np
import pytest
import xarray as xr
from grid_cases import LATITUDES, LONGITUDES, coarse_and_fine, dataset, fields, written

from layerwise.contracts import Target
from layerwise.data import read
from layerwise.data.roles import Roles
from layerwise.data.shaping import shaped
from layerwise.data.split import split_rows


def paired(path, wanted=None, **options):
    return shaped(read(str(path), options=options), "", wanted or {})


@pytest.mark.parametrize("file", ["a.nc", "a.zarr"])
def test_a_file_and_a_store_become_coarse_and_fine_fields(tmp_path, file):
    source = paired(written(dataset(), tmp_path / file), coarsen=4)
    whole = source.whole
    assert (source.form, source.target, source.roles) == ("grid", ("tas",), {"time": "time"})
    assert list(source.frame["time"][:2]) == ["2000-01-01", "2000-02-01"]
    np.testing.assert_array_equal(whole.fine[:, 0], fields())
    areas = np.cos(np.deg2rad(LATITUDES[:4]))
    by_hand = (fields()[0, :4, :4] * areas[:, None]).sum() / (4 * areas.sum())
    assert whole.coarse[0, 0, 0, 0] == pytest.approx(by_hand, rel=1e-6)
    assert whole.coarse.shape == (24, 1, 3, 4)
    np.testing.assert_allclose(whole.coarse_sides[1].values, [13, 21, 29, 37])
    assert whole.units == {"tas": "K"}
    assert "latitude is 'lat' (12 places, 0 to 55 degrees_north)" in source.notes[0]


def test_attributes_say_which_side_is_which_before_names_do(tmp_path):
    data = dataset().rename(lat="x", lon="y")
    data["x"].attrs, data["y"].attrs = {"axis": "Y"}, {"standard_name": "longitude"}
    whole = paired(written(data, tmp_path / "a.nc"), coarsen=4).whole
    assert [side.name for side in whole.fine_sides] == ["x", "y"]
    np.testing.assert_array_equal(whole.fine[:, 0], fields())


def test_dimensions_in_another_order_are_turned(tmp_path):
    data = dataset().transpose("lon", "time", "lat")
    np.testing.assert_array_equal(
        paired(written(data, tmp_path / "a.nc"), coarsen=4).whole.fine[:, 0], fields()
    )


def test_what_blocks_do_not_divide_is_left_out_and_said(tmp_path):
    source = paired(written(dataset(), tmp_path / "a.nc"), coarsen=5)
    assert source.whole.fine.shape[2:] == (10, 15)
    assert source.whole.coarse.shape[2:] == (2, 3)
    assert any("the last 2 rows and 1 column of cells are left out" in n for n in source.notes)


def test_coarse_and_fine_fields_of_one_file_with_numbers_over_time(tmp_path):
    path = written(coarse_and_fine(), tmp_path / "a.nc")
    source = paired(path, {"target": "tas"}, variable="coarse,co2")
    whole = source.whole
    assert (whole.channels, whole.scalar_names, whole.targets) == (("coarse",), ("co2",), ("tas",))
    assert whole.own == (0,), "the same standard name and units: it is what is refined"
    assert whole.coarse.shape[2:] == (3, 4)
    assert whole.fine.shape[2:] == (12, 16)
    np.testing.assert_allclose(whole.scalars[[0, -1], 0], [300, 400])


def test_fine_fields_of_a_second_file_at_the_times_that_both_have(tmp_path):
    data = coarse_and_fine()
    coarse = data[["coarse"]].isel(time=slice(0, 20)).rename(coarse="tas")
    first = written(coarse, tmp_path / "coarse.nc")
    second = written(data[["tas"]].isel(time=slice(4, 24)), tmp_path / "fine.nc")
    source = shaped(read(str(first), targets=str(second)), "", {"targets": str(second)})
    assert source.whole.coarse.shape == (16, 1, 3, 4)
    np.testing.assert_array_equal(source.whole.fine[:, 0], fields()[4:20])
    assert any("16 of 20 times" in note for note in source.notes)


def test_levels_are_picked_and_several_are_channels(tmp_path):
    data = dataset().expand_dims(plev=[850.0, 500.0], axis=1).copy()
    data["tas"] = data["tas"] + xr.DataArray([0.0, -40.0], dims="plev")
    path = written(data, tmp_path / "a.nc")
    one = paired(path, coarsen=4, level=500).whole
    assert one.targets == ("tas@500",)
    np.testing.assert_allclose(one.fine[:, 0], fields() - 40)
    both = paired(path, coarsen=4, level="850,500").whole
    assert both.channels == both.targets == ("tas@850", "tas@500")
    assert both.own == (0, 1)


def test_times_are_picked_by_a_range(tmp_path):
    path = written(dataset(), tmp_path / "a.nc")
    assert list(paired(path, coarsen=4, times="2001-03:2001-05").frame["time"]) == [
        "2001-03-01", "2001-04-01", "2001-05-01",
    ]  # fmt: skip
    assert len(paired(path, coarsen=4, times=2000).frame) == 12
    assert len(paired(path, coarsen=4, times="2000-12:").frame) == 13


def test_a_calendar_of_360_days_is_split_by_time(tmp_path):
    days = xr.date_range("2000-02-20", periods=24, freq="D", calendar="360_day", use_cftime=True)
    source = paired(written(dataset(time=days), tmp_path / "a.nc"), coarsen=4)
    assert source.whole.time.dt.calendar == "360_day"
    years = source.frame["time"].to_numpy()
    assert years[0] == pytest.approx(2000 + 49 / 360), "the 30th of February is no date of ours"
    split = split_rows(source, Roles((), time="time"), Target("field", ("tas",)))
    assert split.method == "time"
    assert split.rows("test").tolist() == [20, 21, 22, 23]


def test_missing_cells_are_counted_and_stay_missing(tmp_path):
    values = fields()
    values[:, :2, :2] = np.nan
    source = paired(written(dataset(values), tmp_path / "a.nc"), coarsen=4)
    assert np.isnan(source.whole.fine[:, 0, :2, :2]).all()
    assert not np.isnan(source.whole.coarse).any(), "a block has other cells"
    assert any("2.1% of the cells of the target 'tas' are missing" in n for n in source.notes)


def test_a_variable_with_a_single_member_loses_that_dimension(tmp_path):
    data = dataset().expand_dims(member=[3])
    assert paired(written(data, tmp_path / "a.nc"), coarsen=4).whole.fine.shape == (24, 1, 12, 16)


def test_the_fine_grid_may_count_longitudes_from_minus_180(tmp_path):
    data = coarse_and_fine()
    data["x_coarse"] = ("x_coarse", data["x_coarse"].values + 180, {"units": "degrees_east"})
    data["lon"] = ("lon", LONGITUDES - 180, {"units": "degrees_east"})
    first = written(data[["coarse"]], tmp_path / "coarse.nc")
    second = written(data[["tas"]], tmp_path / "fine.nc")
    whole = shaped(read(str(first), targets=str(second)), "", {"targets": str(second)}).whole
    np.testing.assert_allclose(whole.fine_sides[1].values, LONGITUDES + 180)
