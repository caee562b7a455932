"""Hebb's rule: units that are active together are joined more strongly."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError
from layerwise.layers.losses import row_mean


class Hebb:
    """Hebb's rule as descent: one pass over the energy of the patterns makes them its minima.

    Source: Hebb 1949, "The organization of behavior"; Hopfield 1982, equation 2. The gradient of
    the mean energy E = -1/2 x W x at W is minus half the mean of x x'. From weights of zero one
    step of SGD over P rows and N units with rate 2 P / N gives W = 1/N sum x x' without diagonal;
    single rows with rate 2 give the sum itself, which recalls the same, because recall looks only
    at the sign. The energy has no lower bound: more passes only make all weights larger.

    Parameters
    ----------
    target : Target
        Of any kind; it is not looked at.
    """

    kinds = ("none",)
    output_size = 0
    metrics = ("mean_error",)
    judged_by = "Mean error: the share of the units of a row that recall changes."
    baselines = ()

    def __init__(self, target: Target):
        pass

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean energy of the rows; DataError where they are not -1 and +1."""
        yield Loss(*row_mean(_memory(network).energy(batch.inputs), batch.weight))

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Share of the units of each row that recall changes, (rows, 1); 0: the row is stable."""
        assert isinstance(batch.inputs, Tensor)
        recalled = _memory(network).recall(batch.inputs)
        changed = (recalled != batch.inputs).flatten(1)
        return changed.to(recalled.dtype).mean(dim=1, keepdim=True)


def _memory(network: Any) -> Any:
    """The network, if it has an energy and recalls."""
    if not (hasattr(network, "energy") and hasattr(network, "recall")):
        raise SettingsError(
            "The task hebb needs a network with energy and recall, which "
            f"{type(network).__name__} does not have. Choose --network hopfield."
        )
    return network
