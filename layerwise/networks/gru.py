"""The gated recurrent unit: a state that is partly kept, partly written anew."""

from typing import ClassVar

from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.recurrence import Recurrence


class GRU(nn.Module):
    """States that an update gate mixes with new ones, and a reset gate hides.

    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for
    statistical machine translation", EMNLP, eq. 5-8. With s for the logistic function:
    r, z = s(W x + b + U h + c), n = tanh(W x + b + r (U h + c)), h_t = (1 - z) n + z h_(t-1),
    y = V h + d.

    Parameters
    ----------
    input_shape : tuple of int
        (length,) of tokens; without a vocabulary (length, channels), (features,) as one number
        after the other, or (channels, height, width), an image read row by row.
    output_size : int
        Number of outputs.
    hidden : int
        Numbers in a state.
    layers : int
        Recurrent layers, each reading the states of the one below.
    bidirectional : bool
        A second network reads from the end; then there is no answer per place.
    dropout : float
        Chance that a number of a state is silent on its way up in a training step.
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
                0.004,
                "one_cycle",
                epochs=30,
                batch_size=32,
                clip=1.0,
            ),
        ),
        "historic": (
            Stage(None, "adadelta", {"rho": 0.95, "eps": 1e-6}, 1.0, epochs=50, batch_size=64),
        ),
    }
    departures = (
        "The reset gate acts after the matrix product, as in cuDNN; in the paper before it.",
        "Matrices of the inputs start after Glorot, not from a normal density of deviation 0.01.",
        "The whole network is one reader; the paper's encoder and decoder translate.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int,
        *,
        hidden: int = 128,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        vocabulary: int = 0,
        width: int = 64,
    ):
        super().__init__()
        self.recurrence = Recurrence(
            "gru",
            input_shape,
            hidden=hidden,
            layers=layers,
            bidirectional=bidirectional,
            dropout=dropout,
            vocabulary=vocabulary,
            width=width,
        )
        self.last = nn.Linear(self.recurrence.outputs, output_size)

    def forward(self, inputs: Tensor) -> Tensor:
        """Answer after the whole sequence, (rows, length, ...) -> (rows, output_size)."""
        return self.last(self.recurrence.last(inputs))

    def per_token(self, inputs: Tensor) -> Tensor:
        """Answer at each place, of it and those before; (rows, length, output_size).

        Raises
        ------
        SettingsError
            The network is bidirectional.
        """
        return self.last(self.recurrence.every(inputs))

    def next_scores(self, tokens: Tensor) -> Tensor:
        """Scores of the token after the last one; (rows, length) -> (rows, output_size)."""
        self.recurrence.check_causal()
        return self(tokens)
