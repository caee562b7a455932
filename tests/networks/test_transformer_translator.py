import math

import pytest
import torch
from torch.testing import assert_close
from translator_cases import TEXT, batch_of, pairs, prepared

from layerwise.contracts import Stage
from layerwise.errors import SettingsError
from layerwise.networks.transformer_translator import TransformerTranslator
from layerwise.tasks.translate import Translate
from layerwise.training import train

VOCABULARY = (20, 15)


def build(**options):
    torch.manual_seed(0)
    options = {"width": 16, "heads": 2, "layers": 2, "dropout": 0.1, **options}
    return TransformerTranslator((30, 30), 15, vocabulary=VOCABULARY, **options).eval()


EACH = pytest.mark.parametrize("norm", ["pre", "post"])


@EACH
def test_a_later_target_token_changes_no_earlier_score(norm):
    network, inputs = build(norm=norm), batch_of().inputs
    before = network(inputs)
    changed = inputs["target"].clone()
    changed[:, 3] = 9
    after = network({**inputs, "target": changed})
    assert_close(after[:, :3], before[:, :3])
    assert not torch.allclose(after[:, 3:], before[:, 3:])


@EACH
def test_padding_has_no_influence(norm):
    network, inputs = build(norm=norm), batch_of().inputs
    padded = {
        "source": torch.nn.functional.pad(inputs["source"], (0, 4)),
        "target": torch.nn.functional.pad(inputs["target"], (0, 2)),
    }
    assert_close(network(padded)[:, :5], network(inputs))
    assert_close(network.attention(padded)[:, :5, :6], network.attention(inputs))
    assert network.attention(padded)[:, :5, 6:].abs().max() == 0


@EACH
def test_step_by_step_gives_the_scores_of_the_whole(norm):
    network, inputs = build(norm=norm), batch_of().inputs
    memory = network.encode(inputs["source"])
    state, found = network.begin(memory), []
    for tokens in inputs["target"].unbind(1):
        scores, state = network.step(memory, state, tokens)
        found.append(scores)
    assert_close(torch.stack(found, dim=1), network(inputs))


def test_attention_is_the_plain_formula():
    network, inputs = build(layers=1), batch_of().inputs
    memory = network._read(inputs["source"])[0]
    vectors = 4 * network.target_vectors.weight[inputs["target"]]  # times the root of 16
    places, block = network.target_positions(vectors), network.decoder[0]
    seen = places + block.attention(block.attention_norm(places), causal=True)
    queries = block.cross_norm(seen)
    parts = block.cross_attention.queries_keys_values
    total = torch.zeros(3, 5, 6)
    for head in range(2):
        own = slice(8 * head, 8 * head + 8)
        others = slice(16 + own.start, 16 + own.stop)
        q = queries @ parts.weight[own].T + parts.bias[own]
        k = memory @ parts.weight[others].T + parts.bias[others]
        total += torch.softmax(q @ k.transpose(1, 2) / math.sqrt(8), dim=-1) / 2
    assert_close(network.attention(inputs), total)


def test_scores_are_products_with_the_vectors_of_the_target():
    network, inputs = build(), batch_of().inputs
    states = network.states(inputs)
    assert_close(network(inputs), states @ network.target_vectors.weight.T + network.bias)


def test_overfits_eight_pairs_and_says_them():
    source = pairs(tokens="words")
    preparation = prepared(source)
    sizes = preparation.network_options["vocabulary"]
    torch.manual_seed(0)
    network = TransformerTranslator(
        (9, 9), sizes[1], vocabulary=sizes, width=32, heads=2, layers=1, dropout=0.0
    )
    task, dataset = Translate(TEXT, label_smoothing=0.0), preparation.dataset(source)
    stage = Stage(task, "adam", {}, 0.01, epochs=50, batch_size="all")
    for _ in train(network, (stage,), dataset, seed=0):
        pass
    batch = dataset.batch(torch.arange(8))
    assert float(next(iter(task.losses(network, batch))).value.detach()) < 0.1
    said = preparation.in_units(task.outputs(network, batch))
    assert said.tolist() == source.frame["target"].tolist()


def test_a_vocabulary_that_is_not_the_outputs_is_refused():
    with pytest.raises(SettingsError, match="second being the outputs"):
        TransformerTranslator((30, 30), 15, vocabulary=(20, 16))


def test_an_image_is_no_pair():
    with pytest.raises(SettingsError, match="translates pairs of texts"):
        TransformerTranslator((1, 28, 28), 15)
