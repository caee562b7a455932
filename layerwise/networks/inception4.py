"""Inception v4: deeper and more uniform inception blocks, without shortcuts around them."""

from typing import ClassVar

from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.activations import start_weights
from layerwise.layers.images import check_images, check_width
from layerwise.layers.inception import Branches, Pool, Step, Way, add_way, walk
from layerwise.layers.sequences import check_dropout

SMALLEST = 75  # pixels on a side that leave one before the last blocks
ROW, COLUMN = (1, 7), (7, 1)
STEM: Way = (
    Step("stem_1", 32, 3, stride=2),
    Step("stem_2", 32, 3, padded=False),
    Step("stem_3", 64, 3),
)
A: tuple[Way, ...] = (  # figure 4
    [Pool("average"), Step("pooled", 96)],
    [Step("point", 96)],
    [Step("three_1", 64), Step("three_2", 96, 3)],
    [Step("five_1", 64), Step("five_2", 96, 3), Step("five_3", 96, 3)],
)
B: tuple[Way, ...] = (  # figure 5
    [Pool("average"), Step("pooled", 128)],
    [Step("point", 384)],
    [Step("seven_1", 192), Step("seven_2", 224, ROW), Step("seven_3", 256, COLUMN)],
    [
        Step("thirteen_1", 192),
        Step("thirteen_2", 192, ROW),
        Step("thirteen_3", 224, COLUMN),
        Step("thirteen_4", 224, ROW),
        Step("thirteen_5", 256, COLUMN),
    ],
)
C: tuple[Way, ...] = (  # figure 6
    [Pool("average"), Step("pooled", 256)],
    [Step("point", 256)],
    [
        Step("three_1", 384),
        (Step("three_row", 256, (1, 3)), Step("three_column", 256, (3, 1))),
    ],
    [
        Step("five_1", 384),
        Step("five_2", 448, (1, 3)),
        Step("five_3", 512, (3, 1)),
        (Step("five_row", 256, (1, 3)), Step("five_column", 256, (3, 1))),
    ],
)
BLOCKS: dict[str, tuple[Way, ...]] = {
    # the rest of the stem, figure 3
    "stem_4": ([Pool("max", 2)], [Step("halved", 96, 3, stride=2)]),
    "stem_5": (
        [Step("three_1", 64), Step("three_2", 96, 3, padded=False)],
        [
            Step("nine_1", 64),
            Step("nine_2", 64, COLUMN),
            Step("nine_3", 64, ROW),
            Step("nine_4", 96, 3, padded=False),
        ],
    ),
    "stem_6": ([Step("halved", 192, 3, stride=2)], [Pool("max", 2)]),
    **{f"a_{number}": A for number in range(1, 5)},
    "reduction_a": (  # figure 7
        [Pool("max", 2)],
        [Step("halved", 384, 3, stride=2)],
        [Step("five_1", 192), Step("five_2", 224, 3), Step("five_3", 256, 3, stride=2)],
    ),
    **{f"b_{number}": B for number in range(1, 8)},
    "reduction_b": (  # figure 8
        [Pool("max", 2)],
        [Step("three_1", 192), Step("three_2", 192, 3, stride=2)],
        [
            Step("nine_1", 256),
            Step("nine_2", 256, ROW),
            Step("nine_3", 320, COLUMN),
            Step("nine_4", 320, 3, stride=2),
        ],
    ),
    **{f"c_{number}": C for number in range(1, 4)},
}


class Inception4(nn.Module):
    """A stem, then 4, 7 and 3 equal inception blocks with reductions between; one full layer.

    Source: Szegedy, Ioffe, Vanhoucke and Alemi 2017, "Inception-v4, Inception-ResNet and the impact
    of residual connections on learning", AAAI, figures 3 to 9. With three channels and 1000 classes
    42,679,816 parameters.

    Parameters
    ----------
    input_shape : tuple of int
        (channels, height, width), at least 75x75 pixels; the paper's are 299x299.
    output_size : int
        Number of outputs.
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
                epochs=160,
                batch_size=32,
            ),
        ),
    }
    departures = (
        "One process descends in batches of 32; the paper has 20 at once, and names neither batch "
        "nor epochs.",
        "Weights are those of the last step, not a running mean of them.",
        "Rows and columns of seven take turns in both ways of a block of figure 5, where the paper "
        "prints two rows in one of them.",
        "Weights start after He et al.",
        "Option width, for smaller tasks, is not in the paper.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        width: float = 1.0,
        dropout: float = 0.2,
    ):
        super().__init__()
        check_images("inception4", input_shape, SMALLEST)
        check_width("inception4", width)
        check_dropout("inception4", dropout)
        maps = add_way(self, input_shape[0], STEM, width)
        for name, ways in BLOCKS.items():
            block = Branches(maps, ways, width)
            self.add_module(name, block)
            maps = block.maps
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(maps, output_size)
        start_weights(self.last, "softmax")

    def forward(self, images: Tensor) -> Tensor:
        """(rows, channels, height, width) -> (rows, output_size)."""
        maps = walk(self, STEM, images)
        for name in BLOCKS:
            maps = self.get_submodule(name)(maps)
        return self.last(self.dropout(maps.mean(dim=(2, 3))))
