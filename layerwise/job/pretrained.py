"""Starting from published weights: those of ImageNet, fetched before by ``layerwise fetch``."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from layerwise.data.kept import data_folder
from layerwise.data.weights import CENTRED, FOLDER, check_published, read_weights
from layerwise.errors import SettingsError

OUTPUTS = 1000  # classes of ImageNet
COUNTER = "num_batches_tracked"  # of batch normalization; older files lack it
COLOURS = 3
GENTLER = (
    "The rates of this recipe are for random weights; --recipe fine_tune goes on from trained ones "
    "at lower rates, from the output layer down, and --recipe head trains that layer alone."
)


def check_pretrained(settings: Any) -> None:
    """Raise SettingsError where there are no published weights to start from."""
    if not settings.pretrained:
        return
    name = settings.network
    if isinstance(name, str) and name.startswith("timm/"):
        raise SettingsError(
            "--pretrained takes weights that layerwise has fetched and checked; those of timm are "
            "not among them. Leave it out, or choose another --network."
        )
    check_published(published_name(name, settings.network_options or {}))


def published_name(network: Any, options: Mapping[str, Any]) -> Any:
    """Under which name a network's weights are published: with normalization another one."""
    return f"{network}_bn" if options.get("batch_norm") else network


def inputs_as_published(network: str) -> str:
    """The scale in which the photographs were shown when these weights were learned."""
    return "centred" if network in CENTRED else "imagenet"


def start_from_published(network: nn.Module, name: str) -> None:
    """Give a network its published weights; layers for another number of classes stay as they are.

    One grey channel gets the sum of the three colours' kernels, as if all three were the same.
    Raises DataError where the weights are not there, SettingsError where they do not fit.
    """
    theirs, ours = read_weights(name, data_folder() / FOLDER), network.state_dict()
    taken = {key: _fitting(key, theirs, tensor) for key, tensor in ours.items()}
    wrong = next((key for key, tensor in taken.items() if tensor is None), None)
    if wrong is not None:
        there = tuple(theirs[wrong].shape) if wrong in theirs else "none"
        raise SettingsError(
            f"The published weights of {name} do not fit: {wrong} is of shape "
            f"{tuple(ours[wrong].shape)} here and {there} there. Leave out the --network options, "
            "or --pretrained."
        )
    network.load_state_dict({key: tensor for key, tensor in taken.items() if tensor is not None})


def _fitting(key: str, theirs: Mapping[str, Tensor], ours: Tensor) -> Tensor | None:
    """What a tensor of the network becomes; None where the published one does not fit."""
    if key not in theirs:
        return ours if key.endswith(COUNTER) else None
    found = theirs[key]
    if found.shape == ours.shape:
        return found
    if found.shape[1:] == ours.shape[1:] and found.shape[0] == OUTPUTS:
        return ours  # the output layer, which starts anew
    if found.ndim == 4 and found.shape[1] == COLOURS and ours.shape[1] == 1:
        grey = found.sum(dim=1, keepdim=True)
        return grey if grey.shape == ours.shape else None
    return None


def pretrained_in_words(name: str, outputs: int) -> tuple[str, str]:
    """What was taken, and what follows from it.

    outputs : of the network here
    """
    taken = f"published weights of {name}, learned from ImageNet (1,000 classes)"
    if outputs != OUTPUTS:
        plural = "" if outputs == 1 else "s"
        taken += f"; the output layer starts anew, for {outputs:,} output{plural}"
    why = "whether photographs of ImageNet are among the test rows cannot be told"
    return taken, why
