"""A graph of an .npz file: edge_index, features, labels, masks of the parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame
from scipy import sparse

from layerwise.data.graph import Graph, clean_edges, plain_labels
from layerwise.data.graph_rows import edges_text, nodes_or_pairs, number_of_nodes, parts_of_masks
from layerwise.data.source import Source, counted
from layerwise.errors import DataError

LABELS = ("y", "label", "labels")


def is_graph_npz(names: Sequence[str]) -> bool:
    """Whether an .npz file with arrays of these names holds a graph."""
    return "edge_index" in names


def read_graph_npz(path: Path, options: dict) -> Source:
    """A graph of an .npz file: edge_index (2, edges), y, features x or x_data, x_indices, ...

    Masks (train_mask, val_mask, test_mask) fix the parts; a node in none of them is in no part.
    """
    arrays = _arrays(path)
    features, notes = _features(arrays, path), []
    edges = arrays["edge_index"]
    labels = next((arrays[name] for name in LABELS if name in arrays), None)
    nodes = number_of_nodes(features, labels, edges, path)
    weights = arrays.get("edge_weight", arrays.get("edge_weights"))
    if edges.ndim == 2 and edges.shape[0] != 2 and edges.shape[1] == 2:
        edges = edges.T
    cleaned, weights = clean_edges(edges, nodes, weights, notes, str(path))
    graph = Graph(features, cleaned, nodes, weights)
    standard = "node" if labels is not None else "edge"
    frame = DataFrame(index=pd.RangeIndex(nodes)) if labels is None else plain_labels(labels)
    parts = parts_of_masks(arrays, nodes, path)
    about = f"{path.name}: {counted(nodes, 'node')}, {edges_text(graph)}"
    target = () if labels is None else ("label",)
    return nodes_or_pairs(
        path.stem, graph, frame, target, notes, options, about, standard, None, parts
    )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except Exception as error:  # zipfile and numpy raise a dozen kinds for damaged bytes
        raise DataError(f"{path} is damaged or no .npz file: {error}. Write it anew.") from None


def _features(arrays: dict[str, np.ndarray], path: Path) -> Any:
    if "x" in arrays:
        return arrays["x"].astype(np.float32)
    names = ("x_data", "x_indices", "x_indptr", "x_shape")
    lacking = [name for name in names if name not in arrays]
    if len(lacking) == len(names):
        return None
    if lacking:
        raise DataError(f"{path} holds sparse features, but lacks {', '.join(lacking)}.")
    data, columns, begins, shape = (arrays[name] for name in names)
    try:
        return sparse.csr_matrix((data.astype(np.float32), columns, begins), shape=tuple(shape))
    except ValueError as error:
        raise DataError(f"{path}: the sparse features do not fit together: {error}.") from None
