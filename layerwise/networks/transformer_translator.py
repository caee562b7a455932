"""The Transformer: an encoder and a decoder of attention, for translation."""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.attention import Positions
from layerwise.layers.sequences import PADDING, check_dropout, check_whole
from layerwise.layers.transformer_blocks import DecoderBlock, EncoderBlock
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
                0.001,
                "one_cycle",
                epochs=14,
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
    historic_options: ClassVar[dict[str, Any]] = {"norm": "post", "activation": "relu"}
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
        dropout: float = 0.1,
        activation: str = "gelu",
        norm: str = "pre",
        positions: str = "sinusoidal",
    ):
        super().__init__()
        name = "transformer_translator"
        check_whole(name, {"width": width, "heads": heads, "layers": layers})
        check_whole(name, {"inner": inner}, least=0)
        check_dropout(name, dropout)
        source, target = two_vocabularies(vocabulary, output_size, name)
        longest, self.longest_target = check_lengths(input_shape, name)
        self.source_vectors = nn.Embedding(source, width)
        self.target_vectors = nn.Embedding(target, width)
        for table in (self.source_vectors, self.target_vectors):
            nn.init.normal_(table.weight, std=width**-0.5)
        self.source_positions = Positions(longest, width, positions)
        self.target_positions = Positions(self.longest_target, width, positions)
        inside: dict[str, Any] = {
            "inner": inner, "dropout": dropout, "activation": activation, "norm": norm,
        }  # fmt: skip
        self.encoder = nn.ModuleList(EncoderBlock(width, heads, **inside) for _ in range(layers))
        self.decoder = nn.ModuleList(DecoderBlock(width, heads, **inside) for _ in range(layers))
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
        memory = self.encode(inputs["source"])
        places = self._placed(inputs["target"])
        for block in self.decoder:
            places = block(places, memory["places"], memory_padding=memory["padding"])
        return self.decoder_norm(places)

    def scores(self, states: Tensor) -> Tensor:
        """(..., width) -> (..., output_size), by the vectors of the target's tokens."""
        return F.linear(states, self.target_vectors.weight, self.bias)

    def encode(self, source: Tensor) -> dict[str, Tensor]:
        """What the decoder looks at: places (rows, S, width), and which of them are padding.

        source : (rows, S) int64, 0 is padding on the right
        """
        padding = source == PADDING
        root = self.source_vectors.embedding_dim**0.5
        places = self.dropout(self.source_positions(root * self.source_vectors(source)))
        for block in self.encoder:
            places = block(places, padding=padding)
        return {"places": self.encoder_norm(places), "padding": padding}

    def begin(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """The state before the first token: nothing was seen by any block of the decoder."""
        places = memory["places"]
        empty = places.new_zeros(len(places), 0, places.shape[2])
        return {str(number): empty for number in range(len(self.decoder))}

    def step(
        self, memory: dict[str, Tensor], state: dict[str, Tensor], tokens: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Scores (rows, output_size) of what follows the tokens (rows,), and the next state.

        The state is what each block's attention was given so far, (rows, places, width).
        """
        places = self._placed(tokens.unsqueeze(1), after=state["0"].shape[1])
        following = {}
        for number, block in enumerate(self._blocks()):
            new = block.residual.before(places, block.attention_norm)
            seen = torch.cat([state[str(number)], new], dim=1)
            places = _block_step(block, places, seen, memory)
            following[str(number)] = seen
        return self.scores(self.decoder_norm(places).squeeze(1)), following

    def attention(self, inputs: dict[str, Tensor]) -> Tensor:
        """How much each place of the target takes from each of the source, (rows, T, S).

        The mean over the heads of the last block.
        """
        memory = self.encode(inputs["source"])
        places = self._placed(inputs["target"])
        *before, last = self._blocks()
        for block in before:
            places = block(places, memory["places"], memory_padding=memory["padding"])
        weights = last.cross_weights(places, memory["places"], memory_padding=memory["padding"])
        return weights.mean(dim=1)

    def _blocks(self) -> list[Any]:
        return list(self.decoder)

    def _placed(self, tokens: Tensor, after: int = 0) -> Tensor:
        """Vectors of the target's tokens with their positions, from number ``after`` on."""
        vectors = self.target_vectors.embedding_dim**0.5 * self.target_vectors(tokens)
        if after:
            vectors = F.pad(vectors, (0, 0, after, 0))
        return self.dropout(self.target_positions(vectors)[:, after:])


def _block_step(block: Any, places: Tensor, seen: Tensor, memory: dict[str, Tensor]) -> Tensor:
    """One block of the decoder at the last place alone, (rows, 1, width).

    seen : (rows, places, width), what its self-attention is given, the last place included
    """

    def looked_back(places: Tensor) -> Tensor:
        return block.attention(places, seen)

    def looked(places: Tensor) -> Tensor:
        return block.cross_attention(places, memory["places"], padding=memory["padding"])

    places = block.residual(places, block.attention_norm, looked_back)
    places = block.residual(places, block.cross_norm, looked)
    return block.residual(places, block.feed_forward_norm, block.feed_forward)
