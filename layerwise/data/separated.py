"""Separated text as a Source: every cell as text first, and the line told of what is wrong.

Arrow reads the cells; where it stumbles, Python's slower reader says at which line.
"""

# pyarrow.compute makes its functions when it is imported, so that pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

import csv
import io
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from layerwise.data.decimal_marks import NUMBER
from layerwise.data.files import stem_of
from layerwise.data.frames import without_twins
from layerwise.data.layout import SEPARATORS, Layout, find_layout
from layerwise.data.source import Source, counted, several, shape_text
from layerwise.data.text_columns import MISSING, typed_columns
from layerwise.errors import DataError

FRACTION = r"^[+-]?([0-9]*\.[0-9]{1,2}|[0-9]*\.[0-9]{4,}|[0-9]{4,}\.[0-9]*)([eE][+-]?[0-9]+)?$"


def read_separated(text: bytes, path: Path, options: dict, notes: list[str]) -> Source:
    """Rows of separated text in UTF-8; what was decided is added to the notes."""
    layout, text = find_layout(text, path, options, notes)
    as_text = {
        name
        for option in ("categorical", "text")
        for name in several(options.get(option), layout.names)
    }
    table = _cells(text, path, layout, as_text)
    table, names = _without_trailing(table, layout.names, notes)
    table = _without_repeats(table, layout.repeats, notes)
    if not table.num_rows:
        raise DataError(f"{path} has a header and no rows. Give a file with rows.")
    frame, decided = typed_columns(table, names, layout, options, as_text, notes)
    frame = without_twins(frame, notes)
    about = (
        f"{path.name}, {shape_text(frame)}, separated by {SEPARATORS.get(layout.separator, 'own')}"
    )
    return Source(stem_of(path), frame, notes=tuple(notes), about=about, options=decided)


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
