"""Tables from files: separated text, JSON lines and Parquet, read rightly or refused clearly.

Every cell of a text file is first read as text. A column becomes numbers only when each filled
cell is one and nothing is lost by it: codes such as 01 stay text. What was decided is said in
``Source.notes``; what has no right reading is a DataError that names file and line.
"""

from collections.abc import Sequence
from pathlib import Path

from layerwise.data.files import PARQUET_SUFFIXES, file_bytes, first_bytes, unpacked
from layerwise.data.frames import stack_frames
from layerwise.data.json_lines import is_json, read_json
from layerwise.data.parquet import read_parquet
from layerwise.data.separated import read_separated
from layerwise.data.source import Source, shape_text
from layerwise.data.text_encoding import as_utf8
from layerwise.errors import DataError


def read_table(path: Path, options: dict) -> Source:
    """Rows of one table file, whatever its name says: the first bytes decide."""
    head = first_bytes(path)
    if head[:4] == b"PAR1":
        return read_parquet([path], path.stem, options)
    if not head:
        raise DataError(f"{path} is empty (0 bytes). Give a file with a header and rows.")
    notes: list[str] = []
    data = file_bytes(path)
    if head[:2] == b"\x1f\x8b":
        data = unpacked(data, path)
        if path.suffix.lower() != ".gz":
            notes.append(f"{path.name} is compressed with gzip in spite of its name; unpacked.")
    elif path.suffix.lower() == ".gz":
        notes.append(f"{path.name} is not compressed in spite of its name; read as it is.")
    if path.suffix.lower() in PARQUET_SUFFIXES:
        raise DataError(
            f"{path} is not a Parquet file: it does not begin with PAR1. Write it anew."
        )
    text = as_utf8(data, path, options.get("encoding"), notes)
    if is_json(text, path):
        return read_json(text, path, notes)
    return read_separated(text, path, options, notes)


def read_tables(paths: Sequence[Path], name: str, options: dict) -> Source:
    """Rows of several table files with the same columns, one after the other, in this order."""
    if all(path.suffix.lower() in PARQUET_SUFFIXES for path in paths):
        return read_parquet(paths, name, options)
    sources = [read_table(path, options) for path in paths]
    frame = stack_frames([(path.name, one.frame) for path, one in zip(paths, sources, strict=True)])
    notes = tuple(dict.fromkeys(note for source in sources for note in source.notes))
    about = f"{len(paths)} files from {paths[0].name} to {paths[-1].name}, {shape_text(frame)}"
    return Source(name=name, frame=frame, notes=notes, about=about, options=sources[0].options)
