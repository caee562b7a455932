"""The engine: a generator that learns and tells how far it is. Everything else is the caller's."""

import itertools
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from layerwise.contracts import Batch, Dataset, Progress, Recipe, Stage
from layerwise.errors import SettingsError
from layerwise.scaling.processes import ALONE, Processes
from layerwise.training.chance import epoch_order, mixed, seed_generators
from layerwise.training.descent import Descent
from layerwise.training.optimizers import check_optimizer

BLOCK_BYTES = 1 << 20  # an epoch is permuted in blocks of about this size
ORDER, REFRESH, STEP, AUGMENT = 1, 2, 3, 4  # what a seed is for
Augment = Callable[[Batch, int], Batch]


@dataclass
class _Place:
    """Where training stands: the next step to make."""

    stage: int = 0
    epoch: int = 1
    batch: int = 0
    step: int = 0
    over: bool = False  # the stage has had all of its steps


def train(
    network: nn.Module,
    recipe: Recipe,
    dataset: Dataset,
    *,
    seed: int = 0,
    precision: str = "float32",
    micro_batches: int = 1,
    processes: Processes = ALONE,
    traced: bool = True,
    augment: Augment | None = None,
    state: dict[str, Any] | None = None,
) -> Generator[Progress | None, float | None, None]:
    """Train ``network`` in place; yield a Progress after every step.

    Logging, validation, early stopping and checkpoints are statements in the caller's ``for``
    body. At the end of an epoch the caller may ``send(value)``, lower is better, which a plateau
    schedule listens to.

    Parameters
    ----------
    network : nn.Module
        Built and placed on its device.
    recipe : tuple of Stage
        Every ``Stage.task`` is a Task object here.
    dataset : Dataset
        The training rows.
    seed : int
        Decides order and chance; the same seed gives the same bits.
    precision : str
        "float32", "float64" or "bf16"; the first two are the network's own dtype.
    micro_batches : int
        Pieces of each process's share of a batch, one after the other.
    processes : Processes
        Those that train together; each gets an even share of every batch.
    traced : bool
        Whether pure one-part tasks may use the traced step (the same gradients, sooner).
    augment : function of a Batch and a seed
        Changes each micro-batch, on the device, before the task sees it; the seed is that of the
        epoch, and a row's changes must follow from it and the row's key. ``splittable = False``
        refuses pieces of a batch.
    state : dict
        What ``Progress.state()`` gave; training goes on from there.

    Raises
    ------
    SettingsError
        When the task, the network and the wanted pieces do not go together.
    """
    place = _Place(**state["place"]) if state else _Place()
    if state:
        network.load_state_dict(state["network"])
    images = _lay_out(network)
    for number in range(place.stage, len(recipe)):
        if number > place.stage:
            place = _Place(stage=number, step=place.step)
        stage = recipe[number]
        _check(network, stage, len(dataset), micro_batches, processes, augment)
        if stage.optimizer == "closed_form":
            device = next(network.parameters()).device
            seed_generators(device, seed, STEP, place.stage, place.step)
            cast(Any, network).solve(_all_batches(dataset, stage, network))
            place.step += 1
            yield from _tell(_solved(place, network, len(dataset)))
            state = None
            continue
        descent = Descent(network, stage.task, stage, processes, precision, traced)
        if not descent.parts:
            continue  # a network without parameters is evaluated only
        work = _Work(
            network, stage, dataset, descent, seed, micro_batches, processes, images, augment
        )
        if state and "descent" in state:
            work.load_state_dict(state)
        state = None
        yield from _run_stage(work, place, recipe)
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    network.eval()


def check_recipe(
    network: nn.Module,
    recipe: Recipe,
    rows: int,
    micro_batches: int = 1,
    processes: Processes = ALONE,
    augment: Augment | None = None,
) -> None:
    """Raise SettingsError for what ``train`` would refuse; trains nothing.

    rows : how many there are to train on
    """
    for stage in recipe:
        _check(network, stage, rows, micro_batches, processes, augment)
        if stage.optimizer != "closed_form":
            Descent(network, stage.task, stage, processes, traced=False)
    for parameter in network.parameters():
        parameter.requires_grad_(True)


def augment_seed(seed: int, stage: int, epoch: int) -> int:
    """The seed that ``augment`` gets; stages count from 0, epochs from 1."""
    return mixed(seed, AUGMENT, stage, epoch)


@dataclass
class _Work:
    """What one stage works with."""

    network: nn.Module
    stage: Stage
    dataset: Any  # a Dataset, perhaps with its optional methods
    descent: Descent
    seed_of_run: int
    micro_batches: int
    processes: Processes
    images: bool  # whether batches of images are laid out channels-last
    augment: Augment | None

    def __post_init__(self):
        self.device = next(self.network.parameters()).device
        self.pieces = self.micro_batches * self.processes.count

    def seed(self, *numbers: int) -> None:
        """Set torch's generator from the run's seed and a position."""
        seed_generators(self.device, self.seed_of_run, *numbers)

    def fetched(
        self, take: Callable[[int, int], Batch], share: tuple[int, int], seed: int
    ) -> Batch:
        """One micro-batch on the device, augmented by the seed of this epoch."""
        batch = _placed(take(*share), self.device, self.images)
        return batch if self.augment is None else self.augment(batch, seed)

    def state_dict(self, place: _Place) -> dict[str, Any]:
        """All that a resume needs; tensors are references: write them before the next step."""
        state = {
            "place": dict(vars(place)),
            "network": self.network.state_dict(),
            "descent": self.descent.state_dict(),
        }
        for name, holder in (("task", self.stage.task), ("dataset", self.dataset)):
            if hasattr(holder, "state_dict"):
                state[name] = holder.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what ``state_dict`` gave, but for the network."""
        self.descent.load_state_dict(state["descent"])
        for name, holder in (("task", self.stage.task), ("dataset", self.dataset)):
            if hasattr(holder, "load_state_dict"):
                holder.load_state_dict(state[name])


def _run_stage(work: _Work, place: _Place, recipe: Recipe):
    stage, descent = work.stage, work.descent
    moment = torch.zeros((), dtype=torch.float64)  # one for all steps: making one costs 3 us
    while place.epoch <= stage.epochs and not place.over:
        if place.batch == 0 and hasattr(work.dataset, "refresh"):
            work.seed(REFRESH, place.stage, place.epoch)
            work.dataset.refresh(work.network)
        if place.batch == 0:
            descent.sums.clear()
        rows = len(work.dataset)
        count = work.processes.count
        bounds, steps = _bounds(rows, stage, count), _planned(recipe, rows, count)
        for pieces, taken in _epoch(work, place, bounds):
            before = (place.epoch - 1) * len(bounds) + place.batch
            done = (place.epoch - 1 + place.batch / len(bounds)) / stage.epochs
            done = before / stage.steps if stage.steps else done
            moment.fill_(done)
            descent.set_learning_rate(done)
            descent.step(
                [Batch(p.inputs, p.targets, p.weight, moment, p.keys) for p in pieces],
                lambda turn, micro: work.seed(
                    STEP, place.stage, place.step, work.processes.rank, micro, turn
                ),
            )
            place.step += 1
            place.batch += 1
            place.over = before + 1 == stage.steps
            ended = place.batch == len(bounds) or place.over
            shown = place.epoch
            if ended:
                place.epoch, place.batch = place.epoch + 1, 0
            yield from _tell(
                Progress(
                    place.stage,
                    shown,
                    place.step,
                    steps,
                    taken,
                    ended,
                    descent.sums.means,
                    descent.learning_rates,
                    lambda: work.state_dict(place),
                ),
                descent,
            )
            if place.over:
                break


def _tell(progress: Progress, descent: Descent | None = None):
    """Yield to the caller; each value that it sends back is answered by a yield of None."""
    answer = yield progress
    while answer is not None:
        if descent is not None:
            descent.observe(answer)
        answer = yield None


def _epoch(work: _Work, place: _Place, bounds: list[tuple[int, int]]) -> Iterator:
    """Micro-batches of this process and the rows of all, from ``place.batch`` on."""
    order = None
    if len(bounds) > 1:
        rows = len(work.dataset)
        order = epoch_order(rows, work.seed_of_run, ORDER, place.stage, place.epoch)
    seed = augment_seed(work.seed_of_run, place.stage, place.epoch)
    size = _batches_per_block(work.dataset, bounds)
    for begin in range(place.batch, len(bounds), size):
        group = bounds[begin : begin + size]
        take = _taker(work.dataset, order, group[0][0], group[-1][1])
        for start, stop in group:
            shares = [(start, stop)] if work.pieces == 1 else _shares(start, stop, work)
            yield [work.fetched(take, share, seed) for share in shares], stop - start


def _taker(
    dataset: Any, order: Tensor | None, first: int, last: int
) -> Callable[[int, int], Batch]:
    """How rows from ``first`` to ``last`` of the epoch are fetched: as views where it can be."""
    if not hasattr(dataset, "arrange"):
        rows = torch.arange(first, last) if order is None else order[first:last]
        return lambda low, high: dataset.batch(rows[low - first : high - first])
    if order is None:
        return lambda low, high: dataset.batch(slice(low, high))
    block = dataset.arrange(order[first:last])
    return lambda low, high: block.batch(slice(low - first, high - first))


def _batches_per_block(dataset: Any, bounds: list[tuple[int, int]]) -> int:
    """How many batches are permuted at once: few enough to stay in the processor's cache."""
    if not hasattr(dataset, "arrange"):
        return len(bounds)
    rows = max(1, BLOCK_BYTES // max(1, _bytes_per_row(dataset)))
    return max(1, rows // (bounds[0][1] - bounds[0][0]))


def _bytes_per_row(dataset: Any) -> int:
    inputs = dataset.batch(slice(0, 1)).inputs
    tensors = inputs.values() if isinstance(inputs, dict) else [inputs]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _bounds(rows: int, stage: Stage, count: int) -> list[tuple[int, int]]:
    """First and last row of each batch; a last one too small for ``count`` processes joins."""
    size = rows if stage.batch_size == "all" else min(int(stage.batch_size), rows)
    starts = list(range(0, rows, size))
    if len(starts) > 1 and rows - starts[-1] < 2 * count and size > 1:
        starts.pop()
    return list(zip(starts, [*starts[1:], rows], strict=True))


def _shares(start: int, stop: int, work: _Work) -> list[tuple[int, int]]:
    """This process's micro-batches of the rows from ``start`` to ``stop``, even to one row."""
    rows, count, rank = stop - start, work.processes.count, work.processes.rank
    low, high = start + rows * rank // count, start + rows * (rank + 1) // count
    pieces = max(1, min(work.micro_batches, high - low))  # none is empty
    borders = [low + (high - low) * i // pieces for i in range(pieces + 1)]
    return list(itertools.pairwise(borders))


def _planned(recipe: Recipe, rows: int, count: int) -> int:
    return sum(stage.steps or stage.epochs * len(_bounds(rows, stage, count)) for stage in recipe)


def _placed(batch: Batch, device: torch.device, images: bool) -> Batch:
    """The batch on the network's device; images in the layout that convolutions are quick in."""
    inputs = batch.inputs
    held = inputs if isinstance(inputs, Tensor) else next(iter(inputs.values()))
    if held.device != device:
        batch = Batch(
            _moved(inputs, device),
            _moved(batch.targets, device),
            _moved(batch.weight, device),
            batch.done,
            _moved(batch.keys, device),
        )
    if images and isinstance(batch.inputs, Tensor) and batch.inputs.ndim == 4:
        laid = batch.inputs.contiguous(memory_format=torch.channels_last)
        batch = Batch(laid, batch.targets, batch.weight, batch.done, batch.keys)
    return batch


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, dict):
        return {key: _moved(tensor, device) for key, tensor in value.items()}
    return value.to(device, non_blocking=True) if isinstance(value, Tensor) else value


def _lay_out(network: nn.Module) -> bool:
    """Whether the network has convolutions over planes; their kernels are then channels-last."""
    images = any(isinstance(module, nn.Conv2d) for module in network.modules())
    if images:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return images


def _check(
    network: nn.Module,
    stage: Stage,
    rows: int,
    micro_batches: int,
    processes: Processes,
    augment: Augment | None,
) -> None:
    check_optimizer(stage.optimizer, stage.optimizer_options)
    pieces = micro_batches * processes.count
    if stage.optimizer == "closed_form" and not hasattr(network, "solve"):
        raise SettingsError(
            f"{type(network).__name__} has no closed form. Choose another --optimizer."
        )
    size = rows if stage.batch_size == "all" else min(int(stage.batch_size), rows)
    if pieces > size:
        raise SettingsError(
            f"A batch of {size} rows cannot be cut into {pieces} pieces ({micro_batches} micro-"
            f"batches for each of {processes.count} processes). Use fewer, or a larger "
            "--batch-size."
        )
    if pieces > 1 and not getattr(stage.task, "splittable", True):
        raise SettingsError(
            f"{type(stage.task).__name__} needs each batch whole, so it takes neither micro-"
            f"batches ({micro_batches}) nor several processes ({processes.count}). Use 1 of each."
        )
    if pieces > 1 and not getattr(augment, "splittable", True):
        raise SettingsError(
            f"This augmentation mixes the rows of a batch, so it takes neither micro-batches "
            f"({micro_batches}) nor several processes ({processes.count}). Use 1 of each, or leave "
            "out --augment.mixup and --augment.cutmix."
        )
    normalizes = any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in network.modules())
    if normalizes and size == 1:
        raise SettingsError(
            "Batch normalization compares the rows of a batch, so it needs at least 2. "
            "Use a larger --batch-size, or a network without batch normalization."
        )
    if micro_batches > 1 and normalizes:
        raise SettingsError(
            "Batch normalization needs each batch whole: its statistics over micro-batches would "
            "be others. Use --micro-batches 1, or a network without batch normalization."
        )


def _all_batches(dataset: Dataset, stage: Stage, network: nn.Module) -> Iterator[Batch]:
    device = next(network.parameters()).device
    for start, stop in _bounds(len(dataset), stage, 1):
        yield _placed(dataset.batch(torch.arange(start, stop)), device, images=False)


def _solved(place: _Place, network: nn.Module, rows: int) -> Progress:
    def state() -> dict[str, Any]:
        following = {**vars(place), "stage": place.stage + 1}
        return {"place": following, "network": network.state_dict()}

    return Progress(place.stage, 1, place.step, place.step, rows, True, dict, dict, state)
