"""What simple methods reach on graphs: labels that spread, degrees, features without edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from layerwise.data.graph import Graph
from layerwise.data.graph_preparation import GraphPreparation
from layerwise.data.source import Source
from layerwise.errors import SettingsError, nearest
from layerwise.evaluation.baselines import BaselineResult, fit_baselines

ROUNDS = 200  # in which labels spread
PULLS = (0.5, 0.8, 0.95, 1.0)  # how much of a label is left after a step; 1 is the paper's
STRENGTHS = (1.0, 10.0, 100.0, 1000.0, 10_000.0)  # scikit-learn's C for words
LONGEST = 10  # neighbours that are counted apart in a graph's histogram
CLASSIFIED = ("binary", "classes")

NAMES = (
    "majority", "mean", "label_propagation", "degree", "features", "common_neighbours",
    "preferential_attachment", "adamic_adar",
)  # fmt: skip


def fit(
    names: Sequence[str],
    source: Source,
    preparation: GraphPreparation,
    parts: np.ndarray,
    *,
    seconds: float = 60.0,
    seed: int = 0,
) -> list[BaselineResult]:
    """Fit baselines on the training rows and let them predict all rows.

    names : of ``NAMES``; one that does not go with the level or the target says so in its note
    parts : (rows,) "train", "validation", "test" or ""
    Raises SettingsError for another name.
    """
    for name in names:
        if name not in NAMES:
            raise SettingsError(f"There is no baseline '{name}' of graphs.{nearest(name, NAMES)}")
    return [_one(name, source, preparation, parts, seconds / len(names), seed) for name in names]


def _one(name, source, preparation, parts, seconds: float, seed: int) -> BaselineResult:
    began = monotonic()
    targets = preparation.targets(source)
    if name in ("majority", "mean"):
        nothing = torch.zeros(len(parts), 1)
        return _fitted(name, name, nothing, preparation, targets, parts, seconds, seed)
    if name == "label_propagation":
        if preparation.level != "node" or preparation.target.kind not in CLASSIFIED:
            return _not_fitted(name, preparation, len(parts), "it spreads classes of nodes")
        scores, note = label_propagation(source, preparation, parts)
        return BaselineResult(name, scores, monotonic() - began, note)
    if name == "features" and _are_words(preparation, source, parts):
        scores, note = word_regression(source, preparation, parts, seed)
        return BaselineResult(name, scores, monotonic() - began, note)
    inputs = _inputs(name, source, preparation, parts)
    if inputs is None:
        reason = f"it has nothing to say of rows that are of the level {preparation.level}"
        return _not_fitted(name, preparation, len(parts), reason)
    model = "logistic" if preparation.target.kind in (*CLASSIFIED, "labels") else "linear"
    return _fitted(name, model, inputs, preparation, targets, parts, seconds, seed)


def _fitted(name, model, inputs, preparation, targets, parts, seconds, seed) -> BaselineResult:
    """One of the general baselines on these inputs (rows, numbers), under its own name."""
    answers = preparation.in_units(targets)
    found = fit_baselines(
        [model], inputs, answers, None, parts, preparation.target, seconds=seconds, seed=seed
    )[0]
    return replace(found, name=name)


def _not_fitted(name: str, preparation: GraphPreparation, rows: int, why: str) -> BaselineResult:
    target = preparation.target
    width = len(target.classes) if target.kind in CLASSIFIED else max(1, len(target.names))
    return BaselineResult(name, np.full((rows, width), np.nan), 0.0, f"Not fitted: {why}.")


# -------------------------------------------------------------------------- labels that spread


def label_propagation(
    source: Source, preparation: GraphPreparation, parts: np.ndarray
) -> tuple[np.ndarray, str]:
    """Chances (rows, classes) of nodes by the labels around them, and a note.

    Zhu and Ghahramani 2002, "Learning from labeled and unlabeled data with label propagation":
    F = P F with P = D^-1 A, then known labels are put back, until nothing changes. Here F of the
    others is also multiplied by a pull, so that near labels count more; the validation rows
    choose it. A node that no label reaches has the shares of the classes. What is said of a
    training node comes from its neighbours.
    """
    graph: Graph = source.whole
    truth = preparation.truth(source, np.arange(len(parts))).reshape(-1)
    where, classes = np.asarray(source.inputs), len(preparation.target.classes)
    known = parts == "train"
    labels = np.zeros((graph.nodes, classes))
    labels[where[known], truth[known]] = 1.0
    shares = np.bincount(truth[known], minlength=classes) / known.sum()
    steps = walk(graph)
    choosing = parts == "validation"
    best: tuple[float, float, np.ndarray] | None = None
    for pull in PULLS if choosing.any() else (1.0,):
        chances = spread(steps, labels, labels.sum(axis=1) > 0, pull, shares)[where]
        right = chances[np.arange(len(truth)), truth]
        loss = -np.log(np.maximum(right[choosing], 1e-7)).mean() if choosing.any() else 0.0
        if best is None or loss < best[0]:
            best = float(loss), pull, chances
    assert best is not None
    chosen = "chosen on validation rows" if choosing.any() else "as in the paper"
    return best[2], f"Labels of {int(known.sum())} rows; pull {best[1]:g}, {chosen}."


def walk(graph: Graph) -> sparse.csr_matrix:
    """D^-1 A, (nodes, nodes): the chance of each neighbour."""
    weights = np.ones(graph.edges.shape[1]) if graph.weights is None else graph.weights
    matrix = sparse.csr_matrix(
        (weights, (graph.edges[1], graph.edges[0])), shape=(graph.nodes, graph.nodes)
    )
    total = np.asarray(matrix.sum(axis=1)).reshape(-1)
    return sparse.csr_matrix(sparse.diags(1 / np.where(total > 0, total, 1.0)) @ matrix)


def spread(
    steps: sparse.csr_matrix, labels: np.ndarray, known: np.ndarray, pull: float, shares: np.ndarray
) -> np.ndarray:
    """Chances (nodes, classes) after labels (nodes, classes) of the ``known`` nodes have spread."""
    now = labels.copy()
    for _ in range(ROUNDS):
        after = pull * np.asarray(steps @ now)
        after[known] = labels[known]
        change, now = np.abs(after - now).max(), after
        if change < 1e-6:
            break
    heard = np.asarray(steps @ now)
    total = heard.sum(axis=1, keepdims=True)
    return np.where(total > 1e-12, heard / np.maximum(total, 1e-12), shares)


# ------------------------------------------------------------------- what is known without a net


def _are_words(preparation: GraphPreparation, source: Source, parts: np.ndarray) -> bool:
    """Whether rows are nodes of several classes that have words, zeros and ones, as features."""
    words = preparation.content["features"]["kind"] == "bag"
    if not words or preparation.level != "node" or preparation.target.kind not in CLASSIFIED:
        return False
    return len(np.unique(preparation.truth(source, np.flatnonzero(parts == "train")))) > 1


def word_regression(
    source: Source, preparation: GraphPreparation, parts: np.ndarray, seed: int
) -> tuple[np.ndarray, str]:
    """Chances (rows, classes) by logistic regression on the words as networks see them.

    Standardized, as numbers of other tables are, rare words would be loud: on Cora it is then
    right for 47 percent of the test nodes instead of 60. Validation rows choose how much it is
    regularized.
    """
    from sklearn.linear_model import LogisticRegression  # half a second to import

    features = _features(source, preparation)
    assert features is not None
    inputs = sparse.csr_matrix(features.numpy())
    truth = preparation.truth(source, np.arange(len(parts))).reshape(-1)
    known, choosing = parts == "train", parts == "validation"
    scores = np.zeros((len(parts), len(preparation.target.classes)))
    best, chosen = np.inf, 0.0
    for strength in STRENGTHS if choosing.any() else (1.0,):
        model = LogisticRegression(C=strength, max_iter=500, random_state=seed)
        model.fit(inputs[known], truth[known])
        chances = np.zeros_like(scores)
        chances[:, model.classes_] = model.predict_proba(inputs)
        right = chances[np.arange(len(truth)), truth]
        loss = -np.log(np.maximum(right[choosing], 1e-7)).mean() if choosing.any() else 0.0
        if loss < best:
            best, scores, chosen = loss, chances, strength
    return scores, f"Fitted on {int(known.sum())} rows; scikit-learn's C is {chosen:g}."


def _inputs(name: str, source: Source, preparation: GraphPreparation, parts) -> Tensor | None:
    """(rows, numbers) that a linear model is given; None where this baseline has none."""
    if name == "features":
        return _features(source, preparation)
    if preparation.level == "edge":
        found = pair_scores(source, preparation, parts)
        return found.get(name)
    if name != "degree":
        return None
    if preparation.level == "graph":
        return torch.from_numpy(graph_counts(source.whole)[np.asarray(source.inputs)])
    return torch.from_numpy(np.log1p(source.whole.degrees)[np.asarray(source.inputs), None])


def _features(source: Source, preparation: GraphPreparation) -> Tensor | None:
    """Features of each row, whatever its edges: of a graph their means and its size."""
    kind = preparation.content["features"]["kind"]
    if preparation.level == "edge" or kind in ("identity", "degree"):
        return None
    features = preparation.messages(source).features
    features = features if features.layout == torch.strided else features.to_dense()
    if preparation.level == "node":
        return features[torch.from_numpy(np.asarray(source.inputs))]
    owners = torch.from_numpy(source.whole.graph_of_node)
    sizes = torch.bincount(owners)
    totals = torch.zeros(len(sizes), features.shape[1]).index_add(0, owners, features)
    sizes = sizes.unsqueeze(1).float()
    means = torch.cat([totals / sizes.clamp(min=1), sizes.log1p()], dim=1)
    return means[torch.from_numpy(np.asarray(source.inputs))]


def graph_counts(graph: Graph) -> np.ndarray:
    """(graphs, numbers): logarithms of nodes and edges, mean degree, shares of each degree."""
    owners, degrees = graph.graph_of_node, graph.degrees
    assert owners is not None
    count = int(owners.max()) + 1
    nodes = np.bincount(owners, minlength=count)
    edges = np.bincount(owners, degrees, minlength=count)
    places = owners * (LONGEST + 1) + np.minimum(degrees, LONGEST)
    histogram = np.bincount(places, minlength=count * (LONGEST + 1)).reshape(count, -1)
    sizes = np.maximum(nodes, 1)
    numbers = [np.log1p(nodes), np.log1p(edges / 2), edges / sizes]
    return np.column_stack([*numbers, histogram / sizes[:, None]])


# -------------------------------------------------------------------------------- pairs of nodes


def pair_scores(
    source: Source, preparation: GraphPreparation, parts: np.ndarray
) -> dict[str, Tensor]:
    """Scores (rows, numbers) of each pair along the training edges, by the baseline's name.

    Liben-Nowell and Kleinberg 2007, "The link-prediction problem for social networks": common
    neighbours, Adamic and Adar's sum of 1 / log degree over them, product of the degrees. The
    edge of a training pair itself does not count. Logarithms of 1 + score.
    """
    edges = preparation.messages(source).edges.numpy()
    nodes, pairs = source.whole.nodes, np.asarray(source.inputs)
    matrix = sparse.csr_matrix((np.ones(edges.shape[1]), tuple(edges)), shape=(nodes, nodes))
    degrees = np.bincount(edges[1], minlength=nodes)
    rare = sparse.diags(1 / np.log(np.maximum(degrees, 2)))
    one, other = pairs.T
    itself = np.asarray(matrix[one, other]).reshape(-1)
    apart = np.stack([degrees[one] - itself, degrees[other] - itself])
    scores: dict[str, Callable[[], np.ndarray]] = {
        "common_neighbours": lambda: matrix[one].multiply(matrix[other]).sum(axis=1),
        "adamic_adar": lambda: (matrix[one] @ rare).multiply(matrix[other]).sum(axis=1),
        "preferential_attachment": lambda: apart.prod(axis=0),
        "degree": lambda: np.sort(apart, axis=0).T,
    }
    made = {name: np.asarray(score(), np.float64) for name, score in scores.items()}
    return {
        name: torch.from_numpy(np.log1p(values.reshape(len(pairs), -1)))
        for name, values in made.items()
    }
