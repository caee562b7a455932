import pytest

from layerwise.command.arguments import Grammar, convert, convert_option, parse
from layerwise.command.signatures import REQUIRED, Parameter
from layerwise.errors import SettingsError

FIT = Grammar(
    "fit",
    ("SOURCE",),
    (
        Parameter("network", ("str",), "auto", ""),
        Parameter("network_options", ("dict", "None"), None, ""),
        Parameter("data_options", ("dict", "None"), None, ""),
        Parameter("learning_rate", ("float", "dict", "None"), None, ""),
        Parameter("epochs", ("int", "None"), None, ""),
        Parameter("batch_size", ("int", "str", "None"), None, ""),
        Parameter("target", ("str", "list[str]"), None, ""),
        Parameter("carry", ("list[str]", "None"), None, ""),
        Parameter("verbose", ("bool",), False, ""),
    ),
)


def given(line):
    return parse(line.split(), FIT)


def test_words_flags_and_options_are_sorted():
    found = given("wine.csv --network mlp --network.hidden 64,64 --epochs 3")
    assert found.words == ["wine.csv"]
    assert found.values == {
        "network": "mlp",
        "network_options": {"hidden": (64, 64)},
        "epochs": 3,
    }


def test_an_equals_sign_is_the_same_as_a_space():
    assert given("x --epochs=3").values == given("x --epochs 3").values
    assert given("x --data.separator==").values == {"data_options": {"separator": "="}}


def test_words_after_two_hyphens_are_no_flags():
    assert parse(["--", "--odd.csv"], FIT).words == ["--odd.csv"]


def test_negative_numbers_are_values():
    assert given("x --learning-rate -1e-3").values == {"learning_rate": -0.001}


def test_a_number_per_part():
    found = given("x --learning-rate critic=4e-4,generator=1e-4")
    assert found.values == {"learning_rate": {"critic": 4e-4, "generator": 1e-4}}


def test_the_narrowest_kind_that_fits_is_taken():
    assert given("x --batch-size 32").values == {"batch_size": 32}
    assert given("x --batch-size all").values == {"batch_size": "all"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("--verbose", True),
        ("--verbose true", True),
        ("--verbose false", False),
        ("--verbose=false", False),
    ],
)
def test_yes_or_no(line, value):
    assert given(f"{line} x").values == {"verbose": value}
    assert given(f"{line} x").words == ["x"]


@pytest.mark.parametrize(
    ("texts", "columns"),
    [(["a"], "a"), (["a,b"], "a,b"), (["weight, kg", "b"], ["weight, kg", "b"])],
)
def test_columns_are_one_text_or_a_list(texts, columns):
    assert convert("--carry", texts, ("list[str]", "None")) == columns


def test_options_of_data_stay_text():
    line = "x --data.categorical 2019,01 --data.separator , --data.header true --data.dates a"
    assert given(f"{line} --data.dates 7").values["data_options"] == {
        "categorical": "2019,01",
        "separator": ",",
        "header": "true",
        "dates": ("a", "7"),
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64", 64),
        ("-2", -2),
        ("0.5", 0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("relu", "relu"),
        ("64,64", (64, 64)),
        ("64,", (64,)),
        ("0.9,0.99", (0.9, 0.99)),
        ("a,2", ("a", 2)),
        ("01", "01"),
        ("1_000", "1_000"),
        ("nan", "nan"),
        (",", ","),
        (";", ";"),
        ("", ""),
    ],
)
def test_options_are_read_literally(text, value):
    found = convert_option("network", [text])
    assert found == value
    assert type(found) is type(value)


def test_an_option_given_again_is_a_list():
    assert given("x --network.hidden 64 --network.hidden 32").values == {
        "network_options": {"hidden": (64, 32)}
    }


def test_hyphens_in_the_key_of_an_option_are_underscores():
    assert given("x --data.image-size 32").values == {"data_options": {"image_size": "32"}}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x --epohs 3", "--epohs is no flag of layerwise fit. Did you mean '--epochs'?"),
        ("x --learning_rate 3", "Did you mean '--learning-rate'?"),
        ("x -epochs 3", "Did you mean '--epochs'?"),
        ("x --netwrk.hidden 3", "'netwrk' has no options. Did you mean 'network'?"),
        ("x --network. 3", "lacks the option's name"),
        ("x --epochs ten", "--epochs must be a whole number; got 'ten'."),
        ("x --epochs 1.5", "--epochs must be a whole number; got '1.5'."),
        ("x --learning-rate fast", "--learning-rate must be a number, or a number for each part"),
        ("x --learning-rate nan", "must be a number"),
        ("x --learning-rate critic=a", "must be a number"),
        ("x --verbose=maybe", "--verbose must be true or false; got 'maybe'."),
        ("x --epochs", "--epochs needs a value after it"),
        ("x --epochs --verbose", "--epochs needs a value after it"),
        ("x --epochs 1 --epochs 2", "--epochs was given 2 times"),
        ("", "needs SOURCE after it"),
        ("a b", "one word too many: 'b'"),
    ],
)
def test_mistakes_are_one_text(line, said):
    with pytest.raises(SettingsError) as error:
        given(line)
    assert said in str(error.value)


def test_a_required_flag():
    grammar = Grammar("predict", ("RUN", "SOURCE"), (Parameter("out", ("str",), REQUIRED, ""),))
    with pytest.raises(SettingsError, match="needs --out"):
        parse(["run", "x.csv"], grammar)


@pytest.mark.parametrize(("words", "right"), [(0, False), (1, False), (2, True), (5, True)])
def test_a_place_with_dots_takes_one_or_more(words, right):
    grammar = Grammar("compare", ("RUN", "RUN..."))
    if right:
        assert parse(["r"] * words, grammar).words == ["r"] * words
    else:
        with pytest.raises(SettingsError, match="needs RUN after it"):
            parse(["r"] * words, grammar)
