"""A stack learns from below: one machine at a time, on what the machines below make of the data."""

import pytest
import torch
from torch import tensor
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.dbn import DBN
from layerwise.tasks.classify import Classify
from layerwise.tasks.greedy_contrastive_divergence import GreedyContrastiveDivergence
from layerwise.training import train

CLASSES = Target("classes", ("y",), ("a", "b", "c"))


def net(output_size=3):
    torch.manual_seed(0)
    made = DBN((6,), output_size, hidden=(5, 4))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return made


def bars(count=30):
    return torch.eye(3).repeat_interleave(2, dim=1).repeat(count, 1)


@pytest.mark.parametrize(("done", "part"), [(0.0, 1), (0.49, 1), (0.5, 2), (0.99, 2), (1.0, 2)])
def test_each_layer_has_its_share_of_the_stage(done, part):
    batch = Batch(bars(), done=tensor(done, dtype=torch.float64))
    (loss,) = GreedyContrastiveDivergence(CLASSES).losses(net(), batch)
    assert loss.part == f"layer {part}"


def test_the_second_layers_gradient_is_the_textbooks_on_the_chances_below():
    network, task = net(), GreedyContrastiveDivergence(CLASSES, steps=2, binarize=False)
    first, second = network.machines()
    torch.manual_seed(4)
    (loss,) = task.losses(network, Batch(bars(), done=0.7))
    loss.value.backward()
    with torch.no_grad():
        data = torch.sigmoid(bars() @ first.weight.T + first.hidden_bias)
        torch.manual_seed(4)
        dreamt = second.gibbs(data, 2)
        up = [torch.sigmoid(v @ second.weight.T + second.hidden_bias) for v in (data, dreamt)]
        update = (up[0].T @ data - up[1].T @ dreamt) / len(data)
    assert_close(second.weight.grad, -update)
    assert first.weight.grad is None


def test_in_the_first_half_only_the_first_layer_moves_and_the_classifier_never():
    network, task = net(), GreedyContrastiveDivergence(CLASSES)
    stage = Stage(task, "sgd", {"momentum": 0.9}, 0.1, epochs=4, batch_size=10)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    moved = []
    for _ in train(network, (stage,), TensorDataset(bars())):
        now = network.state_dict()
        weights = ("layers.0.weight", "layers.1.weight", "classifier.weight")
        moved.append([not torch.equal(now[name], before[name]) for name in weights])
        before = {name: value.clone() for name, value in now.items()}
    half = len(moved) // 2
    assert moved == [[True, False, False]] * half + [[False, True, False]] * half


def test_a_stack_pretrained_on_three_patterns_dreams_of_them():
    torch.manual_seed(0)
    network = DBN((6,), hidden=(8, 8))
    task = GreedyContrastiveDivergence(Target("none"), steps=5)
    stage = Stage(task, "sgd", {"momentum": 0.5}, 0.2, epochs=300, batch_size=30)
    for _ in train(network, (stage,), TensorDataset(bars())):
        pass
    torch.manual_seed(1)
    dreams = network.sample(500)
    known = (dreams[:, None] == torch.eye(3).repeat_interleave(2, dim=1)).all(2)
    assert known.any(1).float().mean() > 0.8  # by chance: 3 of 64
    assert known.float().mean(0).min() > 0.15


def test_fine_tuning_follows_in_a_second_stage():
    network, classify = DBN((6,), 3, hidden=(8, 8)), Classify(CLASSES)
    stages = (
        Stage(GreedyContrastiveDivergence(CLASSES), "sgd", {}, 0.1, epochs=10, batch_size=30),
        Stage(classify, "adamw", {}, 0.02, epochs=30, batch_size=30),
    )
    classes = torch.arange(3).repeat(30)
    for _ in train(network, stages, TensorDataset(bars(), classes)):
        pass
    assert classify.outputs(network, Batch(bars())).argmax(1).equal(classes)


def test_outputs_are_errors_of_the_way_up_and_down_also_with_a_classifier():
    network = net()
    with torch.no_grad():
        found = GreedyContrastiveDivergence(CLASSES).outputs(network, Batch(bars()))
        again = network.decode(network.encode(bars()))
    assert_close(found, ((again - bars()) ** 2).mean(1, keepdim=True))


def test_less_than_one_step_is_refused():
    with pytest.raises(SettingsError, match="steps of greedy_contrastive_divergence must be"):
        GreedyContrastiveDivergence(CLASSES, steps=0)
