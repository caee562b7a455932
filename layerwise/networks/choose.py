"""Which network fits the data: the field's rules of thumb, with the reason in words."""

from math import prod
from typing import Any

from layerwise.contracts import Recipe, Stage, Target
from layerwise.errors import SettingsError, nearest

GOING_ON = ("head", "fine_tune")  # recipes of every network, from trained weights
FEW = 5000  # training rows below which dropout was better on validation rows (digits, titanic)
USUAL: Recipe = (
    Stage(None, "adamw", {"weight_decay": 0.01}, 0.001, "one_cycle", epochs=30, batch_size=32),
)


FORM_NETWORKS = {  # form -> what is taken unless a network is named, and why
    "text": ("gru", "text with labels: a recurrent network that reads from the first word on"),
    "pairs": ("transformer_translator", "pairs of texts: attention from each word to all"),
    "series": ("window_linear", "series: a linear map of the window, hard to beat, before others"),
    "graph": ("gcn", "a graph: convolution over neighbours"),
    "game": ("checkers_net", "a game: value and policy of positions"),
    "grid": ("unet", "fields on a grid: what is to be added at each cell, from near and far"),
    "masks": ("unet", "images with masks: coarse maps say what is there, fine ones where"),
}


def network_of_form(form: str, target: Target) -> tuple[str, str]:
    """Give the network of a form of data that is no table, and the reason in one sentence."""
    if form == "text" and target.kind == "none":
        return "transformer_decoder", "text without labels: a Transformer that predicts what comes."
    name, why = FORM_NETWORKS[form]
    return name, f"{why}."


def auto_network(
    input_shape: tuple[int, ...], rows: int, categories: tuple[int, ...], target: Target
) -> tuple[str, dict[str, Any], str]:
    """Choose a network and its options by the shape and the amount of the data.

    Fixed vectors go to an MLP with ReLU, images to convolutions; few examples get smaller
    layers and dropout.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example: (features,) or (channels, height, width).
    rows : int
        Training rows.
    categories : tuple of int
        Codes per category column.
    target : Target
        What is learned.

    Returns
    -------
    tuple
        Name of the network, its options, and the reason in one sentence.
    """
    if len(input_shape) == 3 and min(input_shape[1:]) >= 8:
        return _for_images(input_shape, rows)
    return _for_vectors(rows, categories)


def auto_network_without_labels(
    input_shape: tuple[int, ...], rows: int, categories: tuple[int, ...], target: Target
) -> tuple[str, dict[str, Any], str]:
    """Choose an autoencoder by the shape of the data; takes and gives what auto_network does."""
    if len(input_shape) == 3 and min(input_shape[1:]) >= 8:
        return "conv_autoencoder", {}, f"images of {input_shape[1]}x{input_shape[2]} pixels."
    width = prod(input_shape)
    code = max(1, min(16, width // 3))
    hidden = (max(4 * code, min(64, 2 * width)),)
    why = f"rows of {width} numbers: an autoencoder."
    return "autoencoder", {"hidden": hidden, "code": code}, why


def recipe_of(network: type, name: str) -> Recipe:
    """Give a recipe of a network; a person's own class without recipes gets the usual one.

    Raises
    ------
    SettingsError
        The network has no recipe of that name.
    """
    recipes = getattr(network, "recipes", None) or {"modern": USUAL}
    if name not in recipes:
        known = [*recipes, *GOING_ON]
        raise SettingsError(f"{network.__name__} has no recipe '{name}'.{nearest(name, known)}")
    return recipes[name]


def _for_images(input_shape: tuple[int, ...], rows: int) -> tuple[str, dict[str, Any], str]:
    """Give LeNet-5, with dropout where the images are few."""
    what = f"images of {input_shape[1]}x{input_shape[2]} pixels: convolutions"
    if rows < FEW:
        return "lenet5", {"dropout": 0.2}, f"{what}; only {rows} training images: dropout."
    return "lenet5", {}, f"{what}, which share their weights between places."


def _for_vectors(rows: int, categories: tuple[int, ...]) -> tuple[str, dict[str, Any], str]:
    """Give an MLP with ReLU, with dropout where the rows are few, smaller where very few."""
    what = "rows of fixed length: a multi-layer perceptron with ReLU"
    if categories:
        what += ", a learned vector per category"
    if rows >= FEW:
        return "mlp", {"hidden": (128, 128)}, f"{what}."
    few = f"{what}; only {rows} training rows"
    if rows >= 1000:
        return "mlp", {"hidden": (128, 128), "dropout": 0.2}, f"{few}: dropout."
    if rows >= 200:
        return "mlp", {"hidden": (64, 64), "dropout": 0.2}, f"{few}: smaller layers and dropout."
    return "mlp", {"hidden": (64,), "dropout": 0.1}, f"{few}: one small layer and dropout."
