"""How well an associative memory gives back what it stores: from noise, and as it fills up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from layerwise.errors import SettingsError

RECALLED = 0.95  # overlap from which a pattern counts as recalled


class Memory(Protocol):
    """What of a network is needed here."""

    def recall(self, states: Tensor) -> Tensor:
        """Give what the network makes of each row, of the same shape."""
        ...


@dataclass(frozen=True)
class Recalled:
    """How the patterns of one memory came back.

    load : patterns per unit
    stable : share of the patterns that stay exactly as they are
    recalled : share of the patterns that come back with an overlap above 0.95
    overlap : mean overlap of what came back with the pattern
    """

    load: float
    stable: float
    recalled: float
    overlap: float


def corrupt(patterns: Tensor, share: float) -> Tensor:
    """Patterns with a share of the units of each row turned over, chosen by torch's generator.

    patterns : (rows, ...), values -1 and +1; they are not changed
    share : from 0 to 1; of N units the nearest whole number to share N is turned
    returns : the same shape
    """
    if not 0 <= share <= 1:
        raise SettingsError(f"The share of units to corrupt must be from 0 to 1, got {share}.")
    flat = patterns.flatten(1)
    turned = round(share * flat.shape[1])
    places = torch.rand(flat.shape, device=flat.device).argsort(dim=1)[:, :turned]
    return flat.scatter(1, places, -flat.gather(1, places)).reshape(patterns.shape)


def overlaps(states: Tensor, patterns: Tensor) -> Tensor:
    """Agreement of each row, m = 1/N sum x y: 1 for the same, 0 for chance, -1 for the opposite.

    states, patterns : (rows, ...), values -1 and +1
    returns : (rows,)
    """
    return (states.flatten(1) * patterns.flatten(1)).mean(dim=1)


def recall_quality(
    network: Memory, patterns: Tensor, shares: Sequence[float]
) -> dict[float, float]:
    """Mean overlap of what is recalled with the pattern, for each share of corrupted units.

    patterns : (rows, ...), those that the network stores
    """
    return {
        share: float(overlaps(network.recall(corrupt(patterns, share)), patterns).mean())
        for share in shares
    }


def judge_recall(network: Memory, patterns: Tensor, share: float = 0.0) -> Recalled:
    """Say how the patterns come back when a share of each one's units is corrupted.

    patterns : (rows, ...), those that the network stores
    """
    kept = network.recall(patterns)
    found = kept if share == 0 else network.recall(corrupt(patterns, share))
    overlap = overlaps(found, patterns)
    return Recalled(
        load=len(patterns) / patterns[0].numel(),
        stable=float((kept == patterns).flatten(1).all(dim=1).double().mean()),
        recalled=float((overlap > RECALLED).double().mean()),
        overlap=float(overlap.mean()),
    )


def capacity_curve(
    store: Callable[[Tensor], Memory], units: int, loads: Sequence[float], share: float = 0.0
) -> list[Recalled]:
    """Fill a memory with random patterns, more for each load, and judge what comes back.

    store : gives a memory of patterns (rows, units)
    loads : patterns per unit; at least one pattern is stored
    share : of the units, corrupted before recall
    """
    found = []
    for load in loads:
        patterns = torch.randint(0, 2, (max(1, round(load * units)), units)) * 2.0 - 1
        found.append(judge_recall(store(patterns), patterns, share))
    return found
