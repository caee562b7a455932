"""Checks of the leak certificate on single input columns."""

import numpy as np

from layerwise.data.source import counted
from layerwise.data.target import encode_target
from layerwise.evaluation.evidence import SHOWN, Evidence, dates_of, finding
from layerwise.evaluation.single_columns import DECIDES, decides, follows_rows, input_columns

FEW = 20_000  # rows of a part that say whether one column decides the target


def row_numbers(evidence: Evidence) -> dict:
    """Check that no input counts the rows or follows their order."""
    name, rows = "Row numbers", np.sort(np.concatenate(list(evidence.rows.values())))
    if evidence.split.same_rows:
        rows = evidence.rows["train"]
    if without_columns(evidence):
        return finding(name, None, without_columns(evidence))
    found = {}
    for column, ordered, values in input_columns(evidence.source, evidence.preparation, rows):
        told = follows_rows(values) if ordered and column not in dates_of(evidence) else ""
        if told:
            found[column] = told
    if not found:
        return finding(name, True, "No input column counts or follows the order of the rows.")
    text = (
        f"{_listed(found)}. If the rows were sorted or collected in an order that goes with the "
        "target, the network can read it there: leave such a column out with --ignore, or split "
        "by it with --time."
    )
    return finding(name, False, text, columns=list(found))


def deciding_columns(evidence: Evidence) -> dict:
    """Check that no input alone all but decides the target, by training and validation rows."""
    name, target = "Single columns", evidence.target
    training, chosen = (
        _thinned(evidence.rows[part], evidence.seed) for part in ("train", "validation")
    )
    if without_columns(evidence) or target.kind == "none":
        return finding(name, None, without_columns(evidence) or "There is no target.")
    if not len(chosen) or evidence.split.same_rows:
        return finding(name, None, "There are no validation rows to measure it on.")
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
        return finding(name, True, text)
    shown = ", ".join(f"'{column}' ({measure} {score})" for column, score in found.items())
    text = (
        f"{shown} alone all but decides the target {rows_said}. Is it known before the target "
        "is? If not, leave it out with --ignore; if it is, no network is needed."
    )
    return finding(name, False, text, columns=list(found))


def without_columns(evidence: Evidence) -> str:
    """Why no column can be looked at; empty where the inputs are columns."""
    form = evidence.source.form or evidence.preparation.form
    return "" if form in ("table", "vectors") else f"The inputs are no columns ({form})."


def _thinned(rows: np.ndarray, seed: int) -> np.ndarray:
    if len(rows) <= FEW:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, FEW, replace=False))


def _listed(found: dict[str, str]) -> str:
    shown = [f"Column '{column}' {told}" for column, told in list(found.items())[:SHOWN]]
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(shown) + more
