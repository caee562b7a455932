"""Every task of the table: found, traceable, pure, with metrics that exist."""

import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx

from layerwise.contracts import Batch, Target, Task
from layerwise.errors import SettingsError
from layerwise.metrics import METRICS
from layerwise.networks import network_class
from layerwise.networks.mlp import MLP
from layerwise.tasks import TASKS, default_task, kinds_of, task_class
from layerwise.tasks.classify import LOSSES as CLASSIFY_LOSSES
from layerwise.tasks.regress import LOSSES as REGRESS_LOSSES

TARGETS = {
    "binary": Target("binary", ("y",), ("no", "yes")),
    "classes": Target("classes", ("y",), ("a", "b", "c")),
    "labels": Target("labels", ("p", "q"), ("p", "q")),
    "real": Target("real", ("y", "z")),
    "count": Target("count", ("y",)),
}


def truth(kind, rows):
    if kind == "classes":
        return torch.randint(3, (rows,))
    if kind == "real":
        return torch.randn(rows, 2)
    shape = {"labels": (rows, 2), "count": (rows, 1)}.get(kind, (rows,))
    return torch.randint(2, shape).float()


def cases():
    for name, losses, kinds in (
        ("classify", CLASSIFY_LOSSES, ("binary", "classes", "labels")),
        ("regress", REGRESS_LOSSES, ("real", "count")),
        ("perceptron_rule", (None,), ("binary", "classes")),
        ("delta_rule", (None,), ("binary", "classes", "real", "count")),
    ):
        for kind in kinds:
            for loss in losses:
                options = {"loss": loss} if loss else {}
                try:
                    yield pytest.param(
                        task_class(name)(TARGETS[kind], **options), kind, id=f"{name}-{kind}-{loss}"
                    )
                except SettingsError:
                    continue  # a loss that does not fit the target; tested beside its task


CASES = list(cases())


def with_class_weight():
    for kind, weight in (("binary", (1.0, 3.0)), ("classes", (1.0, 2.0, 3.0)), ("labels", (1, 2))):
        task = task_class("classify")(TARGETS[kind], class_weight=weight)
        yield pytest.param(task, kind, id=f"class weights-{kind}")


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize(("task", "kind"), [*CASES, *with_class_weight()])
def test_a_trace_of_forward_and_backward_gives_the_eager_gradients(task, kind, weighted):
    torch.manual_seed(0)
    network = MLP((4,), task.output_size, hidden=(5,))
    parameters = dict(network.named_parameters())

    def step(values, inputs, targets, weight):
        held = dict(zip(parameters, values, strict=True))
        rule = Rule(network, task)
        with torch.enable_grad():
            value, terms = functional_call(
                rule,
                {f"network.{key}": one for key, one in held.items()},
                (Batch(inputs, targets, weight),),
            )
        return [value.detach(), *torch.autograd.grad(value * terms, list(held.values()))]

    def batch(rows=6):
        return torch.randn(rows, 4), truth(kind, rows), torch.rand(rows) if weighted else None

    values = list(parameters.values())
    graph = make_fx(step)(values, *batch())
    other = batch()  # not the values that were recorded
    for traced, eager in zip(graph(values, *other), step(values, *other), strict=True):
        assert torch.equal(traced, eager)


class Rule(nn.Module):
    """The loss as a module's forward."""

    def __init__(self, network, task):
        super().__init__()
        self.network, self.task = network, task

    def forward(self, batch):
        (loss,) = self.task.losses(self.network, batch)
        return loss.value, loss.terms


@pytest.mark.parametrize(("task", "kind"), CASES)
def test_outputs_are_as_wide_as_the_target_says(task, kind):
    network = MLP((4,), task.output_size)
    found = task.outputs(network, Batch(torch.randn(7, 4)))
    width = {"binary": 2, "classes": 3, "labels": 2, "real": 2, "count": 1}[kind]
    assert found.shape == (7, width)
    if kind in ("binary", "classes"):
        torch.testing.assert_close(found.sum(1), torch.ones(7))


@pytest.mark.parametrize(("task", "kind"), CASES)
def test_its_metrics_exist_for_its_target(task, kind):
    assert isinstance(task, Task)
    assert all(kind in METRICS[name].kinds for name in task.metrics)
    assert task.baselines


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_found(name):
    made = task_class(name)
    usual = "real" if name == "regress" else "binary"
    kind = kinds_of(made)[0] if len(kinds_of(made)) == 1 else usual
    assert made(TARGETS.get(kind, Target(kind, () if kind == "none" else ("y",))))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("binary", "classify"),
        ("classes", "classify"),
        ("labels", "classify"),
        ("real", "regress"),
        ("count", "regress"),
    ],
)
def test_the_target_asks_for_its_task(kind, name):
    assert default_task(TARGETS[kind]) == name


def test_a_network_with_a_rule_of_its_own_asks_for_it():
    assert default_task(TARGETS["binary"], network_class("perceptron")) == "perceptron_rule"
    assert default_task(TARGETS["real"], network_class("adaline")) == "delta_rule"
    assert default_task(TARGETS["binary"], network_class("mlp")) == "classify"


def test_without_a_target_there_is_nothing_to_learn():
    with pytest.raises(SettingsError, match="--target"):
        default_task(Target("none"))


def test_a_misspelt_task_names_the_nearest():
    with pytest.raises(SettingsError, match=r"no task 'clasify'.*Did you mean 'classify'"):
        task_class("clasify")


def test_a_persons_own_task_is_found(tmp_path):
    file = tmp_path / "my.py"
    file.write_text(
        "class Mine:\n"
        "    def __init__(self, target, *, slope=1.0): pass\n"
        "    def losses(self, network, batch): yield None\n"
        "    def outputs(self, network, batch): return None\n",
        encoding="utf-8",
    )
    assert isinstance(task_class(f"{file}:Mine")(TARGETS["real"]), Task)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("Mine = 3", "must be a class with the methods"),
        ("class Mine:\n    def losses(self, network, batch): yield None", "one without outputs"),
        (
            "class Mine:\n    def __init__(self): pass\n    losses = outputs = None",
            r"must be built as Mine\(target\).*got Mine\(\)",
        ),
    ],
)
def test_what_is_no_task_is_explained(tmp_path, content, says):
    (tmp_path / "my.py").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        task_class(f"{tmp_path / 'my.py'}:Mine")
