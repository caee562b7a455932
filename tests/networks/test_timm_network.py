"""Networks of timm by name; against timm itself where it imports, else against a small stand-in."""

import importlib.util
import sys

import numpy as np
import pytest
import torch

from layerwise import Learner
from layerwise.errors import MissingExtraError, SettingsError
from layerwise.networks import network_class
from layerwise.networks.timm_network import timm_class

# a library with timm's three functions and two networks, one of them built for one size of image
LIBRARY = """
from torch import nn

class Sized(nn.Sequential):
    def __init__(self, in_chans, num_classes, img_size):
        if min(img_size) < 4:
            raise AssertionError("images must be at least 4x4")
        sides = img_size[0] * img_size[1]
        super().__init__(nn.Flatten(), nn.Linear(in_chans * sides, num_classes))

class AnySize(nn.Sequential):
    def __init__(self, in_chans, num_classes):
        pool = nn.AdaptiveAvgPool2d(1)
        super().__init__(nn.Conv2d(in_chans, 4, 3), pool, nn.Flatten(), nn.Linear(4, num_classes))

MODELS = {"sized": Sized, "any_size": AnySize}

def list_models():
    return list(MODELS)

def is_model(name):
    return name in MODELS

def create_model(name, pretrained=False, **options):
    assert pretrained is False
    return MODELS[name](**options)
"""


@pytest.fixture
def timm(tmp_path, monkeypatch):
    """A module that can be imported as timm."""
    put(tmp_path, monkeypatch, LIBRARY)


def put(folder, monkeypatch, text):
    (folder / "timm.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    timm_class.cache_clear()


@pytest.fixture(autouse=True)
def forgotten():
    """No test leaves its library behind."""
    yield
    timm_class.cache_clear()
    if hasattr(sys.modules.get("timm"), "MODELS"):
        del sys.modules["timm"]


def test_it_is_built_for_the_channels_outputs_and_sides_of_the_data(timm):
    for name in ("timm/sized", "timm/any_size"):
        network = network_class(name)((2, 6, 5), 3)
        assert network(torch.randn(4, 2, 6, 5)).shape == (4, 3)


def test_a_fit_finds_it_again_when_it_is_loaded(timm, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 1, 6, 6), dtype=np.uint8)
    file = tmp_path / "images.npz"
    np.savez(file, X=images, y=np.arange(20) % 2)
    learner = Learner("timm/any_size", epochs=1, baselines="none", threads=1)
    learner.fit(file, folder=tmp_path / "run")
    again = Learner.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict_proba(file), learner.predict_proba(file))


def test_what_cannot_be_is_told(timm):
    with pytest.raises(SettingsError, match=r"timm has no network 'sizes'. Did you mean 'sized'"):
        network_class("timm/sizes")
    with pytest.raises(SettingsError, match=r"cannot build 'sized' .*must be at least 4x4"):
        network_class("timm/sized")((1, 3, 3), 2)
    with pytest.raises(SettingsError, match="needs images"):
        network_class("timm/any_size")((12,), 2)


def test_a_library_that_does_not_import_is_told(tmp_path, monkeypatch):
    put(tmp_path, monkeypatch, "raise RuntimeError('operator torchvision::nms does not exist')")
    with pytest.raises(MissingExtraError, match=r"nms does not exist.*both with CUDA, or both"):
        network_class("timm/resnet18")


def test_its_absence_is_told():
    if importlib.util.find_spec("timm"):
        pytest.skip("timm is installed here")
    with pytest.raises(MissingExtraError, match=r"pip install 'layerwise\[timm\]'"):
        network_class("timm/resnet18")


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224"])
def test_networks_of_timm_itself(name):
    try:
        import timm  # noqa: F401
    except Exception as error:  # beside a torch without CUDA its import fails with RuntimeError
        pytest.skip(f"timm does not import here ({type(error).__name__}: {error})")
    network = network_class(f"timm/{name}")((1, 32, 32), 3)
    assert network(torch.randn(2, 1, 32, 32)).shape == (2, 3)
