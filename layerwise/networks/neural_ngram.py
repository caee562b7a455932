"""The neural n-gram: the vectors of the last few words, side by side, say the next one."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.activations import start_weights
from layerwise.layers.sequences import (
    PlaceVectors,
    as_sequence,
    at_last,
    check_dropout,
    check_tokens,
    check_whole,
    last_tokens,
    lengths_of,
    sequence_shape,
)


class NeuralNGram(nn.Module):
    """A hidden layer over the vectors of the last few tokens; similar words share what is learned.

    Source: Bengio, Ducharme, Vincent and Jauvin 2003, "A neural probabilistic language model",
    JMLR 3, eq. 1: y = b + W x + U tanh(d + H x), x the vectors of the last ``order`` tokens side
    by side, softmax of y the chances of the next one. Before the first place all vectors are 0.

    Parameters
    ----------
    input_shape : tuple of int
        (length,) of tokens; without a vocabulary (length, channels), (features,) as one number
        after the other, or (channels, height, width), an image read row by row.
    output_size : int
        Number of outputs; of a language model, the tokens.
    order : int
        Tokens that are looked at; the paper's n less one.
    width : int
        Numbers in a token's vector.
    hidden : int
        Units of the hidden layer.
    direct : bool
        Whether the vectors also go straight to the outputs (W; without it W is 0).
    dropout : float
        Chance that a hidden unit is silent in a training step.
    vocabulary : int
        Tokens, with the padding 0; 0 is real sequences.

    Raises
    ------
    SettingsError
        A shape or an option cannot be.
    """

    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(
                None, "adamw", {"weight_decay": 0.01}, 0.004, "one_cycle",
                epochs=30, batch_size=32, clip=1.0,
            ),
        ),
        "historic": (Stage(None, "sgd", {}, 0.1, epochs=20, batch_size=1, l2=1e-4),),
    }  # fmt: skip
    historic_options: ClassVar[dict[str, int | bool]] = {
        "order": 4, "width": 30, "hidden": 100, "direct": True,
    }  # fmt: skip
    departures = (
        "A step descends the mean over the words of a row, not one word; so the learning rate is "
        "0.1, not 0.001, and it does not fall.",
        "Words before the first one have the vector 0; the paper's text has no beginning.",
        "The paper's best chances are mixed half and half with a trigram's; these stand alone.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        order: int = 8,
        width: int = 32,
        hidden: int = 256,
        direct: bool = False,
        dropout: float = 0.0,
        vocabulary: int = 0,
    ):
        super().__init__()
        check_whole("neural_ngram", {"order": order, "width": width, "hidden": hidden})
        check_dropout("neural_ngram", dropout)
        check_tokens("neural_ngram", input_shape, vocabulary)
        channels = sequence_shape(input_shape, "neural_ngram")[1]
        self.order, self.vocabulary = order, vocabulary
        self.places = PlaceVectors(channels, width, vocabulary, 1.0)
        self.hidden = nn.Linear(order * width, hidden)
        start_weights(self.hidden, "tanh")
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(hidden, output_size)
        self.direct = nn.Linear(order * width, output_size, bias=False) if direct else None

    def forward(self, inputs: Tensor) -> Tensor:
        """Answer at the last place of each row, (rows, length, ...) -> (rows, output_size)."""
        if not self.vocabulary:
            windows = self._windows(as_sequence(inputs)[:, -self.order :])
            return self._answer(windows[:, -1])
        some = last_tokens(inputs, self.order)
        return self._answer(at_last(self._windows(some), lengths_of(some)))

    def per_token(self, inputs: Tensor) -> Tensor:
        """Answer at each place, of it and those before; (rows, length, output_size)."""
        return self._answer(self._windows(inputs if self.vocabulary else as_sequence(inputs)))

    def next_scores(self, tokens: Tensor) -> Tensor:
        """Scores of the token after the last one; (rows, length) -> (rows, output_size)."""
        return self(tokens)

    def _windows(self, places: Tensor) -> Tensor:
        """Vectors of the last ``order`` places, oldest first, (rows, length, order * width)."""
        vectors = F.pad(self.places(places), (0, 0, self.order - 1, 0))
        length = places.shape[1]
        return torch.cat([vectors[:, first : first + length] for first in range(self.order)], dim=2)

    def _answer(self, windows: Tensor) -> Tensor:
        """(..., order * width) -> (..., output_size)."""
        answer = self.last(self.dropout(torch.tanh(self.hidden(windows))))
        return answer if self.direct is None else answer + self.direct(windows)
