"""Arrays with labels as a Source: checked, joined over parts, in the shapes that all else takes."""

from pathlib import Path

import numpy as np
import pandas as pd
from pandas import DataFrame

from layerwise.data.frames import plain_frame
from layerwise.data.source import Source
from layerwise.errors import DataError


def arrays_source(name: str, inputs, labels, columns, *, about: str, notes: list[str]) -> Source:
    """A Source of arrays; rows with named columns become a frame, others stay one block."""
    frame = DataFrame(index=pd.RangeIndex(len(inputs)))
    target = ()
    if labels is not None:
        frame = label_frame(labels, "label", notes)
        target = tuple(frame.columns)
    if inputs.ndim == 2 and (inputs.dtype.kind in "OUSM" or columns is not None):
        table = _named_columns(inputs, columns, notes)
        frame = pd.concat([table, frame], axis=1)
        return Source(name, frame, target=target, notes=tuple(notes), about=about)
    inputs = _plain_inputs(inputs, notes)
    return Source(name, frame, inputs, target, notes=tuple(notes), about=about)


def _named_columns(inputs: np.ndarray, columns, notes: list[str]) -> DataFrame:
    if columns is None:
        columns = [f"column_{place + 1}" for place in range(inputs.shape[1])]
    if len(columns) != inputs.shape[1]:
        raise DataError(f"There are {inputs.shape[1]} columns, but {len(columns)} column names.")
    frame = DataFrame(inputs, columns=[str(name) for name in columns], copy=False)
    return plain_frame(frame, notes)


def label_frame(labels: np.ndarray, name: str, notes: list[str]) -> DataFrame:
    """Columns of the labels: one, or one per target; a one-hot block becomes one."""
    if labels.ndim > 2:
        raise DataError(f"Labels must have one or two axes, not shape {labels.shape}.")
    if labels.ndim == 2 and labels.shape[1] > 2 and _is_one_hot(labels):
        notes.append(f"The labels are one-hot with {labels.shape[1]} classes; read as 0, 1, 2, ...")
        labels = labels.argmax(axis=1)
    if labels.ndim == 2:
        names = [f"{name}_{place + 1}" for place in range(labels.shape[1])]
        return plain_frame(DataFrame(labels, columns=names), notes)
    if labels.dtype.kind == "i" and len(labels) and (lowest := labels.min()) < 0:
        values = np.unique(labels[:100_000])
        if len(values) > 2 and len(values) <= 1000 and lowest == -1 and values[1] >= 0:
            notes.append(
                f"Label -1 is there in {int((labels == -1).sum()):,} rows and is read as a value "
                "of its own. If it means 'unknown', leave these rows out."
            )
    return plain_frame(DataFrame({name: labels}), notes)


def _is_one_hot(labels: np.ndarray) -> bool:
    if labels.dtype.kind not in "biuf":
        return False
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())


def _plain_inputs(inputs: np.ndarray, notes: list[str]) -> np.ndarray:
    """(rows, features) of numbers, or (rows, channels, height, width) of uint8 or float32."""
    if inputs.dtype.kind == "c":
        raise DataError("Complex data not supported. Give real and imaginary part as two columns.")
    if inputs.dtype.kind not in "biuf":
        raise DataError(f"Inputs must be numbers, not of type {inputs.dtype}.")
    if not len(inputs) or not all(inputs.shape):
        what = "sample" if not len(inputs) else "feature"
        shape = inputs.shape
        raise DataError(
            f"Found array with 0 {what}(s) (shape={shape}) while a minimum of 1 is required."
        )
    if inputs.ndim == 1:
        inputs = inputs.reshape(-1, 1)
    if inputs.ndim == 2:
        return inputs.astype(np.float32) if inputs.dtype == np.float16 else inputs
    if inputs.ndim > 4:
        raise DataError(f"Inputs of shape {inputs.shape} have too many axes; at most 4 are read.")
    inputs = inputs[:, None] if inputs.ndim == 3 else _channels_first(inputs, notes)
    if inputs.dtype in (np.uint8, np.float32):
        return inputs
    if inputs.dtype.kind in "iu" and inputs.min() >= 0 and inputs.max() <= 255:
        return inputs.astype(np.uint8)
    return inputs.astype(np.float32)


def _channels_first(inputs: np.ndarray, notes: list[str]) -> np.ndarray:
    """(rows, channels, height, width): the channel axis is the smaller of the second and last."""
    first, last = inputs.shape[1], inputs.shape[3]
    if last < first:
        return np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))
    if first == last:
        notes.append(f"Images of shape {inputs.shape[1:]}: the first axis is read as channels.")
    return inputs


def checked(inputs, labels, path: Path | str, part: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Inputs and labels (rows,) of one part. Raises DataError unless each row has one label."""
    where = f"{path}{f' ({part} part)' if part else ''}"
    if inputs.ndim == 0:
        raise DataError(f"{where}: the inputs are a single value. Must be rows of values.")
    if labels is not None and labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels is not None and (labels.ndim == 0 or len(labels) != len(inputs)):
        got = len(labels) if labels.ndim else "one"
        raise DataError(
            f"{where}: {len(inputs):,} inputs but {got} labels. There must be one label per row."
        )
    return inputs, labels


def joined(pieces, path: Path):
    """Inputs, labels and parts (rows,) of all pieces (part, inputs, labels), one after another."""
    shapes = {inputs.shape[1:] for _, inputs, _ in pieces}
    if len(shapes) > 1:
        raise DataError(f"{path}: the parts have rows of different shapes: {sorted(shapes)}.")
    lacking = [part for part, _, labels in pieces if labels is None]
    if lacking and len(lacking) < len(pieces):
        raise DataError(f"{path}: the {lacking[0]} part has no labels, another part has.")
    if len(pieces) == 1:
        inputs, labels = pieces[0][1:]
    else:
        inputs = np.concatenate([inputs for _, inputs, _ in pieces])
        labels = None if lacking else np.concatenate([labels for *_, labels in pieces])
    names = {"train": "train" if any(part == "validation" for part, *_ in pieces) else ""}
    parts = np.concatenate(
        [np.full(len(inputs), names.get(part, part), dtype="<U10") for part, inputs, _ in pieces]
    )
    return inputs, labels, parts


def named_classes(labels, classes, path: Path, notes: list[str]):
    """Labels by their names where the file gives names for the numbers 0, 1, 2, ..."""
    if labels is None or classes is None or labels.ndim != 1 or labels.dtype.kind not in "iu":
        return labels
    if labels.min() < 0 or labels.max() >= len(classes):
        raise DataError(
            f"{path}: labels reach from {labels.min()} to {labels.max()}, "
            f"but there are {len(classes)} class names."
        )
    notes.append(f"Classes are called by their names: {', '.join(map(str, classes[:12]))}.")
    return np.asarray(classes)[labels]
