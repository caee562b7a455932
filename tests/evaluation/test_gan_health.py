"""Each trouble is found where it was planted, and a healthy training has none."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from layerwise.errors import DataError, SettingsError
from layerwise.evaluation.gan_health import (
    Gradients,
    gan_health,
    generator_gradients,
    losses_by_part,
    mode_collapse,
    modes_found,
    oscillation,
    strong_critic,
    vanishing_gradient,
)
from layerwise.networks.gan import GAN

EPOCHS = 100
HEARD = Gradients(saturating=0.5, non_saturating=0.6, accuracy=0.7, passing=0.4)


def noise(seed=0, size=EPOCHS):
    return np.random.default_rng(seed).normal(size=size)


def healthy_losses(seed=0):
    """A first fall, then noise about the losses of a critic that can hardly tell."""
    fall = np.exp(-np.arange(EPOCHS) / 5)
    return {
        "critic": 1.3 - fall + 0.05 * noise(seed),
        "generator": 0.8 + fall + 0.05 * noise(seed + 1000),
    }


def journal(losses):
    return [
        {"epoch": 1 + place, "stage": 0, "losses": {part: c[place] for part, c in losses.items()}}
        for place in range(EPOCHS)
    ]


def eight_modes(rows=800, keep=8, seed=0, deviation=0.05):
    angles = (np.arange(rows) % keep) * np.pi / 4
    centres = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return centres + deviation * noise(seed, (rows, 2))


def test_a_planted_swing_is_found_with_its_period():
    losses = healthy_losses()
    losses["critic"] = losses["critic"] + 0.3 * np.sin(2 * np.pi * np.arange(EPOCHS) / 12)
    found = oscillation(losses)
    assert found.found
    assert found.numbers["period"] == pytest.approx(12, abs=1)
    assert "loss of the critic swings with a period of 12" in found.evidence
    assert found.following


def test_losses_that_change_sign_every_epoch_swing_with_a_period_of_two():
    found = oscillation({"critic": 1 + 0.2 * (-1.0) ** np.arange(EPOCHS)})
    assert found.found
    assert found.numbers["period"] == 2
    assert found.numbers["crossings"] == EPOCHS - 1


def test_noise_a_fall_and_a_drift_are_no_swing():
    alarms = sum(oscillation(healthy_losses(seed)).found for seed in range(100))
    assert alarms <= 2
    assert not oscillation({"critic": np.linspace(2, 1, EPOCHS)}).found
    assert not oscillation({"critic": np.exp(-np.arange(EPOCHS) / 30)}).found
    walks = [5 + 0.1 * np.cumsum(noise(seed)) for seed in range(100)]
    assert sum(oscillation({"critic": walk}).found for walk in walks) <= 10


def test_a_swing_that_hardly_moves_the_loss_is_no_trouble():
    course = 1 + 0.01 * np.sin(np.arange(EPOCHS))
    assert not oscillation({"critic": course}).found


def test_few_epochs_are_not_judged():
    assert "too few" in oscillation({"critic": np.array([1.0, 2, 1, 2, 1, 2])}).evidence


def test_a_critic_that_wins_for_long_is_found_by_its_loss():
    losses = np.concatenate([np.full(60, 1.2), np.full(40, 0.02)])
    found = strong_critic(losses)
    assert found.found
    assert found.numbers["accuracy"] == pytest.approx(1 - 0.01 / np.log(2))
    assert found.numbers["epochs"] == 40
    assert not strong_critic(losses[:70]).found  # only for 10 of 70 epochs
    assert not strong_critic(healthy_losses()["critic"]).found


def test_the_loss_bounds_the_accuracy_that_was_measured():
    logits = np.random.default_rng(0).normal(1.5, 1, size=(2, 1000)) * [[1], [-1]]
    loss = np.log1p(np.exp(-logits[0])).mean() + np.log1p(np.exp(logits[1])).mean()
    accuracy = ((logits[0] > 0).mean() + (logits[1] <= 0).mean()) / 2
    bound = strong_critic(np.array([loss])).numbers["accuracy"]
    assert bound < accuracy == strong_critic(np.zeros(1), np.array([accuracy])).numbers["accuracy"]


@pytest.mark.parametrize("keep", [1, 2, 5])
def test_samples_that_leave_modes_out_are_found(keep):
    found = mode_collapse(eight_modes(keep=keep, seed=1), eight_modes())
    assert found.found
    assert found.numbers["left_out"] == pytest.approx(1 - keep / 8, abs=0.12)
    assert f"{found.numbers['left_out']:.1%} of the training rows" in found.evidence


def test_a_generator_of_few_different_rows_is_found():
    few = np.tile(eight_modes(40, seed=1), (20, 1)) + 1e-4 * noise(2, (800, 2))
    found = mode_collapse(few, eight_modes())
    assert found.found
    assert found.numbers["repeats"] > 0.9
    assert found.numbers["repeats_in_training"] == pytest.approx(0.05, abs=0.01)


def test_fresh_rows_of_the_same_distribution_are_healthy():
    for seed in range(1, 21):
        assert not mode_collapse(eight_modes(seed=seed), eight_modes()).found
        assert not mode_collapse(noise(seed, (400, 20)), noise(0, (900, 20))).found


def test_modes_are_counted_by_radius_and_share():
    centres = np.array([[0.0, 0.0], [5.0, 0.0], [9.0, 0.0]])
    drawn = np.array([[0.0, 0.1]] * 6 + [[5.0, 0.0]] * 3 + [[7.0, 0.0]])
    found = modes_found(drawn, centres, 0.5, least_share=0.4)
    assert found.shares.tolist() == [0.6, 0.3, 0.0]
    assert found.found == 1
    assert found.near == pytest.approx(0.9)


def test_a_sure_critic_silences_the_saturating_loss_and_not_the_other():
    """Samples lie in 0..1, training rows in 5..6 of the first column, the critic's border at 3."""
    torch.manual_seed(0)
    network = GAN((3,), noise_size=2, hidden=(8,))
    inputs = torch.rand(50, 3) + torch.tensor([5.0, 0, 0])
    network.critic = torch.nn.Sequential(torch.nn.Linear(3, 1))
    with torch.no_grad():
        network.critic[0].weight.copy_(torch.tensor([10.0, 0, 0]))
        network.critic[0].bias.fill_(-30.0)
    found = generator_gradients(network, inputs, torch.randn(50, 2))
    assert found.accuracy == 1
    assert found.saturating < 1e-6 * found.non_saturating
    judged = vanishing_gradient(found, "saturating")
    assert judged.found
    assert "critic is right on 100.0% of the rows" in judged.evidence
    assert not vanishing_gradient(found, "non_saturating").found


def test_gradients_are_those_of_both_losses_and_the_network_stays_as_it_was():
    torch.manual_seed(0)
    network = GAN((3,), noise_size=2, hidden=(8,), dropout=0.5).train()
    inputs, z = torch.rand(20, 3), torch.randn(20, 2)
    found = generator_gradients(network, inputs, z)
    assert network.training
    assert all(weight.grad is None for weight in network.parameters())
    network.eval()
    for value, sign in ((found.saturating, 1), (found.non_saturating, -1)):
        chance = torch.sigmoid(network.discriminate(network.generate(z)))
        loss = (1 - chance).log().mean() if sign > 0 else -chance.log().mean()
        network.zero_grad()
        loss.backward()
        squares = [weight.grad.square().sum() for weight in network.generator.parameters()]
        assert_close(torch.stack(squares).sum().sqrt(), torch.tensor(value))


def test_a_critic_that_can_hardly_tell_leaves_a_gradient():
    assert not vanishing_gradient(HEARD).found
    with pytest.raises(SettingsError, match="Did you mean 'saturating'"):
        vanishing_gradient(HEARD, "saturated")


def test_a_healthy_training_has_no_trouble():
    found = gan_health(
        journal(healthy_losses()), eight_modes(seed=1), eight_modes(), gradients=HEARD
    )
    assert {trouble.name for trouble in found} == {
        "oscillation",
        "mode_collapse",
        "vanishing_gradient",
        "strong_critic",
    }
    assert not any(trouble.found for trouble in found)
    assert all(trouble.evidence.endswith(".") for trouble in found)
    assert not any(trouble.following for trouble in found)


def test_what_is_amiss_comes_first():
    losses = healthy_losses() | {"critic": np.full(EPOCHS, 0.01)}
    found = gan_health(journal(losses), eight_modes(seed=1), eight_modes())
    assert [trouble.name for trouble in found if trouble.found] == ["strong_critic"]
    assert found[0].name == "strong_critic"


def test_the_course_is_the_last_line_of_each_epoch_of_the_last_stage():
    lines = [
        {"stage": 0, "epoch": 1, "losses": {"network": 9.0}},
        {"stage": 1, "epoch": 1, "losses": {"critic": 5.0, "generator": 1.0}},
        {"stage": 1, "epoch": 1, "losses": {"critic": 4.0, "generator": 2.0}},
        {"stage": 1, "epoch": 2, "losses": {"critic": 3.0, "generator": None}},
        {"stage": 1, "epoch": 2},
    ]
    found = losses_by_part(lines)
    assert found["critic"].tolist() == [4, 3]
    assert np.array_equal(found["generator"], [2, np.nan], equal_nan=True)


def test_rows_that_cannot_be_compared_are_refused():
    with pytest.raises(DataError, match="from 80 drawn and 80 training rows on, got 10 and 800"):
        mode_collapse(eight_modes(10), eight_modes())
    with pytest.raises(DataError, match="3 numbers each, training rows 2"):
        mode_collapse(np.zeros((100, 3)), eight_modes())
