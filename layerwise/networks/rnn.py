"""The simple recurrent network: a layer that reads its own last state."""

from typing import ClassVar

from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.layers.recurrence import Recurrence
from layerwise.layers.sequences import check_choice


class RNN(nn.Module):
    """A hidden layer fed by the input and by itself one step ago.

    Source: Elman 1990, "Finding structure in time", Cognitive Science 14, figure 2.
    h_t = tanh(W x_t + b + U h_(t-1) + c), h_0 = 0, y = V h + d. Gradients through many steps shrink
    or grow geometrically (Bengio et al. 1994): for long memories choose lstm or gru.

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
    activation : str
        tanh or relu, of the states.
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
        "historic": (Stage(None, "sgd", {}, 0.1, epochs=50, batch_size=1, clip=1.0),),
    }
    departures = (
        "Units are tanh, from -1 to 1, not logistic, from 0 to 1.",
        "Gradients go through all steps in time; the paper's stop at the copied state.",
        "States start at 0, not at 0.5; the error is the task's, not the squared one.",
        "Gradients are clipped at a norm of 1, without which long sequences diverge.",
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
        activation: str = "tanh",
        vocabulary: int = 0,
        width: int = 64,
    ):
        super().__init__()
        check_choice("rnn", "activation", activation, ("tanh", "relu"))
        self.recurrence = Recurrence(
            "rnn",
            input_shape,
            hidden=hidden,
            layers=layers,
            bidirectional=bidirectional,
            dropout=dropout,
            vocabulary=vocabulary,
            width=width,
            activation=activation,
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
