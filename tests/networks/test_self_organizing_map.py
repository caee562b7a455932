"""Prototypes on a grid: who wins, what is given back, and whether the map is smooth."""

import pytest
import torch
from torch.testing import assert_close

from layerwise.contracts import Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.self_organizing_map import SelfOrganizingMap, topographic_error
from layerwise.tasks.kohonen import Kohonen
from layerwise.training import train


def line(prototypes):
    """A map of one row of units with these prototypes of one number."""
    network = SelfOrganizingMap((1,), rows=1, columns=len(prototypes))
    with torch.no_grad():
        network.prototypes.copy_(torch.tensor(prototypes)[:, None])
    return network


def test_a_row_is_encoded_as_the_place_of_the_nearest_prototype():
    network, inputs = SelfOrganizingMap((2, 3), rows=3, columns=4), torch.randn(20, 2, 3)
    places = network.encode(inputs)
    for row, (i, j) in zip(inputs, places.long().tolist(), strict=True):
        distances = [(row.flatten() - prototype).norm() for prototype in network.prototypes]
        assert 4 * i + j == int(torch.stack(distances).argmin())


def test_a_place_is_decoded_as_its_prototype():
    network = SelfOrganizingMap((2, 3), rows=3, columns=4)
    found = network.decode(torch.tensor([[0.0, 0], [1, 2], [2, 3]]))
    assert found.equal(network.prototypes[[0, 6, 11]].reshape(3, 2, 3))
    assert network(found).equal(found)


def test_distances_are_those_of_the_definition():
    network, inputs = SelfOrganizingMap((5,)), torch.randn(6, 5)
    wanted = (inputs[:, None] - network.prototypes).square().sum(dim=2)
    assert_close(network.squared_distances(inputs), wanted)


def test_topographic_error_by_hand():
    # 0.1 is nearest to 0 and 1; 4.9 to 5 and 4, which are two steps apart in the second map
    inputs = torch.tensor([[0.1], [4.9]])
    assert topographic_error(line([0.0, 1.0, 4.0, 5.0]), inputs) == 0.0
    assert topographic_error(line([0.0, 4.0, 1.0, 5.0]), inputs) == 1.0
    assert topographic_error(line([0.0, 1.0, 5.0, 9.0, 4.0]), inputs) == 0.5


def test_units_across_are_neighbours():
    network = SelfOrganizingMap((1,), rows=2, columns=2)
    with torch.no_grad():
        network.prototypes.copy_(torch.tensor([[0.0], [9.0], [9.0], [1.0]]))
    assert topographic_error(network, torch.zeros(1, 1)) == 0.0


def test_a_chain_of_units_becomes_ordered_and_fills_the_range():
    inputs = torch.rand(200, 1, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    network = SelfOrganizingMap((1,), rows=1, columns=8)
    recipe = (Stage(Kohonen(Target("none")), "sgd", {}, 0.5, "cosine", epochs=5, batch_size=1),)
    for _ in train(network, recipe, TensorDataset(inputs)):
        pass
    steps = network.prototypes[:, 0].diff()
    assert (steps > 0).all() or (steps < 0).all()  # Kohonen 1982: the order of a chain
    assert steps.sum().abs() > 0.6
    assert topographic_error(network, inputs) == 0.0


def test_a_grid_of_one_unit_is_refused():
    with pytest.raises(SettingsError, match="at least 2 units, got 1 and 1"):
        SelfOrganizingMap((2,), rows=1, columns=1)
