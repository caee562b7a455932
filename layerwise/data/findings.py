"""What is found in the columns of a text file, and the sentences that say it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa


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
    "decimal comma": "Decimal commas in {columns} were read as such: {example}.",
    "thousands": "Thousands marks in {columns} were read as such: {example}.",
    "ambiguous": "{columns} could hold decimal commas or thousands marks; read as {example} "
    "(--data.decimal , or . decides).",
}


def sayings(columns: list[Cells]) -> list[str]:
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
