"""What masks are of, and images whose masks are not known; both without reading files."""

import numpy as np

from layerwise.contracts import Target
from layerwise.data.source import Source

IGNORED = 255  # the code of a pixel that counts for nothing: no class is known there


def mask_target(source: Source) -> Target:
    """What masks are of: one class per pixel."""
    return Target("mask", ("mask",), tuple(source.options["classes"]))


def without_masks(source: Source) -> Source:
    """Images of no form as a source of masks that are not known, to be predicted."""
    assert source.inputs is not None
    images = np.asarray(source.inputs)
    unknown = np.full((len(images), 1, *images.shape[2:]), IGNORED, np.uint8)
    frame = source.frame.assign(height=images.shape[2], width=images.shape[3])
    return Source(
        source.name, frame, np.concatenate([images, unknown], axis=1), notes=source.notes,
        about=source.about, options=source.options, form="masks",
    )  # fmt: skip
