"""GoogLeNet, Inception v3 and v4: sizes, counts, auxiliary heads, and that they learn."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks import googlenet, inception3, inception4
from layerwise.networks.googlenet import GoogLeNet
from layerwise.networks.inception3 import Inception3
from layerwise.networks.inception4 import Inception4
from layerwise.tasks.classify import Classify
from layerwise.tasks.regress import Regress
from layerwise.training import train

CLASSES = Target("classes", ("y",), tuple("abcdefgh"))


def narrow_googlenet(**options):
    torch.manual_seed(0)
    return GoogLeNet((3, 15, 15), 8, width=1 / 16, dropout=0.0, **options)


@pytest.mark.parametrize(
    ("module", "made", "auxiliary"),
    [
        (googlenet, GoogLeNet, {"auxiliary": True}),
        (inception3, Inception3, {"auxiliary": False}),
        (inception4, Inception4, {}),
    ],
)
def test_the_smallest_image_is_the_smallest_that_the_layers_allow(module, made, auxiliary):
    smallest = module.SMALLEST
    with pytest.raises(SettingsError, match=f"at least {smallest}x{smallest} pixels, got 99x3"):
        made((3, 99, 3), 2)
    with torch.device("meta"):
        network = made((5, smallest, 2 * smallest), 2, width=0.1, **auxiliary).eval()
        assert network(torch.empty(1, 5, smallest, 2 * smallest)).shape == (1, 2)
        with pytest.raises(RuntimeError, match=r"too small|can't be greater"):
            network(torch.empty(1, 5, 2 * smallest, smallest - 1))


def test_the_head_of_inception_3_needs_the_papers_size_and_can_be_left_out():
    least = inception3.SMALLEST_WITH_AUXILIARY
    with pytest.raises(SettingsError, match=r"at least 299x299.*got 299x298.*auxiliary false"):
        Inception3((3, least, least - 1), 2, width=0.1)
    with torch.device("meta"):
        network = Inception3((3, least, least), 2, width=0.1)
        _, [(weight, scores)] = network.scores_with_auxiliary(torch.empty(2, 3, least, least))
        assert (weight, scores.shape) == (0.4, (2, 2))
        with pytest.raises(RuntimeError, match="can't be greater"):
            network.scores_with_auxiliary(torch.empty(2, 3, least, least - 1))


@pytest.mark.parametrize(
    ("made", "size", "head", "published"),
    [(GoogLeNet, 224, "aux", 6624904), (Inception3, 299, "AuxLogits", 27161264 - 3326696)],
)
def test_prediction_needs_the_published_parameters_without_the_heads(made, size, head, published):
    with torch.device("meta"):
        network = made((3, size, size), 1000)
        without = made((3, size, size), 1000, auxiliary=False)
    counted = sum(p.numel() for n, p in network.named_parameters() if not n.startswith(head))
    assert counted == sum(p.numel() for p in without.parameters()) == published


def test_a_block_of_googlenet_has_the_papers_maps():
    # table 1: 3a has 256 maps, 3b 480, 4e 832, 5b 1024
    with torch.device("meta"):
        maps = GoogLeNet((3, 224, 224), 10).eval()._blocks(torch.empty(1, 3, 224, 224))
    shapes = {name: tuple(one.shape[1:]) for name, one in maps.items()}
    assert shapes["3a"] == (256, 28, 28)
    assert shapes["3b"] == (480, 28, 28)
    assert shapes["4e"] == (832, 14, 14)
    assert shapes["5b"] == (1024, 7, 7)


def test_the_papers_form_of_googlenet_has_convolutions_of_five():
    with torch.device("meta"):
        network = GoogLeNet((3, 224, 224), 10, **GoogLeNet.historic_options)
    shapes = {name: tuple(one.shape) for name, one in network.state_dict().items()}
    assert shapes["inception3a.branch3.1.conv.weight"] == (32, 16, 5, 5)


@pytest.mark.parametrize("kernel", [0, 4])
def test_a_kernel_without_a_middle_is_refused(kernel):
    with pytest.raises(SettingsError, match=f"must be odd, such as 3 or 5, got {kernel}"):
        GoogLeNet((3, 32, 32), 10, largest_kernel=kernel)


@pytest.mark.parametrize(
    ("made", "grid"),
    [
        (lambda: Inception3((3, 299, 299), 10), {"Mixed_5b": 35, "Mixed_6b": 17, "Mixed_7c": 8}),
        (lambda: Inception4((3, 299, 299), 10), {"stem_6": 35, "b_1": 17, "c_3": 8}),
    ],
)
def test_the_grids_are_those_of_the_papers(made, grid):
    sides = {}
    with torch.device("meta"):
        network = made().eval()
        for name in grid:
            network.get_submodule(name).register_forward_hook(
                lambda *given, name=name: sides.update({name: given[2].shape[-1]})
            )
        network(torch.empty(1, 3, 299, 299))
    assert sides == grid


@pytest.mark.parametrize(
    "made",
    [
        narrow_googlenet,
        lambda: Inception3((3, 75, 75), 8, width=1 / 16, dropout=0.0, auxiliary=False),
        lambda: Inception4((3, 75, 75), 8, width=1 / 16, dropout=0.0),
    ],
)
def test_overfits_eight_examples(made):
    torch.manual_seed(0)
    network = made()
    side = 15 if isinstance(network, GoogLeNet) else 75
    images, codes = torch.randn(8, 3, side, side), torch.arange(8)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(40):
        optimizer.zero_grad()
        scores = network(images)
        if scores.argmax(1).equal(codes):
            return
        F.cross_entropy(scores, codes).backward()
        optimizer.step()
    pytest.fail("forty steps did not teach eight examples")


def test_the_loss_of_classes_adds_three_tenths_of_each_auxiliary_head():
    network, images, codes = narrow_googlenet(), torch.randn(8, 3, 15, 15), torch.arange(8)
    for head in (network.get_submodule("aux1"), network.get_submodule("aux2")):
        head.dropout.p = 0.0
    (loss,) = Classify(CLASSES).losses(network.train(), Batch(images, codes))
    scores, [(first, low), (second, high)] = network.scores_with_auxiliary(images)
    assert first == second == 0.3
    by_hand = F.cross_entropy(scores, codes)
    by_hand = by_hand + 0.3 * F.cross_entropy(low, codes) + 0.3 * F.cross_entropy(high, codes)
    assert_close(loss.value, by_hand)
    assert loss.terms == 8
    (judged,) = Classify(CLASSES).losses(network.eval(), Batch(images, codes))
    assert_close(judged.value, F.cross_entropy(network(images), codes))


def test_the_loss_of_numbers_adds_them_too():
    torch.manual_seed(0)
    network = GoogLeNet((3, 15, 15), 1, width=1 / 16, dropout=0.0)
    for head in (network.get_submodule("aux1"), network.get_submodule("aux2")):
        head.dropout.p = 0.0
    images, truth = torch.randn(8, 3, 15, 15), torch.randn(8, 1)
    (loss,) = Regress(Target("real", ("y",))).losses(network, Batch(images, truth))
    scores, beside = network.scores_with_auxiliary(images)
    by_hand = F.mse_loss(scores, truth) + sum(0.3 * F.mse_loss(one, truth) for _, one in beside)
    assert_close(loss.value, by_hand)


def test_the_engine_moves_the_heads_and_a_network_without_them_learns_as_well():
    images, codes = torch.randn(16, 3, 15, 15), torch.arange(16) % 8
    for auxiliary in (True, False):
        network = narrow_googlenet(auxiliary=auxiliary)
        before = {name: one.clone() for name, one in network.state_dict().items()}
        stage = Stage(Classify(CLASSES), "sgd", {}, 0.1, epochs=1, batch_size=8)
        for _ in train(network, (stage,), TensorDataset(images, codes), traced=False):
            pass
        moved = {n for n, p in network.named_parameters() if not torch.equal(p, before[n])}
        assert moved == {name for name, _ in network.named_parameters()}
        assert any(name.startswith("aux1") for name in moved) == auxiliary
