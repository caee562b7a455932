"""Planted troubles of real short trainings are named, with numbers and flags that exist."""

import inspect
import math
import re

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import nn

from layerwise.contracts import Stage, Target
from layerwise.data.datasets import Rows, TensorDataset
from layerwise.evaluation.course import Course
from layerwise.evaluation.diagnose import advice_to_enlarge, advice_to_regularize, diagnose
from layerwise.evaluation.evaluate import predict
from layerwise.evaluation.silence import dead_units
from layerwise.learner import Learner
from layerwise.metrics import METRICS, Predictions
from layerwise.networks.mlp import MLP
from layerwise.tasks import task_class
from layerwise.training import train


def trained(inputs, targets, target, metric, *, hidden=(32,), rows=None, dropout=0.0, **stage):
    """Journal, results and plan of a short training, as a run writes them."""
    torch.manual_seed(0)
    scaled = torch.tensor((inputs - inputs.mean(0)) / (inputs.std(0) + 1e-6), dtype=torch.float32)
    dataset = TensorDataset(scaled, torch.as_tensor(targets))
    order = torch.randperm(len(scaled), generator=torch.Generator().manual_seed(1))
    count = len(order) // 4 if rows is None else rows
    parts = {"train": Rows(dataset, order[count:]), "validation": Rows(dataset, order[:count])}
    task = task_class("regress" if target.kind == "real" else "classify")(target)
    network = MLP((inputs.shape[1],), task.output_size, hidden=hidden, dropout=dropout)
    options = {"epochs": 20, "learning_rate": 0.003, "optimizer": "adamw"} | stage
    recipe = (Stage(task=task, **options),)
    journal, best, weights = [], -math.inf, None
    higher = METRICS[metric].higher_is_better
    for progress in train(network, recipe, parts["train"]):
        if not progress.epoch_ended:
            continue
        line = {"stage": 0, "epoch": progress.epoch, "step": progress.step}
        line["losses"] = progress.losses()
        if count:
            value = score(network, task, parts["validation"], target, metric)
            line |= {"scores": {metric: value}, "best": (value if higher else -value) >= best}
            if line["best"]:
                best = value if higher else -value
                weights = {k: v.clone() for k, v in network.state_dict().items()}
        journal.append(line)
        if not all(map(math.isfinite, line["losses"].values())):
            break
    if weights:
        network.load_state_dict(weights)
    metrics = {metric, *(("r2",) if target.kind == "real" else ("accuracy",))}
    results = {
        "scores": {
            part: [
                {"name": name, "value": score(network, task, some, target, name)}
                for name in metrics
                if len(some)
            ]
            for part, some in parts.items()
        }
        | {"test": [{"name": metric, "value": -1e9}]}
    }
    plan = {
        "metric": metric,
        "recipe": [{"epochs": options["epochs"], "learning_rate": options["learning_rate"]}],
        "network": {"name": "mlp", "options": {"hidden": list(hidden), "dropout": dropout}},
        "target": vars(target),
        "splits": {part: len(some) for part, some in parts.items()},
    }
    return journal, results, plan, network, parts


def score(network, task, dataset, target, metric):
    outputs = predict(network, task, dataset).double().numpy()
    truth = torch.cat([dataset.batch(torch.arange(len(dataset))).targets]).numpy()
    if target.kind == "real":
        truth = truth.reshape(len(truth), -1)
    if not np.isfinite(outputs).all():
        return math.nan
    return METRICS[metric].function(Predictions(target.kind, target.classes, truth, outputs))


DIGITS = Target("classes", ("label",), tuple("0123456789"))
AMOUNT = Target("real", ("y",))


def digits(rows=600):
    inputs, targets = load_digits(return_X_y=True)
    return inputs[:rows], targets[:rows]


def found(run, **more):
    return {each["finding"]: each for each in diagnose(*run[:3], **more)}


def test_a_sound_training_has_no_findings():
    inputs, targets = digits(1797)
    run = trained(inputs, targets, DIGITS, "accuracy", schedule="one_cycle", learning_rate=0.01)
    assert found(run) == {}


def test_too_small_a_network_underfits():
    run = trained(*digits(), DIGITS, "accuracy", hidden=(1,), epochs=40, learning_rate=0.01)
    said = found(run)["It may underfit"]
    assert "on the training rows themselves" in said["evidence"]
    assert "--network.hidden 16" in said["next"]
    assert "It overfits" not in found(run)


@pytest.mark.parametrize("augment", [{}, {"crop": 4}])
def test_advice_for_images_is_of_images(augment):
    course = Course([], {}, {
        "network": {"name": "lenet5", "input_shape": [1, 28, 28]},
        "target": {"kind": "classes"}, "augment": augment,
    })  # fmt: skip
    assert "--network resnet20" in advice_to_enlarge(course)
    assert ("--augment auto" in advice_to_regularize(course)) == (not augment)


def test_labels_that_are_noise_are_learned_by_heart():
    inputs, _ = digits()
    noise = np.random.default_rng(0).integers(0, 10, len(inputs))
    run = trained(inputs, noise, DIGITS, "log_loss", hidden=(128,), epochs=40)
    assert "Validation worsens after the best epoch" in found(run)
    assert re.search(r"--epochs \d", found(run)["Validation worsens after the best epoch"]["next"])


def test_training_rows_that_do_much_better_are_overfitting():
    inputs, targets = digits()
    targets = np.where(np.random.default_rng(0).random(600) < 0.4, 0, targets)
    run = trained(inputs, targets, DIGITS, "accuracy", hidden=(128,), epochs=40)
    said = found(run)["It overfits"]
    assert "--network.dropout 0.2" in said["next"]
    assert "It may underfit" not in found(run)


@pytest.mark.parametrize(("validation", "overfits"), [(36.0, False), (34.0, True)])
def test_a_metric_up_to_100_may_differ_by_five_points(validation, overfits):
    scores = {"train": 40.0, "validation": validation}
    results = {"scores": {part: [{"name": "chrf", "value": scores[part]}] for part in scores}}
    plan = {"metric": "chrf", "target": {"kind": "text"}, "splits": {"validation": 2000}}
    said = {each["finding"] for each in diagnose([], results, plan)}
    assert ("It overfits" in said) is overfits


def test_an_error_that_is_much_lower_on_training_rows_is_overfitting():
    inputs, targets = load_diabetes(return_X_y=True)
    targets = torch.tensor((targets - targets.mean()) / targets.std(), dtype=torch.float32)
    run = trained(
        inputs, targets[:, None], AMOUNT, "rmse", hidden=(256, 256), epochs=60, learning_rate=0.01
    )
    assert {"It overfits", "Validation worsens after the best epoch"} & set(found(run))


def test_a_loss_that_is_no_number_is_all_that_is_said():
    inputs, targets = load_diabetes(return_X_y=True)
    targets = torch.tensor((targets - targets.mean()) / targets.std(), dtype=torch.float32)
    journal, results, plan, *_ = trained(inputs, targets[:, None], AMOUNT, "rmse", epochs=2)
    plan["recipe"][0]["learning_rate"] = 30.0
    broken = [*journal, {"stage": 0, "epoch": 3, "step": 33, "losses": {"network": math.inf}}]
    (only,) = diagnose(broken, results, plan)
    assert "at epoch 3, step 33" in only["evidence"]
    (only,) = diagnose(journal, results | {"training": {"ended": "diverged"}}, plan)
    assert "soon after epoch 2" in only["evidence"]
    (only,) = diagnose([], {"training": {"ended": "diverged"}}, plan)
    assert only["finding"] == "It diverged"
    assert "--learning-rate 3" in only["next"]


def test_too_large_a_rate_makes_the_loss_jump():
    run = trained(*digits(), DIGITS, "accuracy", learning_rate=1.0, epochs=30)
    said = found(run)["The learning rate is unstable"]
    assert "--learning-rate 0.3" in said["next"]
    assert re.search(r"in \d+ of 29 epochs", said["evidence"])


def test_a_training_that_is_cut_short_was_still_improving():
    run = trained(*digits(1797), DIGITS, "accuracy", epochs=6, learning_rate=0.0003, batch_size=64)
    said = found(run)["It was still improving at the end"]
    assert "--epochs 12" in said["next"]


@pytest.mark.parametrize(
    ("rows", "finding"),
    [(30, "Too few validation rows to choose well"), (0, "Nothing chose the weights")],
)
def test_too_few_validation_rows_are_said(rows, finding):
    said = found(trained(*digits(), DIGITS, "accuracy", rows=rows))[finding]
    assert "--validation-fraction" in said["next"]


def test_test_rows_are_never_read():
    run = trained(*digits(200), DIGITS, "accuracy", hidden=(1,))
    before = diagnose(*run[:3])
    run[1]["scores"]["test"] = None
    run[1]["baselines"] = "not to be read"
    assert diagnose(*run[:3]) == before


def test_dead_units_are_counted_and_named():
    run = trained(*digits(200), DIGITS, "accuracy", hidden=(8, 6), epochs=1)
    network, rows = run[3], run[4]["validation"]
    with torch.no_grad():
        network.layers[0].bias[:5] = -1e6
    hooks = {name: len(module._forward_hooks) for name, module in network.named_modules()}
    network.train()
    dead = dead_units(network, rows)
    assert dead["layers.1"] == (5, 8)
    assert dead["layers.3"][1] == 6
    assert network.training
    assert hooks == {name: len(module._forward_hooks) for name, module in network.named_modules()}
    assert "layers.1 5 of 8" in found(run, dead=dead)["Many units are dead"]["evidence"]


def test_a_channel_is_dead_only_where_it_is_silent_at_every_place():
    network = nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU())
    with torch.no_grad():
        network[0].weight[:] = torch.tensor([1.0, -1.0, 0.0]).view(3, 1, 1, 1)
        network[0].bias[:] = torch.tensor([0.0, 0.0, -1.0])
    images = torch.randn(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    assert dead_units(network, TensorDataset(images), batch_size=7) == {"1": (1, 3)}


def test_every_flag_of_the_advice_exists():
    flags = set(inspect.signature(Learner.__init__).parameters)
    options = set(inspect.signature(MLP.__init__).parameters)
    source = inspect.getsource(inspect.getmodule(diagnose))
    named = set(re.findall(r" --([a-z][a-z0-9.\-_]+)", source))
    assert len(named) > 6
    for flag in named:
        room, _, key = flag.partition(".")
        assert room.replace("-", "_") in flags
        assert not key or key in options
