"""The Transformer decoder: a language model that looks back at all tokens so far."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.layers.attention import Positions
from layerwise.layers.sequences import (
    at_last,
    check_choice,
    check_tokens,
    check_whole,
    last_tokens,
    lengths_of,
)
from layerwise.layers.transformer_blocks import DecoderBlock, check_blocks, start_small


class TransformerDecoder(nn.Module):
    """Causal blocks over tokens; at each place scores of the token that follows.

    Source: Vaswani et al. 2017, "Attention is all you need", NeurIPS 30, section 3.1, the decoder
    without an encoder, as Radford et al. 2018, "Improving language understanding by generative
    pre-training", section 3.1; pre-norm and first weights after Radford et al. 2019, "Language
    models are unsupervised multitask learners", section 2.3. Learns with the task next_token.

    Padding stands on the right, so that no token before it can see it: there is no mask to apply.

    Parameters
    ----------
    input_shape : tuple of int
        (length,): the context, the most tokens that are seen at once.
    output_size : int
        Tokens that can follow, in general the vocabulary.
    width : int
        Numbers at each place, a multiple of ``heads``.
    layers : int
        Blocks.
    heads : int
        Attentions side by side in a block.
    dropout : float
        Chance of silence in a training step: of vectors, attention weights and what layers add.
    positions : str
        learned or sinusoidal.
    norm : str
        pre: normalize before each layer; post: after it is added, as in the paper of 2017.
    activation : str
        gelu or relu.
    bias : bool
        Learned constants in matrix products and normalizations of the blocks.
    tied : bool
        Scores are products with the vectors of the tokens (Press and Wolf 2017).
    vocabulary : int
        Tokens, with the padding 0; 0 is as many as ``output_size``.

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
                {"weight_decay": 0.1, "betas": (0.9, 0.99)},
                0.001,
                "cosine",
                {"warm_up": 0.05, "final": 0.1},
                epochs=10,
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
                epochs=10,
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
        "There is no encoder to look at; the paper's decoder translates.",
        "The rate falls as half a cosine after its warm-up, not as one over the root of the steps.",
        "Weights start at N(0, 0.02), smaller where layers are added, not after Glorot.",
        "Vectors of tokens are not tied to the scores and are not multiplied by sqrt(width); they "
        "start at a deviation of 1 beside the waves of positions.",
        "Labels are not smoothed.",
    )
    last: nn.Linear | None

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        dropout: float = 0.0,
        positions: str = "learned",
        norm: str = "pre",
        activation: str = "gelu",
        bias: bool = True,
        tied: bool = False,
        vocabulary: int = 0,
    ):
        super().__init__()
        name = "transformer_decoder"
        inside: dict[str, Any] = {"dropout": dropout, "norm": norm, "activation": activation}
        check_blocks(name, width=width, layers=layers, heads=heads, **inside)
        check_whole(name, {"vocabulary": vocabulary}, least=0)
        check_choice(name, "positions", positions, ("learned", "sinusoidal"))
        vocabulary = vocabulary or output_size
        check_tokens(name, input_shape, vocabulary)
        _check_tied(tied, vocabulary, output_size)
        (self.context,) = input_shape
        self.vectors = nn.Embedding(vocabulary, width)
        self.positions = Positions(self.context, width, positions)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(
            DecoderBlock(width, heads, bias=bias, cross=False, **inside) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width, bias=bias) if norm == "pre" else nn.Identity()
        self.last = None if tied else nn.Linear(width, output_size, bias=False)
        start_small(self, residuals=2 * layers)
        if positions == "sinusoidal":
            nn.init.normal_(self.vectors.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores of the token after each; (rows, length) int64 -> (rows, length, output_size).

        Raises
        ------
        DataError
            The rows are longer than the context.
        """
        return self._scores(self.encode(tokens))

    def per_token(self, tokens: Tensor) -> Tensor:
        """As ``forward``: an answer at each place, from it and those before."""
        return self._scores(self.encode(tokens))

    def next_scores(self, tokens: Tensor) -> Tensor:
        """Scores of the token after the last one; (rows, length) -> (rows, output_size).

        Of longer rows the last ``context`` tokens before the padding are seen.
        """
        seen = last_tokens(tokens, self.context)
        return self._scores(at_last(self.encode(seen), lengths_of(seen)))

    def encode(self, tokens: Tensor) -> Tensor:
        """What stands at each place after all blocks, (rows, length, width)."""
        places = self._first(tokens)
        for block in self.blocks:
            places = block(places)
        return self.norm(places)

    def attention_maps(self, tokens: Tensor) -> Tensor:
        """How much each place takes from each; (layers, rows, heads, places, places)."""
        places, maps = self._first(tokens), []
        for block in self.blocks:
            assert isinstance(block, DecoderBlock)
            maps.append(block.weights(places))
            places = block(places)
        return torch.stack(maps)

    def _first(self, tokens: Tensor) -> Tensor:
        """Vectors of the tokens with their positions."""
        return self.dropout(self.positions(self.vectors(tokens)))

    def _scores(self, places: Tensor) -> Tensor:
        """(..., width) -> (..., output_size)."""
        if self.last is None:
            return F.linear(places, self.vectors.weight)
        return self.last(places)


def _check_tied(tied: bool, vocabulary: int, output_size: int) -> None:
    """Refuse scores that are not of the tokens that have vectors."""
    if tied and vocabulary != output_size:
        raise SettingsError(
            f"Option tied of transformer_decoder needs one output for each of {vocabulary} "
            f"tokens, got {output_size} outputs. Set --network.tied false."
        )
