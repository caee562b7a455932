"""From a run folder to one page that a person can read, and the display while it trains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layerwise.run import Run

__all__ = ["write_report"]


def write_report(run: Run) -> Path:
    """Path of ``report.html``, written with ``report.json`` and ``figures/`` into the run folder.

    Reads nothing but the run folder. Finished, interrupted and failed runs all get a page with
    what there is. Raises RunError where a file of the run is damaged.
    """
    from layerwise.report.page import write_page  # slow: Matplotlib and Jinja2

    return write_page(run)
