"""A step of the task is algorithm 1 of Goodfellow et al. 2014, and each player moves alone."""

import math

import pytest
import torch
from torch import tensor
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.gan import GAN
from layerwise.tasks.adversarial import Adversarial
from layerwise.training import train
from layerwise.training.chance import seed_generators
from layerwise.training.loop import STEP

NONE, CLASSES = Target("none"), Target("classes", ("y",), ("a", "b", "c"))


def small_gan(**options):
    torch.manual_seed(0)
    return GAN((3,), noise_size=2, hidden=(5,), output="linear", **options).double()


def rows(count=6):
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(1)).double()


def chance(network, inputs):
    """D(x), (rows,), written with the layers of the critic."""
    return torch.sigmoid(network.critic(inputs)).squeeze(1)


def seed_of_the_engine(turn):
    """Before each yield of the first step: run 0, stage 0, step 0, process 0, micro-batch 0."""
    seed_generators(torch.device("cpu"), 0, STEP, 0, 0, 0, 0, turn)


def by_algorithm_1(network, inputs, k, rate, saturating, seed=torch.manual_seed):
    """One iteration, by hand: k ascents of the critic, then one descent of the generator."""
    critic, generator = list(network.critic.parameters()), list(network.generator.parameters())
    for step in range(k):
        seed(step)
        made = network.generator(torch.randn(6, 2, dtype=torch.float64))
        value = (chance(network, inputs).log() + (1 - chance(network, made)).log()).mean()
        gradients = torch.autograd.grad(value, critic)
        with torch.no_grad():
            for weight, gradient in zip(critic, gradients, strict=True):
                weight += rate * gradient
    seed(k)
    judged = chance(network, network.generator(torch.randn(6, 2, dtype=torch.float64)))
    value = (1 - judged).log().mean() if saturating else -judged.log().mean()
    gradients = torch.autograd.grad(value, generator)
    with torch.no_grad():
        for weight, gradient in zip(generator, gradients, strict=True):
            weight -= rate * gradient


def step_of_the_task(network, task, batch, rate, after=lambda part: None):
    """What the engine does: seed, clear, backward, move the named part."""
    parts, rule, turn = task.parts(network), task.losses(network, batch), 0
    while True:
        torch.manual_seed(turn)
        network.zero_grad()
        loss = next(rule, None)
        if loss is None:
            return
        loss.value.backward()
        after(loss.part)
        with torch.no_grad():
            for weight in parts[loss.part]:
                weight -= rate * weight.grad
        turn += 1


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("loss", ["non_saturating", "saturating"])
def test_one_step_is_algorithm_1(k, loss):
    network, plain = small_gan(), small_gan()
    task = Adversarial(NONE, loss=loss, critic_steps=k)
    step_of_the_task(network, task, Batch(rows()), rate=0.3)
    by_algorithm_1(plain, rows(), k, 0.3, loss == "saturating")
    for found, wanted in zip(network.parameters(), plain.parameters(), strict=True):
        assert_close(found, wanted)


def test_the_engine_moves_each_player_by_its_own_loss_only():
    network, plain = small_gan(), small_gan()
    stage = Stage(Adversarial(NONE), "sgd", {}, 0.3, batch_size="all")
    for _ in train(network, (stage,), TensorDataset(rows())):
        pass
    by_algorithm_1(plain, rows(), 1, 0.3, saturating=False, seed=seed_of_the_engine)
    for found, wanted in zip(network.parameters(), plain.parameters(), strict=True):
        assert_close(found, wanted)


def test_the_critics_loss_gives_the_generator_no_gradient():
    network, seen = small_gan(), []

    def look(part):
        if part == "critic":
            seen.extend(weight.grad for weight in network.generator.parameters())

    step_of_the_task(network, Adversarial(NONE), Batch(rows()), 0.1, look)
    assert seen == [None] * 4


def test_the_losses_of_a_critic_that_cannot_tell_are_known():
    network = small_gan()
    torch.nn.init.zeros_(network.critic[-1].weight)
    critic, generator = Adversarial(NONE).losses(network, Batch(rows()))
    assert (critic.part, generator.part) == ("critic", "generator")
    assert critic.value.item() == pytest.approx(2 * math.log(2))
    assert generator.value.item() == pytest.approx(math.log(2))
    assert critic.terms == generator.terms == 6
    assert Adversarial(NONE).outputs(network, Batch(rows())).flatten().tolist() == pytest.approx(
        [math.log(2)] * 6
    )


def test_label_smoothing_is_one_sided():
    network, batch = small_gan(), Batch(rows())
    torch.manual_seed(3)
    smooth = next(Adversarial(NONE, label_smoothing=0.1).losses(network, batch)).value
    torch.manual_seed(3)
    real = chance(network, rows())
    fake = chance(network, network.generator(torch.randn(6, 2, dtype=torch.float64)))
    by_hand = -0.9 * real.log() - 0.1 * (1 - real).log() - (1 - fake).log()
    assert_close(smooth, by_hand.mean())


def test_weights_count_rows_as_often_as_they_say():
    network, noise = small_gan(), []

    def repeat(values):
        return torch.cat([values, values[:1]])

    def generate(given):  # the noise of the first row twice, too
        noise.append(given)
        return network.generator(repeat(noise[0]) if len(noise) == 2 else given)

    network.generate = generate
    weighted = next(
        Adversarial(NONE).losses(network, Batch(rows(), weight=tensor([2.0, 1, 1, 1, 1, 1])))
    )
    twice = next(Adversarial(NONE).losses(network, Batch(repeat(rows()))))
    assert float(weighted.terms) == twice.terms == 7
    assert_close(weighted.value, twice.value)


def test_a_conditional_game_judges_rows_with_their_classes():
    network, codes = small_gan(classes=3), tensor([0, 1, 2, 2, 1, 0])
    task = Adversarial(CLASSES, conditional=True)
    torch.manual_seed(3)
    value = next(task.losses(network, Batch(rows(), codes))).value
    torch.manual_seed(3)
    told = torch.eye(3, dtype=torch.float64)[codes]
    made = network.generator(torch.cat([torch.randn(6, 2, dtype=torch.float64), told], dim=1))
    real, fake = (chance(network, torch.cat([x, told], dim=1)) for x in (rows(), made))
    assert_close(value, -(real.log() + (1 - fake).log()).mean())


@pytest.mark.parametrize(
    ("options", "target", "says"),
    [
        ({"loss": "saturated"}, NONE, "Did you mean 'saturating'"),
        ({"critic_steps": 0}, NONE, "at least 1, got 0"),
        ({"label_smoothing": 0.5}, NONE, "below 0.5, got 0.5"),
        ({"conditional": True}, NONE, "target of classes, got one of kind 'none'"),
    ],
)
def test_what_cannot_be_played_is_refused(options, target, says):
    with pytest.raises(SettingsError, match=says):
        Adversarial(target, **options)
