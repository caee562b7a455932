"""What the report says in words: the headline, its warnings, and how the run ended."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from layerwise.evaluation.diagnose import diagnose
from layerwise.report.glossary import explained, label
from layerwise.report.record import Record
from layerwise.report.tables import baselines_table, interval, measured

SAME_ROWS = (
    "Nothing here generalizes: the rows it was trained on are the rows it is judged on. The "
    "numbers say whether the network can represent this data, not how it does on new data."
)

ONE_LAYER = (
    "This network has no hidden layer, so it can part the classes only by a straight line (with "
    "more features: a flat plane). {straight} some stay wrong however long it trains. A hidden "
    "layer can bend the line: --network mlp."
)
PROVEN = "No straight line parts these rows (this was checked), so"
POSSIBLE = "Where no straight line parts the rows, as with XOR,"
MOST_UNSEPARATED = 0.9  # accuracy on learned rows above which a straight line nearly does

STATES = {
    "finished": "The run finished.",
    "interrupted": "The run was interrupted. This is what there was by then.",
    "failed": "The run failed. This is what there was by then.",
    "running": "The run has not ended. This is how it stands.",
}

PART_WORDS = {
    "test": "test rows, which it never saw in training",
    "validation": "validation rows, which also chose the weights, so it flatters a little",
    "train": "rows that it was trained on",
}


def headline(record: Record) -> dict[str, Any] | None:
    """The leading score with its sentences; None where nothing was judged.

    Keys: metric, label, value, low, high, rows, part, sentence, meaning, against, finding.
    """
    said = record.results.get("headline")
    if not said or said.get("value") is None:
        return None
    name, part = said["metric"], said.get("split", "test")
    words = PART_WORDS.get(part, f"{part} rows")
    if record.same_rows:
        words = PART_WORDS["train"]
        said = {**said, "low": None, "high": None}  # of what would it be an interval?
    count = said.get("rows")
    counted = f"{count:,} {words}" if count is not None else words
    sentence = f"Measured on {counted}."
    if interval(said):
        bounds = interval(said).replace(" to ", " and ")
        sentence = f"Measured on {counted}; with 95 % confidence it lies between {bounds}."
    return {
        **{key: said.get(key) for key in ("metric", "value", "low", "high", "rows")},
        "label": label(name),
        "part": part,
        "sentence": sentence,
        "meaning": _what_it_means(record, name),
        "against": against_baselines(record),
        "finding": "" if record.same_rows else _verdict_of(record).get("finding", ""),
    }


def _what_it_means(record: Record, name: str) -> str:
    """The leading metric explained; without labels what the task says of its own number."""
    text = (record.plan.get("task") or {}).get("judged_by") or _meaning(name)
    judged = record.judged
    if name != "pr_auc" or judged is None or judged.kind != "binary":
        return text
    share = float(judged.weights @ (judged.truth == 1) / judged.weights.sum())
    return (
        f"{text} Here {share:.2%} of the rows are positive; it compares with no value from other "
        "shares."
    )


def _meaning(name: str) -> str:
    """The metric explained: "Accuracy: the share of rows whose answer is right."."""
    text, called = explained(name), label(name)
    if not text:
        return ""
    return f"{called[:1].upper()}{called[1:]}: {text[:1].lower()}{text[1:]}"


def against_baselines(record: Record) -> str:
    """The verdict: the network beside the best of its baselines; empty without any.

    Runs of versions that gave no verdict get a sentence from the paired difference.
    """
    verdict = _verdict_of(record)
    if verdict.get("sentence") and not record.same_rows:
        return verdict["sentence"]
    higher = record.results.get("higher_is_better", True)
    rows = [row for row in baselines_table(record) if (row["score"] or {}).get("value") is not None]
    if not rows or record.same_rows:
        return ""
    best = (max if higher else min)(rows, key=lambda row: row["score"]["value"])
    name, at = best["name"].replace("_", " "), measured(best["score"])
    if best["verdict"] == "unclear":
        return (
            f"The best baseline, {name}, reaches {at}: on these rows the two cannot be told apart."
        )
    by = f" The difference is {measured(best['difference'])} ({interval(best['difference'])})."
    if best["verdict"] == "better":
        return f"That beats the best baseline, {name}, which reaches {at}.{by}"
    return f"The baseline {name} does better: it reaches {at}.{by}"


def _verdict_of(record: Record) -> dict[str, Any]:
    return record.results.get("verdict") or {}


def diagnosis(record: Record) -> list[dict[str, str]]:
    """What ails the training, by its journal and the validation rows; see ``diagnose``."""
    if not record.journal and not record.results:
        return []
    dead = record.results.get("dead_units") or {}
    counted = {name: (int(silent), int(units)) for name, (silent, units) in dead.items()}
    return diagnose(record.journal, record.results, record.plan, dead=counted)


def remarks(record: Record) -> list[str]:
    """Sentences that a reader should not miss, most important first."""
    said = [SAME_ROWS] if record.same_rows else []
    said += _trouble(record) + _one_layer(record)
    said += [str(note) for note in record.results.get("notes") or ()]
    part = record.judged_part
    if record.results.get("headline") and part == "validation" and not record.same_rows:
        said.append("There were no test rows: the validation rows are judged instead.")
    return said


def state(record: Record) -> dict[str, str]:
    """How the run ended: state, sentence, message."""
    name = record.status.get("state") or "unknown"
    return {
        "state": name,
        "sentence": STATES.get(name, "How the run ended is not known."),
        "message": str(record.status.get("message") or ""),
    }


def subtitle(record: Record) -> str:
    """One line on what this run is: network, data, target."""
    made = record.plan.get("network") or {}
    network = made.get("name") or made.get("class")
    data = (record.plan.get("data") or {}).get("name")
    names = ", ".join(record.target.names)
    classes = record.target.classes
    what = {
        "binary": f"{names}: {' or '.join(classes)}",
        "classes": f"{names}: one of {len(classes)} classes",
        "labels": f"which of {len(classes)} labels apply",
        "count": f"the count {names}",
        "real": names,
    }.get(record.target.kind, "")
    parts = [str(network or ""), f"on {data}" if data else ""]
    return " ".join(part for part in parts if part) + (f", predicting {what}" if what else "")


def _trouble(record: Record) -> list[str]:
    for line in record.journal:
        lost = [value for value in (line.get("losses") or {}).values() if not _finite(value)]
        if lost:
            return [
                f"The loss was no finite number from epoch {line.get('epoch')} on: training "
                "diverged. A smaller learning rate or gradient clipping usually helps."
            ]
    return []


def _one_layer(record: Record) -> list[str]:
    """Why a network without a hidden layer stays wrong on rows it has learned from."""
    layers = (record.plan.get("network") or {}).get("layers") or []
    learned = [layer for layer in layers if layer.get("parameters")]
    part = record.judged_part if record.same_rows else "train"
    score = record.score(part or "train", "accuracy")
    known = score is not None and score.get("value") is not None
    if record.target.kind not in ("binary", "classes") or len(learned) != 1 or not known:
        return []
    if not score or score["value"] > MOST_UNSEPARATED:
        return []
    return [ONE_LAYER.format(straight=POSSIBLE if separable(record) else PROVEN)]


def separable(record: Record) -> bool:
    """Whether a straight line may part the two classes; False only where it is proven not to.

    A linear programme over the points of the plane: t (w x + b) >= 1 for every point.
    """
    if record.plane is None or record.predictions is None or record.target.kind != "binary":
        return True
    from scipy.optimize import linprog  # slow to import

    truth = record.predictions.drop_duplicates("row").set_index("row")["truth"].astype(str)
    of_points = truth.reindex(record.plane["rows"].astype(int)).to_numpy()
    sign = np.where(of_points == record.target.classes[1], 1.0, -1.0)[:, None]
    points = np.column_stack([record.plane["points"], np.ones(len(sign))])
    found = linprog(np.zeros(3), -sign * points, -np.ones(len(sign)), bounds=(None, None))
    return found.status != 2  # 2: there is no such line


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
