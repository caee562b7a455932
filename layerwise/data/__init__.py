"""Experience: ``read`` gives the rows of any source that layerwise understands.

A source is a known name, a file, a folder, a glob, or data in memory. Everything that can be
wrong with it is a DataError that names the file and the line; everything that was decided while
reading stands in ``Source.notes``.
"""

from __future__ import annotations

import glob as globbing
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from layerwise.data import arrays, table
from layerwise.data.known import KNOWN, data_folder, fetch, read_known
from layerwise.data.source import Source
from layerwise.errors import DataError, SettingsError, nearest

__all__ = ["KNOWN", "OPTIONS", "Source", "data_folder", "fetch", "read"]

OPTIONS = {
    "separator": "what parts the cells: , ; | tab or space",
    "decimal": "the decimal mark: . or ,",
    "encoding": "of a text file, such as latin-1",
    "header": "true, false, or the line number of the header",
    "categorical": "columns that are categories, even if they look like numbers",
    "numeric": "columns that are numbers, even if they look like codes",
    "dates": "columns that are dates",
    "boolean": "columns that are yes or no",
    "text": "columns that stay text as they are written",
    "image_column": "the column that names image files",
    "image_size": "pixels: 64, or height,width",
    "image_mode": "grey, rgb or rgba",
}


def read(
    data,
    *,
    options: dict | None = None,
    target=None,
    validation=None,
    test=None,
    targets=None,
    key: str | None = None,
) -> Source:
    """All rows of ``data``, with those of ``validation`` and ``test`` behind them.

    Parameters
    ----------
    data : str, path, DataFrame, array or tensor
        A known name, a file, a folder, a glob; or the inputs themselves.
    options : dict
        How it is read; the keys of ``OPTIONS``.
    target : str, list of str or array
        Names of the target columns, or for data in memory the targets themselves.
    validation, test : like data
        Sources of their own for these parts; their columns must be those of ``data``.
    targets : like data
        A table with the targets, joined by ``key``.
    key : str
        The column that names each row, in ``data`` and in ``targets``.

    Raises
    ------
    DataError
        Where the source cannot be read rightly.
    SettingsError
        For an unknown option.
    """
    options = _checked_options(options)
    source = _read_one(data, options, target)
    if targets is not None:
        source = _with_targets(source, targets, options, key, target)
    others = [("validation", validation), ("test", test)]
    for part, other in others:
        if other is None:
            continue
        read_alike = {**options, **source.options}
        more = other if isinstance(other, Source) else _read_one(other, read_alike, None)
        if targets is not None:
            more = _with_targets(more, targets, options, key, target)
        source = _with_part(source, part, more)
    return replace(source, options={**options, **source.options})


def _checked_options(options: dict | None) -> dict:
    options = dict(options or {})
    for name in options:
        if name not in OPTIONS:
            raise SettingsError(f"Data option '{name}' is not known.{nearest(name, OPTIONS)}")
    return options


def _read_one(data, options: dict, target) -> Source:
    if isinstance(data, Source):
        return data
    if isinstance(data, (str, os.PathLike)):
        return _read_named(str(data), options)
    if data is None:
        raise DataError("No data was given. Give a known name, a file, a folder or an array.")
    source = arrays.from_memory(data, target)
    return _perhaps_with_images(source, Path(), options)


def _read_named(text: str, options: dict) -> Source:
    if text in KNOWN:
        source = read_known(text, options)
        if os.path.exists(text):
            note = f"'{text}' is the known data set; write ./{text} for what lies in this folder."
            source = replace(source, notes=(*source.notes, note))
        return source
    if "://" in text:
        raise DataError(f"{text} is an address. Download it first; nothing is downloaded for you.")
    path = Path(text).expanduser()
    if not _exists(path):
        return _read_glob(text, options)
    return _read_folder(path, options) if path.is_dir() else _read_file(path, options)


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except PermissionError:
        raise DataError(f"{path} cannot be read: permission denied.") from None
    except (OSError, ValueError):
        return False
    return True


def _read_glob(text: str, options: dict) -> Source:
    pattern = str(Path(text).expanduser())
    paths = [Path(found) for found in sorted(globbing.glob(pattern, recursive=True))]
    paths = [path for path in paths if path.is_file()]
    if not paths:
        raise _missing(text)
    if len(paths) == 1:
        return _read_file(paths[0], options)
    odd = [path for path in paths if not _is_table_name(path)]
    if odd:
        raise DataError(
            f"{text} also matches {odd[0].name}, which is no table. Narrow the pattern, for "
            "example to *.parquet."
        )
    return table.read_tables(paths, paths[0].parent.resolve().name or "tables", options)


def _is_table_name(path: Path) -> bool:
    return any(suffix.lower() in table.TABLE_SUFFIXES for suffix in path.suffixes[-2:])


def _missing(text: str) -> DataError:
    path = Path(text).expanduser()
    if globbing.has_magic(text):
        return DataError(f"No file matches {text}. Check the pattern.")
    looks_like_path = path.suffix or any(mark in text for mark in "/\\")
    if not looks_like_path:
        known = nearest(text, KNOWN)
        return DataError(f"'{text}' is neither a file or folder here nor a known data set.{known}")
    beside: list[str] = []
    if path.parent.is_dir():
        beside = sorted(other.name for other in path.parent.iterdir())
    else:
        return DataError(f"{text} does not exist: there is no folder {path.parent}.")
    return DataError(f"{text} does not exist.{nearest(path.name, beside)}")


def _read_file(path: Path, options: dict) -> Source:
    head = table.first_bytes(path)
    if head[:6] == b"\x93NUMPY":
        return arrays.read_npy(path)
    if head[:2] == b"PK" and (path.suffix.lower() == ".npz" or _is_npz(path)):
        return arrays.read_npz(path)
    if path.suffix.lower() in (".npz", ".npy"):
        raise DataError(f"{path} is damaged or no numpy file. Write it anew with numpy.savez.")
    if arrays.is_idx(head, path):
        raise DataError(
            f"{path} is one IDX file; images and labels are needed. Give the folder: {path.parent}"
        )
    return _perhaps_with_images(table.read_table(path, options), path.parent, options)


def _is_npz(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)


def _perhaps_with_images(source: Source, folder: Path, options: dict) -> Source:
    if source.inputs is not None:
        return source
    from layerwise.data import images  # loads Pillow

    with_images = images.with_images(source, folder, options)
    if with_images is not None:
        return with_images
    for column in images.columns_like_images(source.frame):
        note = (
            f"Column '{column}' looks like names of images, but {source.frame[column].iloc[0]} "
            f"is not in {folder.resolve()}; it is read as text."
        )
        source = replace(source, notes=(*source.notes, note))
    return source


def _read_folder(folder: Path, options: dict) -> Source:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}.") from None
    if arrays.idx_files(folder):
        return arrays.read_idx(folder)
    parts = sorted(
        path
        for path in table.files_below(folder)
        if path.suffix.lower() in table.PARQUET_SUFFIXES and not path.name.startswith("_")
    )
    if parts:
        return table.read_tables(parts, folder.resolve().name, options)
    from layerwise.data import images  # loads Pillow

    if images.holds_images(folder):
        return images.read_image_folder(folder, options)
    raise _unreadable_folder(folder, names)


def _unreadable_folder(folder: Path, names: list[str]) -> DataError:
    tables = [name for name in names if _is_table_name(Path(name)) or name.endswith(".npz")]
    if tables:
        return DataError(
            f"{folder} is a folder; a file is needed here. Give one of its files, such as "
            f"{folder / tables[0]}, or a pattern for files with the same columns."
        )
    held = f"It holds {', '.join(names[:8])}." if names else "It is empty."
    return DataError(
        f"{folder} holds no images, no Parquet parts and no IDX files. {held} "
        "A folder of images has a sub-folder for each class."
    )


# ------------------------------------------------------------------- several sources in one


def _with_part(source: Source, part: str, more: Source) -> Source:
    """The source with the rows of another behind, which are fixed to be validation or test."""
    names = [("the training data", source.frame), (f"the {part} data", more.frame)]
    frame = table.stack_frames(names)
    inputs = None
    if (source.inputs is None) != (more.inputs is None):
        raise DataError(f"The {part} data must be of the same kind as the training data.")
    if source.inputs is not None and more.inputs is not None:
        if source.inputs.shape[1:] != more.inputs.shape[1:]:
            raise DataError(
                f"The {part} data has rows of shape {more.inputs.shape[1:]}, "
                f"the training data {source.inputs.shape[1:]}. They must be alike."
            )
        inputs = np.concatenate([source.inputs, more.inputs])
    before = source.parts if source.parts is not None else np.full(len(source.frame), "", "<U10")
    if part in before:
        raise DataError(f"{source.name} has {part} rows of its own; give no others.")
    parts = np.concatenate([before, np.full(len(more.frame), part, dtype="<U10")])
    notes = (*source.notes, *(f"{part}: {note}" for note in more.notes))
    return replace(source, frame=frame, inputs=inputs, parts=parts, notes=notes)


def _with_targets(source: Source, targets, options: dict, key: str | None, target) -> Source:
    """The source with the target columns of another table, found by the key of each row."""
    other = _read_one(targets, options, None)
    if key is None:
        raise DataError(
            f"Give --key: the column that names each row in both tables. Columns of the targets: "
            f"{', '.join(map(str, other.frame.columns))}."
        )
    for frame, where in ((source.frame, "the inputs"), (other.frame, "the targets")):
        if key not in frame:
            raise DataError(f"Column '{key}' is not in {where}.{nearest(key, frame.columns)}")
    clash = [name for name in other.frame if name != key and name in source.frame]
    if clash:
        raise DataError(
            f"Column '{clash[0]}' is in the inputs and in the targets. Remove it from one of them."
        )
    place, notes = _places(source.frame[key], other.frame[key], key)
    added = other.frame.drop(columns=key).take(np.maximum(place, 0)).reset_index(drop=True)
    if (place < 0).any():
        added = added.where(place[:, None] >= 0)
    frame = source.frame.join(added)
    found = tuple(added.columns) if target is None else source.target
    notes = (*source.notes, *other.notes, *notes)
    return replace(source, frame=frame, target=found, notes=notes)


def _places(mine, theirs, key: str) -> tuple[np.ndarray, list[str]]:
    """For each row its row in the targets, -1 where there is none; and what is to be said."""
    if mine.dtype != theirs.dtype:
        mine, theirs = mine.astype(str), theirs.astype(str)
    doubled = theirs[theirs.duplicated()]
    if len(doubled):
        raise DataError(
            f"The targets have {len(doubled):,} rows whose '{key}' was there before, such as "
            f"{doubled.iloc[0]}. Each key may be there once."
        )
    import pandas as pd

    place = pd.Index(theirs).get_indexer(pd.Index(mine))
    if (place < 0).all():
        raise DataError(
            f"No '{key}' of the inputs (such as {mine.iloc[0]}) is in the targets (such as "
            f"{theirs.iloc[0]}). Write the keys alike."
        )
    notes = []
    if (place < 0).any():
        first = mine.iloc[int((place < 0).argmax())]
        notes.append(
            f"{table.counted(int((place < 0).sum()), 'row')} without a target under the same "
            f"'{key}', such as {first}: the target is missing there."
        )
    unused = len(theirs) - len(np.unique(place[place >= 0]))
    if unused:
        notes.append(f"{table.counted(unused, 'row')} of the targets without an input: not used.")
    return place, notes
