"""Published weights: fetched once, known by their check sum, read as tensors only."""

import functools
import hashlib
import http.server
import pickle
import threading

import pytest
import torch

from layerwise.cli import main
from layerwise.data import weights
from layerwise.data.weights import WEIGHTS, fetch_weights, read_weights
from layerwise.errors import DataError, SettingsError


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def origin(tmp_path, monkeypatch):
    """A folder that a small server on this machine gives out in place of the origin."""
    folder = tmp_path / "origin"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(weights, "FROM", f"http://127.0.0.1:{server.server_address[1]}/")
        yield folder
        server.shutdown()


def publish(folder, monkeypatch, content, digits=None):
    """Put a file into a folder under a name that holds its check sum."""
    beside = folder / "beside"
    if isinstance(content, bytes):
        beside.write_bytes(content)
    else:
        torch.save(content, beside)
    mark = hashlib.sha256(beside.read_bytes()).hexdigest()[:8]
    name = f"resnet18-{digits or mark}.pth"
    beside.rename(folder / name)
    monkeypatch.setitem(WEIGHTS, "resnet18", name)
    return name


def test_the_names_of_the_files_hold_eight_digits_of_a_check_sum():
    assert all(len(bytes.fromhex(weights._digits(name))) == 4 for name in WEIGHTS.values())


def test_weights_are_fetched_once_and_read_back(origin, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path / "data"))
    name = publish(origin, monkeypatch, {"fc.bias": torch.arange(3.0)})
    folder = tmp_path / "data" / "weights"
    with pytest.raises(DataError, match="Run: layerwise fetch resnet18"):
        read_weights("resnet18", folder)
    assert not folder.exists()  # reading downloads nothing
    assert main(["fetch", "resnet18"]) == 0
    assert capsys.readouterr().out == f"Weights: {folder / name}\n"
    assert read_weights("resnet18", folder)["fc.bias"].tolist() == [0, 1, 2]
    (origin / name).unlink()  # what is there is not asked for again
    assert fetch_weights("resnet18", folder) == folder / name
    assert [one.name for one in folder.iterdir()] == [name]


def test_a_wrong_check_sum_is_not_kept(origin, tmp_path, monkeypatch):
    publish(origin, monkeypatch, {"fc.bias": torch.zeros(3)}, digits="00000000")
    with pytest.raises(DataError, match=r"wrong check sum .*begins with 00000000"):
        fetch_weights("resnet18", tmp_path / "here")
    assert not list((tmp_path / "here").iterdir())


def test_a_failed_download_is_told(origin, tmp_path):
    with pytest.raises(DataError, match=r"could not be downloaded.*copy resnet34-b627a593.pth"):
        fetch_weights("resnet34", tmp_path / "here")
    assert not list((tmp_path / "here").iterdir())


def test_a_single_flipped_bit_is_found_and_fetched_anew(origin, tmp_path, monkeypatch):
    name = publish(origin, monkeypatch, {"fc.bias": torch.zeros(3)})
    path = fetch_weights("resnet18", tmp_path / "here")
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    with pytest.raises(DataError, match="damaged, or another file"):
        read_weights("resnet18", tmp_path / "here")
    fetch_weights("resnet18", tmp_path / "here")
    assert path.read_bytes() == (origin / name).read_bytes()


class Hostile:
    """Unpickled, it would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("legacy", [True, False])
def test_a_file_that_would_run_code_does_not(tmp_path, monkeypatch, legacy):
    trap = tmp_path / "trap"
    content = pickle.dumps(Hostile(trap)) if legacy else {"a": Hostile(trap)}
    publish(tmp_path, monkeypatch, content)
    with pytest.raises(DataError, match="no weights that can be read safely"):
        read_weights("resnet18", tmp_path)
    assert not trap.exists()


def test_a_file_of_something_else_is_told(tmp_path, monkeypatch):
    publish(tmp_path, monkeypatch, {"epoch": 3})
    with pytest.raises(DataError, match="no table of named tensors"):
        read_weights("resnet18", tmp_path)


def test_a_network_without_published_weights_is_told(tmp_path):
    with pytest.raises(SettingsError, match=r"no published weights of 'resnet20'.*resnet50"):
        read_weights("resnet20", tmp_path)
