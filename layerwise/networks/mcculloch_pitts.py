"""The McCulloch-Pitts neuron: fixed weights and a threshold; the logic gates."""

from typing import ClassVar

import torch
from torch import Tensor, nn

from layerwise.contracts import Recipe, Stage
from layerwise.errors import SettingsError, nearest

# gate: weight of each input, threshold as a function of the number of inputs
GATES = {
    "and": (1.0, lambda inputs: inputs),
    "or": (1.0, lambda inputs: 1),
    "nand": (-1.0, lambda inputs: 1 - inputs),
    "nor": (-1.0, lambda inputs: 0),
    "not": (-1.0, lambda inputs: 0),
    "majority": (1.0, lambda inputs: inputs // 2 + 1),
}


class McCullochPitts(nn.Module):
    """A neuron that fires when enough of its inputs do; nothing in it learns.

    Source: McCulloch and Pitts 1943, "A logical calculus of the ideas immanent in nervous
    activity", Bulletin of Mathematical Biophysics 5. y = 1 if sum_i w_i x_i >= threshold, else 0.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example, flattened; every input is on (above 0.5) or off.
    output_size : int
        Must be 1.
    gate : str
        and, or, nand, nor, not (one input) or majority. Exclusive or needs two layers.
    """

    task = "perceptron_rule"  # judged by its decisions
    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (Stage(task, "sgd", epochs=0),),  # nothing to learn: it is only evaluated
        "historic": (Stage(task, "sgd", epochs=0),),
    }
    departures = (
        "An inhibiting input is a weight of -1; in the paper a single one silences the neuron.",
    )

    def __init__(self, input_shape: tuple[int, ...], output_size: int = 1, *, gate: str = "and"):
        super().__init__()
        inputs = torch.Size(input_shape).numel()
        _check(gate, inputs, output_size)
        weight, threshold = GATES[gate]
        self.weight = nn.Buffer(torch.full((1, inputs), weight))
        self.threshold = nn.Buffer(torch.tensor(float(threshold(inputs))))

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, *input_shape) -> (rows, 1), 1 where the neuron fires and 0 where it does not."""
        states = (inputs.flatten(1) > 0.5).to(self.weight.dtype)
        return (states @ self.weight.T >= self.threshold).to(self.weight.dtype)


def _check(gate: str, inputs: int, output_size: int) -> None:
    """Refuse what one neuron cannot be."""
    if gate in ("xor", "xnor"):
        raise SettingsError(
            f"The gate '{gate}' cannot be one McCulloch-Pitts neuron: no line separates its two "
            "classes (Minsky and Papert 1969). Use --network mlp, which has a hidden layer."
        )
    if gate not in GATES:
        raise SettingsError(f"There is no gate '{gate}'.{nearest(gate, GATES)}")
    if gate == "not" and inputs != 1:
        raise SettingsError(f"The gate 'not' must have one input, got {inputs}.")
    if output_size != 1:
        raise SettingsError(
            f"A McCulloch-Pitts neuron has one output, got {output_size}: "
            "the target must have two classes."
        )
