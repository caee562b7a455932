"""The gates of McCulloch and Pitts."""

import pytest
import torch
from torch import tensor

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.networks.mcculloch_pitts import McCullochPitts
from layerwise.tasks.perceptron_rule import PerceptronRule

CORNERS = tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
TABLE = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "nand": [1, 1, 1, 0], "nor": [1, 0, 0, 0]}


@pytest.mark.parametrize("gate", TABLE)
@pytest.mark.parametrize("inputs", [CORNERS, 2 * CORNERS - 1], ids=["0 and 1", "-1 and +1"])
def test_a_gate_gives_its_truth_table(gate, inputs):
    assert McCullochPitts((2,), gate=gate)(inputs).flatten().tolist() == TABLE[gate]


def test_not_turns_one_input_over():
    assert McCullochPitts((1,), gate="not")(tensor([[0.0], [1.0]])).tolist() == [[1.0], [0.0]]


def test_a_majority_needs_more_than_half():
    inputs = tensor([[1.0, 1, 0], [1, 0, 0], [1, 1, 1]])
    assert McCullochPitts((3,), gate="majority")(inputs).flatten().tolist() == [1, 0, 1]


def test_decisions_are_the_gate_itself():
    task = PerceptronRule(Target("binary", ("y",), ("off", "on")))
    decided = task.outputs(McCullochPitts((2,), gate="or"), Batch(CORNERS))
    assert decided.argmax(1).tolist() == TABLE["or"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"gate": "xor"}, "no line separates.*--network mlp"),
        ({"gate": "nandd"}, "Did you mean 'nand'"),
        ({"gate": "not"}, "must have one input, got 2"),
        ({"output_size": 3}, "one output, got 3"),
    ],
)
def test_what_one_neuron_cannot_be_is_explained(options, says):
    with pytest.raises(SettingsError, match=says):
        McCullochPitts((2,), **options)


def test_the_gate_travels_with_the_weights():
    state = McCullochPitts((2,), gate="nor").state_dict()
    other = McCullochPitts((2,), gate="and")
    other.load_state_dict(state)
    assert other(torch.zeros(1, 2)).item() == 1
