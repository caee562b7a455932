"""What a network sees of a node: its table, numbers, words, degree or name; constants of training.

"table": columns, prepared as those of any table. "numbers": standardized. "bag": zeros and ones,
each node's divided by their sum (Kipf and Welling 2017). "degree": a one and the logarithm of
1 + degree, standardized. "identity": one number per node, which is 1 for it alone.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from layerwise.contracts import Target
from layerwise.data.graph import Graph
from layerwise.data.preparation import Preparation
from layerwise.data.roles import Roles, describe_columns
from layerwise.data.source import Source
from layerwise.errors import DataError, SettingsError, nearest

CHOICES = ("auto", "degree", "identity")
SPARSE_SHARE = 0.1  # of numbers that are not zero; with fewer, features stay sparse, ...
LARGE = 100_000  # ... if there are so many numbers in all
INSIDE = "table."  # before the names of the table's tensors


def fit_features(
    source: Source, roles: Roles, nodes: np.ndarray, edges: np.ndarray, choice: str
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """JSON and tensors of the features; constants are those of the training ``nodes``.

    edges : (2, edges) along which messages pass in training; degrees are counted there
    choice : "auto" (what is given, else the degree), "degree" or "identity"
    """
    if choice not in CHOICES:
        raise SettingsError(
            f"--data.node_features '{choice}' is not known.{nearest(choice, CHOICES)}"
        )
    graph: Graph = source.whole
    if choice == "identity":
        return {"kind": "identity", "width": graph.nodes}, {}
    if choice == "auto" and graph.features is not None:
        return _fit_numbers(graph.features, nodes)
    if choice == "auto" and graph.table is not None:
        found = _fit_table(source, roles, nodes)
        if found is not None:
            return found
    logarithms = _log_degrees(edges, graph.nodes)[nodes]
    mean, scale = logarithms.mean(), logarithms.std() or 1.0
    constants = {"mean": torch.tensor([mean]), "scale": torch.tensor([scale])}
    return {"kind": "degree", "width": 2}, constants


def make_features(
    content: dict[str, Any], tensors: dict[str, Tensor], source: Source, edges: np.ndarray
) -> Tensor:
    """(nodes, features) float32, dense or sparse (CSR), of all nodes of a source's graph."""
    graph: Graph = source.whole
    kind, width = content["kind"], content["width"]
    if kind == "identity":
        if graph.nodes != width:
            raise DataError(
                f"{source.name} has {graph.nodes:,} nodes, but {width:,} were there in training, "
                "and each is known by its own number only. Give the same graph, or train with "
                "features or --data.node_features degree."
            )
        return as_sparse(sparse.identity(width, format="csr"))
    if kind == "degree":
        numbers = torch.from_numpy(_log_degrees(edges, graph.nodes))
        standard = (numbers - tensors["mean"]) / tensors["scale"]
        return torch.stack([torch.ones_like(standard), standard], dim=1).float()
    if kind == "table":
        inside = {n.removeprefix(INSIDE): t for n, t in tensors.items() if n.startswith(INSIDE)}
        made = Preparation(content["table"], inside).inputs(_table_source(source))
        assert isinstance(made, Tensor)
        return made
    return _numbers(content, tensors, source)


def feature_names(content: dict[str, Any], tensors: dict[str, Tensor]) -> tuple[str, ...]:
    """What each number is called; () where they have no names."""
    if content["kind"] == "degree":
        return ("one", "degree")
    if content["kind"] != "table":
        return ()
    inside = {n.removeprefix(INSIDE): t for n, t in tensors.items() if n.startswith(INSIDE)}
    return Preparation(content["table"], inside).feature_names


def in_words(content: dict[str, Any], rows: int) -> str:
    """How the features came about, in a few words."""
    width = f"{content['width']:,} numbers per node"
    return {
        "bag": f"{width}, zeros and ones, divided by their sum; nothing is fitted",
        "identity": f"{width}: each node is known by itself; nothing is fitted",
        "degree": f"a one and the standardized logarithm of 1 + degree, from {rows:,} nodes",
        "numbers": f"{width}, mean 0 and deviation 1 over {rows:,} nodes of training rows",
        "table": f"{width} from the table, constants from {rows:,} nodes of training rows",
    }[content["kind"]]


def as_sparse(matrix: Any) -> Tensor:
    """A CSR matrix of scipy as one of torch, float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says once that CSR may still change
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
            check_invariants=False,
        )


def _log_degrees(edges: np.ndarray, nodes: int) -> np.ndarray:
    return np.log1p(np.bincount(edges[1], minlength=nodes).astype(np.float64))


def _fit_numbers(features: Any, nodes: np.ndarray) -> tuple[dict[str, Any], dict[str, Tensor]]:
    stored = features.data if sparse.issparse(features) else features
    width = features.shape[1]
    if np.isin(stored, (0, 1)).all():
        return {"kind": "bag", "width": width}, {}
    some = features[nodes]
    some = some.toarray() if sparse.issparse(some) else np.asarray(some)
    some = np.where(np.isfinite(some), some, np.nan).astype(np.float64)
    empty = np.isnan(some).all(axis=0)
    some[:, empty] = 0.0
    mean, scale = np.nanmean(some, axis=0), np.nanstd(some, axis=0)
    scale[scale <= 1e-12 * np.abs(mean)] = 1.0
    constants = {"mean": torch.from_numpy(mean), "scale": torch.from_numpy(scale)}
    return {"kind": "numbers", "width": width}, constants


def _numbers(content: dict[str, Any], tensors: dict[str, Tensor], source: Source) -> Tensor:
    features, width = source.whole.features, content["width"]
    if features is None or features.shape[1] != width:
        got = "none" if features is None else f"{features.shape[1]:,}"
        raise DataError(
            f"{source.name} must have {width:,} features per node, as in training, got {got}."
        )
    if content["kind"] == "bag":
        return _bag(features)
    dense = features.toarray() if sparse.issparse(features) else np.asarray(features)
    mean, scale = tensors["mean"], tensors["scale"]
    numbers = (torch.from_numpy(dense.astype(np.float64)) - mean) / scale
    return torch.nan_to_num(numbers, nan=0.0, posinf=0.0, neginf=0.0).float()


def _bag(features: Any) -> Tensor:
    """Zeros and ones divided by the sum of their node's; sparse where that is worth it."""
    rows = sparse.csr_matrix(features, dtype=np.float32)
    totals = np.asarray(rows.sum(axis=1)).reshape(-1)
    rows = sparse.csr_matrix(sparse.diags(1 / np.maximum(totals, 1)) @ rows)
    size = features.shape[0] * features.shape[1]
    if size >= LARGE and rows.nnz < SPARSE_SHARE * size:
        return as_sparse(rows)
    return torch.from_numpy(rows.toarray().astype(np.float32))


def _table_source(source: Source) -> Source:
    """The table of all nodes as a source of its own."""
    return Source(source.name, source.whole.table, options=source.options)


def _fit_table(source: Source, roles: Roles, nodes: np.ndarray) -> Any:
    """The preparation of the nodes' columns, without those that have a role; None: none is left."""
    reserved = tuple(roles.reserved() & set(source.whole.table.columns))
    if source.whole.key is not None and source.whole.key not in reserved:
        reserved = (*reserved, source.whole.key)
    table, inner = _table_source(source), Roles(ignore=reserved)
    left = [name for name in table.frame.columns if name not in reserved]
    if not left:
        return None
    columns = describe_columns(replace(table, target=()), inner, source.options)
    made = Preparation.fit(table, inner, columns, Target("none"), nodes, categories_as="one_hot")
    tensors = {INSIDE + name: tensor for name, tensor in made.tensors().items()}
    content = {"kind": "table", "width": made.input_shape[0], "table": made.to_json()}
    return content | {"roles": asdict(inner)}, tensors
