"""Forecast: its losses against their formulas, quantiles that do not cross."""

import pytest
import torch
from torch import nn, tensor
from torch.testing import assert_close

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.tasks import kinds_of, task_class
from layerwise.tasks.forecast import Forecast, pinball

TARGET = Target("series", ("y+1", "y+2"))


class Says(nn.Module):
    """A network that says its inputs."""

    def forward(self, inputs):
        return inputs


def loss_of(task, said, truth, weight=None):
    batch = Batch(tensor(said), tensor(truth), weight)
    return next(iter(task.losses(Says(), batch)))


@pytest.mark.parametrize(
    ("loss", "value"),
    [("squared", (1 + 0 + 4 + 1) / 4), ("absolute", (1 + 0 + 2 + 1) / 4),
     ("huber", (0.5 + 0 + 1.5 + 0.5) / 4)],
)  # fmt: skip
def test_losses_are_means_over_rows_and_outputs(loss, value):
    task = Forecast(TARGET, loss=loss)
    found = loss_of(task, [[1.0, 2.0], [3.0, 4.0]], [[0.0, 2.0], [5.0, 3.0]])
    assert found.value.item() == pytest.approx(value)
    assert found.terms == 2
    assert task.output_size == 2


def test_pinball_is_its_formula():
    losses = pinball(tensor([[[1.0, 1.0, 1.0]]]), tensor([[3.0]]), (0.1, 0.5, 0.9))
    assert_close(losses, tensor([[[0.2, 1.0, 1.8]]]))  # 2 too low
    losses = pinball(tensor([[[1.0, 1.0, 1.0]]]), tensor([[-1.0]]), (0.1, 0.5, 0.9))
    assert_close(losses, tensor([[[1.8, 1.0, 0.2]]]))  # 2 too high


def test_the_pinball_loss_is_least_at_the_quantile():
    torch.manual_seed(0)
    truth = torch.randn(2001, 1).sort(dim=0).values
    task = Forecast(Target("series", ("y+1",)), loss="quantiles", quantiles=(0.1, 0.5, 0.9))
    said = nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.Adam([said], lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        batch = Batch(said.expand(len(truth), 3), truth)
        next(iter(task.losses(Says(), batch))).value.backward()
        optimizer.step()
    assert_close(said.detach(), truth[[200, 1000, 1800], 0], atol=0.06, rtol=0)


def test_quantiles_stand_side_by_side_for_each_output_and_never_cross():
    task = Forecast(TARGET, loss="quantiles")
    assert task.output_size == 6
    outputs = task.outputs(Says(), Batch(tensor([[1.0, 2.0, 3.0, 9.0, 7.0, 8.0]])))
    assert outputs.tolist() == [[[1, 2, 3], [7, 8, 9]]]
    assert task.point(outputs).tolist() == [[2, 8]]
    assert {name: said.tolist() for name, said in task.beside(outputs).items()} == {
        "0.1": [[1, 7]], "0.5": [[2, 8]], "0.9": [[3, 9]]
    }  # fmt: skip
    assert "pinball" in task.metrics


def test_without_quantiles_the_point_is_the_output():
    task = Forecast(TARGET)
    outputs = task.outputs(Says(), Batch(tensor([[1.0, 2.0]])))
    assert task.point(outputs) is outputs
    assert task.beside(outputs) == {}


def test_row_weights_count():
    found = loss_of(
        Forecast(TARGET), [[1.0, 1.0], [0.0, 0.0]], [[0.0, 0.0]] * 2, tensor([3.0, 1.0])
    )
    assert found.value.item() == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"loss": "squares"}, "no loss 'squares'"), ({"huber_delta": 0}, "huber_delta"),
     ({"loss": "quantiles", "quantiles": (0.1, 0.9)}, "0.5 among them"),
     ({"loss": "quantiles", "quantiles": (0.5, 0.1)}, "rising"),
     ({"loss": "quantiles", "quantiles": (0.0, 0.5)}, "between 0 and 1")],
)  # fmt: skip
def test_options_that_cannot_be_are_refused(options, said):
    with pytest.raises(SettingsError, match=said):
        Forecast(TARGET, **options)


def test_only_series_are_forecast():
    assert kinds_of(task_class("forecast")) == ("series",)
    with pytest.raises(SettingsError, match=r"needs series, got a target of kind 'real'.*--time"):
        Forecast(Target("real", ("y",)))
