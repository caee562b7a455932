"""Small real graphs and preparations for the tests of graphs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from layerwise.data.graph import Graph, clean_edges, node_source, pair_source, side_by_side
from layerwise.data.graph_preparation import GraphPreparation
from layerwise.data.graph_rows import graphs_source
from layerwise.data.roles import assign_roles
from layerwise.data.target import describe_target

# two triangles, joined by one edge, and a node alone
TRIANGLES = np.array([[0, 1, 2, 3, 4, 5, 2], [1, 2, 0, 4, 5, 3, 3]])


def triangles(**options):
    """Seven nodes with three features and the class "left" or "right"."""
    edges, _ = clean_edges(TRIANGLES, 7, None, [], "here")
    features = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    frame = pd.DataFrame({"side": ["left"] * 3 + ["right"] * 4})
    graph = Graph(features, edges, 7)
    return replace(node_source("triangles", graph, frame, ("side",), []), options=options)


def pairs(graph, **options):
    return replace(pair_source("pairs", graph, []), options=options)


def random_graph(nodes=60, edges=150, seed=0, features=4):
    chance = np.random.default_rng(seed)
    cleaned, _ = clean_edges(chance.integers(0, nodes, (2, edges)), nodes, None, [], "here")
    return Graph(chance.normal(size=(nodes, features)).astype(np.float32), cleaned, nodes)


def rings(count=12, **options):
    """Rings and paths of three to six nodes without features; a ring has label 1."""
    ends, sizes, start = [], [], 0
    for number in range(count):
        size = 3 + number // 2 % 4
        ring = [(start + place, start + (place + 1) % size) for place in range(size)]
        ends += ring if number % 2 else ring[:-1]
        sizes.append(size)
        start += size
    edges, _ = clean_edges(np.array(ends).T, start, None, [], "here")
    graph = Graph(None, edges, start, graph_of_node=side_by_side(np.array(sizes)), level="graph")
    frame = pd.DataFrame({"label": np.arange(count) % 2})
    return graphs_source("rings", graph, frame, ("label",), [], options, "rings and paths")


def prepared(source, rows):
    roles = assign_roles(source)
    return GraphPreparation.fit(source, roles, describe_target(source, roles), np.asarray(rows))


def dense_answer(features, edges, weights, nodes, layers):
    """GCN written plainly with matrices: layers are (weight, bias)."""
    adjacency = torch.eye(nodes)
    for (one, other), weight in zip(edges.T.tolist(), weights.tolist(), strict=True):
        adjacency[other, one] += weight
    scale = adjacency.sum(1).rsqrt()
    matrix = scale[:, None] * adjacency * scale[None]
    now = features
    for place, (weight, bias) in enumerate(layers):
        now = matrix @ (now if not place else now.relu()) @ weight.T + bias
    return now
