"""The restricted Boltzmann machine: a probability for every input, from two layers of units."""

import math
from collections.abc import Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, softplus

from layerwise.contracts import Batch, Recipe, Stage
from layerwise.errors import SettingsError

VISIBLE = ("binary", "gaussian")
CHAIN = 500  # Gibbs steps from the first state of a sample to the one that is given
NARROWEST = 1e-3  # deviation of a visible unit that is always the same


class RBM(nn.Module):
    """Visible and hidden units, each linked to all of the other layer and to none of its own.

    Source: Smolensky 1986, "Information processing in dynamical systems: foundations of harmony
    theory"; Hinton 2002, "Training products of experts by minimizing contrastive divergence",
    Neural Computation 14; Hinton 2012, "A practical guide to training restricted Boltzmann
    machines". p(v, h) = exp(-E(v, h)) / Z with, for binary units,
    E(v, h) = - a v - b h - v W h, and for Gaussian visible units of deviation s (section 13.2 of
    the guide) E(v, h) = |(v - a) / s|^2 / 2 - b h - (v / s) W h.
    Learns with the task contrastive_divergence; ``solve`` is the best start: visible biases, and
    deviations of Gaussian units, of the data alone. ``layerwise.evaluation.partition`` gives Z.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one example; it is flattened.
    output_size : int
        0: it predicts nothing.
    hidden : int
        Number of hidden units, which are binary.
    visible : str
        binary: inputs from 0 to 1, taken as chances. gaussian: any numbers.

    Raises
    ------
    SettingsError
        Outputs are asked for, or an option cannot be.
    """

    task = "contrastive_divergence"
    inputs_as = "unit"
    recipes: ClassVar[dict[str, Recipe]] = {
        "modern": (
            Stage(task, "closed_form", batch_size=1000),
            Stage(task, "sgd", {"momentum": 0.5}, 0.05, "cosine", epochs=60, batch_size=100),
        ),
        "historic": (
            Stage(task, "sgd", {"momentum": 0.9}, 0.05, epochs=30, batch_size=100, l2=0.0002),
        ),
    }
    departures = (
        "The momentum is 0.9 from the first epoch, where the guide begins with 0.5.",
        "The chain gives drawn states of the visible units, where the guide may take chances.",
    )

    def __init__(
        self,
        input_shape: tuple[int, ...],
        output_size: int = 0,
        *,
        hidden: int = 64,
        visible: str = "binary",
    ):
        super().__init__()
        _check(output_size, hidden, visible)
        self.input_shape, self.visible = tuple(input_shape), visible
        units = torch.Size(input_shape).numel()
        self.weight = nn.Parameter(0.01 * torch.randn(hidden, units))
        self.visible_bias = nn.Parameter(torch.zeros(units))
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        self.register_buffer("deviation", torch.ones(units))  # of Gaussian visible units
        self.deviation: Tensor

    def forward(self, inputs: Tensor) -> Tensor:
        """Reconstruct by mean field, up and down: (rows, *input_shape) -> the same shape."""
        return self.decode(self.encode(inputs))

    def encode(self, inputs: Tensor) -> Tensor:
        """(rows, *input_shape) -> (rows, hidden), the chances of the hidden units."""
        return self.hidden_chances(inputs)

    def decode(self, codes: Tensor) -> Tensor:
        """(rows, hidden) -> (rows, *input_shape), chances or means of the visible units."""
        return self.visible_chances(codes)

    def hidden_chances(self, visible: Tensor) -> Tensor:
        """p(h = 1 | v): (rows, *input_shape) -> (rows, hidden)."""
        return torch.sigmoid(self.hidden_input(visible))

    def visible_chances(self, hidden: Tensor) -> Tensor:
        """p(v = 1 | h), or the mean of Gaussian units: (rows, hidden) -> (rows, *input_shape)."""
        net = self.visible_input(hidden)
        means = torch.sigmoid(net) if self.visible == "binary" else net
        return means.unflatten(1, self.input_shape)

    def energy(self, visible: Tensor, hidden: Tensor) -> Tensor:
        """E(v, h) of pairs: (rows, *input_shape) and (rows, hidden) -> (rows,), in nats."""
        return self.visible_energy(visible) - (hidden * self.hidden_input(visible)).sum(1)

    def free_energy(self, visible: Tensor) -> Tensor:
        """- log of the sum over h of exp(-E(v, h)): (rows, *input_shape) -> (rows,), in nats.

        Guide, section 16.1. The log-likelihood of a row is minus this, minus log Z.
        """
        return self.visible_energy(visible) - softplus(self.hidden_input(visible)).sum(1)

    def hidden_free_energy(self, hidden: Tensor) -> Tensor:
        """- log of the sum (integral) over v of exp(-E(v, h)): (rows, hidden) -> (rows,)."""
        net = self.visible_input(hidden)
        own = hidden @ self.hidden_bias
        if self.visible == "binary":
            return -own - softplus(net).sum(1)
        ratio, start = net / self.deviation, self.visible_bias / self.deviation
        volume = torch.log(self.deviation).sum() + 0.5 * math.log(2 * math.pi) * net.shape[1]
        return -own - 0.5 * (ratio.square() - start.square()).sum(1) - volume

    @torch.no_grad()
    def gibbs(self, visible: Tensor, steps: int = 1) -> Tensor:
        """Draw h from v and v from h, ``steps`` times; gives v, (rows, *input_shape)."""
        for _ in range(steps):
            hidden = drawn(self.hidden_chances(visible))
            visible = self.draw_visible(self.visible_input(hidden)).unflatten(1, self.input_shape)
        return visible

    @torch.no_grad()
    def sample(self, rows: int) -> Tensor:
        """Draw ``rows`` inputs, each by a chain of 500 steps of its own: (rows, *input_shape).

        Chains begin at the visible biases alone. A machine that has learned much may mix too
        slowly for 500 steps to forget where they began.
        """
        start = self.draw_visible(self.visible_bias.expand(rows, -1))
        return self.gibbs(start.unflatten(1, self.input_shape), CHAIN)

    @torch.no_grad()
    def solve(self, batches: Iterable[Batch]) -> None:
        """Set the visible biases as if there were no weights: log odds, or means.

        Guide, section 8.1. Gaussian units also take the deviations of the data. Rows may have
        a weight.
        """
        count, total, squares = 0.0, 0.0, 0.0
        for batch in batches:
            assert isinstance(batch.inputs, Tensor)
            rows = batch.inputs.flatten(1).double()
            weight = rows.new_ones(len(rows)) if batch.weight is None else batch.weight.double()
            count, total = count + weight.sum(), total + weight @ rows
            squares = squares + weight @ rows.square()
        mean = torch.as_tensor(total / count)
        if self.visible == "gaussian":
            variance = torch.as_tensor(squares / count) - mean.square()
            self.visible_bias.copy_(mean)
            self.deviation.copy_(variance.clamp_min(NARROWEST**2).sqrt())
        else:
            least = 0.5 / (float(count) + 1)  # half an example: no pixel is impossible
            self.visible_bias.copy_(torch.logit(mean.clamp(least, 1 - least)))

    def hidden_input(self, visible: Tensor) -> Tensor:
        """Net input of the hidden units: (rows, *input_shape) -> (rows, hidden)."""
        rows = visible.flatten(1)
        scaled = rows if self.visible == "binary" else rows / self.deviation
        return linear(scaled, self.weight, self.hidden_bias)

    def visible_input(self, hidden: Tensor) -> Tensor:
        """Log odds of binary units, mean of Gaussian ones: (rows, hidden) -> (rows, visible)."""
        if self.visible == "binary":
            return torch.addmm(self.visible_bias, hidden, self.weight)
        return self.visible_bias + self.deviation * (hidden @ self.weight)

    def visible_energy(self, visible: Tensor, bias: Tensor | None = None) -> Tensor:
        """Energy of v alone: (rows, *input_shape) -> (rows,).

        bias : (visible,), in place of the machine's own
        """
        rows, bias = visible.flatten(1), self.visible_bias if bias is None else bias
        if self.visible == "binary":
            return -(rows @ bias)
        return 0.5 * ((rows - bias) / self.deviation).square().sum(1)

    def draw_visible(self, net: Tensor) -> Tensor:
        """Draw visible units from what ``visible_input`` gives: (rows, visible) -> the same."""
        if self.visible == "binary":
            return drawn(torch.sigmoid(net))
        return net + self.deviation * torch.randn_like(net)


def drawn(chances: Tensor) -> Tensor:
    """Zeros and ones with these chances; a third of the time that ``torch.bernoulli`` takes."""
    return (torch.rand_like(chances) < chances).to(chances.dtype)


def _check(output_size: int, hidden: int, visible: str) -> None:
    """Refuse outputs, and options that cannot be."""
    if output_size:
        raise SettingsError(
            f"The network rbm predicts nothing, but {output_size} outputs were asked for. Learn "
            "without a target, or choose --network dbn for classes."
        )
    if not isinstance(hidden, int) or hidden < 1:
        raise SettingsError(f"Option hidden of rbm must be a whole number above 0, got {hidden}.")
    if visible not in VISIBLE:
        raise SettingsError(f"Option visible of rbm must be binary or gaussian, got '{visible}'.")
