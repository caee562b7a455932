"""Bad and odd input: one clear error with the place, or the right reading, said aloud."""

import gzip
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from layerwise.data import read
from layerwise.errors import DataError


def text_columns(frame):
    return [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name].dtype)]


REFUSED = {  # name -> (bytes of the file, what the error says)
    "empty.csv": (b"", r"empty\.csv is empty \(0 bytes\)"),
    "quotes_only.csv": (b'""\n', "no filled cell"),
    "blank.csv": (b"\n\n  \n", "nothing but blank lines"),
    "header_only.csv": (b"a,b\n", r"header_only\.csv has a header and no rows"),
    "header_only_cut.csv": (b"a,b", "has a header and no rows"),
    "short_row.csv": (
        b"a,b,c\n1,2,3\n4,5\n6,7,8\n",
        "line 3: too few cells: 2, but the header has 3",
    ),
    "long_row.csv": (b"a,b\n1,2\n3,4\n5,6,7\n8,9,9\n", r"line 4: too many cells: 3.* 1 more"),
    "after_a_long_cell.csv": (b'a,b\n"x\ny",2\n3\n', "line 4: too few cells"),
    "nul.csv": (b"a,b\n1,2\n3,\x00\n", "line 3: a NUL byte"),
    "open_quote.csv": (b'a,b\n1,"x"\n2,"y\n3,z\n4,z\n', "line 3: a quote .* never closed"),
    "binary.csv": (bytes(range(1, 32)) * 40, "control bytes"),
    "page.csv": (b"<!DOCTYPE html><html></html>", "is a web page"),
    "late_page.csv": (b"\n  <html>\n", "is a web page"),
    "book.csv": (b"PK\x03\x04" + bytes(50), "Excel workbook"),
    "photo.csv": (b"\x89PNG\r\n\x1a\n" + bytes(50), "is an image"),
    "pointer.csv": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS"),
    "cut.csv.gz": (
        gzip.compress(b"a,b\n1,2\n" * 900)[:40],
        r"cut\.csv\.gz is a damaged or cut off",
    ),
    "empty.parquet": (b"", "is empty"),
    "empty.npz": (b"", "no numpy file"),
    "junk.npz": (b"abc", "no numpy file"),
    "wrong.jsonl": (b'{"a": 1}\n{"a" 2}\n', "line 2: no JSON"),
    "two_marks.csv": (b"a\xff\xfe\x00\x00,b\n1,2\n", "line 1: a NUL byte"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_without_a_right_reading_is_one_clear_error(tmp_path, name):
    content, words = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words) as error:
        read(tmp_path / name)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


READ = {  # name -> (bytes of the file, rows as they should be, what is said)
    "no_header.csv": (
        b"5.1,3.5,setosa\n4.9,3.0,virginica\n",
        [[5.1, 3.5, "setosa"], [4.9, 3.0, "virginica"]],
        "no header",
    ),
    "semicolons.csv": (b"a;b\n1;x\n2;y\n", [[1, "x"], [2, "y"]], "semicolons"),
    "tabs.csv": (b"a\tb\n1\tx\n2\ty\n", [[1, "x"], [2, "y"]], "tabs"),
    "decimal_commas.csv": (
        b"a;b\n1,5;1\n2,25;2\n",
        [[1.5, 1], [2.25, 2]],
        "Decimal commas in Column 'a'",
    ),
    "quoted_decimal_commas.csv": (
        b'a,b\n"1,5",1\n"-0,25",2\n',
        [[1.5, 1], [-0.25, 2]],
        "Decimal commas",
    ),
    "thousands.csv": (
        b'a,b\n"1,234.5",1\n"2,000,000.0",2\n',
        [[1234.5, 1], [2e6, 2]],
        "Thousands marks",
    ),
    "thousands_and_small.csv": (
        b'a,b\n"1,234",1\n12.5,2\n',
        [[1234, 1], [12.5, 2]],
        "Thousands marks",
    ),
    "german.csv": (
        b"a;b\n1.234,5;2.000\n12,5;3.500\n",
        [[1234.5, 2000], [12.5, 3500]],
        "Decimal commas",
    ),
    "spaced_thousands.csv": (
        "a;b\n1\u00a0234,5;1\n2 000,0;2\n".encode(),
        [[1234.5, 1], [2000, 2]],
        "Thousands marks",
    ),
    "ambiguous.csv": (
        b'a,b\n"1,234",x\n"2,345",y\n',
        [[1234, "x"], [2345, "y"]],
        "could hold decimal commas or thousands marks",
    ),
    "ambiguous_semicolons.csv": (
        b"a;b\n1,234;x\n2,345;y\n",
        [[1.234, "x"], [2.345, "y"]],
        "could hold decimal commas or thousands marks",
    ),
    "byte_order_mark.csv": (b"\xef\xbb\xbfa,b\n1,x\n", [[1, "x"]], None),
    "utf16.csv": ("a,b\n1,\u00e9\n".encode("utf-16"), [[1, "\u00e9"]], "UTF-16"),
    "utf16_unmarked.csv": ("a,b\n1,xyz\n".encode("utf-16-le"), [[1, "xyz"]], "UTF-16"),
    "latin1.csv": ("a,b\n1,M\u00fcller\n".encode("latin-1"), [[1, "M\u00fcller"]], "Latin-1"),
    "windows.csv": ("a,b\n1,5 \u20ac\n".encode("cp1252"), [[1, "5 \u20ac"]], "Windows-1252"),
    "codes.csv": (
        b"a,b\n01,1\n1,2\n",
        [["01", 1], ["1", 2]],
        "stays text, so that codes such as '01'",
    ),
    "codes_with_gaps.csv": (
        b"a,b\n007,1\n,2\n8,3\n",
        [["007", 1], [None, 2], ["8", 3]],
        "codes such as '007'",
    ),
    "large_integers.csv": (
        b"a,b\n9223372036854775808,1\n12,2\n",
        [["9223372036854775808", 1], ["12", 2]],
        "more digits",
    ),
    "exact_integers.csv": (b"a,b\n9223372036854775807,1\n", [[9223372036854775807, 1]], None),
    "mixed.csv": (
        b"a,b\n1,1\n2,2\nhigh,3\n4,4\n",
        [["1", 1], ["2", 2], ["high", 3], ["4", 4]],
        None,
    ),
    "question_marks.csv": (
        b"a,b\n1,1\n?,2\n3,3\n",
        [[1, 1], [None, 2], [3, 3]],
        "'\\?' in Column 'a' was read as a missing value",
    ),
    "two_date_orders.csv": (
        b"d,b\n13/01/2020,1\n01/14/2020,2\n",
        [["13/01/2020", 1], ["01/14/2020", 2]],
        None,
    ),
    "repeated_header.csv": (
        b"a,b\n1,x\na,b\n2,y\n",
        [[1, "x"], [2, "y"]],
        "header is repeated 1 time",
    ),
    "trailing_separators.csv": (b"a,b,\n1,2,\n3,4,\n", [[1, 2], [3, 4]], "ends with a separator"),
    "trailing_in_rows.csv": (b"a,b\n1,2,\n3,4,\n", [[1, 2], [3, 4]], "ends with a separator"),
    "row_names.csv": (
        b"a,b\nr1,1,2\nr2,3,4\n",
        [["r1", 1, 2], ["r2", 3, 4]],
        "one cell more than the header",
    ),
    "empty_rows.csv": (b"a,b\n1,2\n3,4\n,\n,\n", [[1, 2], [3, 4]], "2 empty rows at the end"),
    "blank_lines.csv": (b"\n\na,b\n1,2\n\n3,4\n\n", [[1, 2], [3, 4]], None),
    "spaces_line.csv": (b"a,b\n1,2\n   \n3,4\n", [[1, 2], [3, 4]], None),
    "spaced.csv": (b"a, b , c\n1, 2,x \n3, 4, x\n", [[1, 2, "x"], [3, 4, "x"]], None),
    "signs.csv": (b"a,b\n+1,1e3\n-2,.5\n", [[1, 1000], [-2, 0.5]], None),
    "end_mark.csv": (b"a,b\n1,2\n\x1a", [[1, 2]], None),
    "packed.csv": (
        gzip.compress(b"a,b\n1,2\n"),
        [[1, 2]],
        "compressed with gzip in spite of its name",
    ),
    "unpacked.csv.gz": (b"a,b\n1,2\n", [[1, 2]], "not compressed in spite of its name"),
    "records.csv": (b'{"a": 1, "b": "x"}\n', [[1, "x"]], None),
}


@pytest.mark.parametrize("name", READ)
def test_odd_input_with_a_right_reading_is_read_and_said(tmp_path, name):
    content, rows, words = READ[name]
    (tmp_path / name).write_bytes(content)
    source = read(tmp_path / name)
    found = source.frame.astype(object).where(source.frame.notna(), None).to_numpy().tolist()
    assert found == rows
    if words:
        assert any(re.search(words, note) for note in source.notes), source.notes


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'\xef\xbb\xbf"a",b\n1,x\n')
    assert list(read(tmp_path / "t.csv").frame) == ["a", "b"]


def test_doubled_names_are_told_apart_and_twins_kept_once(tmp_path):
    (tmp_path / "t.csv").write_text("a,a,b,b\n1,2,3,3\n4,5,6,6\n")
    source = read(tmp_path / "t.csv")
    assert source.frame.to_dict("list") == {"a": [1, 4], "a.2": [2, 5], "b": [3, 6]}
    assert any("'a' is there twice; the later one is called 'a.2'" in n for n in source.notes)
    assert any("'b' is there twice with the same cells" in n for n in source.notes)


def test_blank_names_are_numbered(tmp_path):
    (tmp_path / "t.csv").write_text(",a,  ,b\n0,1,2,3\n1,4,5,6\n")
    source = read(tmp_path / "t.csv")
    assert list(source.frame) == ["column_1", "a", "column_3", "b"]
    assert any("without a name" in note and "'column_3'" in note for note in source.notes)


def test_a_missing_file_names_its_neighbour(tmp_path):
    (tmp_path / "titanic.csv").write_text("a\n1\n")
    with pytest.raises(
        DataError, match=r"titanik\.csv does not exist.*Did you mean 'titanic\.csv'"
    ):
        read(tmp_path / "titanik.csv")
    with pytest.raises(DataError, match="there is no folder"):
        read(tmp_path / "absent" / "x.csv")
    with pytest.raises(DataError, match="No file matches"):
        read(str(tmp_path / "*.tsv"))


def test_a_folder_where_a_file_is_meant_is_told(tmp_path):
    (tmp_path / "data.csv").mkdir()
    with pytest.raises(DataError, match=r"data\.csv holds no images.*It is empty"):
        read(tmp_path / "data.csv")
    (tmp_path / "data.csv" / "train.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"is a folder; a file is needed here.*train\.csv"):
        read(tmp_path / "data.csv")


def test_an_address_is_not_downloaded():
    with pytest.raises(DataError, match="Download it first"):
        read("https://example.org/data.csv")


def test_no_data_is_told():
    with pytest.raises(DataError, match="No data was given"):
        read(None)


@pytest.mark.parametrize(
    "name", ["with space.csv", "\u00fcml\u00e4ut \u6570\u636e.csv", "a[1].csv"]
)
def test_spaces_unicode_and_brackets_in_paths(tmp_path, name):
    folder = tmp_path / "my d\u00e5ta"
    folder.mkdir()
    (folder / name).write_text("a,b\n1,2\n")
    assert read(str(folder / name)).frame["b"].tolist() == [2]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_what_may_not_be_read_is_told(tmp_path, as_nobody):
    folder = as_nobody
    (folder / "secret.csv").write_text("a\n1\n")
    (folder / "locked").mkdir()
    (folder / "locked" / "x.csv").write_text("a\n1\n")
    (folder / "pictures" / "cat").mkdir(parents=True)
    for path in (folder / "secret.csv", folder / "locked", folder / "pictures" / "cat"):
        path.chmod(0)
    with without_power():
        with pytest.raises(DataError, match=r"secret\.csv cannot be read: Permission denied"):
            read(folder / "secret.csv")
        for path in (folder / "locked", folder / "locked" / "x.csv", folder / "pictures"):
            with pytest.raises(DataError, match=r"(?i)cannot be read: permission denied"):
                read(path)


@pytest.fixture
def as_nobody():
    """A folder that every account may enter; it is emptied afterwards."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


class without_power:
    """Root reads everything; for this block it is an account without rights."""

    def __enter__(self):
        self.was_root = os.geteuid() == 0
        if self.was_root:
            os.seteuid(65534)

    def __exit__(self, *error):
        if self.was_root:
            os.seteuid(0)


def test_arrays_of_objects_are_refused(tmp_path):
    objects = np.array([{"a": 1}, None], dtype=object)
    np.savez(tmp_path / "t.npz", X=objects, y=np.array([0, 1]))
    with pytest.raises(DataError, match=r"t\.npz, array 'X' holds Python objects"):
        read(tmp_path / "t.npz")


def test_unequal_lengths_are_told(tmp_path):
    np.savez(tmp_path / "t.npz", X=np.ones((3, 2)), y=np.ones(4))
    with pytest.raises(DataError, match="3 inputs but 4 labels"):
        read(tmp_path / "t.npz")
    with pytest.raises(DataError, match="3 inputs but 2 labels"):
        read(np.ones((3, 2)), target=np.ones(2))


def test_negative_labels_are_classes_of_their_own_and_said(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.ones((3, 2)), y=np.array([-1, 1, -1]))
    two = read(tmp_path / "a.npz")
    assert two.frame["label"].tolist() == [-1, 1, -1]
    assert two.notes == ()
    np.savez(tmp_path / "b.npz", X=np.ones((4, 2)), y=np.array([-1, 0, 1, 2]))
    assert "Label -1" in read(tmp_path / "b.npz").notes[0]


def test_nothing_is_left_half_read(tmp_path, monkeypatch):
    """A reader that fails leaves no file behind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,b\n1\n")
    with pytest.raises(DataError, match="line 2"):
        read("t.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv"]
