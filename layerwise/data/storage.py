"""Where prepared data live: in memory, or in a mapped file where they are too large for it."""

import os
import shutil
import tempfile
from contextlib import suppress
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from layerwise.errors import DataError

LARGE = 1 << 30  # bytes
SHARE = 0.5  # of the free memory that one tensor may take


def empty_tensor(
    shape: tuple[int, ...], dtype: torch.dtype = torch.float32, *, free: int | None = None
) -> Tensor:
    """A tensor to be filled; where it is large, it lies in a mapped file on the disk.

    Large is more than 1 GiB, where the disk has room for two of it, and in any case more than
    half the free memory. What is mapped stays in memory while there is enough of it, and gives way
    to others when not. The file is in the folder for temporary files (TMPDIR moves it) and goes
    with the tensor.

    free : bytes of free memory; absent: asked of the system

    Raises DataError where the disk has no room for it.
    """
    size = prod(shape) * dtype.itemsize
    free = free_memory() if free is None else free
    fits = free is None or size <= SHARE * free
    if fits and (size < LARGE or shutil.disk_usage(tempfile.gettempdir()).free < 2 * size):
        return torch.empty(shape, dtype=dtype)
    return _mapped(shape, dtype, size)


def free_memory() -> int | None:
    """Bytes of memory that can be had without swapping; None where the system does not say."""
    with suppress(OSError, ValueError), open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _mapped(shape: tuple[int, ...], dtype: torch.dtype, size: int) -> Tensor:
    handle, name = tempfile.mkstemp(prefix="layerwise-", suffix=".rows")
    path = Path(name)
    try:
        if hasattr(os, "posix_fallocate"):  # a full disk says so now, not as a crash later
            os.posix_fallocate(handle, 0, size)
        return torch.from_file(name, shared=True, size=prod(shape), dtype=dtype).view(shape)
    except OSError as error:
        raise DataError(
            f"The prepared data need {size:,} bytes, more than memory has, and do not fit on the "
            f"disk of {path.parent} ({error.strerror}). Set TMPDIR to a folder with more room."
        ) from error
    finally:
        os.close(handle)
        if os.name == "posix":  # elsewhere a mapped file cannot be removed
            path.unlink(missing_ok=True)
