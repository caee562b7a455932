"""The task word_vectors: pairs as the papers make them, and vectors that come to mean something."""

from math import log

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage, Target
from layerwise.data.datasets import TensorDataset
from layerwise.errors import SettingsError
from layerwise.networks.word2vec import Word2Vec
from layerwise.tasks.word_vectors import WordVectors, close_ranks, neighbours
from layerwise.training import train

TASK = WordVectors(Target("none"))
ROWS = torch.tensor([[5, 6, 3, 7, 8, 2], [8, 5, 2, 0, 0, 0]])  # 3 is unknown, 2 the end


def network(**options):
    torch.manual_seed(0)
    made = Word2Vec((6,), vocabulary=10, size=4, **{"subsample": 0.0, **options})
    nn.init.normal_(made.neighbours.weight)
    made.solve([Batch(ROWS, ROWS)])
    return made


def pairs_by_hand(window):
    """(row, centre, neighbour, distance) of every pair, marks and unknown words left out."""
    found = []
    for number, row in enumerate(ROWS.tolist()):
        words = [token for token in row if token >= 5]
        for place, word in enumerate(words):
            for other, neighbour in enumerate(words):
                if 0 < abs(place - other) <= window:
                    found.append((number, word, neighbour, abs(place - other)))
    return found


def test_what_is_left_out_lets_its_neighbours_meet():
    tokens, inside = close_ranks(ROWS, ROWS >= 5)
    assert tokens[inside].tolist() == [5, 6, 7, 8, 8, 5]
    assert inside.tolist() == [[True] * 4 + [False] * 2, [True] * 2 + [False] * 4]


@pytest.mark.parametrize("window", [1, 2, 5])
def test_the_pairs_are_all_within_the_window(window):
    tokens, inside = close_ranks(ROWS, ROWS >= 5)
    around, near = neighbours(tokens, inside, window)
    centres = tokens.unsqueeze(2).expand_as(around)[near].tolist()
    found = sorted(zip(centres, around[near].tolist(), strict=True))
    assert found == sorted((centre, other) for _, centre, other, _ in pairs_by_hand(window))


def test_each_word_looks_only_as_far_as_it_drew():
    tokens, inside = close_ranks(ROWS, ROWS >= 5)
    reach = torch.ones_like(tokens)
    _, near = neighbours(tokens, inside, 3, reach)
    assert near.equal(neighbours(tokens, inside, 3)[1] & torch.tensor([0, 0, 1, 1, 0, 0]).bool())


def test_the_loss_of_skip_gram_is_the_mean_over_pairs_of_the_papers_cost():
    made = network(window=1, negatives=2)
    torch.manual_seed(7)
    (loss,) = TASK.losses(made, Batch(ROWS, ROWS))
    pairs = pairs_by_hand(1)
    torch.manual_seed(7)
    torch.randint(1, 2, ROWS.shape)
    noise = torch.searchsorted(made.noise().cumsum(0), torch.rand(len(pairs), 2))
    words, others, total = made.words.weight, made.neighbours.weight, 0.0
    for (_, centre, other, _), drawn in zip(pairs, noise, strict=True):
        total -= torch.log(torch.sigmoid(words[centre] @ others[other]))
        total -= torch.log(torch.sigmoid(-(others[drawn] @ words[centre]))).sum()
    assert loss.terms == len(pairs) == 8
    assert_close(loss.value, total / len(pairs))


def test_the_loss_of_cbow_takes_the_mean_of_the_neighbours():
    made = network(window=1, negatives=1, method="cbow")
    torch.manual_seed(7)
    (loss,) = TASK.losses(made, Batch(ROWS, ROWS))
    torch.manual_seed(7)
    torch.randint(1, 2, ROWS.shape)
    noise = torch.searchsorted(made.noise().cumsum(0), torch.rand(6, 1))[:, 0]
    said, around = [5, 6, 7, 8, 8, 5], [[6], [5, 7], [6, 8], [7], [5], [8]]
    words, others, total = made.words.weight, made.neighbours.weight, 0.0
    for word, near, drawn in zip(said, around, noise, strict=True):
        mean = words[near].mean(dim=0)
        total -= torch.log(torch.sigmoid(mean @ others[word]))
        total -= torch.log(torch.sigmoid(-mean @ others[drawn]))
    assert_close(loss.value, total / 6)


@pytest.mark.parametrize("method", ["skip_gram", "cbow"])
def test_outputs_are_what_the_loss_is_in_the_mean(method):
    made = network(window=2 if method == "skip_gram" else 1, method=method)
    batch = Batch(ROWS[:1], ROWS[:1])
    with torch.no_grad():
        drawn = [next(TASK.losses(made, batch)) for _ in range(1000)]
    mean = sum(one.value * one.terms for one in drawn) / sum(one.terms for one in drawn)
    assert_close(TASK.outputs(made, batch)[0, 0], mean, rtol=0.04, atol=0)


def test_outputs_do_not_depend_on_chance_or_on_the_rows_beside():
    made = network()
    whole = TASK.outputs(made, Batch(ROWS, ROWS))
    assert_close(whole[1:], TASK.outputs(made, Batch(ROWS[1:], ROWS[1:])))


def test_a_row_without_pairs_gets_what_no_knowledge_gets():
    lonely = torch.tensor([[5, 2]])
    for method in ("skip_gram", "cbow"):
        made = network(method=method, negatives=5)
        assert_close(TASK.outputs(made, Batch(lonely, lonely)), torch.tensor([[6 * log(2)]]))
        (loss,) = TASK.losses(made, Batch(lonely, lonely))
        assert (float(loss.value.detach()), loss.terms) == (0.0, 0.0)
        loss.value.backward()


@pytest.mark.parametrize("method", ["skip_gram", "cbow"])
def test_words_of_the_same_company_become_alike(method):
    """Two topics of four words each, of which a row has one."""
    torch.manual_seed(1)
    topics = torch.randint(0, 2, (400, 1))
    rows = 5 + 4 * topics + torch.randint(0, 4, (400, 8))
    made = Word2Vec((8,), vocabulary=13, size=8, method=method, subsample=0.0)
    stages = (
        Stage(TASK, "closed_form", batch_size=4096),
        Stage(TASK, "adam", {}, 0.02, "cosine", epochs=8, batch_size=50),
    )
    for _ in train(made, stages, TensorDataset(rows, rows), seed=0):
        pass
    found = nn.functional.normalize(made.vectors()[5:].detach(), dim=1)
    alike = found @ found.T
    assert alike[:4, :4].min() > alike[:4, 4:].max()
    assert TASK.outputs(made, Batch(rows, rows)).mean() < 6 * log(2)


def test_what_does_not_go_together_is_told():
    with pytest.raises(SettingsError, match="learns from text alone"):
        WordVectors(Target("real", ("y",)))
    with pytest.raises(SettingsError, match="Choose --network word2vec"):
        TASK.outputs(nn.Linear(2, 2), Batch(ROWS, ROWS))


def test_no_trace_keeps_the_number_of_pairs_of_one_batch():
    torch.manual_seed(1)
    rows = torch.randint(5, 10, (60, 6))
    found = []
    for traced in (True, False):
        made = network()
        stage = Stage(TASK, "sgd", {}, 0.1, epochs=2, batch_size=20)
        for _ in train(made, (stage,), TensorDataset(rows, rows), seed=0, traced=traced):
            pass
        found.append(made.vectors().detach())
    assert torch.equal(*found)
