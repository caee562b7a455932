"""What the rows of a graph are, nodes, pairs or whole graphs, whichever file it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pandas import DataFrame

from layerwise.data.graph import Graph, chosen_level, node_source, pair_source
from layerwise.data.source import Source, counted
from layerwise.errors import DataError

MASKS = {"train": ("train_mask",), "validation": ("val_mask", "validation_mask"),
         "test": ("test_mask",)}  # fmt: skip
TRANSDUCTIVE = (
    "Transductive: learning sees features and edges of all nodes, but labels of training rows "
    "only. With --data.inductive true it does not see held-out nodes."
)
INDUCTIVE = "Inductive: learning sees neither held-out nodes nor their edges."


def nodes_or_pairs(
    name, graph: Graph, frame, target, notes, options, about, standard, key, parts=None
) -> Source:
    """A source whose rows are the nodes of a graph, or pairs of them, as the options ask.

    standard : the level where none is asked for
    key : column that names the nodes; parts : the part of each node, where the file fixes it
    """
    level = chosen_level(options, standard, ("node", "edge"))
    if level == "edge":
        return pair_source(name, graph, notes, options=options, about=about)
    inductive = str(options.get("inductive", "")).lower() in ("true", "1", "yes")
    notes.append(INDUCTIVE if inductive else TRANSDUCTIVE)
    if parts is not None and (parts == "unused").any():
        notes.append(
            f"In no part: {counted(int((parts == 'unused').sum()), 'node')}; they lend features "
            "and edges only."
        )
    roles = {} if key is None else {"key": key}
    return node_source(
        name, graph, frame, target, notes, options=options, about=about, parts=parts, roles=roles
    )


def graphs_source(
    name: str, graph: Graph, frame: DataFrame, target: tuple[str, ...], notes: list[str],
    options: dict, about: str,
) -> Source:  # fmt: skip
    """A source whose rows are whole graphs."""
    owners = graph.graph_of_node
    assert owners is not None
    bare = len(frame) - len(np.unique(owners[graph.edges[1]]))
    if bare:
        notes.append(f"Without an edge: {counted(bare, 'graph')} of {len(frame):,}.")
    return Source(
        name, frame, np.arange(len(frame)), target, notes=tuple(notes), about=about,
        options=options, form="graph", whole=graph,
    )  # fmt: skip


def edges_text(graph: Graph) -> str:
    """Give "1 edge" or "1,234 edges"."""
    return counted(graph.edges.shape[1] // 2, "edge")


def number_of_nodes(features: Any, labels: Any, edges: np.ndarray, where: Path | str) -> int:
    """How many nodes there are. Raises DataError where features and labels disagree."""
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


def parts_of_masks(
    arrays: dict[str, np.ndarray], nodes: int, where: Path | str
) -> np.ndarray | None:
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
