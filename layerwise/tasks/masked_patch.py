"""Masked patch: some places of an image or a series are hidden, the network rebuilds them."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.layers.losses import row_mean
from layerwise.layers.masking import hidden_by_turns, hidden_places


class MaskedPatch:
    """Learn to rebuild hidden places; what is learned can be tuned to few labels afterwards.

    Sources: He et al. 2022, "Masked autoencoders are scalable vision learners", CVPR, section 3
    (squared error of the hidden patches alone, three quarters of them hidden); Xie et al. 2022,
    "SimMIM: a simple framework for masked image modeling", CVPR, section 3: as here, the encoder
    sees the hidden places as such and one linear layer rebuilds them.

    Parameters
    ----------
    target : Target
        Of kind none: the inputs are what is predicted.
    share : float
        Of the places of each row, which are hidden; chosen in every step anew.
    normalize : bool
        Whether each place is rebuilt as less its own mean, over its own deviation (He et al. 2022,
        section 4.1), so that form counts and brightness does not.

    Raises
    ------
    SettingsError
        The share cannot be, there is a target, or the network cannot hide places.
    """

    kinds = ("none",)
    output_size = 0
    metrics = ("mean_error",)
    baselines = ()
    judged_by = (
        "Mean error: the squared difference between places that were hidden and what the network "
        "makes of the others, per number, each place hidden as often as the others; in units of "
        "the prepared inputs."
    )

    def __init__(self, target: Target, *, share: float = 0.6, normalize: bool = False):
        if target.kind != "none":
            raise SettingsError(
                "The task masked_patch learns from the inputs alone, but there is a target of kind "
                f"'{target.kind}'. Leave --target out; a later run tunes --from it to labels."
            )
        if not 0 < share < 1:
            raise SettingsError(
                f"Option share of masked_patch must be above 0 and below 1, got {share}."
            )
        self.share, self.normalize = share, normalize

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean over the rows of the error per number of hidden places."""
        places = self._places(network, batch)
        hidden = hidden_places(len(places), places.shape[1], self.share, places.device)
        errors = self._errors(network, batch, places, hidden)
        yield Loss(*row_mean(errors.sum(dim=1) / hidden.sum(dim=1), batch.weight))

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Error per number of hidden places of each row, (rows, 1); no chance is in it."""
        places = self._places(network, batch)
        total, times = torch.zeros_like(places[..., 0]), torch.zeros_like(places[0, :, 0])
        for turn in hidden_by_turns(places.shape[1], self.share, places.device):
            total = total + self._errors(network, batch, places, turn.expand(total.shape))
            times = times + turn
        return (total / times).mean(dim=1, keepdim=True)

    def _places(self, network: Any, batch: Batch) -> Tensor:
        """What is to be rebuilt, (rows, places, channels)."""
        _check(network)
        places = network.places(batch.inputs)
        if not self.normalize:
            return places
        mean = places.mean(dim=2, keepdim=True)
        variance = places.var(dim=2, keepdim=True, correction=0)
        return (places - mean) / (variance + 1e-6).sqrt()

    def _errors(self, network: Any, batch: Batch, places: Tensor, hidden: Tensor) -> Tensor:
        """Mean squared error of each place, (rows, places); 0 where it was not hidden."""
        made = network.per_token(batch.inputs, hidden=hidden)
        if made.shape != places.shape:
            raise SettingsError(
                f"The task masked_patch needs one output for each of the {places.shape[2]} numbers "
                f"at a place, but the network has {made.shape[2]}. Build it with as many outputs."
            )
        return (made - places).square().mean(dim=2) * hidden


def _check(network: Any) -> None:
    """Refuse a network that cannot hide places of real numbers."""
    if not (hasattr(network, "places") and hasattr(network, "per_token")):
        raise SettingsError(
            "The task masked_patch needs a network with places and per_token, which "
            f"{type(network).__name__} does not have. Choose --network transformer."
        )
    if getattr(network, "vocabulary", 0):
        raise SettingsError(
            "The task masked_patch rebuilds numbers, but these are tokens. Choose --task "
            "masked_token."
        )
