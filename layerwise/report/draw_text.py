"""Figures of language models: how the loss falls as more of the text is seen."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pandas import DataFrame

from layerwise.report.figures import COLOURS, Drawing, blank
from layerwise.report.record import Record

LEAST = 2  # places that make a curve


def draw_text(record: Record) -> Iterator[Drawing]:
    """Loss at each place of the context; nothing where it was not measured."""
    course = (record.specimens or {}).get("loss_by_position")
    if course is None or np.isfinite(course).sum() < LEAST:
        return
    places = np.arange(1, len(course) + 1)
    figure, axes = blank(height=3.0)
    axes.plot(places, course, color=COLOURS["blue"], marker="." if len(course) <= 32 else "")
    axes.set_xlabel("place in the context, in tokens")
    axes.set_ylabel("nats per token")
    axes.set_ylim(bottom=0)
    yield Drawing(
        "loss_by_position",
        "made",
        "Loss by place in the context",
        "Mean loss of the judged rows at each place: what comes later has more before it to learn "
        "from. Where the curve is flat, more context did not help.",
        figure,
        DataFrame({"place": places, "nats per token": course}),
    )
