import functools
import gzip
import hashlib
import http.server
import os
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest

from layerwise.data import known, read
from layerwise.data.kept import data_folder
from layerwise.data.known import KNOWN, download, fetch
from layerwise.errors import DataError

REAL = Path(os.environ.get("LAYERWISE_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_real_data = pytest.mark.skipif(
    not REAL.is_dir(), reason="LAYERWISE_DATA and ../shared/data are absent"
)


@pytest.fixture
def real_data(monkeypatch):
    monkeypatch.setenv("LAYERWISE_DATA", str(REAL))
    return REAL


def test_digits_are_images():
    source = read("digits")
    assert source.inputs.shape == (1797, 1, 8, 8)
    assert source.inputs.dtype == np.uint8
    assert (source.inputs.min(), source.inputs.max()) == (0, 255)
    assert np.bincount(source.frame["label"]).tolist()[:3] == [178, 182, 177]


@pytest.mark.parametrize(
    ("name", "rows", "columns", "target", "classes"),
    [
        ("breast_cancer", 569, 30, "diagnosis", 2),
        ("wine", 178, 13, "cultivar", 3),
        ("iris", 150, 4, "species", 3),
        ("diabetes", 442, 10, "progression", 214),
    ],
)
def test_embedded_tables_have_their_published_size(name, rows, columns, target, classes):
    source = read(name)
    assert source.frame.shape == (rows, columns + 1)
    assert source.target == (target,)
    assert source.frame[target].nunique() == classes
    assert source.inputs is None


def test_classes_of_embedded_tables_have_names():
    assert set(read("iris").frame["species"]) == {"setosa", "versicolor", "virginica"}


@needs_real_data
@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_mnist_keeps_its_official_test_rows(real_data, name):
    source = read(name)
    assert source.inputs.shape == (70_000, 1, 28, 28)
    assert (source.parts[:60_000] == "").all()
    assert (source.parts[60_000:] == "test").all()
    if name == "mnist":
        assert source.frame["label"].head(5).tolist() == [5, 0, 4, 1, 9]
        assert source.inputs[:60_000].mean() / 255 == pytest.approx(0.1307, abs=1e-4)
    else:
        assert source.frame["label"].iloc[0] == "Ankle boot"


@needs_real_data
def test_a_subset_of_cifar10_is_read_with_channels_first(real_data):
    source = read("cifar10")
    assert source.inputs.shape == (12_000, 3, 32, 32)
    means = source.inputs[:10_000].mean(axis=(0, 2, 3)) / 255
    assert means == pytest.approx([0.491, 0.483, 0.447], abs=2e-3)
    assert (source.parts == "test").sum() == 2000
    assert source.frame["label"].nunique() == 10


@needs_real_data
def test_higgs_knows_its_target(real_data):
    source = read("higgs")
    assert source.frame.shape == (10_984, 29)
    assert source.target == ("label",)
    assert source.frame["label"].mean() == pytest.approx(0.53, abs=1e-3)


@needs_real_data
def test_real_tables_have_their_published_missing_values(real_data):
    titanic = read(real_data / "titanic" / "titanic.csv").frame
    assert titanic.shape == (891, 12)
    assert titanic.isna().sum()[["Age", "Cabin", "Embarked"]].tolist() == [177, 687, 2]
    assert titanic["Survived"].mean() == pytest.approx(0.3838, abs=1e-4)
    penguins = read(real_data / "penguins" / "penguins.csv").frame
    assert penguins.shape == (344, 7)
    assert penguins["body_mass_g"].isna().sum() == 2
    housing = read(real_data / "california-housing" / "housing.csv").frame
    assert housing["total_bedrooms"].isna().sum() == 207
    assert housing["ocean_proximity"].nunique() == 5


@needs_real_data
def test_real_arrays_are_read(real_data):
    fraud = read(real_data / "creditcard-fraud" / "creditcard_fraud_sample.npz")
    assert fraud.frame["label"].sum() == 492
    assert list(fraud.frame.columns[:2]) == ["Time", "V1"]
    cover = read(real_data / "anomaly" / "cover.npz")
    assert cover.inputs.shape == (286_048, 10)
    assert cover.frame["label"].sum() == 2747
    cora = read(real_data / "cora" / "cora.npz")
    assert (cora.form, len(cora.frame), cora.whole.edges.shape) == ("graph", 2708, (2, 10_556))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10", "higgs"])
def test_absent_data_tells_how_to_fetch_and_downloads_nothing(name, tmp_path, monkeypatch):
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=f"layerwise fetch {name}"):
        read(name)
    assert not list(tmp_path.iterdir())


def test_a_misspelt_name_names_the_nearest():
    with pytest.raises(DataError, match="Did you mean 'mnist'"):
        read("mnits")
    with pytest.raises(DataError, match="Did you mean 'fashion_mnist'"):
        fetch("fashion-mnist")
    with pytest.raises(DataError, match="part of layerwise"):
        fetch("iris")


def test_a_file_with_a_known_name_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "xor").mkdir()
    assert "write ./xor" in read("xor").notes[-1]


def test_the_folder_follows_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path / "sets"))
    assert data_folder() == tmp_path / "sets"
    monkeypatch.delenv("LAYERWISE_DATA")
    assert "layerwise" in str(data_folder())


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def address(tmp_path):
    """The address of a small server on this machine, with one file."""
    origin = tmp_path / "origin"
    origin.mkdir()
    (origin / "rows.csv").write_text("a,b\n1,2\n")
    handler = functools.partial(Quiet, directory=str(origin))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/rows.csv"
        server.shutdown()


def test_download_compares_the_check_sum(address, tmp_path):
    right = hashlib.md5(b"a,b\n1,2\n").hexdigest()
    with pytest.raises(DataError, match="wrong check sum"):
        download(address, "md5:" + "0" * 32, tmp_path / "here")
    assert not list((tmp_path / "here").iterdir())
    path = download(address, f"md5:{right}", tmp_path / "here")
    assert path.read_text() == "a,b\n1,2\n"


def test_a_failed_download_is_told(address, tmp_path):
    with pytest.raises(DataError, match="could not be downloaded"):
        download(address + ".absent", "md5:" + "0" * 32, tmp_path / "here")


def test_cifar10_is_read_from_its_binary_version(tmp_path, monkeypatch):
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    folder = tmp_path / "cifar10"
    folder.mkdir()
    row = np.zeros(3073, dtype=np.uint8)
    row[0], row[1], row[-1] = 6, 11, 22
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as tar:
        for name in names:
            row.tofile(tmp_path / name)
            tar.add(tmp_path / name, f"cifar-10-batches-bin/{name}")
    known._unpack_cifar(folder, known.CIFAR_FILES["cifar10"])
    source = read("cifar10")
    assert source.inputs.shape == (6, 3, 32, 32)
    assert source.inputs[0, 0, 0, 0] == 11
    assert source.inputs[0, 2, 31, 31] == 22
    assert set(source.frame["label"]) == {"frog"}
    assert source.parts.tolist() == [""] * 5 + ["test"]
    (folder / "test_batch.bin").write_bytes(b"cut")
    with pytest.raises(DataError, match=r"test_batch\.bin is cut off"):
        read("cifar10")


def test_the_full_higgs_becomes_float32_parquet(tmp_path, monkeypatch):
    monkeypatch.setenv("LAYERWISE_DATA", str(tmp_path))
    folder = tmp_path / "higgs"
    folder.mkdir()
    line = ",".join(["1.0e+00", *["0.25"] * 28])
    (folder / "HIGGS.csv.gz").write_bytes(gzip.compress(f"{line}\n{line}\n".encode()))
    known._higgs_to_parquet(folder)
    source = read("higgs")
    assert source.frame.shape == (2, 29)
    assert set(source.frame.dtypes) == {np.dtype("float32")}
    assert fetch("higgs") == folder  # there already: no download


def test_every_known_name_is_listed_once():
    assert {"digits", "xor", "people", "mnist", "cifar10", "higgs"} <= set(KNOWN)
    assert len(KNOWN) == 40


def test_importing_the_room_loads_neither_torch_nor_scikit_learn():
    code = "import sys, layerwise.data; print({'torch', 'sklearn', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
