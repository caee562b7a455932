"""Learning without labels through the whole chain: fit, judge, generate, recall; and mistakes."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.utils.estimator_checks import check_estimator

from layerwise import AnomalyDetector, Learner
from layerwise.cli import main
from layerwise.errors import SettingsError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table in which 5 % of the rows break the rule that the others follow; and patterns."""
    folder = tmp_path_factory.mktemp("rows")
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(2, 400))
    odd = np.arange(400) % 20 == 7
    frame = pd.DataFrame({"a": a, "b": b, "c": a + b + 0.1 * chance.normal(size=400)})
    frame.loc[odd, "c"] -= 5
    frame.assign(odd=odd.astype(int)).to_csv(folder / "odd.csv", index=False)
    frame.to_csv(folder / "plain.csv", index=False)
    patterns = pd.DataFrame(chance.integers(0, 2, (4, 40))).add_prefix("p")
    patterns.to_csv(folder / "patterns.csv", index=False)
    chain = pd.DataFrame(chance.integers(0, 2, (60, 6))).add_prefix("t")
    chain.to_csv(folder / "chain.csv", index=False)
    return folder


def run(folder, *words, name="run"):
    """Fit quietly with few epochs; gives the run's folder."""
    target = folder / name
    if not target.exists():
        assert main(["fit", *map(str, words), "--folder", str(target), "--verbose", "false"]) == 0
    return target


def size_of(picture):
    with Image.open(picture) as opened:
        return opened.size


def read(run, name):
    return json.loads((run / f"{name}.json").read_text(encoding="utf-8"))


# What is learned ----------------------------------------------------------------------------------


def test_a_table_is_reconstructed_and_held_against_components_of_the_same_size(folder):
    found = run(folder, folder / "plain.csv", "--task", "reconstruct", "--epochs", "5", name="re")
    results = read(found, "results")
    assert results["headline"]["metric"] == "mean_error"
    assert not results["higher_is_better"]
    names = [one["name"] for one in results["baselines"]]
    assert names == ["pca", "mean_row"]
    assert all(one["scores"][0]["value"] > 0 for one in results["baselines"])
    assert results["verdict"]["sentence"]
    assert "What it makes" in (found / "report.html").read_text(encoding="utf-8")
    assert read(found, "plan")["target"]["kind"] == "none"


def test_anomalies_are_never_learned_from_and_judged_without_accuracy(folder):
    found = run(
        folder, folder / "odd.csv", "--task", "detect", "--target", "odd", "--epochs", "30",
        name="detect",
    )  # fmt: skip
    plan, results = read(found, "plan"), read(found, "results")
    table = pd.read_parquet(found / "predictions.parquet")
    assert set(table.loc[table["split"] == "train", "truth"]) == {"0"}
    assert set(table.loc[table["split"] == "test", "truth"]) == {"0", "1"}
    assert any("left out, because they are anomalies" in n for n in plan["splits"]["notes"])
    scores = {score["name"]: score["value"] for score in results["scores"]["test"]}
    assert "accuracy" not in scores
    assert scores["roc_auc"] > 0.9
    assert [one["name"] for one in results["baselines"]] == ["isolation_forest", "pca_error"]
    assert "best F1" in results["threshold"]["text"]
    assert "compares with no value from other" in (found / "report.html").read_text("utf-8")


def test_without_a_target_all_rows_are_learned_from(folder):
    found = run(folder, folder / "plain.csv", "--task", "detect", "--epochs", "3", name="all")
    plan = read(found, "plan")
    assert sum(plan["splits"][part] for part in ("train", "validation", "test")) == 400
    assert any("All rows are learned from" in one["choice"] for one in plan["decisions"])


def test_labels_that_the_source_has_come_out_beside_and_are_no_input(folder):
    found = run(folder, "iris", "--task", "reconstruct", "--epochs", "2", name="iris")
    table = pd.read_parquet(found / "predictions.parquet")
    assert "carry:species" in table
    assert read(found, "plan")["network"]["input_shape"] == [4]


@pytest.mark.parametrize(
    ("network", "scale"),
    [("vae", (0, 16)), ("gan", (0, 16)), ("rbm", (0, 16)), ("self_organizing_map", None)],
)
def test_networks_without_labels_learn_images(folder, network, scale):
    found = run(folder, "digits", "--network", network, "--epochs", "1", name=network)
    results = read(found, "results")
    assert np.isfinite(results["headline"]["value"])
    if scale is None:
        return
    out = folder / f"{network}.npz"
    assert main(["generate", str(found), "--count", "5", "--out", str(out)]) == 0
    drawn = np.stack(list(np.load(out).values()), axis=1)
    assert drawn.shape == (5, 64)
    assert drawn.min() >= scale[0] - 1e-6
    assert drawn.max() <= 255


def test_constants_come_from_training_rows_however_the_inputs_are_scaled(folder):
    found = run(folder, folder / "plain.csv", "--network", "rbm", "--epochs", "1", name="unit")
    checks = {check["name"]: check["passed"] for check in read(found, "leaks")["checks"]}
    assert checks["Fitted constants"] is True


def test_an_alarm_names_the_columns_that_it_is_made_of(folder):
    found = run(
        folder, folder / "odd.csv", "--task", "detect", "--target", "odd", "--epochs", "30",
        name="detect",
    )  # fmt: skip
    out = folder / "alarms.csv"
    words = ["predict", str(found), str(folder / "odd.csv"), "--explain", "--out", str(out)]
    assert main(words) == 0
    table = pd.read_csv(out)
    assert table["reason_1"].str.fullmatch(r"[abc] \(\d+%\)").all()


def test_an_encoder_gives_the_first_layers_of_a_network_with_labels(folder):
    parent = run(
        folder, folder / "odd.csv", "--task", "reconstruct", "--ignore", "odd", "--epochs", "3",
        "--network.hidden", "16", "--network.code", "2", name="parent",
    )  # fmt: skip
    child = run(
        folder, folder / "odd.csv", "--target", "odd", "--network", "mlp", "--network.hidden",
        "16,8", "--epochs", "1", "--from", str(parent), "--learning-rate", "0", name="child",
    )  # fmt: skip
    said = [one["choice"] for one in read(child, "plan")["decisions"] if one["what"] == "from"]
    assert said == ["1 layer of the encoder of run parent"]
    ours, theirs = (Learner.load(one).model_.network for one in (child, parent))
    assert torch.equal(ours.layers[0].weight, theirs.encoder[0][1].weight)
    checks = {check["name"]: check for check in read(child, "leaks")["checks"]}
    assert any("earlier run" in check["text"] for check in checks.values())


def test_layers_that_do_not_fit_are_refused(folder, capsys):
    parent = run(
        folder, folder / "odd.csv", "--task", "reconstruct", "--ignore", "odd", "--epochs", "3",
        "--network.hidden", "16", "--network.code", "2", name="parent",
    )  # fmt: skip
    words = ["fit", str(folder / "odd.csv"), "--target", "odd", "--network", "mlp"]
    assert main([*words, "--network.hidden", "5", "--from", str(parent)]) == 2
    assert "No layer fits the run" in capsys.readouterr().err


# What is made -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def vae(folder):
    return run(folder, "digits", "--network", "vae", "--epochs", "1", name="vae")


def test_a_sheet_holds_as_many_pictures_as_asked_for(vae, folder):
    out = folder / "sheet.png"
    assert main(["generate", str(vae), "--count", "9", "--out", str(out)]) == 0
    assert size_of(out) == (27, 27)  # three by three of 8 and a gap of 1


def test_the_same_seed_draws_the_same_and_another_one_others(vae):
    learner = Learner.load(vae)
    one, same, other = (learner.generate(3, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_codes_are_walked_through(vae):
    learner = Learner.load(vae)
    assert learner.generate(16, scan=True).shape == (16, 1, 8, 8)
    walk = learner.generate(5, data="digits", between="3,17")
    assert walk.shape == (5, 1, 8, 8)
    back = learner.generate(2, data="digits", between="3,3")
    np.testing.assert_allclose(back[0], back[1], rtol=1e-4)
    pairs = learner.generate(6, data="digits", attribute="label=3")
    assert pairs.shape == (6, 1, 8, 8)
    assert not np.allclose(pairs[0], pairs[1])


def test_samples_are_judged_by_a_classifier_that_was_trained_here(vae, folder):
    judge = run(folder, "digits", "--epochs", "2", name="judge")
    found = Learner.load(vae).judge_samples(judge, "digits", count=200)
    assert found["frechet_distance"] > 0
    assert sum(found["classes"].values()) == pytest.approx(1)
    assert 0 <= found["recall"] <= 1


def test_a_report_says_how_near_samples_are_and_how_likely_rows_are(vae):
    text = (vae / "report.html").read_text(encoding="utf-8")
    assert "nearest of 1,257 training rows" in text
    assert "importance samples" in text


def test_folds_leave_no_test_rows_for_the_network_that_is_kept_and_still_show_samples(folder):
    words = ("--network", "gan", "--epochs", "1", "--folds", "2")
    found = run(folder, "digits", *words, name="folds")
    assert read(found, "results")["headline"]["rows"] == 1797
    assert (found / "specimens.safetensors").exists()


def test_predictions_without_labels_have_no_truth(folder):
    found = run(folder, folder / "plain.csv", "--task", "reconstruct", "--epochs", "5", name="re")
    table = Learner.load(found).predict_table(folder / "plain.csv")
    assert list(table) == ["row", "prediction", "score"]


def test_a_code_that_is_not_smaller_than_the_inputs_is_warned_of(folder, capsys):
    words = ["--task", "reconstruct", "--network.code", "10", "--epochs", "1"]
    assert main(["fit", "iris", *words, "--folder", str(folder / "wide")]) == 0
    assert "The code is not smaller than the inputs" in capsys.readouterr().out


def test_codes_of_rows(folder):
    found = run(folder, folder / "plain.csv", "--task", "reconstruct", "--epochs", "5", name="re")
    codes = Learner.load(found).encode(folder / "plain.csv")
    assert codes.shape[0] == 400
    assert codes.shape[1] < 3


def test_a_memory_recalls_and_draws_its_steps(folder):
    found = run(
        folder, folder / "patterns.csv", "--network", "hopfield", "--validation-fraction", "0",
        "--test-fraction", "0", name="memory",
    )  # fmt: skip
    out = folder / "steps.png"
    words = ["recall", str(found), str(folder / "patterns.csv"), "--out", str(out)]
    assert main([*words, "--count", "2", "--corrupted", "0.1"]) == 0
    assert size_of(out)[0] > 500
    recalled = Learner.load(found).recall(folder / "patterns.csv", corrupted=0.1)
    assert all((np.diff(one.energies) <= 1e-4).all() for one in recalled)


# In Python ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_detector_passes_the_checks_of_scikit_learn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = check_estimator(AnomalyDetector(epochs=5), on_skip=None, on_fail=None)
    assert [one["check_name"] for one in found if one["status"] == "failed"] == []
    assert list(tmp_path.iterdir()) == []


def test_the_detector_finds_rows_that_break_the_rule(folder):
    rows = pd.read_csv(folder / "odd.csv")
    usual, odd = (rows.loc[rows["odd"] == kind, ["a", "b", "c"]].to_numpy() for kind in (0, 1))
    options = {"hidden": (16,), "code": 2}
    detector = AnomalyDetector(network_options=options, contamination=0.05, epochs=60).fit(usual)
    assert (detector.predict(usual) == -1).mean() == pytest.approx(0.05, abs=0.005)
    assert (detector.predict(odd) == -1).mean() > 0.9


def test_the_detector_refuses_a_share_that_cannot_be():
    with pytest.raises(SettingsError, match="contamination must be above 0"):
        AnomalyDetector(contamination=0.7).fit(np.zeros((10, 2)))


# Mistakes -----------------------------------------------------------------------------------------


def one_sided(rows):
    return rows.assign(odd=1)


BAD = [
    # (table, words, what must be said)
    ("odd.csv", "--task detect --target c", "needs a target of two classes"),
    ("odd.csv", "--task detect --target odd --task.alarms 0", "alarms of detect must be above 0"),
    ("odd.csv", "--task detect --target odd --task.noise -1", "must not be negative"),
    ("odd.csv", "--task detect --target odd --prevalence 0.1", "the scores of detect are none"),
    ("odd.csv", "--task detect --target nothing", "Column 'nothing' (target) is not in"),
    ("plain.csv", "", "does not say what is to be predicted"),
    ("plain.csv", "--task reconstruct --network.code 0", "code"),
    ("plain.csv", "--task reconstruct --network.hidden 0", "hidden"),
    ("plain.csv", "--task reconstruct --task.noise loud", "noise"),
    ("plain.csv", "--task reconstruct --task.penalty heavy", "penalty"),
    ("plain.csv", "--task reconstruct --task.noise_level -1 --task.noise gaussian", "noise_level"),
    ("plain.csv", "--task reconstruct --metric accuracy", "The metric 'accuracy' judges targets"),
    ("plain.csv", "--task reconstruct --threshold 0.5", "--threshold goes with a target of two"),
    ("plain.csv", "--task reconstruct --class-weight balanced", "--class-weight goes with"),
    ("plain.csv", "--network hopfield", "stores patterns of two"),
    ("plain.csv", "--network markov_chain", "whole numbers from 0 on"),
    ("patterns.csv", "--network hopfield --network.rule luck", "There is no rule 'luck'"),
    ("plain.csv", "--network vae --network.code 0", "code"),
    ("plain.csv", "--network gan --task.critic_steps 0", "critic_steps"),
    ("plain.csv", "--network gan --task.loss strange", "loss"),
    ("plain.csv", "--network rbm --task.steps 0", "steps"),
    ("plain.csv", "--network rbm --network.hidden 0", "hidden"),
    ("plain.csv", "--network conv_autoencoder", "images"),
    ("plain.csv", "--network dcgan", "images"),
    ("plain.csv", "--network mlp --task reconstruct", "predicts a target"),
    ("plain.csv", "--network self_organizing_map --network.rows 0", "rows"),
    ("one.csv", "--task detect --target odd", "constant"),
]


@pytest.mark.parametrize(("file", "words", "said"), BAD, ids=[f"{b[0]} {b[1]}" for b in BAD])
def test_a_mistake_is_one_text_and_nothing_is_written(folder, tmp_path, capsys, file, words, said):
    if not (folder / "one.csv").exists():
        one_sided(pd.read_csv(folder / "odd.csv")).to_csv(folder / "one.csv", index=False)
    out = tmp_path / "run"
    code = main(["fit", str(folder / file), *words.split(), "--folder", str(out)])
    text = capsys.readouterr().err
    assert code == 2, text
    assert said in text
    assert len(text) < 700
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("generate {judge} --out x.png", "draws no examples"),
        ("generate {vae} --out x.gif", "--out must end in .png"),
        ("generate {vae} --out x.png --count 0", "at least 1"),
        ("generate {vae} --out x.png --between 1,2", "give a SOURCE"),
        ("generate {vae} digits --out x.png --between 1", "two row numbers"),
        ("generate {vae} digits --out x.png --between 1,99999", "two row numbers"),
        ("generate {vae} digits --out x.png --attribute label", "COLUMN=VALUE"),
        ("generate {vae} digits --out x.png --attribute label=99", "An attribute must be had"),
        ("recall {vae} digits --out x.png", "recalls nothing"),
        ("recall {vae} digits --out x.txt", "--out must end in .png"),
    ],
)
def test_a_mistake_with_a_run_is_one_text(folder, vae, capsys, monkeypatch, words, said):
    monkeypatch.chdir(folder)
    judge = run(folder, "digits", "--epochs", "2", name="judge")
    assert main(words.format(vae=vae, judge=judge).split()) == 2
    assert said in capsys.readouterr().err


def test_a_sheet_of_rows_that_are_no_images_is_refused(folder, capsys):
    found = run(folder, folder / "plain.csv", "--network", "rbm", "--epochs", "1", name="unit")
    out = folder / "never.png"
    assert main(["generate", str(found), "--out", str(out)]) == 2
    assert "A sheet (.png) is for images" in capsys.readouterr().err
    assert not out.exists()
