"""CIFAR-10 and CIFAR-100 in their binary version: rows of bytes, labels first.

Source: Krizhevsky 2009, "Learning multiple layers of features from tiny images". A row of CIFAR-10
has 1 label, of CIFAR-100 a coarse and a fine one; then 1,024 red, 1,024 green and 1,024 blue bytes.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from pandas import DataFrame

from layerwise.data.source import Source
from layerwise.errors import DataError

CIFAR10 = (
    "airplane", "automobile", "bird", "cat", "deer",
    "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
PIXELS = 3 * 32 * 32
TEN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))  # training rows of CIFAR-10
TEST = "test_batch.bin"
HUNDRED = ("train.bin", "test.bin")
NAMES_OF_HUNDRED = ("fine_label_names.txt", "coarse_label_names.txt")
PICKLED = ("data_batch_1", "batches.meta")  # of the Python version


def holds_cifar(folder: Path) -> bool:
    """Whether a folder has files of CIFAR, of whichever version."""
    named = any((folder / name).is_file() for name in (*TEN, TEST))
    hundred = all((folder / name).is_file() for name in HUNDRED)
    pickled = any((folder / name).is_file() for name in PICKLED)
    return named or pickled or (hundred and (folder / NAMES_OF_HUNDRED[0]).is_file())


def read_cifar(folder: Path) -> Source:
    """All rows of a folder; the test file is the test part.

    Raises DataError for the Python version, which holds pickles, and for files that are cut off.
    """
    pickled = [name for name in PICKLED if (folder / name).is_file()]
    if pickled and not (folder / TEN[0]).is_file():
        raise DataError(
            f"{folder} is CIFAR's version for Python: {pickled[0]} is a pickle, which is not read, "
            "as it can run code. Take the binary version (data_batch_1.bin, ...)."
        )
    if (folder / HUNDRED[0]).is_file():
        return _read_hundred(folder)
    names = [name for name in (*TEN, TEST) if (folder / name).is_file()]
    source = read_cifar10([folder / name for name in names])
    lacking = len(TEN) + 1 - len(names)
    note = f"{lacking} of the {len(TEN) + 1} files of CIFAR-10 are not there."
    return replace(source, notes=(note,)) if lacking else source


def read_cifar10(files: list[Path]) -> Source:
    """CIFAR-10 of these files."""
    blocks = [_rows(path, (10,)) for path in files]
    codes = np.concatenate([labels[:, 0] for labels, _ in blocks])
    frame = DataFrame({"label": np.array(CIFAR10)[codes]})
    return _source("cifar10", frame, blocks, files, "CIFAR-10")


def _read_hundred(folder: Path) -> Source:
    """Fine labels are the target; coarse ones are there to be chosen with --target."""
    files = [folder / name for name in HUNDRED]
    blocks = [_rows(path, (20, 100)) for path in files]
    labels = np.concatenate([labels for labels, _ in blocks])
    fine = _named(folder / NAMES_OF_HUNDRED[0], 100)[labels[:, 1]]
    coarse = _named(folder / NAMES_OF_HUNDRED[1], 20)[labels[:, 0]]
    frame = DataFrame({"label": fine, "coarse_label": coarse})
    return _source("cifar100", frame, blocks, files, "CIFAR-100")


def _source(name: str, frame: DataFrame, blocks: list, files: list[Path], about: str) -> Source:
    images = np.concatenate([pixels for _, pixels in blocks])
    sizes = [len(pixels) for _, pixels in blocks]
    parts = np.repeat(["test" if "test" in path.name else "" for path in files], sizes)
    source = Source(name, frame, images, ("label",))
    about = f"{about}: small photographs (Krizhevsky 2009)"
    return replace(source, parts=parts.astype("<U10"), about=about)


def _rows(path: Path, most: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Labels (rows, labels) and pixels (rows, 3, 32, 32), both uint8.

    most : how many classes each label tells apart
    """
    width = len(most) + PIXELS
    try:
        data = np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    whole = len(data) > 0 and len(data) % width == 0
    rows = data.reshape(-1, width) if whole else data
    if not whole or (rows[:, : len(most)] >= most).any():
        raise DataError(
            f"{path} is cut off or damaged: its rows have {width:,} bytes, and labels below "
            f"{most[-1]}. Remove it and fetch the data set again."
        )
    return rows[:, : len(most)], rows[:, len(most) :].reshape(-1, 3, 32, 32)


def _named(path: Path, classes: int) -> np.ndarray:
    """The names of classes, a line each; their numbers where the file is absent."""
    if not path.is_file():
        return np.array([str(code) for code in range(classes)])
    names = path.read_text(encoding="utf-8", errors="replace").split()
    if len(names) != classes:
        raise DataError(f"{path} has {len(names)} names; there must be {classes}, a line each.")
    return np.array(names)
