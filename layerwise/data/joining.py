"""Several sources in one: rows for validation and test behind, targets beside by their key."""

from dataclasses import replace

import numpy as np
import pandas as pd

from layerwise.data.frames import stack_frames
from layerwise.data.source import Source, counted
from layerwise.errors import DataError, nearest


def with_part(source: Source, part: str, more: Source) -> Source:
    """The source with the rows of another behind, which are fixed to be validation or test."""
    names = [("the training data", source.frame), (f"the {part} data", more.frame)]
    frame = stack_frames(names)
    inputs = None
    if (source.inputs is None) != (more.inputs is None):
        raise DataError(f"The {part} data must be of the same kind as the training data.")
    if source.inputs is not None and more.inputs is not None:
        if source.inputs.shape[1:] != more.inputs.shape[1:]:
            raise DataError(
                f"The {part} data has rows of shape {more.inputs.shape[1:]}, "
                f"the training data {source.inputs.shape[1:]}. They must be alike."
            )
        inputs = np.concatenate([source.inputs, more.inputs])
    before = source.parts if source.parts is not None else np.full(len(source.frame), "", "<U10")
    if part in before:
        raise DataError(f"{source.name} has {part} rows of its own; give no others.")
    parts = np.concatenate([before, np.full(len(more.frame), part, dtype="<U10")])
    notes = (*source.notes, *(f"{part}: {note}" for note in more.notes))
    return replace(source, frame=frame, inputs=inputs, parts=parts, notes=notes)


def with_targets(source: Source, other: Source, key: str | None, target) -> Source:
    """The source with the target columns of another table, found by the key of each row."""
    if key is None:
        raise DataError(
            f"Give --key: the column that names each row in both tables. Columns of the targets: "
            f"{', '.join(map(str, other.frame.columns))}."
        )
    for frame, where in ((source.frame, "the inputs"), (other.frame, "the targets")):
        if key not in frame:
            raise DataError(f"Column '{key}' is not in {where}.{nearest(key, frame.columns)}")
    clash = [name for name in other.frame if name != key and name in source.frame]
    if clash:
        raise DataError(
            f"Column '{clash[0]}' is in the inputs and in the targets. Remove it from one of them."
        )
    place, notes = _places(source.frame[key], other.frame[key], key)
    added = other.frame.drop(columns=key).take(np.maximum(place, 0)).reset_index(drop=True)
    if (place < 0).any():
        added = added.where(place[:, None] >= 0)
    frame = source.frame.join(added)
    found = tuple(added.columns) if target is None else source.target
    notes = (*source.notes, *other.notes, *notes)
    return replace(source, frame=frame, target=found, notes=notes)


def _places(mine, theirs, key: str) -> tuple[np.ndarray, list[str]]:
    """For each row its row in the targets, -1 where there is none; and what is to be said."""
    if mine.dtype != theirs.dtype:
        mine, theirs = mine.astype(str), theirs.astype(str)
    doubled = theirs[theirs.duplicated()]
    if len(doubled):
        raise DataError(
            f"The targets have {len(doubled):,} rows whose '{key}' was there before, such as "
            f"{doubled.iloc[0]}. Each key may be there once."
        )
    place = pd.Index(theirs).get_indexer(pd.Index(mine))
    if (place < 0).all():
        raise DataError(
            f"No '{key}' of the inputs (such as {mine.iloc[0]}) is in the targets (such as "
            f"{theirs.iloc[0]}). Write the keys alike."
        )
    notes = []
    if (place < 0).any():
        first = mine.iloc[int((place < 0).argmax())]
        notes.append(
            f"{counted(int((place < 0).sum()), 'row')} without a target under the same "
            f"'{key}', such as {first}: the target is missing there."
        )
    unused = len(theirs) - len(np.unique(place[place >= 0]))
    if unused:
        notes.append(f"{counted(unused, 'row')} of the targets without an input: not used.")
    return place, notes
