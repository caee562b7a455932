"""Which network fits the data: the field's rules of thumb, with the reason in words."""

from typing import Any

from layerwise.contracts import Target


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
    return _for_vectors(input_shape, rows, categories)


def _for_images(input_shape: tuple[int, ...], rows: int) -> tuple[str, dict[str, Any], str]:
    """LeNet-5, with dropout where the images are few."""
    size = f"{input_shape[1]}x{input_shape[2]}"
    if rows < 1000:
        reason = f"images of {size} pixels: convolutions; only {rows} of them: dropout"
        return "lenet5", {"dropout": 0.2}, reason + "."
    return "lenet5", {}, f"images of {size} pixels: convolutions share weights between places."


def _for_vectors(
    input_shape: tuple[int, ...], rows: int, categories: tuple[int, ...]
) -> tuple[str, dict[str, Any], str]:
    """MLP with ReLU, smaller and with dropout where the rows are few."""
    what = "rows of fixed length: a multi-layer perceptron with ReLU"
    if categories:
        what += ", a learned vector per category"
    if rows < 200:
        return "mlp", {"hidden": (32,), "dropout": 0.1}, _few(what, rows)
    if rows < 1000:
        return "mlp", {"hidden": (64, 64), "dropout": 0.1}, _few(what, rows)
    return "mlp", {"hidden": (128, 128)}, what + "."


def _few(what: str, rows: int) -> str:
    """Give the reason for a network of few rows."""
    return f"{what}; only {rows} training rows: small layers and dropout."
