from functools import partial

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, StepLR

from layerwise.errors import SettingsError
from layerwise.training.schedule import check_schedule, factor

STEPS = 50


def rates_of(build):
    """What torch's scheduler gives, step by step, for a base rate of 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler, rates = build(optimizer), []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def ours(name, epochs=1, **options):
    return [factor(name, step / STEPS, epochs, options) for step in range(STEPS)]


def test_cosine_is_torchs():
    expected = rates_of(lambda optimizer: CosineAnnealingLR(optimizer, T_max=STEPS, eta_min=0.1))
    assert ours("cosine", final=0.1) == pytest.approx(expected)


def test_step_is_torchs():
    expected = rates_of(lambda optimizer: StepLR(optimizer, step_size=20, gamma=0.5))
    assert ours("step", epochs=5, every=2, factor=0.5) == pytest.approx(expected)


def test_one_cycle_is_torchs():
    """torch's peak is one step before the share that it is given, and it ends on its last step."""
    rise = (0.3 * STEPS + 1) / (STEPS + 1)
    build = partial(
        OneCycleLR, max_lr=1.0, total_steps=STEPS + 1, pct_start=rise, div_factor=25,
        final_div_factor=1e4, cycle_momentum=False,
    )  # fmt: skip
    assert ours("one_cycle") == pytest.approx(rates_of(build))


def test_warm_up_grows_in_a_straight_line_to_the_schedule():
    found = ours("constant", warm_up=0.5)
    assert found[5] == pytest.approx(0.2, abs=2e-3)
    assert found[24] < 1.0
    assert found[25:] == [1.0] * 25


def test_constant_stays():
    assert set(ours("constant")) == {1.0}


def test_misspelt_names_and_options_name_the_nearest():
    with pytest.raises(SettingsError, match="Did you mean 'cosine'"):
        check_schedule("cosin", {})
    with pytest.raises(SettingsError, match="Did you mean 'every'"):
        check_schedule("step", {"evry": 3})
    with pytest.raises(SettingsError, match="has no option 'warm_up'"):
        check_schedule("plateau", {"warm_up": 0.1})
