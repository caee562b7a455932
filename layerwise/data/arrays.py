"""Arrays as a Source: .npz and .npy files, IDX folders such as MNIST's, arrays in memory."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pandas import DataFrame

from layerwise.data.files import file_bytes
from layerwise.data.frames import plain_frame
from layerwise.data.source import Source
from layerwise.errors import DataError

INPUT_NAMES = ("x", "data", "images", "inputs", "features")
TARGET_NAMES = ("y", "labels", "label", "targets", "target")
PARTS = {  # the names of parts inside an .npz file
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val"),
    "test": ("test", "testing"),
}
NUMBERS = ("integer", "floating", "mixed-integer-float", "boolean")
IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


# ---------------------------------------------------------------------------- .npz and .npy


def read_npz(path: Path) -> Source:
    """Rows of an .npz file with X and y, or x_train, y_train, x_test, y_test."""
    arrays = _load_arrays(path)
    lowered = {name.lower(): name for name in arrays}
    notes: list[str] = []
    pieces = [
        (part, arrays[found], _first(arrays, lowered, TARGET_NAMES, words))
        for part, words in PARTS.items()
        if (found := _first_name(lowered, INPUT_NAMES, words))
    ]
    if not pieces:
        found = _first_name(lowered, INPUT_NAMES, ("",))
        if not found:
            raise DataError(
                f"{path} must hold X and y, or x_train, y_train, x_test and y_test. "
                f"It holds {', '.join(arrays) or 'nothing'}."
            )
        pieces = [("", arrays[found], _first(arrays, lowered, TARGET_NAMES, ("",)))]
    pieces = [(part, *_checked(inputs, labels, path, part)) for part, inputs, labels in pieces]
    inputs, labels, parts = _joined(pieces, path)
    names = _first(arrays, lowered, ("columns", "feature_names"), ("",))
    classes = _first(arrays, lowered, ("class_names", "classes"), ("",))
    labels = _named_classes(labels, classes, path, notes)
    about = f"{path.name}, {len(inputs):,} rows, arrays of shape {inputs.shape[1:]}"
    try:
        source = arrays_source(path.stem, inputs, labels, names, about=about, notes=notes)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    if all(part == "" for part, *_ in pieces):
        return source
    return _with_parts(source, parts)


def read_npy(path: Path) -> Source:
    """Rows of one array, without targets."""
    try:
        inputs = np.load(path, allow_pickle=False, mmap_mode="c")
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read as an array: {error}. Write it anew.") from None
    about = f"{path.name}, an array of shape {inputs.shape}"
    try:
        return arrays_source(path.stem, inputs, None, None, about=about, notes=[])
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _load_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: _member(file, name, path) for name in file.files}
    except DataError:
        raise
    except Exception as error:  # zipfile and numpy raise a dozen kinds for damaged bytes
        raise DataError(f"{path} is damaged or no .npz file: {error}. Write it anew.") from None


def _member(file, name: str, path: Path) -> np.ndarray:
    try:
        return file[name]
    except ValueError as error:
        if "pickle" not in str(error).lower() and "object" not in str(error).lower():
            raise
        raise DataError(
            f"{path}, array '{name}' holds Python objects, which are not read: they can run code. "
            "Save it with a number or text type, such as array.astype('float32')."
        ) from None


def _first_name(lowered: dict[str, str], stems: Sequence[str], words: Sequence[str]) -> str | None:
    for stem in stems:
        for word in words:
            for name in (f"{stem}_{word}", f"{word}_{stem}", f"{stem}{word}") if word else (stem,):
                if name in lowered:
                    return lowered[name]
    return None


def _first(arrays, lowered, stems, words) -> np.ndarray | None:
    name = _first_name(lowered, stems, words)
    return None if name is None else arrays[name]


def _checked(inputs, labels, path: Path | str, part: str) -> tuple[np.ndarray, np.ndarray | None]:
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


def _joined(pieces, path: Path):
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


def _named_classes(labels, classes, path: Path, notes: list[str]):
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


# --------------------------------------------------------------------------------- in memory


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
        inputs, labels = _checked(inputs, labels, "The data", "")
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
    _, labels = _checked(rows, labels, "The data", "")
    assert labels is not None
    columns = _label_frame(labels, _label_name(target, frame.columns), notes)
    frame = pd.concat([frame, columns], axis=1)
    return Source("frame", frame, target=tuple(columns), notes=tuple(notes), about=about)


def _label_name(target, taken) -> str:
    name = str(getattr(target, "name", None) or "label")
    return name if name not in taken else f"{name}_target"


def arrays_source(name: str, inputs, labels, columns, *, about: str, notes: list[str]) -> Source:
    """A Source of arrays; rows with named columns become a frame, others stay one block."""
    frame = DataFrame(index=pd.RangeIndex(len(inputs)))
    target = ()
    if labels is not None:
        frame = _label_frame(labels, "label", notes)
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


def _label_frame(labels: np.ndarray, name: str, notes: list[str]) -> DataFrame:
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


def _with_parts(source: Source, parts: np.ndarray) -> Source:
    return Source(
        source.name,
        source.frame,
        source.inputs,
        source.target,
        parts,
        notes=source.notes,
        about=source.about,
        options=source.options,
    )


# --------------------------------------------------------------------------------------- IDX


def idx_files(folder: Path) -> dict[str, Path]:
    """The files of an IDX folder by role: "train images", "train labels", "test images", ..."""
    found = {}
    for path in sorted(folder.iterdir()):
        name = path.name.lower().removesuffix(".gz")
        if not name.endswith(("-ubyte", ".idx", "ubyte")):
            continue
        part = {"train": "train", "t10k": "test", "test": "test"}.get(name.split("-")[0])
        kind = "images" if "images" in name else "labels" if "labels" in name else None
        if part and kind:
            found.setdefault(f"{part} {kind}", path)
    return found


def read_idx(folder: Path, classes: Sequence[str] | None = None) -> Source:
    """Images and labels of a folder with MNIST's four files; its test rows stay the test rows."""
    files = idx_files(folder)
    lacking = [role for role in ("train images", "train labels") if role not in files]
    if ("test images" in files) != ("test labels" in files):
        lacking.append("test labels" if "test images" in files else "test images")
    if lacking:
        example = {"train": "train", "test": "t10k"}[lacking[0].split()[0]]
        kind = "images-idx3" if lacking[0].endswith("images") else "labels-idx1"
        raise DataError(
            f"{folder} has no file with the {lacking[0]}, such as {example}-{kind}-ubyte.gz."
        )
    notes: list[str] = []
    pieces = []
    for part in ("train", "test"):
        if f"{part} images" in files:
            images = read_idx_file(files[f"{part} images"])
            labels = read_idx_file(files[f"{part} labels"])
            pieces.append((part, *_checked(images, labels, files[f"{part} images"], "")))
    inputs, labels, parts = _joined(pieces, folder)
    if len(pieces) == 1:
        notes.append(f"{folder.name} has no test files; test rows are taken from the others.")
    labels = _named_classes(labels, classes, folder, notes)
    about = f"{folder.name}, IDX files, {len(inputs):,} rows, {sum(parts == 'test'):,} for testing"
    source = arrays_source(folder.name, inputs, labels, None, about=about, notes=notes)
    return _with_parts(source, parts) if len(pieces) > 1 else source


def is_idx(head: bytes, path: Path) -> bool:
    """True for the first bytes, or the name, of a single IDX file."""
    plain = len(head) > 4 and head[:2] == b"\0\0" and head[2] in IDX_TYPES and 1 <= head[3] <= 4
    return plain or path.name.lower().removesuffix(".gz").endswith("-ubyte")


def read_idx_file(path: Path) -> np.ndarray:
    """The array of one IDX file, plain or gzip. Format: LeCun's MNIST page."""
    data = file_bytes(path)
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(f"{path} is damaged or cut off ({error}). Download it again.") from None
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in IDX_TYPES or not 1 <= data[3] <= 4:
        raise DataError(f"{path} is no IDX file: its first bytes are not those of one.")
    axes = data[3]
    start = 4 + 4 * axes
    shape = tuple(int(size) for size in np.frombuffer(data[4:start], ">u4"))
    kind = np.dtype(IDX_TYPES[data[2]])
    expected = start + math.prod(shape) * kind.itemsize
    if len(shape) != axes or len(data) != expected:
        raise DataError(
            f"{path} should be {expected:,} bytes for shape {shape}, but is {len(data):,}. "
            "It is cut off or damaged; download it again."
        )
    array = np.frombuffer(data, kind, offset=start).reshape(shape)
    return array.astype(kind.newbyteorder("="))
