"""Checks of the leak certificate that compare the rows of the parts."""

from itertools import combinations

import numpy as np
import pandas as pd
from pandas import Series

from layerwise.data import cells
from layerwise.data.kinds import tell_kind
from layerwise.data.source import counted
from layerwise.evaluation.evidence import PARTS, Evidence, dates_of, finding
from layerwise.evaluation.neighbours import (
    OF_IMAGES,
    SIDE,
    TOLERANCE,
    comparable,
    continuous,
    near_pairs,
)


def exact_duplicates(evidence: Evidence) -> dict:
    """Check that no row has the inputs of a row of another part."""
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
        same = f" ({alike:,} of them with the same target)" if evidence.roles.target else ""
        said.append(
            f"{len(found):,} of {len(held):,} {other} rows {verb} a {_singular(first)} row in all "
            f"inputs{same}"
        )
        matched = evidence.rows[first][order[places[found]]]
        pairs += list(np.stack([evidence.rows[other][found], matched], axis=1))
    if not said:
        return finding(name, True, "No row is in two parts with the same inputs.")
    text = "; ".join(said) + ". "
    kinds = {encoding.kind for encoding in evidence.preparation.encodings}
    if evidence.preparation.form == "table" and kinds <= {"category", "boolean"}:
        text += "All inputs are categories, so that different cases can look alike: judge yourself."
        return finding(name, None, text, pairs)
    text += (
        "If they are the same cases, the scores are partly from memory: remove the doubles, or "
        "keep them together with --group. If different cases only look alike, this is no leak."
    )
    return finding(name, False, text, pairs)


def near_duplicates(evidence: Evidence) -> dict:
    """Check that no held-out row is a training row with small changes; see ``near_pairs``."""
    name, images = "Near duplicates", evidence.preparation.form in ("images", "masks")
    if evidence.source.form and not images:
        return finding(name, None, "They are looked for in tables, arrays and images only.")
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
        return finding(name, False, text, pairs)
    if not judged:
        text = (
            "Rows lie so close together in these inputs that copies with small changes cannot be "
            "told from neighbours."
        )
        return finding(name, None, text)
    return finding(name, True, f"No held-out row nearly equals a training row {how}.")


def time_order(evidence: Evidence) -> dict:
    """Check that no held-out row is earlier than a training row."""
    name, time, dates = "Time order", evidence.roles.time, dates_of(evidence)
    if time is None:
        if not dates:
            return finding(name, None, "No column says when a row was (--time).")
        text = (
            f"Column '{dates[0]}' holds dates, and the split ({evidence.split.method}) does not "
            "follow them. If the network shall predict later rows from earlier ones, use "
            f"--time '{dates[0]}'."
        )
        return finding(name, None, text, columns=dates)
    moments = moments_of(cells.column(evidence.source.frame, time))
    last = np.nanmax(moments[evidence.rows["train"]])
    held = np.concatenate([evidence.rows[part] for part in evidence.held])
    early = held[moments[held] < last]
    if not len(early):
        return finding(name, True, f"No held-out row is earlier than a training row (by '{time}').")
    text = (
        f"{counted(len(early), 'held-out row')} {'is' if len(early) == 1 else 'are'} earlier than "
        f"the last training row (by '{time}'): the network learned from their future. Use --split "
        "time."
    )
    return finding(name, False, text, [(row,) for row in early], [time])


def groups(evidence: Evidence) -> dict:
    """Check that no group has rows in two parts."""
    name, group = "Groups", evidence.roles.group
    if group is None:
        text = (
            "No column says which rows belong together. If several rows come from one person, "
            "place or device, name it with --group."
        )
        return finding(name, None, text)
    if evidence.source.form == "series":
        text = f"The series of '{group}' are divided by time, so that each may be in all parts."
        return finding(name, None, text)
    labels = cells.labels(cells.column(evidence.source.frame, group))[0]
    present = {part: np.unique(labels[rows]) for part, rows in evidence.rows.items()}
    shared = [
        (first, other, len(np.intersect1d(present[first], present[other])))
        for first, other in combinations(PARTS, 2)
    ]
    said = [f"{count:,} are in {first} and {other} rows" for first, other, count in shared if count]
    if not said:
        return finding(name, True, f"No group of '{group}' is in two parts.")
    text = f"Of the groups of '{group}', {'; '.join(said)}. Use --split group, or mend the files."
    return finding(name, False, text, columns=[group])


def earlier_run(evidence: Evidence, parent_rows: np.ndarray | None) -> dict:
    """Check that a run whose weights are used did not learn from the held-out rows."""
    name = "Rows of an earlier run"
    if parent_rows is None:
        return finding(name, None, "This run starts from no earlier run.")
    known = np.asarray(parent_rows).astype(np.int64).view(np.uint64)
    said, found = [], []
    for part in evidence.held:
        seen = np.flatnonzero(np.isin(evidence.numbers[part], known))
        found += list(evidence.rows[part][seen])
        if len(seen):
            said.append(f"{len(seen):,} of {len(evidence.rows[part]):,} {part} rows")
    if not said:
        return finding(name, True, "The earlier run was trained on none of the held-out rows.")
    text = (
        f"The earlier run was trained on {' and '.join(said)}: the scores are partly from memory. "
        "Use its split (the same source and --seed), or rows that it never saw."
    )
    return finding(name, False, text, [(row,) for row in found])


def moments_of(times: Series) -> np.ndarray:
    """Give times as numbers that can be compared, NaN where there is none; (rows,) float64."""
    if cells.is_numeric(times):
        return cells.numbers(times).astype(np.float64)
    column = tell_kind(times)
    if column.kind != "date":
        return cells.numbers(times, column.reading)
    moments = cells.dates(times, column.reading)
    return ((moments - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).to_numpy()


def _singular(part: str) -> str:
    return {"train": "training"}.get(part, part)
