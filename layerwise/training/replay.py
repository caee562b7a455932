"""From a recorded graph to a plain Python function that repeats it, with the same bits, sooner.

A small network's step is not arithmetic but calls: each costs a microsecond or two, and three times
that when the last kernel has emptied the processor's cache. So the graph is shortened, works in
place where nobody else looks, and becomes one straight line of calls to torch's own functions.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Node

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
FRESH = (torch.mm, torch.addmm, aten.convolution.default)  # results that share no memory
IN_PLACE = {torch.relu: torch.relu_, torch.sigmoid: torch.sigmoid_, torch.tanh: torch.tanh_}
INTO_GRADIENT = {  # backward operations that may write over the gradient that they are given
    aten.threshold_backward.default: aten.threshold_backward.grad_input,
    aten.sigmoid_backward.default: aten.sigmoid_backward.grad_input,
    aten.tanh_backward.default: aten.tanh_backward.grad_input,
}


def replay_of(
    recorded: GraphModule, held: list[Tensor], into: list[Tensor] | None
) -> Callable[..., tuple]:
    """Give a function of the batch's tensors alone that does what was recorded.

    recorded : outputs are value, terms and one gradient (or None) per trained parameter
    held : parameters and buffers, the first inputs of the graph; their memory must stay theirs
    into : where the gradients are written, one tensor per parameter; absent: in new memory
    """
    graph, constants = recorded.graph, _constants(recorded, held)
    _shorten(graph, constants)
    _hoist_transposes(graph, constants)
    _work_in_place(graph)
    _write_into(graph, into, constants)
    return _function(graph, constants)


def draws_chance(recorded: GraphModule) -> bool:
    """Whether the graph draws random numbers, so that torch's generator must be set before it."""
    seeded = torch.Tag.nondeterministic_seeded
    return any(seeded in getattr(node.target, "tags", ()) for node in recorded.graph.nodes)


def shapes_by_values(recorded: GraphModule) -> bool:
    """Whether a shape depends on values, as after indexing by truth: no two batches agree then."""
    dynamic = torch.Tag.dynamic_output_shape
    for node in recorded.graph.nodes:
        if dynamic not in getattr(node.target, "tags", ()):
            continue
        places = node.args[1] if node.target is aten.index.Tensor else None
        if places is None or any(_is_truth(place) for place in places):
            return True
    return False


def _is_truth(place: Any) -> bool:
    known = getattr(place, "meta", {}).get("tensor_meta")
    return known is not None and known.dtype in (torch.bool, torch.uint8)


def _constants(recorded: GraphModule, held: list[Tensor]) -> dict[Node, Tensor]:
    """Tensors that are there before the replay begins, by their nodes."""
    inputs = [node for node in recorded.graph.nodes if node.op == "placeholder"]
    found = {node: tensor.detach() for node, tensor in zip(inputs, held, strict=False)}
    for node in recorded.graph.nodes:
        if node.op == "get_attr":
            found[node] = getattr(recorded, str(node.target))
    return found


def _shorten(graph: Graph, constants: dict[Node, Tensor]) -> None:
    """Take out what a replay does not need; each step of this keeps every bit.

    ``detach`` means nothing without a tape, a transpose of a transpose is the tensor itself, a sum
    over rows need not keep their axis, a product with one is its other factor, the gradient of
    taking the only column is a view, and unused results go.
    """
    for node in list(graph.nodes):
        if node.op != "call_function":
            continue
        if node.target is aten.detach.default:
            node.replace_all_uses_with(node.args[0])
        elif _is_transpose(node) and _is_transpose(node.args[0]):
            node.replace_all_uses_with(node.args[0].args[0])
        elif _is_view_of_sum(node):
            total = node.args[0]
            total.args = total.args[:2]  # without keeping the summed axes
            node.replace_all_uses_with(total)
        elif node.target is aten.mul.Tensor and _is_one(constants.get(node.args[1]), node):
            node.replace_all_uses_with(node.args[0])
        elif node.target is aten.select_backward.default and node.args[1][node.args[2]] == 1:
            node.target, node.args = torch.unsqueeze, (node.args[0], node.args[2])
    graph.eliminate_dead_code()
    for node in graph.nodes:
        node.target = DIRECT.get(node.target, node.target)


def _hoist_transposes(graph: Graph, constants: dict[Node, Tensor]) -> None:
    """Transpose the weights once: the view shares their memory, whatever they become."""
    for node in graph.nodes:
        if node.op == "call_function" and node.target is torch.t and node.args[0] in constants:
            constants[node] = constants[node.args[0]].t()


def _work_in_place(graph: Graph) -> None:
    """Let an operation write over its input where that is fresh memory that nobody else reads."""
    for node in graph.nodes:
        before = node.args[0] if node.args else None
        if not (isinstance(before, Node) and before.target in FRESH and len(before.users) == 1):
            continue
        if node.target in IN_PLACE:
            node.target = IN_PLACE[node.target]
        elif node.target in INTO_GRADIENT:
            node.target = INTO_GRADIENT[node.target]
            node.kwargs = {**node.kwargs, "grad_input": before}


def _write_into(graph: Graph, into: list[Tensor] | None, constants: dict[Node, Tensor]) -> None:
    """Write the gradients into given memory, without a copy where it can be."""
    output = next(node for node in graph.nodes if node.op == "output")
    total, terms, *gradients = output.args[0]
    written = []
    for number, (gradient, place) in enumerate(zip(gradients, into or (), strict=False)):
        with graph.inserting_before(gradient if isinstance(gradient, Node) else output):
            target = graph.create_node("get_attr", f"into{number}")
        constants[target] = place
        if isinstance(gradient, Node) and gradient.target in WRITE and len(gradient.users) == 1:
            gradient.kwargs = {**gradient.kwargs, "out": target}
            written.append(gradient)
            continue
        with graph.inserting_before(output):
            done = (Tensor.copy_, (target, gradient)) if gradient is not None else (
                Tensor.zero_, (target,))  # fmt: skip
            written.append(graph.call_function(*done))
    if into is not None:
        output.args = ((total, terms, *written),)


def _function(graph: Graph, constants: dict[Node, Tensor]) -> Callable[..., tuple]:
    """One line of Python per operation; functions and constants are the code's own globals."""
    scope: dict[str, Any] = {}
    names: dict[Node, str] = {}
    inputs: list[str] = []
    lines: list[str] = []
    last = {read: node for node in graph.nodes for read in node.all_input_nodes}

    def text(value: Any) -> str:
        if isinstance(value, Node):
            return names[value]
        if isinstance(value, (list, tuple)):
            items = "".join(f"{text(item)}, " for item in value)
            return f"({items})" if isinstance(value, tuple) else f"[{items}]"
        if value is None or isinstance(value, (bool, int)):
            return repr(value)
        scope[f"c{len(scope)}"] = value
        return f"c{len(scope) - 1}"

    for number, node in enumerate(graph.nodes):
        if node in constants:
            names[node] = f"k{number}"
            scope[names[node]] = constants[node]
        elif node.op == "placeholder":
            names[node] = f"x{number}"
            inputs.append(names[node])
        elif node.op == "output":
            lines.append(f"return {text(tuple(node.args[0]))}")
        else:
            assert node.op == "call_function", node.op
            names[node] = f"v{number}"
            scope[f"f{number}"] = getattr(node.target, "_op", node.target)  # without its wrapper
            given = [text(item) for item in node.args]
            given += [f"{key}={text(item)}" for key, item in node.kwargs.items()]
            lines.append(f"{names[node]} = f{number}({', '.join(given)})")
            over = [names[read] for read in node.all_input_nodes if last[read] is node]
            lines += [f"{name} = None" for name in over if name.startswith("v")]
    code = "\n    ".join([f"def replay({', '.join(inputs)}):", *lines])
    exec(compile(code, "<replay of a traced step>", "exec"), scope)
    return scope["replay"]


def _is_transpose(node: Any) -> bool:
    return isinstance(node, Node) and node.target is aten.t.default


def _is_one(constant: Tensor | None, node: Node) -> bool:
    """Whether a factor is the scalar one, in the other factor's type."""
    other = node.args[0].meta.get("val") if isinstance(node.args[0], Node) else None
    return (
        constant is not None
        and isinstance(other, Tensor)
        and constant.ndim == 0
        and constant.dtype == other.dtype
        and float(constant) == 1.0
    )


def _is_view_of_sum(node: Node) -> bool:
    """Whether a sum that kept its axes is only reshaped to what it is without them."""
    if node.target is not aten.view.default:
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
