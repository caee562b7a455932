"""Data sets that are known by name: embedded ones, made ones, and those that ``fetch`` gets.

Nothing is ever downloaded unless ``fetch`` is called. Files are looked for in the folder that the
environment variable LAYERWISE_DATA names, by default the user's cache folder.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from layerwise.data.arrays import arrays_source
from layerwise.data.cifar import HUNDRED, NAMES_OF_HUNDRED, TEN, TEST, read_cifar, read_cifar10
from layerwise.data.graph_known import cora, karate, les_miserables, tu
from layerwise.data.grid_known import climate, elevation
from layerwise.data.idx import read_idx
from layerwise.data.kept import data_folder
from layerwise.data.made import MADE
from layerwise.data.made_images import synthetic_imagenet
from layerwise.data.numpy_files import read_npz
from layerwise.data.pair_folders import is_pair_folder, read_pair_folder
from layerwise.data.parquet import read_parquet
from layerwise.data.series_known import SERIES
from layerwise.data.source import Source
from layerwise.data.table import read_table
from layerwise.data.text import read_text, source_of_text
from layerwise.data.weights import FOLDER, WEIGHTS, fetch_weights
from layerwise.errors import DataError, nearest

CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
HIGGS = (
    "label", "lepton_pT", "lepton_eta", "lepton_phi",
    "missing_energy_magnitude", "missing_energy_phi",
    *(f"jet_{jet}_{what}" for jet in (1, 2, 3, 4) for what in ("pt", "eta", "phi", "btag")),
    "m_jj", "m_jjj", "m_lv", "m_jlv", "m_bb", "m_wbb", "m_wwbb",
)  # fmt: skip

CIFAR_FILES = {"cifar10": (*TEN, TEST), "cifar100": (*HUNDRED, *NAMES_OF_HUNDRED)}
MNIST_FROM = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FASHION_FROM = (
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
)
KARPATHY = "https://raw.githubusercontent.com/karpathy/"
FILES: dict[str, dict[str, str]] = {  # name -> address -> check sum
    "mnist": {
        f"{MNIST_FROM}train-images-idx3-ubyte.gz": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
        f"{MNIST_FROM}train-labels-idx1-ubyte.gz": "md5:d53e105ee54ea40749a09fcbcd1e9432",
        f"{MNIST_FROM}t10k-images-idx3-ubyte.gz": "md5:9fb629c4189551a2d022fa330f9573f3",
        f"{MNIST_FROM}t10k-labels-idx1-ubyte.gz": "md5:ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fashion_mnist": {
        f"{FASHION_FROM}train-images-idx3-ubyte.gz": "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        f"{FASHION_FROM}train-labels-idx1-ubyte.gz": "md5:25c81989df183df01b3e8a0aad5dffbe",
        f"{FASHION_FROM}t10k-images-idx3-ubyte.gz": "md5:bef4ecab320f06d8554ea6380940ec79",
        f"{FASHION_FROM}t10k-labels-idx1-ubyte.gz": "md5:bb300cfdad3c16e7a12a480ee83cd310",
    },
    "cifar10": {
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz": (
            "md5:c32a1d4ab5d03f1284b67883e8d87530"
        ),
    },
    "cifar100": {
        "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz": (
            "md5:03b5dce01913d631647c71ecec9e9cb8"
        ),
    },
    "higgs": {
        "https://archive.ics.uci.edu/ml/machine-learning-databases/00280/HIGGS.csv.gz": (
            "sha256:ea302c18164d4e3d916a1e2e83a9a8d07069fa6ebc7771e4c0540d54e593b698"
        ),
    },
    "names": {
        f"{KARPATHY}makemore/master/names.txt": (
            "sha256:0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"
        ),
    },
    "tinyshakespeare": {
        f"{KARPATHY}char-rnn/master/data/tinyshakespeare/input.txt": (
            "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
        ),
    },
}
SIZES = {"mnist": "12 MB", "fashion_mnist": "31 MB", "cifar10": "170 MB", "cifar100": "161 MB",
         "higgs": "2.8 GB", "names": "0.2 MB", "tinyshakespeare": "1.1 MB"}  # fmt: skip


def read_known(name: str, options: dict) -> Source:
    """The data set of this name. Raises DataError where it must be fetched first."""
    if name not in KNOWN:
        raise DataError(f"Data set '{name}' is not known.{nearest(name, KNOWN)}")
    return KNOWN[name](options)


def fetch(name: str) -> Path:
    """Download a data set into ``data_folder()`` and give its folder; check sums are compared.

    A network's name downloads its published weights. Files that are there and right are not
    downloaded again. Raises DataError for a name that cannot be fetched, a failed download, and a
    wrong check sum.
    """
    if name in WEIGHTS:
        return fetch_weights(name, data_folder() / FOLDER)
    if name not in FILES:
        inside = " It is part of layerwise." if name in KNOWN else nearest(name, [*FILES, *WEIGHTS])
        raise DataError(f"'{name}' cannot be fetched.{inside}")
    folder = data_folder() / name
    if (folder / f"{name}.parquet").is_file():
        return folder
    for address, checksum in FILES[name].items():
        download(address, checksum, folder)
    if name in CIFAR_FILES:
        _unpack_cifar(folder, CIFAR_FILES[name])
    if name == "higgs":
        _higgs_to_parquet(folder)
    return folder


def download(address: str, checksum: str, folder: Path) -> Path:
    """One file, downloaded unless it is there; it appears only when its check sum is right."""
    import pooch

    file = address.rsplit("/", 1)[1]
    pooch.get_logger().setLevel("WARNING")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(pooch.retrieve(address, checksum, fname=file, path=folder))
    except ValueError:
        raise DataError(
            f"{address} arrived with a wrong check sum (expected {checksum}); it was not kept. "
            "Try again; if it stays so, the file was changed at its origin."
        ) from None
    except OSError as error:
        raise DataError(
            f"{address} could not be downloaded into {folder}: {error}. Check the connection, or "
            f"copy {file} there by hand."
        ) from None


def _place(name: str) -> Path:
    """The folder of a data set, with - or _ in its name. Raises DataError where it is absent."""
    for spelling in (name, name.replace("_", "-"), f"{name}-subset"):
        folder = data_folder() / spelling
        if folder.is_dir() and any(folder.iterdir()):
            return folder
    raise DataError(
        f"The data set '{name}' is not in {data_folder()}. "
        f"Run: layerwise fetch {name} (downloads {SIZES[name]}), "
        "or set LAYERWISE_DATA to the folder that holds it."
    )


# ------------------------------------------------------------------------ located by a folder


def _mnist(options: dict) -> Source:
    return _renamed(read_idx(_place("mnist")), "mnist", "MNIST: handwritten digits (LeCun 1998)")


def _fashion_mnist(options: dict) -> Source:
    source = read_idx(_place("fashion_mnist"), CLOTHES)
    return _renamed(source, "fashion_mnist", "Fashion-MNIST: clothes (Xiao 2017)")


def _cifar10(options: dict) -> Source:
    folder = _place("cifar10")
    subset = sorted(folder.glob("*.npz"))
    about = "CIFAR-10: small photographs (Krizhevsky 2009)"
    if subset:
        source = read_npz(subset[0])
        return _renamed(source, "cifar10", f"{about}, subset of {len(source.frame):,}")
    files = [next(iter(folder.rglob(name)), folder / name) for name in CIFAR_FILES["cifar10"]]
    lacking = [file.name for file in files if not file.is_file()]
    if lacking:
        raise DataError(
            f"{folder} lacks {', '.join(lacking)} of CIFAR-10's binary version. "
            "Run: layerwise fetch cifar10"
        )
    return read_cifar10(files)


def _cifar10_subset(options: dict) -> Source:
    file = data_folder() / "cifar10-subset" / "cifar10_subset.npz"
    if not file.is_file():
        raise DataError(
            f"The data set 'cifar10_subset' is not in {data_folder()}, and cannot be fetched. Put "
            "cifar10_subset.npz with x_train, y_train, x_test, y_test and class_names into a "
            "folder cifar10-subset there, set LAYERWISE_DATA to the folder that holds it, or "
            "fetch cifar10."
        )
    source = read_npz(file)
    about = f"CIFAR-10: small photographs (Krizhevsky 2009), subset of {len(source.frame):,}"
    return _renamed(source, "cifar10_subset", about)


def _cifar100(options: dict) -> Source:
    folder = _place("cifar100")
    found = next(folder.rglob(HUNDRED[0]), folder / HUNDRED[0])
    return read_cifar(found.parent)


def _unpack_cifar(folder: Path, wanted: Sequence[str]) -> None:
    """The files that are wanted, of the one archive; no name in it decides a path."""
    (archive,) = folder.glob("*-binary.tar.gz")
    with tarfile.open(archive) as tar:
        for member in tar:
            name = member.name.rsplit("/", 1)[-1]
            content = tar.extractfile(member) if member.isfile() and name in wanted else None
            if content is not None:
                beside = folder / f"{name}.part"
                beside.write_bytes(content.read())
                os.replace(beside, folder / name)


def _higgs(options: dict) -> Source:
    folder = _place("higgs")
    about = "HIGGS: simulated collisions, signal 1, background 0 (Baldi 2014)"
    stored = folder / "higgs.parquet"
    if stored.is_file():
        source = read_parquet([stored], "higgs", options)
    elif (folder / "higgs.csv").is_file():
        source = read_table(folder / "higgs.csv", options)
    else:
        raise DataError(f"{folder} holds no higgs.parquet or higgs.csv. Run: layerwise fetch higgs")
    parts = None
    if len(source.frame) == 11_000_000:  # the last 500,000 rows are the official test rows
        parts = np.full(len(source.frame), "", dtype="<U10")
        parts[-500_000:] = "test"
    return _renamed(source, "higgs", about, parts=parts, target=("label",))


def _higgs_to_parquet(folder: Path) -> None:
    """Write the gzip CSV as Parquet with float32 columns, piece by piece, and keep only that."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv
    import pyarrow.parquet as parquet

    packed, beside = folder / "HIGGS.csv.gz", folder / "higgs.parquet.part"
    types = {name: pa.float32() for name in HIGGS}
    with pa.input_stream(str(packed), compression="gzip") as stream:
        pieces = arrow_csv.open_csv(
            stream,
            read_options=arrow_csv.ReadOptions(column_names=list(HIGGS), block_size=1 << 24),
            convert_options=arrow_csv.ConvertOptions(column_types=types),
        )
        with parquet.ParquetWriter(beside, pieces.schema) as writer:
            for piece in pieces:
                writer.write_batch(piece)
    os.replace(beside, folder / "higgs.parquet")
    packed.unlink()


def _multi30k(options: dict) -> Source:
    folders = [path for path in sorted(data_folder().glob("multi30k*")) if is_pair_folder(path)]
    if not folders:
        raise DataError(
            f"The data set 'multi30k' is not in {data_folder()}, and cannot be fetched. Put train, "
            "val and test files of two languages, such as train.en and train.de, into a folder "
            "multi30k-en-de there, or set LAYERWISE_DATA to the folder that holds it."
        )
    source = read_pair_folder(folders[0], options)
    about = f"Multi30k: captions of photographs, translated (Elliott 2016), {source.about}"
    return replace(source, name="multi30k", about=about)


# ---------------------------------------------------------------------------------- embedded


def _digits(options: dict) -> Source:
    from sklearn.datasets import load_digits

    data: Any = load_digits()
    images = np.round(data.images * (255 / 16)).astype(np.uint8)[:, None]
    about = "handwritten digits, 8 x 8 pixels (scikit-learn; Alpaydin 1998)"
    return arrays_source("digits", images, data.target, None, about=about, notes=[])


def _embedded(name: str, loader: str, target: str, about: str) -> Callable[[dict], Source]:
    def read(options: dict) -> Source:
        import sklearn.datasets

        data = getattr(sklearn.datasets, loader)(as_frame=True)
        frame = data.data.copy()
        frame.columns = [str(column).replace(" ", "_") for column in frame]
        labels = data.target.to_numpy()
        if hasattr(data, "target_names") and len(data.target_names):
            labels = pd.Series(np.asarray(data.target_names, dtype=object)[labels], dtype="str")
        frame[target] = labels
        return Source(name, frame, target=(target,), about=about)

    return read


def _text(name: str, file: str, about: str) -> Callable[[dict], Source]:
    return lambda options: read_text(_place(name) / file, options, name=name, about=about)


def _python_reference(options: dict) -> Source:
    import platform
    from pydoc_data.topics import topics

    text = "\n\n".join(topics[name].strip() for name in sorted(topics)) + "\n"
    about = f"the language reference in Python {platform.python_version()}'s own help"
    return source_of_text(text, options, "python_reference", about)


def _checkers(options: dict) -> Source:
    from layerwise.data.game import checkers_source  # loads torch

    return checkers_source(options)


def _renamed(source: Source, name: str, about: str, *, parts=None, target=None) -> Source:
    return Source(
        name, source.frame, source.inputs,
        source.target if target is None else target,
        source.parts if parts is None else parts,
        source.same_rows, source.notes, about, source.options,
    )  # fmt: skip


def _made(make: Callable[[], Source]) -> Callable[[dict], Source]:
    return lambda options: make()


KNOWN: dict[str, Callable[[dict], Source]] = {
    "digits": _digits,
    "breast_cancer": _embedded(
        "breast_cancer", "load_breast_cancer", "diagnosis",
        "cell nuclei of breast tumours (scikit-learn; Street 1993)",
    ),
    "wine": _embedded(
        "wine", "load_wine", "cultivar", "chemistry of three wines (scikit-learn; Forina 1991)"
    ),
    "iris": _embedded(
        "iris", "load_iris", "species", "three species of iris (scikit-learn; Fisher 1936)"
    ),
    "diabetes": _embedded(
        "diabetes", "load_diabetes", "progression",
        "progression of diabetes after a year (scikit-learn; Efron 2004)",
    ),
    **{name: _made(make) for name, make in MADE.items()},
    "checkers": _checkers,
    "elevation": elevation,
    "climate": lambda options: climate(options, data_folder()),
    "karate": karate,
    "les_miserables": les_miserables,
    "cora": lambda options: cora(options, data_folder()),
    "mutag": lambda options: tu("mutag", options, data_folder()),
    "enzymes": lambda options: tu("enzymes", options, data_folder()),
    "mnist": _mnist,
    "fashion_mnist": _fashion_mnist,
    "cifar10": _cifar10,
    "cifar10_subset": _cifar10_subset,
    "cifar100": _cifar100,
    "synthetic_imagenet": synthetic_imagenet,
    "higgs": _higgs,
    **SERIES,
    "names": _text("names", "names.txt", "first names of the United States (SSA; makemore)"),
    "tinyshakespeare": _text(
        "tinyshakespeare", "input.txt", "plays of Shakespeare, 1.1 MB (Karpathy 2015)"
    ),
    "multi30k": _multi30k,
    "python_reference": _python_reference,
}  # fmt: skip
