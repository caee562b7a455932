"""All randomness of training, derived from one seed and a position; no generator state is kept."""

import torch
from torch import Tensor

_MASK = (1 << 64) - 1


def mixed(*numbers: int) -> int:
    """A 63-bit seed from several numbers, the same on every machine.

    The numbers are the digits of one in an odd base, which splitmix64 (Vigna 2015) then scrambles.
    """
    state = len(numbers)
    for number in numbers:
        state = (state * 0xD1342543DE82EF95 + number + 1) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return (state ^ (state >> 31)) >> 1


def seed_generators(device: torch.device, *numbers: int) -> None:
    """Set torch's default generator (and the device's) from ``numbers``; costs about 2 us."""
    value = mixed(*numbers)
    torch.default_generator.manual_seed(value)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(value)


def epoch_order(rows: int, *numbers: int) -> Tensor:
    """A permutation of ``rows`` row numbers, (rows,) int64, decided by ``numbers`` alone."""
    return torch.randperm(rows, generator=torch.Generator().manual_seed(mixed(*numbers)))
