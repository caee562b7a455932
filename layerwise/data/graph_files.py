"""Readers of graphs: tables of nodes and edges, .npz, GraphML, the TU format, PyTorch Geometric."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas import DataFrame
from scipy import sparse

from layerwise.data import cells
from layerwise.data.frames import plain_frame
from layerwise.data.graph import (
    Graph,
    chosen_level,
    clean_edges,
    node_source,
    pair_source,
    plain_labels,
    side_by_side,
)
from layerwise.data.source import Source, counted
from layerwise.data.table import read_table
from layerwise.errors import DataError, SettingsError, nearest

SOURCES = ("source", "from", "src", "u", "node_1", "node1", "start")
ENDS = ("target", "to", "dst", "v", "node_2", "node2", "end")
WEIGHTS = ("weight", "weights")
LABELS = ("y", "label", "labels")
MASKS = {"train": ("train_mask",), "validation": ("val_mask", "validation_mask"),
         "test": ("test_mask",)}  # fmt: skip
TRANSDUCTIVE = (
    "Transductive: learning sees features and edges of all nodes, but labels of training rows "
    "only. With --data.inductive true it does not see held-out nodes."
)
INDUCTIVE = "Inductive: learning sees neither held-out nodes nor their edges."


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
    about = f"{(nodes or edges).name}: {counted(len(frame), 'node')}, {_edges_text(graph)}"
    return _nodes_or_pairs(
        name, graph, frame, (), notes, options, about, "edge" if plain else "node", key
    )


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
    nodes = _number_of_nodes(features, labels, edges, path)
    weights = arrays.get("edge_weight", arrays.get("edge_weights"))
    if edges.ndim == 2 and edges.shape[0] != 2 and edges.shape[1] == 2:
        edges = edges.T
    cleaned, weights = clean_edges(edges, nodes, weights, notes, str(path))
    graph = Graph(features, cleaned, nodes, weights)
    standard = "node" if labels is not None else "edge"
    frame = DataFrame(index=pd.RangeIndex(nodes)) if labels is None else plain_labels(labels)
    parts = _parts(arrays, nodes, path)
    about = f"{path.name}: {counted(nodes, 'node')}, {_edges_text(graph)}"
    target = () if labels is None else ("label",)
    return _nodes_or_pairs(
        path.stem, graph, frame, target, notes, options, about, standard, None, parts
    )


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
    about = f"{name}: {counted(len(names), 'node')}, {_edges_text(graph)}"
    standard = "edge" if plain else "node"
    return _nodes_or_pairs(name, graph, frame, target, notes, options, about, standard, None)


# --------------------------------------------------------------------------------- TU format


def is_tu(path: Path) -> bool:
    """Whether a zip or a folder holds files in the TU format, such as MUTAG_A.txt."""
    return any(name.endswith(("_A.txt", "_graph_indicator.txt")) for name in _tu_names(path))


def read_tu(path: Path, options: dict) -> Source:
    """Many graphs in the format of TU Dortmund (Morris et al. 2020), packed or in a folder.

    Labels of nodes become one number each, attributes are taken as they are. Raises DataError
    where a file is absent or does not fit the others.
    """
    chosen_level(options, "graph", ("graph",))
    name, texts = _tu_texts(path)
    owners = _tu_numbers(texts, "graph_indicator", path)[:, 0].astype(np.int64) - 1
    edges = _tu_numbers(texts, "A", path).astype(np.int64).T - 1
    labels = _tu_numbers(texts, "graph_labels", path)[:, 0]
    if len(owners) == 0 or (np.diff(owners) < 0).any() or owners[-1] + 1 != len(labels):
        raise DataError(
            f"{path}: {name}_graph_indicator.txt must number the graphs of the nodes 1, 1, 2, ... "
            f"in rising order up to {len(labels)}, the number of lines of graph_labels."
        )
    notes: list[str] = []
    cleaned, _ = clean_edges(edges, len(owners), None, notes, str(path))
    _check_within(cleaned, owners, path)
    features = _tu_features(texts, len(owners), path)
    graph = Graph(features, cleaned, len(owners), graph_of_node=owners, level="graph")
    whole = labels.astype(np.int64) if (labels == labels.astype(np.int64)).all() else labels
    about = f"{name}: {len(labels):,} graphs, {len(owners):,} nodes, {_edges_text(graph)}"
    return graphs_source(name, graph, plain_labels(whole), ("label",), notes, options, about)


def graphs_source(
    name: str, graph: Graph, frame: DataFrame, target: tuple[str, ...], notes: list[str],
    options: dict, about: str,
) -> Source:  # fmt: skip
    """A source whose rows are whole graphs."""
    owners = graph.graph_of_node
    assert owners is not None
    bare = len(frame) - len(np.unique(owners[graph.edges[1]]))
    if bare:
        notes.append(f"{counted(bare, 'graph')} of {len(frame):,} have no edge.")
    return Source(
        name, frame, np.arange(len(frame)), target, notes=tuple(notes), about=about,
        options=options, form="graph", whole=graph,
    )  # fmt: skip


def _tu_names(path: Path) -> list[str]:
    if path.is_dir():
        return sorted(file.name for file in path.iterdir())
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return []


def _tu_texts(path: Path) -> tuple[str, dict[str, bytes]]:
    """Name of the data set, and the contents of its files by what they hold."""
    names = _tu_names(path)
    first = next(name for name in names if name.endswith(("_A.txt", "_graph_indicator.txt")))
    name = re.sub(r"_(A|graph_indicator)\.txt$", "", first.rsplit("/", 1)[-1])
    chosen = {
        file.rsplit("/", 1)[-1][len(name) + 1 : -4]: file
        for file in names
        if file.rsplit("/", 1)[-1].startswith(f"{name}_") and file.endswith(".txt")
    }
    try:
        if path.is_dir():
            return name, {what: (path / file).read_bytes() for what, file in chosen.items()}
        with zipfile.ZipFile(path) as archive:
            return name, {what: archive.read(file) for what, file in chosen.items()}
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise DataError(f"{path} is damaged: {error}. Copy or download it again.") from None


def _tu_numbers(texts: dict[str, bytes], what: str, path: Path) -> np.ndarray:
    """(lines, numbers) float64 of one file. Raises DataError where it is absent or has words."""
    if what not in texts:
        raise DataError(
            f"{path} lacks the file that ends in _{what}.txt. The TU format needs _A.txt, "
            "_graph_indicator.txt and _graph_labels.txt."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # an empty file
            return np.loadtxt(io.BytesIO(texts[what]), delimiter=",", ndmin=2, comments=None)
    except (ValueError, UserWarning) as error:
        raise DataError(f"{path}: the file _{what}.txt is no table of numbers: {error}.") from None


def _tu_features(texts: dict[str, bytes], nodes: int, path: Path) -> np.ndarray | None:
    """Labels of nodes one-hot, their attributes beside them; (nodes, features) float32."""
    pieces = []
    for what in ("node_labels", "node_attributes"):
        if what not in texts:
            continue
        values = _tu_numbers(texts, what, path)
        if len(values) != nodes:
            raise DataError(
                f"{path}: _{what}.txt has {len(values):,} lines, but there are {nodes:,} nodes."
            )
        if what == "node_labels":
            pieces += [one_hot(column) for column in values.T]
        else:
            pieces.append(values)
    return np.concatenate(pieces, axis=1).astype(np.float32) if pieces else None


def one_hot(values: np.ndarray) -> np.ndarray:
    """(rows, different values) of zeros and ones, the values in rising order."""
    return (values[:, None] == np.unique(values)).astype(np.float32)


def _check_within(edges: np.ndarray, owners: np.ndarray, path: Path | str) -> None:
    between = owners[edges[0]] != owners[edges[1]]
    if between.any():
        one, other = edges[:, int(np.argmax(between))]
        raise DataError(
            f"{path}: an edge leads from node {one + 1} of graph {owners[one] + 1} to node "
            f"{other + 1} of graph {owners[other] + 1}. Graphs must not be connected."
        )


# ------------------------------------------------------------------- PyTorch Geometric objects


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
    nodes = _number_of_nodes(arrays.get("x"), labels, arrays["edge_index"], "The Data object")
    weights = arrays.get("edge_weight")
    edges, weights = clean_edges(arrays["edge_index"], nodes, weights, notes, "The Data object")
    graph = Graph(arrays.get("x"), edges, nodes, weights)
    frame = DataFrame(index=pd.RangeIndex(nodes))
    frame = frame if labels is None else plain_labels(labels.reshape(nodes, -1)[:, 0])
    about = f"a Data object in memory: {counted(nodes, 'node')}, {_edges_text(graph)}"
    parts = _parts(arrays, nodes, "The Data object")
    standard = "edge" if labels is None else "node"
    target = () if labels is None else ("label",)
    return _nodes_or_pairs(
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
    about = f"{len(several):,} Data objects in memory, {total:,} nodes, {_edges_text(graph)}"
    return graphs_source("graphs", graph, plain_labels(labels), ("label",), notes, options, about)


# ---------------------------------------------------------------------------- shared by readers


def _nodes_or_pairs(
    name, graph: Graph, frame, target, notes, options, about, standard, key, parts=None
) -> Source:
    level = chosen_level(options, standard, ("node", "edge"))
    if level == "edge":
        return pair_source(name, graph, notes, options=options, about=about)
    inductive = str(options.get("inductive", "")).lower() in ("true", "1", "yes")
    notes.append(INDUCTIVE if inductive else TRANSDUCTIVE)
    if parts is not None and (parts == "unused").any():
        notes.append(
            f"{counted(int((parts == 'unused').sum()), 'node')} are in no part; they lend their "
            "features and edges only."
        )
    roles = {} if key is None else {"key": key}
    return node_source(
        name, graph, frame, target, notes, options=options, about=about, parts=parts, roles=roles
    )


def _edges_text(graph: Graph) -> str:
    return counted(graph.edges.shape[1] // 2, "edge")


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


def _number_of_nodes(features: Any, labels: Any, edges: np.ndarray, where: Path | str) -> int:
    if features is not None and labels is not None and features.shape[0] != len(labels):
        raise DataError(
            f"{where}: {features.shape[0]:,} nodes have features, but {len(labels):,} have labels. "
            "There must be one of each per node."
        )
    if features is not None:
        return features.shape[0]
    if labels is not None:
        return len(labels)
    return int(edges.max()) + 1 if edges.size else 0


def _parts(arrays: dict[str, np.ndarray], nodes: int, where: Path | str) -> np.ndarray | None:
    """The part of each node by the masks; "unused" in none of them; None without masks."""
    parts, given = np.full(nodes, "unused", "<U10"), False
    for part, names in MASKS.items():
        for mask in (arrays[name] for name in names if name in arrays):
            if mask.shape != (nodes,):
                raise DataError(
                    f"{where}: the mask of {part} nodes must have one value per node ({nodes:,}), "
                    f"got the shape {mask.shape}."
                )
            twice = mask.astype(bool) & (parts != "unused")
            if twice.any():
                raise DataError(
                    f"{where}: node {int(np.argmax(twice))} is in two parts. Masks must not "
                    "overlap."
                )
            parts[mask.astype(bool)], given = part, True
    return parts if given else None
