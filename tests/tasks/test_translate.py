import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from translator_cases import TEXT, batch_of, pairs, prepared

from layerwise.contracts import Batch, Target
from layerwise.errors import SettingsError
from layerwise.networks.gru_translator import GRUTranslator
from layerwise.tasks.translate import Translate, alike


def network_for(source, **options):
    sizes = prepared(source).network_options["vocabulary"]
    torch.manual_seed(0)
    return GRUTranslator((20, 20), sizes[1], vocabulary=sizes, width=8, hidden=8, **options).eval()


def ragged():
    source = pairs(("ab", "abcdef", "abc"), ("xyz", "x", "xyzxy"))
    return network_for(source), prepared(source).dataset(source).batch(torch.arange(3))


def plain_loss(network, batch):
    """The mean of -log of the chance of each true token, one after the other."""
    total = []
    for row, targets in enumerate(batch.targets.tolist()):
        one = {name: tokens[row : row + 1] for name, tokens in batch.inputs.items()}
        logs = torch.log_softmax(network(one)[0], dim=-1)
        total += [-logs[place, token] for place, token in enumerate(targets) if token]
    return torch.stack(total).mean(), len(total)


def test_the_loss_is_the_mean_over_the_tokens_that_count():
    network, batch = ragged()
    loss = next(Translate(TEXT).losses(network, batch))
    value, terms = plain_loss(network, batch)
    assert_close(loss.value, value)
    assert loss.terms == terms == 4 + 2 + 6


def test_in_training_the_truth_is_smoothed():
    network, batch = ragged()
    network.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    loss = next(Translate(TEXT, label_smoothing=0.2).losses(network, batch))
    scores = network(batch.inputs).flatten(0, 1)
    found = F.cross_entropy(scores, batch.targets.flatten(), ignore_index=0, label_smoothing=0.2)
    assert_close(loss.value, found)


def test_a_weight_counts_as_often_as_it_says():
    network, batch = ragged()
    task = Translate(TEXT)
    weighted = Batch(batch.inputs, batch.targets, torch.tensor([2.0, 0.0, 1.0]))
    rows = torch.tensor([0, 0, 2])
    repeated = Batch({k: v[rows] for k, v in batch.inputs.items()}, batch.targets[rows])
    one, other = (next(task.losses(network, each)) for each in (weighted, repeated))
    assert_close(one.value, other.value)
    assert one.terms == other.terms == 14


def test_rows_of_like_length_go_together_without_the_padding_of_others():
    _, batch = ragged()
    pieces = alike(batch, 1)
    assert [piece.targets.shape[1] for piece in pieces] == [4, 2, 6]
    assert [piece.inputs["source"].shape[1] for piece in pieces] == [3, 7, 4]
    assert sum(int((piece.targets > 0).sum()) for piece in pieces) == 12


def test_translations_have_the_width_of_the_network_and_do_not_mind_other_rows():
    network, batch = ragged()
    task = Translate(TEXT)
    said = task.outputs(network, batch)
    assert said.shape == (3, 20)
    alone = Batch({name: tokens[:1] for name, tokens in batch.inputs.items()})
    assert torch.equal(task.outputs(network, alone)[0], said[0])
    assert Translate(TEXT, max_length=3).outputs(network, batch).shape == (3, 3)


def test_more_beams_never_give_a_less_likely_translation():
    network, batch = ragged()

    def chance(beams):
        task = Translate(TEXT, beams=beams, length_power=0.0)
        said = task.outputs(network, batch)
        said = said[:, : int((said > 0).sum(dim=1).max())]
        before = torch.cat([torch.ones(3, 1, dtype=torch.int64), said[:, :-1]], dim=1)
        logs = torch.log_softmax(network({**batch.inputs, "target": before}), dim=-1)
        found = logs.gather(2, said.unsqueeze(2)).squeeze(2)
        return (found * (said > 0)).sum()

    assert chance(8) >= chance(1)


class Silent(nn.Module):
    def forward(self, inputs):
        return torch.zeros(*inputs["target"].shape, 15)


def test_a_network_that_only_scores_can_learn_but_not_translate():
    batch = batch_of()
    loss = next(Translate(TEXT).losses(Silent(), batch))
    assert loss.value == pytest.approx(torch.tensor(15.0).log().item(), rel=1e-5)
    with pytest.raises(SettingsError, match="Silent has no encode"):
        Translate(TEXT).outputs(Silent(), batch)


@pytest.mark.parametrize(
    ("target", "options", "says"),
    [
        (Target("classes", ("y",), ("a", "b", "c")), {}, "needs pairs of texts"),
        (TEXT, {"label_smoothing": 1.0}, "from 0 to below 1"),
        (TEXT, {"beams": 0}, "beams of translate must be 1 or more"),
    ],
)
def test_what_cannot_be_is_refused(target, options, says):
    with pytest.raises(SettingsError, match=says):
        Translate(target, **options)
