"""The traced step: forward and backward of a pure one-part task, recorded once per batch shape.

``make_fx`` records every tensor operation of one step. The replay needs no autograd tape and no
modules, so a small network's step costs about half. Its gradients equal the eager ones bit for bit:
each new trace is compared with an eager step before it is used, and what cannot be traced, or is
not equal, runs eagerly.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

from layerwise.contracts import Batch
from layerwise.training.replay import draws_chance, replay_of, shapes_by_values

UNKNOWN: Any = object()  # of a shape that was not traced, or not tried
MOST_OPERATIONS = 1500  # of a step; more (a recurrent net of many steps) take seconds to record
MOST_SHAPES = 4  # batch shapes that are traced; more run eagerly (ragged text would trace forever)
Found = tuple[Tensor, Any, list[Tensor | None]]


class _Counted(TorchDispatchMode):
    """Counts operations; NotImplementedError where there are too many to be worth a trace."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += 1
        if self.count > MOST_OPERATIONS:
            raise NotImplementedError("a step of so many operations is not traced")
        return func(*args, **(kwargs or {}))


class _Replay(NamedTuple):
    """A function of a batch's tensors, and whether it draws from torch's generator."""

    run: Callable[..., tuple]
    draws: bool


class _Rule(nn.Module):
    """The loss as a module's forward, so that ``functional_call`` can swap weights."""

    def __init__(self, network: nn.Module, task: Any):
        super().__init__()
        self.network, self.task = network, task

    def forward(self, batch: Batch) -> tuple[Tensor, Any]:
        losses = list(self.task.losses(self.network, batch))
        if len(losses) != 1:
            raise NotImplementedError("a traced step has one loss")
        return losses[0].value, losses[0].terms


class Tracer:
    """Gradients of a step by replay of its trace; None where the step must run eagerly.

    trained : the parameters, in the order in which gradients are given
    into : where the gradients are written, one tensor per parameter; absent: in new memory
    """

    def __init__(
        self,
        network: nn.Module,
        task: Any,
        trained: list[Tensor],
        into: list[Tensor] | None,
        autocast: Callable[[], AbstractContextManager],
    ):
        self._rule, self._into, self._autocast = _Rule(network, task), into, autocast
        self._graphs: dict[tuple, _Replay | None] = {}
        self._seen: dict[tuple, int] = {}
        self._tensors = dict(self._rule.named_parameters())
        self._buffers = dict(self._rule.named_buffers())
        names = {id(tensor): name for name, tensor in self._tensors.items()}
        self._trained = [names[id(tensor)] for tensor in trained]
        self._held = [*self._tensors.values(), *self._buffers.values()]
        self._one = torch.ones((), dtype=self._held[0].dtype, device=self._held[0].device)

    def gradients(self, batch: Batch, seed: Callable[[int, int], None]) -> Found | None:
        """Value of the loss, its terms, and a gradient (or None) per trained parameter, in order.

        seed : sets torch's generator, given the number of the yield and of the micro-batch
        """
        given = _tensors_of(batch)
        shape = (*given, *[part for t in given.values() for part in (t.shape, t.dtype)])
        replay = self._graphs.get(shape, UNKNOWN)
        if replay is UNKNOWN:
            if self._seen.setdefault(shape, 0) == 0 or len(self._graphs) >= MOST_SHAPES:
                self._seen[shape] += 1  # a shape that comes once is not worth a trace
                return None
            replay = self._graphs[shape] = self._trace(batch, given, seed)
        if replay is None:
            return None
        if replay.draws:
            seed(0, 0)
        value, terms, *gradients = replay.run(*given.values())
        return value, terms, gradients

    def _trace(self, batch: Batch, given: dict[str, Tensor], seed: Callable[[int, int], None]):
        """A graph that was seen to give the eager gradients, or None."""
        before = [buffer.clone() for buffer in self._buffers.values()]

        def restore() -> None:
            seed(0, 0)
            for buffer, value in zip(self._buffers.values(), before, strict=True):
                buffer.copy_(value)

        try:
            restore()
            step, inputs = self._function(batch), [*self._held, *given.values()]
            with _Counted():
                step(*inputs)
            restore()
            recorded = make_fx(step)(*inputs)
            if shapes_by_values(recorded):
                return None
            draws = draws_chance(recorded)
            replay = _Replay(replay_of(recorded, self._held, self._into), draws)
            outcomes = []
            for attempt in (lambda: step(*inputs), lambda: replay.run(*given.values())):
                restore()
                found = attempt()
                outcomes.append([*found, *(buffer.clone() for buffer in self._buffers.values())])
            return replay if _equal(*outcomes) else None
        except Exception:  # whatever a trace cannot hold: then the eager step decides
            return None
        finally:
            restore()

    def _function(self, batch: Batch) -> Callable:
        """The step as a function of tensors alone: parameters, buffers, then the batch."""
        rule, names = self._rule, [*self._tensors, *self._buffers]
        fields = list(_tensors_of(batch))

        def step(*tensors: Tensor) -> tuple:
            held = dict(zip(names, tensors, strict=False))
            batch_now = _with_tensors(batch, dict(zip(fields, tensors[len(names) :], strict=True)))
            with torch.enable_grad(), self._autocast():
                value, terms = functional_call(rule, held, (batch_now,))
            trained = [held[name] for name in self._trained]
            one = self._one.to(value.dtype)  # made before the trace: what follows is constant
            found = torch.autograd.grad(value, trained, one, allow_unused=True)
            gradients = _owned(found, trained, tensors)
            return (
                value.detach(),
                terms.detach() if isinstance(terms, Tensor) else terms,
                *gradients,
            )

        return step


def _owned(gradients: tuple, parameters: list[Tensor], given: tuple) -> list[Tensor | None]:
    """Gradients that may be changed in place: laid out as the parameter, sharing no memory."""
    held = {tensor.untyped_storage().data_ptr() for tensor in given}
    owned: list[Tensor | None] = []
    for gradient, parameter in zip(gradients, parameters, strict=True):
        if gradient is not None:
            memory = gradient.untyped_storage().data_ptr()
            if gradient.stride() != parameter.stride() or memory in held:
                gradient = torch.empty_like(parameter).copy_(gradient)
            held.add(memory)
        owned.append(gradient)
    return owned


def _tensors_of(batch: Batch) -> dict[str, Tensor]:
    """Every tensor of a batch by name; a dict of inputs gives one name per key."""
    inputs = batch.inputs
    if isinstance(inputs, Tensor):
        found = {"inputs": inputs}
    else:
        found = {f"inputs.{key}": tensor for key, tensor in inputs.items()}
    for name in ("targets", "weight", "done", "keys"):
        value = getattr(batch, name)
        if isinstance(value, Tensor):
            found[name] = value
    return found


def _with_tensors(batch: Batch, tensors: dict[str, Tensor]) -> Batch:
    inputs: Any = tensors.get("inputs")
    if inputs is None:
        inputs = {key: tensors[f"inputs.{key}"] for key in batch.inputs}
    return Batch(
        inputs,
        tensors.get("targets"),
        tensors.get("weight"),
        tensors.get("done", batch.done),
        tensors.get("keys"),
    )


def _equal(one: list, other: list) -> bool:
    return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.dtype == b.dtype and torch.equal(a.nan_to_num(), b.nan_to_num())
    return a == b
