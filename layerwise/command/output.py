"""Predictions as a file for others: CSV, Parquet, JSON lines or npz, by its suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pandas import DataFrame

from layerwise.errors import SettingsError, nearest
from layerwise.run import write_whole


def writer(file: str) -> Callable[[DataFrame], None]:
    """Give the function that writes a table to ``file``; SettingsError for an unknown suffix."""
    path = Path(file)
    if path.suffix.lower() not in WRITERS:
        raise SettingsError(
            f"--out must end in {', '.join(WRITERS)}; got '{file}'."
            f"{nearest(path.suffix, WRITERS) if path.suffix else ''}"
        )
    write = WRITERS[path.suffix.lower()]
    return lambda frame: write_whole(path, lambda beside: write(frame, beside))


def writer_of_fields(file: str) -> Callable[[Any], None]:
    """Give the function that writes an xarray Dataset as NetCDF; SettingsError for other names."""
    path = Path(file)
    if path.suffix.lower() not in (".nc", ".nc4"):
        raise SettingsError(
            f"This run predicts fields on a grid: --out must end in .nc; got '{file}'."
        )
    return lambda dataset: write_whole(
        path, lambda beside: dataset.to_netcdf(beside, engine="netcdf4")
    )


def _write_csv(frame: DataFrame, path: Path) -> None:
    frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def _write_parquet(frame: DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


def _write_json_lines(frame: DataFrame, path: Path) -> None:
    frame.to_json(path, orient="records", lines=True, force_ascii=False, compression=None)


def _write_npz(frame: DataFrame, path: Path) -> None:
    arrays: dict[str, np.ndarray] = {str(name): _array(frame[name]) for name in frame}
    with open(path, "wb") as file:  # given a path, numpy would add a suffix
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _array(column) -> np.ndarray:
    """Give a column without Python objects, which npz would pickle; missing texts are empty."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufM":
        return column.to_numpy()
    return column.astype(object).where(column.notna(), "").astype(str).to_numpy(dtype=np.str_)


WRITERS: dict[str, Callable[[DataFrame, Path], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".jsonl": _write_json_lines,
    ".npz": _write_npz,
}
