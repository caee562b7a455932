"""Rows of tokens are padded batch by batch; a language model's inputs are one place behind."""

import numpy as np
import torch

from layerwise.data.datasets import TensorDataset
from layerwise.data.token_dataset import TokenDataset, token_dataset

ROWS = [np.array(row, np.int32) for row in ([5, 6, 7], [8], [9, 5, 6, 7, 8, 9, 5, 6, 7, 8])]
FIRST = np.array([1, 1, 3])


def ragged(**others):
    return token_dataset([*ROWS, *[np.array([5], np.int32)] * 5], **others)


def test_a_batch_is_padded_to_its_own_longest_row():
    dataset = ragged()
    assert isinstance(dataset, TokenDataset)
    assert dataset.batch(torch.tensor([1, 0])).inputs.tolist() == [[8, 0, 0], [5, 6, 7]]
    assert dataset.batch(slice(1, 2)).inputs.tolist() == [[8]]


def test_inputs_of_a_language_model_are_the_tokens_before():
    batch = ragged(first=np.array([1, 1, 3, 1, 1, 1, 1, 1])).batch(torch.tensor([0, 1]))
    assert batch.inputs.tolist() == [[1, 5, 6], [1, 0, 0]]
    assert batch.targets.tolist() == [[5, 6, 7], [8, 0, 0]]


def test_rows_of_alike_length_become_one_matrix():
    rows = [np.array([5, 6, 7], np.int32)] * 3 + [np.array([8], np.int32)]
    dataset = token_dataset(rows, first=np.ones(4), weight=np.array([3, 3, 3, 1]))
    assert isinstance(dataset, TensorDataset)
    block = dataset.arrange(torch.tensor([3, 0]))
    batch = block.batch(slice(0, 2))
    assert batch.inputs.tolist() == [[1, 0, 0], [1, 5, 6]]
    assert batch.targets.tolist() == [[8, 0, 0], [5, 6, 7]]
    assert batch.weight.tolist() == [1, 3]
    assert batch.keys.tolist() == [3, 0]


def test_matrix_and_ragged_rows_are_the_same():
    dataset = ragged(first=np.ones(8), weight=np.arange(8))
    padded = dataset.batch(slice(None))
    for row in range(8):
        batch = dataset.batch(torch.tensor([row]))
        length = batch.inputs.shape[1]
        assert torch.equal(batch.inputs[0], padded.inputs[row, :length])
        assert torch.equal(batch.targets[0], padded.targets[row, :length])
        assert not padded.targets[row, length:].any()


def test_labels_come_with_their_rows():
    dataset = ragged(targets=torch.arange(8), weight=np.ones(8))
    batch = dataset.to("cpu").batch(torch.tensor([2, 1]))
    assert batch.targets.tolist() == [2, 1]
    assert batch.inputs[0].tolist() == ROWS[2].tolist()
