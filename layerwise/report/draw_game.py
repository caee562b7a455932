"""Figures of self-play: games won as practice grows, and one game as a row of boards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pandas import DataFrame

from layerwise.evaluation.shares import share_ends
from layerwise.report.figures import COLOURS, Drawing, blank
from layerwise.report.record import Record

SHOWN = 12  # boards of the game
ACROSS = 6


def draw_game(record: Record) -> Iterator[Drawing]:
    """What there is to draw of a run that plays."""
    course = _course(record)
    if len(course) > 1:
        yield _practice(course)
    boards = (record.specimens or {}).get("boards")
    if boards is not None and len(boards):
        yield _game(boards)


def _course(record: Record) -> DataFrame:
    """Round, share of validation games won, and its 95 % interval."""
    games = record.plan.get("splits", {}).get("validation", 0)
    rounds = [
        (each["epoch"], each["scores"]["win_fraction"])
        for each in record.journal
        if (each.get("scores") or {}).get("win_fraction") is not None
    ]
    if not games:
        return DataFrame()
    ends = [share_ends(round(share * games), games) for _, share in rounds]
    return DataFrame({
        "round": [number for number, _ in rounds],
        "win_fraction": [share for _, share in rounds],
        "low": [low for low, _ in ends],
        "high": [high for _, high in ends],
    })  # fmt: skip


def _practice(course: DataFrame) -> Drawing:
    figure, axes = blank()
    axes.fill_between(
        course["round"], course["low"], course["high"], color=COLOURS["blue"], alpha=0.2,
        linewidth=0,
    )  # fmt: skip
    axes.plot(course["round"], course["win_fraction"], color=COLOURS["blue"])
    axes.set_xlabel("rounds of practice")
    axes.set_ylabel("validation games won")
    axes.set_ylim(0, 1)
    caption = (
        "Share of the validation games, against all opponents together, that were won after each "
        "round of practice, with its 95 % interval."
    )
    return Drawing("practice", "made", "Games won as practice grows", caption, figure, course)


def _game(boards: np.ndarray) -> Drawing:
    places = np.unique(np.linspace(0, len(boards) - 1, SHOWN).round().astype(int))
    down = -(-len(places) // ACROSS)
    figure, grid = blank(width=10, height=1.9 * down, nrows=down, ncols=ACROSS, squeeze=False)
    axes = list(np.asarray(grid).flat)
    for axis in axes:
        axis.set_axis_off()
    for axis, place in zip(axes, places, strict=False):
        _draw_board(axis, boards[place])
        axis.set_title(f"before move {place + 1}", fontsize=8)
    numbers = DataFrame(boards, columns=[f"square {number + 1}" for number in range(32)])
    caption = (
        "One judged game, seen by the network, which moves up the board. Blue: its pieces. "
        "Orange: the opponent's. A ring marks a king."
    )
    return Drawing("game", "made", "One game", caption, figure, numbers, wide=True)


def _draw_board(axis, squares: np.ndarray) -> None:
    """Eight by eight squares with their pieces."""
    dark = (np.add.outer(np.arange(8), np.arange(8)) % 2).astype(float)
    axis.imshow(dark, cmap="Greys", vmin=0, vmax=4)
    for number in np.flatnonzero(squares):
        row = number // 4
        column = 2 * (number % 4) + (row % 2 == 0)
        colour = COLOURS["blue" if squares[number] > 0 else "orange"]
        king = abs(squares[number]) == 2
        axis.plot(
            column, row, "o", color=colour, markersize=6.5, markeredgewidth=1.4,
            markeredgecolor=COLOURS["ink"] if king else colour,
        )  # fmt: skip
