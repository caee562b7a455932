"""Numbers with decimal commas or thousands marks: which way a file writes them, and their value."""

# pyarrow.compute makes its functions when it is imported, so that pyright cannot see them.
# pyright: reportAttributeAccessIssue=false

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from layerwise.data.findings import Cells
from layerwise.data.layout import Layout

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
DECIMAL_COMMA = r"^[+-]?[0-9]+,[0-9]+([eE][+-]?[0-9]+)?$"
COMMA_GROUPS = r"^[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$"
POINT_GROUPS = r"^[+-]?[0-9]{1,3}(\.[0-9]{3})+(,[0-9]+)?$"
SPACE_GROUPS = r"^[+-]?[0-9]{1,3}([ '\x{A0}\x{202F}\x{2019}][0-9]{3})+([.,][0-9]+)?$"


def way_of_writing(text: pa.ChunkedArray, decimal: str | None) -> str | None:
    """How numbers that Arrow does not know are written in this column, if they are numbers."""
    first = text.drop_null()[0].as_py()
    if not any(sign.isdigit() for sign in first):
        return None
    commas, points, groups = (
        all_match(text, pattern) for pattern in (DECIMAL_COMMA, POINT_GROUPS, COMMA_GROUPS)
    )
    if groups and commas and decimal is None:
        return "ambiguous"
    if groups and decimal != ",":
        return "comma groups"
    if commas and decimal != ".":
        return "decimal comma"
    if points and decimal != ".":
        return "point groups"
    if all_match(text, f"({SPACE_GROUPS})|({NUMBER})|({DECIMAL_COMMA})") and _any_match(
        text, SPACE_GROUPS
    ):
        return "space groups"
    if all_match(text, f"({COMMA_GROUPS})|({NUMBER})"):
        return _mixed_groups(text, decimal, "comma groups", r"^[+-]?[0-9]*\.[0-9]")
    if decimal != "." and all_match(text, f"({DECIMAL_COMMA})|({POINT_GROUPS})|^[+-]?[0-9]+$"):
        return "decimal comma"
    return None


def _mixed_groups(text, decimal: str | None, found: str, proof: str) -> str | None:
    """Cells such as 1,234 beside 567: groups if a cell like 56.7 or 1,234.5 proves it."""
    if decimal is not None:
        return "decimal comma" if decimal == "," else found
    if pc.any(pc.match_substring_regex(text, proof)).as_py():
        return found if _grouped_only(text) else None
    return "ambiguous"


def _grouped_only(text) -> bool:
    """True where each cell without a group is below 1000, as it is when groups are marked."""
    plain = pc.filter(text, pc.fill_null(pc.match_substring_regex(text, NUMBER), False))
    return not len(plain) or pc.max(pc.cast(plain, pa.float64())).as_py() < 1000


def decimal_of_file(columns: list[Cells], layout: Layout) -> str:
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


def settle(cells: Cells, decimal: str) -> None:
    """Turn a doubtful column into numbers, now that the rest of the file is known."""
    way = cells.doubtful
    if way is None:
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


def point_groups_among_decimal_commas(cells: Cells) -> None:
    """In a file with decimal commas, 1.234 in a column of nothing else is 1234."""
    if not all_match(cells.text, f"({POINT_GROUPS})|^[+-]?[0-9]{{1,3}}$"):
        return
    if not pc.any(pc.match_substring(cells.text, ".")).as_py():
        return
    cells.numbers = pc.cast(pc.replace_substring(cells.text, ".", ""), pa.float64()).to_numpy()
    cells.finding = "ambiguous"
    cells.example = "thousands marks, because other columns have decimal commas"


def _any_match(text: pa.ChunkedArray, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(text, pattern)).as_py())


def all_match(text: pa.ChunkedArray, pattern: str) -> bool:
    """Whether each filled cell holds the pattern."""
    return bool(pc.all(pc.match_substring_regex(text, pattern)).as_py())
