"""What networks of images share: the shapes that they take, and how wide they are."""

from layerwise.errors import SettingsError


def check_images(network: str, input_shape: tuple[int, ...], smallest: int) -> None:
    """Raise SettingsError where one example is no image, or smaller than the arithmetic allows.

    network : name for the error
    input_shape : must be (channels, height, width)
    smallest : pixels of the shorter side from which on all layers have something to look at
    """
    if len(input_shape) != 3:
        raise SettingsError(
            f"{network} needs images of shape (channels, height, width), got {tuple(input_shape)}. "
            "For a table choose --network mlp."
        )
    if min(input_shape[1:]) < smallest:
        raise SettingsError(
            f"{network} needs images of at least {smallest}x{smallest} pixels, got "
            f"{input_shape[1]}x{input_shape[2]}. Choose --network cnn for smaller ones, or "
            "enlarge the images."
        )


def check_width(network: str, width: float) -> None:
    """Raise SettingsError where the share of the published channels is no number above zero."""
    if not 0 < width < float("inf"):
        raise SettingsError(f"Option width of {network} must be a number above 0, got {width}.")


def scaled(channels: int, width: float) -> int:
    """Give ``width`` times the published number of channels, rounded, at least 1."""
    return max(1, round(channels * width))
