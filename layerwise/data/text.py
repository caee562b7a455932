"""Text as examples: every line one, or the consecutive pieces of one long text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pandas import DataFrame, Series

import layerwise.data.cells as cells
from layerwise.data.files import file_bytes, opened, unpacked
from layerwise.data.source import Source, counted
from layerwise.data.text_encoding import as_utf8
from layerwise.data.tokens import check_kind
from layerwise.errors import DataError, SettingsError, nearest

TEXT_SUFFIXES = (".txt", ".text", ".md", ".rst", ".tex", ".log")
SHORT = 200  # characters of the longest line in a file whose lines are examples
CONTEXT = 64  # tokens of a piece
SEVERAL = 4  # characters of a piece per token, where a token has more than one
LOOKED_AT = 1 << 16  # bytes
SEPARATORS = ("\t", ";", ",", "|")
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class TextOptions:
    """How text is read.

    lines : whether every line is an example; None: as it looks
    context : tokens that a network sees; None: as the text asks
    tokens : a name of ``tokens.TOKENS``
    vocabulary : size, for words and bpe; None: the usual
    """

    lines: bool | None
    context: int | None
    tokens: str
    vocabulary: int | None

    @classmethod
    def of(cls, options: Mapping[str, Any], tokens: str = "characters") -> TextOptions:
        """Read them from the options of the data; ``tokens`` where none are named.

        Raises SettingsError where one cannot be.
        """
        return cls(
            _truth(options.get("lines")),
            _size("context", options.get("context"), 2),
            check_kind(str(options.get("tokens") or tokens)),
            _size("vocabulary", options.get("vocabulary"), 1),
        )

    def to_json(self) -> dict:
        """What a source's ``options`` hold, so that predict reads alike."""
        return {name: value for name, value in vars(self).items() if value is not None}


def read_text(path: Path, options: dict, *, name: str | None = None, about: str = "") -> Source:
    """The examples of a text file: its lines, or its pieces one after the other.

    Parameters
    ----------
    path : Path
        A file of text in any usual encoding, perhaps packed by gzip.
    options : dict
        ``lines``, ``context``, ``tokens``, ``vocabulary``, ``encoding``.
    name, about : str
        Of the source; absent: the name of the file.

    Raises
    ------
    DataError
        The file is empty, is no text, or is too short to be cut into pieces.
    SettingsError
        An option cannot be.
    """
    data = file_bytes(path)
    data = unpacked(data, path) if path.suffix.lower() == ".gz" else data
    if not data:
        raise DataError(f"{path} is empty. Give a file with text.")
    notes: list[str] = []
    text = as_utf8(data, path, options.get("encoding"), notes).decode("utf-8")
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
        notes.append(f"{path.name} ends its lines with CR LF; read as LF.")
    return source_of_text(text, options, name or path.stem, about, notes)


def source_of_text(
    text: str, options: dict, name: str, about: str = "", notes: list[str] | None = None
) -> Source:
    """The examples of a text in memory; see ``read_text``."""
    notes = list(notes or [])
    wanted = TextOptions.of(options)
    lines = text.removesuffix("\n").split("\n")
    by_lines = _looks_like_lines(lines) if wanted.lines is None else wanted.lines
    if by_lines:
        frame = _lines_frame(lines, name, wanted.lines is None, notes)
        roles, wanted = {}, replace(wanted, lines=True)
    else:
        context = wanted.context or CONTEXT
        wanted = replace(wanted, lines=False, context=context)
        frame = _pieces_frame(text, wanted, name, notes)
        roles = {"time": "position"}
    return Source(
        name, frame, notes=tuple(notes), about=about, form="text", roles=roles,
        options={**options, **wanted.to_json(), "text": "text"},
    )  # fmt: skip


def as_text(source: Source, column: str, options: dict) -> Source:
    """The table with ``column`` as the text of each row; its other columns stay.

    Raises
    ------
    DataError
        There is no such column, or it holds no text.
    SettingsError
        An option cannot be.
    """
    columns = list(source.frame.columns)
    if column not in columns:
        raise DataError(
            f"Column '{column}' is not in {source.name}.{nearest(str(column), columns)} "
            "Give one of them with --data.text."
        )
    series = cells.column(source.frame, column)
    _check_text(series, source.name)
    wanted = TextOptions.of(options, tokens="words")
    if wanted.lines is False:
        raise SettingsError(
            "--data.lines false goes with a file of text. In a table every row is an example: "
            "leave it out."
        )
    notes = [f"Column '{column}' is read as text, by {wanted.tokens} (--data.tokens)."]
    empty = int((series.isna() | (series.astype("str").str.len() == 0)).sum())
    if empty:
        notes.append(f"{counted(empty, 'row')} of {len(series):,} have no text in '{column}'.")
    options = {**options, **replace(wanted, lines=True).to_json(), "text": column}
    return replace(source, form="text", options=options, notes=(*source.notes, *notes))


def is_text_file(path: Path, head: bytes = b"") -> bool:
    """Whether a file is to be read as text: by its name, and because it looks like no table.

    head : its first bytes, if they are known; else they are read
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if not suffixes or suffixes[-1] not in TEXT_SUFFIXES:
        return False
    if len(head) < LOOKED_AT:
        with opened(path) as file:
            head = file.read(LOOKED_AT)
    lines = [line for line in head.decode("utf-8", "replace").splitlines() if line.strip()]
    return not _looks_like_table(lines[:50] if len(lines) < 50 else lines[:-1][:50])


def texts_of(series: Series) -> list[str]:
    """The texts of a column; a missing one is empty."""
    return [
        "" if missing else str(text) for text, missing in zip(series, series.isna(), strict=True)
    ]


def _looks_like_lines(lines: list[str]) -> bool:
    return len(lines) > 1 and all(line.strip() and len(line) <= SHORT for line in lines)


def _looks_like_table(lines: list[str]) -> bool:
    """Whether every line has the same cells, by a separator or as numbers between spaces."""
    if not lines:
        return False
    for separator in SEPARATORS:
        counts = {line.count(separator) for line in lines}
        if len(lines) > 1 and len(counts) == 1 and counts != {0}:
            return True
    return all(NUMBER.fullmatch(cell) for line in lines[1:] or lines for cell in line.split())


def _lines_frame(lines: list[str], name: str, guessed: bool, notes: list[str]) -> DataFrame:
    """One row per line that says something."""
    kept = [line for line in lines if line.strip()]
    if not kept:
        raise DataError(f"{name} holds nothing but blank lines. Give a file with text.")
    how = "as no line is empty or long; --data.lines false reads one long text" * guessed
    notes.append(f"Every line is an example: {counted(len(kept), 'line')}{', ' * guessed}{how}.")
    if len(kept) < len(lines):
        left_out = counted(len(lines) - len(kept), "empty line")
        notes.append(f"{left_out} of {len(lines):,} left out.")
    return DataFrame({"text": Series(kept, dtype="str")})


def _pieces_frame(text: str, wanted: TextOptions, name: str, notes: list[str]) -> DataFrame:
    """One row per piece, with the character before it and the number of its first character."""
    assert wanted.context is not None
    size = wanted.context * (1 if wanted.tokens in ("characters", "bytes") else SEVERAL)
    if len(text) < size:
        raise DataError(
            f"{name} has {counted(len(text), 'character')}, which is less than one piece of {size}."
            f" Give more text, or a smaller --data.context than {wanted.context}."
        )
    starts = range(0, len(text), size)
    notes.append(
        f"One long text of {len(text):,} characters, cut into {counted(len(starts), 'piece')} of "
        f"{size}, in order (--data.context); --data.lines true takes every line as an example."
    )
    return DataFrame(
        {
            "text": Series([text[start : start + size] for start in starts], dtype="str"),
            "before": Series([text[max(0, start - 1) : start] for start in starts], dtype="str"),
            "position": list(starts),
        }
    )


def _check_text(series: Series, name: str) -> None:
    """Refuse a column of numbers, dates or nothing."""
    if cells.is_numeric(series) or series.dtype.kind == "M":
        what = "dates" if series.dtype.kind == "M" else "numbers"
        raise DataError(
            f"Column '{series.name}' of {name} holds {what}, such as {series.iloc[0]}, but must "
            "hold text. Give another column with --data.text."
        )
    if series.isna().all():
        raise DataError(f"Column '{series.name}' of {name} is empty. Give another one.")


def _truth(value: Any) -> bool | None:
    known = {"none": None, "auto": None, "true": True, "false": False}
    if str(value).lower() not in known:
        raise SettingsError(f"--data.lines must be true, false or auto, got '{value}'.")
    return known[str(value).lower()]


def _size(name: str, value: Any, least: int) -> int | None:
    if value is None:
        return None
    try:
        number = int(str(value))
    except ValueError:
        number = least - 1
    if number < least:
        raise SettingsError(f"--data.{name} must be a whole number from {least} on, got '{value}'.")
    return number
