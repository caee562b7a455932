"""Known series: they read, and say what they are."""

import os
from pathlib import Path

import pytest

from layerwise.data import read
from layerwise.data.roles import Roles
from layerwise.data.series import series_target
from layerwise.data.split import split_rows
from layerwise.errors import DataError

BESIDE = Path(__file__).parents[3] / "shared" / "data"
FOLDER = Path(os.environ.get("LAYERWISE_DATA", BESIDE))


@pytest.fixture
def files(monkeypatch):
    if not (FOLDER / "timeseries").is_dir():
        pytest.skip(f"{FOLDER}/timeseries is not there")
    monkeypatch.setenv("LAYERWISE_DATA", str(FOLDER))


@pytest.mark.parametrize(
    ("name", "rows", "step", "target"),
    [("sunspots", 309, "1", "SUNACTIVITY"), ("co2", 2284, "7 days", "co2"),
     ("elnino", 732, "1 month", "temperature")],
)  # fmt: skip
def test_embedded_series_have_their_step(name, rows, step, target):
    pytest.importorskip("statsmodels", reason="needs statsmodels")
    source = read(name)
    assert (len(source.frame), source.form, source.target) == (rows, "series", (target,))
    assert source.whole.step.in_words() == step
    assert source.whole.is_regular


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("name", "rows", "step", "gaps"),
    [("airline_passengers", 144, "1 month", 0), ("daily_temperatures", 3650, "1 day", 2)],
)
def test_series_in_files_have_their_step(name, rows, step, gaps):
    source = read(name)
    assert (len(source.frame), source.whole.step.in_words()) == (rows, step)
    assert source.whole.step.gaps == gaps  # two leap days are not there


@pytest.mark.usefixtures("files")
def test_etth1_is_parted_as_in_papers():
    source = read("etth1", options={"lookback": 336, "horizon": 96})
    split = split_rows(source, Roles((), time="date"), series_target(source))
    parted = source.whole.parted(split)
    assert parted.counts() == {"train": 8209, "validation": 2785, "test": 2785}
    assert len(series_target(source).names) == 7 * 96


def test_an_absent_file_says_where_it_is_looked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"ETTh1.csv is not there.*LAYERWISE_DATA"):
        read("etth1")
