"""The deep belief net: a stack of restricted Boltzmann machines, learned from below."""

from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.networks.rbm import RBM


class DBN(nn.Module):
    """Each layer is a machine that explains the hidden units of the one below.

    Source: Hinton, Osindero and Teh 2006, "A fast learning algorithm for deep belief nets",
    Neural Computation 18, sections 2 and 4. The two uppermost layers are undirected, the others
    generate downwards: p(v, h1, h2) = p(v | h1) p(h1, h2). Learns one layer after the other with
    the task greedy_contrastive_divergence. With outputs there is a linear classifier on top, and
    a second stage fine-tunes all of it by back-propagation (Hinton and Salakhutdinov 2006,
    "Reducing the dimensionality of data with neural networks", Science 313).

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example; it is flattened.
    output_size : int
        Number of outputs; 0: ``forward`` gives reconstructions.
    hidden : tuple of int
        Units of each hidden layer.
    visible : str
        binary: inputs from 0 to 1, taken as chances. gaussian: any numbers.

    Raises
    ------
    SettingsError
        An option cannot be.
    """

    inputs_as = "unit"
    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage("greedy_contrastive_divergence", "sgd", {}, 0.1, epochs=30, batch_size=100),
            Stage(None, "adamw", {}, 0.01, "cosine", epochs=60, batch_size=50),
        ),
        "historic": (
            Stage("greedy_contrastive_divergence", "sgd", {}, 0.1, epochs=90, batch_size=100),
            Stage(None, "sgd", {"momentum": 0.9}, 0.05, epochs=50, batch_size=100),
        ),
    }
    historic_options: ClassVar[dict[str, tuple[int, ...]]] = {"hidden": (500, 500, 2000)}
    departures = (
        "The classes are a linear classifier on the top layer, not units beside it.",
        "Fine-tuning is by back-propagation of the task's error, not by the up-down algorithm.",
        "Weights that recognize and weights that generate stay the same ones.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        hidden: tuple[int, ...] = (500, 500),
        visible: str = "binary",
    ):
        super().__init__()
        hidden = (hidden,) if isinstance(hidden, int) else tuple(hidden)
        if not hidden or not all(isinstance(units, int) and units > 0 for units in hidden):
            raise SettingsError(
                "Option hidden of dbn must be whole numbers above 0, such as 500,500, got "
                f"{hidden}."
            )
        above = [RBM((below,), hidden=units) for below, units in pairwise(hidden)]
        self.layers = nn.ModuleList([RBM(input_shape, hidden=hidden[0], visible=visible), *above])
        self.classifier = nn.Linear(hidden[-1], output_size) if output_size else None

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, *input_shape) -> (rows, output_size), or reconstructions without outputs."""
        codes = self.encode(inputs)
        return self.decode(codes) if self.classifier is None else self.classifier(codes)

    def encode(self, inputs: Tensor) -> Tensor:
        """Chances of the top units by mean field: (rows, *input_shape) -> (rows, hidden[-1])."""
        return self.up(inputs, len(self.layers))

    def decode(self, codes: Tensor) -> Tensor:
        """Chances or means of the inputs by mean field: (rows, hidden[-1]) -> (rows, *shape)."""
        for layer in reversed(self.machines()):
            codes = layer.visible_chances(codes)
        return codes

    def up(self, inputs: Tensor, layers: int) -> Tensor:
        """Chances of the hidden units after so many layers; after none, the inputs."""
        for layer in self.machines()[:layers]:
            inputs = layer.hidden_chances(inputs)
        return inputs

    @torch.no_grad()
    def sample(self, rows: int) -> Tensor:
        """Draw by a Gibbs chain in the top machine, then once down: (rows, *input_shape).

        After fine-tuning for classes the weights generate no more.
        """
        *lower, top = self.machines()
        states = top.sample(rows)
        for layer in reversed(lower):
            states = layer.draw_visible(layer.visible_input(states))
            states = states.unflatten(1, layer.input_shape)
        return states

    def machines(self) -> list[RBM]:
        """The layers, from below."""
        return [layer for layer in self.layers if isinstance(layer, RBM)]
