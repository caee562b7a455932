"""Every kind of planted leak is found, and clean real data raise no false alarm."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pandas import DataFrame, date_range
from sklearn.datasets import load_breast_cancer, load_digits

from layerwise.contracts import Target
from layerwise.data import read
from layerwise.data.forms import fit_preparation
from layerwise.data.preparation import Preparation
from layerwise.data.roles import Roles, assign_roles, describe_columns
from layerwise.data.source import Source
from layerwise.data.split import Split, split_rows
from layerwise.data.target import describe_target, drop_missing_target
from layerwise.evaluation import evidence
from layerwise.evaluation.fingerprints import fingerprints, row_fingerprints
from layerwise.evaluation.leaks import leak_certificate

REAL = Path(os.environ.get("LAYERWISE_DATA") or Path(__file__).parents[3] / "shared" / "data")


def prepared(source, *, method="auto", options=None, fit_on=None, **wanted):
    """All that the certificate looks at."""
    roles = assign_roles(source, **wanted)
    source = drop_missing_target(source, roles)
    target = describe_target(source, roles)
    split = split_rows(source, roles, target, method=method)
    columns = describe_columns(source, roles, options)
    rows = split.rows("train") if fit_on is None else fit_on
    preparation = Preparation.fit(source, roles, columns, target, rows)
    return source, roles, target, split, preparation


def certificate(frame, target="y", **more):
    return leak_certificate(*prepared(Source("planted", frame), target=target, **more))


def check(content, name):
    return next(each for each in content["checks"] if each["name"] == name)


def people(rows=300, seed=0):
    """Six measurements and a class that they tell of a little."""
    generator = np.random.default_rng(seed)
    frame = DataFrame(generator.normal(size=(rows, 6)), columns=list("abcdef"))
    frame["kind"] = generator.choice(["red", "green"], rows)
    chance = 1 / (1 + np.exp(-2 * frame["a"]))
    frame["y"] = np.where(generator.random(rows) < chance, "yes", "no")
    return frame


def test_clean_rows_pass_every_check_that_can_be_made():
    content = certificate(people())
    assert content["passed"]
    assert {each["name"]: each["passed"] for each in content["checks"]} == {
        "Exact duplicates": True,
        "Near duplicates": True,
        "Time order": None,
        "Groups": None,
        "Row numbers": True,
        "Single columns": True,
        "Fitted constants": True,
        "Rows of an earlier run": None,
    }
    assert [content["rows"][part]["rows"] for part in evidence.PARTS] == [210, 45, 45]
    json.dumps(content, allow_nan=False)


def test_rows_that_are_there_twice_are_found_and_named():
    frame = people()
    frame = DataFrame({name: [*frame[name], *frame[name][:40]] for name in frame})
    found = check(certificate(frame), "Exact duplicates")
    assert found["passed"] is False
    assert "with the same target" in found["text"]
    assert all(abs(one - other) == 300 for one, other in found["rows"])


def test_rows_with_small_changes_are_found():
    frame = people()
    copies = frame[:60].copy()
    numbers = list("abcdef")
    copies[numbers] += np.random.default_rng(1).normal(size=(60, 6)) * 1e-3
    doubled = DataFrame({name: [*frame[name], *copies[name]] for name in frame})
    content = certificate(doubled)
    assert check(content, "Exact duplicates")["passed"]
    found = check(content, "Near duplicates")
    assert found["passed"] is False
    assert all(abs(one - other) == 300 for one, other in found["rows"])


def test_categories_alone_may_be_alike_without_being_the_same_case():
    generator = np.random.default_rng(0)
    frame = DataFrame({name: generator.choice(["u", "v", "w"], 200) for name in "abc"})
    frame["y"] = generator.choice(["yes", "no"], 200)
    found = check(certificate(frame), "Exact duplicates")
    assert found["passed"] is None
    assert "judge yourself" in found["text"]


@pytest.mark.parametrize("order", ["counts", "rises", "shuffled count"])
def test_columns_that_number_the_rows_are_found(order):
    frame = people()
    number = np.arange(300) + 0.5
    if order == "shuffled count":
        number = np.random.default_rng(0).permutation(300)
    elif order == "rises":
        number = np.cumsum(np.random.default_rng(0).random(300))
    found = check(certificate(frame.assign(place=number)), "Row numbers")
    assert found["passed"] is False
    assert found["columns"] == ["place"]


@pytest.mark.parametrize("kind", ["classes", "binary", "real"])
def test_a_column_that_decides_the_target_is_found(kind):
    frame, generator = people(), np.random.default_rng(0)
    noise = 0.01 * generator.normal(size=300)
    if kind == "real":
        frame["y"] = np.exp(generator.normal(size=300))
        copy = np.log(frame["y"]) + noise
    elif kind == "binary":
        copy = (frame["y"] == "yes") + 10 * noise
    else:
        frame["y"] = generator.choice(["u", "v", "w"], 300)
        copy = frame["y"].map({"u": 2, "v": 3, "w": 1}) + noise
    found = check(certificate(frame.assign(billed=copy)), "Single columns")
    assert found["passed"] is False
    assert found["columns"] == ["billed"]
    assert "45 validation rows" in found["text"]


def test_a_category_that_decides_the_target_is_found():
    frame = people()
    frame["code"] = frame["y"].map({"yes": "J", "no": "N"})
    assert check(certificate(frame), "Single columns")["columns"] == ["code"]


def test_time_must_go_from_training_to_test():
    frame = people().assign(day=date_range("2020-01-01", periods=300))
    followed = check(certificate(frame, time="day"), "Time order")
    assert followed["passed"] is True
    broken = check(certificate(frame, time="day", method="stratified"), "Time order")
    assert broken["passed"] is False
    assert "earlier than the last training row" in broken["text"]
    unnamed = check(certificate(frame), "Time order")
    assert unnamed["passed"] is None
    assert "--time 'day'" in unnamed["text"]


def test_a_group_in_two_parts_is_found():
    frame = people().assign(person=[f"p{row // 5}" for row in range(300)])
    assert check(certificate(frame, group="person"), "Groups")["passed"] is True
    shared = check(certificate(frame, group="person", method="stratified"), "Groups")
    assert shared["passed"] is False
    assert "are in train and test rows" in shared["text"]


def test_constants_from_other_rows_are_found_even_if_they_claim_otherwise():
    source, roles, target, split, preparation = prepared(
        Source("planted", people()), target="y", fit_on=np.arange(300)
    )
    found = check(leak_certificate(source, roles, target, split, preparation), "Fitted constants")
    assert found["passed"] is False
    assert "a" in found["columns"]
    content = preparation.to_json()
    for entry in (content["inputs"], content["target"], *content["columns"]):
        entry["fitted"] = {"split": "train", "rows": 210}
    liar = Preparation(content, preparation.tensors())
    found = check(leak_certificate(source, roles, target, split, liar), "Fitted constants")
    assert found["passed"] is False
    assert set("abcdef") <= set(found["columns"])


def test_every_constant_names_its_split_and_rows():
    constants = check(certificate(people()), "Fitted constants")["constants"]
    assert {"constant": "kind: categories", "split": "train", "rows": 210} in constants
    assert {"constant": "target: rows per class", "split": "train", "rows": 210} in constants
    assert len(constants) == 8


def test_rows_that_an_earlier_run_learned_from_are_found():
    parts = prepared(Source("planted", people()), target="y")
    source, _, _, split, preparation = parts
    parent = row_fingerprints(source, preparation, split.rows("train"))
    content = leak_certificate(*parts, parent_rows=parent)
    assert check(content, "Rows of an earlier run")["passed"] is True
    pretrained = row_fingerprints(source, preparation, np.arange(300)[::-1])
    found = check(leak_certificate(*parts, parent_rows=pretrained), "Rows of an earlier run")
    assert found["passed"] is False
    assert "45 of 45 test rows" in found["text"]


def test_brighter_copies_of_images_are_near_duplicates():
    images = load_digits().images[:400].astype(np.float32)[:, None]
    copies = images[:40] * 1.1 + 3
    frame = DataFrame({"label": [*load_digits().target[:400], *load_digits().target[:40]]})
    source = Source("digits", frame, np.concatenate([images, copies]))
    content = leak_certificate(*prepared(source, target="label"))
    assert check(content, "Exact duplicates")["passed"] is True
    found = check(content, "Near duplicates")
    assert found["passed"] is False
    assert {abs(one - other) for one, other in found["rows"]} == {400}
    assert check(content, "Single columns")["passed"] is None


def test_brighter_copies_of_images_with_masks_are_near_duplicates():
    images = (10 * load_digits().images[:300]).astype(np.uint8)[:, None]
    pixels = np.concatenate([images, images > 80], axis=1)
    copies = np.concatenate([images[:30] + np.uint8(20), images[:30] < 40], axis=1)
    frame = DataFrame({"file": np.arange(330)})
    source = Source("digits", frame, np.concatenate([pixels, copies]), form="masks")
    target = Target("mask", ("mask",), ("ground", "digit"))
    split = Split(np.repeat(np.array([0, 2], np.int8), [300, 30]), "by hand")
    preparation = fit_preparation(source, Roles(), (), target, np.arange(300))
    content = leak_certificate(source, Roles(), target, split, preparation)
    assert check(content, "Exact duplicates")["passed"] is True
    found = check(content, "Near duplicates")
    assert found["passed"] is False
    assert {tuple(pair) for pair in found["rows"]} <= {(300 + n, n) for n in range(30)}


def test_wide_arrays_are_searched_too():
    inputs = load_breast_cancer().data
    twice = np.concatenate([inputs, inputs[:100] * (1 + 1e-6)])
    frame = DataFrame({"label": [*load_breast_cancer().target, *load_breast_cancer().target[:100]]})
    found = check(
        leak_certificate(*prepared(Source("cancer", frame, twice), target="label")),
        "Near duplicates",
    )
    assert found["passed"] is False
    assert {abs(one - other) for one, other in found["rows"]} == {569}


def test_rows_that_are_all_in_every_part_are_said_to_prove_nothing():
    source = replace(Source("xor", people(60)), same_rows=True)
    content = leak_certificate(*prepared(source, target="y"))
    assert not content["passed"]
    assert check(content, "Separate rows")["passed"] is False
    assert check(content, "Fitted constants")["passed"] is True


def test_without_held_out_rows_nothing_is_compared():
    source, roles, target, _, preparation = prepared(Source("planted", people()), target="y")
    alone = Split(np.full(300, "train"), "random")
    content = leak_certificate(source, roles, target, alone, preparation)
    assert check(content, "Exact duplicates")["passed"] is None
    assert check(content, "Single columns")["passed"] is None


def test_fingerprints_mind_every_value_and_no_order():
    source, *_, preparation = prepared(Source("planted", people()), target="y")
    numbers = fingerprints(source, preparation)
    assert len(np.unique(numbers)) == 300
    turned = replace(source, frame=source.frame[source.frame.columns[::-1]])
    assert np.array_equal(fingerprints(turned, preparation), numbers)
    other = source.frame.copy()
    other.loc[7, "c"] = np.nan
    changed = fingerprints(replace(source, frame=other), preparation) != numbers
    assert np.flatnonzero(changed).tolist() == [7]


def test_the_fingerprint_of_a_part_does_not_mind_the_order_of_its_rows():
    source, roles, target, split, preparation = prepared(Source("planted", people()), target="y")
    order = np.random.default_rng(0).permutation(300)
    mixed = replace(source, frame=source.frame.iloc[order].reset_index(drop=True))
    moved = Split(split.codes[order], split.method)
    one, two = (
        leak_certificate(data, roles, target, parts, preparation)["rows"]
        for data, parts in ((source, split), (mixed, moved))
    )
    assert one == two


def test_a_sample_is_stated_and_keeps_the_held_out_rows(monkeypatch):
    monkeypatch.setattr(evidence, "MOST_ROWS", 100)
    monkeypatch.setattr(evidence, "MOST_HELD", 30)
    content = certificate(people())
    assert "There are 300 rows; a sample was looked at: 40 train, 30" in content["sampled"]
    assert content["rows"]["train"] | {"fingerprint": ""} == {
        "rows": 210,
        "looked_at": 40,
        "fingerprint": "",
    }


@pytest.mark.parametrize(
    ("name", "target", "alarms"),
    [
        ("digits", None, set()),
        ("breast_cancer", None, set()),
        ("wine", None, set()),
        ("iris", None, {"Exact duplicates"}),  # flowers 102 and 143 have the same measurements
        ("penguins/penguins.csv", "species", set()),
        ("california-housing/housing.csv", "median_house_value", set()),
        # 21 test passengers share class, sex, age, family and fare with a training passenger
        ("titanic/titanic.csv", "Survived", {"Exact duplicates"}),
    ],
)
def test_real_data_raise_only_alarms_that_are_true(name, target, alarms):
    if "/" in name and not (REAL / name).exists():
        pytest.skip(f"{name} is not in {REAL.name}")
    source = read(str(REAL / name) if "/" in name else name, target=target)
    content = leak_certificate(*prepared(source, target=target))
    assert {each["name"] for each in content["checks"] if each["passed"] is False} == alarms


def test_torch_keeps_the_row_fingerprints():
    source, _, _, split, preparation = prepared(Source("planted", people()), target="y")
    numbers = row_fingerprints(source, preparation, split.rows("train"))
    assert torch.from_numpy(numbers).dtype == torch.int64


def parts(**rows):
    """A split of 60 rows: those of no part are not used."""
    codes = np.full(60, 3, np.int8)
    for code, part in enumerate(evidence.PARTS):
        codes[rows.get(part, slice(0))] = code
    return Split(codes, "by hand")


LEAKS_OF_FOLDS = [  # rows 11 and 59 are the same, visits rise, two rows each are of one person
    ("Exact duplicates", {}, {"train": slice(20, 60), "test": slice(0, 20)}),
    ("Groups", {"group": "who"}, {"train": slice(21, 50), "test": slice(0, 21)}),
    ("Time order", {"time": "visit"}, {"train": slice(20, 50), "test": slice(0, 20)}),
]


@pytest.mark.parametrize(("name", "wanted", "leaks"), LEAKS_OF_FOLDS)
def test_a_leak_in_one_fold_is_found_though_the_kept_network_has_none(name, wanted, leaks):
    frame = people(60).assign(visit=np.arange(60) // 2, who=[f"p{n // 2}" for n in range(60)])
    inputs = [*"abcdef", "kind"]
    frame.loc[59, inputs] = frame.loc[11, inputs]
    wanted = {"ignore": sorted({"visit", "who"} - set(wanted.values())), **wanted}
    source, roles, target, _, preparation = prepared(Source("planted", frame), target="y", **wanted)
    kept = parts(train=slice(0, 40), validation=slice(40, 50))
    clean = parts(train=slice(0, 20), test=slice(20, 40))
    without, found = (
        check(leak_certificate(source, roles, target, kept, preparation, folds=folds), name)
        for folds in ((clean, clean), (clean, parts(**leaks)))
    )
    assert without["passed"] is True
    assert without["text"].startswith("In each of 2 folds")
    assert found["passed"] is False
    assert found["text"].startswith("In fold 2 of 2: ")
    if name == "Exact duplicates":
        assert found["rows"] == [[11, 59]]


def test_a_leak_of_the_kept_network_alone_is_named_as_its_own():
    frame = people(60)
    frame.loc[59] = frame.loc[11]
    source, roles, target, _, preparation = prepared(Source("planted", frame), target="y")
    kept = parts(train=slice(0, 40), validation=slice(40, 60))
    clean = parts(train=slice(0, 20), test=slice(20, 40))
    content = leak_certificate(source, roles, target, kept, preparation, folds=(clean, clean))
    found = check(content, "Exact duplicates")
    assert found["passed"] is False
    assert found["text"].startswith("Not in the folds, but for the network that is kept: ")
    assert found["rows"] == [[59, 11]]


def test_what_no_fold_decides_is_said_once_and_a_kept_network_without_held_rows_is_let_be():
    source, roles, target, _, preparation = prepared(Source("planted", people(60)), target="y")
    folds = (
        parts(train=slice(0, 30), test=slice(30, 60)),
        parts(train=slice(30, 60), test=slice(0, 30)),
    )
    kept = parts(train=slice(0, 60))
    content = leak_certificate(source, roles, target, kept, preparation, folds=folds)
    assert check(content, "Exact duplicates")["passed"] is True
    assert check(content, "Groups")["text"].startswith("No column says which rows belong")
