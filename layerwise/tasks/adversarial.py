"""Adversarial: a critic learns to tell generated rows, and a generator to pass for real."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError, nearest
from layerwise.layers.losses import row_mean

LOSSES = ("non_saturating", "saturating")


class Adversarial:
    """The game of equation 1, min over G and max over D of E log D(x) + E log(1 - D(G(z))).

    Source: Goodfellow et al. 2014, "Generative adversarial nets", NeurIPS 27, algorithm 1;
    conditional: Mirza and Osindero 2014, equation 2; label smoothing: Salimans et al. 2016,
    "Improved techniques for training GANs", section 3.4. All ``critic_steps`` of a step see the
    same rows with fresh noise (the algorithm draws fresh rows, too).

    The network offers ``generate(noise[, classes])``, ``discriminate(inputs[, classes])`` (a
    logit), ``noise_size``, and the modules ``generator`` and ``critic``. The losses are those of a
    game: neither tells how good the generated rows are; see ``evaluation.sample_quality``.

    Parameters
    ----------
    target : Target
        Of kind none; with ``conditional`` of kind binary or classes.
    loss : str
        What the generator makes small. non_saturating: -log D(G(z)). saturating:
        log(1 - D(G(z))), whose gradient vanishes while the critic is sure.
    critic_steps : int
        Steps of the critic for each of the generator, the k of algorithm 1.
    label_smoothing : float
        The critic's goal for training rows is 1 minus this; that for generated rows stays 0.
    conditional : bool
        Generate and judge rows for given classes, those of the target.

    Raises
    ------
    SettingsError
        An option that cannot be, or a target that does not fit ``conditional``.
    """

    kinds = ("none",)
    keeps_last_weights = True  # no number of the two players says which epoch draws best
    output_size = 0
    metrics = ("mean_error",)
    judged_by = (
        "Mean error: minus the log of the chance that the critic gives a row to be real. It "
        "says nothing of the samples."
    )
    baselines: tuple[str, ...] = ()

    def __init__(
        self,
        target: Target,
        *,
        loss: str = "non_saturating",
        critic_steps: int = 1,
        label_smoothing: float = 0.0,
        conditional: bool = False,
    ):
        _check(target, loss, critic_steps, label_smoothing, conditional)
        self.loss, self.critic_steps = loss, critic_steps
        self.label_smoothing, self.conditional = label_smoothing, conditional

    def parts(self, network: Any) -> dict[str, list[nn.Parameter]]:
        """Give the two players, each of which moves by its own loss only."""
        return {
            "critic": list(network.critic.parameters()),
            "generator": list(network.generator.parameters()),
        }

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield the critic's loss ``critic_steps`` times, then the generator's.

        Both are means over the rows, in nats; each generated row counts as much as its training
        row. The critic's is 2 log 2 where it cannot tell, 0 where it always can.
        """
        for _ in range(self.critic_steps):
            yield Loss(*row_mean(self._critic_losses(network, batch), batch.weight), "critic")
        yield Loss(*row_mean(self._generator_losses(network, batch), batch.weight), "generator")

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Minus the log of the critic's chance that each row is real, (rows, 1), in nats.

        It says how odd a row looks to this critic. It is no measure of what the generator draws,
        so it cannot choose the best epoch: with a perfect generator it is log 2 everywhere.
        """
        return F.softplus(-self._judged(network, batch.inputs, batch)[:, None])

    def _critic_losses(self, network: nn.Module, batch: Batch) -> Tensor:
        """-log D(x) - log(1 - D(G(z))), (rows,)."""
        with torch.no_grad():  # the critic's step takes the generator as it is
            made = self._made(network, batch)
        real, fake = self._judged(network, batch.inputs, batch), self._judged(network, made, batch)
        smooth = self.label_smoothing
        return (1 - smooth) * F.softplus(-real) + smooth * F.softplus(real) + F.softplus(fake)

    def _generator_losses(self, network: nn.Module, batch: Batch) -> Tensor:
        """-log D(G(z)), or saturating log(1 - D(G(z))), (rows,)."""
        fake = self._judged(network, self._made(network, batch), batch)
        return -F.softplus(fake) if self.loss == "saturating" else F.softplus(-fake)

    def _made(self, network: Any, batch: Batch) -> Tensor:
        """As many generated rows as the batch has, and of its classes."""
        inputs: Any = batch.inputs
        noise = torch.randn(
            len(inputs), network.noise_size, device=inputs.device, dtype=inputs.dtype
        )
        return network.generate(noise, *self._classes(batch))

    def _judged(self, network: Any, inputs: Any, batch: Batch) -> Tensor:
        """Logits of the critic, (rows,)."""
        return network.discriminate(inputs, *self._classes(batch))

    def _classes(self, batch: Batch) -> tuple[Tensor, ...]:
        """The classes of the rows where they are wanted."""
        if not self.conditional:
            return ()
        assert batch.targets is not None
        return (batch.targets.reshape(-1).long(),)


def _check(
    target: Target, loss: str, critic_steps: int, label_smoothing: float, conditional: bool
) -> None:
    """Refuse what cannot be played."""
    if loss not in LOSSES:
        raise SettingsError(f"There is no loss '{loss}' in adversarial.{nearest(loss, LOSSES)}")
    if critic_steps < 1:
        raise SettingsError(
            f"Option critic_steps of adversarial must be at least 1, got {critic_steps}."
        )
    if not 0 <= label_smoothing < 0.5:
        raise SettingsError(
            "Option label_smoothing of adversarial must be from 0 to below 0.5, got "
            f"{label_smoothing}."
        )
    if conditional and target.kind not in ("binary", "classes"):
        raise SettingsError(
            "Option conditional of adversarial needs a target of classes, got one of kind "
            f"'{target.kind}'. Name a column of classes with --target, or leave conditional out."
        )
