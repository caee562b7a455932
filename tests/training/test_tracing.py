from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from layerwise.contracts import Batch, Loss, Stage, Target
from layerwise.layers.activations import ACTIVATIONS
from layerwise.networks.lenet5 import LeNet5
from layerwise.networks.mlp import MLP
from layerwise.scaling.processes import ALONE
from layerwise.tasks.classify import Classify
from layerwise.training.descent import Descent
from layerwise.training.tracing import MOST_OPERATIONS, MOST_SHAPES, Tracer


class CrossEntropy:
    def losses(self, network, batch):
        value = F.cross_entropy(network(batch.inputs), batch.targets)
        yield Loss(value + 0.0 * batch.done, len(batch.targets))


def batch_of(rows=12, shape=(6,), seed=0):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, *shape, generator=generator)
    return Batch(inputs, torch.randint(0, 3, (rows,), generator=generator), done=torch.tensor(0.3))


def reseed(turn=0, micro=0):
    torch.manual_seed(5)


def tracer_of(network, task=None):
    return Tracer(network, task or CrossEntropy(), list(network.parameters()), None, nullcontext)


def found(network, batch, task=None):
    """Gradients by trace (the second time a shape comes), and eagerly; both from one seed."""
    task = task or CrossEntropy()
    tracer = tracer_of(network, task)
    assert tracer.gradients(batch, reseed) is None  # a shape seen once is not traced
    reseed()
    traced = tracer.gradients(batch, reseed)
    assert traced is not None, "this network could not be traced"
    reseed()
    network.zero_grad()
    loss = next(task.losses(network, batch))
    loss.value.backward()
    return traced, [p.grad for p in network.parameters()], tracer


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_of_an_mlp_have_the_bits_of_the_eager_step(activation):
    network = MLP((6,), 3, hidden=(8, 5), activation=activation, dropout=0.25)
    traced, eager, _ = found(network.train(), batch_of())
    for one, other in zip(traced[2], eager, strict=True):
        assert (one is None) == (other is None)
        assert one is None or torch.equal(one, other)


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_gradients_of_a_convolution_have_the_bits_of_the_eager_step(pooling):
    network = LeNet5((1, 12, 12), 3, pooling=pooling).train()
    traced, eager, _ = found(network, batch_of(shape=(1, 12, 12)))
    assert all(torch.equal(one, other) for one, other in zip(traced[2], eager, strict=True))


@pytest.mark.parametrize("steps", [1, 2])
def test_gradients_of_adversarial_training_have_the_bits_of_the_eager_step(steps):
    """The trace holds the gradients of the inputs within those of the weights, and the chance."""
    target = Target("classes", ("y",), ("a", "b", "c"))
    ends = (-2.0, 2.0)
    task = Classify(target, adversarial=0.1, adversarial_steps=steps, adversarial_range=ends)
    layers = nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(0.2), nn.Linear(32, 3)
    traced, eager, _ = found(nn.Sequential(*layers).train(), batch_of(shape=(1, 6, 6)), task)
    assert all(torch.equal(one, other) for one, other in zip(traced[2], eager, strict=True))


def test_gradients_are_written_where_they_should_be():
    network, batch = MLP((6,), 3, hidden=(8,), dropout=0.2).train(), batch_of()
    places = [torch.full_like(p, 7.0) for p in network.parameters()]
    tracer = Tracer(network, CrossEntropy(), list(network.parameters()), places, nullcontext)
    tracer.gradients(batch, reseed)
    _, eager, _ = found(network, batch)
    reseed()
    traced = tracer.gradients(batch, reseed)
    assert [g.data_ptr() for g in traced[2]] == [place.data_ptr() for place in places]
    assert all(torch.equal(one, other) for one, other in zip(places, eager, strict=True))


def test_the_replay_follows_the_weights_as_they_change():
    network = MLP((6,), 3, hidden=(8,)).train()
    _, _, tracer = found(network, batch_of())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(0.5)
    other = batch_of(seed=3)
    traced = tracer.gradients(other, reseed)
    network.zero_grad()
    loss = next(CrossEntropy().losses(network, other))
    loss.value.backward()
    assert all(torch.equal(g, p.grad) for g, p in zip(traced[2], network.parameters(), strict=True))


def test_gradients_own_their_memory():
    """A linear loss has the inputs as its gradient: dividing it must not change the data."""

    class Linear:
        def losses(self, network, batch):
            yield Loss((network.weight * batch.inputs.sum(0)).sum() / 12, 12)

    network, batch = nn.Linear(6, 1, bias=False), batch_of()
    before = batch.inputs.clone()
    traced, eager, _ = found(network, batch, Linear())
    assert torch.equal(traced[2][0], eager[0])
    traced[2][0].zero_()
    assert torch.equal(batch.inputs, before)


def test_what_looks_at_values_runs_eagerly():
    class Choosy(nn.Linear):
        def forward(self, x):
            return super().forward(x) * (2.0 if x.sum() > 0 else 1.0)

    tracer = tracer_of(Choosy(6, 3))
    for _ in range(3):
        assert tracer.gradients(batch_of(), reseed) is None


def test_a_network_whose_constants_change_is_not_trusted_to_a_trace():
    """A Python number that moves with each call would be frozen by the trace."""

    class Counting(nn.Linear):
        calls = 0

        def forward(self, x):
            Counting.calls += 1
            return super().forward(x) * Counting.calls

    tracer = tracer_of(Counting(6, 3))
    for _ in range(3):
        assert tracer.gradients(batch_of(), reseed) is None


def test_few_shapes_are_traced():
    tracer = tracer_of(MLP((6,), 3))
    for rows in range(2, 3 + MOST_SHAPES):
        batch = batch_of(rows)
        tracer.gradients(batch, reseed)
        traced = tracer.gradients(batch, reseed)
        assert (traced is None) == (rows == 2 + MOST_SHAPES)


def test_tasks_with_state_are_never_traced():
    class Remembering(CrossEntropy):
        def state_dict(self):
            return {}

    stage = Stage(Remembering(), batch_size=4)
    assert not Descent(MLP((6,), 3), stage.task, stage, ALONE).is_pure()


def test_gradients_come_in_the_order_of_the_parameters_that_are_trained():
    network, batch = MLP((6,), 3, hidden=(4,)).train(), batch_of()
    backwards = list(network.parameters())[::-1]
    tracer = Tracer(network, CrossEntropy(), backwards, None, nullcontext)
    tracer.gradients(batch, reseed)
    found = tracer.gradients(batch, reseed)
    assert [g.shape for g in found[2]] == [p.shape for p in backwards]


@pytest.mark.parametrize(
    ("chosen", "traced"),
    [
        (lambda inputs: inputs[inputs[:, 0] > 0], False),
        (lambda inputs: inputs[torch.where(inputs[:, 0] > 0)[0]], False),
        (lambda inputs: inputs[torch.tensor([0, 2])], True),
    ],
)
def test_shapes_that_depend_on_values_are_not_traced(chosen, traced):
    class Chosen:
        def losses(self, network, batch):
            rows = chosen(batch.inputs)
            yield Loss(network(rows).square().sum() + 0.0 * batch.done, 1.0)

    tracer = tracer_of(nn.Linear(6, 3), Chosen())
    assert tracer.gradients(batch_of(), reseed) is None
    assert (tracer.gradients(batch_of(), reseed) is not None) == traced


def test_a_step_of_very_many_operations_is_not_traced():
    class Long(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(6, 3)

        def forward(self, inputs):
            outputs = self.layer(inputs)
            for _ in range(MOST_OPERATIONS):
                outputs = outputs * 1.0001
            return outputs

    tracer = tracer_of(Long())
    assert tracer.gradients(batch_of(), reseed) is None
    assert tracer.gradients(batch_of(), reseed) is None
