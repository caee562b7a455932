"""Segment: its losses by their formulas, what counts for nothing, and what it refuses."""

from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.networks.unet import UNet
from layerwise.tasks.segment import Segment
from layerwise.training.tracing import Tracer

TWO, THREE = (Target("mask", ("mask",), names) for names in (("a", "b"), ("a", "b", "c")))


class Fixed(nn.Module):
    """Scores that are given, whatever the image."""

    def __init__(self, scores):
        super().__init__()
        self.scores = nn.Parameter(scores)

    def forward(self, inputs):
        return self.scores[: len(inputs)]


def case(classes=3, rows=2):
    torch.manual_seed(0)
    network = Fixed(torch.randn(rows, classes, 4, 4))
    return network, Batch(torch.zeros(rows, 1, 4, 4), torch.randint(0, classes, (rows, 4, 4)))


def loss_of(task, network, batch):
    return next(iter(task.losses(network, batch)))


def test_cross_entropy_is_the_mean_over_pixels_and_images():
    network, batch = case()
    loss = loss_of(Segment(THREE, loss="cross_entropy"), network, batch)
    assert_close(loss.value, F.cross_entropy(network.scores, batch.targets))
    assert loss.terms == 2


@pytest.mark.parametrize("target", [TWO, THREE])
def test_dice_is_twice_the_overlap_over_the_sum_image_by_image(target):
    network, batch = case(len(target.classes))
    chances = network.scores.softmax(dim=1)
    rows = []
    for image in range(2):
        each = []
        for code in range(1 if target is TWO else 0, len(target.classes)):
            true = (batch.targets[image] == code).float()
            both, total = (chances[image, code] * true).sum(), chances[image, code].sum()
            each.append((2 * both + 1) / (total + true.sum() + 1))
        rows.append(1 - sum(each) / len(each))
    loss = loss_of(Segment(target, loss="dice"), network, batch)
    assert_close(loss.value, sum(rows) / 2)


def test_both_is_their_sum():
    network, batch = case()
    values = {
        name: loss_of(Segment(THREE, loss=name), network, batch).value
        for name in ("both", "cross_entropy", "dice")
    }
    assert_close(values["both"], values["cross_entropy"] + values["dice"])


@pytest.mark.parametrize("loss", ["cross_entropy", "dice"])
def test_pixels_without_a_class_give_no_gradient(loss):
    network, batch = case()
    targets = batch.targets.clone()
    targets[:, :2] = -1
    loss_of(Segment(THREE, loss=loss), network, Batch(batch.inputs, targets)).value.backward()
    assert not network.scores.grad[:, :, :2].any()
    assert network.scores.grad[:, :, 2:].any()


def test_class_weights_weigh_pixels():
    network, batch = case()
    weights = (1.0, 2.0, 5.0)
    task = Segment(THREE, loss="cross_entropy", class_weight=weights)
    rows = [
        F.cross_entropy(network.scores[i : i + 1], batch.targets[i : i + 1], torch.tensor(weights))
        for i in range(2)
    ]
    assert_close(loss_of(task, network, batch).value, sum(rows) / 2)


def test_images_have_weights():
    network, batch = case()
    weighted = Batch(batch.inputs, batch.targets, torch.tensor([3.0, 0.0]))
    first = Batch(batch.inputs[:1], batch.targets[:1])
    task = Segment(THREE)
    assert_close(loss_of(task, network, weighted).value, loss_of(task, network, first).value)


def test_it_says_the_likeliest_class_of_each_pixel():
    network, batch = case()
    said = Segment(THREE).outputs(network, batch)
    assert said.dtype == torch.uint8
    assert torch.equal(said.long(), network.scores.argmax(dim=1))


def test_u_net_learns_eight_images_by_heart():
    torch.manual_seed(0)
    network, inputs = UNet((1, 8, 8), 2, depth=1, width=8), torch.randn(8, 1, 8, 8)
    targets = (F.avg_pool2d(inputs, 3, stride=1, padding=1)[:, 0] > 0).long()
    task, batch = Segment(TWO), Batch(inputs, targets)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(40):
        optimizer.zero_grad()
        loss_of(task, network, batch).value.backward()
        optimizer.step()
    assert (task.outputs(network.eval(), batch) == targets).float().mean() > 0.95


@pytest.mark.parametrize(
    ("target", "options", "says"),
    [
        (Target("classes", ("y",), ("a", "b")), {}, "needs images with masks"),
        (TWO, {"loss": "dise"}, "Did you mean 'dice'"),
        (TWO, {"class_weight": (1.0,)}, "one number, not negative, for each of 2 classes"),
        (TWO, {"class_weight": (1.0, -1.0)}, "not negative"),
    ],
)
def test_what_cannot_be_is_refused(target, options, says):
    with pytest.raises(SettingsError, match=says):
        Segment(target, **options)


def test_its_step_can_be_traced():
    torch.manual_seed(0)
    network = UNet((1, 8, 8), 2, depth=1, width=2)
    batch = Batch(torch.randn(4, 1, 8, 8), torch.randint(0, 2, (4, 8, 8)))
    tracer = Tracer(
        network, Segment(TWO, class_weight=(1.0, 3.0)), list(network.parameters()), None,
        nullcontext,
    )  # fmt: skip
    found = [tracer.gradients(batch, lambda *_: None) for _ in range(2)]
    assert found[0] is None  # a shape that comes once is not worth a trace
    assert found[1] is not None


def test_a_network_with_one_answer_per_image_is_refused():
    batch = Batch(torch.zeros(2, 1, 4, 4), torch.zeros(2, 4, 4, dtype=torch.int64))
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    with pytest.raises(SettingsError, match=r"2 maps of 4 x 4 pixels.*gives \(2,\).*unet"):
        loss_of(Segment(TWO), network, batch)
