"""Preparation of games: from rows with an opponent and a seed to practice and judged games."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layerwise.contracts import Target
from layerwise.data.dividing import scramble
from layerwise.data.game import ITSELF, check_games
from layerwise.data.roles import Roles, load_roles
from layerwise.data.self_play import Habits, SelfPlay
from layerwise.data.source import Source
from layerwise.errors import DataError
from layerwise.games.checkers import PLANES, SQUARES
from layerwise.games.players import OPPONENTS, PRACTICE


class GamePreparation:
    """The one way from rows of games to batches; there are no constants to fit."""

    form = "game"
    categories: tuple[int, ...] = ()
    feature_names: tuple[str, ...] = ()
    class_weights = None
    input_shape = (PLANES, SQUARES)

    def __init__(self, content: dict[str, Any], tensors: dict[str, Tensor]):
        self.content, self._tensors = content, tensors
        self.encodings: list = []
        self.network_options: dict[str, Any] = {}
        self.roles = load_roles(content["roles"])
        self.target = Target("none")
        habits = content["habits"]
        self.habits = Habits(**habits | {"exploration": tuple(habits["exploration"])})

    @classmethod
    def fit(
        cls,
        source: Source,
        roles: Roles,
        target: Target,
        rows: np.ndarray,
        *,
        inputs_as: str = "standard",
    ) -> GamePreparation:
        """Note what there is; DataError where there are no rows of practice."""
        check_games(source)
        if not len(rows):
            raise DataError(f"There are no rows of practice in {source.name}.")
        fitted = {"split": "train", "rows": len(rows)}
        content = {
            "inputs": {
                "form": "game", "shape": [PLANES, SQUARES], "dtype": None, "categories_as": "",
                "inputs_as": inputs_as, "fitted": fitted,
            },
            "columns": [],
            "roles": asdict(roles),
            "target": asdict(target) | {"fitted": fitted},
            "habits": asdict(Habits()) | {"exploration": list(Habits().exploration)},
        }  # fmt: skip
        return cls(content, {})

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return copy.deepcopy(self.content)

    def tensors(self) -> dict[str, Tensor]:
        """No constants: none are needed."""
        return dict(self._tensors)

    def dataset(self, source: Source) -> SelfPlay:
        """All rows of the source, by number, ready for the engine."""
        check_games(source)
        numbers = {name: number for number, name in enumerate(OPPONENTS)} | {ITSELF: PRACTICE}
        frame = source.frame
        return SelfPlay(
            torch.tensor([numbers[name] for name in frame["opponent"]], dtype=torch.int64),
            torch.from_numpy(frame["seed"].to_numpy(np.int64).copy()),
            torch.from_numpy(frame["begins"].to_numpy(bool).copy()),
            self.habits,
        )

    def truth(self, source: Source, rows: np.ndarray) -> np.ndarray:
        """Nothing is to be predicted: zeros (rows, 1)."""
        return np.zeros((len(rows), 1))

    def in_units(self, outputs: Any) -> Any:
        """1 for a game that was won, else 0: unchanged."""
        return outputs

    def check(self, source: Source) -> tuple[str, ...]:
        """Nothing is odd about games; DataError where rows are none."""
        check_games(source)
        return ()

    def fingerprints(self, source: Source) -> np.ndarray:
        """One number per row that opponent, seed and the first move decide; (rows,) uint64."""
        dataset = self.dataset(source)
        marks = scramble(dataset.seeds.numpy().view(np.uint64), 0)
        marks = scramble(marks + dataset.opponents.numpy().astype(np.uint64), 1)
        return scramble(marks + dataset.begins.numpy().astype(np.uint64), 2)

    def fitted_in_words(self) -> dict[str, str]:
        """Nothing was fitted."""
        return {}
