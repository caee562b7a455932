"""Starting from published weights; here from a file of that form, made on the spot."""

import hashlib

import numpy as np
import pytest
import torch

from layerwise import Learner
from layerwise.data.weights import WEIGHTS
from layerwise.errors import DataError, SettingsError
from layerwise.job.pretrained import start_from_published
from layerwise.networks.resnet import ResNet

QUICK = {"baselines": "none", "threads": 1, "pretrained": True}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with weights of ResNet-18 as torchvision's file has them; and these weights."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "weights").mkdir()
    torch.manual_seed(7)
    made = ResNet((3, 224, 224), 1000).state_dict()
    older = {name: one for name, one in made.items() if "num_batches" not in name}
    torch.save(older, folder / "made")
    mark = hashlib.sha256((folder / "made").read_bytes()).hexdigest()[:8]
    (folder / "made").rename(folder / "weights" / f"resnet18-{mark}.pth")
    return folder, f"resnet18-{mark}.pth", made


@pytest.fixture
def at_home(published, monkeypatch):
    """The weights as if they had been fetched."""
    folder, file, made = published
    monkeypatch.setenv("LAYERWISE_DATA", str(folder))
    monkeypatch.setitem(WEIGHTS, "resnet18", file)
    return made


@pytest.fixture
def photographs(tmp_path):
    """Twelve noisy colour images of two classes, as a file."""
    chance = np.random.default_rng(0)
    images = chance.integers(0, 256, (12, 3, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "photographs.npz", X=images, y=np.arange(12) % 2)
    return tmp_path / "photographs.npz"


def test_a_fit_starts_from_them_with_a_new_output_layer(at_home, photographs, capsys):
    learner = Learner("resnet18", epochs=0, verbose=True, **QUICK).fit(photographs)
    said = " ".join(capsys.readouterr().out.split())
    assert "published weights of resnet18, learned from ImageNet (1,000 classes)" in said
    assert "the output layer starts anew, for 1 output" in said
    assert "--recipe fine_tune goes on from trained ones" in said
    weights = learner.model_.network.state_dict()
    same = {name for name, one in at_home.items() if torch.equal(one, weights[name])}
    assert set(at_home) - same == {"fc.weight", "fc.bias"}
    assert weights["fc.weight"].shape == (1, 512)


def test_images_are_shown_as_these_weights_saw_them(at_home, photographs):
    prepared = Learner("resnet18", epochs=0, **QUICK).fit(photographs).model_.preparation
    lit = torch.full((1, 3, 16, 16), 255, dtype=torch.uint8)
    seen = prepared.network_inputs(lit)[0, :, 0, 0]
    wanted = (1 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    torch.testing.assert_close(seen, wanted)


def test_grey_images_get_the_sum_of_the_kernels(at_home):
    network = ResNet((1, 32, 32), 5)
    start_from_published(network, "resnet18")
    torch.testing.assert_close(network.conv1.weight, at_home["conv1.weight"].sum(1, keepdim=True))
    torch.testing.assert_close(network.layer4[1].conv2.weight, at_home["layer4.1.conv2.weight"])


def test_a_thousand_outputs_take_the_output_layer_too(at_home):
    network = ResNet((3, 32, 32), 1000)
    start_from_published(network, "resnet18")
    assert all(torch.equal(one, at_home[name]) for name, one in network.state_dict().items())


def test_what_does_not_fit_is_told(at_home, photographs, tmp_path):
    with pytest.raises(SettingsError, match=r"do not fit: conv1.weight is of shape \(32, 3, 7, 7"):
        start_from_published(ResNet((3, 32, 32), 5, width=0.5), "resnet18")
    with pytest.raises(DataError, match="images of 3 channels, or of 1, grey; got 2 channels"):
        Learner("resnet18", **QUICK).fit(np.zeros((9, 2, 8, 8), np.uint8), np.arange(9) % 3)
    with pytest.raises(SettingsError, match="no published weights of 'auto'"):
        Learner(**QUICK).fit(photographs)
    with pytest.raises(SettingsError, match="those of timm are not among them"):
        Learner("timm/resnet18", **QUICK).fit(photographs)
    with pytest.raises(DataError, match="Run: layerwise fetch resnet34"):
        Learner("resnet34", **QUICK).fit(photographs)
    run = Learner("linear", epochs=0).fit("iris", folder=tmp_path / "run").run_
    with pytest.raises(SettingsError, match="--from and --pretrained both say"):
        Learner("resnet18", **QUICK).fit(photographs, from_=run.folder)
