"""The constants of a preparation, learned from training rows and from no others."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import torch
from pandas import DataFrame
from torch import Tensor

import layerwise.data.cells as cells
from layerwise.contracts import Target
from layerwise.data.encoding import (
    MOST_CODES,
    MOST_ONE_HOT,
    Constants,
    Encoding,
    as_block,
    column_of,
    finite,
    fit_channels,
    fit_constants,
    fit_encoding,
)
from layerwise.data.kinds import Column
from layerwise.data.roles import Roles, check_weight
from layerwise.data.source import Source
from layerwise.data.target import balanced_weights, encode_target, target_values
from layerwise.errors import DataError

PUBLISHED = {  # mean and deviation of red, green and blue, 1 being full: see ``data.weights``
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "centred": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


def fit_content(
    source: Source,
    roles: Roles,
    columns: tuple[Column, ...],
    target: Target,
    rows: np.ndarray,
    categories_as: str,
    inputs_as: str = "standard",
) -> tuple[dict, dict[str, Tensor]]:
    """The JSON and the tensors of a preparation; ``rows`` are the numbers of the training rows.

    Raises DataError where there are none, or where numbers are to be signs and are not two-valued.
    """
    if not len(rows):
        raise DataError("There are no training rows. Give smaller fractions or more rows.")
    fitted = {"split": "train", "rows": len(rows)}
    if source.inputs is None:
        encodings = _fit_encodings(source.frame, columns, rows, categories_as)
        constants = _fit_table(source.frame, encodings, rows)
        inputs = {"form": "table", "shape": None, "dtype": None}
    else:
        encodings, constants = [], _fit_array(source.inputs, rows)
        inputs = {
            "form": "images" if source.inputs.ndim > 2 else "vectors",
            "shape": list(source.inputs.shape[1:]),
            "dtype": str(source.inputs.dtype),
        }
    if inputs_as in PUBLISHED:
        constants = _as_published(constants, inputs_as, inputs)
    else:
        constants = _scaled(constants, inputs_as)
    if inputs_as == "signs":
        _check_two_valued(source, encodings, constants, rows)
    if inputs_as == "states":
        _check_states(source, encodings, rows)
    tensors = {
        field.name: torch.from_numpy(getattr(constants, field.name)) for field in fields(Constants)
    }
    described, made = fit_target(source.frame.iloc[rows], roles, target)
    content = {
        "inputs": inputs
        | {"categories_as": categories_as, "inputs_as": inputs_as, "fitted": fitted},
        "columns": _describe(columns, encodings, constants, fitted),
        "roles": asdict(roles),
        "target": asdict(target) | described | {"fitted": fitted},
    }
    return content, tensors | made


def _scaled(constants: Constants, inputs_as: str) -> Constants:
    """Constants that give mean 0 and deviation 1, the range from 0 to 1 or -1 to 1, or nothing."""
    if inputs_as == "standard":
        return constants
    if inputs_as == "states":
        ones = np.ones_like(constants.scale)
        return replace(constants, mean=np.zeros_like(ones), scale=ones)
    width = np.where(constants.high > constants.low, constants.high - constants.low, 1.0)
    if inputs_as == "unit":
        return replace(constants, mean=constants.low, scale=width)
    return replace(constants, mean=(constants.low + constants.high) / 2, scale=width / 2)


def _as_published(constants: Constants, inputs_as: str, inputs: dict) -> Constants:
    """Constants that give images the scale in which published weights saw photographs.

    Grey ones get the mean of the three colours. Raises DataError where they are no images, or
    have another number of channels.
    """
    channels = len(constants.mean)
    if inputs["form"] != "images" or channels not in (1, 3):
        got = f"{channels} channels" if inputs["form"] == "images" else f"a {inputs['form']}"
        raise DataError(
            "Published weights have learned from colour photographs, so that the inputs must be "
            f"images of 3 channels, or of 1, grey; got {got}. Choose --data.image_mode rgb, or "
            "leave --pretrained out."
        )
    full = _full(inputs["dtype"], float(constants.high.max()))
    mean, scale = (full * np.array(one) for one in PUBLISHED[inputs_as])
    if channels == 1:
        mean, scale = mean.mean(keepdims=True), scale.mean(keepdims=True)
    return replace(constants, mean=mean, scale=scale)


def _full(dtype: str, highest: float) -> float:
    """The value of a pixel that is fully lit; numbers with a point go up to 1 or to 255."""
    if np.issubdtype(dtype, np.integer):
        return float(np.iinfo(dtype).max)
    return 1.0 if highest <= 1 else 255.0


def _check_two_valued(source: Source, encodings, constants: Constants, rows: np.ndarray) -> None:
    """Raise where a pattern holds more than the two values of its column or of its pixels."""
    if source.inputs is not None:
        values = source.inputs[rows]
        between = (values > values.min()) & (values < values.max())
        if between.any():
            raise DataError(
                f"{source.name} holds {len(np.unique(values)):,} different values, but this network"
                " stores patterns of two, such as 0 and 1. Cut the values at a threshold first."
            )
        return
    for encoding in (e for e in encodings if e.kind != "category"):
        values = source.frame[encoding.name].iloc[rows].nunique()
        if values > 2:
            raise DataError(
                f"Column '{encoding.name}' holds {values} different values, but this network "
                "stores patterns of two, such as 0 and 1. Cut the values at a threshold first, or "
                f"leave the column out with --ignore {encoding.name}."
            )


def _check_states(source: Source, encodings, rows: np.ndarray) -> None:
    """Raise where a sequence holds anything but whole numbers from 0 on."""
    columns = [source.inputs[rows].ravel()] if source.inputs is not None else [
        values for e in encodings for values in e.numbers(source.frame[e.name].iloc[rows])
    ]  # fmt: skip
    for values in columns:
        numbers = np.asarray(values, dtype=np.float64)
        wrong = ~((numbers >= 0) & (numbers == np.floor(numbers)))
        if wrong.any():
            raise DataError(
                f"{source.name} holds {numbers[wrong][0]:g}, but this network takes sequences of "
                "states, which are whole numbers from 0 on. Number the states first."
            )


def _fit_encodings(frame, columns, rows, categories_as) -> list[Encoding]:
    most = MOST_ONE_HOT if categories_as == "one_hot" else MOST_CODES
    chosen = [column for column in columns if column.is_input]
    return [fit_encoding(frame[column.name].iloc[rows], column, most) for column in chosen]


def _fit_table(frame: DataFrame, encodings: list[Encoding], rows: np.ndarray) -> Constants:
    numeric = [e for e in encodings if e.kind != "category"]
    arrays = [values for e in numeric for values in e.numbers(column_of(frame, e.name))]
    return fit_constants(
        len(arrays), len(rows), lambda first, last: as_block(arrays[first:last], rows)
    )


def _fit_array(array: np.ndarray, rows: np.ndarray) -> Constants:
    if array.ndim == 2:
        return fit_constants(
            array.shape[1],
            len(rows),
            lambda first, last: finite(array[rows, first:last]),
        )
    constants = fit_channels(array, rows)
    if not np.isfinite(constants.mean).all():
        raise DataError("Some images hold values that are no finite numbers. Mend or remove them.")
    return constants


def fit_target(frame: DataFrame, roles: Roles, target: Target) -> tuple[dict, dict[str, Tensor]]:
    """JSON and tensors of the target's constants, from the training rows ``frame``."""
    if target.kind in ("binary", "classes"):
        codes = encode_target(frame, roles, target)
        weights = balanced_weights(codes, len(target.classes))
        rows = np.bincount(codes, minlength=len(target.classes)).tolist()
        described = {"rows_per_class": rows, "class_weights": weights.tolist()}
        return described, {"class_weights": torch.from_numpy(weights)}
    if target.kind != "real":
        return {}, {}
    values = target_values(frame, roles, target)
    mean, scale = values.mean(axis=0), values.std(axis=0)
    scale = np.where(scale > 1e-12 * np.abs(mean), scale, 1.0)
    tensors = {"target_mean": torch.from_numpy(mean), "target_scale": torch.from_numpy(scale)}
    return {"mean": mean.tolist(), "scale": scale.tolist()}, tensors


def target_tensor(
    source: Source, roles: Roles, target: Target, constants: dict[str, Tensor]
) -> Tensor | None:
    """What a network is to give; None where the source has no target column.

    binary : (rows,) float32 0 or 1; classes : (rows,) int64; labels : (rows, labels) float32;
    count : (rows, targets) float32; real : the same, standardized by ``constants``
    """
    kind = target.kind
    if kind == "none" or any(name not in source.frame.columns for name in target.names):
        return None
    if kind in ("binary", "classes"):
        codes = torch.from_numpy(encode_target(source.frame, roles, target))
        return codes.to(torch.float32) if kind == "binary" else codes
    values = torch.from_numpy(target_values(source.frame, roles, target))
    if kind == "real":
        values = (values - constants["target_mean"]) / constants["target_scale"]
    return values.to(torch.float32)


def in_target_units(outputs: Any, target: Target, constants: dict[str, Tensor]) -> Any:
    """Outputs for a real target in the units of the data; others unchanged."""
    if target.kind != "real":
        return outputs
    mean, scale = constants["target_mean"], constants["target_scale"]
    return outputs * scale.to(outputs) + mean.to(outputs)


def weight_tensor(source: Source, roles: Roles) -> Tensor | None:
    """Weight of each row (rows,) float32, checked; None without a weight column."""
    if roles.weight is None or roles.weight not in source.frame.columns:
        return None
    check_weight(source, roles.weight)
    values = cells.numbers(cells.column(source.frame, roles.weight)).astype(np.float32)
    return torch.from_numpy(values)


def _describe(columns, encodings: list[Encoding], constants: Constants, fitted: dict) -> list[dict]:
    """One JSON entry per column, with its constants and the rows they saw."""
    by_name = {encoding.name: encoding for encoding in encodings}
    entries, first = [], 0
    for column in columns:
        encoding = by_name.get(column.name, Encoding(column.name, column.kind))
        entry = asdict(encoding) | {"note": column.note, "constants": {}}
        if encoding.kind != "category" and encoding.features:
            for place, feature in enumerate(encoding.features, start=first):
                entry["constants"][feature] = {
                    name: float(getattr(constants, name)[place])
                    for name in ("fill", "mean", "scale", "low", "high")
                }
            missing = int(constants.missing[first])
            entry["fitted"] = fitted | {"missing": missing}
            first += len(encoding.features)
        elif encoding.features:
            entry["fitted"] = fitted
        entry["categories"], entry["features"] = [*encoding.categories], [*encoding.features]
        entries.append(entry)
    return entries
