"""Attacks, adversarial training and style transfer that cannot be: one text, nothing written."""

import numpy as np
import pytest
from PIL import Image
from refusals import refused, written

from layerwise.cli import main

TABLE = b"a,b,amount\n" + b"".join(b"%d,%d,%d.5\n" % (n, n % 7, 3 * n) for n in range(40))
LINES = b"".join(b"sentence number %d\n" % number for number in range(40))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs of a table, of numbers, of text, and of images whose test rows are sealed."""
    folder = tmp_path_factory.mktemp("runs")
    written(folder, {"t.csv": TABLE, "t.txt": LINES})
    classes = TABLE.replace(b"amount", b"kind").replace(b".5\n", b"x\n")
    lines = [line.rpartition(b",")[0] + b",uv"[: 2 + n % 2] for n, line in enumerate(
        classes.splitlines()[1:])]  # fmt: skip
    written(folder, {"c.csv": b"a,b,kind\n" + b"\n".join(lines) + b"\n"})
    images = np.random.default_rng(0).integers(0, 255, (60, 1, 6, 6)).astype(np.uint8)
    np.savez(folder / "i.npz", x=images, y=np.arange(60) % 2)
    np.savez(folder / "bare.npz", x=images)
    for name, *words in (
        ("amounts", "t.csv", "--target", "amount"),
        ("classes", "c.csv", "--target", "kind"),
        ("text", "t.txt", "--network", "ngram"),
        ("sealed", "i.npz", "--network", "linear", "--seal-test"),
    ):
        given = [str(folder / words[0]), *words[1:], "--folder", str(folder / name)]
        more = ["--epochs", "1", "--baselines", "none", "--threads", "1", "--verbose", "false"]
        assert main(["fit", *given, *more]) == 0
    return folder


BAD_ATTACKS = {  # kind: (run, words after it, what is told)
    "a run of amounts": ("amounts", (), "of kind 'real'"),
    "a run of text": ("text", (), "of kind 'none'"),
    "a table": ("classes", (), "got the form 'table'"),
    "sealed test rows": ("sealed", (), "are sealed"),
    "a negative strength": ("sealed", ("--strength", "-0.1"), "from 0 to 1, such as"),
    "a strength above the range": ("sealed", ("--strength", "0.1,8"), "got '0.1,8'"),
    "a strength that is no number": ("sealed", ("--strength", "strong"), "got 'strong'"),
    "no steps": ("sealed", ("--method", "pgd", "--steps", "0"), "--steps must be"),
    "a method that is none": ("sealed", ("--method", "pdg"), "Did you mean 'pgd'"),
    "no rows": ("sealed", ("--count", "0"), "--count must be"),
    "a source without classes": ("sealed", ("bare.npz",), "so there is no true class"),
    "no run": ("nowhere", (), "There is no run at"),
}


@pytest.mark.parametrize("kind", BAD_ATTACKS)
def test_an_attack_that_cannot_be_is_one_error(kind, folder, monkeypatch, capsys):
    run, words, told = BAD_ATTACKS[kind]
    assert told in refused(["attack", run, *words], folder, monkeypatch, capsys)


def test_runs_without_a_convolution_are_not_explained(folder):
    assert (folder / "sealed" / "report.html").exists()
    assert not list(folder.rglob("explained.*"))


BAD_TRAINING = {
    "a table": (("c.csv", "--target", "kind", "--task.adversarial", "0.1"), "the form 'table'"),
    "too strong": (("i.npz", "--task.adversarial", "25"), "from 0 to 1"),
    "no steps": (
        ("i.npz", "--task.adversarial", "0.1", "--task.adversarial_steps", "0"), "at least 1",
    ),
    "a strength of words": (("i.npz", "--task.adversarial", "much"), "must be a number"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_TRAINING)
def test_adversarial_training_that_cannot_be_is_one_error(kind, folder, monkeypatch, capsys):
    words, told = BAD_TRAINING[kind]
    said = refused(["fit", *words, "--task", "classify"], folder, monkeypatch, capsys)
    assert told in said


BAD_STYLES = {  # kind: (words after "style", what is told)
    "a picture that is not there": (("chnia", "flower"), "Did you mean 'china'"),
    "a picture that is none": (("text.png", "flower"), "is no image that can be read"),
    "a picture cut off": (("china", "cut.png"), "damaged or cut off"),
    "a result that is no picture": (("china", "flower", "--out", "x.txt"), "must end in .png"),
    "too small": (("china", "flower", "--size", "8"), "at least 32"),
    "no steps": (("china", "flower", "--steps", "0"), "--steps must be"),
    "a style of less than nothing": (("china", "flower", "--style-weight", "-1"), "negative"),
    "weights of another kind": (("china", "flower", "--weights", "trained"), "--weights must be"),
    "weights that were not fetched": (
        ("china", "flower", "--size", "32", "--weights", "published"), "layerwise fetch vgg19",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_STYLES)
def test_a_style_that_cannot_be_is_one_error(kind, tmp_path, monkeypatch, capsys):
    words, told = BAD_STYLES[kind]
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    written(tmp_path, {"text.png": b"no picture", "cut.png": whole[: len(whole) // 2]})
    words = words if "--out" in words else (*words, "--out", "out.png")
    assert told in refused(["style", *words], tmp_path, monkeypatch, capsys)
