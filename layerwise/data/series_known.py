"""Series that are known by name: files of the folder "timeseries", and what statsmodels embeds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame

from layerwise.data.kept import data_folder
from layerwise.data.series import as_series
from layerwise.data.source import Source
from layerwise.data.table import read_table
from layerwise.errors import DataError

ETTH1_ROWS = 17_420
ETTH1_PARTS = {"train": (0, 8640), "validation": (8640, 11_520), "test": (11_520, 14_400)}


def _file(name: str) -> Path:
    """A file of the folder "timeseries". Raises DataError where it is absent."""
    path = data_folder() / "timeseries" / name
    if not path.is_file():
        raise DataError(
            f"{path} is not there. Put the file there, or set LAYERWISE_DATA to the folder that "
            "holds timeseries/."
        )
    return path


def _table(name: str, file: str, about: str) -> Callable[[dict], Source]:
    return lambda options: _series(read_table(_file(file), options), name, about, None, options)


def _etth1(options: dict) -> Source:
    """The 12, 4 and 4 months of 30 days by which papers divide it; the rest is in no part."""
    source = read_table(_file("ETTh1.csv"), options)
    about = "load and oil temperature of a transformer by hour (Zhou 2021), parts as in papers"
    if len(source.frame) == ETTH1_ROWS:
        parts = np.full(ETTH1_ROWS, "unused", dtype="<U10")
        for part, (first, last) in ETTH1_PARTS.items():
            parts[first:last] = part
        source = replace(source, parts=parts)
    return _series(source, "etth1", about, None, options)


def _embedded(name: str, time: str, about: str) -> Callable[[dict], Source]:
    def read(options: dict) -> Source:
        try:
            from statsmodels.datasets import co2, elnino, sunspots
        except ImportError:
            raise DataError(
                f"The data set '{name}' needs statsmodels: pip install 'layerwise[series]'"
            ) from None
        module: Any = {"sunspots": sunspots, "co2": co2, "elnino": elnino}[name]
        frame = module.load_pandas().data
        if name == "co2":
            frame = frame.rename_axis(time).reset_index()
        if name == "elnino":
            frame = _by_month(frame, time)
        return _series(Source(name, frame), name, about, time, options)

    return read


def _by_month(frame: DataFrame, time: str) -> DataFrame:
    """One row per month of a table with one row per year."""
    long = frame.melt("YEAR", var_name="name", value_name="temperature")
    texts = long["YEAR"].astype(int).astype(str) + "-" + long["name"]
    long[time] = pd.to_datetime(texts, format="%Y-%b")
    return DataFrame(long[[time, "temperature"]]).sort_values(by=time).reset_index(drop=True)


def _series(source: Source, name: str, about: str, time: str | None, options: dict) -> Source:
    return replace(as_series(source, time=time, options=options), name=name, about=about)


SERIES: dict[str, Callable[[dict], Source]] = {
    "etth1": _etth1,
    "airline_passengers": _table(
        "airline_passengers",
        "airline-passengers.csv",
        "passengers of airlines by month, thousands, 1949 to 1960 (Box and Jenkins 1976)",
    ),
    "daily_temperatures": _table(
        "daily_temperatures",
        "daily-min-temperatures.csv",
        "lowest temperature of each day in Melbourne, 1981 to 1990, degrees Celsius",
    ),
    "sunspots": _embedded("sunspots", "YEAR", "sunspots by year, 1700 to 2008 (statsmodels)"),
    "co2": _embedded(
        "co2", "date", "carbon dioxide in the air over Mauna Loa by week, ppm (statsmodels)"
    ),
    "elnino": _embedded(
        "elnino", "month", "temperature of the sea off Peru by month, 1950 to 2010 (statsmodels)"
    ),
}
