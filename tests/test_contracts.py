"""Each hard case through resume, two processes and accumulation, or the documented refusal."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from engine_cases import (
    CASES,
    ROWS,
    Adversarial,
    Gan,
    Ridge,
    Rows,
    Squared,
    rows,
    run,
    small_net,
    weights,
)
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Loss, Stage
from layerwise.errors import SettingsError
from layerwise.training import train
from layerwise.training.checkpoint import load_checkpoint, save_checkpoint

SCRIPT = Path(__file__).with_name("engine_cases.py")
names = pytest.mark.parametrize("name", CASES)


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for key in one:
        assert torch.equal(one[key], other[key]), key


@names
def test_training_changes_the_weights_and_lowers_no_guard(name):
    torch.manual_seed(11)
    before = weights(CASES[name].network())
    after = weights(run(CASES[name]))
    assert any(not torch.equal(before[key], after[key]) for key in before)
    assert all(tensor.isfinite().all() for tensor in after.values())


@names
@pytest.mark.parametrize("step", [1, 2, 5, 6])
def test_resume_in_mid_epoch_gives_the_same_bits(name, step):
    whole = weights(run(CASES[name]))
    state = copy.deepcopy(run(CASES[name], stop_at=step))
    torch.manual_seed(99)  # chance before the resume must not matter
    assert_same_bits(whole, weights(run(CASES[name], state=state)))


@names
def test_micro_batches_give_the_same_result_or_are_refused(name):
    if not CASES[name].splits:
        with pytest.raises(SettingsError, match="needs each batch whole"):
            run(CASES[name], micro_batches=2)
        return
    assert_close(
        weights(run(CASES[name], micro_batches=2)), weights(run(CASES[name])), rtol=1e-9, atol=1e-11
    )


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """What two processes make of every case, in one launch."""
    out = tmp_path_factory.mktemp("two") / "weights.pt"
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        str(SCRIPT),
        str(out),
    ]
    done = subprocess.run(launch, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return torch.load(out)


@names
def test_two_processes_equal_one_or_are_refused(name, two_processes):
    if not CASES[name].splits:
        assert "needs each batch whole" in two_processes[name]
        return
    assert_close(two_processes[name], weights(run(CASES[name])), rtol=1e-9, atol=1e-11)


@names
def test_the_traced_step_gives_the_bits_of_the_eager_step(name):
    assert_same_bits(
        weights(run(CASES[name], traced=True)), weights(run(CASES[name], traced=False))
    )


def test_each_part_sees_only_its_own_loss():
    """One step with plain SGD equals the textbook's two updates, one after the other."""
    network, data = Gan(), Rows(rows().x, rows(7, 3).x)
    plain, adversarial = copy.deepcopy(network), Adversarial()
    stage = Stage(adversarial, "sgd", learning_rate=0.1, batch_size="all")
    list(train(network, (stage,), data))
    for turn, part in enumerate(("critic", "generator")):
        losses = adversarial.losses(plain, data.batch(torch.arange(ROWS)))
        loss = [next(losses) for _ in range(turn + 1)][-1]
        plain.zero_grad()
        loss.value.backward()
        decay = 0.01 if part == "generator" else 0.0
        with torch.no_grad():
            for parameter in getattr(plain, part).parameters():
                parameter -= 0.1 * (parameter.grad + decay * parameter)
    assert_close(weights(network), weights(plain), rtol=1e-9, atol=1e-12)


def test_closed_form_is_the_ridge_solution():
    network, data = Ridge(4, 1).double(), rows()
    list(train(network, (Stage(optimizer="closed_form", batch_size=5),), data))
    expected = torch.linalg.inv(data.x.T @ data.x + 0.1 * torch.eye(4)) @ data.x.T @ data.y
    assert_close(network.weight, expected.T)


def test_frozen_layers_keep_their_weights_and_rest_in_eval_mode():
    class Watch(nn.Module):
        def forward(self, x):
            modes.append((self.training, network[2].training))
            return x

    class Head:
        def parts(self, network):
            return {"network": network[2].parameters()}

        def losses(self, network, batch):
            yield Loss((network(batch.inputs) - batch.targets).square().mean(), len(batch.inputs))

    modes: list[tuple[bool, bool]] = []
    network = nn.Sequential(nn.Linear(4, 6), Watch(), nn.Linear(6, 1)).double()
    network[1].add_module("held", network[0])
    before = network[0].weight.clone()
    list(train(network, (Stage(Head(), "sgd", batch_size="all"),), rows(), traced=False))
    assert torch.equal(network[0].weight, before)
    assert modes == [(False, True)]


def test_batch_norm_refuses_micro_batches():
    network = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 1)).double()
    with pytest.raises(SettingsError, match="Batch normalization needs each batch whole"):
        list(train(network, CASES["plain"].recipe(), rows(), micro_batches=2))


def test_batch_norm_resumes_to_the_same_bits_and_traces():
    def network():
        torch.manual_seed(4)
        return nn.Sequential(
            nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.3), nn.Linear(6, 1)
        ).double()

    def learn(state=None, stop=None, traced=True):
        made = network()
        for progress in train(made, CASES["plain"].recipe(), rows(), state=state, traced=traced):
            if progress.step == stop:
                return copy.deepcopy(progress.state())
        return weights(made)

    whole = learn()
    assert_same_bits(whole, learn(state=learn(stop=7)))
    assert_same_bits(whole, learn(traced=False))


def test_convolutions_resume_from_a_file_to_the_same_bits(tmp_path):
    """Kernels are laid out channels-last, files are not."""
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(40, 3, 8, 8, generator=generator)
    data = Rows(images, images[:, :1, 0, 0].sin())

    def learn(state=None, stop=None):
        torch.manual_seed(3)
        network = nn.Sequential(
            nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.Flatten(), nn.Linear(64, 1)
        )
        stage = Stage(Squared(), "adam", {}, 0.01, epochs=4, batch_size=8)
        for progress in train(network, (stage,), data, state=state):
            if progress.step == stop:
                path = save_checkpoint(tmp_path, progress.step, progress.state())
                return load_checkpoint(path)[1]
        return weights(network)

    assert_same_bits(learn(), learn(state=learn(stop=7)))


def test_lbfgs_refuses_several_parts():
    stage = Stage(Adversarial(), "lbfgs", batch_size="all")
    with pytest.raises(SettingsError, match="LBFGS evaluates a step many times"):
        list(train(Gan(), (stage,), Rows(rows().x, rows(7, 3).x)))


def test_a_yield_inside_a_with_is_found():
    class Leaking:
        def losses(self, network, batch):
            with torch.no_grad():
                yield Loss(network(batch.inputs).mean(), 1)

    with pytest.raises(AssertionError, match="yielded inside a `with`"):
        list(train(small_net(), (Stage(Leaking(), batch_size=6),), rows(), traced=False))


def test_a_network_without_parameters_is_left_alone():
    class Nothing(nn.Module):
        def forward(self, x):
            return x[:, :1]

    assert list(train(Nothing(), CASES["plain"].recipe(), rows())) == []


def test_mean_loss_is_over_terms_not_over_batches():
    """Uneven token counts: the mean of batch means would be another number."""
    case = CASES["ragged"]
    torch.manual_seed(11)
    network, data = case.network(), case.dataset()
    stage = Stage(case.recipe()[0].task, "sgd", learning_rate=0.0, batch_size=6)
    last = list(train(network, (stage,), data))[-1]
    loss = next(stage.task.losses(network, data.batch(torch.arange(ROWS))))
    assert last.losses()["network"] == pytest.approx(loss.value.item(), rel=1e-12)


@pytest.mark.parametrize("size", [6, "all"])
def test_a_dataset_that_cannot_arrange_is_asked_by_row_numbers(size):
    asked = []

    class Asked(Rows):
        def batch(self, indices):
            asked.append(indices)
            return super().batch(indices)

    data = Asked(rows().x, rows().y)
    list(train(small_net(), (Stage(Squared(), "sgd", batch_size=size),), data))
    assert torch.cat(asked).sort().values.tolist() == list(range(ROWS))


@pytest.mark.parametrize("before", [False, True])
def test_subnormal_numbers_are_flushed_in_a_step_and_as_before_outside(before):
    """They make a processor many times slower; outside of a step they are the caller's business."""
    seen = []

    class Looking(Squared):
        def losses(self, network, batch):
            seen.append(float(torch.full((1,), 1e-40) * 1.0))
            yield from super().losses(network, batch)

    torch.set_flush_denormal(before)
    try:
        stage = Stage(Looking(), "sgd", learning_rate=0.1, epochs=1, batch_size=6)
        list(train(small_net(), (stage,), rows(), traced=False))
        assert (float(torch.full((1,), 1e-40) * 1.0) == 0.0) is before
    finally:
        torch.set_flush_denormal(False)
    assert seen
    assert not any(seen)
