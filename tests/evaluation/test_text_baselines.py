"""Baselines of text are fitted on training rows and comparable with the network's outputs."""

import numpy as np
import pytest
import torch
from text_cases import NONE, counted, lines, pieces, prepared, reviews

from layerwise.contracts import Target
from layerwise.data.datasets import Rows
from layerwise.data.roles import Roles
from layerwise.data.text_preparation import TextPreparation
from layerwise.evaluation.baselines import BASELINES, WITHOUT_LABELS
from layerwise.evaluation.evaluate import predict
from layerwise.evaluation.text_baselines import fit
from layerwise.tasks.next_token import NextToken

LIKED = Target("binary", ("liked",), ("no", "yes"))


def parts(rows, train=0.5, validation=0.25):
    places = np.arange(rows) / rows
    return np.where(places < train, "train", np.where(places < train + validation,
                                                      "validation", "test"))  # fmt: skip


def fitted(names, source, preparation, divided):
    return {one.name: one for one in fit(names, source, preparation, divided, seconds=20, seed=0)}


class TestLanguageModels:
    @pytest.mark.parametrize("source", [lines(), pieces()], ids=["lines", "pieces"])
    def test_they_are_what_the_network_would_say(self, source):
        divided = parts(len(source.frame))
        train = np.flatnonzero(divided == "train")
        preparation = prepared(source, train)
        found = fitted(("unigram", "ngram"), source, preparation, divided)
        network = counted(preparation, source.take(train), order=1)
        dataset = preparation.dataset(source)
        said = predict(network, NextToken(NONE), Rows(dataset, torch.arange(len(divided))))
        assert np.allclose(found["unigram"].scores, said.numpy(), atol=1e-5)

    def test_validation_rows_choose_the_length(self):
        source = pieces()
        divided = parts(len(source.frame))
        preparation = prepared(source, np.flatnonzero(divided == "train"))
        found = fitted(("unigram", "ngram"), source, preparation, divided)
        test = divided == "test"
        assert found["ngram"].scores[test].mean() < found["unigram"].scores[test].mean()
        assert "suits the validation rows best" in found["ngram"].note

    def test_without_validation_rows_the_length_is_the_usual_one(self):
        source = pieces()
        divided = parts(len(source.frame), validation=0)
        preparation = prepared(source, np.flatnonzero(divided == "train"))
        note = fitted(("ngram",), source, preparation, divided)["ngram"].note
        assert note.startswith("3-grams")
        assert "no validation rows" in note

    def test_test_rows_decide_nothing(self):
        source, other = (
            lines(),
            lines([*"".join("anna hanna nan ahab").split(), *["ab", "ba", "aa", "b"]]),
        )
        divided = parts(8)
        preparation = prepared(source, np.flatnonzero(divided == "train"))
        one, two = (
            fitted(("ngram",), each, preparation, np.where(divided == "train", "train", "test"))
            for each in (source, other)
        )
        train = divided == "train"
        assert np.array_equal(one["ngram"].scores[train], two["ngram"].scores[train])


class TestLabels:
    def fit(self, target, names, **options):
        source = reviews(80, **options)
        divided = np.array(["train", "train", "train", "train", "validation"] * 16)
        divided[60:] = "test"
        rows = np.flatnonzero(divided == "train")
        preparation = TextPreparation.fit(source, Roles(target=target.names), target, rows)
        return source, divided == "test", fitted(names, source, preparation, divided)

    @pytest.mark.parametrize("tokens", ["words", "characters"])
    def test_the_bag_of_words_tells_classes(self, tokens):
        source, test, found = self.fit(LIKED, ("majority", "bag_of_words"), tokens=tokens)
        scores = found["bag_of_words"].scores
        assert scores.shape == (80, 2)
        assert np.allclose(scores.sum(axis=1), 1)
        right = (scores[:, 1] > 0.5) == (source.frame["liked"] == "yes").to_numpy()
        assert right[test].all()
        assert np.ptp(found["majority"].scores[:, 0]) == 0

    def test_amounts_are_in_the_units_of_the_data(self):
        target = Target("real", ("stars",))
        source, test, found = self.fit(target, ("mean", "bag_of_words"))
        errors = np.abs(found["bag_of_words"].scores[:, 0] - source.frame["stars"].to_numpy())
        assert errors[test].mean() < 0.3
        assert 2 < found["mean"].scores[0, 0] < 4

    def test_baselines_that_need_columns_mean_the_bag_of_words(self):
        _, _, found = self.fit(LIKED, ("majority", "logistic", "boosted_trees"))
        assert list(found) == ["majority", "bag_of_words"]

    def test_text_without_words_is_said(self):
        source = reviews(80)
        source.frame["review"] = "?"
        divided = np.array(["train", "test"] * 40)
        preparation = TextPreparation.fit(
            source, Roles(target=("liked",)), LIKED, np.flatnonzero(divided == "train")
        )
        found = fitted(("bag_of_words",), source, preparation, divided)["bag_of_words"]
        assert np.isnan(found.scores).all()
        assert found.note.startswith("Not fitted: scikit-learn said: empty vocabulary")


def test_they_are_in_the_tables():
    assert {"unigram", "ngram", "bag_of_words"} <= set(BASELINES | WITHOUT_LABELS)
