"""Where a job runs: device, precision, threads, processes, each with its reason."""

import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import torch

from layerwise.errors import SettingsError, nearest
from layerwise.job.threads import usable_processors
from layerwise.scaling.processes import Processes

PRECISIONS = ("float32", "bf16", "float64")
SMALL = 3_000_000  # multiply-adds of a step below which a second thread costs more than it gives


@dataclass(frozen=True)
class Machine:
    """Device, precision, threads and processes of one job."""

    device: str
    precision: str
    threads: int
    processes: Processes

    def record(self) -> dict[str, object]:
        """The environment as JSON values: versions and choices."""
        return {
            "layerwise": _version("layerwise"),
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": _version("numpy"),
            "pandas": _version("pandas"),
            "scikit-learn": _version("scikit-learn"),
            "system": f"{platform.system()} {platform.machine()}",
            "device": self.device_name(),
            "precision": self.precision,
            "threads": self.threads,
            "processes": str(self.processes),
        }

    def device_name(self) -> str:
        """The device, with the card's name where it is a card."""
        if not self.device.startswith("cuda"):
            return self.device
        return f"{self.device} ({torch.cuda.get_device_name(self.device)})"


def choose_device(wanted: str) -> tuple[str, str]:
    """The device and why; SettingsError for one that is not here."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return f"cuda:{torch.cuda.current_device()}", "because a GPU is here"
        return "cpu", "because no GPU is here"
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, ValueError) as error:
        known = ["auto", "cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        raise SettingsError(
            f"The device '{wanted}' is not here.{nearest(str(wanted), known)}"
        ) from error
    return str(device), "as asked"


def choose_threads(
    wanted: int | None, work_of_a_step: float, processes: Processes, reproducible: bool = False
) -> tuple[int, str]:
    """Threads and why: those this process may use, one for small work.

    Where more than one may serve, they are the most that are tried before training begins.

    work_of_a_step : multiply-adds of one training step
    reproducible : one thread, so that sums have the same order on every machine
    """
    usable = usable_processors()
    if reproducible:
        if wanted not in (None, 1):
            raise SettingsError(
                f"--reproducible fixes the threads to 1, got --threads {wanted}. Leave one away."
            )
        return 1, "so that sums have the same order on every machine"
    if wanted is not None:
        if wanted < 1:
            raise SettingsError(f"--threads must be at least 1, got {wanted}.")
        return wanted, "as asked"
    if work_of_a_step < SMALL:
        return 1, "the network is small: more threads would wait for each other"
    local = -(-processes.count // processes.machines)
    return max(1, usable // local), f"of the {usable} processors that this job may use"


def check_precision(precision: str, reproducible: bool = False) -> None:
    """Raise SettingsError for a precision that there is not, or that differs among machines."""
    if reproducible and precision == "bf16":
        raise SettingsError(
            "--reproducible needs --precision float32 or float64: what bf16 gives depends on the "
            "machine. Leave one away."
        )
    if precision not in PRECISIONS:
        raise SettingsError(f"There is no precision '{precision}'.{nearest(precision, PRECISIONS)}")


def command_line() -> str:
    """How this process was started, as a person typed it."""
    name = os.path.basename(sys.argv[0])
    start = "python -m layerwise" if name == "__main__.py" else name
    return " ".join([start, *sys.argv[1:]])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
