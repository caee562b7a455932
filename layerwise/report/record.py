"""Record: everything that a run folder holds for its report, read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from layerwise.contracts import Target
from layerwise.metrics import Predictions

if TYPE_CHECKING:
    import numpy as np
    from pandas import DataFrame

    from layerwise.run import Run

PARTS = ("test", "validation", "train")


@dataclass(frozen=True)
class Record:
    """What is there of a run; what is not there is empty or None.

    pictures : uint8 (rows, channels, height, width), the rows of ``worst``
    plane : named arrays of a two-feature run, see ``draw_plane``
    """

    name: str
    status: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    leaks: dict[str, Any] = field(default_factory=dict)
    journal: list[dict[str, Any]] = field(default_factory=list)
    predictions: DataFrame | None = None
    worst: DataFrame | None = None
    pictures: np.ndarray | None = None
    plane: dict[str, np.ndarray] | None = None
    specimens: dict[str, np.ndarray] | None = None  # see ``evaluation.specimens``
    augmented: dict[str, np.ndarray] | None = None  # see ``job.augmenting.write_augmented``
    explained: dict[str, Any] = field(default_factory=dict)  # see ``job.explaining``
    explanations: dict[str, np.ndarray] = field(default_factory=dict)
    attack: dict[str, Any] = field(default_factory=dict)  # by method, see ``job.attacking``
    attacked: dict[str, np.ndarray] = field(default_factory=dict)  # "fgsm.clean", ...: 0 to 1

    @cached_property
    def target(self) -> Target:
        """What is predicted; kind "none" where the plan does not say."""
        said = self.plan.get("target") or {}
        names, classes = said.get("names") or (), said.get("classes") or ()
        return Target(said.get("kind") or "none", tuple(names), tuple(map(str, classes)))

    @property
    def form(self) -> str:
        """The form of the data where they are no table: a name of ``forms.FORMS``."""
        return (self.plan.get("data") or {}).get("form") or ""

    @property
    def leading(self) -> str | None:
        """Name of the metric that leads, or None where nothing was measured."""
        headline = self.results.get("headline") or {}
        measured = [*(record.get("scores") or {} for record in self.journal)]
        first = next((name for scores in measured for name in scores), None)
        return headline.get("metric") or first

    @property
    def same_rows(self) -> bool:
        """Whether the rows it was trained on are the rows it is judged on."""
        said = self.plan.get("data", {}).get("same_rows")
        return bool(said) or (self.results.get("headline") or {}).get("split") == "train"

    @property
    def judged_part(self) -> str | None:
        """Part of the rows that the page judges: the headline's, else test before validation."""
        split = (self.results.get("headline") or {}).get("split")
        there = set() if self.predictions is None else set(self.predictions["split"])
        return next((part for part in (split, *PARTS) if part in there), None)

    @cached_property
    def judged(self) -> Predictions | None:
        """Predictions on the judged rows; None where there are none, or no truth."""
        if self.predictions is None or self.judged_part is None or self.target.kind == "none":
            return None
        judged = Predictions.from_table(self.predictions, self.target, self.judged_part)
        return judged if len(judged) else None

    def score(self, part: str, metric: str | None) -> dict[str, Any] | None:
        """Score (value, low, high, rows) of the network by a metric on a part of the rows."""
        return score_of((self.results.get("scores") or {}).get(part), metric)


def score_of(scores: list[dict] | None, metric: str | None) -> dict[str, Any] | None:
    """Give the score of that name, None where there is none."""
    return next((score for score in scores or () if score.get("name") == metric), None)


def read_record(run: Run) -> Record:
    """Everything the folder of ``run`` holds; RunError where a file is damaged."""
    return Record(
        name=run.name,
        status=_read(run, "status") or {"state": "unknown", "message": ""},
        settings=_read(run, "settings") or {},
        plan=_read(run, "plan") or {},
        results=_read(run, "results") or {},
        leaks=_read(run, "leaks") or {},
        journal=run.journal(),
        predictions=_read_table(run, "predictions"),
        worst=_read_table(run, "worst"),
        pictures=(_read_arrays(run, "worst") or {}).get("images"),
        plane=_read_arrays(run, "plane"),
        specimens=_read_arrays(run, "specimens"),
        augmented=_read_arrays(run, "augmented"),
        explained=_read(run, "explained") or {},
        explanations=_read_arrays(run, "explained") or {},
        attack=_read(run, "attack") or {},
        attacked=_read_arrays(run, "attack") or {},
    )


def _read(run: Run, name: str) -> dict | None:
    return run.read(name) if run.has(f"{name}.json") else None


def _read_table(run: Run, name: str) -> DataFrame | None:
    return run.read_table(name) if run.has(f"{name}.parquet") else None


def _read_arrays(run: Run, name: str) -> dict[str, np.ndarray] | None:
    if not run.has(f"{name}.safetensors"):
        return None
    return {key: tensor.float().numpy() for key, tensor in run.read_tensors(name).items()}
