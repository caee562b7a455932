"""Columns of text as numbers, only where each filled cell is one and no digit is lost.

What becomes of the other columns (numbers beside words, dates) is decided and said in kinds.py.
"""

# pyarrow.compute makes its functions when it is imported, so that pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas import DataFrame

from layerwise.data.decimal_marks import (
    NUMBER,
    decimal_of_file,
    point_groups_among_decimal_commas,
    settle,
    way_of_writing,
)
from layerwise.data.findings import Cells, sayings
from layerwise.data.frames import text_series
from layerwise.data.layout import Layout
from layerwise.data.source import several
from layerwise.errors import SettingsError

MISSING = ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "<NA>")
MISSING_AMONG_NUMBERS = ("?", "-", "--", ".", "missing", "unknown", "na", "none", "#VALUE!", "*")


def typed_columns(
    table: pa.Table,
    names: list[str],
    layout: Layout,
    options: dict,
    as_text: set[str],
    notes: list[str],
) -> tuple[DataFrame, dict]:
    """Columns as numbers where every filled cell is one, else text; and what was decided."""
    as_number = set(several(options.get("numeric"), names))
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
    decided = decimal or decimal_of_file(columns, layout)
    shown = any(cells.doubtful in ("decimal comma", "point groups") for cells in columns)
    grouped = decided == "," and (shown or layout.separator != ",")  # then 1.234 may be 1234
    for cells in columns:
        settle(cells, decided)
        if grouped and cells.doubtful is None and cells.numbers is not None and len(cells.text):
            point_groups_among_decimal_commas(cells)
    notes.extend(sayings(columns))
    kept: dict = {} if decided == "." and decimal is None else {"decimal": decided}
    codes = [cells.name for cells in columns if cells.finding in ("code", "long")]
    if codes:
        kept["text"] = codes
    return _frame_of(columns), kept


def _look(cells: Cells, decimal: str | None, wanted: bool) -> Cells:
    """Read one column as numbers, as far as it goes by itself."""
    if _read_numbers(cells, wanted):
        return cells
    before = cells.text
    _as_text(cells)
    if not cells.text.equals(before) and _read_numbers(cells, wanted):
        return cells
    if _odd_missing(cells) and _read_numbers(cells, wanted):
        return cells
    cells.doubtful = way_of_writing(cells.text, decimal)
    return cells


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
    if text.null_count == len(text):
        cells.numbers = np.full(len(text), np.nan)
        return True
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


def _frame_of(columns: list[Cells]) -> DataFrame:
    series = [
        pd.Series(cells.numbers, copy=False)
        if cells.numbers is not None
        else text_series(cells.text)
        for cells in columns
    ]
    frame = pd.DataFrame(dict(enumerate(series)), copy=False)
    frame.columns = [cells.name for cells in columns]
    return frame
