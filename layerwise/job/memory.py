"""What to do when memory runs out in a step: smaller pieces where they change no result."""

import gc
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from layerwise.data.datasets import Rows
from layerwise.errors import RunError
from layerwise.job.choices import Choice
from layerwise.job.plan import Plan
from layerwise.scaling.processes import LostProcessError

RAN_OUT = "its memory ran out"
ALLOCATOR = "DefaultCPUAllocator"  # torch says so in a plain RuntimeError


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether memory was short, here or on the processes that were lost by it."""
    if isinstance(error, LostProcessError):
        return bool(error.reasons) and set(error.reasons.values()) == {RAN_OUT}
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and ALLOCATOR in str(error)


def in_smaller_pieces(plan: Plan, stage: int, dataset: Any) -> Plan:
    """The plan with twice the micro-batches, which give the same result within rounding.

    Raises RunError that names the batch size to try, where they would give another one.

    stage : the stage whose step was too large
    dataset : all rows
    """
    rows = len(plan.rows("train"))
    wanted = plan.recipe[stage].batch_size
    size = rows if wanted == "all" else min(int(wanted), rows)
    pieces = 2 * plan.micro_batches
    share = size // plan.machine.processes.count
    if pieces > share:
        raise RunError(
            f"Memory is too small for this network: it ran out with {plan.micro_batches} "
            f"micro-batches of a batch of {size} rows. Use a smaller network, or a device with "
            "more memory."
        )
    why = _changed_by_pieces(plan, stage, dataset)
    if why:
        raise RunError(
            f"Memory is too small for a batch of {size} rows, and {why}, so smaller pieces would "
            f"give another result. Try --batch-size {size // 2}."
        )
    reason = f"memory ran out with {plan.micro_batches}"
    kept = [choice for choice in plan.choices if choice.what != "micro-batches"]
    return replace(
        plan,
        micro_batches=pieces,
        choices=[*kept, Choice("micro-batches", str(pieces), reason)],
    )


def let_go() -> None:
    """Give memory back that nobody holds any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _changed_by_pieces(plan: Plan, stage: int, dataset: Any) -> str:
    network, task = plan.model.network, plan.recipe[stage].task
    if plan.recipe[stage].optimizer == "closed_form":
        return "the closed form takes its rows one batch after the other"
    if not getattr(task, "splittable", True):
        return "the task needs each batch whole"
    if not getattr(plan.augment, "splittable", True):
        return "the augmentation mixes the rows of a batch"
    if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in network.modules()):
        return "batch normalization compares the rows of a batch"
    if _draws(network, task, Rows(dataset, plan.rows("train")[:2])):
        return "a random layer (such as dropout) would draw other numbers"
    return ""


def _draws(network: nn.Module, task: Any, two_rows: Any) -> bool:
    """Whether a loss takes numbers from torch's generator."""
    device = next(network.parameters()).device
    batch = two_rows.batch(slice(0, len(two_rows)))
    on_card = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=on_card):
        before = _generators(on_card)
        try:
            for _ in task.losses(network.train(), _moved(batch, device)):
                pass
        except Exception as error:
            if not ran_out_of_memory(error):
                raise
        after = _generators(on_card)
    return not all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def _generators(on_card: list) -> list[torch.Tensor]:
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state(card) for card in on_card)]


def _moved(batch: Any, device: torch.device) -> Any:
    def move(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: move(tensor) for name, tensor in value.items()}
        return value.to(device) if isinstance(value, torch.Tensor) else value

    return replace(
        batch, inputs=move(batch.inputs), targets=move(batch.targets), weight=move(batch.weight)
    )
