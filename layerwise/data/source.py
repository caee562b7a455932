"""What every reader gives: rows as they were read, before roles, splits and preparation."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pandas import DataFrame


@dataclass(frozen=True)
class Source:
    """All rows of one experience, unsplit and unprepared.

    name : short name for runs and reports, such as "digits" or "wine"
    frame : one row per example, RangeIndex; the columns as read (at least the target's)
    inputs : (rows, features) or (rows, channels, height, width) where the inputs are no columns
        of ``frame``; may be memory-mapped
    target : columns that are the target unless the user names others
    parts : per row "train", "validation", "test", "" (undecided) or "unused" (in no part), where
        the source fixes them
    same_rows : made data in which training rows are the test rows (nothing generalizes)
    notes : what was decided while reading, one sentence each, to be said aloud
    about : where the data come from, one line
    form : "" for a table or arrays, else text, pairs, series, graph, ... (``forms.FORMS``)
    whole : what all rows are parts of and no column can hold, such as a Graph or a Series; then
        ``inputs`` says where in it each row stands
    roles : roles that the source itself gives to columns, such as {"time": "position"}
    """

    name: str
    frame: DataFrame
    inputs: np.ndarray | None = None
    target: tuple[str, ...] = ()
    parts: np.ndarray | None = None
    same_rows: bool = False
    notes: tuple[str, ...] = ()
    about: str = ""
    options: dict = field(default_factory=dict)  # how it was read, so that predict reads alike
    form: str = ""
    whole: Any = None
    roles: dict[str, str] = field(default_factory=dict)

    def take(self, rows: np.ndarray) -> "Source":
        """The same source with some of its rows, by number."""
        return replace(
            self,
            frame=self.frame.iloc[rows].reset_index(drop=True),
            inputs=None if self.inputs is None else self.inputs[rows],
            parts=None if self.parts is None else self.parts[rows],
        )


def counted(number: int, noun: str) -> str:
    """Give "1 row" or "1,234 rows"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shape_text(frame: DataFrame) -> str:
    """Rows and columns of a frame, such as "150 rows, 5 columns"."""
    return f"{counted(len(frame), 'row')}, {counted(frame.shape[1], 'column')}"


def several(names: str | Sequence[str] | None, columns: list) -> tuple[str, ...]:
    """One name, several, or several in one text with commas between them."""
    if names is None:
        return ()
    if not isinstance(names, str):
        return tuple(names)
    return (names,) if names in columns else tuple(name.strip() for name in names.split(","))
