"""Which coordinate of a grid is which: by CF attributes first, then by its usual name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise.data.grid_scales import goes_around
from layerwise.errors import DataError

KINDS = {"T": "time", "Z": "level", "Y": "latitude", "X": "longitude"}
STANDARD_NAMES = {
    "T": ("time",),
    "Z": ("air_pressure", "height", "altitude", "depth", "model_level_number",
          "atmosphere_hybrid_sigma_pressure_coordinate", "atmosphere_sigma_coordinate"),
    "Y": ("latitude", "grid_latitude", "projection_y_coordinate"),
    "X": ("longitude", "grid_longitude", "projection_x_coordinate"),
}  # fmt: skip
UNITS = {
    "Y": ("degrees_north", "degree_north", "degrees_n", "degree_n", "degreen", "degreesn"),
    "X": ("degrees_east", "degree_east", "degrees_e", "degree_e", "degreee", "degreese"),
}
NAMES = {
    "T": ("time", "t", "valid_time", "date"),
    "Z": ("lev", "level", "plev", "height", "z", "pressure_level", "isobaric", "depth", "alt"),
    "Y": ("lat", "latitude", "y", "rlat", "nav_lat", "projection_y_coordinate"),
    "X": ("lon", "longitude", "x", "rlon", "nav_lon", "projection_x_coordinate"),
}


@dataclass(frozen=True)
class Axis:
    """One side of a grid.

    name : in the file, such as "lat"
    values : (places,) float64, all rising or all falling
    attributes : as the file has them
    kind : "Y" or "X"
    """

    name: str
    values: np.ndarray
    attributes: Mapping[str, Any]
    kind: str

    @property
    def is_angle(self) -> bool:
        """Whether it is a latitude or longitude in degrees, perhaps of a rotated pole."""
        named = str(self.attributes.get("standard_name", ""))
        units = str(self.attributes.get("units", "")).lower()
        if units in UNITS[self.kind]:
            return True
        if units and not units.startswith("degree"):
            return False
        return named.endswith(KINDS[self.kind]) or self.name.lower() in (
            *NAMES[self.kind][:2], "rlat", "rlon", "nav_lat", "nav_lon"
        )  # fmt: skip

    @property
    def is_round(self) -> bool:
        """Whether it is a longitude that closes in a circle."""
        return self.kind == "X" and self.is_angle and goes_around(self.values)

    @property
    def edges(self) -> tuple[float, float]:
        """The lower and the upper edge of its outer cells."""
        low, high = float(self.values.min()), float(self.values.max())
        half = (high - low) / max(1, len(self.values) - 1) / 2
        return low - half, high + half

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        plain = {name: _plain(value) for name, value in self.attributes.items()}
        return {
            "name": self.name, "values": self.values.tolist(), "attributes": plain,
            "kind": self.kind,
        }  # fmt: skip

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Axis:
        """The axis that ``to_json`` described."""
        values = np.array(content["values"], dtype=np.float64)
        return cls(content["name"], values, content["attributes"], content["kind"])


def find_dimensions(variable: Any, name: str) -> dict[str, str]:
    """Axis -> dimension of an xarray variable: "T", "Z", "Y", "X", as far as they are there.

    Raises DataError where two dimensions would be the same axis.
    """
    found: dict[str, str] = {}
    for dimension in variable.dims:
        kind = _kind(dimension, variable.coords.get(dimension))
        if kind is None:
            continue
        if kind in found:
            raise DataError(
                f"The variable '{name}' has two dimensions that could be the {KINDS[kind]}: "
                f"'{found[kind]}' and '{dimension}'. Give them the attribute axis, or rename one."
            )
        found[kind] = str(dimension)
    return found


def read_axis(variable: Any, dimension: str, kind: str, file: str) -> Axis:
    """A side of the grid of an xarray variable.

    Raises DataError where its coordinate is absent, missing somewhere, or neither rises nor falls.
    """
    if dimension not in variable.coords:
        raise DataError(
            f"The dimension '{dimension}' of '{variable.name}' in {file} has no coordinates, so "
            "that nobody knows where its cells lie. Give the file a coordinate variable "
            f"'{dimension}({dimension})', such as degrees or kilometres."
        )
    coordinate = variable.coords[dimension]
    values = np.asarray(coordinate.values, dtype=np.float64)
    steps = np.diff(values)
    if not np.isfinite(values).all() or not ((steps > 0).all() or (steps < 0).all()):
        raise DataError(
            f"The coordinate '{dimension}' in {file} must rise or fall from cell to cell, but it "
            "does not. Sort the file by it, for example with xarray's sortby."
        )
    return Axis(dimension, values, dict(coordinate.attrs), kind)


def _kind(dimension: Any, coordinate: Any) -> str | None:
    """The axis of a dimension: by its attribute, its standard name, its units, its name."""
    if coordinate is not None:
        attributes = coordinate.attrs
        if str(attributes.get("axis", "")).upper() in KINDS:
            return str(attributes["axis"]).upper()
        by_name = _within(STANDARD_NAMES, attributes.get("standard_name"))
        by_units = _within(UNITS, attributes.get("units"))
        if by_name or by_units:
            return by_name or by_units
        if coordinate.dtype.kind in "M" or "calendar" in coordinate.encoding:
            return "T"
    return _within(NAMES, dimension)


def _within(table: Mapping[str, tuple[str, ...]], value: Any) -> str | None:
    lowered = str(value).lower()
    return next((kind for kind, names in table.items() if lowered in names), None)


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
