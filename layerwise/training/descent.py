"""One step of learning, for every rule: clear, backward, sum, divide, clip, step."""

import contextlib
import itertools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import LBFGS, Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau

from layerwise.contracts import Batch, Loss, Stage
from layerwise.errors import SettingsError
from layerwise.scaling.processes import Processes
from layerwise.training.finite import NotFiniteError, first_bad
from layerwise.training.flat import Flat, can_flatten, mover
from layerwise.training.optimizers import build_optimizer
from layerwise.training.parts import freeze_others, parts_of, tensors_of
from layerwise.training.schedule import PLATEAU_OPTIONS, check_schedule, factor
from layerwise.training.tracing import Tracer

LOOK_EVERY = 50  # steps between looks at the loss where a look makes the device wait
SMALLEST = 5e-324  # a subnormal: it times one is zero where the processor flushes those
Seed = Callable[[int, int], None]  # (yield number, micro-batch) -> None


class Descent:
    """Optimizers and gradients of one stage.

    Parameters
    ----------
    network : nn.Module
        Built and placed; it stays where it is.
    task : Task
        Yields the losses.
    stage : Stage
        Optimizer, schedule, penalties and clipping.
    processes : Processes
        Those that train together.
    precision : str
        "float32", "float64" (the network's own dtype) or "bf16" (autocast).
    traced : bool
        Whether pure one-part tasks may use a traced step.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Any,
        stage: Stage,
        processes: Processes,
        precision: str = "float32",
        traced: bool = True,
    ):
        self.network, self.task, self.stage, self.processes = network, task, stage, processes
        self.parts = parts_of(network, task)
        freeze_others(network, self.parts)
        self.tensors = {name: tensors_of(part) for name, part in self.parts.items()}
        self._flat = self._flatten()
        self.optimizers = {name: self._optimizer(name) for name in self.parts}
        self._moves = {
            name: optimizer.step if self._flat is None else mover(optimizer, self._flat)
            for name, optimizer in self.optimizers.items()
        }
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
        check_schedule(stage.schedule, dict(stage.schedule_options))
        self.plateaus = self._plateaus() if stage.schedule == "plateau" else {}
        self.sums = Sums()
        self._precision = precision
        self._before: list[Batch] = []
        self._pieces: list[Batch] = []
        self._steps = 0
        on_cpu = next(network.parameters(), torch.empty(0)).device.type == "cpu"
        self._look_every = 1 if on_cpu else LOOK_EVERY
        self._tracer = None
        if traced and self.is_pure():
            trained = next(iter(self.tensors.values()))
            into = None if self._flat is None else self._flat.views
            self._tracer = Tracer(network, task, trained, into, self.autocast)

    def is_pure(self) -> bool:
        """Whether the task has one part and no state: the same call gives the same gradients."""
        return len(self.parts) == 1 and not hasattr(self.task, "state_dict")

    def step(self, pieces: list[Batch], seed: Seed) -> None:
        """Learn from the micro-batches ``pieces`` of one batch.

        Raises NotFiniteError where a loss is NaN or infinite, before any weight moves. On a
        GPU, where looking costs a wait, it looks at every fiftieth step. Numbers below 1e-38 are
        flushed to zero meanwhile: gradients of rows that are learned get there, and a processor
        is many times slower with them (a step of a small network by half).
        """
        self._before, self._pieces, self._steps = self._pieces, pieces, self._steps + 1
        optimizer = next(iter(self.optimizers.values()))
        flushed = SMALLEST * 1.0 == 0.0
        torch.set_flush_denormal(True)
        try:
            if isinstance(optimizer, LBFGS):
                self._step_again_and_again(optimizer, pieces, seed)
            elif self._tracer is not None and len(pieces) == 1:
                self._step_traced(self._tracer, pieces[0], seed)
            else:
                self._step_eagerly(pieces, seed)
        finally:
            torch.set_flush_denormal(flushed)

    def set_learning_rate(self, done: float) -> None:
        """Move every group to its place in the schedule."""
        if self.stage.schedule in ("plateau", "constant") and not self.stage.schedule_options:
            return
        if self.stage.schedule == "plateau":
            return
        scale = factor(
            self.stage.schedule, done, self.stage.epochs, dict(self.stage.schedule_options)
        )
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * scale

    def learning_rates(self) -> dict[str, float]:
        """The present rate of each part's first group."""
        return {
            name: float(optimizer.param_groups[0]["lr"])
            for name, optimizer in self.optimizers.items()
        }

    def observe(self, value: float) -> None:
        """Tell the plateau schedule the caller's value; lower is better."""
        for plateau in self.plateaus.values():
            plateau.step(value)

    def autocast(self) -> contextlib.AbstractContextManager:
        """The context in which losses are computed."""
        if self._precision != "bf16":
            return contextlib.nullcontext()
        device = next(self.network.parameters()).device.type
        return torch.autocast(device, dtype=torch.bfloat16)

    def state_dict(self) -> dict[str, Any]:
        """Optimizers, plateau schedules and the sums of this epoch."""
        return {
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "plateaus": {name: p.state_dict() for name, p in self.plateaus.items()},
            "sums": self.sums.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what ``state_dict`` gave."""
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
            _lay_out_as_parameters(optimizer)
        for name, plateau in self.plateaus.items():
            plateau.load_state_dict(state["plateaus"][name])
        self.sums.load_state_dict(state["sums"])

    def _optimizer(self, part: str) -> Optimizer:
        rate = self.stage.learning_rate
        if not isinstance(rate, (int, float)):
            if part not in rate:
                raise SettingsError(
                    f"The learning rate names {', '.join(rate)}, but this task trains "
                    f"{', '.join(self.parts)}. Give one number, or one for each."
                )
            rate = rate[part]
        moved = self.parts[part] if self._flat is None else [self._flat.parameter]
        return build_optimizer(self.stage.optimizer, moved, rate, self.stage.optimizer_options)

    def _flatten(self) -> Flat | None:
        if not self.is_pure():
            return None
        part = next(iter(self.parts.values()))
        return Flat(part) if can_flatten(self.stage.optimizer, part) else None

    def _plateaus(self) -> dict[str, ReduceLROnPlateau]:
        options = {**PLATEAU_OPTIONS, **self.stage.schedule_options}
        return {name: ReduceLROnPlateau(o, **options) for name, o in self.optimizers.items()}

    def _step_eagerly(self, pieces: list[Batch], seed: Seed) -> None:
        rules = [self.task.losses(self.network, piece) for piece in pieces]
        for turn in itertools.count():
            self._clear()
            losses = []
            for micro, rule in enumerate(rules):
                seed(turn, micro)
                loss = self._next(rule)
                if loss is not None:
                    _summed(loss, len(pieces)).backward()
                    losses.append(loss)
            if not losses:
                break
            assert len({loss.part for loss in losses}) == 1 and len(losses) == len(rules), (
                "every micro-batch must yield the same parts in the same order"
            )
            if self._flat is not None:
                self._flat.gather(self.tensors[losses[0].part])
            self._descend(
                losses[0].part,
                [loss.value.detach() for loss in losses],
                [loss.terms for loss in losses],
            )
        self._clear()

    def _step_traced(self, tracer: Tracer, piece: Batch, seed: Seed) -> None:
        found = tracer.gradients(piece, seed)
        if found is None:
            self._step_eagerly([piece], seed)
            return
        part = next(iter(self.parts))
        value, terms, gradients = found
        if self._flat is None or self.tensors[part][0].grad is None:
            for tensor, gradient in zip(self.tensors[part], gradients, strict=True):
                tensor.grad = gradient
        self._descend(part, [value], [terms])

    def _step_again_and_again(self, optimizer: LBFGS, pieces: list[Batch], seed: Seed) -> None:
        if not self.is_pure():
            raise SettingsError(
                "LBFGS evaluates a step many times, so the task must have one part and no state. "
                "Choose another --optimizer."
            )
        part, first = next(iter(self.parts)), True

        def closure() -> float:
            nonlocal first
            self._clear()
            losses = []
            for micro, piece in enumerate(pieces):
                seed(0, micro)
                rule = self.task.losses(self.network, piece)
                loss = self._next(rule)
                assert loss is not None and self._next(rule) is None, "LBFGS takes one loss"
                _summed(loss, len(pieces)).backward()
                losses.append(loss)
            values = [loss.value.detach() for loss in losses]
            mean, terms = self._finish(part, values, [loss.terms for loss in losses])
            if first:
                self.sums.add(part, mean, terms)
                first = False
            return float(mean) + self._penalty(part)

        optimizer.step(closure)
        self._clear()

    def _next(self, rule) -> Loss | None:
        before = torch.is_grad_enabled()
        with self.autocast():
            inside = torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")
            loss = next(rule, None)
            after = torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")
        assert torch.is_grad_enabled() == before and inside == after, (
            "a task yielded inside a `with`: its no_grad or autocast would leak into the engine"
        )
        return loss

    def _descend(self, part: str, values: list, terms: list) -> None:
        self.sums.add(part, *self._finish(part, values, terms))
        self._moves[part]()

    def _finish(self, part: str, values: list, terms: list) -> tuple[Any, Any]:
        """Make ``.grad`` that of the mean over all pieces, with penalties, clipped.

        values, terms : of each micro-batch; the gradient of one alone is already that of a mean
        returns : mean of the loss, and its terms
        """
        assert part in self.tensors, f"the task has no part '{part}': {', '.join(self.tensors)}"
        tensors = self.tensors[part]
        gradients = self._gradients(tensors)
        mean, count = values[0], terms[0]
        if len(values) > 1 or self.processes.count > 1:
            mean, count = self._joined(gradients, values, terms)
        if self._steps % self._look_every == 0:
            mean = float(mean)
            if not math.isfinite(mean):
                raise NotFiniteError(
                    first_bad(self.network, self._pieces, self._before, part, mean)
                )
        if self.stage.l1 or self.stage.l2:
            _add_penalty_gradients(tensors, self.stage.l1, self.stage.l2)
        if self.stage.clip is not None:
            nn.utils.clip_grad_norm_(tensors, self.stage.clip)
        return mean, count

    def _joined(self, gradients: list[Tensor], values: list, terms: list) -> tuple[Any, Any]:
        """Sum over micro-batches and processes, then divide once by all terms."""
        if len(values) == 1:
            torch._foreach_mul_(gradients, terms[0])
        total = sum(value * term for value, term in zip(values, terms, strict=True))
        count = sum(terms)
        if self.processes.count > 1:
            total, count = self._exchange(gradients, total, count)
        torch._foreach_div_(gradients, count)
        return total / count, count

    def _gradients(self, tensors: list[Tensor]) -> list[Tensor]:
        if self._flat is not None:
            return [self._flat.gradient]
        if self.processes.count > 1:  # all must exchange the same tensors
            for tensor in tensors:
                if tensor.grad is None:
                    tensor.grad = torch.zeros_like(tensor)
        return [tensor.grad for tensor in tensors if tensor.grad is not None]

    def _exchange(self, gradients: list[Tensor], total: Any, count: Any) -> tuple[Tensor, Tensor]:
        device, dtype = gradients[0].device, gradients[0].dtype
        numbers = torch.stack([torch.as_tensor(n, device=device).double() for n in (total, count)])
        self.processes.total([*gradients, numbers])
        return numbers[0], numbers[1].to(dtype)

    def _penalty(self, part: str) -> float:
        weights = [tensor for tensor in self.tensors[part] if tensor.ndim > 1]
        size = sum(float(tensor.detach().abs().sum()) for tensor in weights) if self.stage.l1 else 0
        square = (
            sum(float(tensor.detach().square().sum()) for tensor in weights) if self.stage.l2 else 0
        )
        return self.stage.l1 * size + self.stage.l2 * square / 2

    def _clear(self) -> None:
        for parameter in self.network.parameters():
            parameter.grad = None


def _lay_out_as_parameters(optimizer: Optimizer) -> None:
    """Give moments that were read from a file the memory layout of their parameters."""
    for parameter, held in optimizer.state.items():
        for name, value in held.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                held[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


class Sums:
    """Mean loss of each part over an epoch; the device is read only when someone asks.

    Additions happen one by one in float64, so the result does not depend on when it was asked.
    """

    def __init__(self):
        self._pending: list[tuple[str, Any, Any]] = []
        self._sums: dict[str, list[float]] = {}

    def add(self, part: str, mean: Any, terms: Any) -> None:
        """Remember one step: the mean of its loss and its number of terms."""
        self._pending.append((part, mean, terms))
        if len(self._pending) > 1000:
            self.means()

    def means(self) -> dict[str, float]:
        """Mean of each part so far."""
        pending, self._pending = self._pending, []
        means, terms = _floats([p[1] for p in pending]), _floats([p[2] for p in pending])
        for (part, _, _), mean, term in zip(pending, means, terms, strict=True):
            held = self._sums.setdefault(part, [0.0, 0.0])
            held[0] += mean * term
            held[1] += term
        return {part: s / n if n else math.nan for part, (s, n) in self._sums.items()}

    def clear(self) -> None:
        """Begin a new epoch."""
        self._pending, self._sums = [], {}

    def state_dict(self) -> dict[str, list[float]]:
        """The sums as JSON values."""
        self.means()
        return {part: list(held) for part, held in self._sums.items()}

    def load_state_dict(self, state: dict[str, list[float]]) -> None:
        """Take back what ``state_dict`` gave."""
        self._pending, self._sums = [], {part: list(held) for part, held in state.items()}


def _floats(values: list) -> list[float]:
    """Numbers and scalar tensors as floats, with one read of the device."""
    tensors = [value for value in values if isinstance(value, Tensor)]
    read = (
        iter(torch.stack([t.detach().double() for t in tensors]).tolist()) if tensors else iter(())
    )
    return [next(read) if isinstance(value, Tensor) else float(value) for value in values]


def _summed(loss: Loss, pieces: int) -> Tensor:
    """What is differentiated: the loss of a whole batch, or a piece's share of the batch's sum."""
    return loss.value if pieces == 1 else loss.value * loss.terms


def _add_penalty_gradients(tensors: list[Tensor], l1: float, l2: float) -> None:
    """Add the gradient of ``l1 |w| + l2 w^2 / 2`` for matrices and kernels, not for biases."""
    pairs = [(t.detach(), t.grad) for t in tensors if t.ndim > 1 and t.grad is not None]
    weights, gradients = [weight for weight, _ in pairs], [gradient for _, gradient in pairs]
    if l1:
        torch._foreach_add_(gradients, torch._foreach_sign(weights), alpha=l1)
    if l2:
        torch._foreach_add_(gradients, weights, alpha=l2)
