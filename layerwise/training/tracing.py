"""The traced step: forward and backward of a pure one-part task, recorded once per batch shape.

``make_fx`` records every tensor operation of one step. The replay needs no autograd tape and no
modules, so a small network's step costs about half. Its gradients equal the eager ones bit for bit:
each new trace is compared with an eager step before it is used, and what cannot be traced, or is
not equal, runs eagerly.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.fx import Graph, GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx

from layerwise.contracts import Batch

aten = torch.ops.aten
DIRECT = {  # recorded operation -> torch's function for the same, which is called sooner
    aten.t.default: torch.t,
    aten.mm.default: torch.mm,
    aten.addmm.default: torch.addmm,
    aten.relu.default: torch.relu,
    aten.sigmoid.default: torch.sigmoid,
    aten.tanh.default: torch.tanh,
    aten.add.Tensor: torch.add,
    aten.sub.Tensor: torch.sub,
    aten.mul.Tensor: torch.mul,
    aten.div.Tensor: torch.div,
    aten.neg.default: torch.neg,
    aten.exp.default: torch.exp,
    aten.select.int: torch.select,
    aten.sum.dim_IntList: torch.sum,
}
WRITE = (torch.mm, torch.sum)  # of these, the ones that can write into given memory
MOST_SHAPES = 4  # batch shapes that are traced; more run eagerly (ragged text would trace forever)
Found = tuple[Tensor, Any, list[Tensor | None]]


class _Rule(nn.Module):
    """The sum of the loss as a module's forward, so that ``functional_call`` can swap weights."""

    def __init__(self, network: nn.Module, task: Any):
        super().__init__()
        self.network, self.task = network, task

    def forward(self, batch: Batch) -> tuple[Tensor, Any]:
        losses = list(self.task.losses(self.network, batch))
        if len(losses) != 1:
            raise NotImplementedError("a traced step has one loss")
        return losses[0].value * losses[0].terms, losses[0].terms


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
        self._graphs: dict[tuple, Callable | None] = {}
        self._seen: dict[tuple, int] = {}
        self._tensors = dict(self._rule.named_parameters())
        self._buffers = dict(self._rule.named_buffers())
        names = {id(tensor): name for name, tensor in self._tensors.items()}
        self._trained = [names[id(tensor)] for tensor in trained]
        self._held = [*self._tensors.values(), *self._buffers.values()]
        self._one = torch.ones((), dtype=self._held[0].dtype, device=self._held[0].device)

    def gradients(self, batch: Batch, reseed: Callable[[], None]) -> Found | None:
        """Sum of the loss, its terms, and a gradient (or None) per trained parameter, in order.

        reseed : sets torch's generator as it was before this step
        """
        given = _tensors_of(batch)
        shape = (*given, *[(tensor.shape, tensor.dtype) for tensor in given.values()])
        if shape not in self._graphs:
            if self._seen.setdefault(shape, 0) == 0 or len(self._graphs) >= MOST_SHAPES:
                self._seen[shape] += 1  # a shape that comes once is not worth a trace
                return None
            self._graphs[shape] = self._trace(batch, given, reseed)
            reseed()
        graph = self._graphs[shape]
        if graph is None:
            return None
        with torch.no_grad():
            total, terms, *gradients = graph(*self._held, *given.values())
        return total, terms, gradients

    def _trace(self, batch: Batch, given: dict[str, Tensor], reseed: Callable[[], None]):
        """A graph that was seen to give the eager gradients, or None."""
        before = [buffer.clone() for buffer in self._buffers.values()]

        def restore() -> None:
            reseed()
            for buffer, value in zip(self._buffers.values(), before, strict=True):
                buffer.copy_(value)

        try:
            restore()
            graph = make_fx(self._function(batch))(*self._held, *given.values())
            replay = _directed(_shortened(graph), self._into).forward
            outcomes = []
            for attempt in (self._function(batch), replay):
                restore()
                with torch.no_grad():
                    found = attempt(*self._held, *given.values())
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
                total, terms = functional_call(rule, held, (batch_now,))
            trained = [held[name] for name in self._trained]
            one = self._one.to(total.dtype)  # made before the trace: what follows is constant
            found = torch.autograd.grad(total, trained, one, allow_unused=True)
            gradients = _owned(found, trained, tensors)
            return (
                total.detach(),
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
    found: dict[str, Tensor] = {}
    for name in ("inputs", "targets", "weight", "done", "keys"):
        value = getattr(batch, name)
        if isinstance(value, dict):
            found.update({f"{name}.{key}": tensor for key, tensor in value.items()})
        elif isinstance(value, Tensor):
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


def _shortened(graph_module: GraphModule) -> GraphModule:
    """The graph without what a replay does not need; each step of this keeps every bit.

    ``detach`` means nothing without a tape, a transpose of a transpose is the tensor itself, a sum
    over rows need not keep their axis, and unused results go. torch's own functions are called
    where they do the same as the recorded operation: each costs a microsecond less.
    """
    graph: Graph = graph_module.graph
    for node in list(graph.nodes):
        if node.op == "call_function" and node.target is aten.detach.default:
            node.replace_all_uses_with(node.args[0])
        elif _is_transpose(node) and _is_transpose(node.args[0]):
            node.replace_all_uses_with(node.args[0].args[0])
        elif _is_view_of_sum(node):
            total = node.args[0]
            total.args = total.args[:2]  # without keeping the summed axes
            node.replace_all_uses_with(total)
    graph.eliminate_dead_code()
    for node in graph.nodes:
        node.target = DIRECT.get(node.target, node.target)
    graph_module.recompile()
    return graph_module


def _directed(graph_module: GraphModule, into: list[Tensor] | None) -> GraphModule:
    """The graph that writes its gradients into given memory, without a copy where it can."""
    graph: Graph = graph_module.graph
    output = next(node for node in graph.nodes if node.op == "output")
    total, terms, *gradients = output.args[0]
    written = []
    for number, (gradient, place) in enumerate(zip(gradients, into or (), strict=False)):
        graph_module.register_buffer(f"into{number}", place, persistent=False)
        before = gradient if isinstance(gradient, Node) else output
        with graph.inserting_before(before):
            target = graph.get_attr(f"into{number}")
        if isinstance(gradient, Node) and gradient.target in WRITE and len(gradient.users) == 1:
            gradient.kwargs = {**gradient.kwargs, "out": target}
            written.append(gradient)
            continue
        with graph.inserting_before(output):
            call = ("copy_", (target, gradient)) if gradient is not None else ("zero_", (target,))
            written.append(graph.call_method(*call))
    if into is not None:
        output.args = ((total, terms, *written),)
    graph_module.recompile()
    return graph_module


def _is_transpose(node: Node) -> bool:
    return node.op == "call_function" and node.target is aten.t.default


def _is_view_of_sum(node: Node) -> bool:
    """Whether a sum that kept its axes is only reshaped to what it is without them."""
    if node.op != "call_function" or node.target is not aten.view.default:
        return False
    total = node.args[0]
    return (
        isinstance(total, Node)
        and total.target is aten.sum.dim_IntList
        and len(total.users) == 1
        and list(total.args[1:]) == [[0], True]
        and isinstance(node.args[1], list)
        and len(node.args[1]) == 1
    )


def _equal(one: list, other: list) -> bool:
    return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.dtype == b.dtype and torch.equal(a.nan_to_num(), b.nan_to_num())
    return a == b
