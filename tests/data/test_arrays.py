import gzip
import struct

import numpy as np
import pandas as pd
import pytest
import torch

from layerwise.data import read
from layerwise.data.idx import read_idx_file
from layerwise.errors import DataError


def idx(array, code=8):
    """The bytes of an IDX file."""
    head = struct.pack(">HBB", 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


@pytest.fixture
def digits_folder(tmp_path):
    """Five training and two test images of 3 x 4 pixels, one file packed, the others plain."""
    folder = tmp_path / "little"
    folder.mkdir()
    images = np.arange(7 * 12, dtype=np.uint8).reshape(7, 3, 4)
    labels = np.array([0, 1, 2, 0, 1, 2, 0], dtype=np.uint8)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images[:5])))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(labels[:5]))
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx(images[5:]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(labels[5:]))
    return folder


def test_an_idx_folder_keeps_its_test_rows(digits_folder):
    source = read(digits_folder)
    assert source.name == "little"
    assert source.inputs.shape == (7, 1, 3, 4)
    assert source.inputs[6, 0, 2, 3] == 83
    assert source.frame["label"].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert source.target == ("label",)
    assert source.parts.tolist() == [""] * 5 + ["test"] * 2


def test_an_idx_folder_without_test_files_leaves_the_parts_open(digits_folder):
    for path in digits_folder.glob("t10k*"):
        path.unlink()
    source = read(digits_folder)
    assert source.parts is None
    assert "no test files" in source.notes[0]
    torch.from_numpy(source.inputs)  # writable, as torch wants it


def test_a_lacking_idx_file_is_named(digits_folder):
    (digits_folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="no file with the test labels, such as t10k-labels-idx1"):
        read(digits_folder)


def test_a_single_idx_file_names_the_folder(digits_folder):
    with pytest.raises(DataError, match="Give the folder"):
        read(digits_folder / "train-labels-idx1-ubyte")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (idx(np.zeros((2, 3), np.uint8))[:-1], r"should be 18 bytes for shape \(2, 3\), but is 17"),
        (b"\x01\x02\x03\x04", "no IDX file"),
        (b"", "no IDX file"),
        (gzip.compress(idx(np.zeros(100, np.uint8)))[:20], "damaged or cut off"),
    ],
)
def test_a_damaged_idx_file_is_told(tmp_path, content, words):
    (tmp_path / "x-ubyte").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_idx_file(tmp_path / "x-ubyte")


def test_idx_numbers_have_the_byte_order_of_this_machine(tmp_path):
    (tmp_path / "x-ubyte").write_bytes(idx(np.array([1.5, -2.0], dtype=">f4"), code=13))
    array = read_idx_file(tmp_path / "x-ubyte")
    assert array.tolist() == [1.5, -2.0]
    assert array.dtype.isnative


# --------------------------------------------------------------------------------------- npz


def test_npz_with_x_and_y(tmp_path):
    inputs = np.array([[1.5, 2], [3, 4]], dtype=np.float32)
    np.savez(tmp_path / "t.npz", X=inputs, y=np.array([[1], [0]]))
    source = read(tmp_path / "t.npz")
    assert (source.inputs == inputs).all()
    assert source.inputs.dtype == np.float32
    assert source.frame["label"].tolist() == [1, 0]
    assert source.parts is None


def test_npz_with_parts_and_class_names(tmp_path):
    np.savez(
        tmp_path / "t.npz",
        x_train=np.zeros((3, 5, 4, 3), np.uint8),
        y_train=np.array([0, 1, 0]),
        x_val=np.ones((1, 5, 4, 3), np.uint8),
        y_val=np.array([1]),
        x_test=np.ones((2, 5, 4, 3), np.uint8),
        y_test=np.array([1, 1]),
        class_names=np.array(["cat", "dog"]),
    )
    source = read(tmp_path / "t.npz")
    assert source.inputs.shape == (6, 3, 5, 4)
    assert source.parts.tolist() == ["train"] * 3 + ["validation"] + ["test"] * 2
    assert source.frame["label"].tolist() == ["cat", "dog", "cat", "dog", "dog", "dog"]


def test_npz_with_column_names_is_a_table(tmp_path):
    np.savez(tmp_path / "t.npz", X=np.eye(2), y=[0, 1], columns=["height", "mass"])
    source = read(tmp_path / "t.npz")
    assert source.inputs is None
    assert list(source.frame) == ["height", "mass", "label"]
    assert source.frame["mass"].tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.ones(3)}, "must hold X and y.* It holds a"),
        ({"X": np.ones((0, 3)), "y": np.ones(0)}, "0 sample"),
        ({"X": np.ones((2, 3), complex), "y": np.ones(2)}, "Complex"),
        ({"X": np.ones((2, 3)), "y": [0, 5], "class_names": ["a", "b"]}, "from 0 to 5"),
        ({"X": np.ones((2, 3)), "y": [0, 1], "columns": ["a", "b"]}, "3 columns, but 2 column"),
        ({"x_train": np.ones((2, 3)), "x_test": np.ones((2, 4))}, "different shapes"),
    ],
)
def test_an_npz_file_without_a_right_reading_is_told(tmp_path, arrays, words):
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(DataError, match=words) as error:
        read(tmp_path / "t.npz")
    assert "t.npz" in str(error.value)


def test_a_cut_off_npz_file_is_told(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, X=np.ones((50, 3)), y=np.ones(50))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"t\.npz is damaged"):
        read(path)


def test_npy_is_inputs_without_targets(tmp_path):
    np.save(tmp_path / "t.npy", np.ones((2, 3)))
    source = read(tmp_path / "t.npy")
    assert source.inputs.shape == (2, 3)
    assert source.target == ()
    assert source.frame.shape == (2, 0)


# --------------------------------------------------------------------------------- in memory


def test_arrays_tensors_and_lists_are_the_same():
    rows, labels = [[1.0, 2.0], [3.0, 4.0]], [0, 1]
    for data, target in (
        (np.array(rows), np.array(labels)),
        (torch.tensor(rows, requires_grad=True), torch.tensor(labels)),
        (torch.tensor(rows, dtype=torch.bfloat16), labels),
        (rows, labels),
    ):
        source = read(data, target=target)
        assert source.inputs.tolist() == rows
        assert source.frame["label"].tolist() == labels
        assert source.target == ("label",)


def test_words_may_be_labels():
    source = read(np.eye(2), target=["cat", "dog"])
    assert source.frame["label"].tolist() == ["cat", "dog"]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((2, 8, 6), (2, 1, 8, 6)),
        ((2, 8, 6, 3), (2, 3, 8, 6)),
        ((2, 3, 8, 6), (2, 3, 8, 6)),
        ((2, 8, 6, 1), (2, 1, 8, 6)),
        ((2, 13, 32, 30), (2, 13, 32, 30)),
    ],
)
def test_images_have_their_channels_first(shape, expected):
    assert read(np.zeros(shape, np.uint8)).inputs.shape == expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (np.uint8, 3, np.uint8),
        (np.int64, 255, np.uint8),
        (np.int64, 256, np.float32),
        (np.float64, 0.5, np.float32),
    ],
)
def test_images_are_bytes_or_single_precision(kind, value, expected):
    inputs = read(np.full((2, 4, 4), value, kind)).inputs
    assert inputs.dtype == expected
    assert (inputs == value).all()


def test_one_hot_labels_become_classes():
    source = read(np.ones((3, 2)), target=np.eye(3)[[2, 0, 1]])
    assert source.frame["label"].tolist() == [2, 0, 1]
    assert "one-hot" in source.notes[0]


def test_several_targets_are_several_columns():
    source = read(np.ones((2, 3)), target=np.array([[0.5, 1.5], [2.5, 3.5]]))
    assert source.target == ("label_1", "label_2")
    assert source.frame["label_2"].tolist() == [1.5, 3.5]


def test_a_frame_keeps_its_columns_and_is_not_changed():
    frame = pd.DataFrame(
        {
            "a": [1, 2],
            "b": pd.Categorical(["x", "y"]),
            "c": pd.array([1, None], dtype="Int64"),
            7: pd.to_datetime(["2020-01-01", "2021-01-01"]),
            "d": np.array([1, "x"], dtype=object),
            "e": np.array([True, None], dtype=object),
        },
        index=[5, 9],
    )
    before = frame.copy()
    source = read(frame, target="a")
    assert list(source.frame) == ["a", "b", "c", "7", "d", "e"]
    assert source.frame.index.tolist() == [0, 1]
    assert source.frame["b"].tolist() == ["x", "y"]
    assert source.frame["c"].dtype == np.float64
    assert source.frame["7"].dtype.kind == "M"
    assert source.frame["d"].tolist() == ["1", "x"]
    assert source.frame["e"].dtype == np.float64
    assert any("'d' mixes values of different types" in note for note in source.notes)
    pd.testing.assert_frame_equal(frame, before)


def test_a_frame_takes_the_name_of_its_series_of_targets():
    frame = pd.DataFrame({"a": [1, 2]})
    source = read(frame, target=pd.Series([0, 1], name="y", index=[8, 9]))
    assert source.frame.to_dict("list") == {"a": [1, 2], "y": [0, 1]}
    assert source.target == ("y",)
    assert list(frame) == ["a"]


def test_numbers_held_as_objects_are_numbers_and_mixed_rows_are_columns():
    assert read(np.array([[1, 2.5]], dtype=object)).inputs.dtype == np.float64
    source = read([[1, "a"], [2, "b"]])
    assert source.frame.to_dict("list") == {"column_1": [1, 2], "column_2": ["a", "b"]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.ones(3), "Reshape your data"),
        (np.float64(3), "Reshape your data"),
        (np.ones((0, 3)), r"0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1"),
        (np.ones((3, 0)), r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1"),
        (np.ones((2, 2), complex), "Complex data not supported"),
        (np.ones((2, 2, 2, 2, 2)), "too many axes"),
        ([[1, 2], [3]], "same length"),
        (pd.DataFrame({"a": []}), "0 sample"),
        (pd.DataFrame({"a": [[1], [2]]}), "Column 'a' holds values of type list"),
    ],
)
def test_data_in_memory_without_a_right_reading_is_told(data, words):
    with pytest.raises(DataError, match=words):
        read(data)


def test_sparse_data_is_refused():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(DataError, match="Sparse"):
        read(sparse.eye(3).tocsr())


def test_test_arrays_fix_their_part():
    source = read(np.zeros((2, 3)), test=np.ones((1, 3)))
    assert source.inputs.shape == (3, 3)
    assert source.parts.tolist() == ["", "", "test"]
    with pytest.raises(DataError, match=r"rows of shape \(4,\), the training data \(3,\)"):
        read(np.zeros((2, 3)), test=np.ones((1, 4)))
