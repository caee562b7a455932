"""Data in memory as a Source: frames, arrays, tensors, lists."""

import numpy as np
import pandas as pd
from pandas import DataFrame

from layerwise.data.arrays import arrays_source, checked, label_frame
from layerwise.data.frames import plain_frame
from layerwise.data.source import Source
from layerwise.errors import DataError

NUMBERS = ("integer", "floating", "mixed-integer-float", "boolean")


def from_memory(data, target=None) -> Source:
    """Rows of a DataFrame, array, tensor or list; ``target`` may be an array of targets."""
    labels = None if target is None or _names_columns(target, data) else _as_array(target)
    if hasattr(data, "to_pandas") and not isinstance(data, DataFrame):
        data = data.to_pandas()
    if isinstance(data, pd.Series):
        data = data.to_frame()
    if isinstance(data, list) and data and isinstance(data[0], dict):
        data = DataFrame(data)
    notes: list[str] = []
    if isinstance(data, DataFrame):
        return _from_frame(data, labels, target, notes)
    if type(data).__module__.startswith("scipy.sparse"):
        raise DataError("Sparse data is not supported. Give a dense array: data.toarray().")
    inputs = _as_array(data)
    about = f"an array of shape {inputs.shape} in memory"
    if inputs.ndim == 0 or inputs.ndim == 1:
        raise DataError(
            f"Inputs must be rows of values, not an array of shape {inputs.shape}. Reshape your "
            "data: array.reshape(-1, 1) for one feature, array.reshape(1, -1) for one row."
        )
    if labels is not None:
        inputs, labels = checked(inputs, labels, "The data", "")
    return arrays_source("array", inputs, labels, None, about=about, notes=notes)


def _names_columns(target, data) -> bool:
    """True where the target is the name of a column or a list of such names, not labels."""
    if isinstance(target, str):
        return True
    if not isinstance(target, (list, tuple)) or not hasattr(data, "columns"):
        return False
    return bool(target) and all(isinstance(name, str) for name in target)


def _as_array(data) -> np.ndarray:
    """The values as a numpy array, whatever holds them; torch is not imported for it."""
    if type(data).__module__.split(".")[0] == "torch":
        data = data.detach().cpu()
        if str(data.dtype) == "torch.bfloat16":
            data = data.float()
        return data.numpy()
    try:
        array = np.asarray(data)
        if array.dtype.kind in "US" and isinstance(data, (list, tuple)):
            array = np.asarray(data, dtype=object)  # numbers beside words stay numbers
        if array.dtype == object and pd.api.types.infer_dtype(array.ravel()) in NUMBERS:
            array = array.astype(np.float64)
        return array
    except ValueError as error:
        raise DataError(f"The rows must all have the same length ({error}).") from None


def _from_frame(data: DataFrame, labels, target, notes: list[str]) -> Source:
    if not len(data):
        raise DataError(
            f"Found array with 0 sample(s) (shape={data.shape}) while a minimum of 1 is required."
        )
    if data.index.name is not None and not isinstance(data.index, pd.RangeIndex):
        notes.append(f"The index '{data.index.name}' is not used; reset_index() makes it a column.")
    frame = plain_frame(data, notes)
    about = f"a DataFrame in memory, {len(frame):,} rows, {frame.shape[1]} columns"
    if labels is None:
        return Source("frame", frame, notes=tuple(notes), about=about)
    rows = np.empty((len(frame), 0))
    _, labels = checked(rows, labels, "The data", "")
    assert labels is not None
    columns = label_frame(labels, _label_name(target, frame.columns), notes)
    frame = pd.concat([frame, columns], axis=1)
    return Source("frame", frame, target=tuple(columns), notes=tuple(notes), about=about)


def _label_name(target, taken) -> str:
    name = str(getattr(target, "name", None) or "label")
    return name if name not in taken else f"{name}_target"
