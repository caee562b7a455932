"""One layer learns at a time, on the codes of the layers below it."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.autoencoder import Autoencoder
from layerwise.networks.conv_autoencoder import ConvAutoencoder
from layerwise.tasks.greedy_reconstruct import GreedyReconstruct
from layerwise.training import train

NONE = Target("none")


def network(**options):
    torch.manual_seed(0)
    return Autoencoder((6,), hidden=(5, 4), code=3, activation="tanh", **options)


def inputs(rows=40):
    return torch.randn(rows, 6, generator=torch.Generator().manual_seed(1))


def test_the_second_layer_gives_back_the_codes_of_the_first():
    net, x = network(), inputs()
    (loss,) = GreedyReconstruct(NONE).losses(net, Batch(x, done=0.5))
    first, second, back = net.encoder[0][1], net.encoder[1][0], net.decoder[1][0]
    below = torch.tanh(x @ first.weight.T + first.bias)
    codes = torch.tanh(below @ second.weight.T + second.bias)
    made = torch.tanh(codes @ back.weight.T + back.bias)
    assert loss.part == "layer 2"
    assert_close(loss.value, ((made - below) ** 2).mean())
    loss.value.backward()
    moved = {name for name, one in net.named_parameters() if one.grad is not None}
    assert moved == {f"{c}.1.0.{p}" for c in ("encoder", "decoder") for p in ("weight", "bias")}


@pytest.mark.parametrize(
    ("done", "part"),
    [(0.0, "layer 1"), (0.33, "layer 1"), (0.34, "layer 2"), (0.67, "layer 3"), (1.0, "layer 3")],
)
def test_each_layer_has_its_stretch_of_the_stage(done, part):
    batch = Batch(inputs(), done=torch.tensor(done, dtype=torch.float64))
    (loss,) = GreedyReconstruct(NONE).losses(network(), batch)
    assert loss.part == part


@pytest.mark.parametrize("tied", [False, True])
def test_the_parts_are_all_parameters_once(tied):
    net = network(tied=tied)
    parts = GreedyReconstruct(NONE).parts(net)
    found = [id(one) for part in parts.values() for one in part]
    assert list(parts) == ["layer 1", "layer 2", "layer 3"]
    assert len(found) == len(set(found))
    assert set(found) == {id(one) for one in net.parameters()}


def test_noise_is_on_what_the_layer_sees_and_not_on_what_it_gives_back():
    net, x = network(), inputs()
    torch.manual_seed(3)
    (loss,) = GreedyReconstruct(NONE, noise="masking", noise_level=0.5).losses(net, Batch(x))
    torch.manual_seed(3)
    encoder, decoder = net.layer_pairs()[0]
    made = decoder(encoder(torch.where(torch.rand(40, 6) < 0.5, 0.0, x)))
    assert_close(loss.value, ((made - x) ** 2).mean())


def test_rows_count_by_their_weight():
    weight = torch.zeros(40)
    weight[:3] = 2
    (loss,) = GreedyReconstruct(NONE).losses(network(), Batch(inputs(), weight=weight))
    (alone,) = GreedyReconstruct(NONE).losses(network(), Batch(inputs()[:3]))
    assert_close(loss.value, alone.value)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Autoencoder((1, 6, 5), hidden=(20, 12), code=6, activation="sigmoid"),
        lambda: Autoencoder((1, 6, 5), hidden=(), code=6, tied=True),
        lambda: ConvAutoencoder((1, 6, 5), channels=(4, 8), code=6),
    ],
    ids=["dense", "tied, one layer", "convolutions"],
)
def test_learning_by_the_engine_lowers_every_layers_error(build):
    torch.manual_seed(0)
    net, task = build(), GreedyReconstruct(NONE)
    images = torch.rand(40, 1, 6, 5, generator=torch.Generator().manual_seed(1))
    before = task.outputs(net, Batch(images)).mean()
    stage = Stage(task, "adam", {}, 0.01, epochs=60, batch_size=20)
    seen = {}
    for progress in train(net, (stage,), TensorDataset(images)):
        if progress.epoch_ended:
            for part, value in progress.losses().items():
                seen.setdefault(part, []).append(value)
    assert list(seen) == list(task.parts(net))
    assert all(values[-1] < values[0] for values in seen.values())
    assert task.outputs(net, Batch(images)).mean() < before


def test_a_network_without_pairs_of_layers_is_refused():
    with pytest.raises(SettingsError, match="needs a network with layer_pairs"):
        GreedyReconstruct(NONE).parts(nn.Linear(3, 3))
