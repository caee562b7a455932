"""What the leak certificate looks at, and how a check says what it found."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pandas.api.types import is_datetime64_any_dtype

from layerwise.contracts import Target
from layerwise.data.preparation import Preparation
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.data.split import Split
from layerwise.evaluation.fingerprints import content, fingerprints, some_rows

MOST_ROWS = 1_000_000  # above which the certificate looks at a sample ...
MOST_HELD = 250_000  # ... with at most so many rows of the validation and of the test part
SHOWN = 10  # rows and columns that a check names
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Evidence:
    """What the checks look at: rows of each part, by number, and their fingerprints."""

    source: Source
    roles: Roles
    target: Target
    split: Split
    preparation: Preparation
    rows: dict[str, np.ndarray]
    seed: int

    @cached_property
    def numbers(self) -> dict[str, np.ndarray]:
        """Fingerprints of the inputs of each part's rows."""
        return {
            part: fingerprints(some_rows(self.source, rows), self.preparation)
            for part, rows in self.rows.items()
        }

    @cached_property
    def contents(self) -> dict[str, np.ndarray]:
        """Fingerprints of inputs and target of each part's rows."""
        return {
            part: content(some_rows(self.source, rows), self.preparation, self.roles)
            for part, rows in self.rows.items()
        }

    @property
    def held(self) -> list[str]:
        """The parts that are held out and have rows."""
        return [part for part in PARTS[1:] if len(self.rows[part])]


def finding(
    name: str,
    passed: bool | None,
    text: str,
    rows: Sequence = (),
    columns: Sequence[str] = (),
) -> dict:
    """Give a check of the certificate as JSON values, with the first rows and columns it names."""
    return {
        "name": name,
        "passed": passed,
        "text": text,
        "rows": [[int(number) for number in pair] for pair in list(rows)[:SHOWN]],
        "columns": list(columns)[:SHOWN],
    }


def over_folds(of_folds: Sequence[Sequence[dict]], last: Sequence[dict]) -> list[dict]:
    """Give each check once, as the worst of all folds and of the network that is kept.

    of_folds : (folds, checks), the same checks in the same order
    last : those of the split of the network that is kept; none where it holds no rows out
    """
    kept = last or [None] * len(of_folds[0])
    return [_worst(*found) for found in zip(kept, *of_folds, strict=True)]


def _worst(last: dict | None, *of_folds: dict) -> dict:
    """Give the check with the worst verdict, and rows and columns of all folds that have it."""
    verdicts = {check["passed"] for check in (*of_folds, last or of_folds[0])}
    verdict = next(one for one in (False, None, True) if one in verdicts)
    such = [place for place, check in enumerate(of_folds, 1) if check["passed"] is verdict]
    found = [of_folds[place - 1] for place in such] or [last or of_folds[0]]
    texts = {check["text"] for check in found}
    alike = verdict is None and len(such) == len(of_folds) and len(texts) == 1
    where = "" if alike else _where(such, len(of_folds))  # alike: nothing that a fold decides
    rows = [pair for check in found for pair in check["rows"]]
    columns = dict.fromkeys(name for check in found for name in check["columns"])
    return finding(found[0]["name"], verdict, where + found[0]["text"], rows, list(columns))


def _where(such: list[int], count: int) -> str:
    if not such:
        return "Not in the folds, but for the network that is kept: "
    if len(such) == count:
        return f"In each of {count} folds (the numbers are of the first): "
    if len(such) == 1:
        return f"In fold {such[0]} of {count}: "
    return f"In {len(such)} of {count} folds (the numbers are of fold {such[0]}): "


def look_at(split: Split, seed: int) -> tuple[dict[str, np.ndarray], str | None]:
    """Give the row numbers of each part, sampled where there are very many."""
    rows = {part: split.rows(part) for part in PARTS}
    total = len(split.codes)
    if total <= MOST_ROWS:
        return rows, None
    generator = np.random.default_rng(seed)
    left = MOST_ROWS
    for part in reversed(PARTS):
        most = left if part == "train" else MOST_HELD
        if len(rows[part]) > most:
            rows[part] = np.sort(generator.choice(rows[part], most, replace=False))
        left -= len(rows[part])
    shown = ", ".join(f"{len(rows[part]):,} {part}" for part in PARTS)
    return rows, f"There are {total:,} rows; a sample was looked at: {shown} rows."


def dates_of(evidence: Evidence) -> list[str]:
    """Give the input columns that hold dates."""
    frame = evidence.source.frame
    stored = [name for name in frame if is_datetime64_any_dtype(frame[name].dtype)]
    read = [each.name for each in evidence.preparation.encodings if each.kind == "date"]
    reserved = {*evidence.roles.target, evidence.roles.time}
    return [name for name in dict.fromkeys([*read, *stored]) if name not in reserved]
