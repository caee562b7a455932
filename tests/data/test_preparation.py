"""Preparation: the same way for training and prediction, constants from training rows only."""

import copy
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pandas import DataFrame
from torch import tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.testing import assert_close

from layerwise.data.preparation import Preparation
from layerwise.data.roles import assign_roles, describe_columns
from layerwise.data.source import Source
from layerwise.data.split import split_rows
from layerwise.data.target import describe_target, drop_missing_target
from layerwise.errors import DataError


def prepared(frame, rows=None, categories_as="codes", target="y", options=None, **roles):
    source = frame if isinstance(frame, Source) else Source("data", DataFrame(frame))
    assigned = assign_roles(source, target=target, **roles)
    described = describe_target(source, assigned)
    columns = describe_columns(source, assigned, options or {})
    rows = np.arange(len(source.frame)) if rows is None else rows
    made = Preparation.fit(
        source, assigned, columns, described, np.asarray(rows), categories_as=categories_as
    )
    return made, source


def passengers() -> DataFrame:
    return DataFrame(
        {
            "age": [20.0, None, 40.0, 60.0] * 5,
            "port": ["S", "C", None, "S"] * 5,
            "boards": ["yes", "no"] * 10,
            "day": pd.date_range("2020-01-30", periods=20).strftime("%Y-%m-%d"),
            "y": [0, 1] * 10,
        }
    )


class TestTable:
    def test_numbers_by_hand(self):
        made, source = prepared({"x": [1.0, 3.0, np.nan, 8.0], "y": [0, 1, 0, 1]})
        mean, scale = 4.0, np.sqrt(26 / 3)  # of 1, 3, 8; their median is 3
        expected = [[(x - mean) / scale, m] for x, m in ((1, 0), (3, 0), (3, 1), (8, 0))]
        assert_close(made.inputs(source), tensor(expected, dtype=torch.float32))
        assert made.feature_names == ("x", "x is missing")
        assert made.input_shape == (2,)
        assert made.categories == ()

    def test_categories_as_codes(self):
        made, source = prepared(passengers())
        inputs = made.inputs(source)
        assert inputs["codes"][:4, 0].tolist() == [2, 1, 3, 2]  # C, S, (missing)
        assert made.categories == (4,)
        assert inputs["numbers"].shape == (20, *made.input_shape)
        assert made.feature_names[-1] == "port"

    def test_categories_as_columns(self):
        made, source = prepared({"c": ["b", "a", None] * 4, "y": [0, 1] * 6}, rows=range(6),
                                categories_as="one_hot")  # fmt: skip
        assert made.feature_names == ("c = a", "c = b", "c = (missing)")
        assert made.inputs(source)[:3].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]

    def test_dates_become_numbers(self):
        made, _ = prepared({"d": passengers()["day"], "y": [0, 1] * 10})
        assert made.feature_names == (
            "d: year", "d: month sine", "d: month cosine", "d: weekday sine",
            "d: weekday cosine", "d: elapsed days",
        )  # fmt: skip
        constants = made.to_json()["columns"][0]["constants"]["d: elapsed days"]
        assert constants["low"] == (pd.Timestamp("2020-01-30") - pd.Timestamp(0)).days
        assert constants["high"] == constants["low"] + 19

    def test_times_of_day_are_used_where_there_are_any(self):
        hours = pd.date_range("2020-01-01", periods=20, freq="h")
        made, source = prepared({"d": hours, "y": [0, 1] * 10})
        assert "d: hour sine" in made.feature_names
        assert torch.isfinite(made.inputs(source)).all()

    def test_missing_date_fills_all_its_numbers_and_has_one_mark(self):
        made, source = prepared({"d": ["2020-01-01", None, "2021-05-03", "2022-01-01"] * 2,
                                 "y": [0, 1] * 4})  # fmt: skip
        assert [name for name in made.feature_names if "missing" in name] == ["d is missing"]
        assert torch.isfinite(made.inputs(source)).all()

    def test_infinite_values_are_missing_values(self):
        made, source = prepared({"x": [1.0, 2.0, np.inf, 1e300], "y": [0, 1, 0, 1]})
        assert made.inputs(source)[:, 1].tolist() == [0, 0, 1, 1]
        assert torch.isfinite(made.inputs(source)).all()

    def test_a_column_without_values_in_training_rows_does_no_harm(self):
        made, source = prepared({"x": [None, None, 5.0, 7.0], "z": [1.0, 2, 3, 4],
                                 "y": [0, 1, 0, 1]}, rows=[0, 1])  # fmt: skip
        assert torch.isfinite(made.inputs(source)).all()

    def test_missing_at_prediction_only_takes_the_median(self):
        made, _ = prepared({"x": [1.0, 2.0, 9.0], "y": [0, 1, 0]})
        new = Source("new", DataFrame({"x": [None, 2.0]}))
        inputs = made.inputs(new)
        assert inputs[0] == inputs[1]
        assert "training median stands in" in made.check(new)[0]

    def test_great_offsets_keep_their_digits(self):
        values = 1e9 + np.arange(8)
        made, source = prepared({"x": values, "y": [0, 1] * 4})
        expected = (np.arange(8) - 3.5) / np.arange(8).std()
        assert_close(made.inputs(source).flatten(), tensor(expected, dtype=torch.float32))

    def test_float32_columns_are_not_copied_as_float64(self):
        frame = DataFrame(np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32))
        frame.columns = list("abc")
        made, source = prepared(frame.assign(y=[0, 1] * 500))
        (array,) = made.encodings[0].numbers(source.frame["a"])
        assert np.shares_memory(array, source.frame["a"].to_numpy())

    def test_rows_are_prepared_in_blocks(self, monkeypatch):
        frame = passengers()
        made, source = prepared(frame)
        whole = made.inputs(source)
        monkeypatch.setattr("layerwise.data.encoding.BLOCK", 30)
        in_blocks = made.inputs(source)
        assert_close(in_blocks["numbers"], whole["numbers"], rtol=0, atol=0)
        refitted, _ = prepared(frame)
        assert refitted.to_json() == made.to_json()

    def test_rare_categories_beyond_the_limit_are_unknown(self):
        values = [f"c{i}" for i in range(150)] * 2 + ["c0"]
        made, source = prepared({"c": values, "y": np.arange(301.0)}, categories_as="one_hot")
        assert made.input_shape == (100,)
        assert "50 rare ones left out" in made.fitted_in_words()["c"]
        assert made.inputs(source)[0].sum() == 1


class TestConstantsSeeTrainingRowsOnly:
    def test_canary_in_test_rows_moves_nothing(self):
        clean = passengers()
        bad = clean.copy()
        bad.loc[15:, "age"] = 1e9
        bad.loc[15:, "port"] = "canary"
        bad.loc[15:, "boards"] = None
        bad.loc[15:, "day"] = "1900-01-01"
        clean["y"] = np.arange(20.0) ** 1.5
        bad["y"] = np.where(np.arange(20) < 15, clean["y"], -1e6)
        for how in ("codes", "one_hot"):
            one, _ = prepared(clean, rows=range(15), categories_as=how)
            other, _ = prepared(bad, rows=range(15), categories_as=how)
            told, also = one.to_json(), other.to_json()
            for entry in (*told["columns"], *also["columns"]):
                entry.pop("note")  # says what is odd in all rows, and is no constant
            assert told == also
            assert "canary" not in json.dumps(also)
            for name, value in one.tensors().items():
                assert torch.equal(value, other.tensors()[name]), name

    @pytest.mark.parametrize("shape", [(20, 3), (20, 2, 4, 4)])
    def test_canary_in_arrays(self, shape):
        array = np.random.default_rng(0).normal(size=shape)
        frame = DataFrame({"label": [0, 1] * 10})
        bad = array.copy()
        bad[15:] = np.nan if len(shape) == 2 else 1e6
        one, _ = prepared(Source("a", frame, inputs=array), range(15), target="label")
        other, _ = prepared(Source("a", frame, inputs=bad), range(15), target="label")
        assert one.to_json() == other.to_json()
        for name, value in one.tensors().items():
            assert torch.equal(value, other.tensors()[name]), name

    def test_class_weights_are_from_training_rows(self):
        made, _ = prepared({"x": range(0, 24, 3), "y": ["a", "a", "a", "b"] + ["b"] * 4}, range(4))
        assert_close(made.class_weights, tensor([4 / 6, 2.0]))

    def test_each_constant_says_what_it_saw(self):
        made, _ = prepared(passengers(), rows=range(15))
        told = made.to_json()
        for entry in told["columns"]:
            assert entry["fitted"]["split"] == "train"
            assert entry["fitted"]["rows"] == 15
        assert told["columns"][0]["fitted"]["missing"] == 4
        assert told["target"]["fitted"] == {"split": "train", "rows": 15}
        assert made.fitted_in_words()["age"] == (
            "mean 38.18, deviation 15.85, median 40, from 15 training rows"
        )

    def test_no_training_rows(self):
        with pytest.raises(DataError, match="no training rows"):
            prepared(passengers(), rows=[])


class TestIsData:
    @pytest.mark.parametrize("how", ["codes", "one_hot"])
    def test_json_and_tensors_bring_it_back(self, how):
        made, source = prepared(passengers(), rows=range(15), categories_as=how)
        again = Preparation(json.loads(json.dumps(made.to_json())), made.tensors())
        first, second = made.inputs(source), again.inputs(source)
        assert_close(first, second, rtol=0, atol=0)
        assert again.feature_names == made.feature_names
        assert again.categories == made.categories
        assert again.roles == made.roles
        assert again.target == made.target

    def test_what_it_tells_is_a_copy(self):
        made, _ = prepared(passengers())
        told = made.to_json()
        before = copy.deepcopy(told)
        told["columns"].clear()
        assert made.to_json() == before

    @pytest.mark.parametrize("how", ["codes", "one_hot"])
    def test_tensor_part_can_be_traced(self, how):
        made, _ = prepared(passengers(), categories_as=how)
        numbers, codes = torch.randn(4, len(made.tensors()["fill"])), tensor([[0], [1], [2], [3]])
        numbers[0, 0] = float("nan")
        traced = make_fx(made.network_inputs)(numbers, codes)
        assert_close(traced(numbers, codes), made.network_inputs(numbers, codes), rtol=0, atol=0)

    def test_tensor_part_can_be_exported(self):
        made, _ = prepared(passengers(), categories_as="one_hot")
        example = (torch.randn(4, len(made.tensors()["fill"])), tensor([[0], [1], [2], [3]]))
        rows = torch.export.Dim("rows")
        exported = torch.export.export(
            made.network_inputs, example, dynamic_shapes=({0: rows}, {0: rows})
        )
        more = (example[0].repeat(3, 1), example[1].repeat(3, 1))
        assert_close(exported.module()(*more), made.network_inputs(*more), rtol=0, atol=0)


class TestTargets:
    def test_binary_is_zero_or_one(self):
        made, source = prepared({"x": [1.0, 2.0, 3.0], "y": ["no", "yes", "no"]})
        assert made.targets(source).tolist() == [0, 1, 0]
        assert made.targets(source).dtype == torch.float32

    def test_classes_are_codes(self):
        made, source = prepared({"x": [1.0, 2.0, 3.0], "y": ["b", "a", "c"]})
        assert made.targets(source).tolist() == [1, 0, 2]
        assert made.targets(source).dtype == torch.int64

    def test_real_is_standardized_and_comes_back(self):
        values = np.array([10.5, 20.25, 60.5, 1e3])
        made, source = prepared({"x": [1.0, 2.0, 3.0, 4.0], "y": values}, rows=range(3))
        targets = made.targets(source)
        assert targets.shape == (4, 1)
        assert_close(targets[:3].mean(), tensor(0.0))
        assert_close(targets[:3].std(correction=0), tensor(1.0))
        assert_close(made.in_units(targets).flatten().double(), tensor(values))

    def test_absent_at_prediction(self):
        made, _ = prepared(passengers(), weight=None)
        assert made.targets(Source("new", passengers().drop(columns="y"))) is None
        assert made.weights(Source("new", passengers())) is None

    def test_weights_are_checked_again(self):
        frame = {"x": [1.0, 2.0], "w": [1.0, -0.5], "y": [0, 1]}
        made, source = prepared(frame, weight="w")
        assert made.weights(source).tolist() == [1, -0.5]
        with pytest.raises(DataError, match="no finite number"):
            made.weights(Source("new", DataFrame(frame | {"w": [1.0, None]})))


class TestCheck:
    def check(self, **changes):
        made, _ = prepared(passengers())
        return made.check(Source("new", passengers().assign(**changes)))

    def test_training_data_are_fine(self):
        assert self.check() == ()

    def test_missing_column_names_the_nearest(self):
        made, _ = prepared(passengers())
        new = Source("new", passengers().rename(columns={"age": "agee"}))
        for use in (made.check, made.inputs):
            with pytest.raises(DataError, match=r"'age', which .* Did you mean 'agee'"):
                use(new)

    def test_target_need_not_be_there(self):
        made, _ = prepared(passengers())
        assert made.check(Source("new", passengers().drop(columns="y"))) == ()

    def test_extra_column_is_said(self):
        assert self.check(extra=1) == ("Columns that training did not have are not used: extra.",)

    def test_new_category_is_unknown(self):
        (note,) = self.check(port="Q")
        assert "20 of 20 rows have categories that training did not know ('Q')" in note
        made, _ = prepared(passengers())
        new = Source("new", passengers().assign(port="Q"))
        assert made.inputs(new)["codes"].unique().tolist() == [0]

    def test_words_for_numbers_are_an_error(self):
        with pytest.raises(DataError, match=r"'age' was of kind number.*'old' in row 1"):
            self.check(age="old")

    def test_numbers_for_words_are_an_error(self):
        with pytest.raises(DataError, match=r"'port' held categories such as 'C'.*numbers"):
            self.check(port=3)

    def test_numbers_for_truth_values_are_an_error(self):
        with pytest.raises(DataError, match="'boards' was of kind boolean"):
            self.check(boards=7)

    def test_words_for_dates_are_an_error(self):
        with pytest.raises(DataError, match=r"'day' was of kind date.*'soon'"):
            self.check(day="soon")

    def test_a_single_bad_value_counts_as_missing(self):
        ages = [*map(str, range(20, 39)), "old"]
        (note,) = self.check(age=ages)
        assert "1 of 20 values are no number, such as 'old' in row 20; they count as miss" in note

    def test_numbers_written_as_text_are_read(self):
        assert self.check(age=[str(age) for age in range(20, 40)]) == ()

    @pytest.mark.parametrize("factor", [0.01, 1000])
    def test_other_units_are_suspected(self, factor):
        (note,) = self.check(age=passengers()["age"].fillna(30) * factor - 100 * (factor < 1))
        assert "another unit" in note

    def test_infinite_values_are_said(self):
        assert "20 infinite values count as missing" in self.check(age=np.inf)[0]

    def test_no_rows(self):
        made, _ = prepared(passengers())
        with pytest.raises(DataError, match="no rows"):
            made.check(Source("new", passengers()[:0]))


class TestArrays:
    frame = DataFrame({"label": [0, 1] * 4})

    def test_vectors_are_standardized_per_feature(self):
        array = np.random.default_rng(0).normal(5, 3, size=(8, 3)).astype(np.float32)
        made, source = prepared(Source("v", self.frame, inputs=array), target="label")
        inputs = made.inputs(source)
        assert made.input_shape == (3,)
        assert_close(inputs.mean(0), torch.zeros(3), atol=1e-6, rtol=0)
        assert_close(inputs.std(0, correction=0), torch.ones(3))

    def test_missing_values_in_vectors_get_a_mark(self):
        array = np.arange(16.0).reshape(8, 2)
        array[0, 1] = np.nan
        made, source = prepared(Source("v", self.frame, inputs=array), target="label")
        assert made.feature_names == ("feature 1", "feature 2", "feature 2 is missing")
        assert made.inputs(source)[:, 2].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]

    def images(self):
        return np.random.default_rng(0).integers(0, 256, (8, 2, 3, 3)).astype(np.uint8)

    def test_images_are_standardized_per_channel(self):
        images = self.images()
        made, source = prepared(Source("i", self.frame, inputs=images), target="label")
        values = images.astype(np.float64)
        mean = values.mean(axis=(0, 2, 3), keepdims=True)
        scale = values.std(axis=(0, 2, 3), keepdims=True)
        expected = tensor((values - mean) / scale, dtype=torch.float32)
        assert_close(made.inputs(source), expected)
        assert made.input_shape == (2, 3, 3)

    def test_large_images_stay_bytes_until_their_batch(self, monkeypatch):
        made, source = prepared(Source("i", self.frame, inputs=self.images()), target="label")
        small = made.dataset(source)
        monkeypatch.setattr("layerwise.data.preparation.LARGE", 10)
        large = made.dataset(source)
        assert large.inputs.dtype == torch.uint8
        some = tensor([5, 2])
        assert_close(large.batch(some).inputs, small.batch(some).inputs)
        assert_close(large.batch(some).targets, small.batch(some).targets)

    def test_constant_channel_does_no_harm(self):
        images = self.images()
        images[:, 1] = 7
        made, source = prepared(Source("i", self.frame, inputs=images), target="label")
        assert made.inputs(source)[:, 1].abs().max() == 0

    def test_other_shapes_are_refused(self):
        made, _ = prepared(Source("i", self.frame, inputs=self.images()), target="label")
        new = Source("new", self.frame, inputs=np.zeros((8, 2, 4, 4)))
        with pytest.raises(DataError, match=r"shape \(2, 4, 4\), but .* \(2, 3, 3\)"):
            made.check(new)
        with pytest.raises(DataError, match="is a table"):
            made.check(Source("new", self.frame))

    def test_other_scales_are_said(self):
        made, source = prepared(Source("i", self.frame, inputs=self.images()), target="label")
        assert made.check(source) == ()
        notes = made.check(Source("new", self.frame, inputs=self.images() / 255.0))
        assert "float64, in training uint8" in notes[0]
        assert "another unit or scale" in notes[1]

    def test_images_with_holes_are_refused(self):
        images = self.images().astype(np.float32)
        images[0, 0, 0, 0] = np.nan
        with pytest.raises(DataError, match="no finite numbers"):
            prepared(Source("i", self.frame, inputs=images), target="label")


def test_dataset_takes_rows():
    made, source = prepared(passengers())
    data = made.dataset(source, rows=np.array([4, 1]))
    assert data.batch(slice(0, 2)).keys.tolist() == [4, 1]
    assert data.batch(slice(0, 2)).targets.tolist() == [0, 1]


DATA = Path(os.environ.get("LAYERWISE_DATA") or Path(__file__).parents[2] / "../shared/data")


@pytest.mark.parametrize(
    ("file", "target", "kind", "left_out", "missing"),
    [
        ("titanic/titanic.csv", "Survived", "binary",
         {"PassengerId", "Name", "Ticket", "Cabin"}, {"Age is missing"}),
        ("penguins/penguins.csv", "species", "classes", set(),
         {"bill_length_mm is missing", "bill_depth_mm is missing",
          "flipper_length_mm is missing", "body_mass_g is missing"}),
        ("california-housing/housing.csv", "median_house_value", "real", set(),
         {"total_bedrooms is missing"}),
    ],
)  # fmt: skip
def test_real_tables(file, target, kind, left_out, missing):
    if not (DATA / file).exists():
        pytest.skip(f"{file} is not in LAYERWISE_DATA or ../shared/data")
    source = Source(target, pd.read_csv(DATA / file))
    roles = assign_roles(source, target=target)
    source = drop_missing_target(source, roles)
    described = describe_target(source, roles)
    assert described.kind == kind
    columns = describe_columns(source, roles, {})
    assert {column.name for column in columns if not column.is_input} == left_out
    train = split_rows(source, roles, described).rows("train")
    made = Preparation.fit(source, roles, columns, described, train, categories_as="one_hot")
    inputs = made.inputs(source)
    assert torch.isfinite(inputs).all()
    assert {name for name in made.feature_names if name.endswith("is missing")} == missing
    assert made.check(source) == ()
    numbers = made.content["columns"]
    assert all(e["fitted"]["rows"] == len(train) for e in numbers if e["features"])
