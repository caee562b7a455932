"""The course of a training: its last stage as arrays, and how the kept weights score."""

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt
from typing import Any

import numpy as np

from layerwise.metrics import METRICS


class Course:
    """The last stage of a training, from its journal, results.json and plan.json.

    lines : the last line of each epoch
    loss, validation : (epochs,) summed training losses, the leading metric (NaN where unknown)
    best : place of the best epoch among them; diverged : the line where the loss was no number
    scores : of the kept weights, by part and metric; never those of test rows
    rows : number of validation rows, None where the plan does not say
    of_images, augmented : whether images are told apart, and whether they are changed in training
    """

    def __init__(
        self,
        journal: Sequence[Mapping[str, Any]],
        results: Mapping[str, Any],
        plan: Mapping[str, Any],
    ):
        last = max((line.get("stage", 0) for line in journal), default=0)
        lines = [line for line in journal if line.get("stage", 0) == last]
        ends = {line["epoch"]: line for line in lines}  # the last line of an epoch is its end
        self.lines = [ends[epoch] for epoch in sorted(ends)]
        self.metric: str = plan.get("metric") or ""
        self.recipe: Mapping[str, Any] = (plan.get("recipe") or [{}])[-1]
        self.network: Mapping[str, Any] = plan.get("network") or {}
        self.kind: str = (plan.get("target") or {}).get("kind") or ""
        self.planned = int(self.recipe.get("epochs") or len(self.lines))
        ended = (results.get("training") or {}).get("ended")
        lost = [line for line in lines if not all(map(isfinite, losses_of(line)))]
        if ended == "diverged":
            lost += lines[-1:] or [{}]
        self.diverged: Mapping[str, Any] | None = lost[0] if lost else None
        self.loss = np.array([sum(losses_of(line)) for line in self.lines])
        self.validation = np.array([_score(line, self.metric) for line in self.lines])
        self.best = max(
            (place for place, line in enumerate(self.lines) if line.get("best")), default=None
        )
        self.scores = {part: _by_name(results, part) for part in ("train", "validation")}
        self.rows = (plan.get("splits") or {}).get("validation")
        same = (plan.get("data") or {}).get("same_rows")
        self.same_rows = bool(same)
        shape = self.network.get("input_shape") or ()
        self.of_images = len(shape) == 3 and self.kind in ("binary", "classes", "labels")
        self.augmented = bool(plan.get("augment"))

    @property
    def higher(self) -> bool:
        """Whether a higher value of the leading metric is better; own metrics by the journal."""
        if self.metric in METRICS:
            return METRICS[self.metric].higher_is_better
        known = self.validation[np.isfinite(self.validation)]
        if self.best is None or not len(known):
            return True
        value = self.validation[self.best]
        return bool(value - known.min() >= known.max() - value)

    @property
    def top(self) -> float | None:
        """Where the leading metric's scale ends; None of errors and of own metrics."""
        return METRICS[self.metric].top if self.metric in METRICS else None

    @property
    def gains(self) -> np.ndarray:
        """Validation values turned so that more is better, those that are known; (epochs,)."""
        known = self.validation[np.isfinite(self.validation)]
        return known if self.higher else -known

    def pair(self, name: str) -> tuple[float, float] | None:
        """The score of the kept weights on training and on validation rows."""
        both = tuple(self.scores[part].get(name) for part in ("train", "validation"))
        return None if None in both else both  # type: ignore[return-value]

    def deviation(self, value: float) -> float:
        """Standard error of the validation metric, as if it were a share of rows."""
        if self.top is None or not self.rows:
            return 0.0
        share = min(max(value / self.top, 0.0), 1.0)
        return self.top * sqrt(max(share * (1 - share), 1e-4) / self.rows)

    def rate(self, factor: float) -> str:
        """The flag for the learning rate times ``factor``."""
        rate = self.recipe.get("learning_rate")
        if not isinstance(rate, (int, float)):
            return "--learning-rate with a smaller number"
        return f"--learning-rate {float(f'{rate * factor:.2g}'):g}"


def losses_of(line: Mapping[str, Any]) -> list[float]:
    """Give the losses of a line, NaN where one is no number."""
    values = (line.get("losses") or {}).values()
    return [float("nan") if value is None else float(value) for value in values]


def _score(line: Mapping[str, Any], metric: str) -> float:
    value = (line.get("scores") or {}).get(metric)
    return float("nan") if value is None else float(value)


def _by_name(results: Mapping[str, Any], part: str) -> dict[str, float]:
    scores = (results.get("scores") or {}).get(part) or ()
    return {each["name"]: each["value"] for each in scores if each.get("value") is not None}
