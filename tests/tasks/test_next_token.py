"""Cross-entropy over the counted tokens; rows that weigh by characters give nats per character."""

from math import log

import numpy as np
import pytest
import torch
from text_cases import NONE, Always, lines, pieces, prepared
from torch import nn

from layerwise.contracts import Batch, Stage, Target
from layerwise.errors import SettingsError
from layerwise.tasks.next_token import NextToken
from layerwise.training import train

TASK = NextToken(NONE)


def batch_of(rows, weight=None):
    targets = torch.tensor(rows)
    inputs = torch.cat([torch.ones(len(rows), 1, dtype=torch.int64), targets[:, :-1]], dim=1)
    return Batch(inputs, targets, weight)


class Bigram(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.scores = nn.Embedding(size, size)

    def per_token(self, inputs):
        return self.scores(inputs)


def test_the_loss_is_the_mean_over_counted_tokens():
    network = Always([0.0, 0.0, log(2), log(3), 0.0])  # chances 1 1 2 3 1 of 8
    loss = next(TASK.losses(network, batch_of([[2, 3, 3], [2, 0, 0]])))
    plainly = -(log(2 / 8) + log(3 / 8) + log(3 / 8) + log(2 / 8)) / 4
    assert float(loss.value.detach()) == pytest.approx(plainly)
    assert float(loss.terms) == 4


def test_padding_has_no_gradient():
    torch.manual_seed(0)
    network = Bigram(5)
    next(TASK.losses(network, batch_of([[2, 0, 0], [3, 4, 0]]))).value.backward()
    assert not network.scores.weight.grad[[0, 2]].any()


def test_outputs_are_nats_per_character():
    network = Always([0.0, 0.0, log(2), log(3), 0.0])
    batch = batch_of([[2, 3, 3], [2, 0, 0]], torch.tensor([6.0, 1.0]))
    found = TASK.outputs(network, batch)[:, 0].tolist()
    assert found == pytest.approx([-(log(2 / 8) + 2 * log(3 / 8)) / 6, -log(2 / 8)])


def test_rows_weighed_by_characters_give_the_loss_of_the_text():
    source = lines()
    preparation = prepared(source)
    torch.manual_seed(0)
    network, rows = Bigram(preparation.tokens.size), np.arange(8)
    batch = preparation.dataset(source).batch(torch.arange(8))
    outputs = TASK.outputs(network, batch)[:, 0].detach().numpy()
    mean = np.average(outputs, weights=preparation.row_weights(source, rows))
    assert mean == pytest.approx(float(next(TASK.losses(network, batch)).value.detach()), rel=1e-6)


@pytest.mark.parametrize("source", [lines(), pieces()], ids=["lines", "pieces"])
def test_the_traced_step_gives_the_same_losses(source):
    preparation, found = prepared(source), []
    for traced in (True, False):
        torch.manual_seed(0)
        network = Bigram(preparation.tokens.size)
        stage = Stage(TASK, "sgd", {}, 0.5, epochs=4, batch_size=4)
        steps = train(network, (stage,), preparation.dataset(source), traced=traced)
        found.append([step.losses()["network"] for step in steps])
    assert found[0] == found[1]
    assert found[0][-1] < found[0][0]


def test_a_target_is_refused():
    with pytest.raises(SettingsError, match="next_token predicts the text itself"):
        NextToken(Target("real", ("y",)))


def test_a_network_without_single_tokens_is_refused():
    with pytest.raises(SettingsError, match="needs a network with per_token, which Linear"):
        next(TASK.losses(nn.Linear(3, 2), batch_of([[2, 3]])))
