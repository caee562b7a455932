"""Examples that are short enough to be run by a test."""

import runpy
from pathlib import Path

import pytest
import torch
from torch import tensor
from torch.testing import assert_close

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def convolution():
    return runpy.run_path(str(EXAMPLES / "convolution.py"))


def test_the_edge_is_found_where_it_is_and_convolution_turns_its_sign(convolution):
    image, kernel = convolution["edge"]()
    expected = tensor([[0.0, 0, 30, 30, 0, 0]] * 6, dtype=torch.float64)
    assert_close(convolution["cross_correlation"](image, kernel), expected)
    assert_close(convolution["convolution"](image, kernel), -expected)


def test_convolution_turns_the_kernel_and_cross_correlation_does_not(convolution):
    image, kernel = tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]]), tensor([[1.0, 2], [3, 4]])
    # a single bright pixel gives the kernel back, turned by half a turn in cross-correlation
    assert_close(convolution["convolution"](image, kernel), kernel)
    assert_close(convolution["cross_correlation"](image, kernel), tensor([[4.0, 3], [2, 1]]))


def test_the_toeplitz_matrix_is_that_of_the_textbook(convolution):
    found = convolution["toeplitz"](tensor([[1.0, 2]]), 2, 3)
    expected = [[1.0, 2, 0, 0, 0, 0], [0, 1, 2, 0, 0, 0], [0, 0, 0, 1, 2, 0], [0, 0, 0, 0, 1, 2]]
    assert_close(found, tensor(expected))


def test_patches_are_the_pixels_under_the_kernel(convolution):
    found = convolution["patches"](torch.arange(6.0).view(2, 3), 2, 2)
    assert_close(found, tensor([[0.0, 1, 3, 4], [1, 2, 4, 5]]))


def test_every_way_gives_what_torch_gives(convolution):
    found = convolution["differences"]()
    assert len(found) == 6
    assert max(found.values()) < 1e-12, found


def test_the_example_prints_its_numbers(capsys):
    runpy.run_path(str(EXAMPLES / "convolution.py"), run_name="__main__")
    told = capsys.readouterr().out
    assert "   0    0   30   30    0    0" in told
    assert "   0    0  -30  -30    0    0" in told
    assert "Toeplitz matrix (36, 64), 324 entries from 9 numbers" in told
