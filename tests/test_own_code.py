"""A person's own code is found, or the error says what is missing."""

import pytest

from layerwise.errors import SettingsError
from layerwise.own_code import check_options, is_own, load_own


def test_a_name_in_a_file_is_given_back_and_stays_the_same(tmp_path):
    file = tmp_path / "my.py"
    file.write_text("class Net:\n    answer = 42\n", encoding="utf-8")
    first = load_own(f"{file}:Net", "network")
    assert first.answer == 42
    assert load_own(f"{file}:Net", "network") is first


def test_an_edited_file_is_run_again(tmp_path):
    file = tmp_path / "my.py"
    file.write_text("answer = 1\n", encoding="utf-8")
    assert load_own(f"{file}:answer", "metric") == 1
    file.write_text("answer = 2\n", encoding="utf-8")
    assert load_own(f"{file}:answer", "metric") == 2


def test_a_file_can_import_its_neighbour(tmp_path):
    (tmp_path / "neighbour_of_my_net.py").write_text("width = 7\n", encoding="utf-8")
    (tmp_path / "my.py").write_text("from neighbour_of_my_net import width\n", encoding="utf-8")
    assert load_own(f"{tmp_path / 'my.py'}:width", "network") == 7


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        ("class Net: pass\n", "Nett", "Did you mean 'Net'"),
        ("x = 1\nclass Net(\n", "Net", "stops at line 2"),
        ("\n\nraise ValueError('broken')\n", "Net", "stops at line 3.*ValueError: broken"),
        ("import no_such_module_anywhere\n", "Net", "ModuleNotFoundError"),
    ],
)
def test_a_file_that_does_not_serve_is_explained(tmp_path, content, name, says):
    file = tmp_path / "my.py"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        load_own(f"{file}:{name}", "network")


def test_a_missing_file_names_its_likeliest_neighbour(tmp_path):
    (tmp_path / "mynet.py").write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"does not exist.*Did you mean 'mynet.py'"):
        load_own(f"{tmp_path / 'mynett.py'}:Net", "network")


@pytest.mark.parametrize("text", ["my.py", "my.py:", ":Net", "my.py:no name", "notes.txt:Net"])
def test_a_text_without_file_or_name_is_refused(text):
    assert is_own(text)
    with pytest.raises(SettingsError, match=r"my\.py:Name|ends in \.py"):
        load_own(text, "network")


def test_names_of_the_table_are_not_own():
    assert not is_own("mlp")


def made(target, *, hidden: tuple = (64,), dropout: float = 0.0, loss: str = "auto", wide=None):
    """Have options of several types."""


def test_options_of_the_right_type_pass():
    check_options(made, {"hidden": (8, 8), "dropout": 0, "loss": "focal", "wide": 3}, "network x")
    check_options(made, {"hidden": 8}, "network x")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hiden": (8,)}, "network x has no option 'hiden'.*Did you mean 'hidden'"),
        ({"target": 1}, "no option 'target'"),
        ({"dropout": "high"}, "dropout of the network x must be a number, got 'high'"),
        ({"dropout": True}, "must be a number"),
        ({"hidden": "wide"}, "must be numbers, such as 64,64"),
        ({"loss": 3}, "must be a word"),
    ],
)
def test_an_option_that_cannot_be_is_explained(options, says):
    with pytest.raises(SettingsError, match=says):
        check_options(made, options, "network x")


def test_a_class_without_options_says_so():
    with pytest.raises(SettingsError, match="It has none"):
        check_options(lambda target: None, {"loss": "focal"}, "task x")
