"""The n-gram counts, forgets nothing it was given, and says what it cannot hold."""

import pytest
import torch
from text_cases import NONE, counted, lines, pieces, prepared

from layerwise.contracts import Batch
from layerwise.errors import SettingsError
from layerwise.networks.ngram import NGram
from layerwise.tasks.next_token import NextToken


def nats(network, preparation, source):
    batch = preparation.dataset(source).batch(torch.arange(len(source.frame)))
    return float(next(NextToken(NONE).losses(network, batch)).value)


def test_a_bigram_of_a_sure_text():
    source = lines(["abab"] * 50)
    preparation = prepared(source)
    network = counted(preparation, source, order=2)
    a, b = preparation.tokens.encode(["ab"])[0].tolist()
    after_a = network.per_token(torch.tensor([[1, a]]))[0, 1].exp()
    # after a only b was seen, 100 times: (100 + 1 p(b)) / 101 with the smoothed p(b)
    p_b = (100 + 3 / preparation.tokens.size) / (250 + 3)
    assert float(after_a[b]) == pytest.approx((100 + p_b) / 101, rel=1e-5)
    assert float(after_a.sum()) == pytest.approx(1)


def test_more_context_predicts_its_own_text_better():
    source = pieces()
    preparation = prepared(source)
    found = [nats(counted(preparation, source, order=n), preparation, source) for n in (1, 2, 3)]
    assert found[0] > found[1] > found[2]


def test_the_answer_of_a_row_is_that_after_its_last_token():
    source = lines()
    preparation = prepared(source)
    network = counted(preparation, source)
    rows = torch.tensor([[1, 5, 0], [1, 5, 6]])
    places = network.per_token(rows)
    assert torch.equal(network(rows), torch.stack([places[0, 1], places[1, 2]]))


def test_padding_changes_nothing():
    source = lines()
    preparation = prepared(source)
    network = counted(preparation, source)
    short = network.per_token(torch.tensor([[1, 5]]))
    assert torch.equal(network.per_token(torch.tensor([[1, 5, 0, 0]]))[:, :2], short)


def test_what_it_counted_is_saved(tmp_path):
    source = pieces()
    preparation = prepared(source)
    first = counted(preparation, source)
    torch.save(first.state_dict(), tmp_path / "weights.pt")
    size = preparation.tokens.size
    second = NGram(preparation.input_shape, size, vocabulary=size, slots=4096)
    second.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert nats(first, preparation, source) == nats(second, preparation, source)


def test_what_the_slots_cannot_hold_is_said():
    network = NGram((4,), 9, slots=5)
    batch = Batch(torch.tensor([[1, 5, 6, 7]]), torch.tensor([[5, 6, 7, 8]]))
    with pytest.raises(SettingsError, match=r"14 different n-grams of up to 5 tokens.*slots 14"):
        network.solve([batch])


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((3, 2), {}, r"got examples of shape \(3, 2\)"),
        ((4,), {"order": 0}, "order of ngram must be from 1 to"),
        ((4,), {"order": 12, "vocabulary": 100}, "must be from 1 to 9 for a vocabulary of 100"),
        ((4,), {"slots": 0}, "slots of ngram must be 1 or more"),
    ],
)
def test_options_that_cannot_be(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        NGram(shape, 5, **options)


def test_tokens_beyond_the_vocabulary():
    with pytest.raises(SettingsError, match="from 0 to 4, got 1 to 7"):
        NGram((4,), 5).per_token(torch.tensor([[1, 7]]))
