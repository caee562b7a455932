"""Style transfer: its distances by hand, its layers, and that the engine descends."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage
from layerwise.evaluation.style import (
    CONTENT,
    STYLE,
    OneRow,
    Picture,
    Stylize,
    gram,
    named_layers,
    relative_distance,
    roughness,
)
from layerwise.networks.vgg import VGG
from layerwise.training import train


@pytest.fixture(scope="module")
def features():
    torch.manual_seed(0)
    whole = VGG((3, 32, 32), 1, configuration="E", width=0.1)
    return whole.features.requires_grad_(False)


def stylize(features, **changed):
    torch.manual_seed(1)
    content, style = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32) ** 3
    options = {"style_weight": 10.0, "smoothness": 0.0, **changed}
    return Stylize(features, content, style, **options), content, style


def test_products_of_maps_are_gatys_equation_3():
    maps = torch.tensor([[[[1.0, 2.0]], [[0.0, 4.0]]]])  # two maps, two places
    assert_close(gram(maps), torch.tensor([[5.0, 8.0], [8.0, 16.0]]) / 2)


def test_distances_by_hand():
    found, wanted = torch.tensor([3.0, 1.0]), torch.tensor([1.0, 2.0])
    assert relative_distance(found, wanted).item() == pytest.approx((4 + 1) / (1 + 4))
    picture = torch.tensor([[[[0.0, 1.0], [3.0, 4.0]]]])
    assert roughness(picture).item() == pytest.approx(9 + 1)


def test_layers_are_counted_as_in_the_paper(features):
    layers = named_layers(features)
    names = [name for name, _ in layers if name]
    assert names[:3] == ["conv1_1", "conv1_2", "conv2_1"]
    assert {CONTENT, *STYLE} <= set(names)
    assert names[-1] == "conv5_1", "what is deeper is not worked out"
    assert not any(isinstance(layer, nn.MaxPool2d) for _, layer in layers)
    before, deep = [layer for name, layer in layers], features[:30]
    kept = [one for one in before if isinstance(one, nn.Conv2d)]
    assert kept == [one for one in deep if isinstance(one, nn.Conv2d)]


def test_the_content_is_no_distance_from_itself_and_the_style_from_itself(features):
    task, content, style = stylize(features, style_weight=0.0)
    (loss,) = task.losses(Picture(content), Batch(torch.zeros(1, 1)))
    assert loss.value.item() == pytest.approx(0, abs=1e-9)
    task, content, style = stylize(features, style_weight=1e6)
    (own,) = task.losses(Picture(style), Batch(torch.zeros(1, 1)))
    (other,) = task.losses(Picture(content), Batch(torch.zeros(1, 1)))
    assert own.value < 10, "the content alone is off, by about 1"
    assert other.value > 1e4


def test_the_engine_descends_the_picture(features):
    task, content, _ = stylize(features)
    network = Picture(content)
    options = {"max_iter": 1, "tolerance_change": 0.0, "tolerance_grad": 0.0}
    stage = Stage(task, "lbfgs", options, 1.0, epochs=15, batch_size=1)
    losses = [p.losses()["network"] for p in train(network, (stage,), OneRow()) if p is not None]
    assert losses[-1] < 0.5 * losses[0]
    assert (network.pixels - content).abs().max() > 0.05
    assert all(weight.grad is None for weight in features.parameters())
