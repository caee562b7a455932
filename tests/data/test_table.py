import gzip
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from layerwise.data import read
from layerwise.data.roles import assign_roles, describe_columns
from layerwise.errors import DataError, SettingsError


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def is_text(series):
    return isinstance(series.dtype, pd.StringDtype) or series.dtype == object


def said(source, *words):
    """True where one note holds all the words."""
    return any(all(word in note for word in words) for note in source.notes)


def test_a_plain_table_is_read_without_a_word(tmp_path):
    path = write(tmp_path / "wine.csv", "acid,sugar,kind\n1.5,2,red\n2.5,3,white\n")
    source = read(path)
    assert source.name == "wine"
    assert source.frame.to_dict("list") == {
        "acid": [1.5, 2.5],
        "sugar": [2, 3],
        "kind": ["red", "white"],
    }
    assert source.frame["acid"].dtype == np.float64
    assert source.frame["sugar"].dtype == np.int64
    assert is_text(source.frame["kind"])
    assert source.notes == ()
    assert (source.inputs, source.target, source.parts) == (None, (), None)
    assert "2 rows, 3 columns" in source.about


def test_a_windows_file_is_read_like_a_unix_file(tmp_path):
    unix = read(write(tmp_path / "unix.csv", "a,b\n1,x\n2,y\n"))
    windows = read(write(tmp_path / "windows.csv", "a,b\r\n1,x\r\n2,y\r\n"))
    old_mac = read(write(tmp_path / "mac.csv", "a,b\r1,x\r2,y\r"))
    assert windows.frame.equals(unix.frame)
    assert old_mac.frame.equals(unix.frame)


def test_missing_cells_are_missing_in_numbers_and_text(tmp_path):
    path = write(tmp_path / "t.csv", "a,b,c\n1,x,1.5\n,,NA\n3,NaN,2.5\n")
    frame = read(path).frame
    assert frame["a"].tolist()[::2] == [1.0, 3.0]
    assert frame.isna().to_numpy().tolist() == [[False] * 3, [True] * 3, [False, True, False]]
    assert frame["c"].dtype == np.float64


def test_a_column_without_any_cell_is_a_number_column_of_missing_values(tmp_path):
    frame = read(write(tmp_path / "t.csv", "a,b\n1,\n2,\n")).frame
    assert frame["b"].isna().all()
    assert frame["b"].dtype == np.float64


def test_words_stay_as_they_are(tmp_path):
    frame = read(write(tmp_path / "t.csv", 'a,b\nTrue,2020-01-05\nFalse,"x, y"\n')).frame
    assert frame["a"].tolist() == ["True", "False"]
    assert frame["b"].tolist() == ["2020-01-05", "x, y"]


def test_a_quoted_cell_may_hold_lines_separators_and_quotes(tmp_path):
    path = write(tmp_path / "t.csv", 'a,b\n"one\ntwo, ""three""",1\nplain,2\n')
    frame = read(path).frame
    assert frame["a"].tolist() == ['one\ntwo, "three"', "plain"]
    assert frame["b"].tolist() == [1, 2]


def test_an_inch_mark_is_no_quote(tmp_path):
    frame = read(write(tmp_path / "t.csv", 'a,b\n5" pipe,1\nrod,2\n')).frame
    assert frame["a"].tolist() == ['5" pipe', "rod"]


@pytest.mark.parametrize(
    ("name", "separator", "word"),
    [
        ("a.csv", ";", "semicolons"),
        ("a.tsv", "\t", ""),
        ("a.csv", "\t", "tabs"),
        ("a.csv", "|", "bars"),
    ],
)
def test_the_separator_is_seen(tmp_path, name, separator, word):
    lines = ["a b", "1 x", "2 y"]
    source = read(write(tmp_path / name, "\n".join(lines).replace(" ", separator)))
    assert source.frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert not word or said(source, word)


def test_columns_parted_by_runs_of_spaces_are_read(tmp_path):
    text = ' 18.0   8  "chevrolet chevelle"\n 15.0   8  "buick skylark"\n'
    source = read(write(tmp_path / "auto.data", text))
    assert source.frame.to_numpy().tolist() == [
        [18.0, 8, "chevrolet chevelle"],
        [15.0, 8, "buick skylark"],
    ]
    assert said(source, "spaces")
    assert said(source, "no header")


def test_a_sentence_with_commas_does_not_part_semicolons(tmp_path):
    path = write(tmp_path / "t.csv", "text;n\nhello, you;1\na, b, c;2\nplain;3\n")
    assert read(path).frame["text"].tolist() == ["hello, you", "a, b, c", "plain"]


def test_one_column_is_a_table_too(tmp_path):
    assert read(write(tmp_path / "t.csv", "a\n1\n2\n")).frame["a"].tolist() == [1, 2]


def test_options_overrule_what_is_seen(tmp_path):
    path = write(tmp_path / "t.csv", "1,5;2,5\n3,5;4,5\n")
    options = {"separator": ";", "decimal": ",", "header": "false"}
    frame = read(path, options=options).frame
    assert frame.to_numpy().tolist() == [[1.5, 2.5], [3.5, 4.5]]
    assert list(frame) == ["column_1", "column_2"]


def test_the_header_may_be_on_a_later_line(tmp_path):
    path = write(tmp_path / "t.csv", "Exported 2020\nby nobody\na,b\n1,2\n")
    source = read(path, options={"header": 3})
    assert source.frame.to_dict("list") == {"a": [1], "b": [2]}
    assert said(source, "2 lines before the header")


def test_comments_before_the_header_are_skipped(tmp_path):
    source = read(write(tmp_path / "t.csv", "# made by a device\n#\na,b\n1,2\n3,4\n"))
    assert source.frame.to_dict("list") == {"a": [1, 3], "b": [2, 4]}


def test_numbers_as_names_are_a_header_where_they_count_or_are_years(tmp_path):
    counted = read(write(tmp_path / "a.csv", "0,1,2\n0.5,0.1,7\n0.6,0.2,8\n"))
    assert list(counted.frame) == ["0", "1", "2"]
    years = read(write(tmp_path / "b.csv", "country,2010,2011\nA,5,6\nB,7,8\n"))
    assert list(years.frame) == ["country", "2010", "2011"]


def test_categorical_columns_keep_what_was_written(tmp_path):
    path = write(tmp_path / "t.csv", "code,n\n1,1\n1.0,2\n2,3\n")
    frame = read(path, options={"categorical": "code"}).frame
    assert frame["code"].tolist() == ["1", "1.0", "2"]


def test_columns_asked_to_be_numbers_lose_their_zeros(tmp_path):
    path = write(tmp_path / "t.csv", "month,n\n01,1\n12,2\n")
    assert read(path, options={"numeric": ["month"]}).frame["month"].tolist() == [1, 12]


def test_a_comma_in_the_name_of_a_column_is_no_separator_of_names(tmp_path):
    path = write(tmp_path / "t.csv", '"code, old",n\n1,1\n1.0,2\n2,3\n')
    frame = read(path, options={"categorical": "code, old"}).frame
    assert frame["code, old"].tolist() == ["1", "1.0", "2"]


def test_codes_stay_text_when_read_again_for_prediction(tmp_path):
    source = read(write(tmp_path / "train.csv", "code,n\n01,1\n12,2\n"))
    again = read(write(tmp_path / "new.csv", "code,n\n11,1\n12,2\n"), options=source.options)
    assert again.frame["code"].tolist() == ["11", "12"]


def test_decimal_commas_are_remembered_for_prediction(tmp_path):
    source = read(write(tmp_path / "train.csv", "a;b\n1,5;1\n2,25;2\n"))
    again = read(write(tmp_path / "new.csv", "a;b\n1,500;1\n2,250;2\n"), options=source.options)
    assert again.frame["a"].tolist() == [1.5, 2.25]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seperator": ";"}, "Did you mean 'separator'"),
        ({"separator": "ab"}, "one character"),
        ({"header": "maybe"}, "true, false or a line number"),
        ({"decimal": "x"}, "must be , or ."),
        ({"encoding": "klingon"}, "not known"),
    ],
)
def test_a_wrong_option_is_told(tmp_path, options, words):
    path = write(tmp_path / "t.csv", "a,b\n1,2\n")
    with pytest.raises(SettingsError, match=words):
        read(path, options=options)


def test_a_packed_table_is_unpacked(tmp_path):
    path = tmp_path / "wine.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    source = read(path)
    assert source.name == "wine"
    assert source.frame.to_dict("list") == {"a": [1], "b": [2]}
    assert source.notes == ()


def test_a_late_word_in_a_number_column_is_found(tmp_path):
    rows = "".join(f"{n}.25,{n}\n" for n in range(5000))
    source = read(write(tmp_path / "t.csv", f"a,b\n{rows}oops,7\n"))
    assert is_text(source.frame["a"])
    assert source.frame["a"].iloc[0] == "0.25"
    (column,) = describe_columns(source, assign_roles(source, target="b"))
    assert column.kind == "number"
    assert "1 values are no numbers ('oops'): taken as missing" in column.note
    assert source.notes == ()  # one place decides and says it


# -------------------------------------------------------------------------------- JSON lines


def test_json_lines_are_read(tmp_path):
    rows = [{"a": 1, "b": "01", "c": True}, {"a": 2.5, "b": None, "c": False}]
    path = write(tmp_path / "t.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    frame = read(path).frame
    assert frame["a"].tolist() == [1.0, 2.5]
    assert frame["b"].iloc[0] == "01"
    assert frame["b"].isna().tolist() == [False, True]
    assert frame["c"].dtype == bool


def test_a_json_list_is_read_too_and_absent_names_are_missing(tmp_path):
    path = write(tmp_path / "t.json", '[{"a": 1},\n {"b": 2}]')
    frame = read(path).frame
    assert list(frame) == ["a", "b"]
    assert frame.isna().sum().tolist() == [1, 1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1}\n{"a": \n', "line 2: no JSON"),
        ("1\n2\n", "record 1 is no object"),
        ('{"a": [1, 2]}\n', "'a' holds lists"),
        ("[1, 2", "begins like a JSON list"),
    ],
)
def test_bad_json_is_told_with_its_line(tmp_path, text, words):
    with pytest.raises(DataError, match=words):
        read(write(tmp_path / "t.jsonl", text))


# ----------------------------------------------------------------------------------- Parquet


def test_parquet_keeps_the_width_of_numbers(tmp_path):
    table = pa.table(
        {
            "a": pa.array([1.5, 2.5], pa.float32()),
            "b": pa.array([1, None], pa.int32()),
            "c": pa.array(["x", None]).dictionary_encode(),
            "d": pa.array([True, False]),
            "e": pa.array([1, 2], pa.int8()),
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    frame = read(tmp_path / "t.parquet").frame
    assert frame["a"].dtype == np.float32
    assert frame["b"].dtype == np.float64
    assert frame["c"].iloc[0] == "x"
    assert is_text(frame["c"])
    assert frame["d"].dtype == bool
    assert frame["e"].dtype == np.int8


def test_parquet_of_a_frame_has_no_index_left(tmp_path):
    pd.DataFrame({"a": [1, 2]}, index=[7, 9]).to_parquet(tmp_path / "t.parquet")
    frame = read(tmp_path / "t.parquet").frame
    assert frame.index.tolist() == [0, 1]
    assert frame["a"].tolist() == [1, 2]


def test_a_folder_of_parts_is_one_table(tmp_path):
    for year in (2020, 2021):
        folder = tmp_path / "sales" / f"year={year}"
        folder.mkdir(parents=True)
        pd.DataFrame({"a": [year, year + 1]}).to_parquet(folder / "part-0.parquet")
    (tmp_path / "sales" / "_SUCCESS").touch()
    source = read(tmp_path / "sales")
    assert source.name == "sales"
    assert source.frame["a"].tolist() == [2020, 2021, 2021, 2022]
    assert source.frame["year"].tolist() == [2020, 2020, 2021, 2021]


def test_a_glob_is_one_table_in_the_order_of_names(tmp_path):
    write(tmp_path / "b.csv", "x,y\n3,c\n")
    write(tmp_path / "a.csv", "x,y\n1,a\n2,b\n")
    source = read(str(tmp_path / "*.csv"))
    assert source.frame.to_dict("list") == {"x": [1, 2, 3], "y": ["a", "b", "c"]}


def test_parts_with_different_columns_are_told(tmp_path):
    write(tmp_path / "a.csv", "size,y\n1,a\n")
    write(tmp_path / "b.csv", "sizes,y\n3,c\n")
    with pytest.raises(DataError, match=r"'size' of a\.csv is not in b\.csv.*Did you mean 'sizes'"):
        read(tmp_path / "*.csv")


def test_damaged_parquet_is_told(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": range(100)}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"t\.parquet is a damaged or cut off"):
        read(path)
    path.write_bytes(b"no parquet")
    with pytest.raises(DataError, match="not a Parquet file"):
        read(path)


def test_parquet_columns_of_lists_are_told(tmp_path):
    parquet.write_table(pa.table({"a": [[1, 2], [3]]}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match="column 'a' holds list"):
        read(tmp_path / "t.parquet")


# ------------------------------------------------------------------------- several sources


def test_validation_and_test_files_fix_the_parts(tmp_path):
    train = write(tmp_path / "train.csv", "a,y\n1,p\n2,q\n")
    validation = write(tmp_path / "validation.csv", "y,a\nq,3\n")
    test = write(tmp_path / "test.csv", "a,y\n4,p\n5,q\n")
    source = read(train, validation=validation, test=test)
    assert source.frame["a"].tolist() == [1, 2, 3, 4, 5]
    assert source.frame["y"].tolist() == ["p", "q", "q", "p", "q"]
    assert source.parts.tolist() == ["", "", "validation", "test", "test"]


def test_codes_are_text_in_all_parts_if_in_one(tmp_path):
    train = write(tmp_path / "train.csv", "code,y\n10,0\n11,1\n")
    test = write(tmp_path / "test.csv", "code,y\n01,0\n,1\n")
    frame = read(train, test=test).frame
    assert frame["code"].tolist()[:3] == ["10", "11", "01"]


def test_a_test_file_without_the_target_is_told(tmp_path):
    train = write(tmp_path / "train.csv", "a,y\n1,0\n2,1\n")
    test = write(tmp_path / "test.csv", "a\n3\n")
    with pytest.raises(DataError, match="Column 'y' of the training data is not in the test data"):
        read(train, test=test)


def test_numbers_in_one_file_and_words_in_the_other_are_told(tmp_path):
    train = write(tmp_path / "train.csv", "a,y\n1.5,0\n2,1\n")
    test = write(tmp_path / "test.csv", "a,y\nlow,0\n")
    with pytest.raises(DataError, match="Column 'a' holds numbers in the training data and text"):
        read(train, test=test)


def test_targets_are_joined_by_key(tmp_path):
    inputs = write(tmp_path / "x.csv", "id,a\n3,30\n1,10\n2,20\n9,90\n")
    targets = write(tmp_path / "y.csv", "id,y\n1,one\n2,two\n3,three\n4,four\n")
    source = read(inputs, targets=targets, key="id")
    assert source.frame["y"].tolist()[:3] == ["three", "one", "two"]
    assert source.frame["y"].isna().tolist() == [False, False, False, True]
    assert source.target == ("y",)
    assert said(source, "1 row", "such as 9", "missing")
    assert said(source, "1 row", "not used")


@pytest.mark.parametrize(
    ("targets", "key", "words"),
    [
        ("id,y\n1,a\n1,b\n", "id", "'id' was there before, such as 1"),
        ("id,y\n7,a\n", "id", "No 'id' of the inputs"),
        ("id,y\n1,a\n", "ids", "Did you mean 'id'"),
        ("id,y\n1,a\n", None, "Give --key"),
        ("id,a\n1,a\n", "id", "'a' is in the inputs and in the targets"),
    ],
)
def test_targets_that_cannot_be_joined_are_told(tmp_path, targets, key, words):
    inputs = write(tmp_path / "x.csv", "id,a\n1,10\n2,20\n")
    with pytest.raises(DataError, match=words):
        read(inputs, targets=write(tmp_path / "y.csv", targets), key=key)
