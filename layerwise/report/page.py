"""The page: a run's record becomes report.json, the figures, and one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Undefined
from markupsafe import Markup

from layerwise.report import mistakes, sentences, tables
from layerwise.report.curves import per_class
from layerwise.report.draw_attack import draw_attack
from layerwise.report.draw_augmented import draw_augmented
from layerwise.report.draw_explained import draw_explained
from layerwise.report.draw_judgement import draw_comparison, draw_importance, draw_judgement
from layerwise.report.draw_plane import draw_plane
from layerwise.report.draw_training import draw_training
from layerwise.report.draw_unlabelled import draw_unlabelled
from layerwise.report.figures import Drawing, save, style
from layerwise.report.glossary import glossary, label
from layerwise.report.methods import methods
from layerwise.report.record import Record, read_record
from layerwise.run import Run, write_text

MOST_ROWS = 3000  # of a figure's table in report.json; the CSV beside it has all

SECTIONS = {
    "baselines": "Against baselines",
    "scores": "All scores",
    "made": "What it makes",
    "subgroups": "For each group of rows",
    "columns": "What it looks at",
    "leaks": "Leak certificate",
    "training": "How training went",
    "diagnosis": "Diagnosis and what to try next",
    "mistakes": "Where it is right and wrong",
    "attack": "Under attack",
    "plane": "What it makes of the plane",
    "decisions": "What was decided, and why",
    "departures": "Departures from the paper",
    "data": "Data",
    "network": "Network",
    "methods": "Methods, in words for a paper",
    "settings": "To run it again",
}
FILLED = ("decisions", "departures", "data", "network", "methods")  # shown where not empty


def write_page(run: Run) -> Path:
    """Path of report.html; writes it, report.json and figures/ into the run's folder."""
    record = read_record(run)
    with style():
        drawings = list(_drawings(record))
    content = report_content(record)
    content["figures"] = {drawing.name: _columns(drawing) for drawing in drawings}
    run.write("report", content)
    shown = [(drawing, Markup(save(drawing, run))) for drawing in drawings]
    path = run.path("report.html")
    write_text(path, _render(record, content, shown))
    return path


def report_content(record: Record) -> dict[str, Any]:
    """All that the page says, as plain values: what report.json holds, but for the figures."""
    judged = record.judged
    by_class = (
        per_class(judged)
        if judged is not None and judged.kind in ("binary", "classes", "labels")
        else []
    )
    return {
        "name": record.name,
        **sentences.state(record),
        "subtitle": sentences.subtitle(record),
        "headline": sentences.headline(record),
        "remarks": sentences.remarks(record),
        "same_rows": record.same_rows,
        "scores": tables.scores_table(record),
        "baselines": tables.baselines_table(record),
        "verdict": record.results.get("verdict"),
        "leaks": tables.leaks_table(record),
        "diagnosis": sentences.diagnosis(record),
        "diagnosed": bool(record.results and record.journal),
        "methods": methods(record),
        "classes": by_class,
        "asides": [
            record.results[name]["text"]
            for name in ("threshold", "repeats", "folds", "looks")
            if (record.results.get(name) or {}).get("text")
        ],
        "made": (record.results.get("made") or {}).get("sentences") or [],
        "made_tables": (record.results.get("made") or {}).get("tables") or [],
        "subgroups": record.results.get("subgroups") or [],
        "facts": tables.facts(record),
        "worst": mistakes.worst_rows(record),
        "data": record.plan.get("data") or {},
        "target": record.plan.get("target") or {},
        "splits": {
            "rows": tables.splits_table(record),
            "method": (record.plan.get("splits") or {}).get("method", ""),
            "notes": (record.plan.get("splits") or {}).get("notes") or [],
        },
        "network": record.plan.get("network") or {},
        "decisions": record.plan.get("decisions") or [],
        "recipe": tables.recipe_table(record),
        "departures": record.plan.get("departures") or [],
        "settings": tables.settings_table(record),
        "command": tables.command(record),
        "version": record.settings.get("version") or "",
        "environment": record.plan.get("environment") or {},
    }


def _drawings(record: Record) -> Iterator[Drawing]:
    yield from draw_comparison(record)
    yield from draw_importance(record)
    yield from draw_explained(record)
    yield from draw_training(record)
    yield from draw_augmented(record)
    yield from draw_judgement(record)
    yield from _of_form(record) if record.form else draw_unlabelled(record)
    yield from draw_attack(record)
    yield from draw_plane(record)


def _of_form(record: Record) -> Iterator[Drawing]:
    """What the form of the data has to show, drawn by ``draw_FORM`` in the module of that name."""
    name = f"draw_{record.form}"
    return getattr(import_module(f"layerwise.report.{name}"), name)(record)


def _columns(drawing: Drawing) -> dict[str, Any]:
    numbers, file = drawing.numbers, f"figures/{drawing.name}.csv"
    if len(numbers) > MOST_ROWS:
        return {"title": drawing.title, "file": file}
    columns = {str(name): numbers[name].tolist() for name in numbers}
    return {"title": drawing.title, "file": file, "columns": columns}


def _sections(content: dict[str, Any], drawn: set[str]) -> dict[str, str]:
    """Id and heading of the sections that have something to show."""
    filled = {
        "baselines": content["baselines"],
        "scores": content["scores"]["rows"],
        "leaks": content["leaks"]["checks"],
        "training": "training" in drawn,
        "diagnosis": content["diagnosis"] or content["diagnosed"],
        "columns": "columns" in drawn,
        "made": "made" in drawn or content["made"] or content["made_tables"],
        "subgroups": content["subgroups"],
        "mistakes": "mistakes" in drawn or content["worst"]["rows"] or content["classes"],
        "attack": "attack" in drawn,
        "plane": "plane" in drawn,
        "settings": content["recipe"] or content["settings"] or content["environment"],
        **{name: content[name] for name in FILLED},
    }
    return {name: heading for name, heading in SECTIONS.items() if filled[name]}


def _render(record: Record, content: dict[str, Any], shown: list[tuple[Drawing, Markup]]) -> str:
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = {
        "number": tables.number,
        "measured": tables.measured,
        "interval": tables.interval,
        "short_count": tables.short_count,
        "seconds": tables.seconds,
        "reason": tables.reason,
        "written": tables.written,
        "label": label,
    }
    environment.filters |= {name: _lenient(write) for name, write in filters.items()}
    metrics = [row["metric"] for row in content["scores"]["rows"]]
    return environment.get_template("page.html").render(
        **content,
        css=Markup((folder / "page.css").read_text(encoding="utf-8")),
        drawings=shown,
        pictures=mistakes.worst_pictures(record),
        sections=_sections(content, {drawing.section for drawing, _ in shown}),
        glossary=glossary(record.target.kind, metrics, record.plane is not None),
    )


def _lenient(write: Callable[..., str]) -> Callable[..., str]:
    """The same filter that takes what a run's record lacks for None."""
    return lambda value, *more: write(None if isinstance(value, Undefined) else value, *more)
