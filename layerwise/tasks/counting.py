"""Counting: the likeliest chances are the shares of what was counted."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.layers.losses import row_mean


class Counting:
    """Maximum likelihood of networks that are fitted by counting, such as a Markov chain.

    Source: Anderson and Goodman 1957, "Statistical inference about Markov chains", Annals of
    Mathematical Statistics 28: the shares of the counts make the data most likely. Learns with
    the optimizer closed_form alone.

    Parameters
    ----------
    target : Target
        Of kind none.
    """

    kinds = ("none",)
    output_size = 0
    metrics = ("mean_error",)
    judged_by = "Mean error: minus the log of the chance of a sequence, in nats."
    baselines = ()

    def __init__(self, target: Target):
        pass

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean of minus the log-likelihood, in nats."""
        yield Loss(*row_mean(-_counted(network).log_likelihood(batch.inputs), batch.weight))

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Minus the log-likelihood of each row, (rows, 1), in nats."""
        return -_counted(network).log_likelihood(batch.inputs).unsqueeze(1)


def _counted(network: Any) -> Any:
    """The network, if it knows how likely its inputs are."""
    if not hasattr(network, "log_likelihood"):
        raise SettingsError(
            f"The task counting needs a network with log_likelihood, which "
            f"{type(network).__name__} does not have. Choose --network markov_chain."
        )
    return network
