"""Bad text, pairs, series and graphs through the whole chain: one text, and nothing is written."""

import io
import warnings
import zipfile

import numpy as np
import pytest
from refusals import refused, written

from layerwise.cli import main


def series(rows=60, header="day,sales", change=None):
    """One number a day from the first of January 2020 on, with one line changed."""
    days = np.datetime64("2020-01-01") + np.arange(rows)
    lines = [f"{day},{10 + place % 7}" for place, day in enumerate(days)]
    for place, line in (change or {}).items():
        lines[place] = line
    return "\n".join([header, *lines, ""]).encode()


def arrays(**content):
    file = io.BytesIO()
    np.savez(file, **content)
    return file.getvalue()


def packed(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"T/T_{name}.txt", text)
    return file.getvalue()


def graph(**changed):
    """Six nodes in a ring, three of each class."""
    ring = np.stack([np.arange(6), (np.arange(6) + 1) % 6])
    return arrays(**{"x": np.eye(6), "edge_index": ring, "y": np.arange(6) % 2, **changed})


F = ("--task", "forecast", "--data.lookback", "7", "--data.horizon", "3")
NODES = b"name,group\na,x\nb,y\nc,x\nd,y\n"
LINES = b"".join(b"sentence number %d\n" % number for number in range(40))
E = ("n.csv", "--target", "group", "--data.edges", "e.csv")
BAD_SERIES = {  # kind: (files, words after "fit", what is told)
    "the same time twice": (
        {"s.csv": series(change={9: "2020-01-09,3"})}, ("s.csv", *F), "such as '2020-01-09",
    ),
    "two time zones": (
        {"s.csv": series(change={i: f"2020-02-{i:02d}T00:00:00+0{i % 2}:00,{i}"
                                 for i in range(1, 29)}, rows=29)},
        ("s.csv", *F), "time zones",
    ),
    "a horizon longer than the series": (
        {"s.csv": series(20)}, ("s.csv", *F[:4], "--data.horizon", "30"), "longer than the series",
    ),
    "a window longer than the training part": (
        {"s.csv": series(30)}, ("s.csv", "--task", "forecast", "--data.lookback", "27"), "lookback",
    ),
    "no time": ({"s.csv": b"a,b\n1,2\n3,5\n4,4\n"}, ("s.csv", *F), "needs the time of each row"),
    "two columns of dates": (
        {"s.csv": b"a,b,y\n" + b"".join(b"2020-01-%02d,2021-01-%02d,%d\n" % (d, d, d % 5)
                                        for d in range(1, 29))},
        ("s.csv", *F), "2 columns hold dates",
    ),
    "a time that is none": (
        {"s.csv": series(change={5: "yesterday,3"})}, ("s.csv", *F, "--time", "day"), "yesterday",
    ),
    "an empty time": (
        {"s.csv": series(change={5: ",3"})}, ("s.csv", *F, "--time", "day"), "have no time",
    ),
    "a target of words": (
        {"s.csv": b"day,y\n" + b"".join(b"2020-01-%02d,%s\n" % (d, b"ab"[d % 2: d % 2 + 1])
                                        for d in range(1, 29))},
        ("s.csv", *F, "--target", "y"), "numbers",
    ),
    "a constant target": (
        {"s.csv": b"day,y\n" + b"".join(b"2020-01-%02d,1\n" % d for d in range(1, 29))},
        ("s.csv", *F, "--target", "y"), "constant",
    ),
    "a series without a name": (
        {"s.csv": series(header="day,sales,shop", change={
            place: f"2020-01-{place + 1:02d},{place},{'' if place == 7 else 'a'}"
            for place in range(28)}, rows=28)},
        ("s.csv", *F, "--group", "shop"), "shop",
    ),
    "a horizon of nothing": (
        {"s.csv": series()}, ("s.csv", *F[:4], "--data.horizon", "0"), "horizon",
    ),
}  # fmt: skip
BAD_TEXT = {
    "an empty text": ({"t.txt": b""}, ("t.txt",), "is empty"),
    "empty lines only": ({"t.txt": b"\n\n\n"}, ("t.txt",), "blank lines"),
    "less than a context": ({"t.txt": b"To be"}, ("t.txt",), "less than one piece"),
    "no text at all": ({"t.txt": bytes(range(1, 32)) * 40}, ("t.txt",), "control bytes"),
    "tokens of an unknown kind": (
        {"t.txt": LINES}, ("t.txt", "--data.tokens", "letters"), "'letters' is not known",
    ),
    "a vocabulary of characters": (
        {"t.txt": LINES}, ("t.txt", "--data.vocabulary", "100"), "not with characters",
    ),
    "a network that takes no text": (
        {"t.txt": LINES}, ("t.txt", "--network", "mlp"), "takes no text",
    ),
    "no column of that name": (
        {"t.csv": b"a,y\n" + b"many words stand here now,no\n" * 9 + b"few,yes\n" * 9},
        ("t.csv", "--target", "y", "--data.text", "b"), "--data.text",
    ),
    "both steps and epochs": (
        {"t.txt": LINES}, ("t.txt", "--steps", "5", "--epochs", "1"), "Leave one of them out",
    ),
    "text that must not be kept": ({"t.txt": LINES}, ("t.txt", "--no-rows"), "--no-rows"),
}  # fmt: skip
BAD_PAIRS = {
    "files of unequal length": (
        {"t.en": LINES, "t.de": LINES + b"more\n"}, ("t.en", "--targets", "t.de"), "41",
    ),
    "an empty line among pairs": (
        {"t.en": LINES, "t.de": LINES.replace(b"sentence number 7\n", b"\n")},
        ("t.en", "--targets", "t.de"), "line 8: an empty line",
    ),
    "the same file twice": ({"t.en": LINES}, ("t.en", "--targets", "t.en"), "given twice"),
    "one column of text": (
        {"t.csv": b"a,b\n" + b"some words,3\n" * 9},
        ("t.csv", "--task", "translate"), "two columns",
    ),
}  # fmt: skip
BAD_GRAPHS = {
    "an edge to a missing node": (
        {"n.csv": NODES, "e.csv": b"source,target\na,b\na,z\n"}, E, "node 'z'",
    ),
    "a node twice": (
        {"n.csv": NODES + b"a,y\n", "e.csv": b"source,target\na,b\n"}, E, "is there twice",
    ),
    "edges of one column": ({"n.csv": NODES, "e.csv": b"source\na\nb\n"}, E, "two columns"),
    "no edges": ({"n.csv": NODES, "e.csv": b"source,target\n"}, E, "e.csv"),
    "edges between missing numbers": (
        {"g.npz": graph(edge_index=np.array([[0, 9], [1, 2]]))}, ("g.npz",), "leads from node 9",
    ),
    "labels of other nodes": ({"g.npz": graph(y=np.arange(5) % 2)}, ("g.npz",), "one of each per"),
    "masks that overlap": (
        {"g.npz": graph(train_mask=np.ones(6, bool), test_mask=np.ones(6, bool))},
        ("g.npz",), "in two parts",
    ),
    "a lacking file of TU": ({"t.zip": packed(A="1, 2\n2, 1\n")}, ("t.zip",), "lacks the file"),
    "edges between two graphs of TU": (
        {"t.zip": packed(A="1, 3\n3, 1\n", graph_indicator="1\n1\n2\n", graph_labels="0\n1\n")},
        ("t.zip",), "must not be connected",
    ),
    "damaged GraphML": ({"g.graphml": b"<graphml><graph>"}, ("g.graphml",), "damaged"),
    "a level that is none": ({"g.npz": graph()}, ("g.npz", "--data.level", "word"), "level"),
}  # fmt: skip
BAD = BAD_SERIES | BAD_TEXT | BAD_PAIRS | BAD_GRAPHS


@pytest.mark.parametrize("kind", BAD)
def test_bad_data_is_one_error_and_leaves_nothing(kind, tmp_path, monkeypatch, capsys):
    files, words, told = BAD[kind]
    if "graphml" in words[0]:
        pytest.importorskip("networkx")
    written(tmp_path, files)
    said = refused(["fit", *words], tmp_path, monkeypatch, capsys)
    assert told in said


def fitted(folder, name, content, *words):
    written(folder, {name: content})
    run = folder / "run"
    quick = ["--epochs", "1", "--baselines", "none", "--threads", "1", "--folder", str(run)]
    assert main(["fit", str(folder / name), *words, *quick]) == 0
    return run


def predicted(run, folder, name, content, monkeypatch, capsys):
    capsys.readouterr()
    written(folder, {name: content})
    words = ["predict", str(run), str(folder / name), "--out", str(folder / "out.csv")]
    return refused(words, folder, monkeypatch, capsys)


def test_a_series_too_short_to_look_back_on_is_refused(tmp_path, monkeypatch, capsys):
    run = fitted(tmp_path, "s.csv", series(), *F)
    said = predicted(run, tmp_path, "new.csv", series(5), monkeypatch, capsys)
    assert "the last 7 times (lookback)" in said


def test_a_series_without_its_column_is_refused(tmp_path, monkeypatch, capsys):
    run = fitted(tmp_path, "s.csv", series(), *F)
    said = predicted(run, tmp_path, "n.csv", series(header="day,price"), monkeypatch, capsys)
    assert "sales" in said


def test_a_prompt_of_unknown_characters_is_refused(tmp_path, monkeypatch, capsys):
    run = fitted(tmp_path, "t.txt", LINES, "--network", "ngram")
    capsys.readouterr()
    said = refused(["generate", str(run), "--prompt", "quiz"], tmp_path, monkeypatch, capsys)
    assert "not in the training rows" in said
    said = refused(["generate", str(run), "--count", "0"], tmp_path, monkeypatch, capsys)
    assert "--count must be" in said


def test_unknown_characters_and_long_lines_are_said_at_predict(tmp_path, capsys):
    run = fitted(tmp_path, "t.txt", LINES, "--network", "ngram")
    written(tmp_path, {"new.txt": b"quiz\n" + b"sentence " * 20 + b"\n"})
    words = ["predict", str(run), str(tmp_path / "new.txt"), "--out", str(tmp_path / "o.csv")]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert main(words) == 0
    said = " ".join(str(one.message) for one in told)
    assert "not in the vocabulary of the training rows" in said
    assert "longer than" in said or "cut" in said
