"""Downscale: the loss by area over known cells, and the residual on the base."""

import pytest
import torch
from torch import nn

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.networks.mlp import MLP
from layerwise.networks.unet import UNet
from layerwise.tasks.downscale import Downscale


class Constant(nn.Module):
    def forward(self, inputs):
        return torch.ones_like(inputs[:, :1])


def batch():
    """Two cells: residuals 3 and 5, bases 10 and 20, areas 1 and 3."""
    beyond, base, counts = [3.0, 5.0], [10.0, 20.0], [1.0, 3.0]
    targets = torch.tensor([beyond, base, counts]).reshape(1, 3, 1, 2)
    return Batch(inputs=torch.zeros(1, 4, 1, 2), targets=targets)


@pytest.mark.parametrize(
    ("loss", "value"), [("squared", (4 + 3 * 16) / 4), ("absolute", (2 + 3 * 4) / 4)]
)
def test_the_loss_is_a_mean_by_area(loss, value):
    (found,) = Downscale(Target("field", ("t",)), loss=loss).losses(Constant(), batch())
    assert float(found.value) == value
    assert float(found.terms) == 4


def test_a_cell_without_truth_changes_nothing():
    data = batch()
    data.targets[0, 2, 0, 1] = 0
    data.targets[0, 0, 0, 1] = 999
    (found,) = Downscale(Target("field", ("t",))).losses(Constant(), data)
    assert (float(found.value), float(found.terms)) == (4, 1)


def test_outputs_are_the_base_and_what_the_network_adds():
    found = Downscale(Target("field", ("t",))).outputs(Constant(), batch())
    assert found.flatten().tolist() == [11, 21]


def test_networks_that_do_not_answer_for_every_cell_are_refused():
    task, inputs = Downscale(Target("field", ("t", "p"))), torch.zeros(2, 3, 16, 16)
    task.check_network(UNet((3, 16, 16), 2, width=2, depth=2), inputs)
    with pytest.raises(SettingsError, match="Choose --network unet"):
        task.check_network(MLP((3, 16, 16), 2), inputs)


def test_other_targets_and_losses_are_refused():
    with pytest.raises(SettingsError, match="needs fields on a grid"):
        Downscale(Target("real", ("y",)))
    with pytest.raises(SettingsError, match="no loss 'cubed'"):
        Downscale(Target("field", ("t",)), loss="cubed")
