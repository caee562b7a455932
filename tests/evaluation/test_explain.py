"""Maps of where a network looks: against what can be worked out by hand."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.evaluation.excitation import excitations
from layerwise.evaluation.explain import (
    class_scores,
    grad_cam,
    integrated_gradients,
    occlusion,
    saliency,
)


def linear(weights):
    """Scores that are sums of weights times pixels; (classes, channels, height, width)."""
    layer = nn.Linear(weights[0].numel(), len(weights), bias=False)
    layer.weight = nn.Parameter(weights.flatten(1))
    return nn.Sequential(nn.Flatten(), layer)


def curved():
    torch.manual_seed(0)
    layers = nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 16, 3)
    return nn.Sequential(*layers).double(), torch.randn(5, 2, 6, 6, dtype=torch.float64)


def test_saliency_of_a_linear_score_is_its_largest_weight_over_the_channels():
    torch.manual_seed(0)
    weights, inputs = torch.randn(3, 2, 4, 4), torch.randn(2, 2, 4, 4)
    found = saliency(linear(weights), inputs, torch.tensor([2, 0]))
    assert_close(found, weights[[2, 0]].abs().amax(dim=1))


def test_integrated_gradients_sum_to_the_difference_of_the_scores():
    network, inputs = curved()
    classes, baseline = torch.tensor([0, 1, 2, 1, 0]), torch.full((2, 1, 1), -1.0).double()
    shares = integrated_gradients(network, inputs, classes, baseline, steps=200)
    black = class_scores(network, baseline.expand_as(inputs), classes)
    gained = class_scores(network, inputs, classes) - black
    assert_close(shares.sum(dim=(1, 2, 3)), gained, atol=1e-4, rtol=1e-3)
    assert shares[0].abs().max() > 10 * 1e-4, "not all of it is error"


def test_integrated_gradients_of_a_linear_score_are_weight_times_value():
    weights, inputs = torch.randn(2, 1, 4, 4), torch.randn(1, 1, 4, 4)
    found = integrated_gradients(linear(weights), inputs, torch.tensor([1]), torch.tensor(0.5))
    assert_close(found[0], weights[1] * (inputs[0] - 0.5))


def test_grad_cam_weighs_maps_by_their_mean_gradient():
    """Two maps, the picture and its negative; the score is 3 sum(map 1) - sum(map 2)."""
    convolution = nn.Conv2d(1, 2, 1, bias=False)
    convolution.weight = nn.Parameter(torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1))
    after = linear(torch.stack([3 * torch.ones(4, 4), -torch.ones(4, 4)]).unsqueeze(0))
    network = nn.Sequential(convolution, *after)
    image = torch.arange(-8.0, 8.0).reshape(1, 1, 4, 4)
    found = grad_cam(network, convolution, image, torch.tensor([1]))
    assert_close(found, torch.relu(4 * image[:, 0]))  # of one output, for the second class
    found = grad_cam(network, convolution, image, torch.tensor([0]))
    assert_close(found, torch.relu(-4 * image[:, 0]))
    assert not convolution._forward_hooks


def test_occlusion_of_a_linear_score_is_what_each_pixel_adds():
    weights, inputs = torch.randn(2, 1, 4, 4), torch.randn(3, 1, 4, 4)
    found = occlusion(linear(weights), inputs, torch.tensor([0, 1, 1]), fill=0.5)
    expected = (weights[[0, 1, 1]] * (inputs - 0.5))[:, 0]
    assert_close(found, expected)  # of 4x4 pixels each is covered alone


@pytest.mark.parametrize("side", [5, 28, 33])
def test_occlusion_covers_every_pixel(side):
    network = linear(torch.ones(2, 1, side, side))
    found = occlusion(network, torch.ones(1, 1, side, side), torch.tensor([0]))
    assert (found > 0).all()


def test_the_patch_that_excites_a_unit_most_is_what_its_place_sees():
    """A detector of vertical edges finds the one strong edge, and sees 3x3 pixels."""
    edges = nn.Conv2d(1, 1, 3, bias=False)
    edges.weight = nn.Parameter(torch.tensor([[-1.0, 0, 1]] * 3).reshape(1, 1, 3, 3))
    network = nn.Sequential(edges, nn.ReLU(), nn.Flatten(), nn.Linear(36, 2))
    images = 0.1 * torch.rand(6, 1, 8, 8)
    images[4, 0, 2:5, 5:] = 5.0
    first, outputs = excitations(network, images)
    assert first.patches.shape == (1, 4, 1, 3, 3)
    assert first.rows[0, 0] == 4
    patch = first.patches[0, 0, 0]
    assert (patch[:, 2] == 5).all()
    assert (patch[:, 0] < 1).all()
    assert outputs.layer == "output"
    assert outputs.patches.shape[3:] == (8, 8), "an output sees all of the image"
    assert not edges._forward_hooks


def test_units_that_never_change_are_left_out():
    dead = nn.Conv2d(1, 2, 3)
    nn.init.zeros_(dead.weight)
    network = nn.Sequential(dead, nn.Flatten(), nn.Linear(2 * 36, 2))
    assert excitations(network, torch.rand(5, 1, 8, 8)) == []


def test_a_convolution_that_takes_no_part_in_prediction_is_left_out():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 36, 2))
    network[0].head = nn.Conv2d(2, 2, 3)  # as an auxiliary head, which only helps to learn
    assert [one.layer for one in excitations(network, torch.rand(5, 1, 8, 8))] == ["0", "output"]
