"""Small real run folders: scikit-learn's own data and models stand in for a trained network."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_moons
from sklearn.linear_model import LinearRegression, LogisticRegression

from layerwise.contracts import Target
from layerwise.evaluation.baselines import BaselineResult
from layerwise.evaluation.evaluate import predictions_table
from layerwise.evaluation.mistakes import worst_table
from layerwise.evaluation.results import judge
from layerwise.report import write_report
from layerwise.run import Run


@pytest.fixture(scope="session")
def reported(tmp_path_factory):
    """Runs with their reports, by name."""
    root = tmp_path_factory.mktemp("runs")
    made = {
        "digits": digits_run,
        "cancer": cancer_run,
        "diabetes": diabetes_run,
        "moons": moons_run,
    }
    runs = {name: make(root / name) for name, make in made.items()}
    for run in runs.values():
        write_report(run)
    return SimpleNamespace(**runs)


@pytest.fixture
def made():
    """What makes run folders, for tests that need their own."""
    return SimpleNamespace(judged_run=judged_run, write_plan=write_plan, journal_line=journal_line)


def digits_run(folder):
    """Ten classes and pictures."""
    data = load_digits()
    rows = 400
    target = Target("classes", ("label",), tuple("0123456789"))
    scores = _classified(data.data[:rows, 20:40], data.target[:rows])  # few pixels: some mistakes
    run = judged_run(folder, target, data.target[:rows], scores, ["accuracy", "log_loss"])
    worst = run.read_table("worst")
    pictures = (data.images[worst["row"].to_numpy()] * 15).astype(np.uint8)
    run.write_tensors("worst", {"images": torch.from_numpy(pictures)[:, None]})
    return run


def cancer_run(folder):
    """Two classes and rows."""
    data = load_breast_cancer()
    scores = _classified(data.data[:, 4:7], data.target)
    target = Target("binary", ("diagnosis",), ("malignant", "benign"))
    run = judged_run(
        folder, target, data.target, scores, ["roc_auc", "accuracy"], abstain_below=0.9
    )
    worst = run.read_table("worst")
    radius = data.data[worst["row"].to_numpy(), 0]
    run.write_table("worst", worst.assign(**{"input:radius": radius}))
    return run


def diabetes_run(folder):
    """A real target."""
    data = load_diabetes()
    scores = LinearRegression().fit(data.data[:200], data.target[:200]).predict(data.data)
    target = Target("real", ("progression",))
    return judged_run(folder, target, data.target, scores, ["rmse", "r2"])


def moons_run(folder):
    """Two features, with what two hidden layers make of the plane."""
    points, codes = make_moons(60, noise=0.2, random_state=0)
    model = LogisticRegression().fit(points, codes)
    target = Target("binary", ("class",), ("upper", "lower"))
    run = judged_run(folder, target, codes, model.predict_proba(points), ["accuracy"])
    axis = np.linspace(-2, 3, 20)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    arrays = {"x": axis, "y": axis, "points": points, "rows": np.arange(60)}
    arrays["grid_outputs"] = model.predict_proba(grid.reshape(-1, 2)).reshape(20, 20, 2)
    arrays["points_outputs"] = model.predict_proba(points)
    bends = {"00:0.Linear": 2 * np.eye(2, 3), "01:1.ReLU": np.eye(2, 3), "02:2.Linear": np.eye(2)}
    for name, bend in bends.items():
        arrays[f"grid:{name}"] = np.maximum(grid @ bend, 0)
        arrays[f"points:{name}"] = np.maximum(points @ bend, 0)
    run.write_tensors("plane", {key: torch.from_numpy(value) for key, value in arrays.items()})
    return run


def judged_run(folder, target, truth, scores, metrics, *, split=None, weight=None, **judging):
    """A finished run with these scores and a constant baseline; the first metric leads."""
    run = Run.create(folder)
    rows = len(truth)
    parts = np.array(["train", "validation", "test"])[np.arange(rows) % 3]
    parts = parts if split is None else np.full(rows, split)
    table = predictions_table(
        target, truth, scores, rows=np.arange(rows), split=parts, weight=weight
    )
    constant = np.tile(np.asarray(scores, dtype=float).mean(axis=0), (rows, 1))
    baselines = {"constant": BaselineResult("constant", constant, 0.001, "")}
    results = judge(table, target, metrics, leading=metrics[0], baselines=baselines, **judging)
    run.write_table("predictions", table)
    run.write_table("worst", worst_table(table, target, split=split or "test", count=6))
    run.write("results", results)
    write_plan(run, target, parts)
    for epoch in range(1, 6):
        run.append(journal_line(epoch, metrics[0], best=epoch == 4))
    run.write("status", {"state": "finished", "message": "All epochs are done."})
    return run


def write_plan(run, target, parts, **data):
    """Write settings and plan as a fit does."""
    run.write(
        "settings",
        {
            "learner": {"network": "auto", "epochs": None, "seed": 0},
            "fit": {"data": "made"},
            "version": "0.1.0",
            "command": "layerwise fit made",
        },
    )
    run.write(
        "plan",
        {
            "decisions": [
                {"what": "network", "choice": "mlp (8)", "why": "because rows are few"},
                {"what": "", "choice": "Column 'id' is left out.", "why": ""},
            ],
            "data": {"name": "made", "rows": len(parts), "notes": ["A note."], **data},
            "target": vars(target),
            "splits": {
                **{part: int((parts == part).sum()) for part in ("train", "validation", "test")},
                "method": "stratified",
                "notes": [],
            },
            "network": {
                "name": "mlp",
                "parameters": 1234,
                "multiply_adds": 1200,
                "layers": [
                    {"name": "0", "kind": "Linear", "output_shape": [8], "parameters": 1234}
                ],
            },
            "recipe": [{"optimizer": "adamw", "learning_rate": 0.001, "epochs": 5}],
            "departures": ["Adam instead of momentum."],
            "environment": {"python": "3.12.1", "device": "cpu"},
        },
    )


def journal_line(epoch, metric, *, best=False, **changes):
    """A line of the journal."""
    return {
        "stage": 0,
        "epoch": epoch,
        "step": 10 * epoch,
        "losses": {"network": 1.0 / epoch},
        "scores": {metric: 0.5 + 0.01 * epoch},
        "learning_rate": {"network": 0.001},
        "seconds": float(epoch),
        "rows_per_second": 1000.0,
        "best": best,
    } | changes


def _classified(inputs, codes):
    scaled = (inputs - inputs.mean(axis=0)) / (inputs.std(axis=0) + 1e-9)
    model = LogisticRegression(max_iter=200).fit(scaled[::3], codes[::3])
    return model.predict_proba(scaled)
