"""Networks that torchvision has, too: the same names, shapes and outputs."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from layerwise.networks import network_class, variant_options

OURS = {  # torchvision's name: ours, and options
    "alexnet": ("alexnet", {}),
    **{name: (name, {}) for name in ("vgg11", "vgg13", "vgg16", "vgg19")},
    **{f"{name}_bn": (name, {"batch_norm": True}) for name in ("vgg11", "vgg13", "vgg16", "vgg19")},
    "googlenet": ("googlenet", {}),
    "inception_v3": ("inception3", {}),
}
SMALL = {"alexnet": 64, "vgg11": 32, "vgg13_bn": 32, "googlenet": 40, "inception_v3": 80}


def build(name, outputs):
    own, options = OURS[name]
    return network_class(own)((3, 299, 299), outputs, **variant_options(own, options))


def torchvisions():
    """Per network its names and shapes, from the lines of a file beside this one."""
    found = {}
    text = Path(__file__).with_name("torchvision_state.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("["):
            state = found[line[1:-1]] = {}
        elif line and not line.startswith("#"):
            kind, name, *shape = line.split()
            state |= layer(kind, name, tuple(map(int, shape)))
    return found


def layer(kind, name, shape):
    if kind == "norm":
        names = ("weight", "bias", "running_mean", "running_var")
        return {f"{name}.{one}": shape for one in names} | {f"{name}.num_batches_tracked": ()}
    if kind == "convnorm":
        return {f"{name}.conv.weight": shape} | layer("norm", f"{name}.bn", shape[:1])
    assert kind in ("conv", "full")
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def test_the_file_names_all_networks():
    assert set(torchvisions()) == set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_names_and_shapes_of_the_weights_are_those_of_torchvision(name):
    with torch.device("meta"):
        state = build(name, 1000).state_dict()
    assert {key: tuple(one.shape) for key, one in state.items()} == torchvisions()[name]


class Plain:
    """The layers of torchvision's inception networks as plain functions of their state."""

    def __init__(self, state):
        self.state = state

    def conv(self, name, maps, stride=1, padding=0):
        """Convolution, batch normalization with its running statistics, ReLU."""
        given = {key: self.state[f"{name}.bn.{key}"] for key in ("weight", "bias")}
        mean, variance = (self.state[f"{name}.bn.running_{key}"] for key in ("mean", "var"))
        maps = F.conv2d(maps, self.state[f"{name}.conv.weight"], None, stride, padding)
        return F.relu(F.batch_norm(maps, mean, variance, **given, eps=0.001))

    def chain(self, maps, *names):
        """Convolutions that keep the size, one after the other."""
        for name in names:
            height, width = self.state[f"{name}.conv.weight"].shape[2:]
            maps = self.conv(name, maps, padding=(height // 2, width // 2))
        return maps

    def last(self, maps):
        return F.linear(maps.mean((2, 3)), self.state["fc.weight"], self.state["fc.bias"])

    def googlenet(self, images):
        def halved(maps, side=3):
            return F.max_pool2d(maps, side, 2, ceil_mode=True)

        maps = halved(self.conv("conv1", images, 2, 3))
        maps = halved(self.chain(maps, "conv2", "conv3"))
        for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
            if name in ("4a", "5a"):
                maps = halved(maps, 3 if name == "4a" else 2)
            at = f"inception{name}.branch"
            pooled = F.max_pool2d(maps, 3, 1, 1)
            maps = torch.cat(
                [
                    self.chain(maps, f"{at}1"),
                    self.chain(maps, f"{at}2.0", f"{at}2.1"),
                    self.chain(maps, f"{at}3.0", f"{at}3.1"),
                    self.chain(pooled, f"{at}4.1"),
                ],
                dim=1,
            )
        return self.last(maps)

    def inception_v3(self, images):
        maps = self.conv("Conv2d_2a_3x3", self.conv("Conv2d_1a_3x3", images, 2))
        maps = F.max_pool2d(self.conv("Conv2d_2b_3x3", maps, padding=1), 3, 2)
        maps = self.conv("Conv2d_4a_3x3", self.conv("Conv2d_3b_1x1", maps))
        maps = F.max_pool2d(maps, 3, 2)
        for block in ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c"):
            at = f"Mixed_{block}.branch"
            maps = torch.cat(self.branches(block, at, maps), dim=1)
        return self.last(maps)

    def branches(self, block, at, maps):
        def steps(name, *numbers):
            return self.chain(maps, *(f"{at}{name}_{number}" for number in numbers))

        if block == "6a":
            double = self.conv(f"{at}3x3dbl_3", steps("3x3dbl", 1, 2), 2)
            return [self.conv(f"{at}3x3", maps, 2), double, F.max_pool2d(maps, 3, 2)]
        if block == "7a":
            three = self.conv(f"{at}3x3_2", steps("3x3", 1), 2)
            seven = self.conv(f"{at}7x7x3_4", steps("7x7x3", 1, 2, 3), 2)
            return [three, seven, F.max_pool2d(maps, 3, 2)]
        first = self.chain(maps, f"{at}1x1")
        pooled = self.chain(F.avg_pool2d(maps, 3, 1, 1), f"{at}_pool")
        if block.startswith("5"):
            return [first, steps("5x5", 1, 2), steps("3x3dbl", 1, 2, 3), pooled]
        if block.startswith("6"):
            return [first, steps("7x7", 1, 2, 3), steps("7x7dbl", 1, 2, 3, 4, 5), pooled]
        return [
            first,
            steps("3x3", 1, "2a"),
            steps("3x3", 1, "2b"),
            steps("3x3dbl", 1, 2, "3a"),
            steps("3x3dbl", 1, 2, "3b"),
            pooled,
        ]


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_gives_what_its_layers_give_one_by_one(name):
    torch.manual_seed(0)
    network = build(name, 7).eval()
    for key, buffer in network.named_buffers():
        if key.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
        elif key.endswith("running_mean"):
            buffer.uniform_(-0.5, 0.5)
    images = torch.randn(2, 3, SMALL[name], SMALL[name])
    with torch.no_grad():
        expected = getattr(Plain(network.state_dict()), name)(images)
        assert_close(network(images), expected, rtol=1e-5, atol=1e-5)
    assert expected.std() > 0.1, "nothing went through"


@pytest.mark.parametrize("name", SMALL)
def test_gives_what_torchvision_gives(name):
    try:
        from torchvision import models
    except Exception as error:  # beside another torch it raises RuntimeError
        pytest.skip(f"torchvision does not import here ({type(error).__name__}: {error})")
    torch.manual_seed(0)
    options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    theirs = getattr(models, name)(weights=None, num_classes=7, **options).eval()
    ours = build(name, 7).eval()
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, SMALL[name], SMALL[name])
    with torch.no_grad():
        assert_close(ours(images), theirs(images), rtol=1e-5, atol=1e-5)
