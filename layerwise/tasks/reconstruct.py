"""Reconstruct: give the inputs back through a code; sparse, contractive or denoising if wanted."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layerwise.contracts import Batch, Loss, Target
from layerwise.errors import SettingsError, nearest
from layerwise.layers.losses import row_mean
from layerwise.layers.noise import check_noise, corrupted

PENALTIES = ("none", "l1", "kl", "contractive")
LOSSES = ("squared", "binary_cross_entropy")
SMALLEST_ACTIVITY = 1e-6  # keeps the logarithms of a unit that is never, or always, active


class Reconstruct:
    """Learn to give the inputs back; lower error means that the code keeps more of them.

    Sources: Hinton and Salakhutdinov 2006 (the plain rule); Ng 2011, "Sparse autoencoder",
    CS294A notes (kl); Rifai et al. 2011, "Contractive auto-encoders" (contractive); Vincent et
    al. 2008, "Extracting and composing robust features with denoising autoencoders" (noise).

    Parameters
    ----------
    target : Target
        Of any kind; it is not looked at.
    penalty : str
        none; l1: sum of |code| of a row; kl: sum over the code units of the divergence between
        ``sparsity`` and the unit's mean activity in the batch, for codes from 0 to 1;
        contractive: squared Frobenius norm of the Jacobian of the code by the inputs of a row.
    penalty_weight : float
        The penalty times this is added to the loss.
    sparsity : float
        Mean activity that kl asks of each code unit, between 0 and 1.
    noise : str
        none, gaussian, masking (robust to missing inputs) or salt_and_pepper; it is put on the
        inputs in training only, and the clean ones are to be given back.
    noise_level : float
        Deviation of gaussian noise, in prepared units; else the chance that a number is changed.
    loss : str
        squared, or binary_cross_entropy for inputs from 0 to 1: then the network's outputs are
        log odds, and inputs beyond 0 and 1 are cut off.

    Raises
    ------
    SettingsError
        An option that cannot be, or a network that does not have what the options need.
    """

    kinds = ("none",)
    output_size = 0
    metrics = ("mean_error",)
    judged_by = (
        "Mean error: the squared difference between a row and its reconstruction, per "
        "number, in units of the prepared inputs."
    )
    baselines = ("pca", "mean_row")

    def __init__(
        self,
        target: Target,
        *,
        penalty: str = "none",
        penalty_weight: float = 0.001,
        sparsity: float = 0.05,
        noise: str = "none",
        noise_level: float = 0.3,
        loss: str = "squared",
    ):
        _check(penalty, penalty_weight, sparsity, loss)
        check_noise(noise, noise_level, "reconstruct")
        self.penalty, self.penalty_weight, self.sparsity = penalty, penalty_weight, sparsity
        self.noise, self.noise_level, self.loss = noise, noise_level, loss
        self.splittable = penalty != "kl"  # the mean activity is that of the whole batch

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield one loss: the mean over the rows of the error per number, plus the penalty."""
        inputs = _tensor(batch)
        noisy = corrupted(inputs, self.noise, self.noise_level)
        if self.penalty == "none":
            errors = self._errors(checked_outputs(network, noisy), inputs)
            yield Loss(*row_mean(errors, batch.weight))
            return
        codes, noisy = self._codes(network, noisy)
        errors = self._errors(network.decode(codes), inputs)  # type: ignore[operator]
        if self.penalty != "kl":
            errors = errors + self.penalty_weight * self._row_penalty(codes, noisy)
        value, terms = row_mean(errors, batch.weight)
        if self.penalty == "kl":
            value = value + self.penalty_weight * _divergence(
                codes, batch.weight, terms, self.sparsity
            )
        yield Loss(value, terms)

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean squared error per number of each row, (rows, 1), without noise."""
        inputs = _tensor(batch)
        return row_errors(self.reconstruct(network, inputs), inputs).unsqueeze(1)

    def reconstruct(self, network: nn.Module, inputs: Tensor) -> Tensor:
        """(rows, ...) -> (rows, ...), the inputs as the network gives them back."""
        made = checked_outputs(network, inputs)
        return torch.sigmoid(made) if self.loss == "binary_cross_entropy" else made

    def notes(self, network: nn.Module) -> tuple[str, ...]:
        """Sentences on what this network cannot learn by this task."""
        found = []
        if getattr(network, "overcomplete", False) and self.penalty == self.noise == "none":
            found.append(
                "The code is not smaller than the inputs, so copying them costs nothing and the "
                "code need not mean anything. Use a smaller --network.code, a --task.penalty or "
                "--task.noise."
            )
        prepared = getattr(network, "inputs_as", "standard")
        if self.loss == "binary_cross_entropy" and prepared != "unit":
            found.append(
                "The loss binary_cross_entropy is for inputs from 0 to 1, but this network asks "
                f"for them as '{prepared}': what lies beyond 0 and 1 is cut off."
            )
        return tuple(found)

    def _errors(self, made: Tensor, inputs: Tensor) -> Tensor:
        """Error per number of each row, (rows,)."""
        if self.loss == "squared":
            return row_errors(made, inputs)
        entries = F.binary_cross_entropy_with_logits(made, inputs.clamp(0, 1), reduction="none")
        return entries.flatten(1).mean(dim=1)

    def _codes(self, network: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The codes, (rows, code), and the inputs by which they can be differentiated."""
        _check_coder(network, self.penalty)
        if self.penalty == "contractive":
            inputs = inputs.detach().requires_grad_()
        return network.encode(inputs), inputs  # type: ignore[operator]

    def _row_penalty(self, codes: Tensor, inputs: Tensor) -> Tensor:
        """The penalty of each row, (rows,)."""
        if self.penalty == "l1":
            return codes.abs().sum(dim=1)
        return squared_jacobian(codes, inputs)


def row_errors(made: Tensor, inputs: Tensor) -> Tensor:
    """Mean squared error per number of each row; (rows, ...) twice -> (rows,)."""
    return (made - inputs).square().flatten(1).mean(dim=1)


def squared_jacobian(codes: Tensor, inputs: Tensor) -> Tensor:
    """Squared Frobenius norm of the Jacobian of each row's code by its own inputs, (rows,).

    Source: Rifai et al. 2011, equation 2, exact for every encoder that treats rows apart; for one
    sigmoid layer it is equation 3: sum_j (h_j (1 - h_j))^2 |W_j|^2.

    codes : (rows, code), computed from ``inputs``
    inputs : (rows, ...), requires its gradient
    """
    if not codes.requires_grad:  # under no_grad, in evaluation
        return codes.new_zeros(len(codes))
    rows, size = codes.shape
    units = torch.eye(size, dtype=codes.dtype, device=codes.device)
    (slopes,) = torch.autograd.grad(
        codes,
        inputs,
        units.unsqueeze(1).expand(size, rows, size),  # one unit of the code after the other
        create_graph=True,
        is_grads_batched=True,
    )
    return slopes.square().transpose(0, 1).flatten(1).sum(dim=1)


def checked_outputs(network: nn.Module, inputs: Tensor) -> Tensor:
    """What the network makes of the inputs; SettingsError unless it has their shape."""
    made = network(inputs)
    if made.shape != inputs.shape:
        raise SettingsError(
            f"The task reconstruct needs a network that gives its inputs back, but from "
            f"{tuple(inputs.shape)} {type(network).__name__} made {tuple(made.shape)}. "
            "Choose --network autoencoder or conv_autoencoder."
        )
    return made


def _divergence(
    codes: Tensor, weight: Tensor | None, terms: Tensor | float, sparsity: float
) -> Tensor:
    """Sum over the code units of KL(sparsity || mean activity), in nats.

    Source: Ng 2011, "Sparse autoencoder", section 3: of two coins with these chances.

    codes : (rows, code), from 0 to 1
    weight, terms : of the rows, and what they sum to
    """
    shares = codes if weight is None else codes * weight.unsqueeze(1)
    activity = (shares.sum(dim=0) / terms).clamp(SMALLEST_ACTIVITY, 1 - SMALLEST_ACTIVITY)
    silent = (1 - sparsity) * torch.log((1 - sparsity) / (1 - activity))
    return (sparsity * torch.log(sparsity / activity) + silent).sum()


def _tensor(batch: Batch) -> Tensor:
    assert isinstance(batch.inputs, Tensor), "a network that reconstructs takes one tensor"
    return batch.inputs


def _check_coder(network: Any, penalty: str) -> None:
    """Refuse a network whose code cannot be penalized."""
    if not (hasattr(network, "encode") and hasattr(network, "decode")):
        raise SettingsError(
            f"The penalty {penalty} needs a network with encode and decode, which "
            f"{type(network).__name__} does not have. Choose --network autoencoder."
        )
    activation = getattr(network, "code_activation", "sigmoid")
    if penalty == "kl" and activation not in ("sigmoid", "softmax"):
        raise SettingsError(
            "The penalty kl needs codes from 0 to 1, so the code's activation must be sigmoid, "
            f"got {activation}. Give --network.code_activation sigmoid, or take the penalty l1."
        )


def _check(penalty: str, penalty_weight: float, sparsity: float, loss: str) -> None:
    """Refuse options that cannot be."""
    if penalty not in PENALTIES:
        raise SettingsError(
            f"There is no penalty '{penalty}' in reconstruct.{nearest(penalty, PENALTIES)}"
        )
    if loss not in LOSSES:
        raise SettingsError(f"There is no loss '{loss}' in reconstruct.{nearest(loss, LOSSES)}")
    if penalty_weight < 0:
        raise SettingsError(
            f"Option penalty_weight of reconstruct must be 0 or more, got {penalty_weight}."
        )
    if not 0 < sparsity < 1:
        raise SettingsError(
            f"Option sparsity of reconstruct must be between 0 and 1, got {sparsity}."
        )
