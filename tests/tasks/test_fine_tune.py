"""Fine-tuning: what is frozen stays to the bit, what learns does so at its own rate."""

import pytest
import torch
from engine_cases import Rows
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Stage, Target
from layerwise.errors import SettingsError
from layerwise.layers.body import body_blocks, output_layer
from layerwise.networks.cifar_resnet import CifarResNet
from layerwise.networks.gcn import GCN
from layerwise.networks.linear import Linear
from layerwise.networks.mlp import MLP
from layerwise.tasks.classify import Classify
from layerwise.tasks.fine_tune import FineTune
from layerwise.training import train

TASK = Classify(Target("classes", ("y",), ("a", "b", "c")))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return CifarResNet((1, 4, 4), 3, depth=8, width=0.25)


@pytest.fixture
def rows():
    torch.manual_seed(1)
    return Rows(torch.randn(6, 1, 4, 4) * 3 + 2, torch.tensor([0, 1, 2, 0, 1, 2]))


def learn(network, rows, *stages):
    """Each stage is what learns, at 0.5 for the output layer, in three steps of all rows."""
    recipe = tuple(Stage(one, "sgd", {}, 0.5, epochs=3, batch_size="all") for one in stages)
    for _ in train(network, recipe, rows):
        pass


def state(network):
    return {name: one.clone() for name, one in network.state_dict().items()}


def moved(network, before):
    now = network.state_dict()
    return {name for name, one in now.items() if not torch.equal(one, before[name])}


def test_a_frozen_body_stays_to_the_bit_with_its_normalization(network, rows):
    before = state(network)
    learn(network, rows, FineTune(TASK, share=0.0, body_rate=0.1))
    assert moved(network, before) == {"fc.weight", "fc.bias"}


def test_blocks_are_unfrozen_from_the_top(network, rows):
    before = state(network)
    learn(network, rows, FineTune(TASK, share=0.3, body_rate=0.1))  # two blocks of five
    assert {name.partition(".")[0] for name in moved(network, before)} == {"layer2", "layer3", "fc"}
    learn(network, rows, FineTune(TASK, share=1.0, body_rate=0.1))
    assert moved(network, before) == set(before)


def test_stages_freeze_and_unfreeze_one_after_the_other(network, rows):
    twin = CifarResNet((1, 4, 4), 3, depth=8, width=0.25)
    twin.load_state_dict(network.state_dict())
    first, second = (FineTune(TASK, share=share, body_rate=0.1) for share in (0.0, 1.0))
    learn(network, rows, first, second)
    learn(twin, rows, first)
    learn(twin, rows, second)
    for name, one in network.state_dict().items():
        assert_close(twin.state_dict()[name], one)


def test_body_and_output_layer_move_at_their_own_rates(network, rows):
    before = state(network)
    batch = rows.batch(slice(None))
    loss = next(iter(TASK.losses(network.train(), batch))).value
    names, weights = zip(*network.named_parameters(), strict=True)
    gradients = dict(zip(names, torch.autograd.grad(loss, weights), strict=True))
    network.load_state_dict(before)
    stage = Stage(FineTune(TASK, share=1.0, body_rate=0.01), "sgd", {}, 0.5, batch_size="all")
    for _ in train(network, (stage,), rows):
        pass
    for name, gradient in gradients.items():
        rate = 0.5 if name.startswith("fc.") else 0.01
        assert_close(network.get_parameter(name), before[name] - rate * gradient)


def test_the_output_layer_and_the_blocks_below_it():
    assert output_layer(MLP((3,), 2, hidden=(4, 5)))[0] == "layers.4"
    assert [len(one) for one in body_blocks(MLP((3,), 2, hidden=(4, 5)))] == [2, 2]
    assert output_layer(GCN((3,), 2))[0] == "convolutions.1"  # a layer that holds one is whole
    assert output_layer(nn.ReLU())[0] == ""


def test_what_cannot_be_fine_tuned_is_told():
    with pytest.raises(SettingsError, match="Linear has no layers below its output layer"):
        FineTune(TASK, share=0.0, body_rate=0.1).parts(Linear((3,), 2))

    class Own:
        def parts(self, network):
            return {}

    with pytest.raises(SettingsError, match="The task Own decides itself which parts learn"):
        FineTune(Own(), share=0.0, body_rate=0.1)
