"""Pairs of texts, a sentence and its translation, from tables and from aligned files.

A source of the form "pairs" has the columns "source" and "target"; one that is to be translated
may lack "target".
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from pandas import DataFrame, Series

import layerwise.data.cells as cells
from layerwise.data.files import file_bytes, unpacked
from layerwise.data.source import Source, counted, several
from layerwise.data.text_encoding import as_utf8
from layerwise.errors import DataError, nearest

ALIKE = 0.5  # share of pairs with equal sides from which it is said


def as_pairs(
    source: Source, source_column: str | None = None, target_column: str | None = None
) -> Source:
    """The pairs of a table: two of its text columns, the first one to be translated.

    Without names the option ``pairs`` of the source ("english,german") decides, else the columns
    "source" and "target" or the only two columns of text are taken.
    Raises DataError where a column is missing or no text, where a row lacks a side, and where
    both sides are the same.
    """
    notes, asked = list(source.notes), _asked(source)
    if asked and source_column is None and target_column is None:
        source_column, target_column = asked
    names = _two_columns(source, source_column, target_column, notes)
    sides = [_texts(source, name) for name in names]
    options = {**source.options, "pairs": ",".join(names)}
    found = pairs_source(source.name, sides, names, notes, source.about, options, source.parts)
    return _with_others(found, source, names)


def to_translate(source: Source) -> Source:
    """The texts of a table that are to be translated, with their translations if it has them.

    The columns are found as in ``as_pairs``; one column of text alone is what is translated.
    Raises DataError where it cannot be told, or where a row has no text.
    """
    columns, names = list(source.frame.columns), _asked(source) or ("source", "target")
    if set(names) <= set(columns):
        return as_pairs(source, *names)
    texts = [name for name in columns if not cells.is_numeric(cells.column(source.frame, name))]
    first = names[0] if names[0] in columns else texts[0] if len(texts) == 1 else None
    if first is None:
        raise DataError(
            f"{source.name} does not say what is to be translated. Call the column '{names[0]}'. "
            f"There are: {', '.join(map(str, columns[:40]))}."
        )
    frame = DataFrame({"source": Series(_texts(source, first), dtype="str")})
    return _with_others(replace(source, frame=frame, form="pairs"), source, (first,))


def _asked(source: Source) -> tuple[str, ...]:
    """The two columns that the option ``pairs`` names; () without it."""
    asked = several(source.options.get("pairs"), [])
    if asked and len(asked) != 2:
        raise DataError(
            f"--data.pairs must name two columns, FROM,INTO, got '{source.options['pairs']}'. "
            f"There are: {', '.join(map(str, source.frame.columns))}."
        )
    return asked


def _with_others(found: Source, source: Source, names: Sequence[str]) -> Source:
    """The pairs with the columns beside them, such as a key or a weight."""
    others = [name for name in source.frame if name not in (*names, "source", "target")]
    return replace(found, frame=found.frame.join(source.frame[others])) if others else found


def read_pair_files(path: Path, other: Path, options: dict) -> Source:
    """The pairs of two plain text files: line i of ``path`` and its translation in ``other``.

    Raises DataError for files of unequal length, empty lines, and one file given twice.
    """
    notes: list[str] = []
    lines = [read_lines(file, options, notes) for file in (path, other)]
    check_aligned(path, other, *lines)
    about = f"{path.name} and {other.name}, {counted(len(lines[0]), 'pair')}"
    name = path.stem if path.stem == other.stem else f"{path.stem}-{other.stem}"
    return pairs_source(name, lines, (path.name, other.name), notes, about, dict(options), None)


def read_sentences(path: Path, options: dict) -> Source:
    """The lines of one plain text file, to be translated; there are no translations."""
    notes: list[str] = []
    lines = read_lines(path, options, notes)
    frame = DataFrame({"source": Series(lines, dtype="str")})
    about = f"{path.name}, {counted(len(lines), 'sentence')}"
    return Source(path.stem, frame, notes=tuple(notes), about=about, form="pairs")


def read_lines(path: Path, options: dict, notes: list[str]) -> list[str]:
    """The lines of a text file in any encoding, trimmed. Raises DataError for an empty one."""
    data = file_bytes(path)
    if data[:2] == b"\x1f\x8b":
        data = unpacked(data, path)
    text = as_utf8(data, path, options.get("encoding"), notes).decode("utf-8")
    lines = [line.strip() for line in text.removesuffix("\n").split("\n")]
    empty = [number for number, line in enumerate(lines, start=1) if not line]
    if empty:
        raise DataError(
            f"{path}, line {empty[0]}: an empty line"
            f"{f' (and {len(empty) - 1:,} more)' if len(empty) > 1 else ''}. Each line must hold "
            "a sentence: remove it here and the same line of the other file."
        )
    return lines


def check_aligned(path: Path, other: Path, lines: list[str], others: list[str]) -> None:
    """Refuse files that cannot be translations of each other, line by line."""
    if path.resolve() == other.resolve():
        raise DataError(
            f"{path} is given twice: as the source and as its translation. Give the file of the "
            "other language."
        )
    if len(lines) != len(others):
        raise DataError(
            f"{path} has {len(lines):,} lines and {other} has {len(others):,}. Line by line they "
            "must be translations of each other: mend the file in which lines are missing."
        )


def pairs_source(
    name: str,
    sides: Sequence[list[str]],
    names: Sequence[str],
    notes: list[str],
    about: str,
    options: dict,
    parts: np.ndarray | None,
) -> Source:
    """The source of two equally long sides; what is odd about them is said or refused.

    names : what the sides are called where they come from, for messages
    """
    columns = (Series(side, dtype="str") for side in sides)
    frame = DataFrame(dict(zip(("source", "target"), columns, strict=True)))
    same = sum(map(str.__eq__, *sides)) / max(len(frame), 1)
    if same == 1:
        raise DataError(
            f"'{names[0]}' and '{names[1]}' of {name} hold the same texts, so that there is "
            "nothing to translate. Give the two languages."
        )
    if same >= ALIKE:
        notes.append(f"WARNING: {same:.0%} of the pairs have the same text on both sides.")
    return Source(
        name, frame, target=("target",), parts=parts, notes=tuple(notes), about=about,
        options=options, form="pairs",
    )  # fmt: skip


def _two_columns(
    source: Source, first: str | None, second: str | None, notes: list[str]
) -> tuple[str, str]:
    """The names of the column to be translated and of its translation."""
    columns = list(source.frame.columns)
    for name in (first, second):
        if name is not None and name not in columns:
            raise DataError(f"Column '{name}' is not in {source.name}.{nearest(name, columns)}")
    if first is not None and first == second:
        raise DataError(
            f"Column '{first}' is given twice: as the source and as its translation. Give the "
            "column of the other language."
        )
    if first is not None and second is not None:
        return first, second
    if {"source", "target"} <= set(columns) and first is None and second is None:
        return "source", "target"
    texts = [name for name in columns if not cells.is_numeric(cells.column(source.frame, name))]
    texts = [name for name in texts if name not in (first, second)]
    if len(texts) + sum(name is not None for name in (first, second)) != 2:
        raise DataError(
            f"{source.name} must have two columns of text to learn to translate, got "
            f"{len(texts)}{': ' + ', '.join(texts[:10]) if texts else ''}. "
            "Name them: --data.pairs FROM,TO."
        )
    left = iter(texts)
    chosen = (first or next(left), second or next(left))
    notes.append(f"Translates '{chosen[0]}' into '{chosen[1]}'; else give --data.pairs FROM,TO.")
    return chosen


def _texts(source: Source, name: str) -> list[str]:
    """A column of texts, trimmed. Raises DataError where it holds numbers or a row is empty."""
    column = cells.column(source.frame, name)
    if cells.is_numeric(column):
        raise DataError(
            f"Column '{name}' of {source.name} holds numbers, but a text is translated. Give a "
            "column of texts."
        )
    texts = ["" if missing else str(text).strip() for text, missing in
             zip(column, column.isna(), strict=True)]  # fmt: skip
    empty = [row for row, text in enumerate(texts, start=1) if not text]
    if empty:
        raise DataError(
            f"{counted(len(empty), 'row')} of {source.name} have no text in column '{name}', "
            f"first row {empty[0]}. Fill them in or remove them."
        )
    return texts
