"""Long short-term memory: cells that keep what gates let in."""

from typing import ClassVar

from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.recurrence import Recurrence


class LSTM(nn.Module):
    """Memory cells with an input, a forget and an output gate.

    Source: Hochreiter and Schmidhuber 1997, "Long short-term memory", Neural Computation 9; Gers,
    Schmidhuber and Cummins 2000, "Learning to forget", Neural Computation 12, for the forget gate.
    With s for the logistic function and each W x + b + U h + c of its own:
    i, f, o = s(...), g = tanh(...), c_t = f c_(t-1) + i g, h_t = o tanh(c_t), y = V h + d.

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
        "historic": (Stage(None, "sgd", {}, 0.1, epochs=50, batch_size=1, clip=1.0),),
    }
    departures = (
        "There is the forget gate of Gers et al. 2000; cells of 1997 never forget.",
        "Gradients go through all steps in time and all gates; the papers cut them at the cell.",
        "Cells are squashed by tanh, not by logistic functions scaled to -1..1 and -2..2.",
        "Gradients are clipped at a norm of 1.",
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
            "lstm",
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
