"""What vectors of words know: nearest neighbours, analogies, and a map of the frequent ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from torch import nn

from layerwise.data.source import Source
from layerwise.data.text_preparation import TextPreparation
from layerwise.data.tokens import RESERVED

MAPPED = 120  # words on the map, those that occur most
NEAREST = 5
AT_ONCE = 512  # words whose neighbours are looked for
TABLE = "Words and the words nearest to them"
SHOWN = 20  # analogies that a report lists

# Pairs that stand in one relation; each two pairs of one list ask one question.
RELATIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "sexes": (
        ("man", "woman"), ("men", "women"), ("boy", "girl"), ("boys", "girls"), ("he", "she"),
        ("his", "her"), ("king", "queen"), ("father", "mother"), ("son", "daughter"),
        ("brother", "sister"), ("uncle", "aunt"), ("husband", "wife"), ("lord", "lady"),
        ("guy", "lady"), ("male", "female"),
    ),
    "plurals": (
        ("man", "men"), ("woman", "women"), ("boy", "boys"), ("girl", "girls"), ("dog", "dogs"),
        ("child", "children"), ("person", "people"), ("horse", "horses"), ("tree", "trees"),
        ("hand", "hands"), ("eye", "eyes"), ("friend", "friends"), ("word", "words"),
        ("car", "cars"), ("bike", "bikes"), ("player", "players"),
    ),
    "doing": (
        ("walk", "walking"), ("run", "running"), ("sit", "sitting"), ("stand", "standing"),
        ("play", "playing"), ("ride", "riding"), ("look", "looking"), ("swim", "swimming"),
        ("jump", "jumping"), ("speak", "speaking"), ("think", "thinking"), ("die", "dying"),
    ),
    "third person": (
        ("walk", "walks"), ("run", "runs"), ("sit", "sits"), ("stand", "stands"),
        ("play", "plays"), ("ride", "rides"), ("look", "looks"), ("speak", "speaks"),
        ("think", "thinks"), ("come", "comes"), ("know", "knows"), ("make", "makes"),
    ),
    "comparison": (
        ("good", "better"), ("great", "greater"), ("large", "larger"), ("small", "smaller"),
        ("high", "higher"), ("young", "younger"), ("old", "older"), ("strong", "stronger"),
    ),
    "opposites": (
        ("good", "bad"), ("large", "small"), ("old", "young"), ("white", "black"), ("day", "night"),
        ("up", "down"), ("left", "right"), ("open", "closed"), ("true", "false"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class WordTable:
    """Words in the order of how often they occur, each with its vector of length 1.

    words : (words,), in small letters, without the space before them
    vectors : (words, size) float64
    """

    words: tuple[str, ...]
    vectors: np.ndarray

    def number(self, word: str) -> int | None:
        """Row of a word; None where it is not known."""
        return self._numbers.get(word)

    def __post_init__(self):
        numbers = {word: number for number, word in enumerate(self.words)}
        object.__setattr__(self, "_numbers", numbers)
        self._numbers: dict[str, int]


@dataclass(frozen=True)
class Analogy:
    """A question "a is to b as c is to what", what is right, and what was answered."""

    relation: str
    asked: tuple[str, str, str]
    right: str
    answer: str


def word_table(network: Any, preparation: TextPreparation) -> WordTable:
    """The vectors of a network with ``vectors`` and the words they belong to.

    Of spellings that differ in the space before or in capitals the most frequent one stands for
    all; what has no letter is left out.
    """
    vectors = network.vectors().detach().cpu().double().numpy()
    tokens = np.arange(RESERVED, len(vectors))
    if hasattr(network, "counts"):
        counts = network.counts.cpu().numpy()[RESERVED:]
        tokens = tokens[np.argsort(-counts, kind="stable")]
    first: dict[str, int] = {}
    for token in tokens.tolist():
        word = preparation.tokens.decode([token]).strip().lower()
        if any(letter.isalpha() for letter in word):
            first.setdefault(word, token)
    chosen = vectors[list(first.values())]
    lengths = np.linalg.norm(chosen, axis=1, keepdims=True)
    return WordTable(tuple(first), chosen / np.maximum(lengths, 1e-12))


def nearest_words(
    table: WordTable, words: tuple[str, ...], count: int = NEAREST
) -> list[list[tuple[str, float]]]:
    """The ``count`` other words of largest cosine to each word, with it; best first."""
    numbers = [table.number(word) for word in words]
    assert None not in numbers, "words of the table are asked for"
    found = []
    for start in range(0, len(numbers), AT_ONCE):
        some = np.array(numbers[start : start + AT_ONCE], dtype=int)
        likeness = table.vectors[some] @ table.vectors.T
        likeness[np.arange(len(some)), some] = -np.inf
        best = np.argsort(-likeness, axis=1, kind="stable")[:, : min(count, len(table.words) - 1)]
        found += [
            [(table.words[word], float(row[word])) for word in places]
            for row, places in zip(likeness, best, strict=True)
        ]
    return found


def analogies(
    table: WordTable, relations: dict[str, tuple[tuple[str, str], ...]] = RELATIONS
) -> tuple[list[Analogy], int]:
    """Answers to all questions whose four words are known, and how many questions there are.

    Source: Mikolov, Yih and Zweig 2013, "Linguistic regularities in continuous space word
    representations", section 4: the word with the largest cosine to b - a + c, but none of these
    three (3CosAdd).
    """
    asked = [(name, *one, *other) for name, one, other in _questions(relations)]
    known = [one for one in asked if None not in map(table.number, one[1:])]
    if not known:
        return [], len(asked)
    a, b, c = (np.array([table.number(one[place]) for one in known], int) for place in (1, 2, 3))
    likeness = (table.vectors[b] - table.vectors[a] + table.vectors[c]) @ table.vectors.T
    for place in (a, b, c):
        likeness[np.arange(len(known)), place] = -np.inf
    best = likeness.argmax(axis=1)
    answers = [
        Analogy(one[0], one[1:4], one[4], table.words[word])
        for one, word in zip(known, best, strict=True)
    ]
    return answers, len(asked)


def word_map(vectors: np.ndarray) -> np.ndarray:
    """Places of vectors in the plane of their two widest directions, (words, 2); PCA."""
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    directions = np.vstack([directions, np.zeros((2, vectors.shape[1]))])[:2]
    return centred @ directions.T


def word_specimens(
    network: nn.Module, preparation: TextPreparation, source: Source, rows: np.ndarray, seed: int
) -> dict[str, Any]:
    """What a report shows of a network with ``vectors``: neighbours, analogies and the map.

    Nothing is drawn by chance and no row is looked at.

    returns : "sentences", "tables" and "arrays"; row number i of the table ``TABLE`` is the word
        at row i of "word_map" (words, 2)
    """
    table = word_table(network, preparation)
    if len(table.words) < 3:
        return {"sentences": [], "tables": [], "arrays": {}}
    words = table.words[:MAPPED]
    near = [", ".join(word for word, _ in some) for some in nearest_words(table, words)]
    answers, asked = analogies(table)
    return {
        "sentences": [_in_words(answers, asked)],
        "tables": [
            {
                "title": TABLE,
                "columns": ["word", f"the {NEAREST} nearest, by cosine"],
                "rows": [list(pair) for pair in zip(words, near, strict=True)],
            },
            *_analogy_table(answers),
        ],
        "arrays": {"word_map": word_map(table.vectors[:MAPPED]).astype(np.float32)},
    }


def _questions(relations: dict) -> Iterator[tuple[str, tuple[str, str], tuple[str, str]]]:
    """Every two pairs of one relation that share no word, in both orders."""
    for name, pairs in relations.items():
        for one, other in permutations(pairs, 2):
            if not set(one) & set(other):
                yield name, one, other


def _in_words(answers: list[Analogy], asked: int) -> str:
    """How many analogies are right, of those that can be asked."""
    if not answers:
        return f"None of {asked:,} analogies has all four words in the vocabulary."
    right = sum(one.answer == one.right for one in answers)
    return (
        f"Analogies: {right} of {len(answers)} right ({100 * right / len(answers):.0f} %), the "
        f"questions whose four words are in the vocabulary, out of {asked:,}."
    )


def _analogy_table(answers: list[Analogy]) -> list[dict[str, Any]]:
    """Some analogies, evenly from all; none where there are none."""
    if not answers:
        return []
    places = np.linspace(0, len(answers) - 1, min(SHOWN, len(answers)), dtype=int)
    return [
        {
            "title": "Analogies",
            "columns": ["is", "to", "as", "to, right", "the nearest word"],
            "rows": [[*one.asked, one.right, one.answer] for one in (answers[p] for p in places)],
        }
    ]
