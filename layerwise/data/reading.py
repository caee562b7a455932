"""One source, whatever it is: a known name, a file, a folder, a glob, or data in memory."""

import glob as globbing
import os
import zipfile
from dataclasses import replace
from pathlib import Path

from layerwise.data.cifar import holds_cifar, read_cifar
from layerwise.data.files import PARQUET_SUFFIXES, TABLE_SUFFIXES, files_below, first_bytes
from layerwise.data.graph_files import (
    from_networkx,
    from_pyg,
    is_graph_npz,
    is_pyg,
    is_tu,
    read_graph_npz,
    read_graph_tables,
    read_graphml,
    read_tu,
)
from layerwise.data.grid_files import is_grid_file, is_zarr, read_grid
from layerwise.data.idx import idx_files, is_idx, read_idx
from layerwise.data.known import KNOWN, read_known
from layerwise.data.memory import from_memory
from layerwise.data.numpy_files import read_npy, read_npz
from layerwise.data.pair_folders import is_pair_folder, read_pair_folder
from layerwise.data.pairs import read_sentences
from layerwise.data.source import Source
from layerwise.data.table import read_table, read_tables
from layerwise.data.text import is_text_file, read_text
from layerwise.errors import DataError, nearest


def read_one(data, options: dict, target) -> Source:
    """Rows of one source; what is a Source already stays as it is."""
    if isinstance(data, Source):
        return data
    if isinstance(data, (str, os.PathLike)):
        return _read_named(str(data), options)
    if data is None:
        raise DataError("No data was given. Give a known name, a file, a folder or an array.")
    if is_pyg(data):
        return from_pyg(data, options)
    if type(data).__module__.startswith("networkx."):
        return from_networkx("graph", data, options)
    source = from_memory(data, target)
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
    return read_tables(paths, paths[0].parent.resolve().name or "tables", options)


def _is_table_name(path: Path) -> bool:
    return any(suffix.lower() in TABLE_SUFFIXES for suffix in path.suffixes[-2:])


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
    head = first_bytes(path)
    if is_grid_file(path, head):
        return read_grid(path)
    if head[:2] == b"PK" and (packed := _read_packed(path, options)) is not None:
        return packed
    if head[:6] == b"\x93NUMPY":
        return read_npy(path)
    if path.suffix.lower() == ".graphml":
        return read_graphml(path, options)
    if "edges" in options:
        return read_graph_tables(path, Path(str(options["edges"])).expanduser(), options)
    if path.suffix.lower() in (".npz", ".npy"):
        raise DataError(f"{path} is damaged or no numpy file. Write it anew with numpy.savez.")
    if is_idx(head, path):
        raise DataError(
            f"{path} is one IDX file; images and labels are needed. Give the folder: {path.parent}"
        )
    if any(name in options for name in ("languages", "pairs")) and not _is_table(path):
        return read_sentences(path, options)
    if _is_text(path, options):
        return read_text(path, options)
    return _perhaps_with_images(read_table(path, options), path.parent, options)


def _read_packed(path: Path, options: dict) -> Source | None:
    """What a zip archive holds: arrays, graphs, or images with masks; None where none of them."""
    if path.suffix.lower() == ".npz" or _is_npz(path):
        return read_graph_npz(path, options) if is_graph_npz(_members(path)) else read_npz(path)
    if is_tu(path):
        return read_tu(path, options)
    if path.suffix.lower() == ".zip":
        from layerwise.data.masks import holds_masks, read_masks  # loads Pillow

        if "masks" in options or holds_masks(path):
            return read_masks(path, options)
    return None


def _is_text(path: Path, options: dict) -> bool:
    """Whether a file is plain text: by its name and looks, or because it is read by lines."""
    if is_text_file(path):
        return True
    by_lines = "lines" in options and options.get("text", "text") == "text"
    return by_lines and not _is_table(path)


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in TABLE_SUFFIXES and path.suffix.lower() != ".txt"


def _is_npz(path: Path) -> bool:
    names = _members(path, "")
    return bool(names) and all(name.endswith(".npy") for name in names)


def _members(path: Path, suffix: str = ".npy") -> list[str]:
    """Names in a zip archive, without a suffix; none where it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(suffix) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError):
        return []


def _perhaps_with_images(source: Source, folder: Path, options: dict) -> Source:
    if source.inputs is not None:
        return source
    from layerwise.data.images import columns_like_images, with_images  # loads Pillow

    found = with_images(source, folder, options)
    if found is not None:
        return found
    for column in columns_like_images(source.frame):
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
    if is_zarr(folder):
        return read_grid(folder)
    if idx_files(folder):
        return read_idx(folder)
    if holds_cifar(folder):
        return read_cifar(folder)
    if is_pair_folder(folder):
        return read_pair_folder(folder, options)
    if is_tu(folder):
        return read_tu(folder, options)
    parts = sorted(
        path
        for path in files_below(folder)
        if path.suffix.lower() in PARQUET_SUFFIXES and not path.name.startswith("_")
    )
    if parts:
        return read_tables(parts, folder.resolve().name, options)
    from layerwise.data.images import holds_images, read_image_folder  # loads Pillow
    from layerwise.data.masks import holds_masks, read_masks

    if "masks" in options or holds_masks(folder):
        return read_masks(folder, options)
    if holds_images(folder):
        return read_image_folder(folder, options)
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
