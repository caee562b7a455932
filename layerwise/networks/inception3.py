"""Inception v3: inception blocks with large convolutions taken apart into small and narrow ones."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.activations import start_weights
from layerwise.layers.images import check_images, check_width, scaled
from layerwise.layers.inception import Branches, ConvNorm, Pool, Step, Way, add_way, walk
from layerwise.layers.sequences import check_dropout

SMALLEST = 75  # pixels on a side that leave one before the last blocks
SMALLEST_WITH_AUXILIARY = 299  # that leave the 17 places which the auxiliary head looks at
AUXILIARY_WEIGHT = 0.4  # of the loss of that head
STEM: Way = (
    Step("Conv2d_1a_3x3", 32, 3, stride=2),
    Step("Conv2d_2a_3x3", 32, 3, padded=False),
    Step("Conv2d_2b_3x3", 64, 3),
    Pool("max", 2),
    Step("Conv2d_3b_1x1", 80),
    Step("Conv2d_4a_3x3", 192, 3, padded=False),
    Pool("max", 2),
)


def _figure_5(pooled: int) -> tuple[Way, ...]:
    """Two 3x3 convolutions in place of a 5x5 one."""
    return (
        [Step("branch1x1", 64)],
        [Step("branch5x5_1", 48), Step("branch5x5_2", 64, 5)],
        [
            Step("branch3x3dbl_1", 64),
            Step("branch3x3dbl_2", 96, 3),
            Step("branch3x3dbl_3", 96, 3),
        ],
        [Pool("average"), Step("branch_pool", pooled)],
    )


def _figure_6(maps: int) -> tuple[Way, ...]:
    """Rows and columns of seven in place of 7x7 convolutions."""
    row, column = (1, 7), (7, 1)
    return (
        [Step("branch1x1", 192)],
        [
            Step("branch7x7_1", maps),
            Step("branch7x7_2", maps, row),
            Step("branch7x7_3", 192, column),
        ],
        [
            Step("branch7x7dbl_1", maps),
            Step("branch7x7dbl_2", maps, column),
            Step("branch7x7dbl_3", maps, row),
            Step("branch7x7dbl_4", maps, column),
            Step("branch7x7dbl_5", 192, row),
        ],
        [Pool("average"), Step("branch_pool", 192)],
    )


FIGURE_7: tuple[Way, ...] = (  # rows and columns side by side
    [Step("branch1x1", 320)],
    [
        Step("branch3x3_1", 384),
        (Step("branch3x3_2a", 384, (1, 3)), Step("branch3x3_2b", 384, (3, 1))),
    ],
    [
        Step("branch3x3dbl_1", 448),
        Step("branch3x3dbl_2", 384, 3),
        (Step("branch3x3dbl_3a", 384, (1, 3)), Step("branch3x3dbl_3b", 384, (3, 1))),
    ],
    [Pool("average"), Step("branch_pool", 192)],
)
BLOCKS: dict[str, tuple[Way, ...]] = {
    "Mixed_5b": _figure_5(32),
    "Mixed_5c": _figure_5(64),
    "Mixed_5d": _figure_5(64),
    "Mixed_6a": (
        [Step("branch3x3", 384, 3, stride=2)],
        [
            Step("branch3x3dbl_1", 64),
            Step("branch3x3dbl_2", 96, 3),
            Step("branch3x3dbl_3", 96, 3, stride=2),
        ],
        [Pool("max", 2)],
    ),
    "Mixed_6b": _figure_6(128),
    "Mixed_6c": _figure_6(160),
    "Mixed_6d": _figure_6(160),
    "Mixed_6e": _figure_6(192),  # the auxiliary head sees the maps after it
    "Mixed_7a": (
        [Step("branch3x3_1", 192), Step("branch3x3_2", 320, 3, stride=2)],
        [
            Step("branch7x7x3_1", 192),
            Step("branch7x7x3_2", 192, (1, 7)),
            Step("branch7x7x3_3", 192, (7, 1)),
            Step("branch7x7x3_4", 192, 3, stride=2),
        ],
        [Pool("max", 2)],
    ),
    "Mixed_7b": FIGURE_7,
    "Mixed_7c": FIGURE_7,
}


class Inception3(nn.Module):
    """Eleven inception blocks of three kinds, the mean of each map, one full layer.

    Source: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna 2016, "Rethinking the inception architecture
    for computer vision", CVPR, table 1 and figures 5 to 8 and 10. With three channels and 1000
    classes 27,161,264 parameters, of which 3,326,696 are of the auxiliary head, which helps in
    training and takes no part in prediction. Its loss counts 0.4 times. Names and shapes of the
    weights are those of torchvision's ``inception_v3``.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, height, width), at least 75x75 pixels, with the auxiliary head 299x299, as
        in the paper.
    output_size : int
        Number of outputs.
    auxiliary : bool
        Whether there is an auxiliary head, in the middle of the network.
    width : float
        Share of the published channels; 1 is the published network.
    dropout : float
        Chance that a number before the last layer is silent in a training step.

    Raises
    ------
    SettingsError
        The images are too small, or an option cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None, "adamw", {"weight_decay": 0.05}, 0.001, "one_cycle", epochs=30, batch_size=64
            ),
        ),
        "historic": (
            Stage(
                None,
                "rmsprop",
                {"alpha": 0.9, "eps": 1.0},
                0.045,
                "step",
                {"every": 2, "factor": 0.94},
                epochs=100,
                batch_size=32,
                clip=2.0,
            ),
        ),
    }
    departures = (
        "One process descends in batches of 32; the paper has 50 at once.",
        "Labels are smoothed where asked for, with --task.label_smoothing 0.1.",
        "Weights are those of the last step, not a running mean of them.",
        "Weights start after He et al.",
        "Gradients are clipped over all weights together.",
        "Option width, for smaller tasks, is not in the paper.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        auxiliary: bool = True,
        width: float = 1.0,
        dropout: float = 0.5,
    ):
        super().__init__()
        _check(input_shape, auxiliary, width, dropout)
        maps = add_way(self, input_shape[0], STEM, width)
        for name, ways in BLOCKS.items():
            block = Branches(maps, ways, width)
            self.add_module(name, block)
            maps = block.maps
            if auxiliary and name == "Mixed_6e":
                self.add_module("AuxLogits", Auxiliary(maps, output_size, width))
        self.auxiliary = auxiliary
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(maps, output_size)
        start_weights(self.fc, "softmax")

    def forward(self, images: Tensor) -> Tensor:
        """(rows, channels, height, width) -> (rows, output_size)."""
        return self._upper(self._lower(images))

    def scores_with_auxiliary(self, images: Tensor) -> tuple[Tensor, list[tuple[float, Tensor]]]:
        """Scores of the last layer, and of the auxiliary head with the weight of its loss.

        images : (rows, channels, height, width)
        returns : (rows, output_size), and such scores with their weight
        """
        maps = self._lower(images)
        heads = [self.get_submodule("AuxLogits")] if self.auxiliary else []
        return self._upper(maps), [(AUXILIARY_WEIGHT, head(maps)) for head in heads]

    def _lower(self, images: Tensor) -> Tensor:
        """Maps that the auxiliary head sees."""
        return self._blocks(walk(self, STEM, images), "5", "6")

    def _upper(self, maps: Tensor) -> Tensor:
        return self.fc(self.dropout(self._blocks(maps, "7").mean(dim=(2, 3))))

    def _blocks(self, maps: Tensor, *stages: str) -> Tensor:
        for name in BLOCKS:
            if name[len("Mixed_")] in stages:
                maps = self.get_submodule(name)(maps)
        return maps


class Auxiliary(nn.Module):
    """A small classifier on maps half way up, so that gradients reach the layers below.

    Source: Szegedy et al. 2016, figure 8.

    Parameters
    ----------
    before : int
        Maps that come in.
    output_size : int
        Number of outputs.
    width : float
        Share of the published channels.
    """

    def __init__(self, before: int, output_size: int, width: float):
        super().__init__()
        first, second = scaled(128, width), scaled(768, width)
        self.conv0 = ConvNorm(before, first)
        self.conv1 = ConvNorm(first, second, 5)
        self.fc = nn.Linear(second, output_size)
        start_weights(self.fc, "softmax")

    def forward(self, maps: Tensor) -> Tensor:
        """(rows, before, height, width), at least 17x17 places -> (rows, output_size)."""
        seen = self.conv1(self.conv0(F.avg_pool2d(maps, 5, 3)))
        return self.fc(seen.mean(dim=(2, 3)))


def _check(input_shape: tuple[int, ...], auxiliary: bool, width: float, dropout: float) -> None:
    """Refuse images that are too small, and options that cannot be."""
    check_images("inception3", input_shape, SMALLEST)
    if auxiliary and min(input_shape[1:]) < SMALLEST_WITH_AUXILIARY:
        raise SettingsError(
            f"The auxiliary head of inception3 needs images of at least {SMALLEST_WITH_AUXILIARY}x"
            f"{SMALLEST_WITH_AUXILIARY} pixels, got {input_shape[1]}x{input_shape[2]}. Leave it "
            "out with --network.auxiliary false, or enlarge the images."
        )
    check_width("inception3", width)
    check_dropout("inception3", dropout)
