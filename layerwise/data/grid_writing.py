"""Predicted fields as an xarray Dataset, with the coordinates and attributes of the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from layerwise import __version__
from layerwise.data.grid_files import loaded
from layerwise.data.grids import Fields

KEPT = ("units", "calendar")  # of how times were written


def as_dataset(fields: np.ndarray, whole: Fields, preparation: Any) -> Any:
    """Give fields (rows, targets, H, W) in the units of the data as a Dataset."""
    xarray = loaded("The prediction of fields")
    sides = preparation.fine_sides
    first = "row" if whole.time is None else str(whole.time.dims[0])
    dimensions = (first, *(side.name for side in sides))
    coordinates: dict[str, Any] = {
        side.name: (side.name, side.values, dict(side.attributes)) for side in sides
    }
    if whole.time is not None:
        encoding = {name: whole.time.encoding[name] for name in KEPT if name in whole.time.encoding}
        time = xarray.Variable((first,), whole.time.values, dict(whole.time.attrs), encoding)
        time.attrs.pop("bounds", None)  # which are not written
        coordinates[first] = time
    variables = {}
    for place, name in enumerate(preparation.targets):
        values = fields[:, place].astype(np.float32)
        variables[name.replace("@", "_")] = (dimensions, values, _attributes(preparation, name))
    made = {"Conventions": "CF-1.8", "history": f"predicted by layerwise {__version__}"}
    return xarray.Dataset(variables, coordinates, made)


def _attributes(preparation: Any, name: str) -> dict[str, Any]:
    """Attributes of a target as its file had them, but those that point to other variables."""
    known = dict(preparation.content["attributes"].get(name, {}))
    known.setdefault("units", preparation.content["units"].get(name, ""))
    return {key: one for key, one in known.items() if key not in ("grid_mapping", "coordinates")}
