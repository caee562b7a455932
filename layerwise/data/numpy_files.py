"""Arrays of .npz and .npy files as a Source."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from layerwise.data.arrays import arrays_source, checked, joined, named_classes
from layerwise.data.source import Source
from layerwise.errors import DataError

INPUT_NAMES = ("x", "data", "images", "inputs", "features")
TARGET_NAMES = ("y", "labels", "label", "targets", "target")
PARTS = {  # the names of parts inside an .npz file
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val"),
    "test": ("test", "testing"),
}


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
    pieces = [(part, *checked(inputs, labels, path, part)) for part, inputs, labels in pieces]
    inputs, labels, parts = joined(pieces, path)
    names = _first(arrays, lowered, ("columns", "feature_names"), ("",))
    classes = _first(arrays, lowered, ("class_names", "classes"), ("",))
    labels = named_classes(labels, classes, path, notes)
    about = f"{path.name}, {len(inputs):,} rows, arrays of shape {inputs.shape[1:]}"
    try:
        source = arrays_source(path.stem, inputs, labels, names, about=about, notes=notes)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    if all(part == "" for part, *_ in pieces):
        return source
    return replace(source, parts=parts)


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
