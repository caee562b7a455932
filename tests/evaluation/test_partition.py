"""Log Z by annealing agrees with log Z by counting, and chains with both."""

import math

import pytest
import torch
from torch import tensor
from torch.testing import assert_close

from layerwise.errors import SettingsError
from layerwise.evaluation.partition import (
    log_likelihood,
    log_partition_annealed,
    log_partition_exact,
)
from layerwise.networks.rbm import RBM

TEMPERATURES = torch.linspace(0, 1, 500, dtype=torch.float64)


def machine(units=15, hidden=15, scale=0.7, **more):
    torch.manual_seed(0)
    made = RBM((units,), hidden=hidden, **more)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(scale * torch.randn_like(parameter))
    return made.requires_grad_(False)


def all_states(units):
    return torch.cartesian_prod(*[tensor([0.0, 1.0])] * units)


@pytest.mark.parametrize(("visible", "hidden"), [(3, 5), (5, 3)])
def test_counting_sums_over_all_pairs_of_states(visible, hidden):
    made = machine(visible, hidden)
    total = 0.0
    for v in all_states(visible):
        for h in all_states(hidden):
            total += math.exp(v @ made.visible_bias + h @ made.hidden_bias + h @ made.weight @ v)
    assert log_partition_exact(made) == pytest.approx(math.log(total), abs=1e-5)


def test_likelihoods_of_all_states_sum_to_one():
    made = machine(6, 30)
    likelihoods = log_likelihood(made, all_states(6), log_partition_exact(made))
    assert likelihoods.exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_a_gaussian_density_integrates_to_one():
    made = machine(1, 4, visible="gaussian")
    made.deviation.fill_(0.6)
    line = torch.linspace(-12, 12, 4001)[:, None]
    densities = log_likelihood(made, line, log_partition_exact(made)).exp()
    assert torch.trapezoid(densities, line[:, 0].double()).item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("visible", ["binary", "gaussian"])
def test_annealing_agrees_with_counting_on_fifteen_units(visible):
    made = machine(scale=0.4, visible=visible)
    truth = log_partition_exact(made)
    torch.manual_seed(1)
    found = log_partition_annealed(made, chains=100, temperatures=TEMPERATURES)
    assert 0 < found.standard_error < 0.2
    assert abs(found.value - truth) < 4 * found.standard_error


def test_annealing_from_the_log_odds_of_rows_agrees_too():
    made = machine()
    torch.manual_seed(2)
    rows = torch.bernoulli(torch.rand(15).expand(200, 15))
    found = log_partition_annealed(made, rows=rows, temperatures=TEMPERATURES)
    assert abs(found.value - log_partition_exact(made)) < 4 * found.standard_error


def test_without_weights_annealing_is_exact():
    made = machine()
    made.weight.zero_()
    made.hidden_bias.zero_()
    found = log_partition_annealed(made, chains=5, temperatures=[0.0, 0.3, 1.0])
    assert found.value == pytest.approx(log_partition_exact(made), abs=1e-4)
    assert found.standard_error == pytest.approx(0, abs=1e-5)


def test_the_standard_error_is_that_of_repeated_estimates():
    made, found = machine(6, 6, scale=1.5), []
    for seed in range(40):
        torch.manual_seed(seed)
        found.append(log_partition_annealed(made, chains=100, temperatures=[0.0, 0.3, 0.6, 1.0]))
    spread = tensor([one.value for one in found]).std().item()
    stated = tensor([one.standard_error for one in found]).mean().item()
    assert stated == pytest.approx(spread, rel=0.35)


def test_a_gibbs_chain_visits_states_as_often_as_the_machine_says():
    made = machine(3, 2, scale=1.0)
    states = all_states(3)
    expected = log_likelihood(made, states, log_partition_exact(made)).exp()
    torch.manual_seed(3)
    ends = made.gibbs(torch.zeros(40_000, 3), 30)
    codes = (ends @ tensor([4.0, 2.0, 1.0])).long()
    counts = torch.bincount(codes, minlength=8).double()
    chi_square = ((counts - 40_000 * expected) ** 2 / (40_000 * expected)).sum().item()
    assert chi_square < 24.3  # 0.999 quantile with 7 degrees of freedom
    assert_close(made.sample(5).shape, torch.Size([5, 3]))


def test_large_machines_are_not_counted():
    with pytest.raises(SettingsError, match="at most 20 units, got 21 hidden and 22 visible"):
        log_partition_exact(RBM((22,), hidden=21))


@pytest.mark.parametrize("temperatures", [[0.0], [0.1, 1.0], [0.0, 0.9], [0.0, 0.6, 0.5, 1.0]])
def test_temperatures_that_do_not_rise_from_zero_to_one_are_refused(temperatures):
    with pytest.raises(SettingsError, match="must rise from 0 to 1"):
        log_partition_annealed(machine(), temperatures=temperatures)


def test_one_chain_has_no_standard_error():
    with pytest.raises(SettingsError, match="needs 2 chains or more, got 1"):
        log_partition_annealed(machine(), chains=1)
