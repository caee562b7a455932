import torch
from torch.testing import assert_close
from translator_cases import TEXT, batch_of, pairs, prepared

from layerwise.contracts import Stage
from layerwise.networks.gru_translator import GRUTranslator
from layerwise.tasks.translate import Translate
from layerwise.training import train


def build(**options):
    torch.manual_seed(0)
    options = {"width": 8, "hidden": 10, **options}
    return GRUTranslator((30, 30), 15, vocabulary=(20, 15), **options).eval()


def test_a_later_target_token_changes_no_earlier_score():
    network, inputs = build(), batch_of().inputs
    before = network(inputs)
    changed = inputs["target"].clone()
    changed[:, 3] = 9
    after = network({**inputs, "target": changed})
    assert_close(after[:, :3], before[:, :3])
    assert not torch.allclose(after[:, 3:], before[:, 3:])


def test_padding_has_no_influence():
    network, inputs = build(), batch_of().inputs
    padded = {
        "source": torch.nn.functional.pad(inputs["source"], (0, 4)),
        "target": torch.nn.functional.pad(inputs["target"], (0, 2)),
    }
    assert_close(network(padded)[:, :5], network(inputs))
    assert network.attention(padded)[:, :5, 6:].abs().max() == 0


def test_step_by_step_gives_the_scores_of_the_whole():
    network, inputs = build(), batch_of().inputs
    memory = network.encode(inputs["source"])
    state, found = network.begin(memory), []
    for tokens in inputs["target"].unbind(1):
        scores, state = network.step(memory, state, tokens)
        found.append(scores)
    assert_close(torch.stack(found, dim=1), network(inputs))


def gru(cell, suffix, inputs, state):
    """One step of a GRU, written plainly (Cho et al. 2014, with the reset after the product)."""
    weights = dict(cell.named_parameters())
    a = inputs @ weights[f"weight_ih{suffix}"].T + weights[f"bias_ih{suffix}"]
    b = state @ weights[f"weight_hh{suffix}"].T + weights[f"bias_hh{suffix}"]
    (ar, az, an), (br, bz, bn) = a.chunk(3, dim=-1), b.chunk(3, dim=-1)
    reset, update = torch.sigmoid(ar + br), torch.sigmoid(az + bz)
    return (1 - update) * torch.tanh(an + reset * bn) + update * state


def test_is_the_plain_equations_of_bahdanau():
    network, inputs = build(), batch_of(rows=1).inputs
    x = network.source_vectors.weight[inputs["source"][0]]
    y = network.target_vectors.weight[inputs["target"][0]]
    ahead, back = [torch.zeros(10)], [torch.zeros(10)]
    for each in x:
        ahead.append(gru(network.forwards, "_l0", each, ahead[-1]))
    for each in x.flip(0):
        back.append(gru(network.backwards, "_l0", each, back[-1]))
    h = torch.cat([torch.stack(ahead[1:]), torch.stack(back[1:]).flip(0)], dim=1)
    s = torch.tanh(network.first_state(h[0, 10:]))
    weights, scores = [], []
    for each in y:
        e = [
            network.energy.weight[0]
            @ torch.tanh(network.state_query(s) + network.annotation_key.weight @ place)
            for place in h
        ]
        a = torch.softmax(torch.stack(e), dim=0)
        c = (a.unsqueeze(1) * h).sum(dim=0)
        s = gru(network.cell, "", torch.cat([each, c]), s)
        two = network.mixed(torch.cat([s, each, c])).reshape(-1, 2)
        weights.append(a)
        scores.append(network.last(two.max(dim=1).values))
    assert_close(network.attention(inputs)[0], torch.stack(weights))
    assert_close(network(inputs)[0], torch.stack(scores))


def test_overfits_eight_pairs_and_says_them():
    source = pairs(tokens="words")
    preparation = prepared(source)
    sizes = preparation.network_options["vocabulary"]
    torch.manual_seed(0)
    network = GRUTranslator((9, 9), sizes[1], vocabulary=sizes, width=24, hidden=32, dropout=0.0)
    task, dataset = Translate(TEXT, label_smoothing=0.0), preparation.dataset(source)
    stage = Stage(task, "adam", {}, 0.02, epochs=50, batch_size="all", clip=1.0)
    for _ in train(network, (stage,), dataset, seed=0):
        pass
    said = preparation.in_units(task.outputs(network, dataset.batch(torch.arange(8))))
    assert said.tolist() == source.frame["target"].tolist()
