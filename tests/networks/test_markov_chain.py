"""The Markov chain by values worked by hand."""

import math

import pytest
import torch
from torch.testing import assert_close

from layerwise.contracts import Batch, Stage
from layerwise.data.datasets import TensorDataset
from layerwise.errors import DataError, SettingsError
from layerwise.networks.markov_chain import MarkovChain
from layerwise.training import train

# steps: 0-0 once, 0-1 twice, 1-0 once, 1-1 twice; starts: 0 twice
SEQUENCES = torch.tensor([[0, 0, 1, 1], [0, 1, 1, 0]])


def counted(sequences, weight=None, **options):
    network = MarkovChain(tuple(sequences.shape[1:]), **options)
    network.solve([Batch(sequences, weight=weight)])
    return network


def chain(transitions, first=None, length=5):
    network = MarkovChain((length,), states=len(transitions))
    with torch.no_grad():
        network.transitions.copy_(torch.tensor(transitions))
        if first is not None:
            network.first.copy_(torch.tensor(first))
    return network


def test_chances_are_shares_of_the_counts():
    network = counted(SEQUENCES, smoothing=0.0)
    assert_close(network.first, torch.tensor([1.0, 0.0]), check_dtype=False)
    assert_close(network.transitions, torch.tensor([[1 / 3, 2 / 3], [1 / 3, 2 / 3]]))


def test_smoothing_adds_imagined_steps():
    network = counted(SEQUENCES, smoothing=1.0)
    assert_close(network.first, torch.tensor([3 / 4, 1 / 4]))
    assert_close(network.transitions, torch.tensor([[2 / 5, 3 / 5], [2 / 5, 3 / 5]]))


def test_a_state_that_was_never_left_goes_everywhere_alike():
    network = counted(SEQUENCES, states=3, smoothing=0.0)
    assert_close(network.transitions[2], torch.full((3,), 1 / 3))


def test_a_row_counts_by_its_weight():
    found = counted(SEQUENCES, torch.tensor([2.0, 0.0]), smoothing=0.0)
    assert_close(found.transitions, torch.tensor([[0.5, 0.5], [0.0, 1.0]]))


def test_the_engine_counts_over_batches_of_real_numbers():
    network = MarkovChain((4,), smoothing=0.0)
    recipe = (Stage(None, "closed_form", batch_size=1),)
    for _ in train(network, recipe, TensorDataset(SEQUENCES.float())):
        pass
    assert_close(network.transitions, counted(SEQUENCES, smoothing=0.0).transitions)


def test_log_likelihood_by_hand():
    network = counted(SEQUENCES, smoothing=1.0)
    found = network.log_likelihood(torch.tensor([[0, 0, 1, 1], [1, 0, 0, 0]]))
    wanted = [0.75 * 0.4 * 0.6 * 0.6, 0.25 * 0.4 * 0.4 * 0.4]
    assert_close(found, torch.tensor(wanted).log())
    impossible = counted(SEQUENCES, smoothing=0.0).log_likelihood(torch.ones(1, 4))
    assert impossible.tolist() == [-math.inf]


def test_no_other_chances_make_the_counted_sequences_likelier():
    network = counted(SEQUENCES, smoothing=0.0)
    best = network.log_likelihood(SEQUENCES).sum()
    for other in (0.2, 0.3, 0.4, 0.5):
        rival = chain([[other, 1 - other], [1 / 3, 2 / 3]], [1.0, 0.0], length=4)
        assert rival.log_likelihood(SEQUENCES).sum() < best


def test_the_weather_in_the_long_run():
    # p0 = 0.9 p0 + 0.5 p1 and p0 + p1 = 1: 5/6 and 1/6
    found = chain([[0.9, 0.1], [0.5, 0.5]]).stationary()
    assert_close(found, torch.tensor([5 / 6, 1 / 6]))


def test_a_chain_that_goes_round_has_a_long_run_too():
    found = chain([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]).stationary()
    assert_close(found, torch.full((3,), 1 / 3))


def test_a_chain_of_two_closed_parts_has_no_single_long_run():
    with pytest.raises(SettingsError, match="no single stationary distribution"):
        chain([[1.0, 0.0], [0.0, 1.0]]).stationary()


def test_samples_follow_the_chances():
    torch.manual_seed(0)
    network = chain([[0.9, 0.1], [0.5, 0.5]], [0.0, 1.0], length=50)
    found = network.sample(2000)
    assert found.shape == (2000, 50)
    assert (found[:, 0] == 1).all()
    assert float((found[:, -1] == 0).double().mean()) == pytest.approx(5 / 6, abs=0.03)
    again = MarkovChain((50,), smoothing=0.0)
    again.solve([Batch(found)])
    assert_close(again.transitions, network.transitions, atol=0.01, rtol=0)


def test_forward_gives_the_chances_of_what_follows():
    network = chain([[0.9, 0.1], [0.5, 0.5]], length=2)
    assert_close(network(torch.tensor([[1.0, 0.0]])), torch.tensor([[[0.5, 0.5], [0.9, 0.1]]]))


@pytest.mark.parametrize("wrong", [-1.0, 0.5, 2.0])
def test_what_is_no_state_is_refused(wrong):
    with pytest.raises(DataError, match=f"from 0 to 1, got {wrong:g}"):
        MarkovChain((2,)).log_likelihood(torch.tensor([[0.0, wrong]]))


@pytest.mark.parametrize(
    ("shape", "options", "says"),
    [
        ((2, 3), {}, r"sequences of one length.*shape \(2, 3\)"),
        ((3,), {"states": 1}, "states of markov_chain must be 2 or more"),
        ((3,), {"smoothing": -1.0}, "smoothing of markov_chain must be 0 or more"),
    ],
)
def test_options_that_cannot_be_are_refused(shape, options, says):
    with pytest.raises(SettingsError, match=says):
        MarkovChain(shape, **options)
