"""What a network costs: by hand for a small one, and as published for those of ImageNet."""

import pytest
import torch
from torch import nn

from layerwise.cli import main
from layerwise.networks import network_class, variant_options
from layerwise.networks.cost import PUBLISHED, costs, kept_bytes, work_of

# thousand millions, as torchvision publishes them beside its weights
MULTIPLY_ADDS = {
    "alexnet": 0.714, "vgg11": 7.609, "vgg16": 15.470, "googlenet": 1.498, "resnet18": 1.814,
    "resnet50": 4.089,
}  # fmt: skip


class Small(nn.Module):
    """A 3x3 convolution of a 4x4 image into two maps, ReLU, three outputs; and an idle head."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(1, 2, 3, padding=1)
        self.relu = nn.ReLU()
        self.full = nn.Linear(32, 3)
        self.auxiliary = nn.Linear(32, 3)

    def forward(self, images):
        maps = self.relu(self.convolution(images)).flatten(1)
        if self.training:
            return self.full(maps) + self.auxiliary(maps)
        return self.full(maps)


def without_memory(make):
    with torch.device("meta"):
        return make()


def test_a_small_network_costs_what_one_counts_by_hand():
    made = without_memory(Small)
    multiply_adds = 16 * 2 * 9 + 32 * 3
    parameters = 2 * 9 + 2 + 32 * 3 + 3
    kept = 4 * (16 + 32)  # the image, and the output of the ReLU, which the full layer is given
    assert work_of(made, (1, 4, 4)) == (multiply_adds, parameters, kept)
    assert made.training


def test_weights_are_not_counted_as_memory_of_an_example():
    made = without_memory(lambda: nn.Sequential(nn.Linear(5, 4), nn.Sigmoid(), nn.Linear(4, 2)))
    assert kept_bytes(made, (5,)) == 4 * (5 + 4)


@pytest.mark.parametrize("name", MULTIPLY_ADDS)
def test_multiply_adds_are_the_published_ones(name):
    side = PUBLISHED[name][0]
    kind, options = network_class(name), variant_options(name, {})
    made = without_memory(lambda: kind((3, side, side), 1000, **options))
    assert work_of(made, (3, side, side))[0] / 1e9 == pytest.approx(MULTIPLY_ADDS[name], abs=6e-4)


def test_the_table_and_its_picture(tmp_path, monkeypatch, capsys):
    for name in [name for name in PUBLISHED if name not in ("alexnet", "resnet18")]:
        monkeypatch.delitem(PUBLISHED, name)  # two are enough to see the picture
    assert main(["zoo", "--cost", "--out", str(tmp_path / "cost.svg")]) == 0
    said = capsys.readouterr().out
    assert "56.5 %" in said
    assert "0.71 G" in said
    assert "61.1 M" in said
    text = (tmp_path / "cost.svg").read_text(encoding="utf-8")
    assert text.startswith("<?xml")
    assert [one.parameters for one in costs()] == [61_100_840, 11_689_512]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["vgg16", "--cost"], "leave 'vgg16' or --cost out"),
        (["--out", "a.png"], "Give --cost, too"),
        (["--cost", "--out", "a.txt"], "--out must end in .png, .svg, .pdf"),
    ],
)
def test_what_does_not_go_together_is_told(words, says, capsys):
    assert main(["zoo", *words]) == 2
    assert says in capsys.readouterr().err
