"""Which places are hidden: by chance in training, all in turns in evaluation."""

from collections.abc import Iterator

import torch
from torch import Tensor


def hidden_places(
    rows: int, places: int, share: float, device: torch.device | str = "cpu"
) -> Tensor:
    """Choose the same number of places in every row by torch's generator; (rows, places) bool.

    Source: He et al. 2022, section 3: uniformly, without replacement. At least one place is
    hidden and, where there are two or more, at least one is not.
    """
    count = _number(places, share)
    ranks = torch.rand(rows, places, device=device).argsort(dim=1).argsort(dim=1)
    return ranks < count


def hidden_by_turns(
    places: int, share: float, device: torch.device | str = "cpu"
) -> Iterator[Tensor]:
    """Yield masks (places,) bool with about ``share`` hidden, every place as often as the others.

    Up to one half each place is hidden once; above, all but a few are hidden, each in all turns
    but one. The order is mixed and fixed, so that hidden places stand in no pattern.
    """
    mixed = torch.randperm(places, generator=torch.Generator().manual_seed(0)).to(device)
    turns = min(max(2, round(1 / min(share, 1 - share))), places)
    for turn in range(turns):
        dealt = mixed % turns == turn
        yield dealt if share <= 0.5 or turns == 1 else ~dealt


def _number(places: int, share: float) -> int:
    return min(max(1, round(share * places)), max(1, places - 1))
