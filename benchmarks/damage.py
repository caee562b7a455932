"""How many damaged checkpoints are found: single-bit flips and cuts over all files of one.

    python benchmarks/damage.py --flips 500 --cuts 200

A flip or a cut counts as found where the damaged checkpoint is refused by its name and the one
before it is used. Exit code 1 where one was not found.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

import torch
from torch import nn

from layerwise.contracts import Batch, Loss, Stage
from layerwise.errors import RunError
from layerwise.training import train
from layerwise.training.checkpoint import newest_checkpoint, save_checkpoint


class Rows:
    """Some rows of noise."""

    x = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))

    def __len__(self):
        return len(self.x)

    def batch(self, indices):
        """These rows, to be given back."""
        return Batch(self.x[indices], self.x[indices])


class Copy:
    """Give back the inputs."""

    def losses(self, network, batch):
        """The mean squared error."""
        error = network(batch.inputs) - batch.targets
        yield Loss(error.square().mean(), len(batch.inputs))


def checkpoints(folder: Path) -> tuple[Path, Path]:
    """The two files of the newest of two checkpoints of a short training with Adam."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))
    stage = Stage(Copy(), "adam", batch_size=16, epochs=2)
    for progress in train(network, (stage,), Rows()):
        path = save_checkpoint(folder, progress.step, progress.state())
    return path, path.with_suffix(".safetensors")


def is_found(folder: Path, path: Path, damaged: bytes) -> bool:
    """Whether a file with this content in its place is refused by name."""
    whole = path.read_bytes()
    path.write_bytes(damaged)
    try:
        step, _, refused = newest_checkpoint(folder)
        return step == int(path.stem) - 1 and path.stem in refused[0]
    except (RunError, IndexError):
        return False
    finally:
        path.write_bytes(whole)


def flipped(content: bytes, bit: int) -> bytes:
    """The content with one bit turned."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def main() -> int:
    """Damage, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=500)
    parser.add_argument("--cuts", type=int, default=200)
    wanted, chance = parser.parse_args(), random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = {path: path.read_bytes() for path in checkpoints(folder)}
        sizes = [len(content) for content in files.values()]
        flips = cuts = 0
        for _ in range(wanted.flips):  # over all bits of all files alike
            path = chance.choices(list(files), sizes)[0]
            damaged = flipped(files[path], chance.randrange(8 * len(files[path])))
            flips += is_found(folder, path, damaged)
        for _ in range(wanted.cuts):
            path = chance.choice(list(files))
            cuts += is_found(folder, path, files[path][: chance.randrange(len(files[path]))])
    print(f"files of {' and '.join(f'{size:,}' for size in sizes)} bytes")
    print(f"single-bit flips found: {flips} of {wanted.flips}")
    print(f"cuts found: {cuts} of {wanted.cuts}")
    return int(flips < wanted.flips or cuts < wanted.cuts)


if __name__ == "__main__":
    sys.exit(main())
