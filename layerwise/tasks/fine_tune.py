"""Fine-tuning: another task, learned by the output layer and so much of the body as it is told."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from layerwise.contracts import Batch, Loss
from layerwise.errors import SettingsError
from layerwise.layers.body import body_blocks, output_layer


class FineTune:
    """Learn a task with the output layer and the upper part of the body; the rest is frozen.

    Source: Yosinski, Clune, Bengio and Lipson 2014, "How transferable are features in deep neural
    networks?", NIPS: lower layers are general and can be kept. Howard and Ruder 2018, "Universal
    language model fine-tuning", ACL, section 3.2: layers are unfrozen from the top, and lower ones
    learn at lower rates. What is frozen stays as it is to the bit, with the means and variances of
    its batch normalization. It wraps a task, so that it stands in no table of tasks.

    Parameters
    ----------
    task : Task
        What is learned; of one part and without state.
    share : float
        How much of the body's blocks learn, from the output layer down: 0 none, 1 all.
    body_rate : float
        Learning rate of the body; that of the output layer is the stage's.

    Raises
    ------
    SettingsError
        The task trains parts of its own, or has a state.
    """

    def __init__(self, task: Any, *, share: float, body_rate: float):
        if hasattr(task, "parts") or hasattr(task, "state_dict"):
            raise SettingsError(
                f"The task {type(task).__name__} decides itself which parts learn, so that it "
                "cannot be fine-tuned. Choose --recipe modern."
            )
        self.task, self.share, self.body_rate = task, share, body_rate
        self.splittable = getattr(task, "splittable", True)

    @property
    def learns(self) -> str:
        """What learns, in words."""
        if not self.share:
            return "only the output layer learns"
        body = "all layers learn" if self.share == 1 else "the output layer and those near it learn"
        return f"{body}, below the output layer at rate {self.body_rate:g}"

    def parts(self, network: nn.Module) -> dict[str, list]:
        """One part in two groups: the output layer, and the unfrozen blocks at their own rate.

        Raises SettingsError where the network has no layer below its output layer.
        """
        _, last = output_layer(network)
        blocks = body_blocks(network)
        if not blocks:
            raise SettingsError(
                f"{type(network).__name__} has no layers below its output layer, so that there is "
                "nothing to be fine-tuned. Choose --recipe modern."
            )
        count = -int(-self.share * len(blocks) // 1)  # rounded up
        unfrozen = [one for block in blocks[len(blocks) - count :] for one in block]
        groups: list[dict[str, Any]] = [{"params": list(last.parameters())}]
        if unfrozen:
            groups.append({"params": unfrozen, "lr": self.body_rate})
        return {"network": groups}

    def losses(self, network: nn.Module, batch: Batch) -> Iterator[Loss]:
        """Yield what the task yields."""
        yield from self.task.losses(network, batch)

    def outputs(self, network: nn.Module, batch: Batch) -> Tensor:
        """What the task predicts."""
        return self.task.outputs(network, batch)
