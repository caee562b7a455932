"""Tables of the report as plain rows, and how their numbers are written."""

from __future__ import annotations

import math
import shlex
from typing import Any

import numpy as np

from layerwise.report.draw_training import best_line, positions
from layerwise.report.record import PARTS, Record, score_of

MOST_LAYERS = 400


def number(value: Any, digits: int = 4) -> str:
    """A number with ``digits`` significant digits; whole ones keep all, with thousands marks."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, bool | str):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e15:
        return _minus(f"{value:,.0f}")
    if not math.isfinite(value):
        return "infinite" if value > 0 else "minus infinite"
    if 1e-4 <= abs(value) < 1e7:
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
        return _minus(f"{value:,.{decimals}f}")
    return _minus(f"{value:.{digits - 1}e}")


def measured(score: dict[str, Any] | None, field: str = "value", like: dict | None = None) -> str:
    """A score's value, low or high, with as many decimals as its interval makes sense of.

    like : the score whose interval decides, where this one has none
    """
    if not score or score.get(field) is None:
        return "-"
    decimals = _decimals(score if like is None else like)
    if decimals is None:
        decimals = max(0, 3 - math.floor(math.log10(abs(score[field]) or 1)))
    written = _minus(f"{score[field]:,.{min(decimals, 12)}f}")
    lost = like is not None and score[field] and not written.strip("0.,")  # 0.0004 at 0.00
    return number(score[field], 2) if lost else written


def _decimals(score: dict[str, Any]) -> int | None:
    """Two digits of the interval's width, but at most four of the value; None without interval."""
    low, high, value = score.get("low"), score.get("high"), score.get("value")
    if low is None or high is None or not high > low:
        return None
    of_width = 1 - math.floor(math.log10(high - low))
    of_value = 3 - math.floor(math.log10(abs(value))) if value else of_width
    return max(0, min(of_width, max(of_value, 4)))


def interval(score: dict[str, Any] | None) -> str:
    """The interval of a score: ``0.959 to 0.993``; empty where it has none."""
    if not score or score.get("low") is None or score.get("high") is None:
        return ""
    return f"{measured(score, 'low')} to {measured(score, 'high')}"


def short_count(value: float | None) -> str:
    """A count in few letters: ``61,706``, ``25.6 million``."""
    if value is None:
        return "-"
    if value < 10 and not float(value).is_integer():
        return f"{value:.2g}"
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:,.0f}"


def seconds(value: float | None) -> str:
    """Seconds to the hundredth: ``0.31``, ``< 0.01``."""
    if value is None:
        return "-"
    return "< 0.01" if value < 0.01 else f"{value:,.2f}"


def reason(why: str | None) -> str:
    """Why something was decided, without its leading "because"."""
    return (why or "").removeprefix("because").strip()


def scores_table(record: Record) -> dict[str, Any]:
    """Parts of the rows and, per metric, the score on each; the leading metric first.

    "judged" is the one score of a row that has an interval, None where none has.
    """
    scores = record.results.get("scores") or {}
    parts = [part for part in reversed(PARTS) if scores.get(part)]
    names = list(dict.fromkeys(score["name"] for part in reversed(parts) for score in scores[part]))
    names.sort(key=lambda name: name != record.leading)  # stable
    rows = []
    for name in names:
        found = [score_of(scores[part], name) for part in parts]
        judged = next((score for score in reversed(found) if interval(score)), None)
        rows.append({"metric": name, "scores": found, "judged": judged})
    named = ["all rows"] if record.same_rows and len(parts) == 1 else parts
    return {"parts": named, "rows": rows}


def baselines_table(record: Record) -> list[dict[str, Any]]:
    """Baselines with score, paired difference and what it means.

    "verdict" is better, worse, equivalent, unclear or empty.
    """
    higher = record.results.get("higher_is_better", True)
    return [
        {
            "name": baseline["name"],
            "score": score_of(baseline.get("scores"), record.leading),
            "difference": baseline.get("difference"),
            "verdict": baseline.get("finding") or verdict(baseline.get("difference"), higher),
            "statement": baseline.get("verdict") or "",
            "seconds": baseline.get("seconds"),
            "note": baseline.get("note") or "",
        }
        for baseline in record.results.get("baselines") or ()
    ]


def verdict(difference: dict[str, Any] | None, higher_is_better: bool) -> str:
    """Whether the network is "better", "worse" or "unclear"; empty without a paired difference."""
    if not difference or difference.get("low") is None or difference.get("high") is None:
        return ""
    if difference["low"] <= 0 <= difference["high"]:
        return "unclear"
    return "better" if (difference["low"] > 0) == higher_is_better else "worse"


def leaks_table(record: Record) -> dict[str, Any]:
    """The leak certificate: a sentence in sum, its checks, and the fingerprint of each part.

    A check is name, state ("passed", "found" or "open"), text, rows and columns.
    """
    checks = record.leaks.get("checks") or []
    states = {True: "passed", False: "found", None: "open"}
    rows = [{**check, "state": states[check.get("passed")]} for check in checks]
    counts = {state: sum(row["state"] == state for row in rows) for state in states.values()}
    summary = f"{counts['passed']} of {len(rows)} checks passed"
    if counts["found"]:
        summary += f", {counts['found']} found something"
    if counts["open"]:
        summary += f", {counts['open']} could not be made or are for you to decide"
    parts = [{"part": part, **seen} for part, seen in (record.leaks.get("rows") or {}).items()]
    constants = [each for row in rows for each in row.get("constants") or ()]
    return {
        "summary": f"{summary}.",
        "sampled": record.leaks.get("sampled"),
        "checks": rows,
        "parts": [part for part in parts if part["rows"]],
        "constants": constants,
    }


def settings_table(record: Record) -> list[dict[str, Any]]:
    """Every setting as given: where it belongs, its name and value."""
    rows = []
    for of in ("learner", "fit"):
        for name, value in (record.settings.get(of) or {}).items():
            rows.append({"of": of, "name": name, "value": value})
    return rows


def command(record: Record) -> str:
    """The command line of the run, to be typed again; empty for a run from Python."""
    said = record.settings.get("command") or ""
    return said if isinstance(said, str) else shlex.join(map(str, said))


def recipe_table(record: Record) -> list[dict[str, Any]]:
    """Rows of resolved stage fields: name and its value in each stage."""
    stages = record.plan.get("recipe") or []
    names = dict.fromkeys(name for stage in stages for name in stage)
    return [{"name": name, "values": [stage.get(name) for stage in stages]} for name in names]


def splits_table(record: Record) -> list[dict[str, Any]]:
    """Rows part, rows and share of the rows."""
    splits = record.plan.get("splits") or {}
    counts = {part: splits.get(part) or 0 for part in reversed(PARTS)}
    if record.same_rows:
        counts = {"all": max(counts.values())}
    total = sum(counts.values())
    return [
        {"part": part, "rows": count, "share": count / total}
        for part, count in counts.items()
        if total
    ]


def facts(record: Record) -> list[dict[str, Any]]:
    """The few numbers that stand under the headline: name and value."""
    network = record.plan.get("network") or {}
    found = {
        "parameters": network.get("parameters"),
        "multiply-adds": network.get("multiply_adds"),
        **{f"{row['part']} rows": row["rows"] for row in splits_table(record)},
    }
    if record.journal:
        axis, x = positions(record.journal)
        best = best_line(record.journal)
        found["epochs" if axis == "epoch" else "steps"] = x[-1]
        found[f"best {axis}"] = None if best is None else x[best]
        found["seconds"] = (record.results.get("training") or {}).get("seconds")
        speeds = [line.get("rows_per_second") or np.nan for line in record.journal]
        if np.isfinite(speeds).any():
            found["rows per second"] = np.nanmedian(speeds)
    return [{"name": name, "value": float(value)} for name, value in found.items() if value]


def written(value: Any) -> str:
    """A setting's value as a person writes it: no quotes, no brackets, "unset" for None."""
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {written(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(written(inner) for inner in value) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _minus(text: str) -> str:
    if float(text.replace(",", "")) == 0:
        return text.replace("-", "")
    return text.replace("-", "\N{MINUS SIGN}", 1) if text.startswith("-") else text
