"""Graphs that are there in memory as Data objects of PyTorch Geometric."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame

from layerwise.data.graph import Graph, chosen_level, clean_edges, plain_labels, side_by_side
from layerwise.data.graph_rows import (
    edges_text,
    graphs_source,
    nodes_or_pairs,
    number_of_nodes,
    parts_of_masks,
)
from layerwise.data.source import Source, counted
from layerwise.errors import DataError


def is_pyg(data: object) -> bool:
    """Whether this is a Data object of PyTorch Geometric, or a list or data set of them."""
    if hasattr(data, "edge_index"):
        return True
    if isinstance(data, (str, bytes, DataFrame, np.ndarray)) or not hasattr(data, "__getitem__"):
        return False
    try:
        return hasattr(data[0], "edge_index")  # type: ignore[index]
    except (IndexError, KeyError, TypeError):
        return False


def from_pyg(data: Any, options: dict | None = None) -> Source:
    """A Data object (rows are nodes or, with level "edge", pairs) or several (rows are graphs)."""
    options = dict(options or {})
    if not hasattr(data, "edge_index"):
        return _many_of_pyg(list(data), options)
    arrays = {
        name: np.asarray(value.detach().cpu())
        for name in ("x", "edge_index", "y", "edge_weight", "train_mask", "val_mask", "test_mask")
        if (value := getattr(data, name, None)) is not None
    }
    notes: list[str] = []
    labels = arrays.get("y")
    nodes = number_of_nodes(arrays.get("x"), labels, arrays["edge_index"], "The Data object")
    weights = arrays.get("edge_weight")
    edges, weights = clean_edges(arrays["edge_index"], nodes, weights, notes, "The Data object")
    graph = Graph(arrays.get("x"), edges, nodes, weights)
    frame = DataFrame(index=pd.RangeIndex(nodes))
    frame = frame if labels is None else plain_labels(labels.reshape(nodes, -1)[:, 0])
    about = f"a Data object in memory: {counted(nodes, 'node')}, {edges_text(graph)}"
    parts = parts_of_masks(arrays, nodes, "The Data object")
    standard = "edge" if labels is None else "node"
    target = () if labels is None else ("label",)
    return nodes_or_pairs(
        "graph", graph, frame, target, notes, options, about, standard, None, parts
    )


def _many_of_pyg(several: list, options: dict) -> Source:
    chosen_level(options, "graph", ("graph",))
    sizes = np.array([int(one.num_nodes) for one in several])
    starts = np.cumsum(sizes) - sizes
    pieces = [
        np.asarray(one.edge_index) + start for one, start in zip(several, starts, strict=True)
    ]
    for number, (piece, start, size) in enumerate(zip(pieces, starts, sizes, strict=True)):
        if piece.size and (piece.min() < start or piece.max() >= start + size):
            raise DataError(
                f"Graph {number + 1} has an edge to a node that is not there; it has {size} nodes, "
                "numbered from 0."
            )
    if any(getattr(one, "y", None) is None for one in several):
        raise DataError("Some of the graphs have no label y. Give each of them one.")
    labels = np.array([np.asarray(one.y).reshape(-1)[0] for one in several])
    has_features = [getattr(one, "x", None) is not None for one in several]
    features = None
    if all(has_features):
        features = np.concatenate([np.asarray(one.x) for one in several]).astype(np.float32)
    notes: list[str] = []
    total = int(sizes.sum())
    edges, _ = clean_edges(np.concatenate(pieces, axis=1), total, None, notes, "The graphs")
    graph = Graph(features, edges, total, graph_of_node=side_by_side(sizes), level="graph")
    about = f"{len(several):,} Data objects in memory, {total:,} nodes, {edges_text(graph)}"
    return graphs_source("graphs", graph, plain_labels(labels), ("label",), notes, options, about)
