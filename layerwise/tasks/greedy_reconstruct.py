"""Greedy reconstruction: each layer of an autoencoder learns alone, on the codes of those below."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.layers.losses import row_mean
from layerwise.layers.noise import check_noise, corrupted
from layerwise.tasks.reconstruct import checked_outputs, row_errors


class GreedyReconstruct:
    """Train layer after layer: layer k learns to give back the codes of the layers below it.

    Source: Bengio, Lamblin, Popovici and Larochelle 2007, "Greedy layer-wise training of deep
    networks"; with noise Vincent et al. 2010, "Stacked denoising autoencoders". The stage is cut
    into as many equal stretches as there are layers; each trains one pair of encoder and decoder
    layer, a part of its own. A stage of the task reconstruct then trains all together.

    Parameters
    ----------
    target : Target
        Of any kind; it is not looked at.
    noise : str
        none, gaussian, masking or salt_and_pepper, put on what each layer sees in training.
    noise_level : float
        Deviation of gaussian noise; else the chance that a number is changed.

    Raises
    ------
    SettingsError
        An option that cannot be, or a network without layer_pairs().
    """

    kinds = ("none",)
    output_size = 0
    metrics = ("mean_error",)
    judged_by = (
        "Mean error: the squared difference between a row and its reconstruction, per "
        "number, in units of the prepared inputs."
    )
    baselines = ("pca", "mean_row")

    def __init__(self, target: Target, *, noise: str = "none", noise_level: float = 0.3):
        check_noise(noise, noise_level, "greedy_reconstruct")
        self.noise, self.noise_level = noise, noise_level

    def parts(self, network: nn.Module) -> dict[str, list]:
        """Parameters of each pair of layers: "layer 1" is next to the inputs."""
        return {
            f"layer {number}": [*encoder.parameters(), *decoder.parameters()]
            for number, (encoder, decoder) in enumerate(_layer_pairs(network), start=1)
        }

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the error per number of the layer whose turn it is."""
        pairs = _layer_pairs(network)
        turn = min(int(float(batch.done) * len(pairs)), len(pairs) - 1)
        assert isinstance(batch.inputs, Tensor)
        below = _codes_below(pairs, turn, batch.inputs)
        encoder, decoder = pairs[turn]
        made = decoder(encoder(corrupted(below, self.noise, self.noise_level)))
        yield Loss(*row_mean(row_errors(made, below), batch.weight), f"layer {turn + 1}")

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean squared error per number of each row, through all layers, (rows, 1)."""
        assert isinstance(batch.inputs, Tensor)
        return row_errors(checked_outputs(network, batch.inputs), batch.inputs).unsqueeze(1)


@torch.no_grad()
def _codes_below(pairs: list, turn: int, inputs: Tensor) -> Tensor:
    """What layer ``turn`` sees; the layers below it do not learn."""
    for encoder, _ in pairs[:turn]:
        inputs = encoder(inputs)
    return inputs


def _layer_pairs(network: nn.Module) -> list[tuple[nn.Module, nn.Module]]:
    if not hasattr(network, "layer_pairs"):
        raise SettingsError(
            "The task greedy_reconstruct needs a network with layer_pairs(), which "
            f"{type(network).__name__} does not have. Choose --network autoencoder."
        )
    return network.layer_pairs()  # type: ignore[operator]
