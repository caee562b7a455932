"""Convolutions over a sequence, each block seeing twice as far as the one below."""

from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.sequences import (
    PADDING,
    POOLINGS,
    as_sequence,
    at_last,
    check_choice,
    check_dropout,
    check_tokens,
    check_whole,
    lengths_of,
    pooled,
    sequence_shape,
)


class Conv1d(nn.Module):
    """Residual blocks of dilated convolutions along a sequence.

    Source: Bai, Kolter and Koltun 2018, "An empirical evaluation of generic convolutional and
    recurrent networks for sequence modeling", section 3; convolution in time: Waibel et al. 1989,
    "Phoneme recognition using time-delay neural networks". Block b = 0, 1, ... gives
    relu(x + f(f(x))), f a convolution with taps 2^b places apart, then relu. A place sees
    1 + 2 (kernel - 1) (2^layers - 1) places.

    Parameters
    ----------
    input_shape : tuple of int
        (length,) of tokens; without a vocabulary (length, channels), (features,) as one number
        after the other, or (channels, height, width), an image read row by row.
    output_size : int
        Number of outputs.
    channels : int
        Numbers at each place in all blocks.
    layers : int
        Blocks of two convolutions.
    kernel : int
        Taps of a convolution; odd where it is not causal.
    causal : bool
        A place sees itself and those before it, as an answer per place needs; else as many on
        either side.
    pooling : str
        One answer from the mean, the max or the last of all places.
    dropout : float
        Chance that a channel is silent at all places in a training step.
    vocabulary : int
        Tokens, with the padding 0; 0 is real sequences.
    width : int
        Numbers in a token's vector; only with a vocabulary.

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
                {"weight_decay": 0.01},
                0.002,
                "one_cycle",
                epochs=30,
                batch_size=32,
                clip=1.0,
            ),
        ),
        "historic": (Stage(None, "adam", {}, 0.002, epochs=20, batch_size=32, clip=1.0),),
    }
    historic_options: ClassVar[dict[str, Any]] = {"pooling": "last", "dropout": 0.05}
    departures = (
        "Weights are not normalized to length and direction; they start after He et al.",
        "The rate stays as it is; the paper lowers it where the validation loss stands still.",
        "Rates, batches and dropout are one choice; the paper has others for each data set.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        channels: int = 64,
        layers: int = 4,
        kernel: int = 3,
        causal: bool = True,
        pooling: str = "mean",
        dropout: float = 0.0,
        vocabulary: int = 0,
        width: int = 64,
    ):
        super().__init__()
        check_whole("conv1d", {"channels": channels, "layers": layers, "width": width})
        check_whole("conv1d", {"kernel": kernel}, least=2)
        check_whole("conv1d", {"vocabulary": vocabulary}, least=0)
        check_dropout("conv1d", dropout)
        check_choice("conv1d", "pooling", pooling, POOLINGS)
        check_tokens("conv1d", input_shape, vocabulary)
        _check_kernel(kernel, causal)
        _, numbers = sequence_shape(input_shape, "conv1d")
        self.vocabulary, self.causal, self.pooling = vocabulary, causal, pooling
        self.vectors = nn.Embedding(vocabulary, width) if vocabulary else None
        before = [width if vocabulary else numbers] + [channels] * (layers - 1)
        self.blocks = nn.ModuleList(
            Block(size, channels, kernel, 2**number, causal, dropout)
            for number, size in enumerate(before)
        )
        self.last = nn.Linear(channels, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """One answer per sequence, (rows, length, ...) -> (rows, output_size)."""
        lengths = lengths_of(inputs) if self.vocabulary else None
        return self.last(pooled(self.encode(inputs), lengths, self.pooling))

    def per_token(self, inputs: Tensor) -> Tensor:
        """Answer at each place, of it and those before; (rows, length, output_size).

        Raises
        ------
        SettingsError
            The network is not causal.
        """
        self._check_causal()
        return self.last(self.encode(inputs))

    def next_scores(self, tokens: Tensor) -> Tensor:
        """Scores of the token after the last one; (rows, length) -> (rows, output_size)."""
        self._check_causal()
        return self.last(at_last(self.encode(tokens), lengths_of(tokens)))

    def encode(self, inputs: Tensor) -> Tensor:
        """What stands at each place after all blocks, (rows, length, channels)."""
        places = as_sequence(inputs) if self.vectors is None else self.vectors(inputs)
        seen = None
        if self.vocabulary and not self.causal:  # causal places never see the padding after them
            seen = (inputs != PADDING).unsqueeze(1).to(places.dtype)
        found = places.transpose(1, 2)
        for block in self.blocks:
            found = block(found, seen)
        return found.transpose(1, 2)

    def _check_causal(self) -> None:
        if not self.causal:
            raise SettingsError(
                "A conv1d that is not causal sees what comes after a place, so it cannot predict "
                "it. Set --network.causal true."
            )


class Block(nn.Module):
    """Two dilated convolutions with a way around them.

    Source: Bai, Kolter and Koltun 2018, figure 1b, without weight normalization.

    Parameters
    ----------
    before, after : int
        Channels that come in and go out; where they differ, the way around is a 1x1 convolution.
    kernel, dilation : int
        Taps of a convolution, and how many places they are apart.
    causal : bool
        The taps are at the place and before it; else around it.
    dropout : float
        Chance that a channel is silent in a training step.
    """

    def __init__(
        self, before: int, after: int, kernel: int, dilation: int, causal: bool, dropout: float
    ):
        super().__init__()
        reach = (kernel - 1) * dilation
        self.padding = (reach, 0) if causal else (reach // 2, reach // 2)
        self.first = nn.Conv1d(before, after, kernel, dilation=dilation)
        self.second = nn.Conv1d(after, after, kernel, dilation=dilation)
        self.around = nn.Conv1d(before, after, 1) if before != after else nn.Identity()
        self.dropout = nn.Dropout1d(dropout)
        for layer in (self.first, self.second):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, places: Tensor, seen: Tensor | None = None) -> Tensor:
        """(rows, before, length) -> (rows, after, length).

        seen : (rows, 1, length), 0 at the padding, 1 elsewhere; None where it does not matter
        """
        found = places
        for layer in (self.first, self.second):
            found = found if seen is None else found * seen
            found = self.dropout(F.relu(layer(F.pad(found, self.padding))))
        return F.relu(self.around(places) + found)


def _check_kernel(kernel: int, causal: bool) -> None:
    """Refuse a kernel without a middle where it must have one."""
    if not causal and kernel % 2 == 0:
        raise SettingsError(
            f"Option kernel of conv1d must be odd where it is not causal, got {kernel}. "
            f"Choose {kernel + 1}, or --network.causal true."
        )
