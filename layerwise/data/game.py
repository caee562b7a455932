"""Games as experience: rows of practice against oneself, and the games by which one is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
from pandas import DataFrame

from layerwise.data.source import Source
from layerwise.errors import DataError
from layerwise.games.players import OPPONENTS, opponent

ITSELF = "itself"  # the opponent in rows of practice
PRACTICE = 16384  # positions of a round
VALIDATION = {"random": 100, "minimax2": 100}  # games that choose the best weights
TEST = {"random": 400, "minimax2": 200, "minimax3": 200}
FIRST_SEED = {"validation": 1_000_000, "test": 2_000_000}


def checkers_source(options: dict[str, Any]) -> Source:
    """Checkers: rows of practice, validation games and test games, each with its seed.

    options : "practice": positions of each round of practice; "games": test games against each
        opponent, with half as many for validation; "opponents": names, such as random,minimax2
    Raises DataError for a number that cannot be, SettingsError for an unknown opponent.
    """
    positions = _whole(options, "practice", PRACTICE)
    judged = {"validation": VALIDATION, "test": TEST}
    if "games" in options or "opponents" in options:
        judged = _chosen(options)
    frames = [_rows(np.full(positions, ITSELF), 0)]
    for part, games in judged.items():
        frames.append(_rows(np.repeat(list(games), list(games.values())), FIRST_SEED[part]))
    columns = {name: np.concatenate([one[name] for one in frames]) for name in frames[0]}
    parts = np.repeat(["train", *judged], [len(one["seed"]) for one in frames])
    return Source(
        "checkers",
        DataFrame(columns).astype({"opponent": "str"}),
        parts=parts.astype("<U10"),
        notes=(
            f"{positions:,} positions are played in each round of practice, by the network against "
            "itself; validation and test rows are whole games, and chance in them comes from "
            "their seed.",
            "The network looks one move ahead; a draw counts as not won.",
        ),
        about="checkers by OpenSpiel's rules, played by the network itself",
        options={name: options[name] for name in ("practice", "games", "opponents")
                 if name in options},
        form="game",
        roles={"carry": "opponent"},
    )  # fmt: skip


def _rows(opponents: np.ndarray, first_seed: int) -> dict[str, np.ndarray]:
    """Games with the seeds from ``first_seed`` on; the first move goes to each in turn."""
    number = np.arange(len(opponents))
    return {"opponent": opponents, "seed": first_seed + number, "begins": number % 2 == 0}


def _chosen(options: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Games against each opponent, per part, as the options say."""
    count = _whole(options, "games", TEST["random"])
    names = options.get("opponents", tuple(TEST))
    names = names.split(",") if isinstance(names, str) else list(names)
    names = [str(name).strip() for name in names]
    for name in names:
        opponent(name)
    return {
        "validation": dict.fromkeys(names, max(1, count // 2)),
        "test": dict.fromkeys(names, count),
    }


def _whole(options: dict[str, Any], name: str, default: int) -> int:
    """A whole number of at least 1."""
    value = options.get(name, default)
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or int(text) < 1:
        raise DataError(
            f"--data.{name} of checkers must be a whole number of at least 1, got '{value}'."
        )
    return int(text)


def check_games(source: Source) -> None:
    """Raise DataError where rows are no games: a column that lacks, or a value that cannot be."""
    for column in ("opponent", "seed", "begins"):
        if column not in source.frame.columns:
            raise DataError(
                f"{source.name} lacks the column '{column}'. Games have the columns opponent, "
                "seed and begins; the data set checkers has them."
            )
    known = (ITSELF, *OPPONENTS)
    strange = [name for name in source.frame["opponent"].unique() if name not in known]
    if strange:
        raise DataError(
            f"Column 'opponent' of {source.name} must be one of {', '.join(known)}; "
            f"got '{strange[0]}'."
        )
    seeds = source.frame["seed"].to_numpy()
    if not np.issubdtype(seeds.dtype, np.integer) or (len(seeds) and seeds.min() < 0):
        raise DataError(
            f"Column 'seed' of {source.name} must hold whole numbers of 0 or more: each game's "
            "chance comes from its seed."
        )
