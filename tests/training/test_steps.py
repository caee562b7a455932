"""A stage that counts steps ends after so many, resumes within them, and moves its rate by them."""

import copy

import pytest
import torch

from layerwise.contracts import Stage, Target
from layerwise.data.datasets import Rows, TensorDataset
from layerwise.networks.linear import Linear
from layerwise.tasks.regress import Regress
from layerwise.training import train


def engine(steps, epochs=3, schedule="cosine", state=None):
    torch.manual_seed(0)
    network = Linear((2,), 1)
    rows = TensorDataset(torch.randn(10, 2), torch.randn(10, 1))
    stage = Stage(
        Regress(Target("real", ("y",))), "sgd", {}, 0.1, schedule, epochs=epochs, steps=steps,
        batch_size=4,
    )  # fmt: skip
    return network, train(network, (stage,), rows, state=state)


@pytest.mark.parametrize(("steps", "epochs"), [(1, [1]), (3, [1, 1, 1]), (5, [1, 1, 1, 2, 2])])
def test_it_ends_in_whatever_epoch(steps, epochs):
    seen = list(engine(steps)[1])
    assert [one.epoch for one in seen] == epochs
    assert [one.steps for one in seen] == [steps] * steps
    assert seen[-1].epoch_ended


def test_the_rate_falls_over_the_steps():
    rates = [one.learning_rate()["network"] for one in engine(4)[1]]
    wanted = [0.1 * (1 + torch.cos(torch.tensor(torch.pi * k / 4)).item()) / 2 for k in range(4)]
    assert rates == pytest.approx(wanted, abs=1e-6)


def test_it_resumes_to_the_same_bits_and_no_further():
    whole, steps = engine(5)
    states = []
    for progress in steps:
        if progress.step == 3:
            kept = progress.state()
            states.append({**kept, "network": {k: v.clone() for k, v in kept["network"].items()},
                           "place": dict(kept["place"])})  # fmt: skip
            states[0]["descent"] = copy.deepcopy(kept["descent"])
    again, rest = engine(5, state=states[0])
    assert [one.step for one in rest] == [4, 5]
    assert torch.equal(again.weight, whole.weight)


def test_some_rows_offer_what_the_whole_dataset_offers():
    class Growing:
        refreshed = 0

        def __len__(self):
            return 4

        def batch(self, indices):
            return indices

        def refresh(self, network):
            self.refreshed += 1

    whole = Growing()
    rows = Rows(whole, torch.tensor([1, 3]))
    rows.refresh(None)
    assert whole.refreshed == 1
    assert not hasattr(rows, "arrange")
    assert not hasattr(rows, "state_dict")
    assert hasattr(Rows(TensorDataset(torch.zeros(4, 1)), torch.tensor([1])), "arrange")
