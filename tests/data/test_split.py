"""Rows are divided so that the test rows say something, and so that it can be repeated."""

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from layerwise.contracts import Target
from layerwise.data.dividing import hashed, scramble
from layerwise.data.roles import Roles, assign_roles
from layerwise.data.source import Source
from layerwise.data.split import split_rows
from layerwise.data.target import describe_target
from layerwise.errors import DataError, SettingsError


def split(columns, method="auto", parts=None, same_rows=False, validation=0.2, test=0.2, seed=0,
          **roles):  # fmt: skip
    frame = DataFrame(columns)
    source = Source("data", frame, parts=parts, same_rows=same_rows)
    assigned = assign_roles(source, target="y", **roles)
    target = describe_target(source, assigned)
    return split_rows(
        source, assigned, target, method=method, validation=validation, test=test, seed=seed
    )


def numbers(rows: int) -> dict:
    return {"y": np.arange(rows) + 0.5}


class TestRandom:
    def test_shares_are_met(self):
        found = split(numbers(100))
        assert found.method == "random"
        assert found.counts() == {"train": 60, "validation": 20, "test": 20}

    def test_seed_decides(self):
        one, same, other = (split(numbers(50), seed=seed).parts.tolist() for seed in (1, 1, 2))
        assert one == same != other

    @pytest.mark.parametrize(("validation", "test"), [(0, 0.2), (0.2, 0), (0, 0)])
    def test_a_share_may_be_nothing(self, validation, test):
        counts = split(numbers(10), validation=validation, test=test).counts()
        assert counts["validation"] == 10 * validation
        assert counts["test"] == 10 * test

    def test_few_rows_are_in_all_parts_if_they_can(self):
        assert split(numbers(3)).counts() == {"train": 1, "validation": 1, "test": 1}
        assert split(numbers(2)).counts() == {"train": 1, "validation": 0, "test": 1}
        assert "no" in split(numbers(2)).notes[0]

    @pytest.mark.parametrize("shares", [(0.5, 0.5), (-0.1, 0.2), (np.nan, 0.1)])
    def test_shares_that_leave_nothing(self, shares):
        with pytest.raises(SettingsError, match="below 1 together"):
            split(numbers(9), validation=shares[0], test=shares[1])

    def test_misspelt_method(self):
        with pytest.raises(SettingsError, match=r"'stratifed'.*Did you mean 'stratified'"):
            split(numbers(9), method="stratifed")

    def test_no_rows(self):
        with pytest.raises(DataError, match="no rows"):
            split_rows(Source("data", DataFrame({"y": []})), Roles(("y",)), Target("real", ("y",)))

    def test_scramble_is_the_same_everywhere(self):
        assert scramble(np.arange(2), 7).tolist() == scramble(np.arange(3), 7).tolist()[:2]
        assert len(set(scramble(np.arange(1000), 0).tolist())) == 1000


class TestStratified:
    def test_each_class_has_its_share_everywhere(self):
        found = split({"y": ["a"] * 100 + ["b"] * 20})
        assert found.method == "stratified"
        names = np.array(["a"] * 100 + ["b"] * 20)
        for part, rows in (("train", (60, 12)), ("validation", (20, 4)), ("test", (20, 4))):
            inside = names[found.rows(part)]
            assert ((inside == "a").sum(), (inside == "b").sum()) == rows

    def test_totals_stay_right_with_many_small_classes(self):
        codes = np.repeat(np.arange(300), 7)
        counts = split({"y": [f"s{code}" for code in codes]}, validation=0.15, test=0.15).counts()
        assert abs(counts["test"] - 315) <= 1
        assert abs(counts["validation"] - 315) <= 1

    def test_three_rows_are_enough_to_be_everywhere(self):
        found = split({"y": ["a"] * 30 + ["b"] * 3}, validation=0.1, test=0.1)
        assert sorted(found.parts[-3:]) == ["test", "train", "validation"]

    def test_too_few_rows_of_a_class_are_said(self):
        found = split({"y": ["a"] * 30 + ["b"] * 30 + ["rare"]})
        assert found.parts[-1] == "train"
        assert "No validation row has class 'rare'" in " ".join(found.notes)

    def test_one_row_per_class_is_an_error(self):
        with pytest.raises(DataError, match=r"10 of the 10 classes.*one row only"):
            split({"y": list("abcdefghij")})

    def test_needs_classes(self):
        with pytest.raises(SettingsError, match="stratified needs classes"):
            split(numbers(9), method="stratified")


class TestGroup:
    def columns(self):
        sizes = [1, 2, 3, 4, 5] * 8
        return {"who": np.repeat(np.arange(40), sizes), "y": np.arange(120) + 0.5}

    def test_no_group_is_in_two_parts(self):
        found = split(self.columns(), group="who")
        frame = DataFrame({"part": found.parts, "who": self.columns()["who"]})
        assert frame.groupby("who")["part"].nunique().max() == 1
        assert found.method == "group"

    def test_parts_are_sized_by_rows(self):
        counts = split(self.columns(), group="who").counts()
        assert abs(counts["test"] - 24) <= 2
        assert abs(counts["validation"] - 24) <= 2

    def test_three_groups_are_one_each(self):
        columns = {"who": ["a"] * 50 + ["b"] * 30 + ["c"] * 20, "y": np.arange(100) + 0.5}
        found = split(columns, group="who")
        assert {found.parts[0], found.parts[50], found.parts[80]} == {"train", "validation", "test"}

    def test_one_group_is_an_error(self):
        with pytest.raises(DataError, match="one group only"):
            split({"who": ["a"] * 9, "y": np.arange(9) + 0.5}, group="who")

    def test_needs_its_column(self):
        with pytest.raises(SettingsError, match="--split group needs a column"):
            split(numbers(9), method="group")

    def test_with_a_key_new_groups_move_no_other(self):
        def parts(groups):
            rows = {"id": range(groups * 2), "who": np.repeat(range(groups), 2)}
            return split(rows | numbers(groups * 2), key="id", group="who").parts.tolist()

        assert parts(300)[:200] == parts(100)


class TestTime:
    def test_past_trains_and_future_tests(self):
        days = pd.date_range("2020-01-01", periods=10).strftime("%d.%m.%Y")[::-1]
        found = split({"day": days, "y": np.arange(10) + 0.5}, time="day")
        assert found.parts[::-1].tolist() == ["train"] * 6 + ["validation"] * 2 + ["test"] * 2
        assert "Test rows start at '09.01.2020'." in found.notes

    def test_equal_times_stay_together(self):
        hours = np.array([1, 1, 1, 1, 2, 2, 2, 3, 3, 3])
        found = split({"hour": hours, "y": np.arange(10) + 0.5}, time="hour")
        for hour in (1, 2, 3):
            assert len(set(found.parts[hours == hour])) == 1

    def test_one_time_is_an_error(self):
        with pytest.raises(DataError, match="no future"):
            split({"hour": [5] * 9, "y": np.arange(9) + 0.5}, time="hour")

    def test_words_are_no_times(self):
        with pytest.raises(DataError, match=r"no date or number.*'soon'"):
            split({"hour": ["soon", "late"] * 4, "y": np.arange(8) + 0.5}, time="hour")


class TestKey:
    def test_appended_rows_move_no_other(self):
        few = split({"id": range(200)} | numbers(200), key="id")
        more = split({"id": range(500)} | numbers(500), key="id")
        assert few.method == "key"
        assert more.parts[:200].tolist() == few.parts.tolist()

    def test_order_and_type_of_the_keys_do_not_matter(self):
        ids = np.arange(100)
        straight = split({"id": ids} | numbers(100), key="id")
        as_text = split({"id": [str(i) for i in ids[::-1]]} | numbers(100), key="id")
        assert as_text.parts[::-1].tolist() == straight.parts.tolist()

    def test_hash_is_pinned(self):
        assert hashed("1", 0) == pytest.approx(0.9459165, abs=1e-6)

    def test_shares_are_met_roughly(self):
        counts = split({"id": range(2000)} | numbers(2000), key="id").counts()
        assert abs(counts["test"] - 400) < 60


class TestFiles:
    def test_parts_of_the_source_are_kept(self):
        parts = np.array(["train"] * 6 + ["validation"] * 2 + ["test"] * 2)
        found = split(numbers(10), parts=parts)
        assert found.parts.tolist() == parts.tolist()
        assert found.method == "files"

    def test_missing_validation_is_taken_from_the_training_rows(self):
        found = split(numbers(15), parts=np.array(["train"] * 10 + ["test"] * 5))
        assert found.counts() == {"train": 8, "validation": 2, "test": 5}
        assert found.parts[10:].tolist() == ["test"] * 5
        assert "2 of 10 training rows are taken for validation." in found.notes

    def test_undecided_rows_are_divided(self):
        found = split(numbers(12), parts=np.array([""] * 10 + ["validation"] * 2))
        assert found.counts() == {"train": 8, "validation": 2, "test": 2}

    def test_group_in_two_files_is_warned_of(self):
        parts = np.array(["train"] * 8 + ["test"] * 4)
        columns = {"who": list("aabbccddaaee"), **numbers(12)}
        assert "WARNING: 1 groups are in" in " ".join(
            split(columns, parts=parts, group="who").notes
        )

    def test_no_training_rows(self):
        with pytest.raises(DataError, match="no training rows"):
            split(numbers(4), parts=np.array(["test"] * 4))


def test_same_rows_are_in_every_part():
    found = split(numbers(4), same_rows=True)
    assert found.same_rows
    assert found.counts() == {"train": 4, "validation": 4, "test": 4}
    assert "do not generalize" in found.notes[0]
