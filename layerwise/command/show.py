"""Tables for the terminal: plans, scores, comparisons, lists of runs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from layerwise.run import Run, plain

SHOWN_COLUMNS = 60  # of a plan, before the rest is only counted
EMPTY = (None, [], {}, "")
WIDTH_OF_FILES = 160  # where the output is no terminal and its width is unknown


def plan(content: Mapping[str, Any]) -> None:
    """Show what training would do: data, columns, splits, network, recipe, decisions, needs."""
    content = plain(content)
    console = _console()
    data = content.get("data") or {}
    _data(console, data)
    _pairs(console, "Target", content.get("target"))
    _pairs(console, "Rows", content.get("splits"))
    _network(console, content.get("network") or {})
    _rows(console, "Recipe", content.get("recipe"), ())
    for departure in content.get("departures") or ():
        console.print(f"Departure: {departure}", markup=False)
    shown = {*(data.get("notes") or ()), *(one.get("note") for one in data.get("columns") or ())}
    decisions = [one for one in content.get("decisions") or () if one["choice"] not in shown]
    _rows(console, "Decisions", decisions, ("what", "choice", "why"))
    _pairs(console, "Needs", content.get("needs"))


def scores(results: Any) -> None:
    """Show metrics with their intervals: per part of the data, or a plain list of scores."""
    results = plain(results)
    found = results.get("scores", results) if isinstance(results, Mapping) else results
    parts = found if isinstance(found, Mapping) else {"": found}
    console = _console()
    for part, listed in parts.items():
        _rows(console, f"Scores {part}".strip(), listed, ("name", "value", "low", "high", "rows"))


def comparison(compared: Any) -> None:
    """Show runs side by side, best first, and say which of them can be told apart."""
    content = plain(compared)
    best, console = content["best"], _console()
    columns = ("run", "value", "low", "high", "rows")
    for title, found in (
        (content["metric"], content["scores"]),
        (f"{best} minus", content["differences"]),
    ):
        rows = [{"run": name, **score} for name, score in found.items()]
        _rows(console, title, rows, columns)
    console.print(content["statement"], markup=False, soft_wrap=True)


def attacked(found: Mapping[str, Any]) -> None:
    """Show the accuracy for each strength of an attack."""
    steps = f", {found['steps']} steps" if found["steps"] > 1 else ""
    columns = ("strength", "value", "low", "high", "rows")
    title = f"Accuracy under {found['method'].upper()}{steps}: {found['rows']}"
    _rows(_console(), title, found["scores"], columns)


def records(title: str, rows: Iterable[Any]) -> None:
    """Show dataclasses or mappings as a table."""
    _rows(_console(), title, plain(list(rows)), ())


def runs(listed: Sequence[Run]) -> None:
    """Show a line for each run: its state, what was learned, and its headline."""
    if not listed:
        print("No runs here. Begin one with: layerwise fit digits")
        return
    columns = ("run", "state", "data", "network", "metric", "value", "interval", "rows")
    _rows(_console(), "", [_run_line(run) for run in listed], columns)


def _run_line(run: Run) -> dict[str, Any]:
    plan = run.read("plan") if run.has("plan.json") else {}
    headline = run.read("results").get("headline", {}) if run.has("results.json") else {}
    low, high = headline.get("low"), headline.get("high")
    return {
        "run": run.name,
        "state": run.read("status").get("state"),
        "data": (plan.get("data") or {}).get("name"),
        "network": (plan.get("network") or {}).get("name"),
        "metric": headline.get("metric"),
        "value": headline.get("value"),
        "interval": None if low is None else f"{_text(low)} to {_text(high)}",
        "rows": headline.get("rows"),
    }


def _data(console: Console, data: Mapping[str, Any]) -> None:
    console.print(f"{data.get('name', '')}: {data.get('rows', '?')} rows", markup=False)
    for sentence in (data.get("about"), *(data.get("notes") or ())):
        if sentence:
            console.print(f"  {sentence}", markup=False)
    columns = data.get("columns") or []
    _rows(console, "Columns", columns[:SHOWN_COLUMNS], ("name", "kind", "role", "note"))
    if len(columns) > SHOWN_COLUMNS:
        console.print(f"  ... and {len(columns) - SHOWN_COLUMNS} more columns")


def _network(console: Console, network: Mapping[str, Any]) -> None:
    layers = network.get("layers")
    _pairs(console, "Network", {key: network[key] for key in network if key != "layers"})
    _rows(console, "Layers", layers, ("name", "kind", "output_shape", "parameters"))


def _pairs(console: Console, title: str, content: Mapping[str, Any] | None) -> None:
    """Show names and values below each other."""
    rows = [{"": name, " ": value} for name, value in (content or {}).items() if value not in EMPTY]
    _rows(console, title, rows, ("", " "))


def _rows(
    console: Console, title: str, rows: Iterable[Mapping] | None, columns: Sequence[str]
) -> None:
    """Show records as a table; without ``columns``: all that are not empty in each record."""
    rows = list(rows or ())
    if not rows:
        return
    filled = dict.fromkeys(name for row in rows for name in row if row[name] not in EMPTY)
    columns = columns or list(filled)
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.show_header = any(name.strip() for name in columns)
    for name in columns:
        numbers = all(isinstance(row.get(name), int | float | None) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*(escape(_text(row.get(name))) for name in columns))
    console.print(table)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH_OF_FILES)


def quality(found: Mapping[str, Any]) -> None:
    """Show how samples look to a classifier."""
    console = _console()
    shown = {name: value for name, value in found.items() if name != "classes"}
    _pairs(console, "Samples, as the classifier sees them", shown)
    _pairs(console, "Share of each class", found["classes"])
