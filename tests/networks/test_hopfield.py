"""The Hopfield network against what is known of it by hand."""

from itertools import pairwise

import pytest
import torch
from torch.testing import assert_close

from layerwise.contracts import Batch
from layerwise.errors import DataError, SettingsError
from layerwise.networks.hopfield import Hopfield


def patterns(rows, units, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 2.0 * torch.randint(0, 2, (rows, units), generator=generator) - 1


def stored(examples, **options):
    network = Hopfield(tuple(examples.shape[1:]), **options)
    network.solve([Batch(piece) for piece in examples.split(2)])
    return network


def overlapping(rows=6, units=40):
    """Patterns that share most of their units, which Hebb's rule mixes up."""
    mostly = torch.rand(rows, units, generator=torch.Generator().manual_seed(0)) < 0.8
    return 2.0 * mostly - 1


def test_one_pattern_of_three_units_is_the_one_worked_by_hand():
    # x = (1, -1, 1): W12 = -1/3, W13 = 1/3, W23 = -1/3; E(x) = -(3 x 1/3) = -1
    network = stored(torch.tensor([[1.0, -1, 1]]))
    wanted = torch.tensor([[0, -1, 1], [-1, 0, -1], [1, -1, 0]]) / 3
    assert_close(network.symmetric_weights(), wanted)
    states = torch.tensor([[1.0, -1, 1], [1, 1, 1], [-1, 1, -1]])
    assert_close(network.energy(states), torch.tensor([-1, 1 / 3, -1]))
    assert network.recall(states[1:2]).tolist() in ([[1, -1, 1]], [[-1, 1, -1]])


def test_energy_is_that_of_a_sum_over_all_pairs():
    network, states = Hopfield((5,)), patterns(4, 5)
    torch.nn.init.normal_(network.weight, generator=torch.Generator().manual_seed(1))
    weights = network.symmetric_weights()
    for state, energy in zip(states, network.energy(states), strict=True):
        pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
        assert_close(energy, -sum(weights[i, j] * state[i] * state[j] for i, j in pairs))


@pytest.mark.parametrize("rule", ["hebb", "pseudo_inverse"])
def test_energy_never_rises_in_recall(rule):
    torch.manual_seed(0)
    network = stored(patterns(8, 40), rule=rule)
    steps = list(network.recall_steps(patterns(20, 40, seed=1)))
    energies = torch.stack([energy for _, energy in steps])
    assert len(steps) > 20
    assert (energies.diff(dim=0) <= 1e-5).all()
    assert (energies[-1] < energies[0]).all()
    for (before, _), (after, _) in pairwise(steps):
        assert ((before != after).sum(dim=1) <= 1).all()  # one unit after the other


def test_what_recall_gives_is_stable_and_is_its_last_step():
    network, start = stored(patterns(8, 40)), patterns(20, 40, seed=1)
    torch.manual_seed(3)
    found = network.recall(start)
    field = found @ network.symmetric_weights()
    assert (field * found >= 0).all()
    torch.manual_seed(3)
    *_, (last, _) = network.recall_steps(start)
    assert found.equal(last)
    assert network(found).equal(found)


def test_units_decide_with_what_the_others_have_just_decided():
    network, start = stored(patterns(8, 32)), patterns(5, 32, seed=1)  # over 32: sums are exact
    torch.manual_seed(5)
    found = network.recall(start, sweeps=1)
    torch.manual_seed(5)
    order, weights = torch.randperm(32), network.symmetric_weights().detach()
    wanted = start.clone()
    for unit in order:
        for state in wanted:
            field = sum(float(weights[unit, other] * state[other]) for other in range(32))
            if field != 0:
                state[unit] = 1.0 if field > 0 else -1.0
    assert found.equal(wanted)


def test_few_patterns_come_back_from_a_fifth_of_wrong_units():
    torch.manual_seed(0)
    examples = patterns(5, 100)
    start = examples.clone()
    start[:, torch.randperm(100)[:20]] *= -1
    assert stored(examples).recall(start).equal(examples)


def test_the_pseudo_inverse_holds_patterns_that_resemble_each_other():
    examples = overlapping()
    weights = stored(examples, rule="pseudo_inverse").symmetric_weights()
    assert (examples * (examples @ weights) > 0).all()
    assert not (examples * (examples @ stored(examples).symmetric_weights()) > 0).all()


def test_the_pseudo_inverse_projects_onto_the_patterns():
    examples = overlapping()
    network = stored(examples, rule="pseudo_inverse")
    gram = examples @ examples.T
    projection = examples.T @ torch.linalg.solve(gram, examples)  # Personnaz et al. 1985
    assert_close(network.weight, projection.fill_diagonal_(0), atol=1e-5, rtol=0)


def test_a_row_counts_as_often_as_its_weight_says():
    examples = patterns(3, 6)
    weighted, twice = Hopfield((6,)), Hopfield((6,))
    weighted.solve([Batch(examples, weight=torch.tensor([2.0, 1, 0]))])
    twice.solve([Batch(examples[[0, 0, 1]])])
    assert_close(weighted.weight, twice.weight)


def test_pictures_keep_their_shape():
    examples = patterns(2, 12).reshape(2, 1, 3, 4)
    assert stored(examples)(examples).shape == (2, 1, 3, 4)


def test_values_between_are_refused():
    with pytest.raises(DataError, match=r"must hold -1 and \+1 only, got 0.5"):
        Hopfield((2,)).energy(torch.tensor([[1.0, 0.5]]))
    with pytest.raises(DataError, match="got 0"):
        Hopfield((2,)).solve([Batch(torch.tensor([[1.0, 0.0]]))])


def test_options_that_cannot_be_are_refused():
    with pytest.raises(SettingsError, match="Did you mean 'hebb'"):
        Hopfield((2,), rule="heb")
    with pytest.raises(SettingsError, match="at least 2 units, got 1"):
        Hopfield((1,))
