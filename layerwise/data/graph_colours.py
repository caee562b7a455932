"""Nodes and graphs as numbers of 64 bits: what looks the same to a network has the same number.

Weisfeiler and Leman 1968, "The reduction of a graph to canonical form": each node's colour is
mixed with those of its neighbours, again and again.
"""

import numpy as np
from torch import Tensor, strided

from layerwise.data.dividing import scramble

ROUNDS = 2  # as far as a network of two layers sees


def of_nodes(features: Tensor, edges: np.ndarray) -> np.ndarray:
    """Colour of each node (nodes,) uint64 by its features and those around it."""
    colours = _of_features(features)
    for turn in range(ROUNDS):
        heard = np.zeros_like(colours)
        np.add.at(heard, edges[1], scramble(colours[edges[0]], turn))
        colours = scramble(colours + scramble(heard, 10 + turn), 20 + turn)
    return colours


def of_graphs(colours: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Number of each graph (graphs,) uint64, whatever the order of its nodes."""
    totals = np.zeros(int(owners.max()) + 1, np.uint64)
    np.add.at(totals, owners, scramble(colours, 30))
    return totals


def of_pairs(pairs: np.ndarray) -> np.ndarray:
    """Number of each pair of nodes (pairs,) uint64, whichever comes first."""
    ends = np.sort(pairs, axis=1).astype(np.uint64)
    return scramble(scramble(ends[:, 0], 1) + ends[:, 1], 2)


def _of_features(features: Tensor) -> np.ndarray:
    """One number per node that its features decide, (nodes,) uint64."""
    colours = np.zeros(features.shape[0], np.uint64)
    if features.layout == strided:
        for place, column in enumerate(features.numpy().T):
            colours += scramble(_bits(column), place)
        return colours
    begins, columns = features.crow_indices().numpy(), features.col_indices().numpy()
    rows = np.repeat(np.arange(len(colours)), np.diff(begins))
    mixed = scramble(columns.astype(np.uint64), 1) + _bits(features.values().numpy())
    np.add.at(colours, rows, scramble(mixed, 2))
    return colours


def _bits(values: np.ndarray) -> np.ndarray:
    return (values.astype(np.float64) + 0.0).view(np.uint64)
