import numpy as np
import pandas
import pytest
from pandas import DataFrame

from layerwise.command.output import writer
from layerwise.errors import RunError, SettingsError

TABLE = DataFrame(
    {
        "row": [0, 1],
        "truth": ["café", None],
        "score:a": [0.25, np.nan],
        "carry:seen": pandas.to_datetime(["2024-01-02", None], utc=True),
    }
)


def test_csv(tmp_path):
    writer(str(tmp_path / "out.csv"))(TABLE[["row", "truth", "score:a"]])
    text = (tmp_path / "out.csv").read_bytes().decode()
    assert text == "row,truth,score:a\n0,café,0.25\n1,,\n"


def test_parquet(tmp_path):
    writer(str(tmp_path / "out.parquet"))(TABLE)
    pandas.testing.assert_frame_equal(pandas.read_parquet(tmp_path / "out.parquet"), TABLE)


def test_json_lines(tmp_path):
    writer(str(tmp_path / "out.jsonl"))(TABLE[["row", "truth", "score:a"]])
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines == [
        '{"row":0,"truth":"café","score:a":0.25}',
        '{"row":1,"truth":null,"score:a":null}',
    ]


def test_npz_holds_no_objects(tmp_path):
    writer(str(tmp_path / "out.NPZ"))(TABLE)
    with np.load(tmp_path / "out.NPZ", allow_pickle=False) as arrays:
        assert sorted(arrays) == sorted(TABLE)
        assert arrays["row"].tolist() == [0, 1]
        assert arrays["truth"].tolist() == ["café", ""]
        assert np.isnan(arrays["score:a"][1])
        assert arrays["carry:seen"].tolist() == ["2024-01-02 00:00:00+00:00", ""]


@pytest.mark.parametrize("name", ["out", "out.xlsx", "out.cvs"])
def test_an_unknown_suffix_is_refused_before_anything_is_done(tmp_path, name):
    with pytest.raises(SettingsError, match=r"must end in \.csv, \.parquet, \.jsonl, \.npz"):
        writer(str(tmp_path / name))


def test_a_folder_that_is_not_there_is_one_error(tmp_path):
    with pytest.raises(RunError, match="Cannot write"):
        writer(str(tmp_path / "absent" / "out.csv"))(TABLE)
