"""Drawing: one figure of the report, saved as SVG, PDF and CSV, and inlined into the page.

Only Matplotlib's object-oriented Figure is used: it opens no window and works in any thread.
Colours are drawn in the light theme; inside the page they become CSS variables, so that the
same figure is readable in light, dark and print.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame

from layerwise.run import Run, write_whole

COLOURS = {  # name of the CSS variable: its light value, see page.css
    "ink": "#1e242b",
    "muted": "#6a737e",
    "line": "#d6dbe1",
    "blue": "#2b6cb3",
    "orange": "#cf6a1b",
    "green": "#2f8557",
    "red": "#c0393f",
    "purple": "#7c52a8",
    "teal": "#1b8791",
    "gold": "#a8810f",
    "pink": "#c2558f",
    "brown": "#8a5a3c",
    "slate": "#566b82",
}
SERIES = tuple(COLOURS)[3:]
WIDTH = 5.3  # inches; the page scales figures to their column

_STYLE = {
    "svg.fonttype": "none",  # real text: small files that can be searched and follow the page
    "pdf.fonttype": 3,  # 42 takes twice the time of the whole report
    "text.parse_math": False,  # a class may be called "$"
    "font.family": ["sans-serif"],
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["ink"],
    "axes.facecolor": "none",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": COLOURS["line"],
    "grid.linewidth": 0.6,
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.edgecolor": "none",
}


@dataclass(frozen=True)
class Drawing:
    """A figure with the numbers it shows.

    name : of its files; section : of the page where it stands; caption : what one sees, in words
    wide : whether it takes the whole width of the page
    """

    name: str
    section: str
    title: str
    caption: str
    figure: Figure
    numbers: DataFrame
    wide: bool = False


def style(salt: str = "layerwise"):
    """Context in which figures are made and saved; ``salt`` keeps the ids in an SVG its own."""
    settings: Any = {**_STYLE, "svg.hashsalt": salt}
    return matplotlib.rc_context(settings)


def blank(width: float = WIDTH, height: float = 3.5, **subplots) -> tuple[Figure, Axes]:
    """An empty figure with one axes; inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(**subplots)


def short(name: object, most: int = 18) -> str:
    """A name that fits beside an axis; a leading underscore would hide it from a legend."""
    text = str(name).replace("\n", " ")
    text = text if len(text) <= most else text[: most - 1] + "…"
    return f" {text}" if text.startswith("_") else text


def save(drawing: Drawing, run: Run) -> str:
    """SVG to be put into the page; writes ``figures/NAME.svg``, ``.pdf`` and ``.csv``."""
    image, document = io.StringIO(), io.BytesIO()
    with style(drawing.name), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # browsers have it
        drawing.figure.savefig(image, format="svg", metadata={"Date": None, "Creator": None})
        drawing.figure.set_layout_engine("none")  # it has been laid out
        drawing.figure.savefig(document, format="pdf", metadata={"CreationDate": None})
    numbers = drawing.numbers.to_csv(index=False, lineterminator="\n")
    for suffix, content in (
        ("svg", image.getvalue().encode()),
        ("pdf", document.getvalue()),
        ("csv", numbers.encode()),
    ):
        path = run.path("figures", f"{drawing.name}.{suffix}")
        write_whole(path, lambda beside, content=content: _write(beside, content))
    return inline(image.getvalue())


def inline(image: str) -> str:
    """The ``<svg>`` element of a Matplotlib file: colours and fonts of the page, no idle ids."""
    image = image[image.index("<svg") :]
    image = re.sub(r"<metadata>.*?</metadata>", "", image, flags=re.S)
    image = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", image, count=1)
    image = re.sub(r"font-family: [^;\"]*;? ?", "", image)
    image = image.replace('<style type="text/css">*{', "<style>.drawing svg *{")
    used = set(re.findall(r'(?:url\(|href=")#([\w.-]+)', image))
    image = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", image)
    for name, colour in COLOURS.items():
        image = image.replace(colour, f"var(--{name})")
    return re.sub(r"\s*\n\s*", "\n", image).strip()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
