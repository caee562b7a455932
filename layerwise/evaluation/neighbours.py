"""Held-out rows that are nearly training rows: closer than neighbours are by chance."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from layerwise.data.preparation import Preparation
from layerwise.data.source import Source
from layerwise.evaluation.fingerprints import some_rows

TOLERANCE = 0.01  # standard deviations, root mean square over the inputs
OF_IMAGES = 0.05  # deviations of an image's own pixels
SIDE = 8  # images are averaged down to 8 x 8
NEAR = 20  # times nearer than the tenth neighbour of a typical row
NEIGHBOURS = 10
LEAST_NUMBERS = 4  # different continuous inputs; with fewer, rows come this close by chance
DIRECTIONS = 16  # onto which wide rows are projected for the search
SAMPLE, AGAINST = 100, 10_000  # rows that tell how far neighbours are


@dataclass(frozen=True)
class Near:
    """Pairs of rows that are nearly equal.

    pairs : (found, 2) places of the held-out row and of the training row
    limit : root mean square difference up to which rows are called nearly equal
    judged : whether such pairs mean anything with these inputs
    """

    pairs: np.ndarray
    limit: float
    judged: bool


def near_pairs(held: np.ndarray, training: np.ndarray, numbers: int, tolerance: float) -> Near:
    """Find for each held-out row a training row within the limit.

    The limit is ``tolerance``, or where rows lie closer together than that, a twentieth of the
    median distance to the tenth neighbour. Wide rows are looked up along 16 random directions
    (a pair is missed in one of a thousand cases) and then compared in full.

    held, training : (rows, features), standardized
    numbers : how many of the features are continuous
    """
    none = np.empty((0, 2), np.int64)
    if numbers < LEAST_NUMBERS or not len(held) or len(training) <= NEIGHBOURS:
        return Near(none, tolerance, False)
    limit = min(tolerance, _usual_distance(held, training) / NEAR)
    pairs = _within(held, training, limit) if limit > 0 else none
    by_chance = len(held) * float(NEAR) ** -min(numbers, 30)
    judged = limit > 0 and (not len(pairs) or len(pairs) > 10 * by_chance)
    return Near(pairs, limit, judged)


def comparable(source: Source, preparation: Preparation, rows: np.ndarray) -> np.ndarray:
    """Give rows in which distances mean something; (rows, features) float32.

    Tables and vectors: as the network sees them, codes as numbers. Images: averaged to 8 x 8 and
    one channel, brightness and contrast taken out, so that copies with other sizes, qualities or
    exposures stay equal.
    """
    if preparation.form in ("images", "masks"):
        assert source.inputs is not None
        masked = preparation.form == "masks"  # which are the last channel, and no input
        return _small(source.inputs[:, :-1] if masked else source.inputs, rows)
    inputs = preparation.inputs(some_rows(source, rows))
    if isinstance(inputs, dict):
        return torch.cat([inputs["numbers"], inputs["codes"].float()], dim=1).numpy()
    return inputs.numpy()


def continuous(features: np.ndarray) -> int:
    """Give how many features have more than 20 different values."""
    some = features[: 20 * SAMPLE]
    return sum(len(np.unique(column)) > 20 for column in some.T)


def _small(images: np.ndarray, rows: np.ndarray, at_once: int = 1024) -> np.ndarray:
    found = []
    for first in range(0, len(rows), at_once):
        block = torch.from_numpy(np.asarray(images[rows[first : first + at_once]])).float()
        grey = block.reshape(len(block), -1, *block.shape[-2:]).mean(dim=1, keepdim=True)
        sides = min(grey.shape[2], SIDE), min(grey.shape[3], SIDE)
        found.append(nn.functional.adaptive_avg_pool2d(grey, sides).flatten(1).numpy())
    small = np.concatenate(found) if found else np.empty((0, 1), np.float32)
    small -= small.mean(axis=1, keepdims=True)
    spread = small.std(axis=1, keepdims=True)
    return small / np.where(spread > 0, spread, 1)


def _usual_distance(held: np.ndarray, training: np.ndarray) -> float:
    """Give the median distance of held-out rows to their tenth neighbour, root mean square."""
    few = held[np.linspace(0, len(held) - 1, min(SAMPLE, len(held))).astype(int)].astype(np.float64)
    many = training[
        np.linspace(0, len(training) - 1, min(AGAINST, len(training))).astype(int)
    ].astype(np.float64)
    squares = (few**2).sum(axis=1)[:, None] + (many**2).sum(axis=1) - 2 * few @ many.T
    tenth = np.partition(squares, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]
    return float(np.median(np.sqrt(np.maximum(tenth, 0) / held.shape[1])))


def _within(held: np.ndarray, training: np.ndarray, limit: float) -> np.ndarray:
    from scipy.spatial import KDTree  # slow to import

    width = held.shape[1]
    radius, looked, known = limit * np.sqrt(width), held, training
    if width > DIRECTIONS:
        generator = np.random.default_rng(0)
        directions = generator.normal(size=(width, DIRECTIONS))
        directions /= np.linalg.norm(directions, axis=0)
        looked, known, radius = held @ directions, training @ directions, 4 * limit
    tree = KDTree(known, balanced_tree=False, compact_nodes=False)
    places = tree.query(looked, k=5, p=np.inf, distance_upper_bound=radius)[1]
    pairs = []
    for column in np.asarray(places).T:
        rows = np.flatnonzero(column < len(training))
        gaps = held[rows].astype(np.float64) - training[column[rows]]
        close = np.sqrt((gaps**2).mean(axis=1)) <= limit
        pairs.append(np.stack([rows[close], column[rows[close]]], axis=1))
    found = np.concatenate(pairs)
    return found[np.unique(found[:, 0], return_index=True)[1]]
