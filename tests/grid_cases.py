"""Small grids: a fine field that a coarse one tells, up to a pattern of its own."""

import numpy as np
import xarray as xr

LATITUDES, LONGITUDES = np.arange(0.0, 60.0, 5.0), np.arange(10.0, 42.0, 2.0)  # 12 x 16 cells


def fields(times=24, seed=0, latitudes=LATITUDES, longitudes=LONGITUDES):
    """(times, 12, 16) kelvins: a gradient, a wave that moves, and a pattern that stays."""
    chance = np.random.default_rng(seed)
    y, x = np.meshgrid(latitudes, longitudes, indexing="ij")
    t = np.arange(times)[:, None, None]
    still = chance.normal(size=y.shape)
    return (290 - 0.5 * y + 3 * np.sin(0.2 * x + t) + 0.1 * t + still).astype(np.float32)


def months(times=24, calendar="standard"):
    return xr.date_range("2000-01-01", periods=times, freq="MS", calendar=calendar,
                         use_cftime=calendar != "standard")  # fmt: skip


def dataset(values=None, name="tas", calendar="standard", units="K", **changed):
    """One variable on (time, lat, lon); ``changed`` replaces coordinates."""
    values = fields() if values is None else values
    coordinates = {"time": months(len(values), calendar), "lat": LATITUDES, "lon": LONGITUDES}
    coordinates |= changed
    coordinates = {key: one for key, one in coordinates.items() if one is not None}
    made = xr.Dataset({name: (("time", "lat", "lon"), values)}, coordinates)
    made[name].attrs = {"units": units, "standard_name": "air_temperature"}
    for side, words in (("lat", "degrees_north"), ("lon", "degrees_east")):
        if side in made.coords:
            made[side].attrs["units"] = words
    return made


def coarse_and_fine():
    """ "coarse" on 3 x 4 cells, its block means "tas" on 12 x 16, and "co2" over time."""
    fine = dataset()
    values = fine["tas"].values.reshape(24, 3, 4, 4, 4).mean(axis=(2, 4))
    coarse = xr.DataArray(
        values,
        dims=("time", "y_coarse", "x_coarse"),
        coords={
            "y_coarse": ("y_coarse", LATITUDES.reshape(3, 4).mean(axis=1), {"axis": "Y"}),
            "x_coarse": ("x_coarse", LONGITUDES.reshape(4, 4).mean(axis=1), {"axis": "X"}),
        },
        attrs=dict(fine["tas"].attrs),
    )
    co2 = xr.DataArray(np.linspace(300, 400, 24).astype(np.float32), dims=("time",),
                       attrs={"units": "ppm"})  # fmt: skip
    return fine.assign(coarse=coarse, co2=co2)


def written(data, path):
    """The path of a NetCDF file or, by its name, of a Zarr store."""
    if str(path).endswith(".zarr"):
        data.to_zarr(path, consolidated=False)
    else:
        data.to_netcdf(path, engine="netcdf4")
    return path
