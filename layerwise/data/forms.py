"""Forms of experience that are no table: text, pairs of texts, series, graphs, games, masks.

``FORMS`` is the literal table name -> "module:Preparation". A source says its form in
``Source.form``; its preparation is the one way from the source to batches, in training and in
prediction, and every constant in it is of the training rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

import numpy as np
from torch import Tensor

from layerwise.contracts import Batch, Dataset, Target
from layerwise.data.kinds import Column
from layerwise.data.preparation import Preparation
from layerwise.data.roles import Roles, row_weights
from layerwise.data.source import Source

FORMS = {
    "text": "text_preparation:TextPreparation",
    "pairs": "pair_preparation:PairPreparation",
    "series": "series_preparation:SeriesPreparation",
    "graph": "graph_preparation:GraphPreparation",
    "game": "game_preparation:GamePreparation",
    "masks": "mask_preparation:MaskPreparation",
    "grid": "grid_preparation:GridPreparation",
}


@runtime_checkable
class Prepared(Protocol):
    """What every preparation offers; ``Preparation`` is that of tables, vectors and images.

    Optional: ``row_weights(source, rows)``, see ``weights_of``, and ``groups(source, rows)``, what
    the bootstrap draws together; (rows,) each.

    form : a name of ``FORMS``, or "table", "vectors", "images"
    input_shape : of one example, as the network's constructor takes it
    network_options : what only the data know and a network may take, such as its vocabulary
    feature_names, categories : names and code sizes of columns; () where there are none
    """

    form: str
    roles: Roles
    target: Target
    input_shape: tuple[int, ...]
    network_options: dict[str, Any]
    feature_names: tuple[str, ...]
    categories: tuple[int, ...]

    def to_json(self) -> dict:
        """All but the tensors; "inputs" has "form", "shape", "inputs_as" and "fitted"."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Every constant: name -> tensor."""
        ...

    def dataset(self, source: Source) -> Dataset:
        """All rows of the source, by number, ready for the engine."""
        ...

    def truth(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """What is true of some rows, as the predictions table has it."""
        ...

    def in_units(self, outputs: Any) -> Any:
        """A task's outputs in the units of the data."""
        ...

    def check(self, source: Source) -> tuple[str, ...]:
        """What is odd about a source; DataError where it cannot be used."""
        ...

    def fingerprints(self, source: Source) -> np.ndarray:
        """One number per row that all it shows to a network decides; (rows,) uint64."""
        ...

    def fitted_in_words(self) -> dict[str, str]:
        """What was fitted -> its constants and the training rows that they saw."""
        ...


def fit_preparation(
    source: Source,
    roles: Roles,
    columns: tuple[Column, ...],
    target: Target,
    rows: np.ndarray,
    *,
    categories_as: str = "codes",
    inputs_as: str = "standard",
    taken: Mapping[str, Any] | None = None,
) -> Any:
    """The preparation of a source's form; every constant is learned from the training ``rows``.

    taken : "form" of an earlier run and its "tokens" and "tokens_from", which a text of the same
        form takes over
    """
    if source.form:
        known = {"taken": taken} if taken is not None and taken["form"] == source.form else {}
        kind = preparation_class(source.form)
        return kind.fit(source, roles, target, rows, inputs_as=inputs_as, **known)
    return Preparation.fit(
        source, roles, columns, target, rows, categories_as=categories_as, inputs_as=inputs_as
    )


def load_preparation(content: dict, tensors: dict[str, Tensor]) -> Any:
    """The preparation that ``to_json`` and ``tensors`` described."""
    form = content["inputs"]["form"]
    kind = preparation_class(form) if form in FORMS else Preparation
    return kind(content, tensors)


def weights_of(preparation: Prepared, source: Source, rows: np.ndarray) -> np.ndarray | None:
    """What each row counts in a metric, (rows,) float64: characters, or the weight column.

    None: each row once.
    """
    own = getattr(preparation, "row_weights", None)
    return row_weights(source, preparation.roles, rows) if own is None else own(source, rows)


def preparation_class(form: str) -> Any:
    """The class of a name in ``FORMS``."""
    module, _, attribute = FORMS[form].partition(":")
    return getattr(import_module(f"layerwise.data.{module}"), attribute)


def first_batch(dataset: Dataset) -> Batch:
    """One example as a batch, from which shapes can be told."""
    import torch

    return dataset.batch(torch.arange(1))
