"""Hidden places: as many as asked, by chance in training, all of them in turns."""

import pytest
import torch

from layerwise.layers.masking import hidden_by_turns, hidden_places


@pytest.mark.parametrize(
    ("places", "share", "count"), [(10, 0.3, 3), (4, 0.75, 3), (4, 0.99, 3), (4, 0.01, 1)]
)
def test_every_row_hides_the_same_number_of_places(places, share, count):
    assert hidden_places(50, places, share).sum(dim=1).tolist() == [count] * 50


def test_every_place_is_hidden_alike_and_by_torchs_generator():
    torch.manual_seed(0)
    first = hidden_places(4000, 8, 0.5)
    assert (first.float().mean(dim=0) - 0.5).abs().max() < 0.04
    torch.manual_seed(0)
    assert hidden_places(4000, 8, 0.5).equal(first)


@pytest.mark.parametrize("share", [0.15, 0.5, 0.6, 0.75])
@pytest.mark.parametrize("places", [2, 12, 49])
def test_the_turns_hide_every_place_as_often(places, share):
    turns = torch.stack(list(hidden_by_turns(places, share)))
    times = turns.sum(dim=0)
    assert times.min() == times.max() >= 1
    if places == 49:
        assert abs(turns.float().mean() - share) < 0.11
