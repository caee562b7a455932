import pytest
from pandas import DataFrame

from layerwise.data.pairs import as_pairs, read_pair_files, read_sentences, to_translate
from layerwise.data.source import Source
from layerwise.data.table import read_table
from layerwise.errors import DataError

ENGLISH = ("A dog runs.", "Two men sit.", "A cat.")
GERMAN = ("Ein Hund rennt.", "Zwei Männer sitzen.", "Eine Katze.")


def write(path, lines, end="\n"):
    path.write_text("\n".join(lines) + end, encoding="utf-8")
    return path


def files(tmp_path, english=ENGLISH, german=GERMAN):
    return write(tmp_path / "talk.en", english), write(tmp_path / "talk.de", german)


def test_two_aligned_files_are_pairs(tmp_path):
    source = read_pair_files(*files(tmp_path), {})
    assert source.form == "pairs"
    assert source.target == ("target",)
    assert source.frame["source"].tolist() == list(ENGLISH)
    assert source.frame["target"].tolist() == list(GERMAN)
    assert source.about == "talk.en and talk.de, 3 pairs"


def test_windows_line_ends_and_latin_1_are_read(tmp_path):
    one, _ = files(tmp_path)
    other = tmp_path / "talk.de"
    other.write_bytes("\r\n".join(GERMAN).encode("latin-1"))
    source = read_pair_files(one, other, {})
    assert source.frame["target"].tolist() == list(GERMAN)
    assert "Latin-1" in source.notes[0]


def test_files_of_unequal_length_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"talk.en has 3 lines and .*talk.de has 2"):
        read_pair_files(*files(tmp_path, german=GERMAN[:2]), {})


def test_an_empty_line_is_named(tmp_path):
    with pytest.raises(DataError, match=r"talk.de, line 2: an empty line"):
        read_pair_files(*files(tmp_path, german=("a", " ", "c")), {})


def test_a_missing_file_is_named(tmp_path):
    one, other = files(tmp_path)
    other.unlink()
    with pytest.raises(DataError, match=r"talk.de does not exist"):
        read_pair_files(one, other, {})


def test_one_file_given_twice_is_refused(tmp_path):
    one, _ = files(tmp_path)
    with pytest.raises(DataError, match="is given twice"):
        read_pair_files(one, one, {})


def test_a_copy_of_the_source_is_no_translation(tmp_path):
    with pytest.raises(DataError, match="hold the same texts"):
        read_pair_files(*files(tmp_path, german=ENGLISH), {})


def test_many_pairs_with_equal_sides_are_said(tmp_path):
    source = read_pair_files(*files(tmp_path, german=(*ENGLISH[:2], "Eine Katze.")), {})
    assert "67% of the pairs have the same text" in source.notes[0]


def test_a_binary_file_is_refused(tmp_path):
    one, other = files(tmp_path)
    other.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    with pytest.raises(DataError, match="is an image"):
        read_pair_files(one, other, {})


def test_sentences_alone_can_be_translated(tmp_path):
    source = read_sentences(write(tmp_path / "new.txt", ENGLISH), {})
    assert source.form == "pairs"
    assert list(source.frame.columns) == ["source"]


def test_a_separated_file_gives_pairs_and_keeps_other_columns(tmp_path):
    lines = [f"{n}\t{a}\t{b}" for n, (a, b) in enumerate(zip(ENGLISH, GERMAN, strict=True))]
    table = read_table(write(tmp_path / "talk.tsv", ["talk\tenglish\tgerman", *lines]), {})
    source = as_pairs(table)
    assert source.frame["source"].tolist() == list(ENGLISH)
    assert source.frame["target"].tolist() == list(GERMAN)
    assert source.frame["talk"].tolist() == [0, 1, 2]
    assert source.options["pairs"] == "english,german"
    assert "Translates 'english' into 'german'" in source.notes[-1]
    turned = as_pairs(table, "german", "english")
    assert turned.frame["source"].tolist() == list(GERMAN)


def table(**columns):
    return Source("talk", DataFrame(columns))


def test_a_table_with_one_column_of_text_is_refused():
    with pytest.raises(DataError, match=r"must have two columns of text .* got 1: english"):
        as_pairs(table(english=list(ENGLISH), length=[1, 2, 3]))


def test_a_column_that_is_not_there_names_the_nearest():
    with pytest.raises(DataError, match="Did you mean 'german'"):
        as_pairs(table(english=list(ENGLISH), german=list(GERMAN)), "english", "germn")


def test_one_column_given_twice_is_refused():
    with pytest.raises(DataError, match="given twice"):
        as_pairs(table(english=list(ENGLISH), german=list(GERMAN)), "english", "english")


def test_numbers_are_not_translated():
    with pytest.raises(DataError, match="holds numbers"):
        as_pairs(table(english=list(ENGLISH), length=[1, 2, 3]), "english", "length")


def test_a_row_without_a_translation_is_named():
    with pytest.raises(DataError, match=r"1 row of talk have no text in column 'german'.* row 2"):
        as_pairs(table(english=list(ENGLISH), german=["a", None, "c"]))


def test_the_option_names_the_columns():
    named = Source("talk", table(a=list(GERMAN), b=list(ENGLISH), c=list("xyz")).frame,
                   options={"pairs": "b,a"})  # fmt: skip
    assert as_pairs(named).frame["source"].tolist() == list(ENGLISH)
    assert as_pairs(named).frame["c"].tolist() == list("xyz")


@pytest.mark.parametrize("name", ["b", "source", "caption"])
def test_a_table_without_translations_can_be_translated(name):
    alone = Source("talk", table(**{name: list(ENGLISH), "n": [1, 2, 3]}).frame,
                   options={"pairs": "b,a"} if name == "b" else {})  # fmt: skip
    source = to_translate(alone)
    assert source.form == "pairs"
    assert list(source.frame.columns) == ["source", "n"]
    assert source.frame["source"].tolist() == list(ENGLISH)


def test_translations_that_are_there_are_kept_to_be_judged():
    named = Source("talk", table(b=list(ENGLISH), a=list(GERMAN)).frame,
                   options={"pairs": "b,a"})  # fmt: skip
    assert to_translate(named).frame["target"].tolist() == list(GERMAN)


def test_of_several_columns_one_must_be_named_to_be_translated():
    with pytest.raises(DataError, match="does not say what is to be translated"):
        to_translate(table(x=list(ENGLISH), y=list(GERMAN)))


def test_a_misspelt_option_names_the_nearest_column():
    named = Source("talk", table(b=list(ENGLISH), german=list(GERMAN)).frame,
                   options={"pairs": "b,germn"})  # fmt: skip
    with pytest.raises(DataError, match="Did you mean 'german'"):
        as_pairs(named)


def test_an_option_of_one_column_is_refused():
    named = Source("talk", table(b=list(ENGLISH)).frame, options={"pairs": "b"})
    with pytest.raises(DataError, match="must name two columns"):
        as_pairs(named)
