"""The leak certificate: what test and validation rows could have told the network beforehand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from pandas import Series
from pandas.api.types import is_datetime64_any_dtype

from layerwise.contracts import Target
from layerwise.data import cells
from layerwise.data.kinds import tell_kind
from layerwise.data.preparation import Preparation
from layerwise.data.roles import Roles
from layerwise.data.source import Source, counted
from layerwise.data.split import Split
from layerwise.data.target import encode_target
from layerwise.evaluation import constants
from layerwise.evaluation.fingerprints import content, fingerprint, fingerprints, some_rows
from layerwise.evaluation.neighbours import (
    OF_IMAGES,
    SIDE,
    TOLERANCE,
    comparable,
    continuous,
    near_pairs,
)
from layerwise.evaluation.single_columns import DECIDES, decides, follows_rows, input_columns

MOST_ROWS = 1_000_000  # above which the certificate looks at a sample ...
MOST_HELD = 250_000  # ... with at most so many rows of the validation and of the test part
FEW = 20_000  # rows of a part that say whether one column decides the target
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


def leak_certificate(
    source: Source,
    roles: Roles,
    target: Target,
    split: Split,
    preparation: Preparation,
    *,
    parent_rows: np.ndarray | None = None,
    seed: int = 0,
) -> dict:
    """Give the leak certificate of a split and its preparation, as JSON values.

    Above 1,000,000 rows a sample is looked at, and the certificate says so; what single columns
    decide is measured on at most 20,000 rows of a part. The test rows' targets are compared in
    one place only: whether rows with equal inputs have equal targets.

    parent_rows : (rows,) int64 or uint64, ``row_fingerprints`` of the rows that the run was
        trained on from whose weights this one starts; None where it starts from none

    Returns
    -------
    dict
        "rows": {part: {"rows", "looked_at", "fingerprint"}}, the fingerprint being that of the
        rows looked at, inputs and target, in any order; "sampled": sentence or None; "passed":
        whether no check failed; "checks": [{"name", "passed": True, False or None (not checked,
        or for a person to decide), "text", "rows" [[held-out row, other row], ...], "columns"
        [name, ...]}].
    """
    rows, sampled = _looked_at(split, seed)
    evidence = Evidence(source, roles, target, split, preparation, rows, seed)
    checks = [
        *([_same_rows()] if split.same_rows else _between_parts(evidence)),
        _row_numbers(evidence),
        _deciding_columns(evidence),
        constants.check(source, split, preparation),
        _earlier_run(evidence, parent_rows),
    ]
    return {
        "rows": {
            part: {
                "rows": len(split.rows(part)),
                "looked_at": len(evidence.rows[part]),
                "fingerprint": fingerprint(numbers),
            }
            for part, numbers in evidence.contents.items()
        },
        "sampled": sampled,
        "passed": all(check["passed"] is not False for check in checks),
        "checks": checks,
    }


def _finding(
    name: str,
    passed: bool | None,
    text: str,
    rows: Sequence = (),
    columns: Sequence[str] = (),
) -> dict:
    return {
        "name": name,
        "passed": passed,
        "text": text,
        "rows": [[int(number) for number in pair] for pair in list(rows)[:SHOWN]],
        "columns": list(columns)[:SHOWN],
    }


def _looked_at(split: Split, seed: int) -> tuple[dict[str, np.ndarray], str | None]:
    """Give the row numbers of each part, sampled where there are very many."""
    rows = {part: split.rows(part) for part in PARTS}
    total = len(split.parts)
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


def _same_rows() -> dict:
    return _finding(
        "Separate rows",
        False,
        "Training rows are the validation and test rows: nothing that is measured on them says "
        "how the network does on new data.",
    )


def _between_parts(evidence: Evidence) -> list[dict]:
    """Give the checks that compare the parts; without held-out rows there is nothing to compare."""
    checks: dict[str, Callable[[Evidence], dict]] = {
        "Exact duplicates": _exact_duplicates,
        "Near duplicates": _near_duplicates,
        "Time order": _time_order,
        "Groups": _groups,
    }
    if evidence.held:
        return [check(evidence) for check in checks.values()]
    return [_finding(name, None, "There are no validation or test rows.") for name in checks]


def _exact_duplicates(evidence: Evidence) -> dict:
    name, said, pairs = "Exact duplicates", [], []
    for first, other in combinations(PARTS, 2):
        held, known = evidence.numbers[other], evidence.numbers[first]
        order = np.argsort(known, kind="stable")
        places = np.searchsorted(known[order], held)
        inside = places < len(known)
        inside[inside] = known[order][places[inside]] == held[inside]
        found = np.flatnonzero(inside)
        if not len(found):
            continue
        alike = np.isin(evidence.contents[other][found], evidence.contents[first]).sum()
        verb = "equals" if len(found) == 1 else "equal"
        said.append(
            f"{len(found):,} of {len(held):,} {other} rows {verb} a {_singular(first)} row in all "
            f"inputs ({alike:,} of them with the same target)"
        )
        matched = evidence.rows[first][order[places[found]]]
        pairs += list(np.stack([evidence.rows[other][found], matched], axis=1))
    if not said:
        return _finding(name, True, "No row is in two parts with the same inputs.")
    text = "; ".join(said) + ". "
    kinds = {encoding.kind for encoding in evidence.preparation.encodings}
    if evidence.preparation.form == "table" and kinds <= {"category", "boolean"}:
        text += "All inputs are categories, so that different cases can look alike: judge yourself."
        return _finding(name, None, text, pairs)
    text += (
        "If they are the same cases, the scores are partly from memory: remove the doubles, or "
        "keep them together with --group. If different cases only look alike, this is no leak."
    )
    return _finding(name, False, text, pairs)


def _near_duplicates(evidence: Evidence) -> dict:
    name, images = "Near duplicates", evidence.preparation.form == "images"
    training = comparable(evidence.source, evidence.preparation, evidence.rows["train"])
    numbers = training.shape[1] if images else continuous(training)
    known, said, pairs, judged, limits = set(evidence.numbers["train"]), [], [], True, []
    for part in evidence.held:
        fresh = np.array([number not in known for number in evidence.numbers[part]], bool)
        rows = evidence.rows[part][fresh]
        held = comparable(evidence.source, evidence.preparation, rows)
        near = near_pairs(held, training, numbers, OF_IMAGES if images else TOLERANCE)
        judged = judged and (near.judged or not len(rows))
        limits.append(near.limit)
        if len(near.pairs) and near.judged:
            said.append(f"{len(near.pairs):,} of {len(evidence.rows[part]):,} {part} rows")
            matched = evidence.rows["train"][near.pairs[:, 1]]
            pairs += list(np.stack([rows[near.pairs[:, 0]], matched], axis=1))
    what = (
        f"images, averaged to {SIDE} x {SIDE} without brightness and contrast,"
        if images
        else "standardized inputs"
    )
    how = f"({what} that differ by at most {min(limits):.2g} deviations, root mean square)"
    if said:
        text = (
            f"{' and '.join(said)} nearly equal a training row {how}. If they are copies of it, "
            "remove them, or keep them together with --group."
        )
        return _finding(name, False, text, pairs)
    if not judged:
        text = (
            "Rows lie so close together in these inputs that copies with small changes cannot be "
            "told from neighbours."
        )
        return _finding(name, None, text)
    return _finding(name, True, f"No held-out row nearly equals a training row {how}.")


def _row_numbers(evidence: Evidence) -> dict:
    name, rows = "Row numbers", np.sort(np.concatenate(list(evidence.rows.values())))
    if evidence.split.same_rows:
        rows = evidence.rows["train"]
    if evidence.preparation.form == "images":
        return _finding(name, None, "The inputs are images, no columns.")
    found = {}
    for column, ordered, values in input_columns(evidence.source, evidence.preparation, rows):
        told = follows_rows(values) if ordered and column not in _dates(evidence) else ""
        if told:
            found[column] = told
    if not found:
        return _finding(name, True, "No input column counts or follows the order of the rows.")
    text = (
        f"{_listed(found)}. If the rows were sorted or collected in an order that goes with the "
        "target, the network can read it there: leave such a column out with --ignore, or split "
        "by it with --time."
    )
    return _finding(name, False, text, columns=list(found))


def _deciding_columns(evidence: Evidence) -> dict:
    name, target = "Single columns", evidence.target
    training, chosen = (
        _thinned(evidence.rows[part], evidence.seed) for part in ("train", "validation")
    )
    if evidence.preparation.form == "images" or target.kind == "none":
        return _finding(name, None, "The inputs are images, no columns.")
    if not len(chosen) or evidence.split.same_rows:
        return _finding(name, None, "There are no validation rows to measure it on.")
    rows = np.concatenate([training, chosen])
    truth = encode_target(evidence.source.frame.iloc[rows], evidence.roles, target)
    learned = np.arange(len(rows)) < len(training)
    found = {}
    for column, ordered, values in input_columns(evidence.source, evidence.preparation, rows):
        score = decides(values, ordered, truth, learned, target)
        if score > DECIDES:
            found[column] = f"{score:.4f}"
    measure = "R2" if target.kind in ("count", "real") else "ROC AUC"
    rows_said = f"on {counted(len(chosen), 'validation row')}"
    if not found:
        text = (
            f"No input column alone predicts the target with {measure} above {DECIDES} {rows_said}."
        )
        return _finding(name, True, text)
    shown = ", ".join(f"'{column}' ({measure} {score})" for column, score in found.items())
    text = (
        f"{shown} alone all but decides the target {rows_said}. Is it known before the target "
        "is? If not, leave it out with --ignore; if it is, no network is needed."
    )
    return _finding(name, False, text, columns=list(found))


def _time_order(evidence: Evidence) -> dict:
    name, time, dates = "Time order", evidence.roles.time, _dates(evidence)
    if time is None:
        if not dates:
            return _finding(name, None, "No column says when a row was (--time).")
        text = (
            f"Column '{dates[0]}' holds dates, and the split ({evidence.split.method}) does not "
            "follow them. If the network shall predict later rows from earlier ones, use "
            f"--time '{dates[0]}'."
        )
        return _finding(name, None, text, columns=dates)
    moments = moments_of(cells.column(evidence.source.frame, time))
    last = np.nanmax(moments[evidence.rows["train"]])
    held = np.concatenate([evidence.rows[part] for part in evidence.held])
    early = held[moments[held] < last]
    if not len(early):
        return _finding(
            name, True, f"No held-out row is earlier than a training row (by '{time}')."
        )
    text = (
        f"{counted(len(early), 'held-out row')} {'is' if len(early) == 1 else 'are'} earlier than "
        f"the last training row (by '{time}'): the network learned from their future. Use --split "
        "time."
    )
    return _finding(name, False, text, [(row,) for row in early], [time])


def _groups(evidence: Evidence) -> dict:
    name, group = "Groups", evidence.roles.group
    if group is None:
        text = (
            "No column says which rows belong together. If several rows come from one person, "
            "place or device, name it with --group."
        )
        return _finding(name, None, text)
    labels = cells.labels(cells.column(evidence.source.frame, group))[0]
    shared = [
        (first, other, len(np.intersect1d(*(labels[evidence.rows[p]] for p in (first, other)))))
        for first, other in combinations(PARTS, 2)
    ]
    said = [f"{count:,} are in {first} and {other} rows" for first, other, count in shared if count]
    if not said:
        return _finding(name, True, f"No group of '{group}' is in two parts.")
    text = f"Of the groups of '{group}', {'; '.join(said)}. Use --split group, or mend the files."
    return _finding(name, False, text, columns=[group])


def _earlier_run(evidence: Evidence, parent_rows: np.ndarray | None) -> dict:
    name = "Rows of an earlier run"
    if parent_rows is None:
        return _finding(name, None, "This run starts from no earlier run.")
    known = np.asarray(parent_rows).astype(np.int64).view(np.uint64)
    said, found = [], []
    for part in evidence.held:
        seen = np.flatnonzero(np.isin(evidence.numbers[part], known))
        found += list(evidence.rows[part][seen])
        if len(seen):
            said.append(f"{len(seen):,} of {len(evidence.rows[part]):,} {part} rows")
    if not said:
        return _finding(name, True, "The earlier run was trained on none of the held-out rows.")
    text = (
        f"The earlier run was trained on {' and '.join(said)}: the scores are partly from memory. "
        "Use its split (the same source and --seed), or rows that it never saw."
    )
    return _finding(name, False, text, [(row,) for row in found])


def moments_of(times: Series) -> np.ndarray:
    """Give times as numbers that can be compared, NaN where there is none; (rows,) float64."""
    if cells.is_numeric(times):
        return cells.numbers(times).astype(np.float64)
    column = tell_kind(times)
    if column.kind != "date":
        return cells.numbers(times, column.reading)
    moments = cells.dates(times, column.reading)
    return ((moments - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).to_numpy()


def _dates(evidence: Evidence) -> list[str]:
    """Give the input columns that hold dates."""
    frame = evidence.source.frame
    stored = [name for name in frame if is_datetime64_any_dtype(frame[name].dtype)]
    read = [each.name for each in evidence.preparation.encodings if each.kind == "date"]
    reserved = {*evidence.roles.target, evidence.roles.time}
    return [name for name in dict.fromkeys([*read, *stored]) if name not in reserved]


def _thinned(rows: np.ndarray, seed: int) -> np.ndarray:
    if len(rows) <= FEW:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, FEW, replace=False))


def _listed(found: dict[str, str]) -> str:
    shown = [f"Column '{column}' {told}" for column, told in list(found.items())[:SHOWN]]
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(shown) + more


def _singular(part: str) -> str:
    return {"train": "training"}.get(part, part)
