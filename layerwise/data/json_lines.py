"""JSON lines, or a JSON list, as a Source: one object per row."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from layerwise.data.files import JSON_SUFFIXES, stem_of
from layerwise.data.frames import text_series
from layerwise.data.source import Source, shape_text
from layerwise.errors import DataError


def is_json(text: bytes, path: Path) -> bool:
    """Whether the suffix or the first bytes are those of JSON."""
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix
    return suffix.lower() in JSON_SUFFIXES or text[:1024].lstrip()[:2] in (b'{"', b"[{")


def read_json(text: bytes, path: Path, notes: list[str]) -> Source:
    """Rows of JSON objects, one per line or in a list; a name that one lacks is missing there."""
    records = _whole(text) if text.lstrip()[:1] == b"[" else list(_each_line(text, path))
    if records is None:
        raise DataError(f"{path} begins like a JSON list but is none. Give JSON lines.")
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise DataError(
                f"{path}, record {number} is no object with names. Must be one per line, "
                'such as {"height": 1.5, "label": "a"}.'
            )
    if not records:
        raise DataError(f"{path} has no rows.")
    names = dict.fromkeys(name for record in records for name in record)
    columns = {
        str(name): _json_column(name, [record.get(name) for record in records], path, notes)
        for name in names
    }
    frame = pd.DataFrame(columns)
    return Source(
        stem_of(path), frame, notes=tuple(notes), about=f"{path.name}, {shape_text(frame)}"
    )


def _whole(text: bytes) -> list | None:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _each_line(text: bytes, path: Path) -> Iterator:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise DataError(
                    f"{path}, line {number}: no JSON ({error}). Each line must be one object."
                ) from None


def _json_column(name: str, values: list, path: Path, notes: list[str]) -> pd.Series:
    """Numbers, truth values or text of one name; other things are refused."""
    filled = [value for value in values if value is not None]
    kinds = {type(value) for value in filled}
    if kinds & {dict, list}:
        raise DataError(
            f"{path}, '{name}' holds lists or objects. Give each number a name of its own."
        )
    if kinds == {bool} and len(filled) == len(values):
        return pd.Series(values, dtype=bool)
    if not kinds:
        return pd.Series(np.full(len(values), np.nan))
    if kinds == {int} and any(abs(value) >= 2**63 for value in filled):
        notes.append(f"Column '{name}' stays text: its whole numbers have too many digits.")
    elif kinds <= {int, float}:
        whole = kinds == {int} and len(filled) == len(values)
        return pd.Series(values, dtype=np.int64 if whole else np.float64)
    elif len(kinds) > 1:
        notes.append(f"Column '{name}' mixes values of different types; each is taken as written.")
    return text_series([None if value is None else str(value) for value in values])
