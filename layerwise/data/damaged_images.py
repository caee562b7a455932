"""Image files that cannot be read: named, counted, and left out up to a limit that is asked for."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.data.image_cache import cache_path
from layerwise.data.image_files import each_or_error
from layerwise.data.image_pixels import read_header, read_pixels
from layerwise.data.source import counted
from layerwise.errors import DataError, SettingsError

NAMED = 5  # damaged files that are named in a note or an error
SMALL = (8, 8)  # pixels: every byte is decoded, whatever the size


def whole_images(files: Sequence[Path], options: dict) -> tuple[np.ndarray, list[str]]:
    """Which files are whole, (files,) bool, and what is to be said of the others.

    Without ``skip_damaged`` nothing is looked at: a damaged file is an error where it is read.
    What was found is kept beside the decoded images, so that files are looked through once.
    Raises DataError where more are damaged than may be left out.

    options : "skip_damaged", how many may be
    """
    limit = wanted_limit(options.get("skip_damaged"))
    if not limit:
        return np.ones(len(files), dtype=bool), []
    facts = cache_path(files, "whole", "images", None).with_suffix(".list")
    errors = _known(facts)
    if errors is None:
        found = each_or_error(_read, files)
        errors = {place: str(one) for place, one in enumerate(found) if isinstance(one, DataError)}
        _keep(facts, errors)
    if len(errors) > limit:
        raise DataError(
            f"{counted(len(errors), 'image')} of {len(files):,} cannot be read, more than the "
            f"{limit:,} that --data.skip_damaged leaves out: {_named(files, errors)}. "
            f"{next(iter(errors.values()))}"
        )
    if len(errors) == len(files):
        raise DataError(f"None of {counted(len(files), 'image')} can be read.")
    whole = np.ones(len(files), dtype=bool)
    whole[list(errors)] = False
    if not errors:
        return whole, []
    return whole, [
        f"{counted(len(errors), 'image')} of {len(files):,} cannot be read: left out "
        f"({_named(files, errors)})."
    ]


def wanted_limit(value: Any) -> int:
    """How many damaged files may be left out; 0 where nothing is said."""
    if value is None:
        return 0
    if not str(value).isdigit():
        raise SettingsError(
            f"--data.skip_damaged must be how many images may be left out, not '{value}'."
        )
    return int(value)


def _read(path: Path) -> None:
    """Header and all pixels. Raises DataError where they cannot be had."""
    read_header(path)
    read_pixels(path, "RGB", SMALL, 16)


def _named(files: Sequence[Path], errors: dict[int, str]) -> str:
    names = [files[place].name for place in sorted(errors)]
    return ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")


def _known(facts: Path) -> dict[int, str] | None:
    """What was found when the same files were looked through before."""
    try:
        found = json.loads(facts.read_text(encoding="utf-8"))
        return {int(place): str(text) for place, text in found.items()}
    except (OSError, ValueError, AttributeError):
        return None


def _keep(facts: Path, errors: dict[int, str]) -> None:
    with contextlib.suppress(OSError):  # then they are looked through again
        facts.parent.mkdir(parents=True, exist_ok=True)
        facts.write_text(json.dumps(errors), encoding="utf-8")
