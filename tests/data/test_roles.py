"""Columns get roles and kinds; what cannot be a role or an input is said."""

import numpy as np
import pandas as pd
import pytest
from pandas import DataFrame

from layerwise.data.roles import assign_roles, describe_columns
from layerwise.data.source import Source
from layerwise.errors import DataError, SettingsError

ROWS = 40


def source_of(**columns) -> Source:
    return Source("shop", DataFrame(columns))


def shop() -> Source:
    return source_of(
        price=np.linspace(1, 9, ROWS),
        colour=["red", "blue"] * (ROWS // 2),
        quality=[0, 1] * (ROWS // 2),
        batch=[1, 1, 2, 2] * (ROWS // 4),
    )


def kinds(source: Source, target: str = "quality", **options) -> dict[str, str]:
    roles = assign_roles(source, target=target)
    return {c.name: c.kind for c in describe_columns(source, roles, options)}


def note(values, **options) -> str:
    source = source_of(x=values, other=[0.5, 1.5] * (len(values) // 2), quality=range(len(values)))
    columns = describe_columns(source, assign_roles(source, target="quality"), options)
    return columns[0].note


class TestRoles:
    def test_target_may_be_several_in_one_text(self):
        assert assign_roles(shop(), target="price, quality").target == ("price", "quality")

    def test_column_name_with_a_comma_is_one_column(self):
        source = source_of(**{"a,b": [1, 2], "c": [1, 2]})
        assert assign_roles(source, target="a,b").target == ("a,b",)

    def test_source_knows_its_own_target(self):
        source = Source("shop", shop().frame, target=("quality",))
        assert assign_roles(source).target == ("quality",)

    def test_no_target_lists_the_columns(self):
        with pytest.raises(DataError, match=r"--target.*price, colour, quality, batch"):
            assign_roles(shop())

    def test_empty_target_means_nothing_to_predict(self):
        assert assign_roles(shop(), target=()).target == ()

    def test_misspelt_target_names_the_nearest(self):
        with pytest.raises(DataError, match=r"'qualty' \(target\).*Did you mean 'quality'"):
            assign_roles(shop(), target="qualty")

    @pytest.mark.parametrize("role", ["key", "group", "time", "weight", "carry", "ignore"])
    def test_misspelt_role_column_names_the_nearest(self, role):
        with pytest.raises(DataError, match=rf"'pricee' \({role}\).*Did you mean 'price'"):
            assign_roles(shop(), target="quality", **{role: "pricee"})

    def test_a_column_has_one_role(self):
        with pytest.raises(DataError, match="two roles, --key and --carry"):
            assign_roles(shop(), target="quality", key="price", carry=["price"])

    def test_target_cannot_be_ignored(self):
        with pytest.raises(DataError, match="two roles, --target and --ignore"):
            assign_roles(shop(), target="quality", ignore="quality")

    def test_a_target_given_twice_is_said(self):
        with pytest.raises(DataError, match="given twice with --target"):
            assign_roles(shop(), target=["quality", "quality"])

    def test_columns_with_roles_are_no_inputs(self):
        source = shop()
        roles = assign_roles(source, target="quality", group="batch", carry="colour")
        assert [c.name for c in describe_columns(source, roles, {})] == ["price"]


class TestRoleContents:
    def test_double_keys(self):
        with pytest.raises(DataError, match="40 rows share a key, such as '1'"):
            assign_roles(shop(), target="quality", key="batch")

    @pytest.mark.parametrize("role", ["key", "group", "time"])
    def test_rows_without_a_value(self, role):
        source = source_of(x=[1.0, 2.0, 3.0], r=["a", None, "c"], y=[0, 1, 0])
        with pytest.raises(DataError, match=rf"1 of 3 rows have no value in column 'r' \(--{role}"):
            assign_roles(source, target="y", **{role: "r"})

    def test_negative_weights_are_allowed(self):
        source = source_of(x=[1.0, 2.0, 3.0], w=[2.0, -0.5, 1.0], y=[0, 1, 0])
        assert assign_roles(source, target="y", weight="w").weight == "w"

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_weights_are_finite(self, bad):
        source = source_of(x=[1.0, 2.0, 3.0], w=[2.0, bad, 1.0], y=[0, 1, 0])
        with pytest.raises(DataError, match=r"1 of 3 rows have no finite number.*row 2"):
            assign_roles(source, target="y", weight="w")

    def test_weights_sum_above_zero(self):
        source = source_of(x=[1.0, 2.0], w=[1.0, -1.0], y=[0, 1])
        with pytest.raises(DataError, match="sum to 0"):
            assign_roles(source, target="y", weight="w")


class TestKinds:
    def test_each_kind_is_told_from_the_values(self):
        rows = 60
        source = source_of(
            number=np.linspace(0, 1, rows),
            category=["a", "b", "c"] * 20,
            yes_no=["yes", "No"] * 30,
            text_bits=["0", "1"] * 30,
            bits=[0, 1] * 30,
            bools=[True, False] * 30,
            date=pd.date_range("2020-01-01", periods=rows).strftime("%Y-%m-%d"),
            moment=pd.date_range("2020-01-01", periods=rows),
            month=[f"{1950 + i // 12}-{i % 12 + 1:02}" for i in range(rows)],
            worded=["5 Jan 2020", "7 March 2021"] * 30,
            written_number=[f"{i}.5" for i in range(rows)],
            names=[f"person {i}" for i in range(rows)],
            stories=[f"once upon a time there was a king {i}" for i in range(rows)],
            row=range(rows),
            passengerId=[(7 * i) % 1009 for i in range(rows)],
            always=["x"] * rows,
            nothing=[None] * rows,
            codes=["01", "02", "1"] * 20,
            y=[0.1, 0.2] * 30,
        )
        assert kinds(source, "y") == {
            "number": "number",
            "category": "category",
            "yes_no": "boolean",
            "text_bits": "boolean",
            "bits": "boolean",
            "bools": "boolean",
            "date": "date",
            "moment": "date",
            "month": "date",
            "worded": "date",
            "written_number": "number",
            "names": "identifier",
            "stories": "text",
            "row": "identifier",
            "passengerId": "identifier",
            "always": "constant",
            "nothing": "empty",
            "codes": "category",
        }

    def test_text_that_differs_in_each_row_looks_like_an_identifier(self):
        assert "looks like an identifier" in note([f"p{i}" for i in range(ROWS)])

    def test_a_word_or_nothing_is_a_category(self):
        assert kinds(source_of(x=["yes", None] * 20, y=range(ROWS)), "y") == {"x": "category"}

    def test_row_number_is_kept_where_it_is_all(self):
        source = source_of(step=range(ROWS), y=np.sin(range(ROWS)))
        assert kinds(source, "y") == {"step": "number"}

    def test_missing_values_are_counted(self):
        assert note([1.5, None, 3.0, None] * 10) == "20 of 40 rows have no value"

    def test_infinite_values_are_said(self):
        assert "1 infinite values: taken as missing" in note([1.0, 2.0, 3.0, np.inf])

    def test_a_few_words_among_numbers_are_missing_values(self):
        text = note([*map(str, range(38)), "?", "?"])
        assert "2 values are no numbers ('?'): taken as missing" in text

    def test_many_words_among_numbers_are_said(self):
        text = note([*map(str, range(60)), "low", "mid", "high", "none"])
        assert "60 of 64 values are numbers, but not all, such as 'low'" in text
        assert "--data.numeric x reads the others as missing" in text

    def test_a_few_numbers_among_words_are_not_worth_a_word(self):
        assert note(["red", "green", "7"] * 10) == ""

    def test_leading_zeros_stay_categories(self):
        assert "leading zeros" in note(["01", "1"] * 20)

    def test_numbers_of_too_many_digits_stay_categories(self):
        source = source_of(x=["9223372036854775808", "12", "9223372036854775809"] * 20, y=range(60))
        assert kinds(source, "y") == {"x": "category"}
        assert "more digits than a number holds" in note(["9223372036854775808", "12"] * 20)

    def test_decimal_commas_are_said(self):
        assert "decimal comma" in note([f"{i},25" for i in range(ROWS)])

    def test_decimal_points_beside_decimal_commas_are_no_thousands_marks(self):
        source = source_of(x=["1,5", "2.5", "3,5", "4.25"] * 20, y=range(80))
        assert kinds(source, "y") == {"x": "category"}

    def test_points_that_group_thousands_go_with_decimal_commas(self):
        assert "decimal comma" in note(["1.234", "1.234,5", "12,5", "7"] * 10)

    def test_ambiguous_dates_are_said(self):
        assert "'01/02/2020' may have day or month first: taken as month first" in note(
            ["01/02/2020", "03/04/2020"] * 10
        )

    def test_dates_in_two_orders_are_an_error(self):
        with pytest.raises(DataError, match=r"two orders: '13/02/2020'.*'02/13/2020'"):
            note(["13/02/2020", "02/13/2020"] * 10)

    def test_copy_of_the_target_is_warned_of(self):
        names = ["cat", "dog", "dog", "cow"] * 10
        source = source_of(x=range(5, 165, 4), sound=names, y=names)
        source.frame["sound"] = source.frame["y"].map({"cat": "meow", "dog": "wau", "cow": "moo"})
        found = describe_columns(source, assign_roles(source, target="y"), {})
        assert [c.note.startswith("WARNING: holds the same as the target") for c in found] == [
            False,
            True,
        ]

    def test_rescaled_target_is_warned_of(self):
        metres = np.random.default_rng(0).normal(size=50)
        source = source_of(feet=metres / 0.3048 + 1, other=metres**2, y=metres)
        found = describe_columns(source, assign_roles(source, target="y"), {})
        assert ["WARNING" in c.note for c in found] == [True, False]

    def test_columns_beside_arrays_are_unused(self):
        frame = DataFrame({"label": [0, 1], "file": ["a", "b"]})
        source = Source("pictures", frame, inputs=np.zeros((2, 1, 4, 4)))
        (column,) = describe_columns(source, assign_roles(source, target="label"), {})
        assert (column.name, column.kind) == ("file", "unused")

    def test_nothing_left_to_learn_from(self):
        source = source_of(x=["same"] * 4, y=[0, 1, 0, 1])
        with pytest.raises(DataError, match=r"no column left to learn from: 'x' is constant"):
            kinds(source, "y")


class TestOverrides:
    def test_each_option_fixes_a_kind(self):
        source = source_of(
            a=[1, 2] * 20, b=["1", "x3"] * 20, c=[20200131, 20210101] * 20, d=["y", "n"] * 20,
            y=range(ROWS),
        )  # fmt: skip
        options = {"categorical": "a", "numeric": ["b"], "dates": "c", "boolean": "d"}
        assert kinds(source, "y", **options) == {
            "a": "category", "b": "number", "c": "date", "d": "boolean",
        }  # fmt: skip

    def test_an_identifier_can_be_used(self):
        assert kinds(source_of(x=[f"p{i}" for i in range(40)], y=range(40)), "y", categorical="x")

    def test_misspelt_column_names_the_nearest(self):
        with pytest.raises(DataError, match=r"'colur' of --data.categorical.*'colour'"):
            kinds(shop(), categorical="colur")

    def test_two_kinds_for_one_column(self):
        with pytest.raises(SettingsError, match="two kinds, category and number"):
            kinds(shop(), categorical="price", numeric="price")

    @pytest.mark.parametrize("option", ["numeric", "dates", "boolean"])
    def test_words_cannot_be_forced(self, option):
        with pytest.raises(DataError, match=r"'colour' cannot be read as.*'red' in row 1"):
            kinds(shop(), **{option: "colour"})
