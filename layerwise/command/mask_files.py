"""Predicted masks as PNG files, under the names of their images."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from layerwise.errors import SettingsError
from layerwise.run import write_whole


def write_masks(folder: str, learner: Any, source: Any) -> int:
    """Write a mask for each image of a source into a folder; give how many.

    Raises SettingsError where the folder holds something already.
    """
    place = Path(folder)
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise SettingsError(
            f"--out '{folder}' is there and not empty. Give a new folder for the masks."
        )
    from PIL import Image

    count = 0
    for name, pixels in learner.masks(source):
        path = place / Path(name).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        held = io.BytesIO()
        Image.fromarray(pixels).save(held, format="PNG")
        content = held.getvalue()
        write_whole(path, lambda beside, content=content: beside.write_bytes(content))
        count += 1
    return count
