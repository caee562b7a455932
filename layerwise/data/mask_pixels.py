"""Mask files: which class each pixel has, told from grey values, colours or a palette."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from layerwise.data.image_files import MOST_PIXELS, bomb, damaged, open_image
from layerwise.data.mask_target import IGNORED
from layerwise.errors import DataError, SettingsError

MOST_CLASSES = 160  # different values in masks; more are grey pictures, or numbers of objects
GREY, COLOUR, INDEX = "", "#", "index "  # how a value is written: 255, #ff0000, index 3
SHOWN = 8  # values that a sentence names


@dataclass(frozen=True)
class MaskHeader:
    """What is in one mask.

    values : as they are written -> number of pixels
    colours : of a palette, index -> "#rrggbb"
    lossy : whether the file's format changes values
    """

    height: int
    width: int
    values: dict[str, int]
    colours: dict[str, str]
    lossy: bool


@dataclass(frozen=True)
class Coding:
    """How values become codes of classes.

    values : each as it is written, in the order of the codes
    ignored : the value that counts for nothing, or None
    threshold : grey values from it on are class 1, those below class 0; or None
    """

    values: tuple[str, ...]
    ignored: str | None = None
    threshold: int | None = None

    @property
    def by_index(self) -> bool:
        """Whether pixels of a palette are known by their places in it."""
        return any(value.startswith(INDEX) for value in self.values)


def read_mask_header(path: Path) -> MaskHeader:
    """The size and the values of one mask. Raises DataError where it is none."""
    image = _opened(path)
    indices = image.mode == "P"
    grey, numbers = _numbers(image, path, by_index=True)
    found, counts = np.unique(numbers, return_counts=True)
    named = [_written(int(number), grey, indices) for number in found]
    colours = dict(zip(named, _palette(image, found), strict=True)) if indices else {}
    return MaskHeader(
        image.height, image.width, dict(zip(named, counts.tolist(), strict=True)), colours,
        image.format == "JPEG",
    )  # fmt: skip


def read_codes(path: Path, size: tuple[int, int], coding: Coding) -> np.ndarray:
    """Class codes (height, width) uint8 of one mask, resized to the nearest pixels."""
    image = _opened(path)
    grey, numbers = _numbers(image, path, by_index=coding.by_index)
    if coding.threshold is not None:
        codes = (numbers >= coding.threshold).astype(np.uint8)
    else:
        indices = image.mode == "P" and coding.by_index
        found, places = np.unique(numbers, return_inverse=True)
        table = [_code(_written(int(one), grey, indices), coding, path) for one in found]
        codes = np.array(table, np.uint8)[places].reshape(numbers.shape)
    if codes.shape != size:
        there = Image.fromarray(codes)
        codes = np.asarray(there.resize((size[1], size[0]), Image.Resampling.NEAREST))
    return codes


def decide_coding(headers: Sequence[MaskHeader], files: Sequence[Path], options: dict) -> Coding:
    """How the values of all masks become classes, as the options say or as it is seen.

    Raises DataError where values are no classes: too many, blurred by JPEG, not those that were
    named, or only one in all masks.
    """
    ignored = _one_value(options.get("mask_ignore"))
    threshold = _threshold(options.get("mask_threshold"))
    if threshold is not None:
        return _by_threshold(headers, threshold)
    named, by_index = _known_values(options.get("mask_values"), headers)
    headers = headers if by_index else [_in_colours(header) for header in headers]
    if any(value.startswith(COLOUR) for header in headers for value in header.values):
        headers = [_all_colours(header) for header in headers]
    present: Counter[str] = Counter()
    for header in headers:
        present.update(header.values)
    for header, path in zip(headers, files, strict=True):
        _check_values(header, path, named, ignored)
    present = Counter({v: n for v, n in present.items() if not _is(v, ignored)})
    if not named and len(present) > MOST_CLASSES:
        raise DataError(_too_many(files[0], f"The masks have {len(present):,} different values"))
    values = named or sorted(present, key=_order)
    if len(values) < 2:
        only = f"are {values[0]} everywhere" if values else "have no class anywhere"
        raise DataError(
            f"All {len(files):,} masks {only}: there is nothing to tell apart. Are these the "
            "masks of these images?"
        )
    return Coding(tuple(values), ignored)


def drawn(codes: np.ndarray, size: tuple[int, int], options: dict) -> np.ndarray:
    """Codes as a mask file has them, in another size: the nearest pixel's.

    options : those of the training source, with the values of the masks
    returns : grey (height, width), or colours (height, width, 3), uint8
    """
    coding = Coding(
        tuple(options["mask_values"]), options.get("mask_ignore"),
        _threshold(options.get("mask_threshold")),
    )  # fmt: skip
    pixels = as_pixels(codes, coding)
    if pixels.shape[:2] == size:
        return pixels
    there = Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.asarray(there)


def as_pixels(codes: np.ndarray, coding: Coding) -> np.ndarray:
    """Codes as mask files have them: grey (height, width), or (height, width, 3) of colours."""
    if coding.threshold is not None:
        return (codes * 255).astype(np.uint8)
    if any(value.startswith(COLOUR) for value in coding.values):
        table = [tuple(bytes.fromhex(_as_colour(value)[1:])) for value in coding.values]
    else:
        table = [int(value.removeprefix(INDEX)) for value in coding.values]
    return np.array(table, np.uint8)[codes]


def _opened(path: Path) -> Image.Image:
    """The mask with its pixels read."""
    image = open_image(path)
    if image.width * image.height > MOST_PIXELS:
        image.close()
        raise DataError(bomb(path, image.width * image.height))
    try:
        image.load()
    except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged bytes
        image.close()
        raise DataError(damaged(path, error)) from None
    return image


def _numbers(image: Image.Image, path: Path, *, by_index: bool) -> tuple[bool, np.ndarray]:
    """Whether they are grey values (or indices), and the number of each pixel.

    Colours are red x 65,536 + green x 256 + blue; grey ones count as grey.
    """
    if image.mode == "P" and by_index:
        return True, np.asarray(image)
    if image.mode in ("1", "L"):
        return True, np.asarray(image.convert("L"))
    if image.mode == "I" or image.mode.startswith("I;"):
        deep = np.asarray(image).astype(np.int64)
        if deep.min() < 0 or deep.max() > 255:
            raise DataError(_too_many(path, f"{path} has values up to {int(deep.max()):,}"))
        return True, deep.astype(np.uint8)
    if image.mode == "F":
        raise DataError(
            f"{path} has real-valued pixels. A mask holds one whole number per pixel, its class: "
            "save it so, as PNG."
        )
    colours = np.asarray(image.convert("RGB")).astype(np.int64)
    red, green, blue = colours[..., 0], colours[..., 1], colours[..., 2]
    if (red == green).all() and (green == blue).all():
        return True, red
    return False, red * 65536 + green * 256 + blue


def _written(number: int, grey: bool, index: bool) -> str:
    if index:
        return f"{INDEX}{number}"
    return str(number) if grey else f"{COLOUR}{number:06x}"


def _palette(image: Image.Image, found: np.ndarray) -> list[str]:
    """The colours at some places of a palette."""
    flat = image.getpalette("RGB") or []
    flat = [*flat, *[0] * (768 - len(flat))]
    return [f"{COLOUR}{bytes(flat[3 * one : 3 * one + 3]).hex()}" for one in found.tolist()]


def _known_values(given: Any, headers: Sequence[MaskHeader]) -> tuple[list[str], bool]:
    """The values that are named, and whether a place in a palette is what names a class.

    So it is where all masks have palettes of the same colours, or an earlier reading found it.
    """
    named = _several_values(given)
    if any(value.startswith(INDEX) for value in named):
        return named, True
    seen: dict[str, str] = {}
    alike = all(
        header.colours and all(seen.setdefault(k, v) == v for k, v in header.colours.items())
        for header in headers
    )
    numbers = all(value.isdigit() for value in named)
    return [f"{INDEX}{value}" for value in named] if alike and numbers else named, alike and numbers


def _in_colours(header: MaskHeader) -> MaskHeader:
    """The header with the colours of its palette for their places; grey ones as grey values."""
    if not header.colours:
        return header
    found = Counter()
    colours = {name: header.colours[name] for name in header.values}
    grey = all(colour[1:3] == colour[3:5] == colour[5:7] for colour in colours.values())
    for name, pixels in header.values.items():
        colour = colours[name]
        found[str(int(colour[1:3], 16)) if grey else colour] += pixels
    return MaskHeader(header.height, header.width, dict(found), {}, header.lossy)


def _all_colours(header: MaskHeader) -> MaskHeader:
    """The header with grey values as the colours that they are."""
    values = {_as_colour(value): pixels for value, pixels in header.values.items()}
    return MaskHeader(header.height, header.width, values, {}, header.lossy)


def _check_values(
    header: MaskHeader, path: Path, named: Sequence[str], ignored: str | None
) -> None:
    """Raise where the values of one mask are no classes, or not those that are known."""
    present = [value for value in header.values if not _is(value, ignored)]
    if header.lossy and len(present) > 2:
        raise DataError(_too_many(path, f"{path} is a JPEG with {len(present)} different values"))
    if len(present) > MOST_CLASSES:
        raise DataError(_too_many(path, f"{path} has {len(present)} different values"))
    known = {_as_colour(value) for value in named}
    strange = [value for value in present if named and _as_colour(value) not in known]
    if strange:
        raise DataError(
            f"{path} has the {'value' if len(strange) == 1 else 'values'} {_listed(strange)}, but "
            f"the masks have {len(named)} classes: {_listed(named)}. Mend the mask, or name all "
            "values with --data.mask_values."
        )


def _by_threshold(headers: Sequence[MaskHeader], threshold: int) -> Coding:
    """Two classes: grey values below the threshold, and from it on."""
    above = [any(_level(value) >= threshold for value in header.values) for header in headers]
    below = [any(_level(value) < threshold for value in header.values) for header in headers]
    if not (any(above) and any(below)):
        raise DataError(
            f"No pixel of {len(headers):,} masks is {'below' if any(above) else 'at or above'} "
            f"--data.mask_threshold {threshold}: there is nothing to tell apart."
        )
    return Coding((f"below {threshold}", f"{threshold} and more"), None, threshold)


def _level(value: str) -> int:
    """A grey value as a number; that of a colour cannot be told."""
    if value.startswith(COLOUR):
        raise DataError(
            f"--data.mask_threshold is for grey masks, but there are colours such as {value}."
        )
    return int(value.removeprefix(INDEX))


def _too_many(path: Path, found: str) -> str:
    return (
        f"{found}, which cannot be classes. A mask holds few values, one per class: save masks as "
        "PNG (JPEG blurs them), without numbers of objects; or make two classes of grey ones with "
        "--data.mask_threshold 128."
    )


def _code(value: str, coding: Coding, path: Path) -> int:
    if _is(value, coding.ignored):
        return IGNORED
    for place, known in enumerate(coding.values):
        if _is(value, known):
            return place
    raise DataError(f"{path} has the value {value}, which no other mask had before. Mend it.")


def _is(value: str, known: str | None) -> bool:
    """Whether a value is a known one, which may be written in another way."""
    return known is not None and (
        known in (value, value.removeprefix(INDEX)) or _as_colour(value) == _as_colour(known)
    )


def _as_colour(value: str) -> str:
    """A grey value as the colour it is: masks of colours may have grey ones among them."""
    return f"{COLOUR}{int(value):02x}{int(value):02x}{int(value):02x}" if value.isdigit() else value


def _order(value: str) -> tuple[int, str]:
    if value.startswith(COLOUR):
        return int(value[1:], 16), value
    number = int(value.removeprefix(INDEX))
    return number, value


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values[:SHOWN]) + (", ..." if len(values) > SHOWN else "")


def _several_values(given: Any) -> list[str]:
    """Values that the user, or an earlier reading, names."""
    if given is None:
        return []
    parts = given.split(",") if isinstance(given, str) else list(np.atleast_1d(given))
    named = [value for part in parts if (value := _one_value(part)) is not None]
    if len(named) < 2 or len(set(named)) < len(named):
        raise SettingsError(
            f"--data.mask_values must name two or more different values, such as 0,255 or "
            f"#000000,#ff0000; got '{given}'."
        )
    return named


def _one_value(given: Any) -> str | None:
    if given is None:
        return None
    value = str(given).strip().lower()
    colour = value.startswith(COLOUR) and len(value) == 7
    try:
        number = int(value[1:], 16) if colour else int(value.removeprefix(INDEX))
    except ValueError:
        number = -1
    if number < 0 or (not colour and number > 255):
        raise SettingsError(
            f"A value of a mask must be from 0 to 255 or a colour such as #ff0000, not '{given}'."
        )
    return value


def _threshold(given: Any) -> int | None:
    if given is None:
        return None
    if not str(given).isdigit() or not 1 <= int(given) <= 255:
        raise SettingsError(f"--data.mask_threshold must be from 1 to 255, not '{given}'.")
    return int(given)
