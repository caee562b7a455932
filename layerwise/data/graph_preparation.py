"""Preparation of graphs: features, the edges along which messages pass, batches of three levels."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layerwise.contracts import Dataset, Target
from layerwise.data.fitting import (
    fit_target,
    in_target_units,
    target_tensor,
    weight_tensor,
)
from layerwise.data.graph import Graph
from layerwise.data.graph_colours import of_graphs, of_nodes, of_pairs
from layerwise.data.graph_dataset import (
    Answers,
    GraphsDataset,
    Messages,
    NodeDataset,
    PairDataset,
    SampledNodeDataset,
)
from layerwise.data.graph_features import feature_names, fit_features, in_words, make_features
from layerwise.data.neighbour_sampling import neighbours_option
from layerwise.data.roles import Roles, load_roles
from layerwise.data.source import Source
from layerwise.data.target import encode_target
from layerwise.errors import DataError, SettingsError

BASELINES = {
    "node": ("majority", "mean", "label_propagation", "degree", "features", "without_edges"),
    "graph": ("majority", "mean", "degree", "features", "without_edges"),
    "edge": (
        "common_neighbours", "preferential_attachment", "adamic_adar", "degree", "without_edges",
    ),
}  # fmt: skip


class GraphPreparation:
    """The one way from a source of nodes, graphs or pairs to batches.

    "node": features and edges of all nodes are seen, labels of training rows only (transductive);
    with the option inductive, learning sees the graph without the held-out nodes. "edge": only
    the edges among the training rows pass messages, in prediction too. "graph": each graph alone.
    """

    form = "graph"
    categories: tuple[int, ...] = ()

    def __init__(self, content: dict[str, Any], tensors: dict[str, Tensor]):
        self.content, self._tensors = content, tensors
        self.encodings: list = []
        self.roles = load_roles(content["roles"])
        target = content["target"]
        self.target = Target(target["kind"], tuple(target["names"]), tuple(target["classes"]))
        self.level: str = content["inputs"]["level"]
        self.neighbours = tuple(content["inputs"]["neighbours"])

    @classmethod
    def fit(
        cls,
        source: Source,
        roles: Roles,
        target: Target,
        rows: np.ndarray,
        *,
        inputs_as: str = "standard",
    ) -> GraphPreparation:
        """Learn every constant from the training ``rows`` (row numbers) and no others.

        Raises DataError where there are none; SettingsError for options that do not go together.
        """
        rows = np.asarray(rows)
        if not len(rows):
            raise DataError("There are no training rows. Give smaller fractions or more rows.")
        graph, options = source.whole, source.options
        sizes, inductive = _checked_options(graph, options)
        described, tensors = fit_target(source.frame.iloc[rows], roles, target)
        edges, held = _messages(source, roles, target, rows, inductive)
        features, constants = fit_features(
            source, roles, _training_nodes(source, rows), edges,
            str(options.get("node_features") or "auto"),
        )  # fmt: skip
        fitted = {"split": "train", "rows": len(rows)}
        content = {
            "inputs": {
                "form": "graph", "shape": [features["width"]], "dtype": None, "categories_as": "",
                "inputs_as": inputs_as, "fitted": fitted, "level": graph.level,
                "inductive": inductive, "neighbours": list(sizes),
                "graph": graph.fingerprint(), "nodes": graph.nodes,
            },
            "columns": [],
            "roles": asdict(roles),
            "target": asdict(target) | described | {"fitted": fitted},
            "features": features,
        }  # fmt: skip
        return cls(content, tensors | held | constants)

    def to_json(self) -> dict[str, Any]:
        """All but the tensors."""
        return copy.deepcopy(self.content)

    def tensors(self) -> dict[str, Tensor]:
        """Every constant: name -> tensor."""
        return dict(self._tensors)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(features,) of a node."""
        return tuple(self.content["inputs"]["shape"])

    @property
    def network_options(self) -> dict[str, Any]:
        """Whether pairs of nodes are asked for."""
        return {"pairs": True} if self.level == "edge" else {}

    @property
    def baselines(self) -> tuple[str, ...]:
        """What a network is held against at this level."""
        return BASELINES[self.level]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What each number of a node is called; () where they have no names."""
        return feature_names(self.content["features"], self._tensors)

    @property
    def class_weights(self) -> Tensor | None:
        """(classes,) float32: weights that give every class the same say; training rows only."""
        return self._tensors.get("class_weights")

    def dataset(self, source: Source) -> Dataset:
        """All rows of the source, by number, ready for the engine."""
        self.check(source)
        graph: Graph = source.whole
        messages = self.messages(source)
        answers = Answers(self.targets(source), self._weights(source))
        where = torch.from_numpy(np.asarray(source.inputs, np.int64))
        if self.level == "edge":
            return PairDataset(messages, where, answers)
        if self.level == "graph":
            assert graph.graph_of_node is not None
            owners = torch.from_numpy(np.asarray(graph.graph_of_node, np.int64))
            return GraphsDataset(messages, owners, where, answers)
        training = self._training(source, messages, where)
        if self.neighbours:
            return SampledNodeDataset(messages, where, answers, self.neighbours, training)
        return NodeDataset(messages, where, answers, training)

    def messages(self, source: Source) -> Messages:
        """Features of all nodes, and the edges along which messages pass in prediction."""
        edges, weights = self._edges(source)
        features = make_features(self.content["features"], self._tensors, source, edges.numpy())
        return Messages(features, edges, weights)

    def targets(self, source: Source) -> Tensor | None:
        """What the network is to give; None where the source has no target column.

        binary : (rows,) float32 0 or 1; classes : (rows,) int64; labels : (rows, labels) float32;
        count : (rows, targets) float32; real : the same, standardized
        """
        return target_tensor(source, self.roles, self.target, self._tensors)

    def truth(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """Class codes, labels or amounts of some rows, in the units of the data."""
        return encode_target(source.frame.iloc[rows], self.roles, self.target)

    def in_units(self, outputs: Tensor) -> Tensor:
        """Outputs for a real target in the units of the data; others unchanged."""
        return in_target_units(outputs, self.target, self._tensors)

    def check(self, source: Source) -> tuple[str, ...]:
        """What is odd about a source, one sentence each; DataError where it cannot be used."""
        graph = source.whole
        if not isinstance(graph, Graph):
            raise DataError(f"{source.name} is no graph, but this run learned from one.")
        if graph.level != self.level:
            raise DataError(
                f"The rows of {source.name} are of the level {graph.level}, those of training were "
                f"of the level {self.level}. Give --data.level {self.level}."
            )
        if not len(source.frame):
            raise DataError(f"{source.name} has no rows.")
        trained = self.content["inputs"]
        if self.level == "edge" and graph.nodes != trained["nodes"]:
            raise DataError(
                f"{source.name} has {graph.nodes:,} nodes, but this run judges pairs of the "
                f"{trained['nodes']:,} nodes of its own graph. Give that graph."
            )
        if self.level == "node" and graph.fingerprint() != trained["graph"]:
            return ("This is another graph than the one of training (an inductive prediction).",)
        return ()

    def fingerprints(self, source: Source) -> np.ndarray:
        """One number per row that its features and surroundings decide; (rows,) uint64."""
        messages = self.messages(source)
        where = np.asarray(source.inputs)
        if self.level == "edge":
            return of_pairs(where)
        colours = of_nodes(messages.features, messages.edges.numpy())
        if self.level == "node":
            return colours[where]
        return of_graphs(colours, source.whole.graph_of_node)[where]

    def fitted_in_words(self) -> dict[str, str]:
        """What was fitted -> its constants and the training rows that they saw."""
        rows = self.content["inputs"]["fitted"]["rows"]
        words = {"features": in_words(self.content["features"], rows)}
        if self.level == "edge":
            edges = self._tensors["edges"].shape[1] // 2
            words["messages"] = f"pass along the {edges:,} edges of the training rows only"
        elif self.level == "node":
            words["messages"] = (
                "inductive: learning sees the graph without the held-out nodes"
                if self.content["inputs"]["inductive"]
                else "transductive: features and edges of held-out nodes are seen, no labels"
            )
        return words

    def _edges(self, source: Source) -> tuple[Tensor, Tensor | None]:
        if self.level == "edge":
            return self._tensors["edges"], self._tensors.get("edge_weights")
        graph: Graph = source.whole
        weights = None if graph.weights is None else torch.from_numpy(graph.weights)
        return torch.from_numpy(np.ascontiguousarray(graph.edges)), weights

    def _training(self, source: Source, messages: Messages, where: Tensor) -> Any | None:
        """The graph of training, where it is another: see NodeDataset."""
        same = source.whole.fingerprint() == self.content["inputs"]["graph"]
        if "kept" not in self._tensors or not same:
            return None
        kept = self._tensors["kept"]
        inner, place = messages.only(kept)
        return inner, place, kept[where]

    def _weights(self, source: Source) -> Tensor | None:
        return weight_tensor(source, self.roles)


def _checked_options(graph: Graph, options: dict) -> tuple[tuple[int, ...], bool]:
    """Neighbours per step, and whether learning sees no held-out nodes."""
    sizes = neighbours_option(options.get("neighbours"))
    inductive = str(options.get("inductive", "")).lower() in ("true", "1", "yes")
    for name, given in (("neighbours", sizes), ("inductive", inductive)):
        if given and graph.level != "node":
            raise SettingsError(
                f"--data.{name} goes with rows that are nodes, but here they are of the level "
                f"{graph.level}. Leave it out."
            )
    return sizes, inductive


def _training_nodes(source: Source, rows: np.ndarray) -> np.ndarray:
    """Numbers of the nodes that belong to the training rows."""
    where, graph = np.asarray(source.inputs)[rows], source.whole
    if graph.level == "graph":
        return np.flatnonzero(np.isin(graph.graph_of_node, where))
    return np.unique(where)


def _messages(
    source: Source, roles: Roles, target: Target, rows: np.ndarray, inductive: bool
) -> tuple[np.ndarray, dict[str, Tensor]]:
    """Edges (2, edges) along which messages pass in training, and what must be kept of them."""
    graph: Graph = source.whole
    where = np.asarray(source.inputs)
    if graph.level == "edge":
        linked = encode_target(source.frame.iloc[rows], roles, target).reshape(-1) == 1
        inside = _among(graph, where[rows][linked])
        held = {"edges": torch.from_numpy(graph.edges[:, inside].copy())}
        if graph.weights is not None:
            held["edge_weights"] = torch.from_numpy(graph.weights[inside])
        return graph.edges[:, inside], held
    if not inductive:
        return graph.edges, {}
    kept = np.ones(graph.nodes, bool)
    kept[where] = False  # rows that are not for training; nodes that are no rows stay
    kept[where[rows]] = True
    return graph.edges[:, kept[graph.edges].all(axis=0)], {"kept": torch.from_numpy(kept)}


def _among(graph: Graph, pairs: np.ndarray) -> np.ndarray:
    """Whether each edge (edges,) is one of the pairs (pairs, 2), in either direction."""
    codes = np.minimum(*graph.edges) * graph.nodes + np.maximum(*graph.edges)
    wanted = pairs.min(axis=1) * graph.nodes + pairs.max(axis=1)
    return np.isin(codes, wanted)
