"""Search for the likeliest sequence, token by token: greedily, or with several in the running."""

from collections.abc import Callable

import torch
from torch import Tensor

from layerwise.errors import SettingsError

PADDING, START, END = 0, 1, 2
NEVER = [PADDING, START, 3, 4]  # padding, start, unknown and mask are said by nobody
State = dict[str, Tensor]
Step = Callable[[State, State, Tensor], tuple[Tensor, State]]


@torch.no_grad()
def beam_search(
    step: Step,
    memory: State,
    state: State,
    limits: Tensor,
    *,
    beams: int = 1,
    length_power: float = 0.6,
) -> Tensor:
    """Give the best sequence of each row that was found, (rows, longest) int64, the end included.

    With one beam it is the greedy search. With several, those ``beams`` beginnings of each row
    whose chances are highest stay in the running, and the one wins whose log chance divided by
    ((5 + length) / 6)^length_power is highest (Wu et al. 2016, "Google's neural machine
    translation system", eq. 14). Every sequence ends with the end, or at its row's limit.

    Parameters
    ----------
    step : function
        (memory, state, tokens (n,)) -> (scores (n, vocabulary), the next state).
    memory : dict of Tensor
        What the source became; the first axis of each counts the rows.
    state : dict of Tensor
        Where the decoder begins; the first axis of each counts the rows.
    limits : Tensor
        (rows,) most tokens of each row, the end included, at least 1.
    beams : int
        How many stay in the running, at least 1.
    length_power : float
        0 compares log chances as they are, which favours short sequences.

    Raises
    ------
    SettingsError
        There is no beam.
    """
    if beams < 1:
        raise SettingsError(f"The number of beams must be 1 or more, got {beams}.")
    rows, device = len(limits), limits.device
    memory, state = _each(memory, beams), _each(state, beams)
    said = torch.zeros((rows * beams, 0), dtype=torch.int64, device=device)
    tokens = torch.full((rows * beams,), START, device=device)
    chances = torch.full((rows, beams), -torch.inf, device=device)
    chances[:, 0] = 0  # all beams of a row begin alike: only one of them counts
    over = torch.zeros((rows, beams), dtype=torch.bool, device=device)
    most = int(limits.max()) if rows else 0
    for place in range(most):
        scores, state = step(memory, state, tokens)
        logs = _allowed(torch.log_softmax(scores.float(), dim=-1), over, limits == place + 1)
        chances, best = (chances.unsqueeze(2) + logs).flatten(1).topk(beams, dim=1)
        size = logs.shape[-1]
        origin, tokens = best // size, (best % size).flatten()
        if beams > 1:
            lines = (origin + torch.arange(rows, device=device).unsqueeze(1) * beams).flatten()
            said, state = said[lines], {name: one[lines] for name, one in state.items()}
        said = torch.cat([said, tokens.unsqueeze(1)], dim=1)
        over = over.gather(1, origin) | (tokens == END).view(rows, beams)
        if bool(over.all()):
            break
    lengths = (said != PADDING).sum(dim=1).view(rows, beams)
    worth = chances / ((5 + lengths) / 6) ** length_power
    return said.view(rows, beams, -1)[torch.arange(rows, device=device), worth.argmax(dim=1)]


def _each(tensors: State, times: int) -> State:
    """Every row so many times, side by side."""
    if times == 1:
        return tensors
    return {name: one.repeat_interleave(times, dim=0) for name, one in tensors.items()}


def _allowed(logs: Tensor, over: Tensor, last: Tensor) -> Tensor:
    """Log chances (rows, beams, vocabulary) of what may follow.

    Behind an end comes padding, for certain; at a row's limit comes the end.
    """
    logs = logs.clone().view(*over.shape, -1)
    logs[..., NEVER] = -torch.inf
    ended = logs[last]
    only = torch.full_like(ended, -torch.inf)
    only[..., END] = ended[..., END]
    logs[last] = only
    padding = torch.full_like(logs[0, 0], -torch.inf)
    padding[PADDING] = 0
    return torch.where(over.unsqueeze(2), padding, logs)
