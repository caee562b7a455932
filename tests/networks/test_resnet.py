"""ResNets for photographs: torchvision's names, shapes and outputs, and what the paper counts."""

import hashlib

import pytest
import torch
import torch.nn.functional as F

from layerwise.errors import SettingsError
from layerwise.layers.residual import Bottleneck
from layerwise.networks.resnet import ResNet

# parameters with 1000 outputs, and the multiply-adds of the paper's table 1 for 3x224x224
PUBLISHED = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160, 152: 60_192_808}
# names and shapes in torchvision: one block of each kind, and the number of blocks per stage
BASIC = {"conv1": "{a},{b},3,3", "bn1": "{a}", "conv2": "{a},{a},3,3", "bn2": "{a}"}
BOTTLENECK = {
    "conv1": "{a},{b},1,1", "bn1": "{a}", "conv2": "{a},{a},3,3", "bn2": "{a}",
    "conv3": "{o},{a},1,1", "bn3": "{o}",
}  # fmt: skip
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3),
          152: (3, 8, 36, 3)}  # fmt: skip
# the first digits of the SHA-256 of "name shape" line by line, from torchvision's own networks
CHECKSUMS = {
    18: "84fb10d9c6905a1c",
    34: "28f9096d51307499",
    50: "d7e4f8bb0a536344",
    101: "02c0f34f4842751f",
    152: "685c66205bc823aa",
}


def without_memory(depth, **options):
    with torch.device("meta"):
        return ResNet((3, 224, 224), 1000, depth=depth, **options)


def torchvisions(depth):
    """Names and shapes as torchvision has them."""
    kind, wide = (BASIC, 1) if depth < 50 else (BOTTLENECK, 4)
    found = {"conv1.weight": (64, 3, 7, 7), **norm("bn1", 64)}
    before = 64
    for stage, count in enumerate(BLOCKS[depth]):
        width = 64 * 2**stage
        for block in range(count):
            name = f"layer{stage + 1}.{block}"
            for layer, shape in kind.items():
                text = shape.format(a=width, b=before, o=width * wide)
                size = tuple(map(int, text.split(",")))
                convolution = {f"{name}.{layer}.weight": size}
                found |= convolution if len(size) > 1 else norm(f"{name}.{layer}", size[0])
            if block == 0 and (stage or wide > 1):
                found[f"{name}.downsample.0.weight"] = (width * wide, before, 1, 1)
                found |= norm(f"{name}.downsample.1", width * wide)
            before = width * wide
    return found | {"fc.weight": (1000, before), "fc.bias": (1000,)}


def norm(name, channels):
    vectors = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{one}": (channels,) for one in vectors} | {f"{name}.num_batches_tracked": ()}


@pytest.mark.parametrize("depth", PUBLISHED)
def test_names_and_shapes_are_those_of_torchvision(depth):
    state = without_memory(depth).state_dict()
    ours = {name: tuple(tensor.shape) for name, tensor in state.items()}
    assert ours == torchvisions(depth)
    lines = "\n".join(f"{name} {shape}" for name, shape in ours.items())
    assert hashlib.sha256(lines.encode()).hexdigest()[:16] == CHECKSUMS[depth]


@pytest.mark.parametrize("depth", PUBLISHED)
def test_has_the_published_number_of_parameters(depth):
    assert sum(one.numel() for one in without_memory(depth).parameters()) == PUBLISHED[depth]


@pytest.mark.parametrize("depth", [18, 50])
def test_gives_what_torchvision_gives(depth):
    try:
        from torchvision import models
    except Exception as error:  # beside a torch without CUDA its import fails with RuntimeError
        pytest.skip(f"torchvision does not import here ({type(error).__name__}: {error})")
    torch.manual_seed(0)
    theirs, ours = (
        getattr(models, f"resnet{depth}")().eval(),
        ResNet((3, 64, 64), 1000, depth=depth),
    )
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images), theirs(images), rtol=1e-5, atol=1e-5)


def test_a_bottleneck_is_the_equation_of_the_paper():
    torch.manual_seed(0)
    block, x = Bottleneck(8, 2).eval(), torch.randn(3, 8, 5, 5)
    a, b, c = block.conv1.weight[:, :, 0, 0], block.conv2.weight, block.conv3.weight[:, :, 0, 0]
    scale = (1 + 1e-5) ** -0.5  # normalization that has seen nothing yet
    narrow = F.relu(scale * torch.einsum("oc,rchw->rohw", a, x))
    middle = F.relu(scale * F.conv2d(narrow, b, padding=1))
    learned = scale * torch.einsum("oc,rchw->rohw", c, middle)
    torch.testing.assert_close(block(x), F.relu(learned + x))


def test_a_block_whose_branch_is_zero_gives_back_what_is_not_negative():
    network = ResNet((1, 8, 8), 3, width=1 / 16).eval()
    block = network.layer1[1]
    torch.nn.init.zeros_(block.bn2.weight)
    x = torch.rand(2, 4, 5, 5)
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("shape", [(3, 1, 1), (1, 7, 5), (5, 33, 64)])
def test_takes_images_of_any_size_and_channels(shape):
    network = ResNet(shape, 4, width=1 / 16)
    assert network(torch.randn(2, *shape)).shape == (2, 4)


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((12,), {}, "needs images"),
        ((3, 0, 9), {}, "at least 1x1"),
        ((3, 32, 32), {"depth": 20}, "must be one of 18, 34, 50, 101, 152, got 20"),
        ((3, 32, 32), {"width": 0.0}, "width of resnet must be a number above 0"),
    ],
)
def test_what_cannot_be_is_refused(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        ResNet(shape, 3, **options)
