"""A graph of two tables: one of nodes, and one of edges that names both nodes of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pandas import DataFrame

import layerwise.data.cells as cells
from layerwise.data.graph import Graph, clean_edges
from layerwise.data.graph_rows import edges_text, nodes_or_pairs
from layerwise.data.source import Source, counted
from layerwise.data.table import read_table
from layerwise.errors import DataError, SettingsError, nearest

SOURCES = ("source", "from", "src", "u", "node_1", "node1", "start")
ENDS = ("target", "to", "dst", "v", "node_2", "node2", "end")
WEIGHTS = ("weight", "weights")


def read_graph_tables(
    nodes: Path | None, edges: Path, options: dict, key: str | None = None
) -> Source:
    """A graph of two tables: one row per node, and one row per edge that names both of its nodes.

    nodes : table of nodes; None: they are those that edges name
    key : column of ``nodes`` that names them; absent: the first one that holds all names of edges
    Raises DataError for names that are there twice or not at all.
    """
    about_edges = read_table(edges, options)
    table = None if nodes is None else read_table(nodes, options)
    notes = [*(table.notes if table else ()), *about_edges.notes]
    ends, weights = _ends(about_edges.frame, edges, options)
    frame = DataFrame({"node": _all_names(ends)}) if table is None else table.frame
    where = edges if nodes is None else nodes
    key = _key_column(frame, key or ("node" if table is None else None), ends, where)
    names = _names(frame, key, where)
    pairs = np.stack([_numbers_of(side, names, edges, where) for side in ends])
    cleaned, weights = clean_edges(pairs, len(frame), weights, notes, str(edges))
    plain = table is None or list(frame.columns) == [key]
    graph = Graph(
        None, cleaned, len(frame), weights, np.asarray(names, object),
        None if plain else frame, key=key,
    )  # fmt: skip
    name = (nodes or edges).stem
    about = f"{(nodes or edges).name}: {counted(len(frame), 'node')}, {edges_text(graph)}"
    return nodes_or_pairs(
        name, graph, frame, (), notes, options, about, "edge" if plain else "node", key
    )


def _ends(frame: DataFrame, path: Path, options: dict) -> tuple[list, np.ndarray | None]:
    """Both ends of every edge as texts, and the weights where there is such a column."""
    columns = list(frame.columns)
    if len(columns) < 2:
        raise DataError(
            f"{path} must have two columns that name the nodes of each edge, but has "
            f"{len(columns)}: {', '.join(columns) or 'none'}. Check the separator "
            "(--data.separator)."
        )
    lowered = {str(name).lower(): name for name in columns}
    names = []
    for option, words, place in (("edge_source", SOURCES, 0), ("edge_target", ENDS, 1)):
        given = options.get(option)
        if given is not None and given not in columns:
            raise DataError(
                f"Column '{given}' of --data.{option} is not in {path}.{nearest(given, columns)}"
            )
        found = next((lowered[word] for word in words if word in lowered), columns[place])
        names.append(given or found)
    if names[0] == names[1]:
        raise SettingsError(
            f"Both ends of the edges of {path} are column '{names[0]}'. Give two columns with "
            "--data.edge_source and --data.edge_target."
        )
    texts = [_texts(cells.column(frame, name)) for name in names]
    for name, side in zip(names, texts, strict=True):
        if (side == "").any():
            row = int(np.argmax(side == "")) + 1
            raise DataError(f"{path}: row {row} has no node in column '{name}'. Remove it.")
    weight = next((lowered[word] for word in WEIGHTS if word in lowered), None)
    if weight is None or not cells.is_numeric(cells.column(frame, weight)):
        return texts, None
    return texts, cells.numbers(cells.column(frame, weight)).astype(np.float64)


def _texts(series: pd.Series) -> np.ndarray:
    codes, names = cells.labels(series)
    return np.array([*names, ""], dtype=object)[codes]


def _all_names(ends: list) -> np.ndarray:
    both = np.concatenate(ends)
    return both[np.sort(np.unique(both.astype(str), return_index=True)[1])]


def _key_column(frame: DataFrame, key: str | None, ends: list, where: Path) -> str:
    """The column that names the nodes."""
    columns = list(frame.columns)
    if key is not None:
        if key not in columns:
            raise DataError(
                f"Column '{key}' (key) is not in {where}.{nearest(key, columns)} Give one of them "
                "with --key."
            )
        return key
    wanted = set(ends[0]) | set(ends[1])
    shares = {
        name: len(wanted & set(_texts(cells.column(frame, name)))) / max(1, len(wanted))
        for name in columns
    }
    best = max(columns, key=lambda name: shares[name])
    if shares[best] <= 0.5:
        raise DataError(
            f"No column of {where} holds the names that the edges use, such as "
            f"'{next(iter(ends[0]))}'. Give the column that names the nodes with --key. There are: "
            f"{', '.join(map(str, columns))}."
        )
    return best


def _names(frame: DataFrame, key: str, where: Path) -> np.ndarray:
    names = _texts(cells.column(frame, key))
    series = pd.Series(names)
    if (series == "").any():
        row = int(np.argmax(names == "")) + 1
        raise DataError(f"{where}: row {row} has no name in column '{key}'. Fill it in.")
    if series.duplicated().any():
        twice = names[int(np.argmax(series.duplicated()))]
        raise DataError(
            f"{where}: node '{twice}' is there twice in column '{key}'. Each node has one row: "
            "remove the doubles, or give the column that names the nodes with --key."
        )
    return names


def _numbers_of(side: np.ndarray, names: np.ndarray, edges: Path, where: Path) -> np.ndarray:
    number = {name: place for place, name in enumerate(names)}
    missing = np.array([name not in number for name in side])
    if missing.any():
        row = int(np.argmax(missing))
        raise DataError(
            f"{edges}: row {row + 1} has an edge to node '{side[row]}', which is not in {where} "
            f"({counted(int(missing.sum()), 'edge')} of this kind). Add the node, or remove them."
        )
    return np.array([number[name] for name in side], np.int64)
