"""Random numbers of single rows: a function of a seed and the row's key, and of nothing else.

No generator is moved, so that a row's numbers are the same in whatever batch, micro-batch, process
or attempt it comes, on any device.
"""

import torch
from torch import Tensor

GOLDEN = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio, splitmix64's step


def uniforms(seed: int, keys: Tensor, count: int) -> Tensor:
    """``count`` even numbers from 0 to below 1 for each row.

    Source: splitmix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
    generators"; the constants of Vigna 2015). One stream per row, which begins at the scrambled
    (seed + key x step); integers wrap at 64 bits.

    seed : from 0 to below 2^63
    keys : (rows,) int64
    returns : (rows, count) float64, multiples of 2^-53, on the device of the keys
    """
    start = _scrambled(keys * _signed(GOLDEN) + _signed(seed))
    places = torch.arange(1, count + 1, device=keys.device) * _signed(GOLDEN)
    drawn = _scrambled(start[:, None] + places)
    return _shifted(drawn, 11).double() * 2.0**-53


def _scrambled(state: Tensor) -> Tensor:
    """splitmix64's finalizer."""
    state = (state ^ _shifted(state, 30)) * _signed(0xBF58476D1CE4E5B9)
    state = (state ^ _shifted(state, 27)) * _signed(0x94D049BB133111EB)
    return state ^ _shifted(state, 31)


def _shifted(state: Tensor, bits: int) -> Tensor:
    """To the right, with zeros from the left as if there were no sign."""
    return (state >> bits) & ((1 << (64 - bits)) - 1)


def _signed(number: int) -> int:
    """The same 64 bits as a number with a sign."""
    return number - (1 << 64) if number >= 1 << 63 else number
