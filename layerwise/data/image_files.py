"""Image files opened with care: what is damaged, a bomb or no image is a DataError."""

import functools
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from layerwise.errors import DataError

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")  # no others are tried
MOST_PIXELS = 100_000_000  # of one image; more is a bomb or a mistake


def of_each(function, files: Sequence[Path]) -> list:
    """The function of every file, by threads; all that cannot be read is told in one error."""
    results = each_or_error(function, files)
    errors = [result for result in results if isinstance(result, DataError)]
    if errors:
        more = f" {len(errors) - 1:,} more images cannot be read." if len(errors) > 1 else ""
        raise DataError(f"{errors[0]}{more} fit --data.skip_damaged {len(errors)} leaves them out.")
    return results


def each_or_error(function, files: Sequence[Path]) -> list:
    """The function of every file, by threads, or the DataError that it raised."""

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
            return list(pool.map(tried, files))


def open_image(path: Path) -> Image.Image:
    """The image, its pixels not yet read. Raises DataError where it is none."""
    try:
        file = path if isinstance(path, Path) else path.open("rb")  # of an archive: its bytes
        return Image.open(file, formats=_formats())
    except DataError:
        raise
    except Image.DecompressionBombError:
        raise DataError(bomb(path, "far too many")) from None
    except UnidentifiedImageError:
        raise DataError(f"{path} {_what_it_is(path)}. Remove it or give the image.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None
    except Exception as error:
        raise DataError(damaged(path, error)) from None


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


def damaged(path: Path, error: Exception) -> str:
    """The text of the error for an image whose bytes are wrong."""
    return f"{path} is a damaged or cut off image ({error}). Remove or replace it."


def bomb(path: Path, pixels: int | str) -> str:
    """The text of the error for an image with too many pixels."""
    shown = f"{pixels:,}" if isinstance(pixels, int) else pixels
    return (
        f"{path} has {shown} pixels; at most {MOST_PIXELS:,} are read, "
        "since a small file can unpack to fill the memory. Remove or shrink it."
    )
