"""Training rows decide vocabulary and context; every character is predicted exactly once."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from pandas import DataFrame, Series
from text_cases import NAMES, NONE, POEM, lines, pieces, prepared, reviews

from layerwise.contracts import Target
from layerwise.data.datasets import TensorDataset
from layerwise.data.forms import FORMS, Prepared, fit_preparation, preparation_class
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.data.text import as_text
from layerwise.data.text_preparation import TextPreparation
from layerwise.data.tokens import END, START, UNKNOWN
from layerwise.errors import DataError

LIKED_ROLES = Roles(target=("liked",))
LIKED = Target("binary", ("liked",), ("no", "yes"))


def all_of(preparation, source):
    return preparation.dataset(source).batch(torch.arange(len(source.frame)))


class TestLines:
    def test_a_line_is_its_tokens_and_an_end_behind_a_start(self):
        source = lines()
        preparation = prepared(source)
        batch = all_of(preparation, source)
        decoded = [preparation.tokens.decode(row) for row in batch.targets.tolist()]
        assert decoded == NAMES
        lengths = (batch.targets != 0).sum(dim=1)
        assert lengths.tolist() == [len(name) + 1 for name in NAMES]
        assert (batch.targets[torch.arange(8), lengths - 1] == END).all()
        assert (batch.inputs[:, 0] == START).all()
        assert torch.equal(batch.inputs[:, 1:][batch.targets[:, 1:] != 0],
                           batch.targets[:, :-1][batch.targets[:, 1:] != 0])  # fmt: skip

    def test_the_context_is_the_longest_training_line_and_its_end(self):
        source = lines()
        assert prepared(source).input_shape == (len("hannah") + 1,)
        assert prepared(source, rows=[0, 2]).input_shape == (len("anna") + 1,)

    def test_longer_lines_are_cut_and_this_is_said(self):
        source = lines(context=4)
        preparation = prepared(source)
        assert "5 of them are cut (--data.context)" in preparation.fitted_in_words()["context"]
        assert "5 of 8 texts are longer than the context of 4" in preparation.check(source)[0]
        batch = all_of(preparation, source)
        assert batch.targets.shape == (8, 4)
        assert END not in batch.targets[NAMES.index("banana")]  # no false end is learned

    def test_very_long_lines_are_cut_unless_asked(self):
        source = lines(["a" * 400, "b"])
        assert prepared(source).input_shape == (256,)
        assert prepared(lines(["a" * 400, "b"], context=500)).input_shape == (500,)

    def test_rows_weigh_as_many_characters_as_they_predict(self):
        source = lines()
        preparation = prepared(source)
        weights = preparation.row_weights(source, np.array([2, 0]))
        assert weights.tolist() == [len("nan") + 1, len("anna") + 1]
        cut = prepared(lines(context=4))
        assert cut.row_weights(source, np.array([0, 2])).tolist() == [4, 4]


class TestPieces:
    def test_every_character_is_predicted_once_from_those_before(self):
        source = pieces()
        preparation = prepared(source)
        batch = all_of(preparation, source)
        kept = batch.targets[batch.targets != 0]
        assert preparation.tokens.decode(kept.tolist()) == POEM
        inputs = batch.inputs[batch.targets != 0]
        assert inputs[0] == START
        assert torch.equal(inputs[1:], kept[:-1])

    def test_they_are_one_matrix_in_which_batches_are_views(self):
        assert isinstance(prepared(pieces()).dataset(pieces()), TensorDataset)

    def test_some_of_the_rows_keep_what_stands_before_them(self):
        source = pieces()
        preparation, rows = prepared(source), np.array([3, 1])
        some, every = all_of(preparation, source.take(rows)), all_of(preparation, source)
        assert torch.equal(some.inputs, every.inputs[rows])

    def test_neighbours_are_drawn_together(self):
        source = pieces()
        groups = prepared(source).groups(source, np.arange(len(source.frame)))
        assert groups.tolist() == [row // 16 for row in range(len(source.frame))]

    @pytest.mark.parametrize("tokens", ["bytes", "words", "bpe"])
    def test_characters_are_counted_whatever_the_tokens(self, tokens):
        if tokens == "bpe":
            pytest.importorskip("tokenizers", reason="needs the extra 'text'")
        text = "the naïve cat, the naïve rat. " * 20
        source = pieces(text, tokens=tokens)
        weights = prepared(source).row_weights(source, np.arange(len(source.frame)))
        assert weights.sum() == len(text)


class TestUnknown:
    def test_tokens_of_an_earlier_run_are_not_learned_anew(self):
        earlier = prepared(lines(["ab", "ba", "abba"]))
        taken = {"form": "text", "tokens": earlier.to_json()["tokens"],
                 "tokens_from": {"run": "before", "rows": 3}}  # fmt: skip
        source = lines(["bad", "b"])
        made = fit_preparation(source, Roles(), (), NONE, np.arange(2), taken=taken)
        assert made.to_json()["tokens"] == {"kind": "characters", "symbols": "ab"}
        assert made.fitted_in_words()["vocabulary"] == (
            "7 characters and marks, from 3 training rows of run before"
        )
        assert "such as 'd'" in made.check(source)[0]
        own = fit_preparation(
            source, Roles(), (), NONE, np.arange(2), taken={**taken, "form": "pairs"}
        )
        assert own.to_json()["tokens"]["symbols"] == "abd"

    def test_only_training_rows_make_the_vocabulary(self):
        source = lines(["ab", "ba", "xyz"])
        preparation = prepared(source, rows=[0, 1])
        assert preparation.tokens.symbols == "ab"
        batch = preparation.dataset(source).batch(torch.tensor([2]))
        assert batch.targets[0].tolist() == [UNKNOWN] * 3  # context 3: the end is cut
        said = preparation.check(source.take(np.array([2])))[0]
        assert said.startswith("3 characters are not in the vocabulary of the training rows")
        assert "such as 'x' (1 times)" in said

    def test_known_text_needs_no_words(self):
        assert prepared(lines()).check(lines()) == ()


class TestLabels:
    def test_inputs_are_the_tokens_and_targets_the_labels(self):
        source = reviews()
        preparation = TextPreparation.fit(source, LIKED_ROLES, LIKED, np.arange(20))
        batch = preparation.dataset(source).batch(torch.arange(4))
        assert batch.targets.tolist() == [1, 1, 0, 0]
        assert batch.targets.dtype == torch.float32
        assert preparation.tokens.decode(batch.inputs[0].tolist()) == "a fine good film"
        assert preparation.truth(source, np.array([0, 2])).tolist() == [1, 0]
        assert preparation.class_weights.tolist() == [1, 1]
        assert preparation.row_weights(source, np.arange(4)) is None

    def test_amounts_are_standardized_and_come_back(self):
        source = reviews()
        target = Target("real", ("stars",))
        preparation = TextPreparation.fit(source, Roles(target=("stars",)), target, np.arange(20))
        found = preparation.dataset(source).batch(torch.arange(20)).targets
        assert abs(float(found.mean())) < 1e-6
        again = preparation.in_units(found)[:, 0]
        assert again.tolist() == pytest.approx(source.frame["stars"][:20].tolist())

    def test_a_row_without_text_is_unknown(self):
        frame = DataFrame({"text": ["a a", None, "a"], "liked": ["no", "yes", "no"]})
        source = as_text(Source("s", frame), "text", {})
        preparation = TextPreparation.fit(source, LIKED_ROLES, LIKED, np.arange(3))
        batch = all_of(preparation, source)
        assert batch.inputs[1].tolist()[0] == UNKNOWN

    def test_without_the_label_a_source_can_still_be_predicted(self):
        preparation = TextPreparation.fit(reviews(), LIKED_ROLES, LIKED, np.arange(20))
        source = reviews()
        source = replace(source, frame=source.frame[["review"]])
        assert preparation.dataset(source).batch(torch.arange(2)).targets is None


class TestIsData:
    @pytest.mark.parametrize("source", [lines(), pieces()], ids=["lines", "pieces"])
    def test_it_is_json_and_tensors(self, source):
        preparation = prepared(source, time=source.roles.get("time"))
        content = json.loads(json.dumps(preparation.to_json()))
        again = TextPreparation(content, preparation.tensors())
        first, second = all_of(preparation, source), all_of(again, source)
        assert torch.equal(first.inputs, second.inputs)
        assert torch.equal(first.targets, second.targets)
        assert again.roles == preparation.roles
        assert again.network_options == {"vocabulary": preparation.tokens.size}

    def test_it_keeps_the_contract_of_its_form(self):
        assert preparation_class("text") is TextPreparation
        assert "text" in FORMS
        assert isinstance(prepared(lines()), Prepared)
        assert prepared(lines()).truth(lines(), np.arange(2)).tolist() == [[0], [0]]

    def test_rows_that_show_the_same_have_the_same_number(self):
        marks = prepared(lines()).fingerprints(lines(["ab", "ba", "ab"]))
        assert marks.dtype == np.uint64
        assert marks[0] == marks[2] != marks[1]
        source = pieces("abab" * 8, context=4)
        marks = prepared(source).fingerprints(source)
        assert marks[0] != marks[1] == marks[2]  # before the first stands nothing


class TestWhatCannotBe:
    def test_a_missing_column_of_text(self):
        source = replace(lines(), frame=DataFrame({"txt": ["a"]}))
        with pytest.raises(DataError, match=r"no column 'text'.*Did you mean 'txt'"):
            prepared(lines()).check(source)

    def test_no_rows(self):
        with pytest.raises(DataError, match="no rows"):
            prepared(lines()).check(lines().take(np.arange(0)))
        with pytest.raises(DataError, match="no training rows"):
            prepared(lines(), rows=[])

    def test_a_language_model_takes_no_weights(self):
        source = lines()
        source = replace(source, frame=source.frame.assign(w=Series(np.ones(8))))
        with pytest.raises(DataError, match="take no --weight"):
            prepared(source, target=NONE, weight="w")
