"""Predictions: what was true and what was said, read from the predictions table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from layerwise.contracts import Target
from layerwise.errors import DataError, nearest
from layerwise.metrics.beside import area_of, beside_of, read_fields

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Predictions:
    """What was true and what the network said, for the rows that are judged.

    kind : of the target: "binary", "classes", "labels", "count", "real", "none" or "text"
    classes : names of the classes or labels; binary: classes[1] is the positive one
    truth : binary and classes int codes (rows,); labels 0 or 1 (rows, labels);
        count and real (rows, targets), in the target's own units; none (rows, 1) zeros;
        text (rows,) object, the references; field (rows, targets x cells), NaN where unknown
    scores : binary and classes probabilities (rows, classes); labels probabilities
        (rows, labels); count and real predictions (rows, targets); none (rows, 1) the number
        by which the task judges a row, lower is better; text (rows,) object, what was said;
        mask (rows, 2 x classes) counts of pixels, see ``metrics.masks``
    weight : (rows,), may be negative; None: every row counts once
    group : (rows,), rows of one group are drawn together by the bootstrap
    threshold : (rows,), binary: the chance from which on a row is called positive; (rows, classes),
        classes: said is the class whose chance is the most times its own; None: the likelier class
    beside : what metrics of series and fields need, see ``beside_of``, ``area_of``
    """

    kind: str
    classes: tuple[str, ...]
    truth: np.ndarray
    scores: np.ndarray
    weight: np.ndarray | None = None
    group: np.ndarray | None = None
    threshold: np.ndarray | None = None
    beside: dict[str, np.ndarray] = field(default_factory=dict)
    _known: dict = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def weights(self) -> np.ndarray:
        """Weight of each row, ones where none was given; (rows,)."""
        return np.ones(len(self)) if self.weight is None else self.weight

    @property
    def all_scored(self) -> bool:
        """Whether no score is missing (NaN, or of texts None)."""
        return self.once(_all_scored)

    def take(self, rows) -> Predictions:
        """Give the rows ``rows``: numbers (repeats allowed), a mask or a slice."""
        return Predictions(
            self.kind,
            self.classes,
            self.truth[rows],
            self.scores[rows],
            None if self.weight is None else self.weight[rows],
            None if self.group is None else self.group[rows],
            None if self.threshold is None else self.threshold[rows],
            {name: values[rows] for name, values in self.beside.items()},
        )

    def reweighted(self, factor: np.ndarray) -> Predictions:
        """Give the same rows, their weights times ``factor`` (rows,).

        With counts as factor it is a bootstrap resample that needs no new sorting: what does not
        depend on the weights (``once``) is shared.
        """
        return replace(self, weight=self.weights * factor)

    def once(self, compute: Callable[..., Any], *arguments) -> Any:
        """Give ``compute(self, *arguments)``, worked out once for all reweighted copies.

        ``compute`` must not look at the weights.
        """
        name = (compute, *arguments)
        if name not in self._known:
            self._known[name] = compute(self, *arguments)
        return self._known[name]

    @classmethod
    def from_table(cls, table: DataFrame, target: Target, split: str | None = None) -> Predictions:
        """Read them from a predictions table: the rows of one split, or all with None.

        Rows without a truth are left out. DataError: a column is missing, or a truth is none of
        the target's classes.
        """
        if split is not None:
            table = table.loc[table["split"] == split]
        truth, scores = _truth_of(table, target), _scores_of(table, target)
        known = _is_there(truth)
        if target.kind == "field":  # some of its cells will do
            known = np.asarray(np.isfinite(truth).any(axis=1))
        coded = target.kind in ("binary", "classes")
        return cls(
            target.kind,
            target.classes,
            truth[known].astype(np.int64) if coded else truth[known],
            scores[known],
            _column(table, "weight", known, float),
            _column(table, "group", known, None),
            _thresholds_of(table, target, known),
            _beside_of(table, target, known),
        )


def _column(table: DataFrame, name: str, rows: np.ndarray, kind: type | None):
    if name not in table or bool(table[name].isna().all()):
        return None
    return table[name].to_numpy(dtype=kind)[rows]


def _beside_of(table: DataFrame, target: Target, rows: np.ndarray) -> dict[str, np.ndarray]:
    if target.kind == "field":
        return area_of(table, rows)
    if target.kind != "series":
        return {}
    return beside_of(table, column_names(target, "score"), target.names, rows)


def _thresholds_of(table: DataFrame, target: Target, rows: np.ndarray) -> np.ndarray | None:
    """Give the threshold of each row, of several classes that of each; None where there is none."""
    if target.kind == "binary":
        return _column(table, "threshold", rows, float)
    names = column_names(target, "threshold") if target.kind == "classes" else []
    if not names or any(name not in table or table[name].isna().all() for name in names):
        return None
    return table[names].to_numpy(float)[rows]


def _read(table: DataFrame, names: list[str]) -> np.ndarray:
    missing = [name for name in names if name not in table]
    if missing:
        raise DataError(
            f"The predictions table lacks the column '{missing[0]}'."
            f"{nearest(missing[0], table.columns)} It must come from a run with the same target."
        )
    return table[names].to_numpy(dtype=np.float64)


def _texts(table: DataFrame, name: str) -> np.ndarray:
    """Give a column of texts, None where one is missing; (rows,) object."""
    if name not in table:
        _read(table, [name])
    column = table[name]
    return column.astype(object).where(column.notna(), None).to_numpy(dtype=object)


def _is_there(values: np.ndarray) -> np.ndarray:
    """Give whether each row is complete: finite numbers, or a text; (rows,) bool."""
    if values.dtype == object:
        return np.array([isinstance(value, str) for value in values], dtype=bool)
    return np.asarray(np.isfinite(values.reshape(len(values), -1)).all(axis=1))


def _scores_of(table: DataFrame, target: Target) -> np.ndarray:
    """Give the score columns; (rows, classes, labels or targets), of texts (rows,)."""
    if target.kind == "text":
        return _texts(table, "score")
    if target.kind == "field":
        return read_fields(table, column_names(target, "score"))
    return _read(table, column_names(target, "score"))


def _truth_of(table: DataFrame, target: Target) -> np.ndarray:
    """Give the truth as floats, NaN where missing; codes (rows,) or (rows, labels or targets).

    Of texts (rows,) object, None where missing.
    """
    if target.kind == "text":
        return _texts(table, "truth")
    if target.kind == "field":
        return read_fields(table, column_names(target, "truth"))
    if target.kind not in ("binary", "classes"):
        return _read(table, column_names(target, "truth"))
    codes = {name: code for code, name in enumerate(target.classes)}
    texts = table["truth"]
    truth = texts.map(lambda text: codes.get(str(text), nan)).to_numpy(dtype=np.float64)
    unknown = np.isnan(truth) & texts.notna().to_numpy()
    if unknown.any():
        first = texts.to_numpy()[unknown][0]
        raise DataError(
            f"The truth '{first}' in the predictions table is none of the classes."
            f"{nearest(str(first), target.classes)}"
        )
    return truth


def column_names(target: Target, stem: str) -> list[str]:
    """Give the columns "score...", "truth..." or "threshold..." of a predictions table."""
    if target.kind in ("binary", "classes"):
        return ["truth"] if stem == "truth" else [f"{stem}:{name}" for name in target.classes]
    if target.kind == "mask":
        rightly = [f"{stem}:{name} right" for name in target.classes] if stem == "score" else []
        return [f"{stem}:{name}" for name in target.classes] + rightly
    names = target.classes if target.kind == "labels" else target.names
    if target.kind == "text" or (target.kind != "labels" and len(names) <= 1):
        return [stem]
    return [f"{stem}:{name}" for name in names]


def _all_scored(predictions: Predictions) -> bool:
    if predictions.scores.dtype == object:
        return bool(_is_there(predictions.scores).all())
    return not np.isnan(predictions.scores).any()
