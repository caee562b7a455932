"""The worst mistakes of a network: which rows, and what they look like."""

import numpy as np
import torch
from pandas import DataFrame
from torch import Tensor

from layerwise.contracts import Target
from layerwise.data.source import Source
from layerwise.metrics import Predictions, column_names, decisions

COUNT = 24  # how many are kept


def worst(predictions: Predictions, count: int = COUNT) -> np.ndarray:
    """Give the places within ``predictions`` of the worst mistakes, worst first; (up to count,).

    Classes: wrong decisions by falling confidence. Labels: rows with a wrong label, by their
    log loss. Counts and numbers: largest residuals, each target measured by its own deviation.
    """
    badness = _badness(predictions)
    order = np.argsort(-badness, kind="stable")[:count]
    return order[badness[order] > 0]


def worst_table(
    table: DataFrame, target: Target, *, split: str = "test", count: int = COUNT
) -> DataFrame:
    """Give the rows of the predictions table with the worst mistakes of a split, worst first."""
    if target.kind == "field":  # maps are drawn, not listed
        return table.iloc[:0]
    if target.kind in ("text", "mask"):  # what is wrong with a translation is no number
        return table.iloc[:0]
    known = table[column_names(target, "truth")].notna().all(axis=1)
    part = table.loc[(table["split"] == split) & known]
    predictions = Predictions.from_table(part, target)
    return part.iloc[worst(predictions, count)].reset_index(drop=True)


def collect_rows(
    worst_rows: DataFrame, source: Source, target: Target
) -> tuple[DataFrame, Tensor | None]:
    """Give the worst rows with the source's columns beside them, and their pictures if any.

    worst_rows : from ``worst_table``; its "row" counts the rows of ``source``
    returns : the table with the source's columns (but the target's), those whose name is taken
        as ``input:NAME``; and for image sources a tensor uint8 (rows, channels, height, width),
        else None
    """
    rows = worst_rows["row"].to_numpy(dtype=np.int64)
    shown = worst_rows.reset_index(drop=True)
    columns = source.frame.iloc[rows].reset_index(drop=True)
    columns = columns.drop(columns=[name for name in target.names if name in columns])
    taken = {*shown.columns, "row", "key", "split", "fold", "truth", "score", "weight", "group"}
    columns = columns.rename(columns=lambda name: f"input:{name}" if name in taken else str(name))
    if source.inputs is None or source.inputs.ndim != 4:
        return shown.join(columns), None
    return shown.join(columns), _pictures(np.asarray(source.inputs[rows]))


def _pictures(images: np.ndarray) -> Tensor:
    """Give images as uint8; floats are stretched between their smallest and largest value."""
    if images.dtype != np.uint8:
        low, high = float(images.min(initial=0)), float(images.max(initial=1))
        images = ((images - low) / (high - low) * 255).round().astype(np.uint8)
    return torch.from_numpy(np.ascontiguousarray(images))


def _badness(predictions: Predictions) -> np.ndarray:
    """Give how bad each row's mistake is, 0 where there is none; (rows,)."""
    truth, scores = predictions.truth, np.nan_to_num(predictions.scores)
    if predictions.kind in ("binary", "classes"):
        return np.where(decisions(predictions) != truth, scores.max(axis=1), 0.0)
    if predictions.kind == "labels":
        wrong = (decisions(predictions) != truth).any(axis=1)
        of_truth = np.clip(np.where(truth > 0, scores, 1 - scores), 1e-12, 1)
        return np.where(wrong, -np.log(of_truth).sum(axis=1), 0.0)
    spread = truth.std(axis=0) if len(truth) else np.ones(truth.shape[1])
    return (np.abs(truth - scores) / np.where(spread > 0, spread, 1.0)).max(axis=1)
