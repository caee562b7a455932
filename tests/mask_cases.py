"""Images with masks for tests: a bright square on a dark ground, which is what the mask marks."""

import numpy as np
from PIL import Image


def picture(seed, side=16):
    """One image (side, side, 3) uint8 with its mask (side, side) of 0 and 1."""
    generator = np.random.default_rng(seed)
    mask = np.zeros((side, side), np.uint8)
    top, left = generator.integers(0, side // 2, 2)
    mask[top : top + side // 2, left : left + side // 2] = 1
    grey = 60 + 120 * mask[..., None] + generator.integers(0, 30, (side, side, 3))
    return grey.astype(np.uint8), mask


def write_pictures(folder, count=12, *, side=16, values=(0, 255), masks="masks", parts=("",)):
    """Folders ``images`` and ``masks`` with PNG files 00, 01, ..., perhaps in those of parts."""
    for number in range(count):
        place = folder / parts[number % len(parts)]
        image, mask = picture(number, side)
        save(place / "images" / f"{number:02}.png", image)
        if masks:
            save(place / masks / f"{number:02}.png", np.array(values, np.uint8)[mask])
    return folder


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path, **options)
    return path
