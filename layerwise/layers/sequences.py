"""What networks of sequences share: places, their numbers, where padding begins, one answer."""

import torch
from torch import Tensor, nn

from layerwise.errors import SettingsError

POOLINGS = ("mean", "max", "last")
PADDING = 0  # the token that fills up short rows, on the right


def sequence_shape(input_shape: tuple[int, ...], network: str) -> tuple[int, int]:
    """Give (length, channels) of what ``as_sequence`` makes of one example.

    Parameters
    ----------
    input_shape : tuple of int
        (features,), (length, channels) or (channels, height, width).
    network : str
        Name for the error.

    Raises
    ------
    SettingsError
        The shape is none of these.
    """
    if len(input_shape) == 1:
        return input_shape[0], 1
    if len(input_shape) == 2:
        return input_shape[0], input_shape[1]
    if len(input_shape) == 3:
        return input_shape[1], input_shape[0] * input_shape[2]
    raise SettingsError(
        f"{network} needs sequences of shape (length,) or (length, channels), or images of shape "
        f"(channels, height, width), got {tuple(input_shape)}. For other arrays choose "
        "--network mlp."
    )


def as_sequence(inputs: Tensor) -> Tensor:
    """Give (rows, length, channels): numbers one by one, or an image row by row.

    inputs : (rows, features), (rows, length, channels) or (rows, channels, height, width)
    """
    if inputs.ndim == 2:
        return inputs.unsqueeze(-1)
    return inputs if inputs.ndim == 3 else inputs.transpose(1, 2).flatten(2)


def patch_shape(input_shape: tuple[int, ...], patch: int, network: str) -> tuple[int, int]:
    """Give (places, channels) of what ``as_patches`` makes of one image.

    Raises
    ------
    SettingsError
        The shape is no image, or its sides are no multiples of ``patch``.
    """
    if len(input_shape) != 3 or input_shape[1] % patch or input_shape[2] % patch:
        raise SettingsError(
            f"Option patch of {network} needs images whose sides are multiples of it, got patch "
            f"{patch} and the shape {tuple(input_shape)}. Choose another patch, or 0 for none."
        )
    channels, height, width = input_shape
    return (height // patch) * (width // patch), channels * patch * patch


def as_patches(images: Tensor, patch: int) -> Tensor:
    """Cut images into squares, row by row; each place has its square's numbers, channels first.

    Source: Dosovitskiy et al. 2021, "An image is worth 16x16 words", ICLR, section 3.1.

    images : (rows, channels, height, width)
    returns : (rows, (height / patch) * (width / patch), channels * patch * patch)
    """
    cut = images.unflatten(3, (-1, patch)).unflatten(2, (-1, patch))
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def lengths_of(tokens: Tensor) -> Tensor:
    """Places before the padding, at least 1; (rows, length) int64 -> (rows,) int64."""
    return (tokens != PADDING).sum(dim=1).clamp(min=1)


def at_last(found: Tensor, lengths: Tensor | None) -> Tensor:
    """What stands at each row's last place; (rows, length, width) -> (rows, width).

    lengths : (rows,) int64; None where all rows are full
    """
    if lengths is None:
        return found[:, -1]
    return found[torch.arange(len(found), device=found.device), lengths - 1]


def last_tokens(tokens: Tensor, most: int) -> Tensor:
    """Keep each row's last ``most`` tokens before the padding; (rows, at most ``most``)."""
    if tokens.shape[1] <= most:
        return tokens
    first = (lengths_of(tokens) - most).clamp(min=0)
    return tokens.gather(1, first.unsqueeze(1) + torch.arange(most, device=tokens.device))


def pooled(found: Tensor, lengths: Tensor | None, how: str) -> Tensor:
    """One vector per row of its places; (rows, length, width) -> (rows, width).

    lengths : (rows,) int64, places that count; None is all
    how : mean, max, or last
    """
    if how == "last":
        return at_last(found, lengths)
    if lengths is None:
        return found.mean(dim=1) if how == "mean" else found.amax(dim=1)
    places = torch.arange(found.shape[1], device=found.device)
    outside = (places >= lengths.unsqueeze(1)).unsqueeze(2)
    if how == "max":
        return found.masked_fill(outside, -torch.inf).amax(dim=1)
    return found.masked_fill(outside, 0.0).sum(dim=1) / lengths.unsqueeze(1)


class PlaceVectors(nn.Module):
    """A vector for what stands at each place: a token's own, or a linear map of real numbers.

    Source: Bengio et al. 2003, "A neural probabilistic language model", JMLR 3, section 2, for
    the table of vectors.

    Parameters
    ----------
    channels : int
        Real numbers at each place; not looked at with a vocabulary.
    width : int
        Numbers in a vector.
    vocabulary : int
        Tokens, with the padding; 0 is real sequences.
    deviation : float
        Of the vectors at the start, drawn from a normal density around 0, for real numbers of
        deviation 1.
    """

    def __init__(self, channels: int, width: int, vocabulary: int, deviation: float):
        super().__init__()
        if vocabulary:
            self.vectors = nn.Embedding(vocabulary, width)
            nn.init.normal_(self.vectors.weight, std=deviation)
        else:
            self.vectors = nn.Linear(channels, width)
            nn.init.normal_(self.vectors.weight, std=deviation / channels**0.5)
            nn.init.zeros_(self.vectors.bias)

    def forward(self, places: Tensor) -> Tensor:
        """(rows, length) int64 or (rows, length, channels) -> (rows, length, width)."""
        return self.vectors(places)


def check_whole(network: str, options: dict[str, int], least: int = 1) -> None:
    """Raise SettingsError where an option is no whole number of at least ``least``."""
    for name, value in options.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise SettingsError(
                f"Option {name} of {network} must be a whole number of at least {least}, "
                f"got {value!r}."
            )


def check_dropout(network: str, dropout: float) -> None:
    """Raise SettingsError where the chance of silence is not from 0 to below 1."""
    if not 0 <= dropout < 1:
        raise SettingsError(
            f"Option dropout of {network} must be from 0 to below 1, got {dropout}."
        )


def check_choice(network: str, option: str, value: str, known: tuple[str, ...]) -> None:
    """Raise SettingsError where an option is none of the known words."""
    if value not in known:
        raise SettingsError(
            f"Option {option} of {network} must be one of {', '.join(known)}, got '{value}'."
        )


def check_tokens(network: str, input_shape: tuple[int, ...], vocabulary: int) -> None:
    """Raise SettingsError where a vocabulary meets a shape that is no row of tokens."""
    if vocabulary and len(input_shape) != 1:
        raise SettingsError(
            f"Tokens of {network} have the shape (length,), got {tuple(input_shape)}. "
            "Leave option vocabulary at 0 for real sequences and images."
        )
