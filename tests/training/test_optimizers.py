import pytest
import torch
from engine_cases import Squared, rows, small_net, weights
from torch.testing import assert_close

from layerwise.contracts import Stage
from layerwise.errors import SettingsError
from layerwise.training import train
from layerwise.training.optimizers import OPTIMIZERS, build_optimizer

OPTIONS = {"sgd": {"momentum": 0.9, "nesterov": True}, "rmsprop": {"momentum": 0.5}}


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "lbfgs"])
def test_training_is_torchs_own_loop(name):
    """Ten steps of full-batch descent equal the loop that everyone writes by hand."""
    network, plain, data = small_net(), small_net(), rows()
    stage = Stage(Squared(), name, OPTIONS.get(name, {}), 0.01, epochs=10, batch_size="all")
    list(train(network, (stage,), data))
    optimizer = OPTIMIZERS[name](plain.parameters(), lr=0.01, **OPTIONS.get(name, {}))
    for _ in range(10):
        optimizer.zero_grad()
        (plain(data.x) - data.y).square().mean().backward()
        optimizer.step()
    assert_close(weights(network), weights(plain), rtol=1e-9, atol=1e-12)


def test_lbfgs_is_torchs_own_loop():
    network, plain, data = small_net(), small_net(), rows()
    list(train(network, (Stage(Squared(), "lbfgs", {}, 0.5, epochs=3, batch_size="all"),), data))
    optimizer = torch.optim.LBFGS(plain.parameters(), lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (plain(data.x) - data.y).square().mean()
        loss.backward()
        return loss.item()

    for _ in range(3):
        optimizer.step(closure)
    assert_close(weights(network), weights(plain), rtol=1e-8, atol=1e-10)


def test_l1_and_l2_descend_the_penalized_loss():
    network, plain, data = small_net(), small_net(), rows()
    stage = Stage(Squared(), "sgd", {}, 0.1, batch_size="all", l1=0.03, l2=0.2)
    list(train(network, (stage,), data))
    matrices = [p for p in plain.parameters() if p.ndim > 1]
    loss = (plain(data.x) - data.y).square().mean()
    loss = loss + sum(0.03 * p.abs().sum() + 0.1 * p.square().sum() for p in matrices)
    loss.backward()
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter -= 0.1 * parameter.grad
    assert_close(weights(network), weights(plain), rtol=1e-9, atol=1e-12)


def test_clipping_bounds_the_step():
    network, data = small_net(), rows()
    before = torch.cat([p.detach().flatten() for p in network.parameters()])
    stage = Stage(Squared(), "sgd", {}, 1.0, batch_size="all", clip=1e-3)
    list(train(network, (stage,), data))
    after = torch.cat([p.detach().flatten() for p in network.parameters()])
    assert (after - before).norm().item() == pytest.approx(1e-3, rel=1e-3)


def test_stochastic_and_batch_descent_take_as_many_steps_as_they_should():
    for size, steps in ((1, 23), (6, 4), ("all", 1)):
        stage = Stage(Squared(), "sgd", {}, 0.01, batch_size=size)
        assert len(list(train(small_net(), (stage,), rows()))) == steps


def test_plateau_lowers_the_rate_when_the_caller_sees_no_gain():
    stage = Stage(
        Squared(), "sgd", {}, 0.1, "plateau", {"patience": 0, "factor": 0.5}, epochs=4, batch_size=6
    )
    engine, rates = train(small_net(), (stage,), rows()), []
    for progress in engine:
        if progress.epoch_ended:
            engine.send(1.0)
            rates.append(progress.learning_rate()["network"])
    assert rates == [0.1, 0.05, 0.025, 0.0125]


def test_misspelt_names_and_options_name_the_nearest():
    with pytest.raises(SettingsError, match="Did you mean 'adam"):
        build_optimizer("adamm", [torch.zeros(1)], 0.1, {})
    with pytest.raises(SettingsError, match="Did you mean 'momentum'"):
        build_optimizer("sgd", [torch.zeros(1)], 0.1, {"momentun": 0.9})
    with pytest.raises(SettingsError, match="--learning-rate"):
        build_optimizer("sgd", [torch.zeros(1)], 0.1, {"lr": 0.9})


def test_options_that_torch_refuses_are_a_clear_error():
    with pytest.raises(SettingsError, match="refuses its options"):
        build_optimizer("adam", [torch.zeros(1, requires_grad=True)], 0.1, {"betas": (2.0, 0.9)})
