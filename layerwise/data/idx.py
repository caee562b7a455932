"""IDX folders such as MNIST's as a Source. Format: LeCun's MNIST page."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from layerwise.data.arrays import arrays_source, checked, joined, named_classes
from layerwise.data.files import file_bytes, unpacked
from layerwise.data.source import Source
from layerwise.errors import DataError

IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


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
            pieces.append((part, *checked(images, labels, files[f"{part} images"], "")))
    inputs, labels, parts = joined(pieces, folder)
    if len(pieces) == 1:
        notes.append(f"{folder.name} has no test files; test rows are taken from the others.")
    labels = named_classes(labels, classes, folder, notes)
    about = f"{folder.name}, IDX files, {len(inputs):,} rows, {sum(parts == 'test'):,} for testing"
    source = arrays_source(folder.name, inputs, labels, None, about=about, notes=notes)
    return replace(source, parts=parts) if len(pieces) > 1 else source


def is_idx(head: bytes, path: Path) -> bool:
    """True for the first bytes, or the name, of a single IDX file."""
    plain = len(head) > 4 and head[:2] == b"\0\0" and head[2] in IDX_TYPES and 1 <= head[3] <= 4
    return plain or path.name.lower().removesuffix(".gz").endswith("-ubyte")


def read_idx_file(path: Path) -> np.ndarray:
    """The array of one IDX file, plain or gzip. Format: LeCun's MNIST page."""
    data = file_bytes(path)
    if data[:2] == b"\x1f\x8b":
        data = unpacked(data, path)
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
