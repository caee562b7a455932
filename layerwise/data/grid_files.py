"""NetCDF files and Zarr stores, opened through xarray (the extra "climate")."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pandas import DataFrame

from layerwise.data.source import Source
from layerwise.errors import DataError

SUFFIXES = (".nc", ".nc4", ".netcdf", ".cdf")
ZARR_MARKS = ("zarr.json", ".zgroup", ".zmetadata", ".zarray")
NEEDED = "pip install 'layerwise[climate]'"


@dataclass(frozen=True)
class GridFile:
    """A file of variables on grids, not read yet.

    dataset : of xarray
    name : short, for sentences
    """

    dataset: Any
    name: str


def is_grid_file(path: Path, head: bytes) -> bool:
    """Whether a file is NetCDF: by its name, or by the mark of the classic format."""
    return path.suffix.lower() in SUFFIXES or head[:4] in (b"CDF\x01", b"CDF\x02", b"CDF\x05")


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a Zarr store."""
    return any((folder / mark).is_file() for mark in ZARR_MARKS)


def read_grid(path: Path) -> Source:
    """The variables of a NetCDF file or Zarr store; what is learned of them is decided later."""
    grid = open_grid(path)
    about = str(grid.dataset.attrs.get("title", "")).strip().splitlines()
    return Source(
        path.resolve().name.split(".")[0], DataFrame(index=range(0)), form="grid", whole=grid,
        about=about[0][:80] if about else "",
    )  # fmt: skip


def open_grid(path: Path) -> GridFile:
    """Open a file or store; times become dates of their calendar.

    Raises DataError where the extra is missing, and where the file is damaged.
    """
    xarray = loaded(path)
    try:
        if path.is_dir():
            dataset = xarray.open_zarr(path, consolidated=False, chunks=None)
        else:
            dataset = xarray.open_dataset(path, engine="netcdf4")
    except ImportError as error:
        raise DataError(f"{path} needs {error.name or 'netCDF4'}: {NEEDED}") from None
    except Exception as error:  # each backend has its own
        raise _unreadable(path, error) from None
    if not dataset.data_vars:
        raise DataError(f"{path} holds no variables. Give a file with at least one on a grid.")
    return GridFile(dataset, path.name)


def loaded(path: Path | str) -> Any:
    """The module xarray; DataError where the extra is missing."""
    try:
        import netCDF4  # noqa: F401  # xarray itself would only say that it finds no engine
        import xarray
    except ImportError:
        raise DataError(f"{path} needs xarray and netCDF4: {NEEDED}") from None
    return xarray


def _unreadable(path: Path, error: Exception) -> DataError:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    if "time" in said and "decode" in said:
        return DataError(
            f"The times of {path} cannot be read ({said}). Their attribute units must be like "
            "'days since 1850-01-01', with the attribute calendar where it is no ordinary one."
        )
    kind = "Zarr store" if path.is_dir() else "NetCDF file"
    return DataError(
        f"{path} is damaged or no {kind} ({said}). Get it anew, or write it with xarray."
    )
