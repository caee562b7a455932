import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from translator_cases import GERMAN, TEXT, pairs, prepared

from layerwise.data.pair_preparation import PairPreparation
from layerwise.data.roles import Roles
from layerwise.data.tokens import END, START
from layerwise.errors import DataError, SettingsError


def test_tokens_of_an_earlier_run_are_not_learned_anew():
    earlier = prepared()
    taken = {"tokens": earlier.to_json()["tokens"], "tokens_from": {"run": "before", "rows": 8}}
    source = pairs(["zzz"], ["yyy"])
    made = PairPreparation.fit(source, Roles(("target",)), TEXT, np.arange(1), taken=taken)
    assert made.to_json()["tokens"] == earlier.to_json()["tokens"]
    assert all(
        said.endswith("from 8 training rows of run before")
        for said in made.fitted_in_words().values()
    )


def test_targets_are_what_comes_next_and_padding_is_not_counted():
    source = pairs(("ab", "abc"), ("x", "xyz"))
    preparation = prepared(source)
    batch = preparation.dataset(source).batch(torch.arange(2))
    a, b, c = range(5, 8)
    assert batch.inputs["source"].tolist() == [[a, b, END, 0], [a, b, c, END]]
    x, y, z = range(5, 8)
    assert batch.targets.tolist() == [[x, END, 0, 0], [x, y, z, END]]
    assert batch.inputs["target"].tolist() == [[START, x, 0, 0], [START, x, y, z]]
    assert batch.keys.tolist() == [0, 1]


def test_a_batch_is_padded_to_its_own_longest_row():
    source = pairs()
    dataset = prepared(source).dataset(source)
    assert dataset.batch(torch.tensor([0])).inputs["source"].shape == (1, 11)
    assert dataset.batch(slice(0, 3)).inputs["source"].shape == (3, 15)
    assert len(dataset) == 8


@pytest.mark.parametrize("options", [{}, {"tokens": "bpe", "vocabulary": 300}])
def test_texts_come_back(options):
    if "bpe" in options.values():
        pytest.importorskip("tokenizers")
    source = pairs(**options)
    preparation = prepared(source)
    batch = preparation.dataset(source).batch(torch.arange(8))
    assert preparation.in_units(batch.targets).tolist() == list(GERMAN)
    assert preparation.truth(source, np.array([1, 0])).tolist() == [GERMAN[1], GERMAN[0]]


def test_only_training_rows_teach_the_tokenizers():
    source = pairs(("ab", "ab", "zz"), ("x", "x", "yy"))
    preparation = prepared(source, rows=np.array([0, 1]))
    assert preparation.network_options == {"vocabulary": (7, 6)}
    assert preparation.to_json()["inputs"]["fitted"] == {"split": "train", "rows": 2}
    said = " ".join(preparation.check(source))
    assert "Characters of the source that training did not hold: 'z'" in said


def test_it_is_json_and_comes_back():
    source = pairs()
    preparation = prepared(source)
    content = json.loads(json.dumps(preparation.to_json()))
    again = PairPreparation(content, preparation.tensors())
    one, other = (each.dataset(source).batch(torch.arange(8)) for each in (preparation, again))
    assert torch.equal(one.targets, other.targets)
    assert again.input_shape == preparation.input_shape == (128, 128)
    assert "source" in again.fitted_in_words()


def test_longer_texts_than_the_context_are_cut_and_that_is_said():
    source = pairs(context=6)
    preparation = prepared(source)
    batch = preparation.dataset(source).batch(torch.arange(8))
    assert batch.inputs["source"].shape == batch.targets.shape == (8, 6)
    assert END not in batch.targets[0]
    said = preparation.check(source)
    assert said[0].startswith("8 source texts are longer than 6 characters and are cut")
    assert said[1].startswith("8 target texts")


def test_sources_alone_can_be_translated():
    source = pairs()
    alone = replace(source, frame=source.frame[["source"]])
    batch = prepared(source).dataset(alone).batch(torch.arange(2))
    assert batch.targets is None
    assert batch.inputs["target"].tolist() == [[START], [START]]
    assert prepared(source).truth(alone, np.arange(2)).tolist() == [None, None]


def test_rows_of_equal_texts_have_equal_fingerprints():
    source = pairs(("a", "b", "a", "a"), ("x", "x", "x", "y"))
    marks = prepared(source).fingerprints(source)
    assert marks.dtype == np.uint64
    assert marks[0] == marks[2]
    assert len(set(marks.tolist())) == 3


def test_weights_come_with_the_batch():
    source = pairs()
    source.frame["trust"] = np.arange(8.0)
    preparation = prepared(source)
    preparation.roles = replace(preparation.roles, weight="trust")
    assert preparation.dataset(source).batch(torch.arange(2, 4)).weight.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tokens": "syllables"}, "'syllables' is not known"),
        ({"context": "long"}, "--data.context must be a whole number from 2 on"),
        ({"tokens": "words", "vocabulary": 3}, "--data.vocabulary must be a whole number"),
    ],
)
def test_options_that_cannot_be_are_refused(options, says):
    with pytest.raises(SettingsError, match=says):
        prepared(**options)


def test_no_training_rows_are_refused():
    with pytest.raises(DataError, match="no training rows"):
        prepared(rows=np.array([], dtype=int))


def test_a_missing_text_is_refused():
    source = pairs()
    broken = replace(source, frame=source.frame.assign(source=[None, *source.frame["source"][1:]]))
    with pytest.raises(DataError, match="1 row of talk have no text in 'source'"):
        prepared(source).check(broken)
    with pytest.raises(DataError, match="no column 'source'"):
        prepared(source).check(replace(source, frame=source.frame[["target"]]))
