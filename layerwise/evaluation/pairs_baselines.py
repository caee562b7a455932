"""Simple translations: the source as it is, and word by word from a dictionary of the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from time import monotonic

import numpy as np

from layerwise.data.pair_preparation import PairPreparation, as_objects, texts_of
from layerwise.data.source import Source
from layerwise.errors import SettingsError, nearest
from layerwise.evaluation.baselines import BaselineResult

NAMES = ("copy", "dictionary")
WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
ROUNDS = 8  # of expectation and maximization
MOST_COUPLES = 20_000_000  # words of a source times words of its translation, summed over pairs


def fit(
    names: Sequence[str],
    source: Source,
    preparation: PairPreparation,
    parts: np.ndarray,
    *,
    seconds: float,
    seed: int,
) -> list[BaselineResult]:
    """Translate every row by simple methods.

    Parameters
    ----------
    names : sequence of str
        "copy": the source as it is. "dictionary": each word by the likeliest one.
    source, preparation : Source, PairPreparation
        The rows; the tokenizers of the network are not used.
    parts : array of str
        (rows,); the dictionary learns from the rows with "train".
    seconds : float
        For all of them together.
    seed : int
        Not used: nothing is drawn.

    Returns
    -------
    list of BaselineResult
        Scores are (rows,) objects: texts; None where nothing was fitted.
    """
    began = monotonic()
    return [_fitted(name, source, np.asarray(parts), began + seconds) for name in names]


def _fitted(name: str, source: Source, parts: np.ndarray, ends: float) -> BaselineResult:
    began, texts = monotonic(), texts_of(source, "source")
    if name == "copy":
        return BaselineResult(name, as_objects(texts), monotonic() - began, "Nothing is fitted.")
    if name != "dictionary":
        raise SettingsError(f"There is no baseline '{name}' of pairs.{nearest(name, NAMES)}")
    rows = np.flatnonzero(parts == "train")
    if not len(rows):
        empty = np.full(len(texts), None, dtype=object)
        return BaselineResult(name, empty, 0.0, "Not fitted: there are no training rows.")
    words, note = learn_dictionary(
        texts_of(source, "source", rows), texts_of(source, "target", rows), ends
    )
    said = as_objects([word_by_word(text, words) for text in texts])
    return BaselineResult(name, said, monotonic() - began, note)


def word_by_word(text: str, words: dict[str, str]) -> str:
    """The text with each word in another language; what is not in the dictionary stays."""
    return WORD.sub(lambda found: words.get(found[0], found[0]), text)


def learn_dictionary(
    sources: Sequence[str], targets: Sequence[str], ends: float = float("inf")
) -> tuple[dict[str, str], str]:
    """Give the likeliest translation of each word of the sources, and how it was learned.

    Source: Brown et al. 1993, "The mathematics of statistical machine translation",
    Computational Linguistics 19, model 1: every target word comes from one of the source's words,
    or from none, all places being as likely. Expectation and maximization over all pairs at once.

    ends : by the monotonic clock, in seconds; the rounds stop there
    """
    source_words, of_sources = _coded([["", *WORD.findall(text)] for text in sources])  # "" is none
    target_words, of_targets = _coded([WORD.findall(text) for text in targets])
    pairs = _fitting(of_sources, of_targets)
    place, couple, chances, keys = _couples(of_sources[:pairs], of_targets[:pairs], target_words)
    rounds = 0
    for _ in range(ROUNDS):
        if monotonic() > ends and rounds:
            break
        chances, rounds = _round(place, couple, chances, keys // len(target_words)), rounds + 1
    words = _likeliest(chances, keys, source_words, target_words)
    return words, (
        f"{len(words):,} words from {pairs:,} training pairs, {rounds} rounds of IBM model 1."
    )


def _coded(texts: list[list[str]]) -> tuple[list[str], list[np.ndarray]]:
    """The words, and each text as their numbers."""
    numbers: dict[str, int] = {}
    coded = [
        np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.int64)
        for words in texts
    ]
    return list(numbers), coded


def _fitting(sources: list[np.ndarray], targets: list[np.ndarray]) -> int:
    """How many pairs, from the first on, fit into the memory that is allowed."""
    sizes = np.cumsum([len(a) * len(b) for a, b in zip(sources, targets, strict=True)])
    return max(1, int(np.searchsorted(sizes, MOST_COUPLES, side="right")))


def _couples(
    sources: list[np.ndarray], targets: list[np.ndarray], target_words: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Every source word beside every target word of its pair.

    Gives of each couple the number of its target place and of its (source word, target word),
    and of each such two words the chance to begin with and the key.
    """
    places = np.cumsum([0, *map(len, targets)])
    place = np.concatenate(
        [np.repeat(np.arange(a, b), len(s)) for a, b, s in
         zip(places[:-1], places[1:], sources, strict=True)]
    )  # fmt: skip
    first = np.concatenate([np.tile(s, len(t)) for s, t in zip(sources, targets, strict=True)])
    second = np.concatenate([np.repeat(t, len(s)) for s, t in zip(sources, targets, strict=True)])
    keys, couple = np.unique(first * len(target_words) + second, return_inverse=True)
    return place, couple, np.ones(len(keys)), keys


def _round(
    place: np.ndarray, couple: np.ndarray, chances: np.ndarray, source_word: np.ndarray
) -> np.ndarray:
    """New chances of a target word given a source word, (two words,).

    Brown et al. 1993, eq. 17 and 14: what a target word takes from each source word of its pair,
    summed over all pairs, and divided so that the chances of each source word sum to 1.
    """
    each = chances[couple]
    shares = each / np.bincount(place, each)[place]
    counts = np.bincount(couple, shares, minlength=len(chances))
    return counts / np.bincount(source_word, counts)[source_word]


def _likeliest(
    chances: np.ndarray, keys: np.ndarray, source_words: list[str], target_words: list[str]
) -> dict[str, str]:
    """Source word -> the target word with the highest chance; the empty word has none."""
    order = np.lexsort((keys, -chances, keys // len(target_words)))
    sources, targets = np.divmod(keys[order], len(target_words))
    first = np.flatnonzero(np.diff(sources, prepend=-1))
    found = zip(sources[first].tolist(), targets[first].tolist(), strict=True)
    return {source_words[one]: target_words[other] for one, other in found if source_words[one]}
