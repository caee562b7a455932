"""A graph of networkx, in memory or as a GraphML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame

from layerwise.data.frames import plain_frame
from layerwise.data.graph import Graph, clean_edges
from layerwise.data.graph_rows import edges_text, nodes_or_pairs
from layerwise.data.source import Source, counted
from layerwise.errors import DataError


def read_graphml(path: Path, options: dict) -> Source:
    """A graph of a GraphML file; what nodes have as attributes are the columns."""
    try:
        import networkx
    except ImportError:
        raise DataError("GraphML needs networkx: pip install 'layerwise[graphs]'") from None
    try:
        held: Any = networkx.read_graphml(path)
    except Exception as error:  # the XML parser and networkx raise many kinds for damaged files
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DataError(f"{path} is damaged or no GraphML file: {reason}. Write it anew.") from None
    return from_networkx(path.stem, held, options, where=str(path))


def from_networkx(
    name: str, held: Any, options: dict, *, where: str = "", target: tuple[str, ...] = ()
) -> Source:
    """A graph of networkx; attributes of nodes are columns, "weight" is the weight of an edge."""
    notes: list[str] = []
    names = list(held.nodes)
    number = {node: place for place, node in enumerate(names)}
    pairs = [(number[one], number[other], data) for one, other, data in held.edges(data=True)]
    edges = np.array([[one, other] for one, other, _ in pairs], np.int64).reshape(-1, 2).T
    if not held.is_directed():
        edges = np.concatenate([edges, edges[::-1, edges[0] != edges[1]]], axis=1)
    given = [data.get("weight") for *_, data in pairs]
    weights = None
    if given and all(isinstance(one, (int, float)) for one in given):
        weights = np.asarray(given, np.float64)
    if weights is not None and not held.is_directed():
        once = np.array([one != other for one, other, _ in pairs])
        weights = np.concatenate([weights, weights[once]])
    cleaned, weights = clean_edges(edges, len(names), weights, notes, where or name)
    frame = plain_frame(DataFrame([data for _, data in held.nodes(data=True)]), notes)
    plain = not len(frame.columns)
    if plain:
        frame = DataFrame(index=pd.RangeIndex(len(names)))
    table = None if plain or set(frame.columns) <= set(target) else frame
    graph = Graph(None, cleaned, len(names), weights, np.asarray(names, object), table)
    about = f"{name}: {counted(len(names), 'node')}, {edges_text(graph)}"
    standard = "edge" if plain else "node"
    return nodes_or_pairs(name, graph, frame, target, notes, options, about, standard, None)
