"""Generated examples as a file: a sheet of pictures, or rows, by its suffix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, sqrt
from pathlib import Path

import numpy as np
from pandas import DataFrame

from layerwise.command.output import WRITERS, writer
from layerwise.errors import SettingsError
from layerwise.run import write_whole

GAP = 1  # pixels between two pictures


def stream_text(file: str | None, pieces: Iterable[str]) -> None:
    """Write text piece by piece as it comes to the terminal, or all of it into a file."""
    if file is not None:
        whole = "".join(pieces).encode()
        write_whole(Path(file), lambda beside: beside.write_bytes(whole))
        print(f"Text: {file}")
        return
    for piece in pieces:
        print(piece, end="", flush=True)
    print()


def check_file(file: str | None) -> None:
    """Raise SettingsError where nothing can be written into a file of this suffix."""
    if file is None:
        raise SettingsError(
            f"Say where the examples are written: --out FILE.png, or one of {', '.join(WRITERS)}."
        )
    suffix = Path(file).suffix.lower()
    if suffix not in (".png", *WRITERS):
        raise SettingsError(
            f"--out must end in .png (a sheet), {', '.join(WRITERS)} (rows); got '{file}'."
        )


def write_generated(file: str, examples: np.ndarray, names: tuple[str, ...]) -> None:
    """Write examples (rows, features) or (rows, channels, height, width), in the data's units.

    names : of the features; absent for images
    Raises SettingsError where rows that are no images are to be a sheet.
    """
    if Path(file).suffix.lower() == ".png":
        if examples.ndim != 4:
            raise SettingsError(
                f"A sheet (.png) is for images, but this run generates rows of "
                f"{int(np.prod(examples.shape[1:]))} numbers. Give --out with .csv."
            )
        picture = sheet(examples)
        write_whole(Path(file), lambda beside: _save(picture, beside))
        return
    flat = examples.reshape(len(examples), -1)
    names = names or tuple(f"pixel {place}" for place in range(flat.shape[1]))
    writer(file)(DataFrame(flat, columns=list(names)))


def write_picture(file: str) -> Callable[[np.ndarray], None]:
    """Give the function that writes (height, width, 3) uint8; SettingsError for another suffix."""
    path = Path(file)
    if path.suffix.lower() != ".png":
        raise SettingsError(f"--out must end in .png; got '{file}'.")
    return lambda picture: write_whole(path, lambda beside: _save(picture, beside))


def sheet(images: np.ndarray) -> np.ndarray:
    """(rows, channels, height, width) side by side, (height, width, 3) uint8, about square."""
    rows, channels, height, width = images.shape
    across = ceil(sqrt(rows))
    low, high = float(images.min()), float(images.max())
    low, high = (0.0, 255.0) if low >= 0 and 1 < high <= 255 else (low, high)
    scaled = ((images - low) / max(high - low, 1e-12) * 255).clip(0, 255).astype(np.uint8)
    if channels != 3:
        scaled = np.repeat(scaled[:, :1], 3, axis=1)
    canvas = np.full(
        (ceil(rows / across) * (height + GAP), across * (width + GAP), 3), 255, np.uint8
    )
    for place, image in enumerate(scaled):
        top, left = place // across * (height + GAP), place % across * (width + GAP)
        canvas[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return canvas


def _save(picture: np.ndarray, path: Path) -> None:
    from PIL import Image

    Image.fromarray(picture).save(path, format="PNG")
