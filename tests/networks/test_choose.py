"""The rules of thumb choose what the data ask for."""

import pytest
from torch import nn

from layerwise.contracts import Target
from layerwise.errors import SettingsError
from layerwise.networks import network_class
from layerwise.networks.choose import auto_network, auto_network_without_labels, recipe_of

TARGET = Target("classes", ("y",), ("a", "b", "c"))


@pytest.mark.parametrize(
    ("shape", "rows", "name", "says"),
    [
        ((13,), 50_000, "mlp", "ReLU"),
        ((13,), 300, "mlp", "only 300 training rows"),
        ((13,), 20, "mlp", "dropout"),
        ((1, 28, 28), 50_000, "lenet5", "convolutions"),
        ((3, 32, 32), 100, "lenet5", "only 100"),
        ((1, 3, 3), 100, "mlp", "ReLU"),
    ],
)
def test_the_choice_fits_and_has_a_reason(shape, rows, name, says):
    chosen, options, reason = auto_network(shape, rows, (), TARGET)
    assert chosen == name
    assert says in reason
    assert reason.endswith(".")
    network_class(chosen)(shape, 3, **options)


def test_fewer_rows_get_a_smaller_network():
    def size(rows):
        name, options, _ = auto_network((13,), rows, (), TARGET)
        return sum(p.numel() for p in network_class(name)((13,), 3, **options).parameters())

    assert size(100) < size(500) < size(5000)


def test_categories_are_mentioned():
    assert "category" in auto_network((3,), 5000, (4, 5), TARGET)[2]


def test_a_recipe_is_found_by_its_name():
    made = network_class("lenet5")
    assert recipe_of(made, "historic") is made.recipes["historic"]
    with pytest.raises(SettingsError, match=r"LeNet5 has no recipe 'historc'.*'historic'"):
        recipe_of(made, "historc")


def test_a_network_without_recipes_gets_the_usual_one():
    assert recipe_of(nn.Linear, "modern")[-1].optimizer == "adamw"


@pytest.mark.parametrize(
    ("shape", "name"), [((12,), "autoencoder"), ((1, 28, 28), "conv_autoencoder"), ((1,), None)]
)
def test_without_labels_an_autoencoder_is_chosen_whose_code_is_smaller(shape, name):
    found, options, why = auto_network_without_labels(shape, 100, (), Target("none"))
    assert found == (name or "autoencoder")
    assert why.endswith(".")
    assert options.get("code", 1) <= max(1, shape[0] // 2)
