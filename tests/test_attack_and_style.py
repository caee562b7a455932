"""The verbs attack and style, and what a report shows of a network of images."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from layerwise import Learner
from layerwise.cli import main
from layerwise.data.pixel_range import pixel_range
from layerwise.job.styling import Styling, styled
from layerwise.report.live import Display
from layerwise.run import Run


def pictures(rows=160, side=8):
    """Bright left halves and bright right halves, in noise; uint8."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 90, (rows, 1, side, side))
    right = np.arange(rows) % 2
    images[right == 1, :, :, side // 2 :] += 120
    images[right == 0, :, :, : side // 2] += 120
    return images.astype(np.uint8), np.where(right, "right", "left")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    images, truth = pictures()
    np.savez(folder / "halves.npz", x=images, y=truth)
    words = ["fit", str(folder / "halves.npz"), "--network", "cnn", "--network.channels", "4,8"]
    more = ["--epochs", "4", "--baselines", "none", "--threads", "1", "--folder"]
    assert main([*words, *more, str(folder / "run")]) == 0
    return folder


def test_an_attack_is_told_kept_and_shown(folder, capsys):
    run = folder / "run"
    assert main(["attack", str(run), "--strength", "0.05,0.4"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Accuracy under FGSM" in said
    assert "24 of 24 test rows" in said
    assert main(["attack", str(run), "--method", "pgd", "--strength", "0.4", "--steps", "5"]) == 0
    kept = json.loads((run / "attack.json").read_text())
    assert list(kept) == ["fgsm", "pgd"], "an attack of another kind stays"
    clean = Run.open(run).read("results")["scores"]["test"][0]["value"]
    for found in kept.values():
        values = [one["value"] for one in found["scores"]]
        assert values[0] == clean, "strength 0 is what the run was judged by"
        assert values[-1] < clean
        assert found["scores"][0]["low"] < clean
    moved = Run.open(run).read_tensors("attack")
    added = (moved["fgsm.attacked"] - moved["fgsm.clean"]).abs()
    assert added.max() <= 0.4 + 1e-5
    assert moved["fgsm.attacked"].min() >= -1e-5
    page = (run / "report.html").read_text()
    assert "Under attack" in page
    assert {"attack.csv", "attack_fgsm.svg", "attack_pgd.pdf"} <= {
        path.name for path in (run / "figures").iterdir()
    }


def test_the_report_shows_what_a_convolution_looks_at(folder):
    run = Run.open(folder / "run")
    said, kept = run.read("explained"), run.read_tensors("explained")
    assert kept["filters"].shape == (4, 1, 3, 3)
    assert [one["layer"] for one in said["layers"]][-1] == "output"
    assert kept["patches.0"].shape[3:] == (3, 3)
    assert kept["maps.cam"].shape == (*kept["images"].shape[:1], 8, 8)
    names = {path.stem for path in (run.folder / "figures").iterdir()}
    assert {"filters", "excitations", "maps"} <= names


def test_no_rows_keeps_the_filters_alone(tmp_path):
    images, truth = pictures(80)
    learner = Learner("cnn", network_options={"channels": (4,)}, epochs=1, no_rows=True,
                      baselines="none")  # fmt: skip
    learner.fit(images, truth, folder=tmp_path / "run")
    run = Run.open(tmp_path / "run")
    assert set(run.read_tensors("explained")) == {"filters"}
    assert set(run.read("explained")) == {"filters"}


def test_adversarial_training_gets_the_range_of_the_pixels_from_the_data(folder):
    images, truth = pictures()
    stood = []
    for strength in (0.0, 0.2):
        learner = Learner("cnn", network_options={"channels": (4, 8)}, epochs=8, threads=1,
                          task="classify", task_options={"adversarial": strength},
                          baselines="none")  # fmt: skip
        learner.fit(images, truth)
        found = learner.attack(folder / "halves.npz", strength=0.2)
        stood.append(found["scores"][-1]["value"])
    assert found["rows"] == "160 of 160 rows of halves"
    low, high = pixel_range(learner.model_.preparation)
    assert learner.model_.task.adversarial_range == pytest.approx((low.item(), high.item()))
    assert stood[1] > stood[0], "it stands what it was trained against"


@pytest.mark.parametrize(
    ("dtype", "ends"), [("uint8", (-2.0, 49.0)), ("float32", (-1.4, 38.0))], ids=str
)
def test_the_range_of_bytes_is_all_of_them_and_of_other_numbers_what_was_seen(dtype, ends):
    constants = {"mean": 10.0, "scale": 5.0, "low": 3.0, "high": 200.0}
    preparation = SimpleNamespace(
        form="images",
        input_shape=(1, 2, 2),
        to_json=lambda: {"inputs": {"dtype": dtype}},
        tensors=lambda: {name: torch.tensor([value]) for name, value in constants.items()},
    )
    low, high = pixel_range(preparation)
    assert low.shape == (1, 1, 1)
    assert (low.item(), high.item()) == pytest.approx(ends)


def test_style_is_written_and_random_weights_are_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    how = Styling(48, 3, 10.0, 5.0, "auto", 0, width=0.05)
    made = styled("china", "flower", how, Display(True))
    assert made.shape == (32, 48, 3)  # 427 x 640
    assert made.dtype == np.uint8
    assert "no published weights have been fetched" in capsys.readouterr().out
    again = styled("china", "flower", how, Display(False))
    assert (made == again).all()
    Image.fromarray(made).save(tmp_path / "own.png")
    assert styled(str(tmp_path / "own.png"), "flower", how, Display(False)).shape == made.shape
