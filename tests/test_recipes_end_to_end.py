"""Each flag of learning once from data to result: it works, or is refused clearly."""

import shutil

import numpy as np
import pytest
import torch
from mask_cases import write_pictures

from layerwise import Learner
from layerwise.cli import main
from layerwise.data import read
from layerwise.errors import SettingsError
from layerwise.networks import NETWORKS, network_class
from layerwise.run import Run

DATA = ("iris", "diabetes")
WORKING = {
    "micro-batches": {"micro_batches": 3},
    "bf16": {"precision": "bf16"},
    "float64": {"precision": "float64"},
    "lbfgs": {"optimizer": "lbfgs"},
    "lbfgs in pieces": {"optimizer": "lbfgs", "micro_batches": 2},
    "momentum": {"optimizer": "sgd", "optimizer_options": {"momentum": 0.9, "nesterov": True}},
    "plateau": {"schedule": "plateau", "schedule_options": {"patience": 1}},
    "warm-up": {"schedule": "cosine", "schedule_options": {"warm_up": 0.2}},
    "l1": {"l1": 0.01},
    "l1 with lbfgs": {"l1": 0.01, "optimizer": "lbfgs"},
    "l2": {"l2": 0.01},
    "clip": {"clip": 0.1, "micro_batches": 2},
    "batch": {"batch_size": "all", "schedule": "constant"},
    "stochastic": {"batch_size": 1, "learning_rate": 1e-3},
    "batch normalization": {"network": "mlp", "network_options": {"batch_norm": True}},
    "no validation rows": {"validation_fraction": 0.0, "schedule": "plateau"},
}


def run(data, **settings):
    return Learner(**{"epochs": 6, "baselines": "none", **settings}).fit(data)


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("flags", WORKING)
def test_a_flag_works_from_data_to_result(data, flags):
    learner = run(data, **WORKING[flags])
    losses = learner.history["losses.network"]
    assert losses.iloc[-1] < losses.iloc[0]
    assert learner.results_["headline"]["value"] is not None
    wanted = torch.float64 if flags == "float64" else torch.float32
    assert {tensor.dtype for tensor in learner.model_.network.parameters()} == {wanted}


def test_micro_batches_and_float64_learn_the_same():
    whole, pieces = (run("diabetes", precision="float64", micro_batches=n) for n in (1, 3))
    np.testing.assert_allclose(
        whole.history["losses.network"].iloc[0], pieces.history["losses.network"].iloc[0], rtol=0.2
    )
    plain = {"precision": "float64", "network": "linear", "batch_size": "all"}
    first, second = (run("diabetes", micro_batches=n, **plain) for n in (1, 3))
    np.testing.assert_allclose(first.predict("diabetes"), second.predict("diabetes"), rtol=1e-9)


def test_the_closed_form_is_least_squares(tmp_path):
    words = "--optimizer closed_form --network linear --task regress --precision float64"
    words = [*words.split(), "--validation-fraction", "0", "--baselines", "none"]
    assert main(["fit", "diabetes", *words, "--folder", str(tmp_path / "run")]) == 0
    learner = Learner.load(tmp_path / "run")
    frame = read("diabetes").frame
    rows = Run.open(tmp_path / "run").read_table("predictions").query("split == 'train'")["row"]
    inputs = frame.drop(columns=frame.columns[-1]).to_numpy(float)
    ones = np.column_stack([inputs, np.ones(len(inputs))])
    truth = frame.iloc[:, -1].to_numpy(float)
    weights = np.linalg.lstsq(ones[rows], truth[rows], rcond=None)[0]
    np.testing.assert_allclose(learner.predict("diabetes"), ones @ weights, rtol=1e-5)
    assert learner.run_.has("report.html")


def test_a_plateau_lowers_the_rate():
    options = {"patience": 0, "factor": 0.5, "threshold": 10.0}
    learner = run("iris", schedule="plateau", schedule_options=options, epochs=4)
    rates = learner.history["learning_rate.network"].to_numpy()
    np.testing.assert_allclose(rates[1:] / rates[:-1], 0.5)


def test_a_stronger_l1_leaves_smaller_weights():
    sizes = [
        sum(float(p.detach().abs().sum()) for p in run("iris", l1=l1).model_.network.parameters())
        for l1 in (0.0, 0.1)
    ]
    assert sizes[1] < sizes[0]


FITTING = {  # network: the small real data that it takes, and flags that go with them
    "mcculloch_pitts": "and",
    "perceptron": "iris",
    "adaline": "iris",
    "linear": "iris",
    "mlp": "iris",
    "lenet5": "digits.npz",
    "cnn": "digits.npz",
    "alexnet": "large.npz --network.width 0.0625",
    "vgg11": "large.npz --network.width 0.0625",
    "googlenet": "large.npz --network.width 0.0625",
    "inception3": "large.npz --network.width 0.0625 --network.auxiliary false",
    "inception4": "large.npz --network.width 0.0625",
    "resnet18": "digits.npz --network.width 0.0625 --batch-size 70",
    "resnet20": "digits.npz --network.width 0.25 --batch-size 70",
    "rbf": "iris",
    "dbn": "iris",
    "autoencoder": "iris",
    "conv_autoencoder": "digits.npz",
    "vae": "digits.npz",
    "gan": "iris",
    "dcgan": "digits.npz",
    "hopfield": "patterns.csv",
    "boltzmann": "patterns.csv",
    "rbm": "digits.npz",
    "self_organizing_map": "iris",
    "markov_chain": "patterns.csv",
    "rnn": "digits.npz --batch-size 32",
    "lstm": "digits.npz --batch-size 32",
    "gru": "digits.npz",
    "conv1d": "digits.npz",
    "transformer": "digits.npz",
    "transformer_decoder": "lines.txt",
    "ngram": "lines.txt",
    "word2vec": "lines.txt --network.subsample 0",
    "neural_ngram": "lines.txt --batch-size 32",
    "transformer_translator": "pairs.tsv --data.tokens words",
    "gru_translator": "pairs.tsv --data.tokens words",
    "window_linear": "series.csv --data.lookback 7 --data.horizon 3",
    "checkers_net": "checkers --data.practice 256 --data.games 4",
    "gcn": "ring.npz",
    "unet": "squares.zip --network.width 4 --network.depth 2",
    "gat": "ring.npz",
    "graphsage": "ring.npz",
    "gin": "ring.npz",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The first 200 digits, 40 of them large, rows of bits, lines, pairs, days, and a ring."""
    folder, whole = tmp_path_factory.mktemp("data"), read("digits")
    labels = whole.frame["label"].to_numpy()[:200]
    np.savez(folder / "digits.npz", X=np.asarray(whole.inputs[:200]), y=labels)
    large = np.kron(np.asarray(whole.inputs[:40]), np.ones((1, 1, 10, 10), np.uint8))
    np.savez(folder / "large.npz", X=large, y=labels[:40] % 2)
    bits = np.random.default_rng(0).integers(0, 2, (40, 8))
    names = ",".join(f"bit{place}" for place in range(8))
    np.savetxt(folder / "patterns.csv", bits, "%d", ",", header=names, comments="")
    words = np.random.default_rng(1).choice(["one", "two", "six"], (60, 3))
    lines = [" ".join(row) for row in words]
    (folder / "lines.txt").write_text("\n".join(lines) + "\n")
    pairs = [f"{line}\t{line.upper()}" for line in lines]
    (folder / "pairs.tsv").write_text("\n".join(["here\tthere", *pairs]) + "\n")
    days = np.datetime64("2020-01-01") + np.arange(90)
    sales = [f"{day},{10 + place % 7 + place % 3}" for place, day in enumerate(days)]
    (folder / "series.csv").write_text("\n".join(["day,sales", *sales]) + "\n")
    ring = np.stack([np.arange(40), (np.arange(40) + 1) % 40])
    squares = write_pictures(folder / "squares", 12)
    shutil.make_archive(str(squares), "zip", squares)
    np.savez(folder / "ring.npz", x=np.eye(40), edge_index=ring, y=np.arange(40) // 20)
    return folder


@pytest.mark.parametrize("recipe", ["modern", "historic"])
@pytest.mark.parametrize(  # of one network in several sizes, the first
    "network", {NETWORKS[name]: name for name in reversed(NETWORKS)}.values()
)
def test_every_recipe_of_every_network_runs(network, recipe, files, tmp_path):
    data, *flags = FITTING[network].split()
    data = str(files / data) if "." in data else data
    words = ["--network", network, "--recipe", recipe, "--epochs", "2", "--threads", "1", *flags]
    folder = tmp_path / "run"
    assert main(["fit", data, *words, "--baselines", "none", "--folder", str(folder)]) == 0
    made = Run.open(folder)
    departures = network_class(network).departures if recipe == "historic" else ()
    assert made.read("plan")["departures"] == list(departures)
    assert made.has("report.html")
    again = Learner.load(folder)
    options = again.data_options_
    assert again.score(data) == pytest.approx(again.score(read(data, options=options)))


REFUSED = {
    "classes have no closed form": (
        "iris",
        {"network": "linear", "optimizer": "closed_form"},
        "must have a numeric target and the squared loss, got classes",
    ),
    "another loss has no closed form": (
        "diabetes",
        {"network": "linear", "optimizer": "closed_form", "task_options": {"loss": "huber"}},
        "got the loss huber",
    ),
    "layers have no closed form": ("diabetes", {"optimizer": "closed_form"}, "MLP has no closed"),
    "numbers for a threshold unit": (
        "diabetes",
        {"network": "perceptron"},
        "needs a target of classes, got one of kind 'real'",
    ),
    "numbers for a gate": ("diabetes", {"network": "mcculloch_pitts"}, "needs a target of classes"),
    "three classes for a gate": ("iris", {"network": "mcculloch_pitts"}, "must have two classes"),
    "a table for convolutions": ("iris", {"network": "lenet5"}, "needs images"),
    "pieces for batch normalization": (
        "iris",
        {"network": "mlp", "network_options": {"batch_norm": True}, "micro_batches": 2},
        "needs each batch whole",
    ),
    "a line search of another name": (
        "iris",
        {"optimizer": "lbfgs", "optimizer_options": {"line_search_fn": "wolfe"}},
        "must be strong_wolfe",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_work_is_refused(kind):
    data, settings, told = REFUSED[kind]
    with pytest.raises(SettingsError, match=told):
        run(data, **settings)
