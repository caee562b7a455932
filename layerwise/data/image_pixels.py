"""Images decoded to one size, one mode and 8 bits, and the sentences that say how.

Pixels of 16 bits are scaled alike in all images, so that their brightness can be compared: by the
bits that the largest value of all needs where it is below 4096 (cameras and scanners of 12 bits),
else by 16. What was chosen is an option of the source, so that prediction scales alike.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from layerwise.data.image_files import MOST_PIXELS, bomb, damaged, open_image
from layerwise.data.source import counted
from layerwise.errors import DataError, SettingsError, nearest

MODES = {"grey": "L", "rgb": "RGB", "rgba": "RGBA"}
TWELVE_BITS = 4096
LONGEST_SIDE = 224  # chosen where nothing is asked for and the images are larger than 256


@dataclass(frozen=True)
class Header:
    """What the first bytes of an image say."""

    mode: str
    height: int
    width: int
    turned: bool
    transparent: bool
    frames: int
    largest: int | None = None  # of the pixels, where they have 16 bits


def wanted_size(value) -> tuple[int, int] | None:
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


def wanted_mode(value) -> str | None:
    """Pillow's mode for grey, rgb or rgba; None where it is to be seen from the images."""
    if value is None or value == "auto":
        return None
    if str(value).lower() not in MODES:
        raise SettingsError(f"Image mode '{value}' is not known.{nearest(str(value), MODES)}")
    return MODES[str(value).lower()]


def read_header(path: Path) -> Header:
    """The header of one image. Raises DataError for a bomb and for damaged bytes."""
    with open_image(path) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise DataError(bomb(path, width * height))
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
            raise DataError(damaged(path, error)) from None
        largest = _largest(image, path) if _is_deep(image.mode) else None
        return Header(image.mode, height, width, turned not in (0, 1), transparent, frames, largest)


def _is_deep(mode: str) -> bool:
    return mode == "I" or mode.startswith("I;")


def _largest(image: Image.Image, path: Path) -> int:
    """The largest pixel. Raises DataError where one is beyond 16 bits."""
    try:
        pixels = np.asarray(image)
    except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged bytes
        raise DataError(damaged(path, error)) from None
    if pixels.min() < 0 or pixels.max() > 65535:
        raise DataError(f"{path} has pixels beyond 16 bits. Convert it to 8 or 16 bits.")
    return int(pixels.max())


def wanted_bits(value) -> int | None:
    """Bits of the deep images, from 8 to 16; None where it is to be seen from them."""
    if value is None or value == "auto":
        return None
    if not str(value).isdigit() or not 8 <= int(value) <= 16:
        raise SettingsError(f"--data.image_bits must be from 8 to 16, not '{value}'.")
    return int(value)


def decide_bits(headers: list[Header], bits: int | None) -> tuple[list[str], int | None]:
    """The bits by which all deep images are scaled, None without such; what is to be said."""
    largest = [header.largest for header in headers if header.largest is not None]
    if not largest:
        return [], bits
    if bits is None:
        most = max(largest)
        bits = max(8, most.bit_length()) if most < TWELVE_BITS else 16
    own = f" (0 to {2**bits - 1:,}; --data.image_bits chooses)" if bits < 16 else ""
    notes = [f"{counted(len(largest), 'image')} with 16 bits: scaled to 8 bits{own}."]
    beyond = sum(value >= 2**bits for value in largest)
    if beyond:
        notes.append(f"{counted(beyond, 'image')} with pixels above {2**bits - 1:,}: cut there.")
    return notes, bits


def decide(headers: list[Header], size, mode) -> tuple[list[str], tuple[int, int], str]:
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
    grey = {"1", "L", "LA", "F"}
    if mode is None:
        all_grey = all(kind in grey or _is_deep(kind) for kind in modes)
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
    deep = sum(times for kind, times in modes.items() if _is_deep(kind))
    counts = (
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


def read_pixels(path: Path, mode: str, size: tuple[int, int], bits: int | None) -> np.ndarray:
    """One image (channels, height, width) uint8."""
    with open_image(path) as image:
        try:
            if image.format == "JPEG":
                image.draft(None, (max(size), max(size)))  # the decoder skips what is not needed
            image.load()
            image = ImageOps.exif_transpose(image)
        except Exception as error:  # Pillow's decoders raise a dozen kinds for damaged bytes
            raise DataError(damaged(path, error)) from None
        image = _converted(image, mode, path, bits)
        if image.size != (size[1], size[0]):
            image = image.resize((size[1], size[0]), Image.Resampling.LANCZOS)
        pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _converted(image: Image.Image, mode: str, path: Path, bits: int | None) -> Image.Image:
    if _is_deep(image.mode):
        assert bits is not None, "a deep image without bits"
        shares = np.asarray(image).astype(np.float64) / (2**bits - 1)
        image = Image.fromarray(np.round(np.minimum(shares, 1) * 255).astype(np.uint8))
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
