"""The Transformer: an encoder and a decoder of attention, for translation."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.attention import Positions, attention
from layerwise.layers.sequences import PADDING, check_whole
from layerwise.layers.transformer_blocks import DecoderBlock, EncoderBlock, check_blocks
from layerwise.layers.vocabularies import check_lengths, two_vocabularies


class TransformerTranslator(nn.Module):
    """Each word of the translation looks at those before it and at all of the source.

    Source: Vaswani et al. 2017, "Attention is all you need", NeurIPS 30. The vectors of tokens,
    times the root of the width, plus positions; blocks of attention and feed-forward layers; the
    matrix of the scores is that of the target's vectors (section 3.4).

    Parameters
    ----------
    input_shape : tuple of int
        (most source tokens, most target tokens).
    output_size : int
        Tokens of the target.
    vocabulary : tuple of int
        Tokens of the source and of the target; () is as many as outputs on both sides.
    width : int
        Numbers at each place; a multiple of ``heads``.
    heads : int
        Attentions side by side.
    layers : int
        Blocks of the encoder, and as many of the decoder.
    inner : int
        Numbers inside the feed-forward layers; 0 is four times the width.
    dropout : float
        Chance that a number is silent in a training step: of vectors, attention weights and of
        what each layer adds.
    activation : str
        relu or gelu.
    norm : str
        pre (before each layer, and at the end) or post (after each sum, as in the paper).
    positions : str
        sinusoidal, learned or none.

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
                {"weight_decay": 0.01, "betas": (0.9, 0.98)},
                0.002,
                "one_cycle",
                {"rise": 0.15},
                epochs=24,
                batch_size=64,
                clip=1.0,
            ),
        ),
        "historic": (
            Stage(
                None,
                "adam",
                {"betas": (0.9, 0.98), "eps": 1e-9},
                0.0007,
                "one_cycle",
                epochs=20,
                batch_size=64,
            ),
        ),
    }
    historic_options: ClassVar[dict[str, Any]] = {
        "norm": "post", "activation": "relu", "dropout": 0.1,
    }  # fmt: skip
    task = "translate"
    departures = (
        "The rate rises and falls by one cycle; in the paper it falls as one over the root of the "
        "step after 4,000 steps of rising.",
        "Each side has its own vocabulary; only the decoder's vectors and scores share a matrix.",
        "Widths and blocks are fewer than the paper's 512 and 6, for small data and one processor.",
        "The weights of one run are used, not the mean of the last checkpoints.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        vocabulary: tuple[int, ...] = (),
        width: int = 128,
        heads: int = 4,
        layers: int = 2,
        inner: int = 0,
        dropout: float = 0.2,
        activation: str = "gelu",
        norm: str = "pre",
        positions: str = "sinusoidal",
    ):
        super().__init__()
        name = "transformer_translator"
        inside: dict[str, Any] = {"dropout": dropout, "norm": norm, "activation": activation}
        check_blocks(name, width=width, layers=layers, heads=heads, **inside)
        check_whole(name, {"inner": inner}, least=0)
        source, target = two_vocabularies(vocabulary, output_size, name)
        longest, self.longest_target = check_lengths(input_shape, name)
        self.source_vectors = nn.Embedding(source, width)
        self.target_vectors = nn.Embedding(target, width)
        for table in (self.source_vectors, self.target_vectors):
            nn.init.normal_(table.weight, std=width**-0.5)
        self.source_positions = Positions(longest, width, positions)
        self.target_positions = Positions(self.longest_target, width, positions)
        self.encoder, self.decoder = (
            nn.ModuleList(block(width, heads, inner=inner, **inside) for _ in range(layers))
            for block in (EncoderBlock, DecoderBlock)
        )
        ends = nn.LayerNorm if norm == "pre" else nn.Identity
        self.encoder_norm, self.decoder_norm = ends(width), ends(width)
        self.bias = nn.Parameter(torch.zeros(output_size))
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Scores of what comes next at each place of the target, (rows, T, output_size).

        inputs : {"source": (rows, S), "target": (rows, T) from the start on} int64
        """
        return self.scores(self.states(inputs))

    def states(self, inputs: dict[str, Tensor]) -> Tensor:
        """What the scores come from, (rows, T, width)."""
        memory, padding = self._read(inputs["source"])
        places = self._placed(inputs["target"])
        for block in self.decoder:
            places = block(places, memory, memory_padding=padding)
        return self.decoder_norm(places)

    def scores(self, states: Tensor) -> Tensor:
        """(..., width) -> (..., output_size), by the vectors of the target's tokens."""
        return F.linear(states, self.target_vectors.weight, self.bias)

    def encode(self, source: Tensor) -> dict[str, Tensor]:
        """What the decoder looks at: which places are padding, and each block's keys and values.

        source : (rows, S) int64, 0 is padding on the right
        returns : {"padding": (rows, S), "keys 0", "values 0": (rows, heads, S, width / heads), ...}
        """
        places, padding = self._read(source)
        memory = {"padding": padding}
        for number, block in enumerate(self._blocks()):
            memory |= _named(number, *_keys_values(block.cross_attention, places))
        return memory

    def begin(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """The state before the first token: no block of the decoder has keys and values yet."""
        empty = memory["keys 0"][:, :, :0]
        found: dict[str, Tensor] = {}
        for number in range(len(self.decoder)):
            found |= _named(number, empty, empty)
        return found

    def step(
        self, memory: dict[str, Tensor], state: dict[str, Tensor], tokens: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Scores (rows, output_size) of what follows the tokens (rows,), and the next state.

        The state is the keys and values of each block's self-attention at all places so far.
        """
        places = self._placed(tokens.unsqueeze(1), after=state["keys 0"].shape[2])
        following: dict[str, Tensor] = {}
        for number, block in enumerate(self._blocks()):
            given = block.residual.before(places, block.attention_norm)
            new = _named(number, *_keys_values(block.attention, given))
            seen = {name: torch.cat([state[name], one], dim=2) for name, one in new.items()}
            places = _block_step(block, number, places, seen, memory)
            following |= seen
        return self.scores(self.decoder_norm(places).squeeze(1)), following

    def attention(self, inputs: dict[str, Tensor]) -> Tensor:
        """How much each place of the target takes from each of the source, (rows, T, S).

        The mean over the heads of the last block.
        """
        memory, padding = self._read(inputs["source"])
        places = self._placed(inputs["target"])
        *before, last = self._blocks()
        for block in before:
            places = block(places, memory, memory_padding=padding)
        return last.cross_weights(places, memory, memory_padding=padding).mean(dim=1)

    def _read(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """The encoder's places (rows, S, width), and which of them are padding (rows, S)."""
        padding = source == PADDING
        root = self.source_vectors.embedding_dim**0.5
        places = self.dropout(self.source_positions(root * self.source_vectors(source)))
        for block in self.encoder:
            places = block(places, padding=padding)
        return self.encoder_norm(places), padding

    def _blocks(self) -> list[Any]:
        return list(self.decoder)

    def _placed(self, tokens: Tensor, after: int = 0) -> Tensor:
        """Vectors of the target's tokens with their positions, from number ``after`` on."""
        vectors = self.target_vectors.embedding_dim**0.5 * self.target_vectors(tokens)
        if after:
            vectors = F.pad(vectors, (0, 0, after, 0))
        return self.dropout(self.target_positions(vectors)[:, after:])


def _block_step(
    block: Any, number: int, places: Tensor, seen: dict[str, Tensor], memory: dict[str, Tensor]
) -> Tensor:
    """One block of the decoder at the last place alone, (rows, 1, width).

    seen, memory : keys and values of its self-attention, this place included, and of the source
    """

    def looked_back(places: Tensor) -> Tensor:
        return _looked(block.attention, places, number, seen, None)

    def looked(places: Tensor) -> Tensor:
        return _looked(block.cross_attention, places, number, memory, memory["padding"])

    places = block.residual(places, block.attention_norm, looked_back)
    places = block.residual(places, block.cross_norm, looked)
    return block.residual(places, block.feed_forward_norm, block.feed_forward)


def _looked(
    layer: Any, places: Tensor, number: int, held: dict[str, Tensor], padding: Tensor | None
) -> Tensor:
    """What an attention takes from keys and values that are held, (rows, 1, width)."""
    (queries,) = _projected(layer, places, 0, 1)
    found = attention(queries, held[f"keys {number}"], held[f"values {number}"], padding=padding)
    return layer.last(found.transpose(1, 2).flatten(2))


def _keys_values(layer: Any, places: Tensor) -> list[Tensor]:
    """Keys and values of an attention, each (rows, heads, places, width / heads)."""
    return _projected(layer, places, 1, 3)


def _projected(layer: Any, places: Tensor, first: int, last: int) -> list[Tensor]:
    """Of queries, keys and values those from ``first`` to before ``last``."""
    width, matrices = places.shape[-1], layer.queries_keys_values
    some = slice(first * width, last * width)
    bias = None if matrices.bias is None else matrices.bias[some]
    parts = F.linear(places, matrices.weight[some], bias).split(width, dim=-1)
    return [part.unflatten(-1, (layer.heads, -1)).transpose(1, 2) for part in parts]


def _named(number: int, keys: Tensor, values: Tensor) -> dict[str, Tensor]:
    return {f"keys {number}": keys, f"values {number}": values}
