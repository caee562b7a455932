"""Images as a Source: folders with a sub-folder per class, tables whose column names files.

Every image is decoded once, by several threads, into one file in the user's cache folder, and
memory-mapped from there. The cache is found again by paths, times of change, sizes in bytes and
the wanted size and mode, so that a changed image is decoded anew.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pandas import DataFrame
from PIL import Image, ImageOps, UnidentifiedImageError

from layerwise.data.files import files_below
from layerwise.data.source import Source, counted
from layerwise.errors import DataError, SettingsError, nearest

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif",
    ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm",
)  # fmt: skip
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # no others are tried
MODES = {"grey": "L", "rgb": "RGB", "rgba": "RGBA"}
PARTS = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
MOST_PIXELS = 100_000_000  # of one image; more is a bomb or a mistake
LONGEST_SIDE = 224  # chosen where nothing is asked for and the images are larger than 256
VERSION = 1  # of the cache files


# --------------------------------------------------------------------------------- entrances


def holds_images(folder: Path) -> bool:
    """True where the folder or a folder in it holds a file with the suffix of an image."""
    return any(True for _ in _image_files(folder, []))


def read_image_folder(folder: Path, options: dict) -> Source:
    """Images of a folder; the sub-folder names the class, train and test folders the part."""
    others: list[str] = []
    files = sorted(_image_files(folder, others))
    if not files:
        raise DataError(f"{folder} holds no images. Give a folder with a sub-folder per class.")
    notes = []
    if others:
        files_left = counted(len(others), "file")
        notes.append(f"{files_left} with other names than images have: left out ({others[0]}).")
    places = [path.relative_to(folder).parts for path in files]
    places = _below_single_folders(places, notes)
    parts = _official_parts(places)
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
    images, said, used = decode(files, options)
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


def _official_parts(places: Sequence[tuple[str, ...]]) -> np.ndarray | None:
    """Parts where every image lies in a folder called train, validation or test."""
    tops = {place[0].lower() for place in places if len(place) > 2}
    if len(tops) < 2 or not tops <= PARTS.keys() or any(len(place) < 3 for place in places):
        return None
    parts = np.array([PARTS[place[0].lower()] for place in places], dtype="<U10")
    if "validation" not in parts or "test" not in parts:
        parts[parts == "train"] = ""  # the split takes the missing part from these
    return parts


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


# ---------------------------------------------------------------------------------- decoding


@dataclass(frozen=True)
class Header:
    """What the first bytes of an image say."""

    mode: str
    height: int
    width: int
    turned: bool
    transparent: bool
    frames: int


def decode(files: Sequence[Path], options: dict) -> tuple[np.ndarray, tuple[str, ...], dict]:
    """Images (rows, channels, height, width) uint8, what was decided, and the options used."""
    size, mode = _wanted_size(options.get("image_size")), _wanted_mode(options.get("image_mode"))
    cache = _cache_path(files, size, mode)
    if cache is not None and (found := _from_cache(cache)) is not None:
        return found
    headers = _each(_header, files)
    notes, size, mode = _decide(headers, size, mode)
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (len(files), channels, *size)
    used = {"image_size": size, "image_mode": {kind: word for word, kind in MODES.items()}[mode]}
    images, notes = _decode_into_cache(files, shape, mode, cache, notes, used)
    return images, tuple(notes), used


def _wanted_size(value) -> tuple[int, int] | None:
    """(height, width) from 32, "32", "32,48", "32x48" or (32, 48)."""
    if value is None or value == "auto":
        return None
    parts = value.replace("x", ",").split(",") if isinstance(value, str) else value
    parts = [parts] if isinstance(parts, int) else list(parts)
    try:
        numbers = [int(part) for part in parts]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) not in (1, 2) or min(numbers) < 1 or max(numbers) > 10_000:
        raise SettingsError(
            f"--data.image_size must be pixels such as 64 or 64,96 (height, width), not '{value}'."
        )
    return numbers[0], numbers[-1]


def _wanted_mode(value) -> str | None:
    if value is None or value == "auto":
        return None
    if str(value).lower() not in MODES:
        raise SettingsError(f"Image mode '{value}' is not known.{nearest(str(value), MODES)}")
    return MODES[str(value).lower()]


def _each(function, files: Sequence[Path]) -> list:
    """The function of every file, by threads; all that cannot be read is told in one error."""

    def tried(path: Path):
        try:
            return function(path)
        except DataError as error:
            return error

    workers = min(16, 2 * (os.cpu_count() or 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # judged in _header
        warnings.simplefilter("ignore", UserWarning)  # damaged EXIF data and the like
        with ThreadPoolExecutor(workers) as pool:
            results = list(pool.map(tried, files))
    errors = [result for result in results if isinstance(result, DataError)]
    if errors:
        more = f" {len(errors) - 1:,} more images cannot be read." if len(errors) > 1 else ""
        raise DataError(f"{errors[0]}{more}")
    return results


def _open(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=_formats())
    except Image.DecompressionBombError:
        raise DataError(_bomb(path, "far too many")) from None
    except UnidentifiedImageError:
        raise DataError(f"{path} {_what_it_is(path)}. Remove it or give the image.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    except Exception as error:
        raise DataError(_damaged(path, error)) from None


@functools.cache
def _formats() -> tuple[str, ...]:
    """Those of FORMATS that this Pillow can read."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _what_it_is(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(512)
    if not head:
        return "is empty (0 bytes)"
    if head.lstrip()[:15].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "is a web page under the name of an image"
    if head.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the image"
    return "is no image that can be read"


def _damaged(path: Path, error: Exception) -> str:
    return f"{path} is a damaged or cut off image ({error}). Remove or replace it."


def _bomb(path: Path, pixels) -> str:
    shown = f"{pixels:,}" if isinstance(pixels, int) else pixels
    return (
        f"{path} has {shown} pixels; at most {MOST_PIXELS:,} are read, "
        "since a small file can unpack to fill the memory. Remove or shrink it."
    )


def _header(path: Path) -> Header:
    with _open(path) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise DataError(_bomb(path, width * height))
        try:
            turned = image.getexif().get(0x0112, 1)
        except Exception:  # EXIF data is often damaged; the pixels need not be
            turned = 1
        if turned in (5, 6, 7, 8):
            width, height = height, width
        transparent = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
        try:
            frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        except Exception as error:
            raise DataError(_damaged(path, error)) from None
        return Header(image.mode, height, width, turned not in (0, 1), transparent, frames)


def _decide(headers: list[Header], size, mode) -> tuple[list[str], tuple[int, int], str]:
    """One size and one mode for all images, and what is to be said about it."""
    notes = []
    sizes = Counter((header.height, header.width) for header in headers)
    if size is None:
        size = _common_size(sizes)
    if len(sizes) > 1 or size not in sizes:
        (height, width), _ = sizes.most_common(1)[0]
        found = f"{len(sizes)} sizes, mostly" if len(sizes) > 1 else "size"
        notes.append(
            f"Images have {found} {height} x {width}; all were resized to {size[0]} x {size[1]} "
            "(height x width; --data.image_size chooses)."
        )
    modes = Counter(header.mode for header in headers)
    grey = {"1", "L", "LA", "I", "F"}
    if mode is None:
        all_grey = all(kind in grey or kind.startswith("I;") for kind in modes)
        mode = "L" if all_grey else "RGB"
    notes.extend(_about_modes(modes, headers, mode))
    return notes, size, mode


def _common_size(sizes: Counter) -> tuple[int, int]:
    """The median height and width, scaled down where the longer side exceeds 256."""
    every = np.repeat(np.array(list(sizes)), list(sizes.values()), axis=0)
    height, width = (int(side) for side in np.median(every, axis=0))
    longest = max(height, width)
    if longest <= 256:
        return max(height, 1), max(width, 1)
    scale = LONGEST_SIDE / longest
    return max(1, round(height * scale)), max(1, round(width * scale))


def _about_modes(modes: Counter, headers: list[Header], mode: str) -> list[str]:
    goal = {kind: word for word, kind in MODES.items()}[mode]
    sentences = []
    deep = sum(times for kind, times in modes.items() if kind == "I" or kind.startswith("I;"))
    counts = (
        (deep, "with 16 bits: scaled to 8 bits"),
        (modes["P"] + modes["PA"], f"with a palette: read as {goal}"),
        (modes["CMYK"], f"in CMYK: read as {goal}"),
        (modes["YCbCr"] + modes["LAB"] + modes["HSV"], f"in other colours: read as {goal}"),
        (sum(header.turned for header in headers), "with a turn in the EXIF data: turned"),
        (sum(header.frames > 1 for header in headers), "with several frames: the first is used"),
    )
    sentences += [f"{counted(times, 'image')} {text}." for times, text in counts if times]
    transparent = sum(header.transparent for header in headers)
    if transparent and mode != "RGBA":
        sentences.append(f"{counted(transparent, 'image')} with transparency: laid on white.")
    grey = modes["L"] + modes["1"] + modes["LA"] + deep
    if grey and mode != "L":
        sentences.append(f"{grey:,} of {counted(len(headers), 'image')} in grey: read as {goal}.")
    return sentences


def _pixels(path: Path, mode: str, size: tuple[int, int]) -> np.ndarray:
    """One image (channels, height, width) uint8."""
    with _open(path) as image:
        try:
            if image.format == "JPEG":
                image.draft(None, (max(size), max(size)))  # the decoder skips what is not needed
            image.load()
            image = ImageOps.exif_transpose(image)
        except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged bytes
            raise DataError(_damaged(path, error)) from None
        image = _converted(image, mode, path)
        if image.size != (size[1], size[0]):
            image = image.resize((size[1], size[0]), Image.Resampling.LANCZOS)
        pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _converted(image: Image.Image, mode: str, path: Path) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;"):
        wide = np.asarray(image).astype(np.float64)
        if wide.min() < 0 or wide.max() > 65535:
            raise DataError(f"{path} has pixels beyond 16 bits. Convert it to 8 or 16 bits.")
        image = Image.fromarray(np.round(wide / 257).astype(np.uint8))
    elif image.mode == "F":
        real = np.asarray(image)
        if not np.isfinite(real).all() or real.min() < 0 or real.max() > 1:
            raise DataError(
                f"{path} has real-valued pixels beyond 0 to 1. Save the arrays as .npz instead."
            )
        image = Image.fromarray(np.round(real * 255).astype(np.uint8))
    transparent = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    if transparent and mode != "RGBA":
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return image if image.mode == mode else image.convert(mode)


# ------------------------------------------------------------------------------------- cache


def cache_folder() -> Path:
    """The folder of decoded images, in the user's cache folder."""
    import pooch

    return Path(pooch.os_cache("layerwise")) / "images"


def _cache_path(files: Sequence[Path], size, mode) -> Path:
    digest = hashlib.sha256(f"{VERSION} {size} {mode}\n".encode())
    for path in files:
        try:
            facts = path.stat()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from None
        line = f"{path.resolve()}\0{facts.st_mtime_ns}\0{facts.st_size}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return cache_folder() / f"{digest.hexdigest()[:32]}.npy"


def _from_cache(cache: Path):
    try:
        facts = json.loads(cache.with_suffix(".json").read_text(encoding="utf-8"))
        images = np.load(cache, mmap_mode="c", allow_pickle=False)
        used = {**facts["used"], "image_size": tuple(facts["used"]["image_size"])}
        whole = list(images.shape) == facts["shape"] and images.dtype == np.uint8
        return (images, tuple(facts["notes"]), used) if whole else None
    except (OSError, ValueError, KeyError, EOFError, TypeError):
        return None  # absent or damaged: decoded anew


def _decode_into_cache(files, shape, mode: str, cache: Path, notes: list[str], used: dict):
    """Decode into a file beside the cache and rename it; in memory where no file can be had."""
    beside = cache.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    images = _new_map(beside, shape, notes)
    try:
        _fill(images, files, mode, shape[2:])
        if isinstance(images, np.memmap):
            images.flush()
            del images
            facts = {"shape": list(shape), "notes": notes, "used": used}
            cache.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")
            os.replace(beside, cache)
            images = np.load(cache, mmap_mode="c", allow_pickle=False)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return images, notes


def _new_map(beside: Path, shape, notes: list[str]) -> np.ndarray:
    need = int(np.prod(shape))
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(beside.parent).free < 1.1 * need:
            raise OSError("too little space")
        images = np.lib.format.open_memmap(beside, mode="w+", dtype=np.uint8, shape=shape)
        if hasattr(os, "posix_fallocate"):  # a full disk is an error here, not a crash later
            with beside.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, need)
        return images
    except OSError as error:
        reason = error.strerror or error
        notes.append(f"The cache folder {beside.parent} cannot be used ({reason}); kept in memory.")
        return np.empty(shape, dtype=np.uint8)


def _fill(images: np.ndarray, files: Sequence[Path], mode: str, size: tuple[int, int]) -> None:
    places = {id(path): place for place, path in enumerate(files)}

    def fill(path: Path) -> None:
        images[places[id(path)]] = _pixels(path, mode, size)

    _each(fill, files)
