"""Tables from files: separated text, JSON lines and Parquet, read rightly or refused clearly.

Every cell of a text file is first read as text. A column becomes numbers only when each filled
cell is one and nothing is lost by it: codes such as 01 stay text. What was decided is said in
``Source.notes``; what has no right reading is a DataError that names file and line.
"""

# pyarrow.compute makes its functions when it is imported, so that pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet
from pandas import DataFrame

from layerwise.data.source import Source
from layerwise.errors import DataError, SettingsError, nearest

TEXT_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data")
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
PARQUET_SUFFIXES = (".parquet", ".pq")
TABLE_SUFFIXES = TEXT_SUFFIXES + JSON_SUFFIXES + PARQUET_SUFFIXES

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
MISSING = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "<NA>")
MISSING_AMONG_NUMBERS = ("?", "-", "--", ".", "missing", "unknown", "na", "none", "#VALUE!", "*")

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
FRACTION = r"^[+-]?([0-9]*\.[0-9]{1,2}|[0-9]*\.[0-9]{4,}|[0-9]{4,}\.[0-9]*)([eE][+-]?[0-9]+)?$"
DECIMAL_COMMA = r"^[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?$"
COMMA_GROUPS = r"^[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$"
POINT_GROUPS = r"^[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?$"
SPACE_GROUPS = r"^[+-]?[0-9]{1,3}([ '\x{A0}\x{202F}\x{2019}][0-9]{3})+([.,][0-9]+)?$"
DAY_AND_MONTH = r"^(?P<first>[0-9]{1,2})[./-](?P<second>[0-9]{1,2})[./-][0-9]{2,4}"

SIGNATURES = (  # first bytes of files that are no tables, and what to say
    (b"PK\x03\x04", "is a zip archive or an Excel workbook. Save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook. Save the sheet as CSV"),
    (b"%PDF", "is a PDF document. Give the table as CSV"),
    (b"\x89HDF", "is an HDF5 file. Save the arrays as .npz"),
    (b"CDF", "is a NetCDF file. Save the arrays as .npz"),
    (b"SQLite format 3", "is an SQLite database. Export the table as CSV"),
    (b"\x89PNG", "is an image. Give the folder of images, or a table that names them"),
    (b"\xff\xd8\xff", "is an image. Give the folder of images, or a table that names them"),
    (b"GIF8", "is an image. Give the folder of images, or a table that names them"),
    (b"BZh", "is compressed with bzip2. Unpack it first"),
    (b"\xfd7zXZ", "is compressed with xz. Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "is compressed with zstd. Unpack it first"),
    (b"version https://git-lfs", "is a Git LFS pointer, not the file. Run: git lfs pull"),
    (b"<!doctype", "is a web page. Download the file itself"),
    (b"<html", "is a web page. Download the file itself"),
    (b"<?xml", "is XML. Give the table as CSV"),
)


# ---------------------------------------------------------------------------------- entrances


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
        data = _unpacked(data, path)
        if path.suffix.lower() != ".gz":
            notes.append(f"{path.name} is compressed with gzip in spite of its name; unpacked.")
    elif path.suffix.lower() == ".gz":
        notes.append(f"{path.name} is not compressed in spite of its name; read as it is.")
    if path.suffix.lower() in PARQUET_SUFFIXES:
        raise DataError(
            f"{path} is not a Parquet file: it does not begin with PAR1. Write it anew."
        )
    text = as_utf8(data, path, options.get("encoding"), notes)
    if _is_json(text, path):
        return _source_of_records(text, path, options, notes)
    return _source_of_text(text, path, options, notes)


def read_tables(paths: Sequence[Path], name: str, options: dict) -> Source:
    """Rows of several table files with the same columns, one after the other, in this order."""
    if all(path.suffix.lower() in PARQUET_SUFFIXES for path in paths):
        return read_parquet(paths, name, options)
    sources = [read_table(path, options) for path in paths]
    frame = stack_frames([(path.name, one.frame) for path, one in zip(paths, sources, strict=True)])
    notes = tuple(dict.fromkeys(note for source in sources for note in source.notes))
    about = f"{len(paths)} files from {paths[0].name} to {paths[-1].name}, {_shape(frame)}"
    return Source(name=name, frame=frame, notes=notes, about=about, options=sources[0].options)


def read_parquet(paths: Sequence[Path], name: str, options: dict) -> Source:
    """Rows of Parquet files with the same columns; numbers keep their width and are not copied."""
    tables = [_parquet_table(path) for path in paths]
    tables = [_with_folder_columns(*pair, paths) for pair in zip(tables, paths, strict=True)]
    for path, table in zip(paths, tables, strict=True):
        _same_columns(table.column_names, tables[0].column_names, path.name, paths[0].name)
    try:
        table = pa.concat_tables(
            [table.select(tables[0].column_names) for table in tables],
            promote_options="permissive",
        )
    except pa.ArrowException as error:
        raise DataError(
            f"The parts of {name} have columns of different types: {error}. Write them alike."
        ) from None
    del tables
    notes: list[str] = []
    table = _plain_columns(table, paths[0], notes)
    if not table.num_rows:
        raise DataError(f"{paths[0]} has columns but no rows. Give a file with rows.")
    frame = table.to_pandas(split_blocks=True, self_destruct=True, ignore_metadata=True)
    files = f"{paths[0].name}" if len(paths) == 1 else f"{len(paths)} Parquet files"
    about = f"{files}, {_shape(frame)}, Parquet"
    return Source(name, plain_frame(frame, notes), notes=tuple(notes), about=about)


def first_bytes(path: Path) -> bytes:
    """The first 16 bytes of a file. Raises DataError where it cannot be read."""
    with _opened(path) as file:
        return file.read(16)


def files_below(folder: Path) -> Iterator[Path]:
    """Files of the folder and of those in it, also behind links; hidden ones are left out.

    Raises DataError where a folder may not be read, so that nothing is half-read.
    """
    seen = set()

    def refuse(error: OSError):
        raise DataError(f"{error.filename} cannot be read: {error.strerror}.") from None

    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(root) / name


def file_bytes(path: Path) -> bytes:
    """All bytes of a file. Raises DataError where it cannot be read."""
    with _opened(path) as file:
        return file.read()


def _opened(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path} does not exist. Check the path.") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; a file is needed here.") from None
    except OSError as error:
        reason = "is a folder" if os.path.isdir(path) else f"cannot be read: {error.strerror}"
        raise DataError(f"{path} {reason}. Give a file that you may read.") from None


def _unpacked(data: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"{path} is a damaged or cut off gzip file ({error}). Copy or download it again."
        ) from None


def _shape(frame: DataFrame) -> str:
    return f"{counted(len(frame), 'row')}, {counted(frame.shape[1], 'column')}"


# ------------------------------------------------------------------------------------- bytes


def as_utf8(data: bytes, path: Path, encoding: str | None, notes: list[str]) -> bytes:
    """The same text in UTF-8 without a byte order mark and with line feeds that Arrow knows."""
    _refuse_other_kinds(data[:64], path)
    text = _decoded(data, path, encoding, notes)
    if b"\n" not in text and b"\r" in text:
        text = text.replace(b"\r", b"\n")
    text = text.rstrip(b"\x1a")
    if not (text[:1024].strip() or text.strip()):
        raise DataError(f"{path} holds nothing but blank lines. Give a file with rows.")
    _refuse_other_kinds(text[:64].lstrip(), path)
    return text


def _decoded(data: bytes, path: Path, encoding: str | None, notes: list[str]) -> bytes:
    if encoding is not None:
        return _from_encoding(data, path, encoding)
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    wide = _wide_encoding(data)
    if wide:
        notes.append(f"{path.name} is {wide.upper()}.")
        return _from_encoding(data, path, wide)
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise DataError(
            f"{path}, line {line}: a NUL byte. The file is damaged or no text. Write it anew."
        )
    if data.isascii() or _is_utf8(data):
        _refuse_junk(data, path)
        return data
    _refuse_junk(data, path)
    guess = "cp1252" if _decodes(data, "cp1252") else "latin-1"
    shown = "Windows-1252 (Latin-1)" if guess == "cp1252" else "Latin-1"
    notes.append(f"{path.name} is not UTF-8; read as {shown}. Else give --data.encoding.")
    return _from_encoding(data, path, guess)


def _from_encoding(data: bytes, path: Path, encoding: str) -> bytes:
    try:
        return data.decode(encoding).lstrip("\ufeff").encode("utf-8")
    except LookupError:
        raise SettingsError(
            f"Encoding '{encoding}' is not known. Give for example utf-8, latin-1 or utf-16."
        ) from None
    except UnicodeError as error:
        raise DataError(f"{path} is not {encoding}: {error}. Give another encoding.") from None


def _wide_encoding(data: bytes) -> str | None:
    """Give "utf-16" or "utf-32" where a byte order mark or the place of NUL bytes shows it."""
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "utf-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = np.frombuffer(data[:4096], dtype=np.uint8)
    if len(head) < 4 or len(data) % 2 or not (head == 0).any():
        return None
    even, odd = (head[0::2] == 0).mean(), (head[1::2] == 0).mean()
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.1 else None


def _is_utf8(data: bytes) -> bool:
    return _decodes(data, "utf-8")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeError:
        return False
    return True


def _refuse_other_kinds(head: bytes, path: Path) -> None:
    for signature, text in SIGNATURES:
        if head[: len(signature)].lower() == signature.lower():
            raise DataError(f"{path} {text}.")


def _refuse_junk(data: bytes, path: Path) -> None:
    head = np.frombuffer(data[:65536], dtype=np.uint8)
    control = (head < 32) & ~np.isin(head, (9, 10, 12, 13, 26, 27))
    if control.mean() > 0.01:
        raise DataError(
            f"{path} is no text: it is full of control bytes. "
            "Give a CSV, TSV, JSON lines, Parquet or .npz file."
        )


# --------------------------------------------------------------------------- separated text


@dataclass
class Layout:
    """How the lines of a text table are to be read."""

    separator: str
    names: list[str]
    start: int  # byte at which the first row begins
    start_line: int  # its line number, from 1
    quoted: bool
    repeats: list[str] = field(default_factory=list)  # the header as written, where there is one
    sample: list[list[str]] = field(default_factory=list)  # the first rows


def _source_of_text(text: bytes, path: Path, options: dict, notes: list[str]) -> Source:
    layout, text = _layout(text, path, options, notes)
    as_text = {*listed(options, "categorical"), *listed(options, "text")}
    table = _cells(text, path, layout, as_text)
    table, names = _without_trailing(table, layout.names, notes)
    table = _without_repeats(table, layout.repeats, notes)
    if not table.num_rows:
        raise DataError(f"{path} has a header and no rows. Give a file with rows.")
    frame, decided = _typed(table, names, layout, options, as_text, notes)
    frame = _without_twins(frame, notes)
    about = f"{path.name}, {_shape(frame)}, separated by {SEPARATORS.get(layout.separator, 'own')}"
    return Source(_stem(path), frame, notes=tuple(notes), about=about, options=decided)


def _stem(path: Path) -> str:
    stem = path.name
    while Path(stem).suffix.lower() in (*TABLE_SUFFIXES, ".gz"):
        stem = Path(stem).stem
    return stem or path.stem


def _layout(text: bytes, path: Path, options: dict, notes: list[str]) -> tuple[Layout, bytes]:
    """The layout that the first lines show; text whose cells are parted by spaces is rewritten."""
    quoted = b'"' in text
    lines = _first_lines(text)
    header = _header_option(options.get("header"))
    separator = _separator(lines, options.get("separator"), path)
    if separator == " ":
        text, lines = _spaces_to_tabs(text, path)
        separator = "\t"
        notes.append(f"The cells of {path.name} are parted by spaces.")
    elif separator != "," and options.get("separator") is None:
        notes.append(f"The cells of {path.name} are parted by {SEPARATORS[separator]}.")
    skipped = _lines_before_header(lines, separator, header)
    if skipped:
        notes.append(f"{counted(skipped, 'line')} before the header of {path.name}: skipped.")
    records = list(_records(lines[skipped:], separator))
    if not records:
        raise DataError(f"{path} holds no filled cell. Give a file with a header and rows.")
    used, first = records[0]
    rest = [fields for _, fields in records[1:]]
    has_header = header if isinstance(header, bool) else not _is_a_row(first, rest)
    if isinstance(header, int) and not isinstance(header, bool):
        has_header = True
    written = first if has_header else []
    if not has_header:
        notes.append(
            f"{path.name} has no header: its first line looks like a row. "
            "The columns are called column_1, column_2, ... (--data.header true if it is one)."
        )
    names = _names(written or [""] * len(first), rest, path, notes, has_header)
    taken = skipped + used if has_header else skipped
    start = sum(len(line.encode()) for line in lines[:taken])
    return Layout(separator, names, start, taken + 1, quoted, written, rest), text


def _first_lines(text: bytes, size: int = 1 << 18) -> list[str]:
    head = bytes(text[:size])
    if len(text) > size:
        head = head[: head.rfind(b"\n") + 1] or head
    return list(io.StringIO(head.decode("utf-8", "ignore"), newline=""))


def _records(lines: Iterable[str], separator: str, limit: int = 200) -> Iterator:
    """(physical lines read so far, cells) of each record that is not blank."""
    reader = csv.reader(lines, delimiter=separator)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells) or len(cells) > 1:
                yield reader.line_num, cells
                limit -= 1
            if not limit:
                return
    except csv.Error:  # such as a field of more than 131,072 characters; told later, with its line
        return


def _separator(lines: list[str], given: str | None, path: Path) -> str:
    if given is not None:
        given = {"tab": "\t", "\\t": "\t", "space": " ", "comma": ","}.get(given, given)
        if len(given) != 1:
            raise SettingsError(f"A separator is one character, not '{given}'.")
        return given
    if path.suffix.lower() in (".tsv", ".tab") and any("\t" in line for line in lines[:5]):
        return "\t"
    best = max(SEPARATORS, key=lambda separator: _fitness(lines, separator))
    return best if _fitness(lines, best)[0] else ","


def _fitness(lines: list[str], separator: str) -> tuple:
    """How well a separator explains the first lines: (plausible, header fits, share, cells)."""
    if separator == " ":
        counts = [len(line.split()) for line in lines[:200] if line.strip()]
        weight = 0.5  # spaces part words too
    else:
        counts = [len(cells) for _, cells in _records(lines, separator)]
        weight = 1.0
    if not counts:
        return (False, False, 0.0, 0)
    cells, times = Counter(counts).most_common(1)[0]
    share = times / len(counts)
    if cells < 2 or (separator == " " and share < 1):
        return (False, False, 0.0, 0)
    return (weight == 1.0 or share == 1, weight * (counts[0] == cells), weight * share, cells)


def _spaces_to_tabs(text: bytes, path: Path) -> tuple[bytes, list[str]]:
    rows = csv.reader(
        (line.strip() for line in io.StringIO(text.decode("utf-8"))),
        delimiter=" ",
        skipinitialspace=True,
    )
    out = io.StringIO()
    csv.writer(out, delimiter="\t", lineterminator="\n").writerows(row for row in rows if row)
    rewritten = out.getvalue().encode("utf-8")
    return rewritten, _first_lines(rewritten)


def _header_option(value) -> bool | int | None:
    """None (look), True, False, or the number of the header's line, from 1."""
    if value is None or isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "false": False, "no": False, "none": False}
    word = str(value).lower()
    if word in words:
        return words[word]
    if word.isdigit() and int(word) > 0:
        return int(word)
    raise SettingsError(f"--data.header must be true, false or a line number, not '{value}'.")


def _lines_before_header(lines: list[str], separator: str, header: bool | int | None) -> int:
    if isinstance(header, int) and not isinstance(header, bool):
        return min(header - 1, len(lines) - 1)
    skipped = 0
    while skipped < len(lines) - 1 and not lines[skipped].strip():
        skipped += 1
    comments = skipped
    while comments < len(lines) - 1 and lines[comments].startswith("#"):
        comments += 1
    if comments == skipped:
        return skipped
    counts = [len(cells) for _, cells in _records(lines[comments - 1 :], separator, 3)]
    is_header = len(counts) < 2 or counts[0] == counts[1]  # the last comment names the columns
    return comments - 1 if is_header else comments


def _is_a_row(first: list[str], rest: list[list[str]]) -> bool:
    """True where the first line holds numbers above numbers, as a row does and a header not."""
    numbers = [cell.strip() for cell in first if _is_number(cell)]
    if not numbers or not rest:
        return False
    if len(set(first)) == len(first) and all(number.isdigit() for number in numbers):
        values = [int(number) for number in numbers]
        steps = {after - before for before, after in pairwise(values)}
        years = all(1800 <= value <= 2200 for value in values)
        if (steps == {1} and (values[0] in (0, 1) or years)) or (years and len(values) > 1):
            return False  # 0, 1, 2, ... or years: names that are numbers
    for place, cell in enumerate(first):
        below = [row[place] for row in rest if place < len(row) and row[place].strip()]
        if below and all(map(_is_number, below)) and cell.strip() and not _is_number(cell):
            return False  # a word above numbers: a name
    return True


def _is_number(cell: str) -> bool:
    try:
        float(cell.strip().replace(",", "."))
    except ValueError:
        return False
    return "_" not in cell


def _names(
    written: list[str], rest: list[list[str]], path: Path, notes: list[str], has_header: bool
) -> list[str]:
    """One name per column, none blank, none twice; what was changed is said."""
    names = [name.strip().strip("\ufeff") for name in written]
    width = Counter(map(len, rest)).most_common(1)[0][0] if rest else len(names)
    if width == len(names) + 1 and has_header and all(len(row) == width for row in rest):
        if any(row[-1].strip() for row in rest):
            names.insert(0, "row_name")
            notes.append(
                f"The rows of {path.name} have one cell more than the header: "
                "the first was taken as the row's name, column 'row_name'."
            )
        else:
            names.append("")
    blank = [place for place, name in enumerate(names) if not name]
    names = [name or f"column_{place + 1}" for place, name in enumerate(names)]
    if blank and has_header and blank != [len(names) - 1]:
        shown = ", ".join(f"'column_{place + 1}'" for place in blank[:5])
        notes.append(f"{counted(len(blank), 'column')} of {path.name} without a name: {shown}.")
    return names


def _cells(text: bytes, path: Path, layout: Layout, as_text: set[str]) -> pa.Table:
    """All cells as text or plain numbers, missing ones null.

    The fast ways come first; the careful one is only taken when Arrow stumbles.
    """
    suspicious = layout.quoted and text.count(b'"') % 2 == 1
    places = [str(place) for place in range(len(layout.names))]
    body = memoryview(text)[layout.start :]
    if not bytes(body[:1024]).strip() and not bytes(body).strip():
        return pa.table({place: pa.array([], pa.string()) for place in places})
    fractions = _columns_of_fractions(layout, as_text)
    ways = [] if suspicious else [fractions, set()] if fractions else [set()]
    for numbers in ways:
        try:
            return _arrow_cells(body, layout, places, numbers)
        except pa.ArrowException:
            continue
    return _careful_cells(text, path, layout, places)


def _columns_of_fractions(layout: Layout, as_text: set[str]) -> set[str]:
    """Columns that Arrow may read as numbers at once: numbers, not all whole, no doubt about it."""
    found = set()
    for place, name in enumerate(layout.names):
        cells = [row[place].strip() for row in layout.sample if place < len(row)]
        cells = [cell for cell in cells if cell and cell not in MISSING]
        plain = name not in as_text and all(re.match(NUMBER, cell) for cell in cells)
        if plain and any(re.match(FRACTION, cell) for cell in cells):
            found.add(str(place))
    return found


def _arrow_cells(
    body: memoryview, layout: Layout, places: list[str], numbers: set[str]
) -> pa.Table:
    return arrow_csv.read_csv(
        pa.py_buffer(body),
        read_options=arrow_csv.ReadOptions(column_names=places, block_size=1 << 22),
        parse_options=arrow_csv.ParseOptions(
            delimiter=layout.separator, newlines_in_values=layout.quoted
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={
                place: pa.float64() if place in numbers else pa.string() for place in places
            },
            null_values=["", *MISSING],
            strings_can_be_null=True,
        ),
    )


def _careful_cells(text: bytes, path: Path, layout: Layout, places: list[str]) -> pa.Table:
    """The same by Python's reader, which knows the line of what is wrong."""
    lines = io.StringIO(text[layout.start :].decode("utf-8"), newline="")
    csv.field_size_limit(1 << 30)
    reader = csv.reader(lines, delimiter=layout.separator, strict=True)
    rows, wrong, begun = [], [], layout.start_line
    width = len(places)
    try:
        for cells in reader:
            if len(cells) == width:
                rows.append(cells)
            elif any(cell.strip() for cell in cells):
                wrong.append((begun, len(cells)))
            begun = layout.start_line + reader.line_num
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise DataError(
                f'{path}, line {begun}: a quote (") is opened and never closed. '
                "Close it, or double it where it is meant as a character."
            ) from None
        raise DataError(f"{path}, line {begun}: {error}. Mend this line.") from None
    if wrong:
        _raise_ragged(path, wrong, width, layout)
    columns = list(zip(*rows, strict=True)) or [()] * width
    return pa.table(
        {
            place: pa.chunked_array([[cell or None for cell in column]], pa.string())
            for place, column in zip(places, columns, strict=True)
        }
    )


def _raise_ragged(path: Path, wrong: list[tuple[int, int]], width: int, layout: Layout) -> None:
    line, cells = wrong[0]
    kind = "too many cells" if cells > width else "too few cells"
    more = f" (and {len(wrong) - 1:,} more such lines)" if len(wrong) > 1 else ""
    against = "the header has" if layout.repeats else "the other rows have"
    raise DataError(
        f"{path}, line {line}: {kind}: {cells}, but {against} {width}{more}. "
        f"Cells are parted by {SEPARATORS.get(layout.separator, repr(layout.separator))}; "
        'put cells that contain one in quotes ("), or give --data.separator.'
    )


def _without_trailing(
    table: pa.Table, names: list[str], notes: list[str]
) -> tuple[pa.Table, list[str]]:
    """Drop the empty column that separators at the ends of lines make, and empty last rows."""
    last = table.num_columns - 1
    nameless = last > 0 and names[last] == f"column_{last + 1}"
    if nameless and table.column(last).null_count == table.num_rows and table.num_rows:
        table, names = table.remove_column(last), names[:last]
        notes.append("Each line ends with a separator; the empty last column was dropped.")
    rows = table.num_rows
    while (
        rows
        and table.num_columns > 1
        and not any(column[rows - 1].is_valid for column in table.columns)
    ):
        rows -= 1
    if rows < table.num_rows:
        notes.append(f"{counted(table.num_rows - rows, 'empty row')} at the end: dropped.")
    return table.slice(0, rows), names


def _without_repeats(table: pa.Table, header: list[str], notes: list[str]) -> pa.Table:
    """Drop rows that repeat the header, as files that were glued together have them."""
    same = None
    if len(header) < 2:
        return table  # one column: a name that comes twice is a value
    for column, name in zip(table.columns, header, strict=False):
        if not name or not pa.types.is_string(column.type):
            continue
        here = pc.fill_null(pc.equal(column, name), False)
        same = here if same is None else pc.and_(same, here)
        if not pc.any(same).as_py():
            return table
    if same is None or not pc.any(same).as_py():
        return table
    rows = np.flatnonzero(same.to_numpy())
    times = counted(len(rows), "time")
    notes.append(f"The header is repeated {times} inside the file; dropped there.")
    return table.filter(pc.invert(same))


def _without_twins(frame: DataFrame, notes: list[str]) -> DataFrame:
    """One name per column: equal columns of one name become one, others get a number."""
    names = list(frame.columns)
    if len(set(names)) == len(names):
        return frame
    keep, new = [], []
    for place, name in enumerate(names):
        before = [other for other in range(place) if names[other] == name]
        if not before:
            keep.append(place)
            new.append(name)
        elif frame.iloc[:, place].equals(frame.iloc[:, before[0]]):
            notes.append(f"Column '{name}' is there twice with the same cells; kept once.")
        else:
            renamed = f"{name}.{len(before) + 1}"
            keep.append(place)
            new.append(renamed)
            notes.append(f"Column '{name}' is there twice; the later one is called '{renamed}'.")
    frame = frame.iloc[:, keep]
    frame.columns = new
    return frame


# ---------------------------------------------------------------------------------- columns


@dataclass
class Cells:
    """One column on its way from text to numbers."""

    name: str
    text: pa.ChunkedArray
    numbers: np.ndarray | None = None
    finding: str | None = None  # what is to be said, a key of SAID
    example: str = ""
    doubtful: str | None = None  # a way of writing that only the rest of the file can decide


SAID = {
    "code": "{columns} stay text, so that codes such as '{example}' keep their zeros "
    "(--data.numeric NAME reads numbers).",
    "long": "{columns} stay text: whole numbers such as {example} have more digits than a "
    "number can hold exactly.",
    "missing": "'{example}' in {columns} was read as a missing value.",
    "mixed": "{columns} stay text: most cells are numbers, but not all, for example '{example}'.",
    "decimal comma": "Decimal commas in {columns} were read as such: {example}.",
    "thousands": "Thousands marks in {columns} were read as such: {example}.",
    "ambiguous": "{columns} could hold decimal commas or thousands marks; read as {example} "
    "(--data.decimal , or . decides).",
    "dates": "{columns} hold dates in two orders, for example {example}; kept as text.",
    "both": "{columns} stay text: decimal commas and decimal points are mixed, for example "
    "'{example}'.",
}


def _typed(
    table: pa.Table,
    names: list[str],
    layout: Layout,
    options: dict,
    as_text: set[str],
    notes: list[str],
) -> tuple[DataFrame, dict]:
    """Columns as numbers where every filled cell is one, else text; and what was decided."""
    as_number = set(listed(options, "numeric"))
    decimal = options.get("decimal")
    if decimal not in (None, ",", "."):
        raise SettingsError(f"--data.decimal must be , or . and not '{decimal}'.")

    def look(place: int) -> Cells:
        cells = Cells(names[place], table.column(place))
        if pa.types.is_floating(cells.text.type):
            cells.numbers, cells.text = cells.text.to_numpy(), pa.chunked_array([], pa.string())
            return cells
        if cells.name in as_text:
            return _as_text(cells)
        return _look(cells, decimal, cells.name in as_number)

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        columns = list(pool.map(look, range(table.num_columns)))
    decided = decimal or _decimal_of_file(columns, layout)
    shown = any(cells.doubtful in ("decimal comma", "point groups") for cells in columns)
    grouped = decided == "," and (shown or layout.separator != ",")  # then 1.234 may be 1234
    for cells in columns:
        _settle(cells, decided)
        if grouped and cells.doubtful is None and cells.numbers is not None and len(cells.text):
            _point_groups_among_decimal_commas(cells)
    notes.extend(_sayings(columns))
    kept: dict = {} if decided == "." and decimal is None else {"decimal": decided}
    codes = [cells.name for cells in columns if cells.finding in ("code", "long")]
    if codes:
        kept["text"] = codes
    return _frame_of(columns), kept


def _look(cells: Cells, decimal: str | None, wanted: bool) -> Cells:
    """Read one column as numbers, as far as it goes by itself."""
    if cells.text.null_count == len(cells.text):
        cells.numbers = np.full(len(cells.text), np.nan)
        return cells
    if _read_numbers(cells, wanted):
        return cells
    before = cells.text
    _as_text(cells)
    if not cells.text.equals(before) and _look_again(cells, wanted):
        return cells
    if _odd_missing(cells) and _look_again(cells, wanted):
        return cells
    cells.doubtful = _way_of_writing(cells.text, decimal)
    if cells.doubtful is None:
        _say_if_mixed(cells)
    return cells


def _look_again(cells: Cells, wanted: bool) -> bool:
    if cells.text.null_count == len(cells.text):
        cells.numbers = np.full(len(cells.text), np.nan)
        return True
    return _read_numbers(cells, wanted)


def _as_text(cells: Cells) -> Cells:
    """Trim spaces and read the usual words for a missing value as missing."""
    text = pc.utf8_trim_whitespace(cells.text)
    missing = pc.is_in(text, value_set=pa.array(["", *MISSING]))
    if pc.any(missing).as_py():
        text = pc.if_else(missing, pa.scalar(None, pa.string()), text)
    cells.text = text
    return cells


def _read_numbers(cells: Cells, wanted: bool) -> bool:
    """Fill ``cells.numbers`` if each filled cell is a number and no digit is lost; else False."""
    text = cells.text
    try:
        whole = pc.cast(text, pa.int64())
    except pa.ArrowInvalid:
        whole = None
    if whole is not None:
        if not wanted and _has_codes(cells):
            return True
        cells.numbers = (pc.cast(whole, pa.float64()) if text.null_count else whole).to_numpy()
        return True
    try:
        numbers = pc.cast(text, pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return False
    finite = numbers[np.isfinite(numbers)]
    whole = len(finite) > 0 and bool((finite == np.floor(finite)).all())
    if whole and not wanted and (_has_codes(cells) or _has_long(cells, finite)):
        return True
    cells.numbers = numbers
    return True


def _has_codes(cells: Cells) -> bool:
    """True (and said) where a whole number begins with a needless zero."""
    starts = pc.starts_with(cells.text, "0")
    if not pc.any(starts).as_py():
        return False
    codes = pc.filter(cells.text, pc.fill_null(starts, False))
    codes = pc.filter(codes, pc.match_substring_regex(codes, r"^0[0-9xX][0-9a-fA-F]*$"))
    if not len(codes):
        return False
    cells.finding, cells.example = "code", codes[0].as_py()
    return True


def _has_long(cells: Cells, numbers: np.ndarray) -> bool:
    """True (and said) where a whole number has more digits than a float keeps."""
    if np.abs(numbers).max() < 2**53:
        return False
    long = pc.filter(cells.text, pc.match_substring_regex(cells.text, r"^[+-]?[0-9]{16,}$"))
    if not len(long):
        return False
    cells.finding, cells.example = "long", long[0].as_py()
    return True


def _odd_missing(cells: Cells) -> bool:
    """True where the only cells that are no numbers are one mark, such as a question mark."""
    numbers = pc.match_substring_regex(cells.text, NUMBER)
    others = pc.unique(pc.filter(cells.text, pc.fill_null(pc.invert(numbers), False)))
    if len(others) != 1 or others[0].as_py() not in MISSING_AMONG_NUMBERS:
        return False
    mark = others[0].as_py()
    if not pc.any(numbers).as_py():
        return False
    cells.text = pc.if_else(pc.equal(cells.text, mark), pa.scalar(None, pa.string()), cells.text)
    cells.finding, cells.example = "missing", mark
    return True


def _way_of_writing(text: pa.ChunkedArray, decimal: str | None) -> str | None:
    """How numbers that Arrow does not know are written in this column, if they are numbers."""
    first = text.drop_null()[0].as_py()
    if not any(sign.isdigit() for sign in first):
        return None
    commas, points, groups = (
        _all_match(text, pattern) for pattern in (DECIMAL_COMMA, POINT_GROUPS, COMMA_GROUPS)
    )
    if groups and commas and decimal is None:
        return "ambiguous"
    if groups and decimal != ",":
        return "comma groups"
    if commas and decimal != ".":
        return "decimal comma"
    if points and decimal != ".":
        return "point groups"
    if _all_match(text, f"({SPACE_GROUPS})|({NUMBER})|({DECIMAL_COMMA})") and _any_match(
        text, SPACE_GROUPS
    ):
        return "space groups"
    if _all_match(text, f"({COMMA_GROUPS})|({NUMBER})"):
        return _mixed_groups(text, decimal, "comma groups", r"^[+-]?[0-9]*\.[0-9]")
    if decimal != "." and _all_match(text, f"({DECIMAL_COMMA})|({POINT_GROUPS})|^[+-]?[0-9]+$"):
        return "decimal comma"
    return None


def _mixed_groups(text, decimal: str | None, found: str, proof: str) -> str:
    """Cells such as 1,234 beside 567: groups if a cell like 56.7 or 1,234.5 proves it."""
    if decimal is not None:
        return "decimal comma" if decimal == "," else found
    if pc.any(pc.match_substring_regex(text, proof)).as_py():
        return "both" if not _grouped_only(text) else found
    return "ambiguous"


def _grouped_only(text) -> bool:
    """True where each cell without a group is below 1000, as it is when groups are marked."""
    plain = pc.filter(text, pc.fill_null(pc.match_substring_regex(text, NUMBER), False))
    return not len(plain) or pc.max(pc.cast(plain, pa.float64())).as_py() < 1000


def _any_match(text: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(text, pattern)).as_py())


def _all_match(text: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(text, pattern)).as_py())


def _decimal_of_file(columns: list[Cells], layout: Layout) -> str:
    """Give "," where the file shows decimal commas, else "."."""
    ways = {cells.doubtful for cells in columns}
    if "decimal comma" in ways or "point groups" in ways:
        return ","
    if "ambiguous" not in ways or layout.separator != ";":
        return "."
    fractions = (
        cells.numbers is not None
        and cells.numbers.dtype == np.float64
        and (not len(cells.text) or pc.any(pc.match_substring(cells.text, ".")).as_py())
        for cells in columns
    )
    return "." if any(fractions) else ","


def _settle(cells: Cells, decimal: str) -> None:
    """Turn a doubtful column into numbers, now that the rest of the file is known."""
    way = cells.doubtful
    if way is None:
        return
    if way == "both":
        cells.finding, cells.example = "both", cells.text.drop_null()[0].as_py()
        return
    comma = way in ("decimal comma", "point groups") or (way == "ambiguous" and decimal == ",")
    plain = pc.replace_substring_regex(cells.text, r"[ '\x{A0}\x{202F}\x{2019}]", "")
    if way == "space groups":
        plain = pc.replace_substring(plain, ",", ".")
    elif comma:
        plain = pc.replace_substring(pc.replace_substring(plain, ".", ""), ",", ".")
    else:
        plain = pc.replace_substring(plain, ",", "")
    cells.numbers = pc.cast(plain, pa.float64()).to_numpy()
    shown = cells.text.drop_null()[0].as_py()
    cells.example = f"'{shown}' is {float(plain.drop_null()[0].as_py()):g}"
    finding = {"ambiguous": "ambiguous", "decimal comma": "decimal comma"}
    cells.finding = finding.get(way, "thousands")


def _point_groups_among_decimal_commas(cells: Cells) -> None:
    """In a file with decimal commas, 1.234 in a column of nothing else is 1234."""
    if not _all_match(cells.text, f"({POINT_GROUPS})|^[+-]?[0-9]{{1,3}}$"):
        return
    if not pc.any(pc.match_substring(cells.text, ".")).as_py():
        return
    cells.numbers = pc.cast(pc.replace_substring(cells.text, ".", ""), pa.float64()).to_numpy()
    cells.finding = "ambiguous"
    cells.example = "thousands marks, because other columns have decimal commas"


def _say_if_mixed(cells: Cells) -> None:
    filled = cells.text.drop_null()
    numbers = pc.match_substring_regex(filled, NUMBER)
    share = pc.mean(pc.cast(numbers, pa.int8())).as_py()
    if share >= 0.5:
        cells.finding = "mixed"
        cells.example = pc.filter(filled, pc.invert(numbers))[0].as_py()
        return
    if share == 0 and filled[0].as_py()[:1].isdigit() and _all_match(filled, DAY_AND_MONTH):
        _say_if_two_orders(cells, filled)


def _say_if_two_orders(cells: Cells, filled: pa.ChunkedArray) -> None:
    parts = pc.extract_regex(filled, DAY_AND_MONTH)
    parts = parts.combine_chunks() if isinstance(parts, pa.ChunkedArray) else parts
    first, second = (
        pc.cast(pc.struct_field(parts, name), pa.int64()).to_numpy(zero_copy_only=False)
        for name in ("first", "second")
    )
    if (first > 12).any() and (second > 12).any():
        one, other = int(np.argmax(first > 12)), int(np.argmax(second > 12))
        cells.finding = "dates"
        cells.example = f"{filled[one].as_py()} and {filled[other].as_py()}"


def _sayings(columns: list[Cells]) -> list[str]:
    """One sentence for each kind of finding, however many columns show it."""
    notes = []
    for finding, sentence in SAID.items():
        found = [cells for cells in columns if cells.finding == finding]
        for example in dict.fromkeys(cells.example for cells in found if finding == "missing"):
            same = [cells for cells in found if cells.example == example]
            notes.append(sentence.format(columns=_listed_names(same), example=example))
        if found and finding != "missing":
            text = sentence.format(columns=_listed_names(found), example=found[0].example)
            notes.append(text.replace("stay text", "stays text") if len(found) == 1 else text)
    return notes


def _listed_names(columns: list[Cells]) -> str:
    shown = ", ".join(f"'{cells.name}'" for cells in columns[:5])
    more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
    return f"{'Column' if len(columns) == 1 else 'Columns'} {shown}{more}"


def _frame_of(columns: list[Cells]) -> DataFrame:
    series = [
        pd.Series(cells.numbers, copy=False)
        if cells.numbers is not None
        else pa.table({"text": cells.text}).to_pandas()["text"]
        for cells in columns
    ]
    frame = pd.DataFrame(dict(enumerate(series)), copy=False)
    frame.columns = [cells.name for cells in columns]
    return frame


def counted(number: int, noun: str) -> str:
    """Give "1 row" or "1,234 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(options: dict, name: str) -> list[str]:
    """An option that names columns, as a list; text is parted at commas."""
    value = options.get(name) or []
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(part) for part in value]


# -------------------------------------------------------------------------------- JSON lines


def _is_json(text: bytes, path: Path) -> bool:
    suffix = Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix
    return suffix.lower() in JSON_SUFFIXES or text[:1024].lstrip()[:2] in (b'{"', b"[{")


def _source_of_records(text: bytes, path: Path, options: dict, notes: list[str]) -> Source:
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
    return Source(_stem(path), frame, notes=tuple(notes), about=f"{path.name}, {_shape(frame)}")


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
        notes.append(f"Column '{name}' stays text: numbers and other values are mixed in it.")
    text = pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.table({"text": text}).to_pandas()["text"]


# ----------------------------------------------------------------------------------- Parquet


def _parquet_table(path: Path) -> pa.Table:
    with _opened(path) as file:
        if not file.read(1):
            raise DataError(f"{path} is empty (0 bytes). Write it anew.")
    try:
        table = parquet.ParquetFile(path, memory_map=True).read().replace_schema_metadata(None)
        assert isinstance(table.column_names, list)  # a damaged name is found here
        return table
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{path} is a damaged or cut off Parquet file ({error}). Write it anew."
        ) from None


def _with_folder_columns(table: pa.Table, path: Path, paths: Sequence[Path]) -> pa.Table:
    """The table with a column for each folder such as year=2020 that parts the files."""
    root = Path(os.path.commonpath([one.parent for one in paths]))
    for place in path.parent.relative_to(root).parts:
        name, equals, value = place.partition("=")
        if equals and name not in table.column_names:
            plain = int(value) if value.isdigit() and str(int(value)) == value else value
            table = table.append_column(name, pa.repeat(pa.scalar(plain), table.num_rows))
    return table


def _plain_columns(table: pa.Table, path: Path, notes: list[str]) -> pa.Table:
    """Only numbers, truth values, times and text; refuses lists, structures and bytes."""
    for place, column in enumerate(table.schema):
        kind, cells = column.type, table.column(place)
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            raise DataError(
                f"{path}, column '{column.name}' holds {kind}. "
                "A column must hold numbers, truth values, dates or text."
            )
        if (wanted := _plain_type(kind)) is not None:
            table = table.set_column(place, column.name, cells.cast(wanted))
        elif kind == pa.uint64() and (pc.max(cells).as_py() or 0) >= 2**63:
            notes.append(f"Column '{column.name}' stays text: its numbers exceed 2^63.")
            table = table.set_column(place, column.name, cells.cast(pa.string()))
    return table


def _plain_type(kind: pa.DataType) -> pa.DataType | None:
    """The plain type that takes the place of an uncommon one; None: it stays."""
    rules = (
        (pa.types.is_dictionary, lambda: kind.value_type),
        (pa.types.is_decimal, pa.float64),
        (pa.types.is_date, lambda: pa.timestamp("s")),
        (pa.types.is_time, pa.string),
        (pa.types.is_duration, pa.int64),
        (pa.types.is_null, pa.float64),
    )
    return next((plain() for is_kind, plain in rules if is_kind(kind)), None)


# ------------------------------------------------------------------------- frames in general


def plain_frame(frame: DataFrame, notes: list[str]) -> DataFrame:
    """The frame with text names, rows counted from 0, and plain numbers, truth values and text."""
    names = ["_".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame]
    plain = [
        _plain_series(frame.iloc[:, place], names[place], notes) for place in range(len(names))
    ]
    if not all(after is before for after, before in plain):
        frame = pd.DataFrame({place: after for place, (after, _) in enumerate(plain)}, copy=False)
    else:
        frame = frame.copy(deep=False)
    frame.columns = names
    frame = frame.reset_index(drop=True)
    return _without_twins(frame, notes)


def _plain_series(series: pd.Series, name: str, notes: list[str]) -> tuple[pd.Series, pd.Series]:
    """(the column as a plain one, the column as it came)."""
    kind = series.dtype
    if isinstance(kind, np.dtype) and kind.kind in "biufM":
        return series, series
    if isinstance(kind, pd.CategoricalDtype):
        return _plain_series(series.astype(series.cat.categories.dtype), name, notes)[0], series
    if isinstance(kind, pd.DatetimeTZDtype):
        return series.dt.tz_convert("UTC").dt.tz_localize(None), series
    if pd.api.types.is_bool_dtype(kind):
        return series.astype(float if series.hasnans else bool), series
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        whole = pd.api.types.is_integer_dtype(kind) and not series.isna().any()
        return series.astype(np.int64 if whole else np.float64), series
    if isinstance(kind, pd.StringDtype):
        return series, series
    return _plain_objects(series, name, notes), series


def _plain_objects(series: pd.Series, name: str, notes: list[str]) -> pd.Series:
    if series.dtype.kind == "m":
        return series.dt.total_seconds()
    filled = series.dropna()
    kinds = {type(value) for value in filled}
    if kinds and all(issubclass(kind, bytes) for kind in kinds):
        series, kinds = series.map(lambda value: value.decode("utf-8", "replace")), {str}
    numbers = (int, float, np.integer, np.floating, bool, np.bool_)
    if all(issubclass(kind, numbers) for kind in kinds):
        return series.astype(_number_type(filled, kinds, len(filled) == len(series)))
    odd = [
        kind.__name__ for kind in kinds if issubclass(kind, (list, dict, tuple, set, np.ndarray))
    ]
    if odd or pd.api.types.is_complex_dtype(series.dtype):
        raise DataError(
            f"Column '{name}' holds values of type {odd[0] if odd else 'complex'}. "
            "A column must hold numbers, truth values, dates or text."
        )
    if len(kinds) > 1:
        notes.append(f"Column '{name}' is read as text: it mixes values of different types.")
    text = [None if pd.isna(value) else str(value) for value in series]
    text = pa.table({"text": pa.array(text, pa.string())}).to_pandas()["text"]
    text.index = series.index
    return text


def _number_type(filled: pd.Series, kinds: set[type], full: bool) -> type:
    if full and kinds and kinds <= {bool, np.bool_}:
        return bool
    whole = full and all(issubclass(kind, (int, np.integer)) for kind in kinds) and bool(kinds)
    return np.int64 if whole and all(-(2**63) <= one < 2**63 for one in filled) else np.float64


def _same_columns(names: Sequence[str], expected: Sequence[str], where: str, other: str) -> None:
    lacking = [name for name in expected if name not in names]
    extra = [name for name in names if name not in expected]
    if lacking:
        raise DataError(
            f"Column '{lacking[0]}' of {other} is not in {where}.{nearest(lacking[0], names)}"
        )
    if extra:
        raise DataError(f"Column '{extra[0]}' of {where} is not in {other}. Columns must be alike.")


def stack_frames(named: list[tuple[str, DataFrame]]) -> DataFrame:
    """Rows of several frames under the columns of the first, which all must have."""
    first_name, first = named[0]
    for name, frame in named[1:]:
        _same_columns(list(frame.columns), list(first.columns), name, first_name)
    columns = {}
    for column in first.columns:
        parts: Any = [(name, frame[column]) for name, frame in named]
        columns[column] = pd.concat(_alike(parts), ignore_index=True)
    return pd.DataFrame(columns)


def _alike(parts: list[tuple[str, pd.Series]]) -> list[pd.Series]:
    """The parts of one column with one type; numbers become text only where nothing is lost."""
    text = [(name, part) for name, part in parts if _is_text(part) and part.notna().any()]
    if not text:  # numbers, and perhaps text columns without any filled cell
        return [part.astype(float) if _is_text(part) else part for _, part in parts]
    return [part if _is_text(part) else _digits(part, name, text[0][0]) for name, part in parts]


def _is_text(part: pd.Series) -> bool:
    return isinstance(part.dtype, pd.StringDtype) or part.dtype == object


def _digits(part: pd.Series, name: str, other: str) -> pd.Series:
    """Whole numbers as the text they were written as."""
    whole = part.dropna()
    if part.dtype.kind not in "iuf" or not (whole == np.floor(whole)).all():
        raise DataError(
            f"Column '{part.name}' holds numbers in {name} and text in {other}. Write them alike."
        )
    text = [None if pd.isna(value) else str(int(value)) for value in part]
    return pa.table({"text": pa.array(text, pa.string())}).to_pandas()["text"]
