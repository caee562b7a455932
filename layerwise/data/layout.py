"""The layout of separated text, seen from its first lines: separator, header, names."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from layerwise.data.source import counted
from layerwise.errors import DataError, SettingsError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}


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


def find_layout(text: bytes, path: Path, options: dict, notes: list[str]) -> tuple[Layout, bytes]:
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
    has_header = not _is_a_row(first, rest) if header is None else bool(header)
    if not has_header:
        notes.append(
            f"{path.name} has no header: its first line looks like a row. "
            "The columns are called column_1, column_2, ... (--data.header true if it is one)."
        )
    written = first if has_header else []
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
    if header is not None and not isinstance(header, bool):
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
