import copy

import pytest
import torch
from engine_cases import Squared, rows, small_net, weights

from layerwise.contracts import Stage
from layerwise.training import train
from layerwise.training.flat import ELEMENTWISE, LARGEST, Flat, can_flatten


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_flat_step_has_the_bits_of_a_step_over_many_tensors(name, monkeypatch):
    flat, many, data = small_net(), small_net(), rows()
    stage = Stage(Squared(), name, {"weight_decay": 0.01}, 0.01, epochs=3, batch_size=6)
    list(train(flat, (stage,), data))
    monkeypatch.setattr("layerwise.training.flat.LARGEST", 0)
    list(train(many, (stage,), data))
    for key, value in weights(many).items():
        assert torch.equal(weights(flat)[key], value), key


def test_parameters_keep_names_shapes_and_values():
    network = small_net()
    before = weights(network)
    Flat(list(network.parameters()))
    assert all(torch.equal(value, before[key]) for key, value in weights(network).items())


def test_what_moves_the_flat_one_moves_the_pieces_and_a_copy_is_its_own():
    network = small_net()
    flat, other = Flat(list(network.parameters())), copy.deepcopy(network)
    with torch.no_grad():
        flat.parameter.add_(1.0)
    assert torch.equal(network[0].weight, other[0].weight + 1)


def test_groups_and_large_parts_stay_as_they_are():
    tensors = list(small_net().parameters())
    assert can_flatten("adam", tensors)
    assert not can_flatten("lbfgs", tensors)
    assert not can_flatten("adam", [{"params": tensors}])
    assert not can_flatten("adam", [torch.zeros(LARGEST + 1)])
    assert not can_flatten("adam", [*tensors, torch.zeros(2, dtype=torch.float32)])
