"""The kind of a target is told from its values, by a rule that is said."""

import numpy as np
import pytest
from pandas import DataFrame

from layerwise.data.roles import Roles, assign_roles
from layerwise.data.source import Source
from layerwise.data.target import (
    balanced_weights,
    describe_target,
    drop_missing_target,
    encode_target,
    missing_target,
    target_notes,
)
from layerwise.errors import DataError, SettingsError


def described(values, **settings):
    frame = DataFrame({"y": values})
    return describe_target(Source("data", frame), Roles(("y",)), **settings)


def several(task=None, **columns):
    frame = DataFrame(columns)
    return describe_target(Source("data", frame), Roles(tuple(columns)), task=task)


class TestKind:
    @pytest.mark.parametrize(
        ("values", "kind", "classes"),
        [
            (["no", "yes", "no"], "binary", ("no", "yes")),
            ([True, False, True], "binary", ("False", "True")),
            ([1, 0, 0, 1], "binary", ("0", "1")),
            ([-1, 1, -1], "binary", ("-1", "1")),
            ([1.0, 0.0, None], "binary", ("0", "1")),
            (["YES", "absent"], "binary", ("absent", "YES")),
            (["b", "a", "C"], "classes", ("a", "b", "C")),
            ([3, 1, 2] * 4, "classes", ("1", "2", "3")),
            (["10", "9", "2"] * 4, "classes", ("2", "9", "10")),
            (["01", "1", "2"], "classes", ("01", "1", "2")),
            (list(range(100)), "real", ()),
            ([1, 2, 3], "real", ()),
            ([0.5, 1.5, 0.5], "real", ()),
            (["0.5", "1.25"], "real", ()),
        ],
    )
    def test_is_told_from_the_values(self, values, kind, classes):
        target = described(values)
        assert (target.kind, target.classes) == (kind, classes)

    def test_three_hundred_classes(self):
        names = [f"species {i}" for i in range(300)]
        assert len(described(names * 2).classes) == 300
        assert len(described(list(range(300)) * 2, task="classify").classes) == 300

    def test_a_column_called_label_may_have_a_hundred_classes(self):
        source = Source("data", DataFrame({"label": list(range(100)) * 4}))
        assert len(describe_target(source, Roles(("label",))).classes) == 100

    def test_task_decides(self):
        assert described([1, 2, 3] * 9, task="regress").kind == "real"
        assert described([1, 2, 3] * 9, task="count").kind == "count"
        assert described([0.5, 1.5], task="classify").kind == "binary"

    def test_options_of_the_source_decide(self):
        frame = DataFrame({"y": list(range(50))})
        source = Source("data", frame, options={"categorical": "y"})
        assert describe_target(source, Roles(("y",))).kind == "classes"

    def test_several_columns(self):
        assert several(a=[0, 1], b=[1, 0]).kind == "labels"
        assert several(a=[0, 1], b=[1, 0]).classes == ("a", "b")
        assert several(a=["yes", "no"], b=[True, False]).kind == "labels"
        assert several(a=[0, 1], b=[1.5, 0]).kind == "real"
        assert several(a=[0, 1], b=[1, 0], task="regress").kind == "real"

    def test_nothing_to_predict(self):
        assert describe_target(Source("data", DataFrame({"x": [1]})), Roles()).kind == "none"


class TestPositive:
    def test_later_in_sorted_order(self):
        assert described(["signal", "background"]).classes[1] == "signal"

    def test_as_asked(self):
        assert described(["signal", "background"], positive="background").classes == (
            "signal",
            "background",
        )
        assert described([0, 1], positive=0).classes == ("1", "0")

    def test_misspelt(self):
        with pytest.raises(SettingsError, match=r"'signl'.*Did you mean 'signal'"):
            described(["signal", "background"], positive="signl")

    def test_with_three_classes(self):
        with pytest.raises(SettingsError, match="has 3: a, b, c"):
            described(["a", "b", "c"], positive="a")

    def test_with_numbers(self):
        with pytest.raises(SettingsError, match="holds numbers"):
            described([0.5, 1.5, 2.5], positive="0.5")


class TestErrors:
    @pytest.mark.parametrize("task", [None, "classify", "regress"])
    @pytest.mark.parametrize("values", [[3, 3, 3], [3, None, 3]])
    def test_constant(self, values, task):
        with pytest.raises(DataError, match=r"constant: every row is '?3"):
            described(values, task=task)

    def test_all_missing(self):
        with pytest.raises(DataError, match="No row of data has a value in the target 'y'"):
            described([None, None])

    def test_infinite(self):
        with pytest.raises(DataError, match=r"finite number.* 1 of 3 rows.*'inf' in row 2"):
            described([1.5, np.inf, 2.5])

    def test_text_cannot_be_regressed(self):
        with pytest.raises(DataError, match=r"must be a finite number.*'b' in row 2"):
            described(["1", "b", "3"], task="regress")

    @pytest.mark.parametrize("bad", [-1, 0.5])
    def test_counts_are_whole_and_not_negative(self, bad):
        with pytest.raises(DataError, match=r"must be a count.*in row 3"):
            described([1, 2, bad], task="count")

    def test_several_of_mixed_kind(self):
        with pytest.raises(DataError, match=r"all hold 0 and 1, or all hold numbers, but 'b'"):
            several(a=[0, 1], b=["x", "y"])

    def test_one_of_several_is_constant(self):
        with pytest.raises(DataError, match="'b' is constant"):
            several(a=[0, 1], b=[1, 1])


class TestMissing:
    frame = DataFrame({"x": [1.0, 2.0, 3.0], "y": ["a", None, "b"]})

    def test_rows_are_found(self):
        assert missing_target(self.frame, Roles(("y",))).tolist() == [False, True, False]

    def test_rows_are_dropped_and_counted(self):
        inputs, parts = np.arange(3), np.array(["train", "test", "test"])
        source = drop_missing_target(
            Source("data", self.frame, inputs=inputs, parts=parts), Roles(("y",))
        )
        assert source.frame.index.tolist() == [0, 1]
        assert source.inputs.tolist() == [0, 2]
        assert source.parts.tolist() == ["train", "test"]
        assert source.notes[0].startswith("1 of 3 rows have no value in the target 'y'")

    def test_all_missing_is_an_error(self):
        with pytest.raises(DataError, match="No row"):
            drop_missing_target(Source("data", DataFrame({"y": [None]})), Roles(("y",)))

    def test_encoding_wants_them_gone(self):
        with pytest.raises(DataError, match="1 of 3 rows have no value"):
            encode_target(self.frame, Roles(("y",)), described(["a", "b"]))


class TestEncoding:
    def test_classes_are_codes(self):
        frame = DataFrame({"y": ["b", "a", "b"]})
        codes = encode_target(frame, Roles(("y",)), described(["a", "b", "c"]))
        assert codes.tolist() == [1, 0, 1]
        assert codes.dtype == np.int64

    def test_numbers_and_floats_are_the_same_classes(self):
        target = described([0, 1, 0])
        assert encode_target(DataFrame({"y": [1.0, 0.0]}), Roles(("y",)), target).tolist() == [1, 0]

    def test_unknown_class(self):
        with pytest.raises(DataError, match=r"not there in training: 'z'.*'a', 'b'"):
            encode_target(DataFrame({"y": ["z"]}), Roles(("y",)), described(["a", "b"]))

    def test_labels_and_numbers_are_columns(self):
        frame = DataFrame({"a": ["no", "yes"], "b": [1, 0]})
        roles = Roles(("a", "b"))
        labels = encode_target(frame, roles, describe_target(Source("data", frame), roles))
        assert labels.tolist() == [[0, 1], [1, 0]]
        assert labels.dtype == np.float32

    def test_balanced_weights_by_hand(self):
        weights = balanced_weights(np.array([0, 0, 0, 2]), 3)
        assert weights.tolist() == pytest.approx([4 / 6, 1, 2])


def test_the_rule_is_said():
    frame = DataFrame({"y": [1, 2, 3] * 9, "z": range(27), "w": ["Yes", "yes", "no"] * 9})
    frame["v"] = [*map(str, range(24)), "low", "mid", "low"]
    source = Source("data", frame)

    def notes(name, **settings):
        roles = assign_roles(source, target=name)
        return " ".join(target_notes(source, roles, describe_target(source, roles, **settings)))

    assert "3 different whole numbers: taken as classes. --task regress" in notes("y")
    assert "27 different whole numbers: taken as a quantity. --task classify" in notes("z")
    assert "'Yes', 'yes' differ by their capitals" in notes("w")
    assert "'v': 24 of 27 values are numbers, but not all, such as 'low'" in notes("v")
