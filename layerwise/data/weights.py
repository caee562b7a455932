"""Published weights of networks: fetched once on request, checked each time they are read.

They are those of torchvision, trained on the 1.3 million photographs of ImageNet. A file's name
holds the first digits of its SHA-256 check sum; a file that does not have them is not read. What is
in it is read as tensors only, so that it can run no code.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerwise.errors import DataError, SettingsError, nearest

if TYPE_CHECKING:  # the command line names what can be fetched without loading torch
    from torch import Tensor

FOLDER = "weights"  # within the folder of the data sets
FROM = "https://download.pytorch.org/models/"
WEIGHTS = {  # network -> file
    "alexnet": "alexnet-owt-7be5be79.pth",
    "vgg11": "vgg11-8a719046.pth",
    "vgg13": "vgg13-19584684.pth",
    "vgg16": "vgg16-397923af.pth",
    "vgg19": "vgg19-dcbb9e9d.pth",
    "vgg11_bn": "vgg11_bn-6002323d.pth",
    "vgg13_bn": "vgg13_bn-abd245e5.pth",
    "vgg16_bn": "vgg16_bn-6c64b313.pth",
    "vgg19_bn": "vgg19_bn-c79401a0.pth",
    "googlenet": "googlenet-1378be20.pth",
    "inception3": "inception_v3_google-0cc3c7bd.pth",
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "resnet101": "resnet101-63fe2227.pth",
    "resnet152": "resnet152-394f9c45.pth",
}
CENTRED = ("googlenet", "inception3")  # they see colours from -1 to 1
PIECE = 1 << 20  # bytes that are read at once


def fetch_weights(name: str, folder: Path) -> Path:
    """Download the weights of a network into ``folder`` unless they are there; give the file.

    Raises DataError where the download fails or has another check sum; nothing is kept then.
    """
    import pooch

    path = folder / WEIGHTS[name]
    if path.is_file() and _is_right(path):
        return path
    address, beside = FROM + path.name, path.with_name(f".{path.name}.part")
    pooch.get_logger().setLevel("WARNING")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        pooch.retrieve(address, None, fname=beside.name, path=folder)
        if not _is_right(beside, path.name):
            raise DataError(
                f"{address} arrived with a wrong check sum (expected one that begins with "
                f"{_digits(path.name)}); it was not kept. Try again; if it stays so, the file was "
                "changed at its origin."
            )
        os.replace(beside, path)
    except OSError as error:
        raise DataError(
            f"{address} could not be downloaded into {folder}: {error}. Check the connection, or "
            f"copy {path.name} there by hand."
        ) from None
    finally:
        beside.unlink(missing_ok=True)
    return path


def read_weights(name: str, folder: Path) -> dict[str, Tensor]:
    """The published weights of a network, on the CPU.

    Raises SettingsError where a network has none, DataError where they have not been fetched, or
    the file is damaged or another one.
    """
    import torch

    check_published(name)
    path = folder / WEIGHTS[name]
    if not path.is_file():
        raise DataError(
            f"The published weights of {name} are not in {folder}. Run: layerwise fetch {name}"
        )
    if not _is_right(path):
        raise DataError(
            f"{path} is damaged, or another file: its check sum does not begin with "
            f"{_digits(path.name)}. Remove it; run: layerwise fetch {name}"
        )
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of pickle, zip and torch, each in its own way
        raise DataError(f"{path} holds no weights that can be read safely: {error}") from error
    if not isinstance(found, Mapping) or not all(map(torch.is_tensor, found.values())):
        raise DataError(f"{path} holds no table of named tensors, as weights do.")
    return dict(found)


def check_published(name: Any) -> None:
    """Raise SettingsError where a network has no published weights."""
    if name not in WEIGHTS:
        raise SettingsError(f"There are no published weights of '{name}'.{nearest(name, WEIGHTS)}")


def _is_right(path: Path, named: str = "") -> bool:
    """Whether the check sum of a file begins with the digits in its name."""
    mark = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            mark.update(piece)
    return mark.hexdigest().startswith(_digits(named or path.name))


def _digits(name: str) -> str:
    """The digits of the check sum in a file's name: "resnet18-f37072fd.pth" has f37072fd."""
    return Path(name).stem.rpartition("-")[2]
