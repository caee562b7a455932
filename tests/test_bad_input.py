"""Bad input through the whole chain: one text, exit code 2, nothing written; odd input is read."""

import gzip
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from refusals import refused, written

from layerwise import Learner

CELLS = [[str(i % 7), str(i * 3 % 5), "no" if i * i % 5 < 2 else "yes"] for i in range(60)]


def table(column=None, change=None, header="a,b,y"):
    """Sixty rows of a, b and y (no or yes), with one column changed: change(row, cell)."""
    rows = [list(row) for row in CELLS]
    for number, row in enumerate(rows):
        if change is not None:
            row[column] = change(number, row[column])
    return "\n".join([header, *map(",".join, rows), ""]).encode()


def picture(mode="L", side=16, kind="PNG", value=0):
    content = io.BytesIO()
    Image.new(mode, (side, side), value).save(content, kind)
    return content.getvalue()


def arrays(**content):
    file = io.BytesIO()
    np.savez(file, **content)
    return file.getvalue()


def photos(first=None, suffix="png", **options):
    """Twelve images for each of two classes; the first may be something else."""
    files = {
        f"p/{name}/{number:02d}.{suffix}": picture(value=shade + number * 9, **options)
        for name, shade in (("cat", 0), ("dog", 100))
        for number in range(12)
    }
    return files if first is None else {**files, f"p/cat/00.{suffix}": first}


def bomb(side=60000):
    """A PNG of a few bytes that claims to be many gigabytes of pixels."""

    def chunk(name, body):
        sums = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + sums

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


Y = ("--target", "y")
BAD_DATA = {  # kind: (files, words after "fit", what is told)
    "an empty file": ({"t.csv": b""}, ("t.csv", *Y), "t.csv is empty"),
    "a header only": ({"t.csv": b"a,b,y\n"}, ("t.csv", *Y), "a header and no rows"),
    "a short row": ({"t.csv": b"a,y\n1,no\n2\n3,no\n"}, ("t.csv", *Y), "line 3: too few cells"),
    "a long row": ({"t.csv": b"a,y\n1,no\n2,no,3\n4,no\n"}, ("t.csv", *Y), "line 3: too many"),
    "NUL bytes": ({"t.csv": b"a,y\n1,\x00\n"}, ("t.csv", *Y), "line 2: a NUL byte"),
    "an open quote": ({"t.csv": b'a,y\n1,"x\n2,y\n'}, ("t.csv", *Y), "never closed"),
    "binary junk": ({"t.csv": bytes(range(1, 32)) * 40}, ("t.csv", *Y), "control bytes"),
    "a web page": ({"t.csv": b"<!DOCTYPE html>"}, ("t.csv", *Y), "is a web page"),
    "a workbook": ({"t.xlsx": b"PK\x03\x04"}, ("t.xlsx", *Y), "Save the sheet as CSV"),
    "a pickle": ({"t.pkl": b"\x80\x04\x95"}, ("t.pkl", *Y), "t.pkl"),
    "a cut gzip": ({"t.csv.gz": gzip.compress(table())[:50]}, ("t.csv.gz", *Y), "cut off"),
    "a damaged Parquet": ({"t.parquet": b"PAR1junk"}, ("t.parquet", *Y), "t.parquet"),
    "no JSON": ({"t.jsonl": b'{"a": 1}\n{"a" 2}\n'}, ("t.jsonl", *Y), "line 2: no JSON"),
    "a missing file": ({"wine.csv": table()}, ("wien.csv", *Y), "Did you mean 'wine.csv'"),
    "a folder for a file": ({"d/t.csv": table()}, ("d", *Y), "a file is needed here"),
    "an empty pattern": ({}, ("*.parquet", *Y), "No file matches"),
    "an address": ({}, ("https://example.org/a.csv",), "Download it first"),
    "dates in two orders": (
        {"t.csv": table(0, lambda i, _: ("13/01/2020", "01/14/2020")[i % 2])},
        ("t.csv", *Y),
        "dates in two orders",
    ),
    "no target": ({"t.csv": table()}, ("t.csv",), "Give its column with --target"),
    "a misspelt target": ({"t.csv": table()}, ("t.csv", "--target", "yy"), "Did you mean 'y'"),
    "a constant target": ({"t.csv": table(2, lambda i, _: "x")}, ("t.csv", *Y), "is constant"),
    "a constant number": ({"t.csv": table(2, lambda i, _: "1.5")}, ("t.csv", *Y), "is constant"),
    "an empty target": ({"t.csv": table(2, lambda i, _: "")}, ("t.csv", *Y), "No row of t has"),
    "one row per class": (
        {"t.csv": table(2, lambda i, _: f"name {i}")},
        ("t.csv", *Y),
        "have one row only",
    ),
    "an infinite target": (
        {"t.csv": table(2, lambda i, _: "inf" if i == 3 else f"{i}.5")},
        ("t.csv", *Y),
        "a finite number in every row, but 1 of 60 rows are not, such as 'inf' in row 4",
    ),
    "nothing but an empty column": (
        {"t.csv": table(0, lambda i, _: "")},
        ("t.csv", *Y, "--ignore", "b"),
        "'a' is empty",
    ),
    "nothing but a constant": (
        {"t.csv": table(0, lambda i, _: "3")},
        ("t.csv", *Y, "--ignore", "b"),
        "'a' is constant",
    ),
    "one row": ({"t.csv": b"a,b,y\n1,2,no\n"}, ("t.csv", *Y), "is constant"),
    "weights of text": ({"t.csv": table()}, ("t.csv", "--target", "a", "--weight", "y"), "weight"),
    "weights that sum to 0": (
        {"t.csv": table(1, lambda i, _: "0")},
        ("t.csv", *Y, "--weight", "b"),
        "must be above 0",
    ),
    "one group": (
        {"t.csv": table(1, lambda i, _: "g")},
        ("t.csv", *Y, "--group", "b"),
        "one group only",
    ),
    "a key twice": ({"t.csv": table()}, ("t.csv", *Y, "--key", "a"), "must name each row once"),
    "a time of text": ({"t.csv": table()}, ("t.csv", "--target", "a", "--time", "y"), "no date"),
    "text for numbers": ({"t.csv": table()}, ("t.csv", *Y, "--task", "regress"), "such as 'no'"),
    "test rows with other columns": (
        {"t.csv": table(), "u.csv": table(header="a,z,y")},
        ("t.csv", *Y, "--test", "u.csv"),
        "Column 'b' of the training data is not in the test data",
    ),
    "targets without a key": (
        {"t.csv": table(), "u.csv": table()},
        ("t.csv", *Y, "--targets", "u.csv"),
        "Give --key",
    ),
    "targets with other keys": (
        {"t.csv": b"k,a\n1,2\n2,3\n", "u.csv": b"k,y\n8,1\n9,2\n"},
        ("t.csv", *Y, "--targets", "u.csv", "--key", "k"),
        "Write the keys alike",
    ),
    "a 0-byte image": (photos(b""), ("p",), "00.png is empty (0 bytes)"),
    "a truncated image": (photos(picture("RGB", 64)[:60]), ("p",), "damaged or cut off"),
    "HTML named .jpg": (photos(b"<html>", "jpg", kind="JPEG"), ("p",), "a web page under the name"),
    "an image bomb": (photos(bomb()), ("p",), "00.png"),
    "a folder without images": ({"p/cat/a.txt": b"x"}, ("p",), "holds no images"),
    "images of one class": (
        {name: content for name, content in photos().items() if "cat" in name},
        ("p",),
        "is constant",
    ),
    "images without classes": ({f"p/{i}.png": picture() for i in range(9)}, ("p",), "--target"),
    "npz with objects": (
        {"t.npz": arrays(X=np.array([{}, None], dtype=object), y=np.array([0, 1]))},
        ("t.npz",),
        "holds Python objects",
    ),
    "unequal lengths": (
        {"t.npz": arrays(X=np.ones((3, 2)), y=np.ones(4))},
        ("t.npz",),
        "3 inputs but 4 labels",
    ),
    "an empty array": (
        {"t.npz": arrays(X=np.ones((0, 2)), y=np.ones(0))},
        ("t.npz",),
        "0 sample",
    ),
    "five axes": (
        {"t.npz": arrays(X=np.ones((6, 1, 1, 1, 1)), y=np.arange(6))},
        ("t.npz",),
        "axes",
    ),
    "complex numbers": (
        {"t.npz": arrays(X=np.ones((6, 2), complex), y=np.arange(6))},
        ("t.npz",),
        "Complex data",
    ),
}


@pytest.mark.parametrize("kind", BAD_DATA)
def test_bad_data_is_one_error_and_leaves_nothing(kind, tmp_path, monkeypatch, capsys):
    files, words, told = BAD_DATA[kind]
    written(tmp_path, files)
    assert told in refused(["fit", *words], tmp_path, monkeypatch, capsys)


MISSPELT = {  # words after "fit t.csv --target y": what is told
    "--epohs 3": "Did you mean '--epochs'",
    "--network mlpp": "Did you mean 'mlp'",
    "--network.hiden 3": "Did you mean 'hidden'",
    "--netwrk.hidden 3": "Did you mean 'network'",
    "--network.activation rellu": "Did you mean 'relu'",
    "--network mcculloch_pitts --network.gate nad": "Did you mean 'nand'",
    "--task clasify": "Did you mean 'classify'",
    "--task.loss focall": "Did you mean 'focal'",
    "--task.los focal": "Did you mean 'loss'",
    "--data.separater ;": "Did you mean 'separator'",
    "--data.categorical bb": "Did you mean 'b'",
    "--optimizer adm": "Did you mean 'adam'",
    "--optimizer sgd --optimizer.momentm 0.9": "Did you mean 'momentum'",
    "--optimizer.lr 0.1": "is given with --learning-rate",
    "--schedule cosin": "Did you mean 'cosine'",
    "--schedule.warmup 0.1": "Did you mean 'warm_up'",
    "--recipe moderm": "Did you mean 'modern'",
    "--split stratifed": "Did you mean 'stratified'",
    "--device cpuu": "Did you mean 'cpu'",
    "--precision float46": "Did you mean 'float64'",
    "--metric acuracy": "Did you mean 'accuracy'",
    "--baselines fastt": "Did you mean 'fast'",
    "--positive yess": "Did you mean 'yes'",
    "--group bb": "Did you mean 'b'",
    "--carry bb": "Did you mean 'b'",
    "--ignore bb": "Did you mean 'b'",
    "--network my.py:Net": "The file my.py of the network 'my.py:Net' does not exist",
    "--task own.py:Tosk": "Did you mean 'Task'",
    "--task own.py:Task": "must be a class with the methods",
    "--network own.py:Net": "must be a class derived from torch.nn.Module",
    "--metric own.py:scor": "Did you mean 'score'",
    "--metric own.py:score": "must be a function of Predictions, got int",
    "--network broken.py:Net": "broken.py with the network stops at line 1",
}


@pytest.mark.parametrize("words", MISSPELT)
def test_what_is_misspelt_names_the_nearest_right_one(words, tmp_path, monkeypatch, capsys):
    own = b"Task, Net, score = 1, 2, 3\n"
    written(tmp_path, {"t.csv": table(), "own.py": own, "broken.py": b"x = 1 +\n"})
    text = refused(["fit", "t.csv", *Y, *words.split()], tmp_path, monkeypatch, capsys)
    assert MISSPELT[words] in text


IMPOSSIBLE = {
    "--epochs -1": "--epochs must be a whole number, at least 0, got -1",
    "--epochs 2.5": "--epochs must be a whole number; got '2.5'",
    "--epochs 3 --epochs 4": "--epochs was given 2 times",
    "--batch-size 0": "--batch-size must be a number of rows or 'all', got 0",
    "--batch-size many": "--batch-size must be a number of rows or 'all', got 'many'",
    "--learning-rate abc": "--learning-rate must be a number",
    "--learning-rate -1": "--learning-rate must be a number, not negative, got -1",
    "--learning-rate 1e999": "--learning-rate must be a number, not negative, got inf",
    "--learning-rate critic=1": "names critic, but this task trains network",
    "--validation-fraction 1.5": "--validation-fraction must be a number from 0 to below 1",
    "--test-fraction 0.6 --validation-fraction 0.6": "below 1 together",
    "--threads 0": "--threads must be a whole number, at least 1, got 0",
    "--minutes -1": "--minutes must be a number above 0, got -1",
    "--minutes soon": "--minutes must be a number; got 'soon'",
    "--micro-batches 0": "--micro-batches must be a whole number, at least 1, got 0",
    "--micro-batches 1000": "cannot be cut into 1000 pieces",
    "--seed -1": "--seed must be a whole number, at least 0, got -1",
    "--seed 99999999999999": "--seed must be at most",
    "--patience -1": "--patience must be a whole number, at least 0",
    "--abstain-below 1.5": "--abstain-below must be a probability, from 0 to 1",
    "--l1 -1": "--l1 must be a number, not negative",
    "--l2 x": "--l2 must be a number; got 'x'",
    "--clip 0": "--clip must be a number above 0, got 0",
    "--folder t.csv": "'t.csv' is a file",
    "--folder t.csv/run": "'t.csv' is a file",
    "--folder full": "Folder 'full' is not empty",
    "--network.hidden 0,": "whole numbers above 0",
    "--network.dropout x": "must be a number, got 'x'",
    "--network.categories 3": "use --data.categorical",
    "--network.batch_norm true --batch-size 1": "needs at least 2",
    "--network.batch_norm true --micro-batches 2": "Use --micro-batches 1",
    "--network lenet5": "For a table choose --network mlp",
    "--network perceptron --task classify --micro-batches 99": "cannot be cut",
    "--task.label_smoothing 2": "from 0 to below 1, got 2",
    "--task.class_weight 1,2,3": "one number for each of 2 classes, got 3",
    "--class-weight balance": "--class-weight must be 'balanced'",
    "--optimizer sgd --optimizer.momentum 2x": "must be a number, got '2x'",
    "--optimizer sgd --optimizer.momentum -1": "refuses its options: Invalid momentum value",
    "--optimizer closed_form --target a --task regress": "MLP has no closed form",
    "--optimizer closed_form --network linear": "must have a numeric target",
    "--schedule.warm_up 2": "a part of the stage, from 0 to 1, got 2",
    "--schedule step --schedule.every 0": "a number of epochs above 0, got 0",
    "--schedule plateau --schedule.factor 1": "from 0 to below 1, got 1",
    "--split group": "give it with --group NAME",
    "--metric rmse": "judges targets of the kind",
    "--device cuda:99": "The device 'cuda:99' is not here",
    "--carry y": "two roles, --target and --carry",
    "--ignore a,b": "no column left to learn from",
    "--data.numeric y --target a": "cannot be read as number",
    "--target": "--target needs a value after it",
    "more": "one word too many: 'more'",
}


@pytest.mark.parametrize("words", IMPOSSIBLE)
def test_what_cannot_be_is_told_before_anything_is_written(words, tmp_path, monkeypatch, capsys):
    written(tmp_path, {"t.csv": table(), "full/thesis.tex": b"x"})
    given = () if "--target a" in words else Y
    text = refused(["fit", "t.csv", *given, *words.split()], tmp_path, monkeypatch, capsys)
    assert IMPOSSIBLE[words] in text


OTHER_VERBS = {
    "fti digits": "Did you mean 'fit'",
    "fit digts": "Did you mean 'digits'",
    "fit": "needs SOURCE",
    "data t.csv": "Give its column with --target",
    "predict run t.csv --out o.csv": "There is no run at 'run'",
    "predict run t.csv --out o.xls": "--out must end in",
    "evaluate run": "There is no run at 'run'",
    "resume run": "There is no run at 'run'",
    "report t.csv": "There is no run at 't.csv'",
    "compare one two": "There is no run at 'one'",
    "runs nowhere": "There is no folder 'nowhere'",
    "fetch mnst": "Did you mean 'mnist'",
    "fetch digits": "It is part of layerwise",
    "zoo lenet": "Did you mean 'lenet5'",
}


@pytest.mark.parametrize("words", OTHER_VERBS)
def test_every_verb_refuses_in_the_same_way(words, tmp_path, monkeypatch, capsys):
    written(tmp_path, {"t.csv": table()})
    assert OTHER_VERBS[words] in refused(words.split(), tmp_path, monkeypatch, capsys)


PLAIN = table().decode()
SEMICOLONS = PLAIN.replace(",", ";")
ODD = {  # kind: (file, content, rows, something that is said)
    "no header": ("t.csv", PLAIN.partition("\n")[2].encode(), 60, "no header"),
    "semicolons": ("t.csv", SEMICOLONS.encode(), 60, "semicolons"),
    "tabs": ("t.tsv", PLAIN.replace(",", "\t").encode(), 60, "tabs"),
    "decimal commas": (
        "t.csv",
        table(0, lambda i, cell: f'"{cell},5"'),
        60,
        "Decimal commas in Column 'a'",
    ),
    "thousands marks": (
        "t.csv",
        table(0, lambda i, cell: f'"{cell}1,000.5"'),
        60,
        "Thousands marks",
    ),
    "a byte order mark": ("t.csv", b"\xef\xbb\xbf" + table(), 60, ""),
    "UTF-16": ("t.csv", PLAIN.encode("utf-16"), 60, "UTF-16"),
    "Latin-1": ("t.csv", PLAIN.replace("yes", "s\u00ed").encode("latin-1"), 60, "Latin-1"),
    "double names": ("t.csv", table(header="a,a,y"), 60, "'a' is there twice"),
    "blank names": ("t.csv", table(header=",b,y"), 60, "without a name"),
    "a repeated header": ("t.csv", (PLAIN + PLAIN).encode(), 120, "header is repeated"),
    "gzip as .csv": ("t.csv", gzip.compress(table()), 60, "compressed with gzip"),
    "a space and unicode": ("m\u00fc sli \u6570.csv", table(), 60, ""),
    "01 beside 1": ("t.csv", table(0, lambda i, cell: f"0{cell}" if i % 2 else cell), 60, "'01'"),
    "numbers of 20 digits": (
        "t.csv",
        table(0, lambda i, cell: f"1{cell}999999999999999999"),
        60,
        "more digits",
    ),
    "mixed types": (
        "t.csv",
        table(0, lambda i, cell: "high" if i == 5 else cell),
        60,
        "'high'",
    ),
    "an infinite input": (
        "t.csv",
        table(0, lambda i, cell: "inf" if i == 5 else cell),
        60,
        "infinite values",
    ),
    "an empty column": ("t.csv", table(0, lambda i, _: ""), 60, "'a'"),
    "missing targets": (
        "t.csv",
        table(2, lambda i, cell: "" if i % 6 == 0 else cell),
        50,
        "10 of 60 rows have no value in the target",
    ),
    "missing inputs": ("t.csv", table(0, lambda i, cell: "" if i % 6 == 0 else cell), 60, ""),
    "a class of one row": ("t.csv", table(2, lambda i, cell: "x" if i == 9 else cell), 60, "'x'"),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_data_with_a_right_reading_are_planned_and_said(kind, tmp_path):
    name, content, rows, told = ODD[kind]
    written(tmp_path, {name: content})
    target = "column_3" if kind == "no header" else "y"
    plan = Learner().plan(str(tmp_path / name), target)
    assert plan["data"]["rows"] == rows
    said = (plan["data"]["about"], *(f"{one['choice']} {one['why']}" for one in plan["decisions"]))
    assert any(told in sentence for sentence in said), said
    assert not (tmp_path / "runs").exists()


ODD_IMAGES = {
    "CMYK": (photos(suffix="jpg", mode="CMYK", kind="JPEG"), "CMYK: read as rgb"),
    "16 bits": (photos(mode="I;16"), "16 bits: scaled to 8 bits"),
    "a palette": (photos(mode="P"), "with a palette: read as rgb"),
}


@pytest.mark.parametrize("kind", ODD_IMAGES)
def test_odd_images_are_read_and_said(kind, tmp_path):
    files, told = ODD_IMAGES[kind]
    written(tmp_path, files)
    plan = Learner().plan(str(tmp_path / "p"))
    assert plan["network"]["name"] == "lenet5"
    assert any(told in note for note in plan["data"]["notes"])


def test_negative_labels_are_two_classes(tmp_path):
    inputs = np.random.default_rng(0).normal(size=(40, 2))
    written(tmp_path, {"t.npz": arrays(X=inputs, y=np.where(inputs[:, 0] > 0, 1, -1))})
    learner = Learner(epochs=1, baselines="none").fit(str(tmp_path / "t.npz"))
    assert learner.classes_.tolist() == [-1, 1]
