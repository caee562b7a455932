"""What networks that translate are told: two vocabularies and two lengths."""

from layerwise.errors import SettingsError


def two_vocabularies(
    vocabulary: int | tuple[int, ...], output_size: int, network: str
) -> tuple[int, int]:
    """Give the tokens of the source and of the target; () and 0 are as many as outputs.

    Raises
    ------
    SettingsError
        There are not two, or the target's are not the outputs.
    """
    if vocabulary in ((), 0):
        return output_size, output_size
    sizes = vocabulary if isinstance(vocabulary, tuple | list) else (vocabulary, vocabulary)
    if len(sizes) != 2 or min(sizes) < 1 or sizes[1] != output_size:
        raise SettingsError(
            f"Option vocabulary of {network} must be two numbers, tokens of the source and of the "
            f"target, the second being the outputs ({output_size}); got {vocabulary}. The data "
            "set it: leave it out."
        )
    return sizes[0], sizes[1]


def check_lengths(input_shape: tuple[int, ...], network: str) -> tuple[int, int]:
    """Give the most tokens of a source and of a target.

    Raises
    ------
    SettingsError
        The shape is not that of pairs of texts.
    """
    if len(input_shape) == 1:
        return input_shape[0], input_shape[0]
    if len(input_shape) != 2:
        raise SettingsError(
            f"{network} translates pairs of texts, whose shape is (source tokens, target tokens), "
            f"got {tuple(input_shape)}. Give data with pairs of texts."
        )
    return input_shape[0], input_shape[1]
