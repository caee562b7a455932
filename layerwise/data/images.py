"""Images as a Source: folders with a sub-folder per class, tables whose column names files."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from pandas import DataFrame

from layerwise.data.damaged_images import whole_images
from layerwise.data.files import files_below
from layerwise.data.image_cache import decode
from layerwise.data.source import Source, counted
from layerwise.errors import DataError, nearest

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif",
    ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm",
)  # fmt: skip
PARTS = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip


def holds_images(folder: Path) -> bool:
    """True where the folder or a folder in it holds a file with the suffix of an image."""
    return any(True for _ in _image_files(folder, []))


def read_image_folder(folder: Path, options: dict) -> Source:
    """Images of a folder; the sub-folder names the class, train and test folders the part."""
    others: list[str] = []
    files = sorted(_image_files(folder, others))
    if not files:
        raise DataError(f"{folder} holds no images. Give a folder with a sub-folder per class.")
    whole, notes = whole_images(files, options)
    files = [path for path, kept in zip(files, whole, strict=True) if kept]
    if others:
        files_left = counted(len(others), "file")
        notes.append(f"{files_left} with other names than images have: left out ({others[0]}).")
    places = [path.relative_to(folder).parts for path in files]
    places = _below_single_folders(places, notes)
    parts = official_parts(places)
    _check_parts(folder, files, places)
    if parts is not None:
        places = [place[1:] for place in places]
        notes.append("The folders train, validation and test decide which rows are which.")
    columns = {"file": [path.relative_to(folder).as_posix() for path in files]}
    target: tuple[str, ...] = ()
    labelled = [len(place) > 1 for place in places]
    if all(labelled):
        columns = {"label": [place[0] for place in places], **columns}
        target = ("label",)
        notes.extend(_about_classes(folder, columns["label"]))
    elif any(labelled):
        stray = files[labelled.index(False)]
        raise DataError(
            f"{stray} lies beside the class folders of {folder}, so its class is not known. "
            "Move it into one of them, or out."
        )
    images, said, used = decode(files, options)
    about = f"{folder.name}: {len(files):,} images of {_size_text(images.shape)}"
    return Source(
        folder.resolve().name, DataFrame(columns), images, target, parts,
        notes=(*notes, *said), about=about, options=used,
    )  # fmt: skip


def with_images(source: Source, folder: Path, options: dict) -> Source | None:
    """The table's rows with the images that one of its columns names; None if none does."""
    column = options.get("image_column") or _image_column(source.frame, folder)
    if column is None:
        return None
    if column not in source.frame:
        raise DataError(
            f"Column '{column}' is not in {source.name}.{nearest(column, source.frame)}"
        )
    named = source.frame[column]
    if bool(named.isna().any()):
        row = int(named.isna().to_numpy().argmax()) + 1
        raise DataError(f"Column '{column}' of {source.name} names no image in row {row}.")
    files = [folder / str(name).replace("\\", "/") for name in named]
    lacking = [path for path in files if not path.is_file()]
    if lacking:
        raise DataError(
            f"{len(lacking):,} of {len(files):,} images that column '{column}' names do not "
            f"exist, such as {lacking[0]}. Names count from the folder of the table."
        )
    whole, left_out = whole_images(files, options)
    files = [path for path, kept in zip(files, whole, strict=True) if kept]
    source = source if whole.all() else source.take(np.flatnonzero(whole))
    images, said, used = decode(files, options)
    said = (*left_out, *said)
    said = (f"Column '{column}' names the images.", *said)
    about = f"{source.about}, with images of {_size_text(images.shape)}"
    return Source(
        source.name, source.frame, images, source.target, source.parts,
        notes=(*source.notes, *said), about=about,
        options={**source.options, "image_column": column, **used},
    )  # fmt: skip


def _image_files(folder: Path, others: list[str]) -> Iterator[Path]:
    for path in files_below(folder):
        if path.suffix.lower() in SUFFIXES:
            yield path
        elif path.name.lower() not in ("thumbs.db", "desktop.ini"):
            others.append(path.name)


def _below_single_folders(places: list[tuple[str, ...]], notes: list[str]) -> list:
    """Places within the one folder that holds all class folders, as unpacked archives have it."""
    while all(len(place) > 2 for place in places) and len({place[0] for place in places}) == 1:
        notes.append(f"The class folders lie in the folder '{places[0][0]}'.")
        places = [place[1:] for place in places]
    return places


def official_parts(places: Sequence[tuple[str, ...]]) -> np.ndarray | None:
    """Parts where every image lies in a folder called train, validation or test."""
    tops = {place[0].lower() for place in places if len(place) > 2}
    if len(tops) < 2 or not tops <= PARTS.keys() or any(len(place) < 3 for place in places):
        return None
    parts = np.array([PARTS[place[0].lower()] for place in places], dtype="<U10")
    if "validation" not in parts or "test" not in parts:
        parts[parts == "train"] = ""  # the split takes the missing part from these
    return parts


def _check_parts(folder: Path, files: Sequence[Path], places: Sequence[tuple[str, ...]]) -> None:
    """Refuse parts of which one has class folders and the other has not, as ImageNet's val."""
    deep = {place[0] for place in places if len(place) > 2 and place[0].lower() in PARTS}
    for path, place in zip(files, places, strict=True):
        if deep and len(place) == 2 and place[0].lower() in PARTS:
            raise DataError(
                f"{path} lies in no class folder, but images in {folder / min(deep)} do. Sort the "
                f"images of {folder / place[0]} into folders of their classes, or move them out."
            )


def _about_classes(folder: Path, labels: list[str]) -> list[str]:
    classes = Counter(labels)
    notes = []
    if len(classes) == 1:
        notes.append(
            f"All images are in one folder, '{labels[0]}': there is nothing to tell apart."
        )
    with os.scandir(folder) as entries:
        empty = sorted(
            entry.name for entry in entries
            if entry.is_dir() and not entry.name.startswith((".", "__"))
            and entry.name not in classes and entry.name.lower() not in PARTS
        )  # fmt: skip
    if empty:
        notes.append(f"Folders without images make no class: {', '.join(empty[:5])}.")
    return notes


def _image_column(frame: DataFrame, folder: Path) -> str | None:
    """The first column that names images of which at least one of the first is there."""
    for name in columns_like_images(frame):
        cells = frame[name].dropna().head(5)
        if any((folder / cell.replace("\\", "/")).is_file() for cell in cells):
            return name
    return None


def columns_like_images(frame: DataFrame) -> list[str]:
    """Columns whose first cells end like the names of images."""
    found = []
    for name in frame.columns:
        cells = frame[name].dropna().head(5)
        if len(cells) and all(
            isinstance(cell, str) and Path(cell).suffix.lower() in SUFFIXES for cell in cells
        ):
            found.append(name)
    return found


def _size_text(shape: Sequence[int]) -> str:
    kind = {1: "grey", 3: "RGB", 4: "RGBA"}[shape[1]]
    return f"{shape[2]} x {shape[3]} pixels, {kind}"
