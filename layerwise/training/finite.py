"""What to say when a loss is no number: the step's rows and the first bad tensor."""

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch

SHOWN = 5  # row numbers in a message


class NotFiniteError(ArithmeticError):
    """A loss that is NaN or infinite; the text names the first bad tensor and the rows.

    The weights of the step before are untouched: it is raised before the optimizer moves them.
    """


def first_bad(
    network: nn.Module, pieces: list[Batch], before: list[Batch], part: str, total: float
) -> str:
    """The first tensor that is not finite, in the order in which a step meets them.

    before : the batch of the step before; a bad input may only spoil the weights, not the loss
    """
    for batch in (*before, *pieces):
        for name, tensor in _tensors(batch):
            if not _finite(tensor):
                rows = (~tensor.flatten(1).isfinite().all(1) if tensor.ndim > 1
                        else ~tensor.isfinite()).nonzero().flatten()  # fmt: skip
                return f"the {name} of {_rows(batch, rows)} hold NaN or infinity"
    for name, parameter in network.named_parameters():
        if not _finite(parameter):
            return f"the weight '{name}' holds NaN or infinity"
    rows = _rows(pieces[0], torch.arange(SHOWN + 1))
    for name, parameter in network.named_parameters():
        if parameter.grad is not None and not _finite(parameter.grad):
            return (
                f"the loss of '{part}' is {total}; its gradient in '{name}' is not finite ({rows})"
            )
    return f"the loss of '{part}' is {total} ({rows})"


def _tensors(batch: Batch) -> list[tuple[str, Tensor]]:
    inputs = batch.inputs if isinstance(batch.inputs, dict) else {"": batch.inputs}
    found = [(f"inputs {name}".strip(), tensor) for name, tensor in inputs.items()]
    found += [("targets", batch.targets), ("weights", batch.weight)]
    return [(name, t) for name, t in found if isinstance(t, Tensor) and t.is_floating_point()]


def _finite(tensor: Tensor) -> bool:
    return bool(tensor.detach().isfinite().all())


def _rows(batch: Batch, places: Tensor) -> str:
    """Row numbers of the source where they are known, else places in the batch."""
    known = batch.keys is not None
    if batch.keys is not None:
        places = places[places < len(batch.keys)]
    numbers = places if batch.keys is None else batch.keys.cpu()[places.cpu()]
    shown = ", ".join(str(int(number)) for number in numbers[:SHOWN])
    return f"{'rows' if known else 'places in the batch'} {shown}{', ...' * (len(numbers) > SHOWN)}"
