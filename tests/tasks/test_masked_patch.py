"""Masked patches: the error is that of hidden places alone, which nothing shows."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.layers.masking import hidden_places
from layerwise.networks.transformer import Transformer
from layerwise.tasks.masked_patch import MaskedPatch
from layerwise.training import train

TASK = MaskedPatch(Target("none"), share=0.5)


def network():
    torch.manual_seed(0)
    return Transformer((1, 8, 8), 16, patch=4, width=16, layers=1)


def test_the_loss_is_the_squared_error_of_the_hidden_patches_alone():
    made, images = network(), torch.randn(3, 1, 8, 8)
    torch.manual_seed(5)
    (loss,) = TASK.losses(made, Batch(images))
    torch.manual_seed(5)
    hidden = hidden_places(3, 4, 0.5)
    outputs, errors = made.per_token(images, hidden=hidden), []
    for row in range(3):
        for place in range(4):
            if hidden[row, place]:
                top, left = 4 * (place // 2), 4 * (place % 2)
                patch = images[row, 0, top : top + 4, left : left + 4].flatten()
                errors.append(((outputs[row, place] - patch) ** 2).mean())
    assert len(errors) == 6
    assert_close(loss.value, torch.stack(errors).mean())
    assert loss.terms == 3


def test_what_is_hidden_is_not_seen():
    made, images = network(), torch.randn(2, 1, 8, 8)
    hidden = torch.tensor([[True, False, False, True]]).expand(2, 4)
    changed = images.clone()
    changed[:, :, :4, :4] = 9.0
    assert_close(made.per_token(images, hidden=hidden), made.per_token(changed, hidden=hidden))


def test_outputs_hide_all_and_do_not_depend_on_chance():
    made, images = network().eval(), torch.randn(2, 1, 8, 8)
    found = TASK.outputs(made, Batch(images))
    assert found.shape == (2, 1)
    assert_close(found, TASK.outputs(made, Batch(images)))
    assert_close(found[1:], TASK.outputs(made, Batch(images[1:])))


def test_normalized_places_have_no_brightness():
    task, made = MaskedPatch(Target("none"), normalize=True), network().eval()
    made.last.weight.data.zero_()
    made.last.bias.data.zero_()  # what is rebuilt is then the mean, and the error the variance
    errors = task.outputs(made, Batch(torch.randn(5, 1, 8, 8)))
    assert_close(errors, torch.ones(5, 1), atol=1e-4, rtol=0)


def test_it_learns_to_fill_in_what_the_rest_tells():
    """All patches of an image are the same, so that one shows the others."""
    torch.manual_seed(0)
    images = torch.randn(256, 1, 4, 4).repeat(1, 1, 2, 2)
    made = network()
    before = TASK.outputs(made, Batch(images)).mean()
    stage = Stage(TASK, "adamw", {}, 0.005, "one_cycle", epochs=30, batch_size=32)
    for _ in train(made, (stage,), TensorDataset(images), seed=0):
        pass
    assert TASK.outputs(made, Batch(images)).mean() < 0.3 * before


def test_series_of_real_numbers_are_places_too():
    torch.manual_seed(0)
    made, rows = Transformer((6, 2), 2, width=8, layers=1), torch.randn(3, 6, 2)
    (loss,) = TASK.losses(made, Batch(rows))
    assert loss.value.ndim == 0
    assert TASK.outputs(made, Batch(rows)).shape == (3, 1)


def test_what_does_not_go_together_is_told():
    images = torch.zeros(2, 1, 8, 8)
    with pytest.raises(SettingsError, match="learns from the inputs alone"):
        MaskedPatch(Target("binary", ("y",), ("a", "b")))
    with pytest.raises(SettingsError, match="Option share"):
        MaskedPatch(Target("none"), share=1.0)
    with pytest.raises(SettingsError, match="Choose --network transformer"):
        TASK.outputs(nn.Linear(2, 2), Batch(images))
    with pytest.raises(SettingsError, match="one output for each of the 16 numbers"):
        TASK.outputs(Transformer((1, 8, 8), 3, patch=4), Batch(images))
    with pytest.raises(SettingsError, match="Choose --task masked_token"):
        TASK.outputs(Transformer((4,), 9, vocabulary=9), Batch(torch.ones(2, 4).long()))
