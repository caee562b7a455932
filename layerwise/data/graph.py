"""A graph, or many side by side, as one record; edges cleaned, pairs of nodes to be judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame

from layerwise.data.source import Source, counted
from layerwise.errors import DataError, SettingsError, nearest

LEVELS = ("node", "graph", "edge")
LINKED = "linked"  # the target of pairs: 1 where there is an edge
SEED = 0  # of the pairs without an edge that are drawn


@dataclass(frozen=True)
class Graph:
    """Nodes and the edges between them; an edge goes both ways and stands there twice.

    features : (nodes, features) float32, dense or scipy's CSR; None: none are given
    edges : (2, edges) int64, sorted by the node that they lead to; no node leads to itself
    nodes : number of nodes
    weights : (edges,) float32; None: all are 1
    names : what each node is called, (nodes,); None: by its number
    table : columns of all nodes, from which features are made; None: there is none
    graph_of_node : (nodes,) number of each node's graph, rising, where there are many
    level : what a row of the source is: "node", "graph" or "edge"
    key : the column of ``table`` that names the nodes
    """

    features: Any
    edges: np.ndarray
    nodes: int
    weights: np.ndarray | None = None
    names: np.ndarray | None = None
    table: DataFrame | None = None
    graph_of_node: np.ndarray | None = None
    level: str = "node"
    key: str | None = None

    @property
    def degrees(self) -> np.ndarray:
        """Number of neighbours of each node, (nodes,) int64."""
        return np.bincount(self.edges[1], minlength=self.nodes)

    def fingerprint(self) -> str:
        """One text that nodes and edges decide."""
        digest = blake2b(str(self.nodes).encode(), digest_size=8)
        digest.update(np.ascontiguousarray(self.edges, "<i8").tobytes())
        return digest.hexdigest()


def clean_edges(
    edges: np.ndarray, nodes: int, weights: np.ndarray | None, notes: list[str], where: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Edges both ways, each once, none from a node to itself; what was odd goes to ``notes``.

    edges : (2, edges) numbers of nodes, as they were given, in one or in both directions
    returns : (2, edges) int64 sorted by the second row, and the weights (edges,) float32: of an
        edge that was given several times their sum, of its two directions the larger
    Raises DataError for edges to nodes that are not there and for weights that are no numbers.
    """
    edges = _checked(np.asarray(edges), nodes, where)
    if weights is not None and not (np.isfinite(weights).all() and (weights > 0).all()):
        raise DataError(
            f"{where}: the weights of edges must be numbers above 0. Leave such edges out."
        )
    loops = edges[0] == edges[1]
    if loops.any():
        notes.append(
            f"{counted(int(loops.sum()), 'edge')} from a node to itself left out; the networks "
            "see each node beside its neighbours anyway."
        )
        edges = edges[:, ~loops]
        weights = None if weights is None else weights[~loops]
    codes, place, times = np.unique(
        edges[0] * nodes + edges[1], return_inverse=True, return_counts=True
    )
    if (times > 1).any():
        notes.append(
            f"{counted(int((times - 1).sum()), 'edge')} given more than once; merged"
            + (", weights added." if weights is not None else ".")
        )
    sums = None if weights is None else np.bincount(place, weights)
    back = codes % nodes * nodes + codes // nodes
    single = ~np.isin(back, codes)
    if single.any():
        notes.append(
            f"Edges are read as going both ways; {counted(int(single.sum()), 'edge')} of "
            f"{len(codes):,} stood in one direction only."
        )
    return _both_ways(codes, back, sums, nodes)


def _checked(edges: np.ndarray, nodes: int, where: str) -> np.ndarray:
    if edges.ndim != 2 or edges.shape[0] != 2:
        raise DataError(f"{where}: edges must have the shape (2, edges), got {edges.shape}.")
    if not edges.shape[1]:
        raise DataError(
            f"{where} has no edges. Graph networks learn along edges: give some, or use a table "
            "and --network mlp."
        )
    wrong = (edges < 0) | (edges >= nodes)
    if wrong.any():
        column = int(np.flatnonzero(wrong.any(axis=0))[0])
        raise DataError(
            f"{where}: edge {column + 1} leads from node {edges[0, column]} to node "
            f"{edges[1, column]}, but there are {nodes:,} nodes, numbered from 0. Mend or remove "
            f"it ({counted(int(wrong.any(axis=0).sum()), 'edge')} of this kind)."
        )
    return edges.astype(np.int64)


def _both_ways(codes, back, sums, nodes: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Every edge in both directions, sorted by the node that it leads to."""
    every, place = np.unique(np.concatenate([codes, back]), return_inverse=True)
    edges = np.stack([every % nodes, every // nodes])
    if sums is None:
        return edges, None
    weights = np.zeros(len(every))
    np.maximum.at(weights, place, np.concatenate([sums, sums]))
    return edges, weights.astype(np.float32)


def node_source(
    name: str, graph: Graph, frame: DataFrame, target: tuple[str, ...], notes: list[str], **about
) -> Source:
    """A source whose rows are the nodes of a graph."""
    alone = int((graph.degrees == 0).sum())
    if alone:
        notes.append(f"Without a neighbour: {counted(alone, 'node')} of {graph.nodes:,}.")
    return Source(
        name, frame, np.arange(graph.nodes), target, notes=tuple(notes), form="graph",
        whole=graph, **about,
    )  # fmt: skip


def pair_source(name: str, graph: Graph, notes: list[str], **about) -> Source:
    """A source whose rows are pairs of nodes: all edges, and as many drawn pairs without one.

    Raises DataError where there are not as many pairs without an edge.
    """
    graph = replace(graph, level="edge")
    linked = graph.edges[:, graph.edges[0] < graph.edges[1]].T
    others = _without_edge(graph, len(linked), np.random.default_rng(SEED))
    pairs = np.concatenate([linked, others])
    notes.append(
        f"Rows are pairs of nodes: {counted(len(linked), 'edge')} and as many pairs without one, "
        f"drawn with seed {SEED}. Only edges among the training rows pass messages."
    )
    names = np.arange(graph.nodes) if graph.names is None else graph.names
    frame = DataFrame(
        {"one": names[pairs[:, 0]], "other": names[pairs[:, 1]],
         LINKED: np.repeat([1, 0], [len(linked), len(others)])}
    )  # fmt: skip
    return Source(
        name, frame, pairs, (LINKED,), notes=tuple(notes), form="graph", whole=graph, **about
    )


def _without_edge(graph: Graph, count: int, chance: np.random.Generator) -> np.ndarray:
    """Different pairs (count, 2) of different nodes that have no edge, the smaller number first."""
    nodes = graph.nodes
    if nodes * (nodes - 1) // 2 - graph.edges.shape[1] // 2 < count:
        raise DataError(
            f"The graph has {count:,} edges, but fewer pairs of nodes without one, so that edges "
            "cannot be told from others. Edge prediction needs a sparser graph."
        )
    taken, found = graph.edges[0] * nodes + graph.edges[1], np.empty(0, np.int64)
    while len(found) < count:
        pairs = np.sort(chance.integers(0, nodes, (2 * count, 2)), axis=1)
        codes = pairs[pairs[:, 0] < pairs[:, 1]] @ np.array([nodes, 1])
        found = np.concatenate([found, codes[~np.isin(codes, taken)]])
        found = found[np.sort(np.unique(found, return_index=True)[1])]
    return np.stack([found[:count] // nodes, found[:count] % nodes], axis=1)


def chosen_level(options: dict, standard: str, offered: tuple[str, ...] = LEVELS) -> str:
    """What the rows are: "node", "graph" or "edge". Raises SettingsError for another word."""
    level = str(options.get("level") or standard)
    if level not in LEVELS:
        raise SettingsError(f"--data.level '{level}' is not known.{nearest(level, LEVELS)}")
    if level not in offered:
        raise SettingsError(
            f"--data.level {level} does not go with these data; they offer {', '.join(offered)}."
        )
    return level


def without_edges(source: Source) -> Source:
    """The same rows and features, but no node has a neighbour."""
    graph: Graph = source.whole
    weights = None if graph.weights is None else graph.weights[:0]
    return replace(source, whole=replace(graph, edges=graph.edges[:, :0], weights=weights))


def side_by_side(sizes: np.ndarray) -> np.ndarray:
    """Number of each node's graph, (nodes,), of graphs with so many nodes each."""
    return np.repeat(np.arange(len(sizes)), sizes)


def plain_labels(labels: np.ndarray, name: str = "label") -> DataFrame:
    """One column of labels, rows counted from 0."""
    return DataFrame({name: pd.Series(labels)})
