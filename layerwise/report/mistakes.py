"""The worst mistakes, as pictures or as rows."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
from pandas import DataFrame

from layerwise.report.record import Record

MOST_PICTURES = 24
MOST_ROWS = 15
MOST_COLUMNS = 8


def worst_pictures(record: Record) -> list[dict[str, Any]]:
    """Per picture: src (a data URI), truth, said, score; empty where the rows are no pictures."""
    if record.worst is None or record.pictures is None:
        return []
    count = min(MOST_PICTURES, len(record.worst), len(record.pictures))
    rows = _rows(record, record.worst.head(count))
    return [
        {**row, "src": picture_source(pixels)}
        for row, pixels in zip(rows, record.pictures, strict=False)
    ]


def worst_rows(record: Record) -> dict[str, Any]:
    """Columns and rows (row number, truth, answer, score, carried and input columns)."""
    if record.worst is None or not len(record.worst):
        return {"others": [], "rows": []}
    frame = record.worst.head(MOST_ROWS)
    others = [column for column in frame.columns if not _is_own(str(column))][:MOST_COLUMNS]
    rows = _rows(record, frame)
    for row, values in zip(rows, frame[others].itertuples(index=False), strict=True):
        row["others"] = [_plain(value) for value in values]
    return {"others": [re.sub("^(input|carry):", "", str(name)) for name in others], "rows": rows}


def picture_source(pixels: np.ndarray) -> str:
    """A picture (channels, height, width) of 0 to 255 as a PNG data URI."""
    from PIL import Image

    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    plain = pixels[0] if len(pixels) < 3 else np.moveaxis(pixels[:3], 0, -1)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plain)).save(file, format="PNG", optimize=False)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _rows(record: Record, frame: DataFrame) -> list[dict[str, Any]]:
    """Row number or key, truth, what it said and how sure it was (None for amounts)."""
    named = next((name for name in ("key", "row") if name in frame), None)
    names = list(range(len(frame))) if named is None else frame[named].tolist()
    said, sure, truth = _answers(record, frame)
    columns = zip(names, truth, said, sure, strict=True)
    return [
        {"row": _plain(row), "truth": _plain(true), "said": _plain(answer), "score": _plain(score)}
        for row, true, answer, score in columns
    ]


def _answers(record: Record, frame: DataFrame) -> tuple[list, list, list]:
    target, empty = record.target, [None] * len(frame)
    scores = frame[[column for column in frame if str(column).startswith("score")]].to_numpy(float)
    if target.kind in ("binary", "classes"):
        best = scores.argmax(axis=1)
        if "threshold" in frame and target.kind == "binary":
            best = (scores[:, 1] >= frame["threshold"].to_numpy(float)).astype(int)
        of_classes = [f"threshold:{name}" for name in target.classes]
        if target.kind == "classes" and set(of_classes) <= set(frame):
            best = (scores / frame[of_classes].to_numpy(float)).argmax(axis=1)
        said = [target.classes[place] for place in best]
        return said, scores.max(axis=1).tolist(), frame["truth"].tolist()
    true = frame[[column for column in frame if str(column).startswith("truth")]].to_numpy(float)
    if target.kind == "labels":
        names = np.array(target.classes, dtype=object)
        named = [[", ".join(names[row > 0.5]) or "none" for row in rows] for rows in (scores, true)]
        return named[0], empty, named[1]
    if scores.shape[1] == 1:
        return scores[:, 0].tolist(), empty, true[:, 0].tolist()
    joined = [
        [", ".join(f"{value:.4g}" for value in row) for row in rows] for rows in (scores, true)
    ]
    return joined[0], empty, joined[1]


def _is_own(column: str) -> bool:
    own = {"threshold", "row", "key", "split", "fold", "truth", "score", "weight", "group"}
    own |= {"decision", "confidence", "residual", "baseline"}
    return column in own or column.startswith(("truth:", "score:", "threshold:"))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
