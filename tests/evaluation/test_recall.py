"""Corruption, overlap and capacity, by hand values and small real memories."""

import pytest
import torch

from layerwise.contracts import Batch
from layerwise.errors import SettingsError
from layerwise.evaluation.recall import (
    capacity_curve,
    corrupt,
    judge_recall,
    overlaps,
    recall_quality,
)
from layerwise.networks.hopfield import Hopfield


class Forgetful:
    """Gives ones for whatever it is asked."""

    def recall(self, states):
        return torch.ones_like(states)


def hopfield(patterns, rule="hebb"):
    network = Hopfield(tuple(patterns.shape[1:]), rule=rule)
    network.solve([Batch(patterns)])
    return network


def test_the_share_of_units_is_turned_in_every_row():
    torch.manual_seed(0)
    patterns = torch.ones(50, 2, 5)
    found = corrupt(patterns, 0.3)
    assert found.shape == patterns.shape
    assert ((found == -1).flatten(1).sum(dim=1) == 3).all()
    assert len(torch.unique(found, dim=0)) > 20  # not the same units in each row
    assert (patterns == 1).all()
    assert corrupt(patterns, 1).equal(-patterns)


def test_a_share_above_one_is_refused():
    with pytest.raises(SettingsError, match=r"from 0 to 1, got 1.5"):
        corrupt(torch.ones(1, 2), 1.5)


def test_overlaps_by_hand():
    states = torch.tensor([[1.0, 1, 1, 1], [1, 1, -1, -1], [1, 1, 1, -1]])
    assert overlaps(states, torch.ones(3, 4)).tolist() == [1.0, 0.0, 0.5]


def test_judgement_by_hand():
    patterns = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, -1]])
    found = judge_recall(Forgetful(), patterns)
    assert (found.load, found.stable, found.recalled, found.overlap) == (0.5, 0.5, 0.5, 0.75)


def test_quality_falls_with_corruption():
    torch.manual_seed(0)
    patterns = torch.randint(0, 2, (5, 80)) * 2.0 - 1
    found = recall_quality(hopfield(patterns), patterns, [0.0, 0.1, 0.5])
    assert found[0.0] == found[0.1] == 1.0
    assert found[0.5] < 0.7


def test_a_memory_that_is_too_full_forgets():
    torch.manual_seed(0)
    few, many = capacity_curve(hopfield, 100, [0.05, 0.5], share=0.1)
    assert (few.load, many.load) == (0.05, 0.5)
    assert few.stable == few.recalled == 1.0
    assert many.stable < 0.1
    assert many.recalled < 0.1
