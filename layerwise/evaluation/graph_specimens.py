"""What a graph network did: a picture of a small graph, a map of a large one, right by degree."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from layerwise.data.graph import Graph
from layerwise.data.graph_preparation import GraphPreparation
from layerwise.data.source import Source, counted
from layerwise.evaluation.evaluate import device_of, on_device, predict, undisturbed

SMALL = 200  # nodes that can be drawn
MOST_POINTS = 2000  # of a map
BORDERS = (0, 1, 2, 3, 5, 9)  # degrees at which a line of the table begins
CLASSIFIED = ("binary", "classes")


def show(
    network: nn.Module,
    task: Any,
    preparation: GraphPreparation,
    source: Source,
    rows: np.ndarray,
    *,
    seed: int,
) -> dict[str, Any]:
    """Sentences, tables and arrays of the judged ``rows`` (row numbers).

    "graph_places" (nodes, 2), "graph_edges" (edges, 2), and of nodes "graph_said" (nodes,) the
    predicted class and "graph_wrong" (nodes,) 1 where a judged one is wrong, or of pairs
    "graph_pairs" (rows, 4) both nodes, truth, chance; "map_places" (rows, 2) and "map_classes"
    (rows,) of at most 2000 rows.
    """
    rows = np.asarray(rows)
    found: dict[str, Any] = {"sentences": [], "tables": [], "arrays": {}}
    if preparation.target.kind not in CLASSIFIED or not len(rows):
        return found
    dataset = preparation.dataset(source)
    scores = predict(network, task, dataset).reshape(len(source.frame), -1).numpy()
    said = scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0.5).astype(int)
    truth = preparation.truth(source, np.arange(len(source.frame))).reshape(-1)
    graph: Graph = source.whole
    if preparation.level == "node":
        _by_degree(found, graph, source, rows, said == truth)
        found["sentences"].append(alike(graph, np.asarray(source.inputs), truth))
    if graph.nodes <= SMALL and preparation.level != "graph":
        found["arrays"] |= _picture(graph, preparation, source, rows, said, truth, scores, seed)
    if preparation.level != "edge" and hasattr(network, "embed"):
        found["arrays"] |= _map(network, preparation, dataset, rows, truth, seed)
    return found


def alike(graph: Graph, nodes: np.ndarray, truth: np.ndarray) -> str:
    """Say how many edges join nodes of one class; where few do, edges may mislead."""
    classes = np.full(graph.nodes, -1)
    classes[nodes] = truth
    ends = classes[graph.edges]
    known = (ends >= 0).all(axis=0)
    if not known.any():
        return "No edge joins two nodes whose class is known."
    share = (ends[0, known] == ends[1, known]).mean()
    shares = np.bincount(truth) / len(truth)
    return (
        f"{share:.0%} of the edges between nodes of known class join nodes of the same class; by "
        f"chance it would be {float((shares**2).sum()):.0%}."
    )


def places(graph: Graph, seed: int) -> np.ndarray:
    """Where each node is drawn, (nodes, 2): linked ones near each other.

    Fruchterman and Reingold 1991, "Graph drawing by force-directed placement": all push each
    other away as 1 / distance, edges pull as its square, and it cools.
    """
    nodes = graph.nodes
    now = np.random.default_rng(seed).uniform(-1, 1, (nodes, 2))
    near = np.zeros((nodes, nodes))
    near[tuple(graph.edges)] = 1.0
    wide = (4 / nodes) ** 0.5
    for heat in np.linspace(0.2, 0.002, 200):
        apart = now[:, None] - now[None]
        distance = np.maximum(np.linalg.norm(apart, axis=2), 1e-3)
        force = wide**2 / distance**2 - near * distance / wide
        move = (apart * force[..., None]).sum(axis=1) - 0.5 * now  # and all pull to the middle
        length = np.maximum(np.linalg.norm(move, axis=1, keepdims=True), 1e-9)
        now += move / length * np.minimum(length, heat)
    return now


def _picture(
    graph: Graph, preparation, source: Source, rows, said, truth, scores, seed: int
) -> dict[str, np.ndarray]:
    """The small graph with what is said of its nodes or pairs."""
    nodes, where = graph.nodes, np.asarray(source.inputs)
    edges = preparation.messages(source).edges.numpy()
    drawn = edges[:, edges[0] < edges[1]].T
    arrays = {"graph_places": places(graph, seed), "graph_edges": drawn.astype(np.float32)}
    if preparation.level == "edge":
        pairs = np.column_stack([where[rows], truth[rows], scores[rows, -1]])
        return arrays | {"graph_pairs": pairs.astype(np.float32)}
    classes, wrong = np.full(nodes, -1.0), np.zeros(nodes)
    classes[where] = said
    wrong[where[rows]] = said[rows] != truth[rows]
    judged = np.zeros(nodes)
    judged[where[rows]] = 1
    return arrays | {"graph_said": classes, "graph_wrong": wrong, "graph_judged": judged}


@torch.no_grad()
def _map(network: Any, preparation, dataset, rows, truth, seed: int) -> dict[str, np.ndarray]:
    """The two main components of what the network knows of each row."""
    chosen = rows
    if len(rows) > MOST_POINTS:
        chosen = np.sort(np.random.default_rng(seed).choice(rows, MOST_POINTS, replace=False))
    with undisturbed(network):
        batch = on_device(dataset.batch(torch.from_numpy(chosen)), device_of(network))
        known = network.embed(batch.inputs).cpu()
    inputs = batch.inputs
    assert isinstance(inputs, dict)
    if preparation.level == "graph":
        count, owners = len(chosen), inputs["graph"].cpu()
        sizes = torch.bincount(owners, minlength=count).clamp(min=1).unsqueeze(1)
        known = torch.zeros(count, known.shape[1]).index_add(0, owners, known) / sizes
    else:
        known = known[inputs["rows"].cpu()]
    points = _components(known.double().numpy())
    return {"map_places": points, "map_classes": truth[chosen].astype(np.float32)}


def _components(known: np.ndarray) -> np.ndarray:
    centred = known - known.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    points = (left * sizes)[:, :2]
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))


def _by_degree(found: dict, graph: Graph, source: Source, rows, right: np.ndarray) -> None:
    """A table of how often nodes are right by their number of neighbours."""
    degrees = graph.degrees[np.asarray(source.inputs)[rows]]
    lines = np.searchsorted(BORDERS, degrees, side="right") - 1
    table = []
    for line, low in enumerate(BORDERS):
        inside = lines == line
        if inside.any():
            high = BORDERS[line + 1] - 1 if line + 1 < len(BORDERS) else None
            name = (
                f"{low} or more" if high is None else f"{low}" if high == low else f"{low}-{high}"
            )
            share = float(right[rows][inside].mean())
            table.append([name, int(inside.sum()), f"{share:.3f}"])
    found["tables"].append(
        {
            "title": "Right answers by number of neighbours",
            "columns": ["neighbours", "nodes", "share right"],
            "rows": table,
        }
    )
    alone = int((degrees == 0).sum())
    if alone:
        found["sentences"].append(
            f"Without a neighbour, so that edges say nothing: {counted(alone, 'judged node')} of "
            f"{len(rows):,}."
        )
