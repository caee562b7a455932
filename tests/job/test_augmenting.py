"""--augment in a whole run: what is chosen, that training rows alone are changed, a resume."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from layerwise import Learner
from layerwise.data.arrays import arrays_source
from layerwise.data.augments import AUGMENTS, auto_options
from layerwise.errors import SettingsError
from layerwise.job.augmenting import write_augmented
from layerwise.job.plan import make_plan
from layerwise.report.draw_augmented import draw_augmented
from layerwise.report.record import read_record
from layerwise.run import Run
from layerwise.scaling.processes import ALONE

QUICK = {"network": "linear", "batch_size": 256, "epochs": 2, "baselines": "none", "threads": 1}


def learner(**options):
    return Learner(**{**QUICK, **options})


def plan(data="digits", **options):
    return make_plan(learner(**options), data, {}, ALONE)


def choices(found, what):
    return [(one.choice, one.why) for one in found.choices if one.what == what]


def test_nothing_is_changed_unless_asked():
    assert plan().augment is None
    assert choices(plan(), "augment") == []
    assert plan().record()["augment"] == {}


def test_auto_leaves_tiny_images_alone_and_says_why():
    found = plan(augment="auto")
    assert found.augment is None
    ((choice, why),) = choices(found, "augment")
    assert choice == "none"
    assert "images of 8 x 8 pixels lose too much" in why


def test_auto_says_what_it_does_and_what_it_cannot_know():
    images = np.random.default_rng(0).integers(0, 255, (60, 1, 20, 20)).astype(np.uint8)
    data = arrays_source("made", images, np.arange(60) % 2, None, about="", notes=[])
    found = plan(data, augment="auto")
    assert found.augment.record() == {"shift": 0.07, "rotate": 10.0, "scale": 0.1}
    ((choice, why),) = choices(found, "augment")
    assert choice == "shift 0.07, rotate 10, scale 0.1"
    assert "grey images 20 x 20, few (42) training rows; no flips" in why


@pytest.mark.parametrize(
    ("shape", "rows", "options"),
    [
        ((1, 8, 8), 60_000, set()),
        ((1, 28, 28), 60_000, {"shift"}),
        ((1, 28, 28), 1000, {"shift", "rotate", "scale"}),
        ((3, 32, 32), 50_000, {"shift"}),
        ((3, 32, 32), 1000, {"shift", "rotate", "scale", "brightness", "contrast"}),
    ],
)
def test_auto_is_stronger_for_few_rows_and_never_flips(shape, rows, options):
    assert set(auto_options(shape, rows)[0]) == options


def test_tables_are_left_alone_by_auto_and_refused_by_name():
    found = plan("iris", augment="auto")
    assert found.augment is None
    assert choices(found, "augment") == [("none", "these data are no images")]
    with pytest.raises(SettingsError, match="changes images, and these data are of the form"):
        plan("iris", augment="photos")


def test_options_change_what_is_named():
    found = plan(augment="photos", augment_options={"flip": False, "crop": 1})
    assert found.augment.record() == {"crop": 1, "shift": AUGMENTS["photos"]["shift"]}
    assert plan(augment_options={"crop": 2}).record()["augment"] == {"crop": 2}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"augment": "photo"}, "Did you mean 'photos'"),
        ({"augment_options": {"rotat": 3}}, "Did you mean 'rotate'"),
        ({"augment_options": {"flip": 1}}, "flip"),
        ({"augment_options": {"classes": 3}}, "counted in the data"),
        ({"augment_options": {"mixup": 0.2}, "micro_batches": 2}, "mixes the rows of a batch"),
        (
            {"augment_options": {"cutmix": 1.0}, "task": "classify",
             "task_options": {"loss": "hinge"}},
            "loss hinge",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_before_anything_is_written(options, words, tmp_path):
    with pytest.raises(SettingsError, match=words):
        learner(**options).fit("digits", folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_validation_and_test_rows_are_never_changed(tmp_path):
    def fitted(**options):
        return learner(network="mlp", learning_rate=0.0, optimizer="sgd", **options).fit("digits")

    plain, changed = fitted(), fitted(augment="strong", augment_options={"mixup": 0.4})
    scores = [[one["scores"] for one in fit.journal_] for fit in (plain, changed)]
    assert scores[0] == scores[1]
    assert plain.results_["headline"]["value"] == changed.results_["headline"]["value"]
    losses = [[one["losses"]["network"] for one in fit.journal_] for fit in (plain, changed)]
    assert min(abs(a - b) for a, b in zip(*losses, strict=True)) > 1e-3
    assert losses[0][0] == pytest.approx(losses[0][1])
    assert losses[1][0] != pytest.approx(losses[1][1])  # another epoch, other changes


def test_a_resumed_run_gives_the_same_bits(tmp_path):
    options = {"augment": "strong", "optimizer": "sgd", "schedule": "constant", "patience": 0}
    straight = learner(**options).fit("digits")
    learner(**{**options, "epochs": 1}).fit("digits", folder=tmp_path / "b")
    resumed = Learner.resume(tmp_path / "b", epochs=2)
    wanted, found = (one.model_.network.state_dict() for one in (straight, resumed))
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())


@pytest.mark.parametrize("target", ["label", "is_round"])
def test_mixed_images_are_learned_from(target, tmp_path):
    images = np.zeros((80, 1, 8, 8), np.float32)
    images[:40, :, 2:6, 2:6] = 1.0
    names = ["a"] * 40 + ["b"] * 40 if target == "is_round" else [0] * 40 + [1] * 20 + [2] * 20
    images[60:] = 0.5
    fitted = learner(
        epochs=30, batch_size=16, learning_rate=0.05, augment_options={"mixup": 0.4}
    ).fit(images, np.array(names))
    assert fitted.score(images, np.array(names)) > 0.95


def test_a_sheet_of_augmented_images_is_kept_and_drawn(tmp_path):
    found, run = plan(augment="symbols"), Run.create(tmp_path / "run")
    write_augmented(run, found, found.model.dataset(found.source))
    sheet = run.read_tensors("augmented")["sheet"]
    assert sheet.shape == (6, 8, 1, 8, 8)
    first = found.source.inputs[found.rows("train")[:6].numpy()]
    assert_close(sheet[:, 0], torch.from_numpy(first).float(), atol=1e-3, rtol=0)
    assert not torch.equal(sheet[:, 1], sheet[:, 0])
    run.write("plan", found.record())
    (drawing,) = draw_augmented(read_record(run))
    assert "epochs 1 to 7 (shift 0.07, rotate 10.0, scale 0.1)" in drawing.caption
    assert len(drawing.numbers) == 48


def test_no_sheet_is_kept_where_no_row_may_be(tmp_path):
    found, run = plan(augment="symbols", no_rows=True), Run.create(tmp_path / "run")
    write_augmented(run, found, found.model.dataset(found.source))
    assert not run.has("augmented.safetensors")


def test_a_function_of_ones_own_is_taken():
    def darker(batch, seed):
        return batch

    found = plan(augment=darker)
    assert found.augment is darker
    assert choices(found, "augment") == [("darker", "as given")]
