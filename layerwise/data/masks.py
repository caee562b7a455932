"""Images with a mask each: which class every pixel has. A Source of the form "masks".

``inputs`` of such a source is (rows, channels + 1, height, width) uint8: the image, and as the last
channel the code of each pixel's class, 255 where none is known. Images and masks are in folders
of these names, masks under the name of their image (perhaps with ``_mask`` behind), or side by
side with ``_mask``; a folder or a zip archive.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from pandas import DataFrame
from PIL import Image

from layerwise.data.files import files_below
from layerwise.data.image_cache import cache_path, from_cache, into_cache
from layerwise.data.image_files import of_each
from layerwise.data.image_pixels import (
    MODES,
    Header,
    decide,
    decide_bits,
    read_header,
    read_pixels,
    wanted_bits,
    wanted_mode,
    wanted_size,
)
from layerwise.data.images import PARTS, SUFFIXES, official_parts
from layerwise.data.mask_pixels import (
    Coding,
    MaskHeader,
    decide_coding,
    read_codes,
    read_mask_header,
)
from layerwise.data.mask_target import IGNORED
from layerwise.data.source import Source, counted, several
from layerwise.data.zipped import members
from layerwise.errors import DataError

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages")
MASK_FOLDERS = (
    "masks", "mask", "annotations", "segmentations", "segmentation", "segmentationclass",
    "ground_truth", "gt",
)  # fmt: skip
ENDINGS = ("_mask", "-mask", "_masks", "_segmentation", "_seg", "_gt")
OPTIONS = ("masks", "mask_values", "mask_ignore", "mask_threshold", "classes")


@dataclass(frozen=True)
class Found:
    """The images of a folder or archive, sorted, and their masks by the same key.

    images, masks : (folders without "images" or "masks", name without suffix) -> file
    others : how many images lie elsewhere
    """

    images: dict[tuple[str, ...], Any]
    masks: dict[tuple[str, ...], Any]
    others: int = 0


def holds_masks(place: Path) -> bool:
    """Whether a folder or an archive is laid out as images with masks."""
    parts = [path.parts for path, _ in _files(place)]
    folders: set[tuple[str, ...]] = {tuple(name.lower() for name in one[:-1]) for one in parts}
    folders |= {folder[:end] for folder in folders for end in range(len(folder))}
    folders |= {(*top, name) for top, name in _empty_folders(place)}
    tops = {folder[:-1] for folder in folders if folder and folder[-1] in MASK_FOLDERS}
    if any(folder and folder[-1] in IMAGE_FOLDERS and folder[:-1] in tops for folder in folders):
        return True
    stems = {(*one[:-1], PurePosixPath(one[-1]).stem) for one in parts}
    marked = [stem for stem in stems if _unmarked(stem[-1]) is not None]
    return 0 < len(marked) >= len(stems) / 3 and any(
        (*stem[:-1], _unmarked(stem[-1])) in stems for stem in marked
    )


def read_masks(place: Path, options: dict) -> Source:
    """The images of a folder or archive with their masks.

    Where options name the values of masks that an earlier reading found, there may be no masks.
    Raises DataError for an image without a mask, a mask without an image, sizes that differ,
    and values that are no classes.
    """
    found = _found(place, options.get("masks"))
    keys = sorted(found.images)
    if not keys:
        raise DataError(
            f"{place} holds no images. Put them into a folder 'images', and their masks under the "
            "same names into a folder 'masks' beside it."
        )
    _check_pairs(place, found, needed=options.get("mask_values") is None)
    images = [found.images[key] for key in keys]
    masks = [found.masks[key] for key in keys] if found.masks else []
    pixels, notes, used, sizes = _decoded(images, masks, options)
    parted = [list(key) for key in keys]
    places = [(key[0] if len(key) > 1 else "", "", key[-1]) for key in parted]
    parts = official_parts(places)
    if parts is not None:
        notes.append("The folders train, validation and test decide which rows are which.")
    if found.others:
        notes.append(f"{counted(found.others, 'image')} in other folders: left out.")
    names = [_relative(place, file) for file in images]
    columns = {"file": names, "height": sizes[:, 0], "width": sizes[:, 1]}
    kind = {2: "grey", 4: "RGB", 5: "RGBA"}[pixels.shape[1]]
    size = f"{pixels.shape[2]} x {pixels.shape[3]} pixels, {kind}"
    about = f"{place.name}: {len(keys):,} images of {size}, {'with' if masks else 'without'} masks"
    return Source(
        place.resolve().name.removesuffix(".zip"), DataFrame(columns), pixels, (), parts,
        notes=tuple(notes), about=about, options=used, form="masks",
        roles={"carry": "file"},
    )  # fmt: skip


def _files(place: Path) -> list[tuple[PurePosixPath, Any]]:
    """Where each image is below the place, and the file itself."""
    if place.is_dir():
        every = [(file.relative_to(place), file) for file in files_below(place)]
    else:
        every = [(PurePosixPath(one.inside), one) for one in members(place)]
    return [
        (PurePosixPath(*path.parts), file)
        for path, file in every
        if path.suffix.lower() in SUFFIXES
    ]


def _empty_folders(place: Path) -> list[tuple[tuple[str, ...], str]]:
    """Folders right below the place, and below those of parts, whatever they hold."""
    if not place.is_dir():
        return []
    near = _folders_in(place)
    parts = [name for name in near if name.lower() in PARTS]
    deeper = [
        ((part.lower(),), name.lower()) for part in parts for name in _folders_in(place / part)
    ]
    return [((), name.lower()) for name in near] + deeper


def _folders_in(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [one.name for one in entries if one.is_dir() and not one.name.startswith(".")]


def _relative(place: Path, file: Any) -> str:
    return file.relative_to(place).as_posix() if place.is_dir() else file.inside


def _unmarked(stem: str) -> str | None:
    """The stem of the image that a mask's stem names by its ending; None without one."""
    for ending in ENDINGS:
        if stem.lower().endswith(ending) and len(stem) > len(ending):
            return stem[: -len(ending)]
    return None


def _found(place: Path, wanted: str | None) -> Found:
    """Images and masks by their folders; without such folders by the endings of their names.

    wanted : the name of the folder of masks, or the ending of their names
    """
    every = _files(place)
    wanted = None if wanted in (None, "auto") else str(wanted).lower()
    folders = MASK_FOLDERS if wanted is None else (wanted,)
    if any(_folder_in(path, (*IMAGE_FOLDERS, *folders)) for path, _ in every):
        images = _keyed(place, every, IMAGE_FOLDERS, {})
        masks = _keyed(place, every, folders, images)
        return Found(images, masks, len(every) - len(images) - len(masks))
    return _side_by_side(place, every, wanted)


def _folder_in(path: PurePosixPath, names: Sequence[str]) -> str | None:
    return next((part for part in path.parts[:-1] if part.lower() in names), None)


def _keyed(
    place: Path, every: list, names: Sequence[str], images: dict[tuple[str, ...], Any]
) -> dict[tuple[str, ...], Any]:
    """Files below a folder of one of these names, by where they are without it."""
    found: dict[tuple[str, ...], Any] = {}
    for path, file in every:
        folder = _folder_in(path, names)
        if folder is None:
            continue
        parts = list(path.parts[:-1])
        parts.remove(folder)
        key = (*parts, path.stem)
        other = _unmarked(path.stem)
        if key not in images and other is not None and (*parts, other) in images:
            key = (*parts, other)
        if key in found:
            raise DataError(
                f"{found[key]} and {file} are both of '{'/'.join(key)}'. There must be one image "
                "and one mask of each name: remove one, or join masks of single objects into one."
            )
        found[key] = file
    return found


def _side_by_side(place: Path, every: list, ending: str | None) -> Found:
    """Images with their masks beside them, told by the ending of the names."""
    images, masks = {}, {}
    for path, file in every:
        own = ending is not None and path.stem.lower().endswith(ending)
        other = path.stem[: -len(ending)] if own and ending else _unmarked(path.stem)
        key = (*path.parts[:-1], path.stem if other is None else other)
        (images if other is None else masks)[key] = file
    return Found(images, masks)


def _check_pairs(place: Path, found: Found, *, needed: bool) -> None:
    """Raise where an image or a mask is alone."""
    if not found.masks and not needed:
        return
    if not found.masks:
        raise DataError(
            f"{place} holds {counted(len(found.images), 'image')} and no masks. Put a mask of each "
            "under the same name into a folder 'masks' beside 'images'."
        )
    for ours, others, what, lacks in (
        (found.images, found.masks, "image", "mask"),
        (found.masks, found.images, "mask", "image"),
    ):
        alone = sorted(set(ours) - set(others))
        if alone:
            raise DataError(
                f"{len(alone):,} of {counted(len(ours), what)} of {place} "
                f"{'has' if len(alone) == 1 else 'have'} no {lacks}, such as {ours[alone[0]]}. "
                "An image and its mask have the same name but for the suffix; add what lacks, or "
                "take these out."
            )


def _decoded(
    images: Sequence[Any], masks: Sequence[Any], options: dict
) -> tuple[np.ndarray, list[str], dict, np.ndarray]:
    """Images with codes as their last channel, notes, options used, and sizes (rows, 2)."""
    given = {name: options[name] for name in OPTIONS if options.get(name) is not None}
    size, mode = wanted_size(options.get("image_size")), wanted_mode(options.get("image_mode"))
    bits = wanted_bits(options.get("image_bits"))
    cache = cache_path([*images, *masks], size, f"{mode} masks {given}", bits)
    found = from_cache(cache)
    if found is not None:
        pixels, notes, used = found
        sizes = np.array(used.pop("sizes"))
        return pixels, list(notes), used, sizes
    headers = of_each(read_header, images)
    notes, size, mode = decide(headers, size, mode)
    said, bits = decide_bits(headers, bits)
    of_masks = of_each(read_mask_header, masks)
    _check_sizes(headers, of_masks, images, masks)
    used = {
        "image_size": size, "image_mode": {kind: word for word, kind in MODES.items()}[mode],
        **({} if bits is None else {"image_bits": bits}), **_used_for_masks(given),
    }  # fmt: skip
    coding = None
    if masks:
        coding = decide_coding(of_masks, masks, options)
        classes = _classes(options.get("classes"), coding)
        used |= {"mask_values": list(coding.values), "classes": classes}
        said += _about_masks(of_masks, coding, classes)
    channels = len(Image.new(mode, (1, 1)).getbands())
    fill = _filler(images, masks, size, (mode, bits), coding)
    sizes = np.array([[header.height, header.width] for header in headers])
    kept = used | {"sizes": sizes.tolist()}
    shape = (len(images), channels + 1, *size)
    pixels, notes = into_cache(shape, fill, cache, [*notes, *said], kept)
    return pixels, notes, used, sizes


def _used_for_masks(given: dict) -> dict:
    """Options of masks as they are kept, so that prediction reads alike."""
    kept = {"masks": str(given.get("masks", "auto"))}
    kept |= {k: str(given[k]) for k in ("mask_ignore", "mask_threshold") if k in given}
    return kept | {k: given[k] for k in ("mask_values", "classes") if k in given}


def _check_sizes(
    headers: Sequence[Header], of_masks: Sequence[MaskHeader], images: Sequence, masks: Sequence
) -> None:
    """Raise where a mask is not as large as its image."""
    pairs = [
        (image, mask, (one.height, one.width), (other.height, other.width))
        for image, mask, one, other in zip(images, masks, headers, of_masks, strict=bool(masks))
        if (one.height, one.width) != (other.height, other.width)
    ]
    if pairs:
        image, mask, (height, width), (other_height, other_width) = pairs[0]
        raise DataError(
            f"{len(pairs):,} of {counted(len(masks), 'mask')} "
            f"{'has' if len(pairs) == 1 else 'have'} another size than the image: {mask} is "
            f"{other_height} x {other_width} pixels (height x width), {image} is {height} x "
            f"{width}. A mask has a pixel for each pixel of its image."
        )


def _classes(given: Any, coding: Coding) -> list[str]:
    """The names of the classes, in the order of their codes."""
    values = list(coding.values)
    if given is None:
        binary = values in (["0", "255"], ["0", "1"])
        return ["background", "foreground"] if binary else values
    names = list(several(given, []))
    if len(names) != len(values):
        raise DataError(
            f"--data.classes names {len(names)} classes ({', '.join(names)}), but the masks have "
            f"{len(values)} values: {', '.join(values[:12])}. Name one class per value, in this "
            "order."
        )
    return names


def _about_masks(headers: Sequence[MaskHeader], coding: Coding, classes: list[str]) -> list[str]:
    """Which value is which class."""
    pairs = zip(coding.values, classes, strict=True)
    named = ", ".join(
        value if value == name else f"{value} is {name}" for value, name in list(pairs)[:12]
    )
    said = [f"Values of the masks: {named}{', ...' if len(classes) > 12 else ''}."]
    if coding.ignored is not None:
        counts: Counter[str] = Counter()
        for header in headers:
            counts.update(header.values)
        said.append(f"Pixels with the value {coding.ignored} count for nothing.")
    return said


def _filler(images, masks, size, kind: tuple[str, int | None], coding: Coding | None) -> Any:
    """What fills pixels (rows, channels + 1, height, width) from the files, by threads."""
    places = {id(file): place for place, file in enumerate(images)}

    def fill(pixels: np.ndarray) -> None:
        def one(file: Any) -> None:
            place = places[id(file)]
            pixels[place, :-1] = read_pixels(file, kind[0], size, kind[1])
            pixels[place, -1] = (
                IGNORED if coding is None else read_codes(masks[place], size, coding)
            )

        of_each(one, images)

    return fill
