"""Single photographs: a file, or one of the two that scikit-learn ships."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from layerwise.data.image_files import MOST_PIXELS, bomb, damaged, open_image
from layerwise.errors import DataError, nearest

SHIPPED = ("china", "flower")


def read_photograph(named: str, side: int) -> np.ndarray:
    """A photograph in colours, (3, height, width) float32 from 0 to 1.

    named : a file, or china or flower
    side : pixels of the longer side; a smaller photograph is not enlarged
    Raises DataError where there is no such image, or it cannot be read.
    """
    path = _place(named)
    with open_image(path) as image:
        if image.width * image.height > MOST_PIXELS:
            raise DataError(bomb(path, image.width * image.height))
        try:
            whole = ImageOps.exif_transpose(image).convert("RGB")
        except (OSError, SyntaxError, ValueError) as error:
            raise DataError(damaged(path, error)) from None
    share = min(1.0, side / max(whole.size))
    width, height = (max(1, round(share * length)) for length in whole.size)
    small = whole.resize((width, height), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(small, np.float32).transpose(2, 0, 1) / 255)


def _place(named: str) -> Path:
    """The file of a photograph."""
    if named in SHIPPED:
        import sklearn.datasets

        return Path(sklearn.datasets.__path__[0]) / "images" / f"{named}.jpg"
    path = Path(named).expanduser()
    if not path.is_file():
        raise DataError(
            f"There is no photograph '{named}'. Give an image file, or one that is always there: "
            f"{', '.join(SHIPPED)}.{nearest(named, SHIPPED)}"
        )
    return path
