"""Starting from an earlier run: its weights, and the rows that it has seen."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from translator_cases import ENGLISH, GERMAN

from layerwise import Learner
from layerwise.cli import main
from layerwise.errors import RunError, SettingsError
from layerwise.job.inherited import tokens_before
from layerwise.run import Run

QUICK = {"network": "mlp", "baselines": "none"}


@pytest.fixture(scope="module")
def rows():
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(2, 200))
    return pd.DataFrame({"a": a, "b": b, "side": np.where(a + b > 0, "r", "l")})


@pytest.fixture(scope="module")
def parent(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parents") / "parent"
    return Learner(**QUICK, epochs=20).fit(rows, target="side", folder=folder).run_


def finding(run):
    checks = run.read("leaks")["checks"]
    return next(check for check in checks if check["name"] == "Rows of an earlier run")


def test_training_starts_from_the_weights_of_the_parent(rows, parent, tmp_path):
    learner = Learner(**QUICK, epochs=0)
    learner.fit(rows, target="side", from_=parent.folder, folder=tmp_path / "child")
    weights, others = parent.read_tensors("network"), learner.run_.read_tensors("network")
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_the_same_split_is_no_leak_and_another_one_is(rows, parent, tmp_path):
    for seed, passed in ((0, True), (1, False)):
        folder = tmp_path / f"child{seed}"
        learner = Learner(**QUICK, epochs=1, seed=seed)
        learner.fit(rows, target="side", from_=parent.folder, folder=folder)
        assert finding(learner.run_)["passed"] is passed
        seen = set(parent.read_tensors("rows")["train"].tolist())
        assert seen <= set(learner.run_.read_tensors("rows")["train"].tolist())
    assert "trained on" in finding(learner.run_)["text"]


def test_rows_are_inherited_over_two_generations(rows, parent, tmp_path):
    child = Learner(**QUICK, epochs=1).fit(
        rows.iloc[:80], target="side", from_=parent.folder, folder=tmp_path / "child"
    )
    grandchild = Learner(**QUICK, epochs=1).fit(
        rows.iloc[80:], target="side", from_=child.run_.folder, folder=tmp_path / "grandchild"
    )
    assert finding(grandchild.run_)["passed"] is False


def test_the_flag_of_the_command_line(rows, parent, tmp_path, capsys):
    rows.to_csv(tmp_path / "rows.csv", index=False)
    words = "--target side --network mlp --epochs 1 --baselines none --from"
    command = ["fit", str(tmp_path / "rows.csv"), *words.split(), str(parent.folder)]
    assert main([*command, "--folder", str(tmp_path / "child")]) == 0
    assert "the weights of run parent" in " ".join(capsys.readouterr().out.split())
    assert Run.open(tmp_path / "child").read("settings")["fit"]["from_"] == str(parent.folder)


def test_what_does_not_fit_is_told(rows, parent, tmp_path):
    with pytest.raises(SettingsError, match="the inputs must be the same"):
        Learner(**QUICK).fit(rows.assign(c=rows["a"] ** 2), target="side", from_=parent.folder)
    other = Learner(**QUICK, network_options={"hidden": (3,)})
    with pytest.raises(SettingsError, match="the weights must be the same"):
        other.fit(rows, target="side", from_=parent.folder)
    with pytest.raises(SettingsError, match="--from starts one training"):
        Learner(**QUICK, folds=2).fit(rows, target="side", from_=parent.folder)
    hiding = Learner(**QUICK, epochs=1, no_rows=True)
    hiding.fit(rows, target="side", folder=tmp_path / "hiding")
    with pytest.raises(RunError, match="does not say which rows it learned from"):
        Learner(**QUICK).fit(rows, target="side", from_=tmp_path / "hiding")


# ------------------------------------------------------------- pretrained without labels

SMALL = {"width": 16, "layers": 1, "heads": 2}
READING = {"network": "transformer", "network_options": SMALL, "epochs": 1, "baselines": "none"}


@pytest.fixture(scope="module")
def notes():
    chance = np.random.default_rng(0)
    good, bad = ("good fine nice", "bad poor sad")
    texts, sides = [], []
    for number in range(80):
        words = (good if number % 2 else bad).split()
        texts.append(" ".join(chance.choice(words, size=9)))
        sides.append("plus" if number % 2 else "minus")
    return pd.DataFrame({"note": texts, "side": sides})


def reading(**options):
    return Learner(**{**READING, "data_options": {"text": "note", "context": 40, **options}})


@pytest.fixture(scope="module")
def reader(notes, tmp_path_factory):
    """Pretrained on the texts alone, by filling in hidden bytes."""
    folder = tmp_path_factory.mktemp("readers") / "reader"
    learner = reading(tokens="bytes")
    learner.set_params(task="masked_token")
    return learner.fit(notes[["note"]], folder=folder).run_


def test_an_encoder_of_text_gives_all_but_its_output_layer(notes, reader, tmp_path):
    learner = reading(tokens="bytes").set_params(epochs=0)
    learner.fit(notes, target="side", from_=reader.folder, folder=tmp_path / "child")
    before, now = reader.read_tensors("network"), learner.run_.read_tensors("network")
    same = [name for name in before if torch.equal(before[name], now[name])] if before else []
    assert same == [name for name in before if not name.startswith("last.")]
    chosen = next(one for one in learner.run_.read("plan")["decisions"] if one["what"] == "from")
    assert chosen["choice"] == (
        f"{len(same)} of {len(before)} tensors of run reader, all but the output layer"
    )
    assert finding(learner.run_) is not None


def test_an_encoder_of_another_size_is_refused(notes, reader):
    learner = reading(tokens="bytes").set_params(network_options={**SMALL, "layers": 2})
    with pytest.raises(SettingsError, match=r"all but its output layer must be the same, but"):
        learner.fit(notes, target="side", from_=reader.folder)
    with pytest.raises(SettingsError, match=r"the same --data.context"):
        reading(tokens="bytes", context=20).fit(notes, target="side", from_=reader.folder)


FEW = [("plus" if number % 2 else "minus", f"the {number}th") for number in range(24)]


@pytest.fixture(scope="module")
def few():
    """Few labels, of texts with words that no earlier text has; one is longer than the context."""
    notes = [f"{side} it is, {which}" for side, which in FEW]
    return pd.DataFrame({"note": [notes[0] * 9, *notes[1:]], "side": [side for side, _ in FEW]})


@pytest.fixture(scope="module")
def family(notes, few, tmp_path_factory):
    """Two runs: byte pairs pretrained without labels, and few labels learned from these on.

    The earlier run's folder is gone; its preparation is kept beside the later run.
    """
    pytest.importorskip("tokenizers", reason="needs the extra 'text'")
    folder = tmp_path_factory.mktemp("family")
    learner = reading(tokens="bpe", vocabulary=290).set_params(task="masked_token")
    parent = learner.fit(notes[["note"]], folder=folder / "earlier").run_
    before, weights = parent.read("preparation"), parent.read_tensors("network")
    few.to_csv(folder / "few.csv", index=False)
    learner = reading().set_params(seal_test=True, epochs=0)
    learner.fit(folder / "few.csv", target="side", from_=parent.folder, folder=folder / "later")
    shutil.rmtree(parent.folder)
    return before, weights, learner


def test_few_labels_are_learned_with_the_byte_pairs_of_the_earlier_run(few, family):
    before, weights, learner = family
    now = learner.run_.read("preparation")
    assert now["tokens"] == before["tokens"]
    assert now["tokens"]["kind"] == "bpe"
    assert now["tokens_from"] == {"run": "earlier", "rows": before["inputs"]["fitted"]["rows"]}
    vectors = learner.run_.read_tensors("network")["vectors.vectors.weight"]
    assert torch.equal(vectors, weights["vectors.vectors.weight"])
    decisions = [one["choice"] for one in learner.run_.read("plan")["decisions"]]
    assert "those of run earlier" in decisions
    assert any("longer than the context of 40 tokens" in choice for choice in decisions)
    again = Learner.load(learner.run_.folder)
    assert list(again.predict(few[1:])) == list(learner.predict(few[1:]))


def test_the_certificate_says_whose_tokens_they_are(family):
    before, _, learner = family
    checks = {one["name"]: one for one in learner.run_.read("leaks")["checks"]}
    fitted, rows = checks["Fitted constants"], before["inputs"]["fitted"]["rows"]
    assert fitted["passed"] is True
    assert f"run earlier learned from {rows} training rows of its own" in fitted["text"]
    trained = learner.run_.read("plan")["splits"]["train"]
    assert fitted["constants"] == [
        {"constant": "inputs: context", "split": "train", "rows": trained},
        {"constant": "target: rows per class", "split": "train", "rows": trained},
        {"constant": "inputs: tokens", "split": "train of run earlier", "rows": rows},
    ]
    assert checks["Rows of an earlier run"]["passed"] is True


def test_sealed_test_rows_are_opened_without_the_earlier_run(family):
    results = Learner.load(family[2].run_.folder).evaluate(open_test=True)
    assert results["headline"]["split"] == "test"


def test_a_grandchild_names_the_run_that_learned_the_tokens(family):
    before, _, learner = family
    taken = tokens_before(reading(), {"from_": learner.run_.folder})
    assert taken["tokens"] == before["tokens"]
    assert taken["tokens_from"] == {"run": "earlier", "rows": before["inputs"]["fitted"]["rows"]}


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"tokens": "words"}, r"--data.tokens words does not fit the run .* which has bytes: its"),
        ({"vocabulary": 300}, r"--data.vocabulary 300 .*which was made without it.* Leave --data"),
    ],
)
def test_other_tokens_than_those_of_the_earlier_run_are_refused(notes, reader, asked, says):
    with pytest.raises(SettingsError, match=says):
        reading(**asked).fit(notes, target="side", from_=reader.folder)


def test_pairs_of_texts_cannot_start_from_a_text(reader):
    talk = pd.DataFrame({"source": ENGLISH * 4, "target": GERMAN * 4})
    with pytest.raises(SettingsError, match="learned from text, this one is to learn from pairs"):
        Learner(task="translate", network="gru_translator").fit(talk, from_=reader.folder)
