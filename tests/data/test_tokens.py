"""Text becomes numbers and comes back; only training text decides what a number means."""

import numpy as np
import pytest

from layerwise.data.tokens import RESERVED, UNKNOWN, fit_tokens, load_tokens
from layerwise.errors import DataError, SettingsError

TEXTS = ["so it is, so it was", "it is said: “naïve” 🙂", " two  spaces\n"] * 2


@pytest.mark.parametrize("kind", ["characters", "bytes", "words", "bpe"])
class TestEveryKind:
    def fit(self, kind):
        if kind == "bpe":
            pytest.importorskip("tokenizers", reason="needs the extra 'text'")
        return fit_tokens(kind, TEXTS, 300 if kind == "bpe" else None)

    def test_training_text_comes_back_unchanged(self, kind):
        tokens = self.fit(kind)
        assert [tokens.decode(row) for row in tokens.encode(TEXTS)] == TEXTS

    def test_numbers_are_symbols_of_the_vocabulary(self, kind):
        tokens = self.fit(kind)
        codes = np.concatenate(tokens.encode(TEXTS))
        assert codes.dtype == np.int32
        assert codes.min() >= RESERVED
        assert codes.max() < tokens.size

    def test_what_it_knows_is_json(self, kind):
        tokens = self.fit(kind)
        again = load_tokens(tokens.to_json())
        assert again.size == tokens.size
        assert [row.tolist() for row in again.encode(TEXTS)] == [
            row.tolist() for row in tokens.encode(TEXTS)
        ]

    def test_marks_are_no_text(self, kind):
        tokens = self.fit(kind)
        assert tokens.decode([0, 1, 2, 4]) == ""
        assert (tokens.encode(["<end>"])[0] != 2).all()

    def test_an_empty_text_has_no_tokens(self, kind):
        assert len(self.fit(kind).encode([""])[0]) == 0


class TestUnknown:
    def test_characters(self):
        tokens = fit_tokens("characters", ["abc"])
        assert tokens.encode(["aXc"])[0].tolist() == [5, UNKNOWN, 7]
        assert tokens.decode([5, UNKNOWN]) == "a\ufffd"
        assert dict(tokens.unknown(["aXX", "Yb"])) == {"X": 2, "Y": 1}

    def test_words_that_occur_once_teach_what_unknown_is(self):
        tokens = fit_tokens("words", ["one two two"])
        assert tokens.symbols == (" two",)
        assert tokens.encode(["one two"])[0].tolist() == [UNKNOWN, 5]
        assert dict(tokens.unknown(["one two"])) == {"one": 1}

    def test_bytes_know_everything(self):
        tokens = fit_tokens("bytes", ["a"])
        assert not tokens.unknown(["日本"])
        assert tokens.decode(tokens.encode(["日本"])[0]) == "日本"


def test_the_most_frequent_words_are_kept():
    tokens = fit_tokens("words", ["a a a b b c c c c"], RESERVED + 2)
    assert tokens.symbols == (" c", " a")


@pytest.mark.parametrize(
    ("kind", "size", "says"),
    [
        ("words", 5, "vocabulary must be above 5"),
        ("bpe", 260, "vocabulary must be 261 or more for bpe"),
        ("characters", 100, "goes with --data.tokens words or bpe"),
        ("bytes", 100, "goes with --data.tokens words or bpe"),
        ("letters", None, "'letters' is not known"),
    ],
)
def test_vocabularies_that_cannot_be(kind, size, says):
    with pytest.raises(SettingsError, match=says):
        fit_tokens(kind, ["a a b"], size)


def test_words_need_one_that_occurs_twice():
    with pytest.raises(DataError, match="No word occurs twice"):
        fit_tokens("words", ["all words differ"])
