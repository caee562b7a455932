"""word2vec: counts, noise, what is left out, and the cost against its textbook form."""

import math

import pytest
import torch
from torch.testing import assert_close

from layerwise.contracts import Batch
from layerwise.errors import SettingsError
from layerwise.networks.word2vec import Word2Vec

TEXT = torch.tensor([[5, 6, 5, 7, 2], [5, 8, 2, 0, 0]])


def network(**options):
    torch.manual_seed(0)
    made = Word2Vec((5,), vocabulary=9, size=4, **options)
    torch.nn.init.normal_(made.neighbours.weight)
    made.solve([Batch(TEXT, TEXT)])
    return made


def test_words_are_counted_and_marks_are_not():
    assert network().counts.tolist() == [0, 0, 0, 0, 0, 3, 1, 1, 1]


def test_noise_goes_by_the_counts_to_the_power_of_three_quarters():
    weights = torch.tensor([0, 0, 0, 0, 0, 3**0.75, 1, 1, 1])
    assert_close(network().noise(), weights / weights.sum())


def test_before_counting_all_words_are_alike():
    made = Word2Vec((5,), vocabulary=4)
    assert_close(made.noise(), torch.full((4,), 0.25))
    assert made.kept(torch.full((100,), 5) % 4).sum() == 0  # no symbols among four tokens


def test_frequent_words_stay_with_the_papers_chance():
    made, share = network(subsample=0.1), 3 / 6
    kept = made.kept(torch.full((4000,), 5)).float().mean()
    assert abs(kept - math.sqrt(0.1 / share)) < 0.03
    assert not made.kept(torch.tensor([0, 1, 2, 3, 4])).any()
    assert network(subsample=0.0).kept(TEXT).equal(TEXT >= 5)


def test_the_cost_is_the_papers():
    made = network(negatives=3)
    hidden, said = torch.randn(6, 4), torch.tensor([5, 6, 7, 8, 5, 6])
    torch.manual_seed(3)
    found = made.costs(hidden, said)
    torch.manual_seed(3)
    drawn = torch.searchsorted(made.noise().cumsum(0), torch.rand(6, 3))
    vectors = made.neighbours.weight
    for pair in range(6):
        cost = -torch.log(torch.sigmoid(vectors[said[pair]] @ hidden[pair]))
        for word in drawn[pair]:
            cost = cost - torch.log(torch.sigmoid(-vectors[word] @ hidden[pair]))
        assert_close(found[pair], cost)


def test_the_mean_cost_is_that_of_many_draws():
    made = network(negatives=2)
    hidden, said = torch.randn(1, 4).expand(20_000, 4), torch.full((20_000,), 6)
    torch.manual_seed(4)
    assert_close(made.costs(hidden, said).mean(), made.mean_costs(hidden[:1], said[:1])[0],
                 rtol=0.02, atol=0)  # fmt: skip


def test_drawn_noise_words_follow_their_distribution():
    made = network()
    made.neighbours.weight.requires_grad_(False)
    drawn = torch.searchsorted(made.noise().cumsum(0), torch.rand(20_000))
    shares = torch.bincount(drawn, minlength=9) / 20_000
    assert_close(shares, made.noise(), atol=0.02, rtol=0)


def test_a_row_is_the_mean_of_its_words():
    made = network()
    table = made.vectors()
    assert_close(made(torch.tensor([[5, 6, 0]])), (table[5] + table[6]).unsqueeze(0) / 2)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"method": "glove"}, "method"), ({"size": 0}, "size"), ({"subsample": 1.0}, "subsample")],
)
def test_options_that_cannot_be_are_told(options, says):
    with pytest.raises(SettingsError, match=f"Option {says} of word2vec"):
        Word2Vec((5,), **options)
