"""Many graphs in the format of TU Dortmund: text files of edges, graphs, labels, attributes."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from pathlib import Path

import numpy as np

from layerwise.data.graph import Graph, chosen_level, clean_edges, plain_labels
from layerwise.data.graph_rows import edges_text, graphs_source
from layerwise.data.source import Source
from layerwise.errors import DataError


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
    about = f"{name}: {len(labels):,} graphs, {len(owners):,} nodes, {edges_text(graph)}"
    return graphs_source(name, graph, plain_labels(whole), ("label",), notes, options, about)


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
