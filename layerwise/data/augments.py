"""Named augmentations, and what is chosen where a person leaves it to the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AUGMENTS: dict[str, dict[str, Any]] = {  # name -> options of ``augmentation.Augment``
    "none": {},
    "auto": {},  # chosen by ``auto_options``
    "symbols": {"shift": 0.07, "rotate": 10.0, "scale": 0.1},  # digits, letters, signs
    "photos": {"flip": True, "shift": 0.125},  # of He et al. 2016, section 4.2: 4 of 32 pixels
    "strong": {
        "flip": True, "shift": 0.125, "rotate": 15.0, "scale": 0.2,
        "brightness": 0.2, "contrast": 0.3, "erase": 0.4,
    },
}  # fmt: skip
FEW_ROWS = 5000  # training rows, below which images are also turned and scaled a little
SMALLEST = 16  # pixels; on 8 x 8 digits a move of one pixel cost 0.018 of 0.988 accuracy


def auto_options(shape: tuple[int, ...], rows: int) -> tuple[dict[str, Any], str]:
    """Options for images of this shape ({} for none), and why; nothing is swapped left to right.

    shape : (channels, height, width)
    rows : training rows
    """
    channels, height, width = shape
    if min(height, width) < SMALLEST:
        return {}, f"images of {height} x {width} pixels lose too much by any change"
    few = rows < FEW_ROWS
    kind = "colour" if channels >= 3 else "grey"
    options: Mapping[str, Any] = {"shift": 0.125 if kind == "colour" else 0.07}
    if few:
        options = {**options, "rotate": 10.0, "scale": 0.1}
        if kind == "colour":
            options = {**options, "brightness": 0.1, "contrast": 0.2}
    size = f"few ({rows:,})" if few else f"{rows:,}"
    why = (
        f"for {kind} images {height} x {width}, {size} training rows; no flips: that left and "
        "right mean nothing cannot be seen from pixels (--augment.flip true says so)"
    )
    return dict(options), why
