"""The vocabulary of layerwise. Read this file first.

A program learns from experience E (Dataset) at tasks T (Task), measured by P (a metric), if P
improves with E (Mitchell 1997, "Machine Learning", section 1.1). A Network is a plain
``torch.nn.Module`` built as ``Network(input_shape, output_size, *, own options)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:  # so that the command line can show its help without importing torch
    from torch import Tensor, nn

Inputs = "Tensor | dict[str, Tensor]"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some examples, side by side; the first axis of every tensor counts them."""

    inputs: Tensor | dict[str, Tensor]
    targets: Tensor | None = None
    weight: Tensor | None = None  # (rows,), may be negative
    done: Tensor | float = 0.0  # how much of the stage is over, 0 to 1; a scalar tensor in training
    keys: Tensor | None = None  # (rows,), row numbers in the source


@dataclass(frozen=True, slots=True)
class Loss:
    """A mean over ``terms`` (rows, unmasked tokens, summed weights) that descends one part."""

    value: Tensor
    terms: Tensor | float
    part: str = "network"


@runtime_checkable
class Dataset(Protocol):
    """Experience. The engine owns the order; a dataset only fetches.

    Optional: ``refresh(network)`` before each epoch (the experience may depend on the live
    network), and ``state_dict`` / ``load_state_dict`` when something in it changes. Optional
    ``arrange(order) -> Dataset``: the rows ``order`` as a block whose batches are views; its
    ``batch`` then takes a slice.
    """

    def __len__(self) -> int: ...

    def batch(self, indices: Tensor | slice) -> Batch:
        """The examples with these row numbers."""
        ...


@runtime_checkable
class Task(Protocol):
    """What is learned. ``losses`` yields; for each yield the engine descends ``Loss.part``.

    Optional: ``parts(network)`` gives per part what ``torch.optim`` takes first (absent: every
    parameter, as "network"); ``splittable = False`` refuses pieces of a batch;
    ``state_dict`` / ``load_state_dict`` when something in the task changes. Without state a task
    is a pure function of network, batch and torch's generator. Never yield inside a ``with``.
    """

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """What is to be made small, one part after the other."""
        ...

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """What is predicted, (rows, ...): probabilities of classes, or values."""
        ...


@dataclass(frozen=True)
class Target:
    """What the target columns hold; decides the default task, its output size and its metrics.

    kind: "binary" (classes[1] is the positive one), "classes", "labels" (several at once, classes
    names them), "count" (0, 1, 2, ...), "real", or "none".
    """

    kind: str
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """A stretch of training with one task, one optimizer and one schedule."""

    task: Any = None  # a Task, its name, or None for the task of the run
    optimizer: str = "adamw"  # "closed_form" lets network.solve(batches) replace descent
    optimizer_options: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: float | Mapping[str, float] = 1e-3
    schedule: str = "constant"
    schedule_options: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 1
    steps: int | None = None  # where given, the stage ends after so many, in whatever epoch
    batch_size: int | str = 32  # a number of rows, or "all"
    l1: float = 0.0  # times the sum of |w| over matrices and kernels, added to the loss
    l2: float = 0.0  # times half the sum of w^2 over matrices and kernels, added to the loss
    clip: float | None = None  # largest Euclidean norm of a part's gradient


Recipe = tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands after a step; what the engine yields to the caller's ``for`` body."""

    stage: int
    epoch: int  # within the stage, from 1
    step: int  # over all stages, from 1
    steps: int  # in all, as planned
    rows: int  # examples in this step, over all processes
    epoch_ended: bool
    losses: Callable[[], dict[str, float]]  # mean of each part over this epoch so far
    learning_rate: Callable[[], dict[str, float]]
    state: Callable[[], dict[str, Any]]  # all that a resume needs, nested dicts of tensors and JSON
