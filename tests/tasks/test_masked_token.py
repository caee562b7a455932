"""Chosen tokens are hidden as the paper hides them; only they are counted."""

from math import log

import pytest
import torch
from text_cases import NONE, Always
from torch import nn

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.token_dataset import token_dataset
from layerwise.errors import SettingsError
from layerwise.tasks.masked_token import MASK, MaskedToken, hidden
from layerwise.training import train


def tokens(rows=400, length=50):
    torch.manual_seed(0)
    drawn = torch.randint(5, 500, (rows, length))
    drawn[:, 40:] = 0
    return drawn


def test_most_chosen_tokens_become_the_mask_some_another_some_stay():
    real = tokens()
    chosen = (torch.rand(real.shape) < 0.5) & (real != 0)
    seen = hidden(real, chosen)
    assert torch.equal(seen[~chosen], real[~chosen])
    kept = (seen == real)[chosen].float().mean()
    masked = (seen == MASK)[chosen].float().mean()
    assert float(kept) == pytest.approx(0.1, abs=0.02)
    # another token is drawn from the batch; a fifth of the batch is padding and gives the mask
    assert float(masked) == pytest.approx(0.8 + 0.1 * 0.2, abs=0.02)


def test_only_chosen_tokens_are_counted():
    scores = torch.zeros(6)
    scores[5] = log(5.0)  # chances 1 1 1 1 1 5 of 10
    torch.manual_seed(0)
    loss = next(MaskedToken(NONE).losses(Always(scores), Batch(None, torch.full((50, 20), 5))))
    assert float(loss.value.detach()) == pytest.approx(log(2), rel=1e-5)
    assert 0.1 < float(loss.terms) / 1000 < 0.2


def test_outputs_hide_every_token_once_and_draw_nothing():
    class Copies(nn.Module):
        """Sure of what it sees; where it sees the mask it says 5."""

        def per_token(self, inputs):
            return 50.0 * nn.functional.one_hot(inputs.where(inputs != MASK, 5), 9).float()

    batch = Batch(None, torch.tensor([[5] * 9, [5, 6, 0, 0, 0, 0, 0, 0, 0]]))
    found = MaskedToken(NONE).outputs(Copies(), batch)
    assert found[:, 0].tolist() == pytest.approx([0, 50 / 2], abs=1e-4)


def test_it_learns_to_fill_in():
    class FromBothSides(nn.Module):
        def __init__(self):
            super().__init__()
            self.vectors = nn.Embedding(9, 16)
            self.mix = nn.Conv1d(16, 9, 3, padding=1)

        def per_token(self, inputs):
            return self.mix(self.vectors(inputs).transpose(1, 2)).transpose(1, 2)

    torch.manual_seed(0)
    row = [5, 6, 7, 8] * 4
    dataset = token_dataset([torch.tensor(row).numpy()] * 64, first=torch.ones(64).numpy())
    network, task = FromBothSides(), MaskedToken(NONE)
    stage = Stage(task, "adam", {}, 0.02, epochs=15, batch_size=16)
    losses = [step.losses()["network"] for step in train(network, (stage,), dataset)]
    assert losses[-1] < 0.3 * losses[0]


def test_what_cannot_be():
    with pytest.raises(SettingsError, match="share of masked_token must be above 0"):
        MaskedToken(NONE, share=0)
    with pytest.raises(SettingsError, match="learns from text alone"):
        MaskedToken(Target("real", ("y",)))
