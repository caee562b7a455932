"""What the predictions table holds of forecasts and fields, beside one truth and one score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pandas import DataFrame

AREA = "area"
QUANTILE = "@"  # "score:OT+1@0.1"


def field_columns(names: list[str], values: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Give each target's column of fields, of values (rows, targets, cells) or flat."""
    split = values.reshape(len(values), len(names), -1).astype(np.float32)
    return {name: list(split[:, place]) for place, name in enumerate(names)}


def read_fields(table: DataFrame, names: list[str]) -> np.ndarray:
    """Give columns of fields as (rows, targets x cells) float64, NaN where missing."""
    if not len(table):
        return np.zeros((0, len(names)))
    return np.concatenate([np.stack(list(table[name])) for name in names], axis=1).astype(float)


def area_of(table: DataFrame, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Give "area" (rows, cells) where the table has it."""
    if AREA not in table.columns or not rows.any():
        return {}
    return {AREA: np.stack(list(table.loc[rows, AREA])).astype(float)}


def beside_of(table: DataFrame, columns: list[str], names: tuple[str, ...], rows: np.ndarray):
    """Give "unit", "naive" and "@0.1" ..., each (rows, outputs), as far as the table has them.

    columns : of the scores, one per output
    names : of the outputs, "OT+1"
    rows : (table rows,) bool, those that are wanted
    """
    some = table.loc[rows]
    targets = [name.rpartition("+")[0] for name in names]
    wanted = {stem: [f"{stem}:{target}" for target in targets] for stem in ("unit", "naive")}
    for name in table.columns:
        if str(name).startswith(columns[0] + QUANTILE):
            chance = str(name).removeprefix(columns[0])
            wanted[chance] = [column + chance for column in columns]
    return {
        stem: some[chosen].to_numpy(np.float64)
        for stem, chosen in wanted.items()
        if set(chosen) <= set(table.columns)
    }
