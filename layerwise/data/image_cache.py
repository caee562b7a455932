"""Decoded images, kept in the user's cache folder and memory-mapped from there.

Every image is decoded once, by several threads. The cache is found again by paths, times of
change, sizes in bytes and the wanted size and mode, so that a changed image is decoded anew.
Where all of them together exceed 20 GB, those that were not used for the longest time are removed,
but none that was used within a day.
"""

import contextlib
import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from layerwise.data.image_files import of_each
from layerwise.data.image_pixels import (
    MODES,
    decide,
    decide_bits,
    read_header,
    read_pixels,
    wanted_bits,
    wanted_mode,
    wanted_size,
)
from layerwise.data.source import counted
from layerwise.errors import DataError

VERSION = 2  # of the cache files
MOST_BYTES = 20 * 10**9  # of the cache folder
IN_USE = 24 * 3600  # seconds after its last use in which a file may still be mapped or written


def decode(files: Sequence[Path], options: dict) -> tuple[np.ndarray, tuple[str, ...], dict]:
    """Images (rows, channels, height, width) uint8, what was decided, and the options used."""
    size, mode = wanted_size(options.get("image_size")), wanted_mode(options.get("image_mode"))
    bits = wanted_bits(options.get("image_bits"))
    cache = cache_path(files, size, mode, bits)
    if (found := from_cache(cache)) is not None:
        return found
    headers = of_each(read_header, files)
    notes, size, mode = decide(headers, size, mode)
    said, bits = decide_bits(headers, bits)
    notes += said
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (len(files), channels, *size)
    used = {"image_size": size, "image_mode": {kind: word for word, kind in MODES.items()}[mode]}
    if bits is not None:
        used["image_bits"] = bits
    images, notes = into_cache(
        shape, lambda images: _fill(images, files, size, mode, bits), cache, notes, used
    )
    return images, tuple(notes), used


def cache_folder() -> Path:
    """The folder of decoded images, in the user's cache folder."""
    import pooch

    return Path(pooch.os_cache("layerwise")) / "images"


def cache_path(files: Sequence[Path], size, mode, bits) -> Path:
    """Where these files are kept when decoded in this way; DataError where one is not there."""
    digest = hashlib.sha256(f"{VERSION} {size} {mode} {bits}\n".encode())
    for path in files:
        try:
            facts = path.stat()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from None
        line = f"{path.resolve()}\0{facts.st_mtime_ns}\0{facts.st_size}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return cache_folder() / f"{digest.hexdigest()[:32]}.npy"


def from_cache(cache: Path) -> tuple[np.ndarray, tuple[str, ...], dict] | None:
    """The pixels, mapped, with notes and options; None where they are not there whole."""
    try:
        facts = json.loads(cache.with_suffix(".json").read_text(encoding="utf-8"))
        images = np.load(cache, mmap_mode="c", allow_pickle=False)
        used = {**facts["used"], "image_size": tuple(facts["used"]["image_size"])}
        if list(images.shape) != facts["shape"] or images.dtype != np.uint8:
            return None
    except (OSError, ValueError, KeyError, EOFError, TypeError):
        return None  # absent or damaged: decoded anew
    with contextlib.suppress(OSError):
        os.utime(cache.with_suffix(".json"))  # its time is that of the last use
    return images, tuple(facts["notes"]), used


def into_cache(
    shape, fill: Callable[[np.ndarray], None], cache: Path, notes: list[str], used: dict
) -> tuple[np.ndarray, list[str]]:
    """Fill a file beside the cache and rename it; in memory where no file can be had."""
    beside = cache.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    images = _new_map(beside, shape, notes)
    try:
        fill(images)
        if isinstance(images, np.memmap):
            images.flush()
            del images
            facts = {"shape": list(shape), "notes": notes, "used": used}
            cache.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")
            os.replace(beside, cache)
            images = np.load(cache, mmap_mode="c", allow_pickle=False)
            notes = notes + _remove_old(cache)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return images, notes


def _remove_old(just_used: Path) -> list[str]:
    """Remove what was not used for longest, until MOST_BYTES hold the rest; say how many.

    What was used within a day stays, these images above all: where the folder lies on another
    machine, a process that has mapped a removed file would crash. Half-made files of processes
    that died are removed when they are a day old.
    """
    used = {path: _facts(path.with_suffix(".json"))[0] for path in just_used.parent.glob("*.npy")}
    used[just_used] = time.time()
    youngest_first = sorted(used, key=lambda path: used[path], reverse=True)
    totals = np.cumsum([_facts(path)[1] for path in youngest_first])
    too_many = [
        path for path, total in zip(youngest_first, totals, strict=True) if total > MOST_BYTES
    ]
    used |= {path: _facts(path)[0] for path in just_used.parent.glob("*.part")}
    half_made = [path for path in used if path.suffix == ".part"]
    limit = time.time() - IN_USE
    removed = sum(_is_removed(path) for path in (*too_many, *half_made) if used[path] < limit)
    if not removed:
        return []
    files = counted(removed, "old file")
    return [f"The cache of decoded images holds at most {MOST_BYTES / 1e9:g} GB: {files} removed."]


def _facts(path: Path) -> tuple[float, int]:
    """(time of the last change, bytes); 0 where another process has just removed the file."""
    try:
        facts = path.stat()
    except OSError:
        return 0.0, 0
    return facts.st_mtime, facts.st_size


def _is_removed(path: Path) -> bool:
    """Remove images and the facts beside them; False where the system does not let us."""
    try:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
    except OSError:  # such as a file that is in use, on Windows
        return False
    return True


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
        _check_memory(need, shape[0], reason)
        notes.append(f"The cache folder {beside.parent} cannot be used ({reason}); kept in memory.")
        return np.empty(shape, dtype=np.uint8)


def _check_memory(need: int, images: int, reason: object) -> None:
    from layerwise.data.storage import free_memory  # loads torch

    free = free_memory()
    if free is not None and need > free:
        raise DataError(
            f"{counted(images, 'image')} need {need:,} bytes when decoded: more than the memory "
            f"that is free ({free:,}), and the cache folder cannot be used ({reason}). Give a "
            "smaller --data.image_size."
        )


def _fill(images: np.ndarray, files: Sequence[Path], size, mode: str, bits: int | None) -> None:
    places = {id(path): place for place, path in enumerate(files)}

    def fill(path: Path) -> None:
        images[places[id(path)]] = read_pixels(path, mode, size, bits)

    of_each(fill, files)
