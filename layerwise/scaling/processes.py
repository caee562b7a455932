"""Which process this is among those that train together; torchrun and SLURM tell it."""

import itertools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from layerwise.errors import RunError

ANSWER_SECONDS = 3.0  # how long those that are left wait for a sign of life of the others
SILENT = "it does not answer: it was killed, or its machine failed"


class LostProcessError(RunError):
    """Another process has failed or is gone; the text names each.

    reasons : number of the process -> what it said, or that it does not answer
    first_left : the lowest number of those that still answer; that one writes the ending
    """

    def __init__(self, reasons: dict[int, str], first_left: int, count: int):
        self.reasons, self.first_left = reasons, first_left
        each = "; ".join(f"process {rank} of {count}: {why}" for rank, why in reasons.items())
        super().__init__(
            f"Training cannot go on without all of its processes. Lost: {each or 'a connection'}. "
            "Start the run again with the same command and resume: it goes on after its last "
            "checkpoint."
        )


@dataclass(frozen=True)
class Processes:
    """This process and how many there are.

    rank : number of this process, from 0; process 0 alone writes and prints
    count : number of processes
    machines : number of machines they run on
    board : where they leave short texts for each other; None for one process
    """

    rank: int = 0
    count: int = 1
    machines: int = 1
    board: "Board | None" = field(default=None, compare=False, repr=False)

    @property
    def first(self) -> bool:
        """Whether this process writes and prints."""
        return self.rank == 0

    def __str__(self) -> str:
        word = "process" if self.count == 1 else "processes"
        return f"{self.count} {word} on {self.machines} machine{'s' * (self.machines > 1)}"

    def total(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its sum over all processes, in one exchange per dtype."""
        if self.count == 1:
            return
        # in the order of appearance: that of a set differs from process to process
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
            alike = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.reshape(-1) for tensor in alike]).contiguous()
            with self._together():
                dist.all_reduce(flat)
            pieces = flat.split([tensor.numel() for tensor in alike])
            for tensor, piece in zip(alike, pieces, strict=True):
                tensor.copy_(piece.view_as(tensor))

    def agree(self, flag: bool) -> bool:
        """Whether any process says yes; the same answer everywhere."""
        if self.count == 1:
            return flag
        answer = torch.tensor(float(flag), device="cuda" if dist.get_backend() == "nccl" else "cpu")
        with self._together():
            dist.all_reduce(answer)
        return bool(answer > 0)

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.count > 1:
            with self._together():
                dist.barrier()

    def told(self, text: str) -> str:
        """The text that process 0 gives; every process must ask, in the same order."""
        if self.board is None:
            return text
        with self._together():
            return self.board.told(text if self.first else None)

    def report(self, reason: str) -> None:
        """Leave word why this process fails, for those that will miss it."""
        if self.board is not None:
            with suppress(RuntimeError):
                self.board.store.set(f"failed/{self.rank}", reason or "it failed")

    @contextmanager
    def _together(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise self._lost() from error

    def _lost(self) -> LostProcessError:
        """Who is missing: those that left word, and those that give no sign of life."""
        assert self.board is not None
        try:
            reasons, here = self.board.roll_call(self.rank, self.count)
        except RuntimeError:  # the board went with process 0, which kept it
            reasons, here = {0: SILENT}, {max(self.rank, 1)}
        return LostProcessError(reasons, min(here), self.count)


ALONE = Processes()


class Board:
    """Short texts that the processes of one group leave for each other.

    store : torch's key-value store, of this group alone
    """

    def __init__(self, store: Any):
        self.store = store
        self._told = itertools.count()

    def told(self, text: str | None) -> str:
        """Leave the next text, or (None) wait for it."""
        key = f"told/{next(self._told)}"
        if text is not None:
            self.store.set(key, text)
            return text
        while not self.store.check([key]):
            if self.store.check(["failed/0"]):
                raise RuntimeError("process 0 failed before it told")
            time.sleep(0.02)
        return self.store.get(key).decode()

    def roll_call(self, rank: int, count: int) -> tuple[dict[int, str], set[int]]:
        """What each lost process said or that it is silent, and those that are here."""
        reasons, here, waiting = {}, {rank}, set(range(count)) - {rank}
        self.store.set(f"here/{rank}", "")
        until = time.monotonic() + ANSWER_SECONDS
        while waiting and time.monotonic() < until:
            for other in waiting:
                if self.store.check([f"failed/{other}"]):
                    reasons[other] = self.store.get(f"failed/{other}").decode()
                elif self.store.check([f"here/{other}"]):
                    here.add(other)
            waiting -= {*reasons, *here}
            time.sleep(0.05)
        reasons |= dict.fromkeys(waiting, SILENT)
        return dict(sorted(reasons.items())), here


_STORE: list[Any] = []  # what torchrun, or process 0, keeps for all groups of this process
_BOARDS: list[Board] = []  # one for each group that was formed; the last is in use


def join() -> Processes:
    """Join the other processes when torchrun started this one; else be alone.

    The sum of gradients uses NCCL where every process has a GPU, gloo elsewhere.
    """
    if "WORLD_SIZE" not in os.environ or int(os.environ["WORLD_SIZE"]) == 1:
        return ALONE
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if not dist.is_initialized():
        _form_group(rank, count)
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return Processes(rank, count, -(-count // local), _BOARDS[-1])


def _form_group(rank: int, count: int) -> None:
    # Its default arguments hold the group that there is when it is imported: then a group that is
    # left keeps its connections, and the others wait for ever. Imported now, they hold none.
    import torch.distributed.nn.functional

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if not _STORE:
        _STORE.append(next(iter(dist.rendezvous("env://")))[0])
    # torchrun's store outlives an attempt: what the one before left there must not be read
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    store = dist.PrefixStore(f"layerwise/{attempt}/{len(_BOARDS)}", _STORE[0])
    _BOARDS.append(Board(store))
    dist.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        store=dist.PrefixStore("group", store),
        rank=rank,
        world_size=count,
    )


def join_again() -> Processes:
    """Leave a group that one process has broken, and form a new one; all must come."""
    if dist.is_initialized():
        dist.destroy_process_group()
    return join()


def restarted() -> bool:
    """Whether torchrun or SLURM starts this job once more after an attempt that failed."""
    names = ("TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT")
    return any(os.environ.get(name, "0") not in ("", "0") for name in names)


def launch() -> str | None:
    """The name of this launch, the same in each attempt; None where nobody gave it one."""
    name = os.environ.get("TORCHELASTIC_RUN_ID")
    if name not in (None, "", "none"):
        return name
    return os.environ.get("SLURM_JOB_ID")


def leave() -> None:
    """Wait for the others, then leave them; one that is gone already is not missed any more."""
    if dist.is_initialized():
        with suppress(RuntimeError):
            dist.barrier()
        dist.destroy_process_group()


def exit_at_once(code: int) -> None:
    """End a process that had others beside it, without the clean-up of loaded libraries.

    Threads of a lost exchange would abort the process there, after all work is done, and hide how
    it ended. Alone, it does nothing.
    """
    if dist.is_available() and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
