"""Text becomes examples: lines, or pieces in order; what cannot be is explained."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame
from text_cases import reviews

from layerwise.contracts import Target
from layerwise.data import read
from layerwise.data.roles import Roles
from layerwise.data.source import Source
from layerwise.data.split import split_rows
from layerwise.data.text import as_text, is_text_file, read_text, source_of_text
from layerwise.errors import DataError, SettingsError


def write(tmp_path, content, name="some.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


class TestLines:
    def test_short_lines_are_examples_and_this_is_said(self, tmp_path):
        source = read_text(write(tmp_path, "emma\nolivia\nava"), {})
        assert source.form == "text"
        assert source.frame["text"].tolist() == ["emma", "olivia", "ava"]
        assert "Every line is an example: 3 lines" in source.notes[0]
        assert source.options["lines"] is True
        assert source.roles == {}

    def test_empty_lines_are_left_out_aloud(self, tmp_path):
        source = read_text(write(tmp_path, "a\n\n  \nb\n"), {"lines": True})
        assert source.frame["text"].tolist() == ["a", "b"]
        assert "2 empty lines of 4 left out." in source.notes[-1]

    def test_windows_ends_of_lines(self, tmp_path):
        source = read_text(write(tmp_path, "a\r\nb\r\n"), {})
        assert source.frame["text"].tolist() == ["a", "b"]
        assert any("CR LF" in note for note in source.notes)

    def test_a_packed_file(self, tmp_path):
        path = write(tmp_path, gzip.compress(b"a\nb"), "some.txt.gz")
        assert read_text(path, {}).frame["text"].tolist() == ["a", "b"]


class TestPieces:
    def test_text_is_cut_in_order_and_each_piece_knows_what_stands_before_it(self):
        source = source_of_text("abcdefghij", {"lines": False, "context": 4}, "letters")
        assert source.frame["text"].tolist() == ["abcd", "efgh", "ij"]
        assert source.frame["before"].tolist() == ["", "d", "h"]
        assert source.frame["position"].tolist() == [0, 4, 8]
        assert source.roles == {"time": "position"}

    def test_empty_or_long_lines_make_it_one_text(self, tmp_path):
        for content in ("one\n\ntwo " * 20, f"{'long ' * 60}\nshort"):
            source = read_text(write(tmp_path, content), {})
            assert source.options["lines"] is False
            assert "".join(source.frame["text"]) == content

    def test_the_past_is_for_training(self):
        source = source_of_text("x" * 100, {"lines": False, "context": 5}, "text")
        found = split_rows(
            source, Roles(time="position"), Target("none"), validation=0.2, test=0.2, seed=0
        )
        assert found.method == "time"
        assert found.rows("test").tolist() == [16, 17, 18, 19]

    def test_pieces_of_words_and_byte_pairs_are_longer(self):
        source = source_of_text("y" * 64, {"lines": False, "context": 4, "tokens": "words"}, "text")
        assert source.frame["text"].str.len().tolist() == [16] * 4

    def test_its_options_read_another_file_alike(self, tmp_path):
        first = read_text(write(tmp_path, "abcdefgh" * 4), {"lines": False, "context": 8})
        other = read_text(write(tmp_path, "a\nb\nc\nd\ne\nf", "other.txt"), first.options)
        assert other.frame["text"].tolist() == ["a\nb\nc\nd\n", "e\nf"]


class TestWhatCannotBe:
    @pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\n"])
    def test_a_file_without_text(self, tmp_path, content):
        with pytest.raises(DataError, match=r"is empty|nothing but blank lines"):
            read_text(write(tmp_path, content), {"lines": True})

    def test_bytes_that_are_not_of_the_named_encoding(self, tmp_path):
        with pytest.raises(DataError, match=r"is not utf-8.*Give another encoding"):
            read_text(write(tmp_path, b"caf\xe9\nth\xe9\n"), {"encoding": "utf-8"})

    def test_bytes_of_an_older_encoding_are_read_and_this_is_said(self, tmp_path):
        source = read_text(write(tmp_path, b"caf\xe9\nth\xe9\n"), {})
        assert source.frame["text"].tolist() == ["café", "thé"]
        assert "is not UTF-8" in source.notes[0]

    def test_bytes_that_are_no_text(self, tmp_path):
        with pytest.raises(DataError, match="no text"):
            read_text(write(tmp_path, bytes(range(1, 32)) * 50), {})

    def test_less_than_one_piece(self):
        with pytest.raises(DataError, match=r"10 characters.*less than one piece of 64"):
            source_of_text("a\n\nbcdefgh", {}, "little")

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"lines": "maybe"}, "lines must be true, false or auto, got 'maybe'"),
            ({"context": 1}, "context must be a whole number from 2 on, got '1'"),
            ({"context": "long"}, "got 'long'"),
            ({"tokens": "letters"}, "tokens 'letters' is not known.*characters"),
            ({"vocabulary": 0}, "vocabulary must be a whole number from 1 on"),
        ],
    )
    def test_options(self, options, says):
        with pytest.raises(SettingsError, match=says):
            source_of_text("a\nb\n", options, "text")


class TestTables:
    def test_the_other_columns_stay(self):
        source = reviews(8)
        assert source.form == "text"
        assert list(source.frame) == ["review", "liked", "stars"]
        assert source.options["text"] == "review"
        assert "read as text, by words" in source.notes[-1]

    def test_rows_without_text_are_counted(self):
        frame = DataFrame({"text": ["a", None, ""]})
        assert "2 rows of 3 have no text" in as_text(Source("s", frame), "text", {}).notes[-1]

    @pytest.mark.parametrize(
        ("column", "says"),
        [
            ("reviw", r"'reviw' is not in s.*Did you mean 'review'"),
            ("stars", r"'stars' of s holds numbers, such as 1.5"),
            ("day", "holds dates"),
            ("empty", "'empty' of s is empty"),
        ],
    )
    def test_columns_that_are_no_text(self, column, says):
        frame = DataFrame({"review": ["a"], "stars": [1.5], "empty": [None]})
        frame["day"] = np.array(["2020-01-01"], dtype="datetime64[s]")
        with pytest.raises(DataError, match=says):
            as_text(Source("s", frame), column, {})

    def test_a_table_is_not_one_long_text(self):
        with pytest.raises(SettingsError, match="lines false goes with a file"):
            reviews(8, lines=False)


@pytest.mark.parametrize(
    ("content", "name", "is_text"),
    [
        ("emma\nolivia\n", "names.txt", True),
        ("Once, there was\na cat.\n\nIt sat, and sat, down.", "story.txt", True),
        ("a\tb\n1\t2\n", "table.txt", False),
        ("a,b\n1,2\n", "table.txt", False),
        ("x y\n1 2\n3 4\n", "numbers.txt", False),
        ("1\n2\n3\n", "numbers.txt", False),
        ("# Title\n\nWords.\n", "notes.md", True),
        ("emma\nolivia\n", "names.csv", False),
        ("emma\nolivia\n", "names", False),
    ],
)
def test_text_is_told_from_tables(tmp_path, content, name, is_text):
    assert is_text_file(write(tmp_path, content, name)) is is_text


def test_pythons_reference_is_embedded():
    source = read("python_reference")
    assert source.form == "text"
    assert sum(map(len, source.frame["text"])) > 100_000


@pytest.mark.parametrize(
    ("name", "rows", "first"), [("names", 32033, "emma"), ("tinyshakespeare", 17429, "First Citi")]
)
def test_real_text(name, rows, first, monkeypatch):
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("LAYERWISE_DATA", beside))
    if not (folder / name).is_dir():
        pytest.skip(f"{folder / name} is not here")
    monkeypatch.setenv("LAYERWISE_DATA", str(folder))
    source = read(name)
    assert len(source.frame) == rows
    assert source.frame["text"].iloc[0].startswith(first)
