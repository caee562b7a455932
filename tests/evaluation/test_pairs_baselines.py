import numpy as np
import pytest
from translator_cases import ENGLISH, GERMAN, WORDS, pairs

from layerwise.errors import SettingsError
from layerwise.evaluation.pairs_baselines import fit, learn_dictionary, word_by_word


def plain_model_1(sources, targets, rounds):
    """IBM model 1, one couple of words after the other: t(f | e)."""
    chance = {}
    for _ in range(rounds):
        counts, totals = {}, {}
        for source, target in zip(sources, targets, strict=True):
            words = ["", *source.split()]
            for f in target.split():
                below = sum(chance.get((f, e), 1.0) for e in words)
                for e in words:
                    share = chance.get((f, e), 1.0) / below
                    counts[f, e] = counts.get((f, e), 0.0) + share
                    totals[e] = totals.get(e, 0.0) + share
        chance = {(f, e): count / totals[e] for (f, e), count in counts.items()}
    return chance


def test_the_dictionary_is_the_likeliest_word_of_ibm_model_1():
    chance = plain_model_1(ENGLISH, GERMAN, 8)
    best = {e: max((p, f) for (f, other), p in chance.items() if other == e)[1] for e in WORDS}
    words, note = learn_dictionary(ENGLISH, GERMAN)
    assert words == best
    assert note.startswith("8 words from 8 training pairs, 8 rounds")


def test_it_finds_the_words_of_a_small_language():
    assert learn_dictionary(ENGLISH, GERMAN)[0] == WORDS


def test_unknown_words_and_signs_are_copied():
    assert word_by_word("The dog, Rex!", {"dog": "Hund"}) == "The Hund, Rex!"


def test_only_training_rows_teach_the_dictionary():
    source = pairs((*ENGLISH, "a bird"), (*GERMAN, "ein Vogel"))
    parts = np.array(["train"] * 8 + ["test"])
    copy, dictionary = fit(["copy", "dictionary"], source, None, parts, seconds=10, seed=0)
    assert copy.scores.tolist() == source.frame["source"].tolist()
    assert dictionary.scores[8] == "ein bird"
    assert dictionary.scores.tolist()[:8] == list(GERMAN)


def test_without_training_rows_it_says_nothing():
    found = fit(["dictionary"], pairs(), None, np.array(["test"] * 8), seconds=10, seed=0)[0]
    assert found.scores.tolist() == [None] * 8
    assert "no training rows" in found.note


def test_the_time_limit_stops_the_rounds_and_is_said():
    _, note = learn_dictionary(ENGLISH, GERMAN, ends=0.0)
    assert "1 rounds" in note


def test_another_name_is_refused():
    with pytest.raises(SettingsError, match=r"no baseline 'dictionry'.*Did you mean 'dictionary'"):
        fit(["dictionry"], pairs(), None, np.array(["train"] * 8), seconds=10, seed=0)
