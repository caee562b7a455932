"""The Transformer encoder: every place looks at every other; for text, series and images."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.attention import POSITIONS, Positions
from layerwise.layers.sequences import (
    PADDING,
    PlaceVectors,
    as_patches,
    as_sequence,
    check_choice,
    check_tokens,
    check_whole,
    lengths_of,
    patch_shape,
    pooled,
    sequence_shape,
)
from layerwise.layers.transformer_blocks import (
    DEVIATION,
    EncoderBlock,
    check_blocks,
    start_small,
)

ANSWERS = ("mean", "max", "last", "class")


class Transformer(nn.Module):
    """Blocks of attention over all places; one answer per example, or one at each place.

    Source: Vaswani et al. 2017, "Attention is all you need", NeurIPS 30, section 3, the encoder;
    Devlin et al. 2019, "BERT", NAACL, for answers at places and a class token; Dosovitskiy et al.
    2021, "An image is worth 16x16 words", ICLR, for images in patches.

    Parameters
    ----------
    input_shape : tuple of int
        (length,) of tokens; without a vocabulary (length, channels), (features,) as one number
        after the other, or (channels, height, width), an image.
    output_size : int
        Number of outputs; 0: the numbers at a place, for networks that rebuild what is hidden.
    width : int
        Numbers at each place, a multiple of ``heads``.
    layers : int
        Blocks.
    heads : int
        Attentions side by side in a block.
    dropout : float
        Chance of silence in a training step: of vectors, attention weights and what layers add.
    positions : str
        learned, sinusoidal or none.
    norm : str
        pre: normalize before each layer; post: after it is added, as in the paper of 2017.
    activation : str
        gelu or relu.
    pooling : str
        One answer from the mean, the max or the last of all places, or from a class token that is
        put before them.
    patch : int
        Images are cut into squares of so many pixels a side; 0 reads them row by row.
    vocabulary : int
        Tokens, with the padding 0; 0 is real sequences and images.

    Raises
    ------
    SettingsError
        A shape or an option cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None,
                "adamw",
                {"weight_decay": 0.05},
                0.001,
                "cosine",
                {"warm_up": 0.1},
                epochs=30,
                batch_size=32,
                clip=1.0,
            ),
        ),
        "historic": (
            Stage(
                None,
                "adam",
                {"betas": (0.9, 0.98), "eps": 1e-9},
                0.0005,
                "cosine",
                {"warm_up": 0.04},
                epochs=30,
                batch_size=32,
            ),
        ),
    }
    historic_options: ClassVar[dict[str, Any]] = {
        "norm": "post",
        "positions": "sinusoidal",
        "activation": "relu",
        "dropout": 0.1,
    }
    departures = (
        "The answer is pooled from all places; the paper's encoder serves a decoder.",
        "The rate falls as half a cosine after its warm-up, not as one over the root of the steps.",
        "Vectors of tokens are not multiplied by sqrt(width); they start at a deviation of 1 "
        "beside the waves of positions.",
        "Labels are not smoothed.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        width: int = 64,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.0,
        positions: str = "learned",
        norm: str = "pre",
        activation: str = "gelu",
        pooling: str = "mean",
        patch: int = 0,
        vocabulary: int = 0,
    ):
        super().__init__()
        name = "transformer"
        inside: dict[str, Any] = {"dropout": dropout, "norm": norm, "activation": activation}
        check_blocks(name, width=width, layers=layers, heads=heads, **inside)
        check_whole(name, {"patch": patch, "vocabulary": vocabulary}, least=0)
        check_choice(name, "positions", positions, POSITIONS)
        check_choice(name, "pooling", pooling, ANSWERS)
        check_tokens(name, input_shape, vocabulary)
        if patch:
            length, channels = patch_shape(input_shape, patch, name)
        else:
            length, channels = sequence_shape(input_shape, name)
        self.patch, self.vocabulary, self.pooling = patch, vocabulary, pooling
        first = int(pooling == "class")
        deviation = 1.0 if positions == "sinusoidal" else DEVIATION
        self.vectors = PlaceVectors(channels, width, vocabulary, deviation)
        self.class_vector = nn.Parameter(DEVIATION * torch.randn(width)) if first else None
        self.positions = Positions(length + first, width, positions)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(EncoderBlock(width, heads, **inside) for _ in range(layers))
        self.norm = nn.LayerNorm(width) if norm == "pre" else nn.Identity()
        self.last = nn.Linear(width, output_size or channels)
        if norm == "pre":
            start_small(self.blocks, residuals=2 * layers)

    def forward(self, inputs: Tensor) -> Tensor:
        """One answer per example, (rows, ...) -> (rows, output_size)."""
        places = self._through(inputs, None)
        if self.pooling == "class":
            return self.last(places[:, 0])
        lengths = lengths_of(inputs) if self.vocabulary else None
        return self.last(pooled(places, lengths, self.pooling))

    def per_token(self, inputs: Tensor, *, hidden: Tensor | None = None) -> Tensor:
        """Answer at each place, which sees all; (rows, places, output_size).

        hidden : (rows, places) bool, true where the place does not show what stands there
        """
        return self.last(self.encode(inputs, hidden=hidden))

    def encode(self, inputs: Tensor, *, hidden: Tensor | None = None) -> Tensor:
        """What stands at each place after all blocks, (rows, places, width).

        hidden : (rows, places) bool, true where the place does not show what stands there
        """
        places = self._through(inputs, hidden)
        return places[:, 1:] if self.pooling == "class" else places

    def places(self, inputs: Tensor) -> Tensor:
        """What stands at each place before all: tokens, or (rows, places, channels) numbers."""
        if self.vocabulary:
            return inputs
        return as_patches(inputs, self.patch) if self.patch else as_sequence(inputs)

    def attention_maps(self, inputs: Tensor) -> Tensor:
        """How much each place takes from each; (layers, rows, heads, places, places).

        With a class token that is place 0.
        """
        places, padding, maps = self._first(inputs, None), self._padding(inputs), []
        for block in self.blocks:
            assert isinstance(block, EncoderBlock)
            maps.append(block.weights(places, padding=padding))
            places = block(places, padding=padding)
        return torch.stack(maps)

    def _through(self, inputs: Tensor, hidden: Tensor | None) -> Tensor:
        """All places after all blocks, a class token first where there is one."""
        places, padding = self._first(inputs, hidden), self._padding(inputs)
        for block in self.blocks:
            places = block(places, padding=padding)
        return self.norm(places)

    def _first(self, inputs: Tensor, hidden: Tensor | None) -> Tensor:
        """Vectors of what stands at the places, with their positions."""
        vectors = self.vectors(self.places(inputs))
        if hidden is not None:
            vectors = vectors.masked_fill(hidden.unsqueeze(2), 0.0)
        if self.class_vector is not None:
            first = self.class_vector.expand(len(vectors), 1, -1)
            vectors = torch.cat([first.to(vectors.dtype), vectors], dim=1)
        return self.dropout(self.positions(vectors))

    def _padding(self, inputs: Tensor) -> Tensor | None:
        """Where nobody may look, (rows, places) bool; None without a vocabulary."""
        if not self.vocabulary:
            return None
        return nn.functional.pad(inputs == PADDING, (int(self.pooling == "class"), 0))
