"""Neighbours, analogies and the map of words, on vectors made by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from layerwise.data.tokens import Words
from layerwise.evaluation.word_maps import (
    TABLE,
    WordTable,
    analogies,
    nearest_words,
    word_map,
    word_specimens,
    word_table,
)

WORDS = {  # sex, age, royalty
    "man": (1, 1, 0.1),
    "woman": (-1, 1, 0.1),
    "king": (1, 1, 1),
    "queen": (-1, 1, 1),
    "boy": (1, -1, 0.1),
    "girl": (-1, -1, 0.1),
}


def table():
    vectors = np.array(list(WORDS.values()), dtype=float)
    return WordTable(tuple(WORDS), vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def network_of(rows, counts=None):
    made = SimpleNamespace(vectors=lambda: torch.tensor(rows, dtype=torch.float32))
    if counts is not None:
        made.counts = torch.tensor(counts, dtype=torch.float32)
    return made


def test_the_nearest_words_have_the_largest_cosine():
    (found,) = nearest_words(table(), ("man",), count=2)
    (first, cosine), (second, _) = found
    assert (first, second) == ("king", "queen")
    king, man = np.array(WORDS["king"]), np.array(WORDS["man"])
    assert cosine == pytest.approx(king @ man / np.linalg.norm(king) / np.linalg.norm(man))


def test_king_less_man_plus_woman_is_queen():
    answers, asked = analogies(table(), {"sexes": (("man", "king"), ("woman", "queen"))})
    assert asked == 2
    assert [one.answer for one in answers] == ["queen", "king"]


def test_only_questions_of_known_words_are_asked():
    pairs = (("man", "woman"), ("king", "queen"), ("uncle", "aunt"))
    answers, asked = analogies(table(), {"sexes": pairs})
    assert (len(answers), asked) == (2, 6)
    assert analogies(table(), {"nothing": (("a", "b"), ("c", "d"))}) == ([], 2)


def test_the_frequent_spelling_stands_for_all_and_marks_are_left_out():
    preparation = SimpleNamespace(tokens=Words(["Man", " man", " woman", "."]))
    rows = [[0.0, 0]] * 5 + [[1, 0], [0, 2], [0, -1], [1, 1]]
    by_counts = word_table(network_of(rows, [0] * 5 + [1, 7, 3, 9]), preparation)
    assert by_counts.words == ("man", "woman")
    assert by_counts.vectors.tolist() == [[0, 1], [0, -1]]
    assert word_table(network_of(rows), preparation).vectors[0].tolist() == [1, 0]


def test_the_map_keeps_the_two_widest_directions():
    flat = np.array([[3.0, 0, 1], [-3, 0, 1], [0, 1, 1], [0, -1, 1]])
    found = word_map(flat)
    assert np.allclose(np.abs(found), [[3, 0], [3, 0], [0, 1], [0, 1]])
    assert word_map(np.ones((3, 1))).shape == (3, 2)


def test_what_a_report_shows():
    preparation = SimpleNamespace(tokens=Words([f" {word}" for word in WORDS]))
    rows = [[0.0, 0, 0]] * 5 + [list(map(float, one)) for one in WORDS.values()]
    made = word_specimens(network_of(rows), preparation, None, np.arange(3), 0)
    named = next(one for one in made["tables"] if one["title"] == TABLE)
    assert [row[0] for row in named["rows"]] == list(WORDS)
    assert made["arrays"]["word_map"].shape == (6, 2)
    assert "right" in made["sentences"][0]
    assert all(len(row) == len(one["columns"]) for one in made["tables"] for row in one["rows"])


def test_few_words_show_nothing():
    preparation = SimpleNamespace(tokens=Words([" a"]))
    made = word_specimens(network_of([[0.0]] * 6), preparation, None, np.arange(1), 0)
    assert made == {"sentences": [], "tables": [], "arrays": {}}
