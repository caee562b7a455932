"""Checkers on bitboards: very many games side by side, each seen by the player who is to move.

The rules are those of OpenSpiel's game "checkers": captures are mandatory, each jump is a move of
its own, a man that is crowned stops, who cannot move has lost, and 40 moves in a row without a
capture are a draw.

Squares are the bits 0 to 34 of a word: eight for two rows of the board, from the far left to the
near right, then one bit that is no square. So the four diagonal neighbours of bit p are always
p - 5, p - 4, p + 5 and p + 4, and turning the board round is reversing the bits.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

QUIET_MOVES = 40  # without a capture, by both players together, make a draw
SQUARES, DIRECTIONS = 32, 4
MOVES = SQUARES * DIRECTIONS  # direction x 32 + square; all legal ones jump, or none does
PLANES = 9  # see ``planes``
STEPS = (-5, -4, 5, 4)  # far left, far right, near right, near left
WORD = np.uint64

BITS = np.array([square + square // 8 for square in range(SQUARES)], dtype=WORD)
BOARD = WORD(sum(1 << int(bit) for bit in BITS))
FAR_ROW = WORD(0b1111)
START = WORD(sum(1 << int(bit) for bit in BITS[20:]))


@dataclass(frozen=True)
class Positions:
    """Positions side by side, each from the view of the player to move, who moves up the board.

    own, other : (rows,) words, the pieces of the player to move and of the other
    kings : (rows,) words, those of both that are crowned
    jumper : (rows,) words, the piece that must go on jumping; 0 where any may move
    quiet : (rows,) int64, moves since the last capture
    first : (rows,) bool, whether the player to move is the one who began the game
    """

    own: np.ndarray
    other: np.ndarray
    kings: np.ndarray
    jumper: np.ndarray
    quiet: np.ndarray
    first: np.ndarray

    def __len__(self) -> int:
        return len(self.own)

    def take(self, rows: np.ndarray) -> Positions:
        """Some of them: numbers, repeats allowed, or a mask."""
        return Positions(*(getattr(self, one.name)[rows] for one in fields(self)))

    def put(self, rows: np.ndarray, others: Positions) -> None:
        """Write other positions over those with the numbers ``rows``."""
        for one in fields(self):
            getattr(self, one.name)[rows] = getattr(others, one.name)


@dataclass(frozen=True)
class Moves:
    """All legal moves of some positions, sorted by position.

    rows : (moves,) int64, number of the position
    codes : (moves,) int64, direction x 32 + square, seen by the player to move
    """

    rows: np.ndarray
    codes: np.ndarray


def start(count: int) -> Positions:
    """So many games before their first move."""
    assert count >= 0, count
    own = np.full(count, START)
    none = np.zeros(count, dtype=WORD)
    return Positions(
        own, turned(own), none, none.copy(), np.zeros(count, np.int64), np.ones(count, bool)
    )


def turned(words: np.ndarray) -> np.ndarray:
    """Give the boards (rows,) seen from the other side: bit p becomes bit 34 - p."""
    low, middle, high = words & TWELVE, (words >> WORD(12)) & TWELVE, words >> WORD(24)
    reversed_ = (REVERSED[low] << WORD(24)) | (REVERSED[middle] << WORD(12)) | REVERSED[high]
    return reversed_ >> WORD(1)


def _reversed_twelve() -> np.ndarray:
    """Every number of 12 bits with its bits in reversed order."""
    numbers = np.arange(1 << 12, dtype=WORD)
    result = np.zeros_like(numbers)
    for place in range(12):
        result |= ((numbers >> WORD(place)) & WORD(1)) << WORD(11 - place)
    return result


TWELVE = WORD((1 << 12) - 1)
REVERSED = _reversed_twelve()


def _moved(words: np.ndarray, step: int) -> np.ndarray:
    """Every bit moved by so many places; bits that leave the board may be left beside it."""
    return words << WORD(step) if step > 0 else words >> WORD(-step)


def _able(positions: Positions, direction: int) -> np.ndarray:
    """The pieces that may move in a direction: men only away from their player; words (rows,)."""
    pieces = positions.own if direction < 2 else positions.own & positions.kings
    only = positions.jumper
    return np.where(only == 0, pieces, pieces & only)


def _jumps(positions: Positions, empty: np.ndarray, direction: int) -> np.ndarray:
    """The pieces that can capture in a direction, words (rows,)."""
    back = -STEPS[direction]
    over = positions.other & _moved(empty, back)
    return _able(positions, direction) & _moved(over, back)


def origins(positions: Positions) -> tuple[np.ndarray, np.ndarray]:
    """Where moves begin: words (rows, 4) per direction, and whether they jump, (rows,) bool."""
    empty = BOARD & ~(positions.own | positions.other)
    jumps = np.stack([_jumps(positions, empty, one) for one in range(DIRECTIONS)], axis=1)
    jump = (jumps != 0).any(axis=1)
    steps = [_able(positions, one) & _moved(empty, -step) for one, step in enumerate(STEPS)]
    words = np.where(jump[:, None], jumps, np.stack(steps, axis=1))
    words[positions.quiet >= QUIET_MOVES] = 0
    return words, jump


def can_move(positions: Positions) -> np.ndarray:
    """Whether there is a legal move, (rows,) bool; where there is none the game is over."""
    return (origins(positions)[0] != 0).any(axis=1)


def outcome(positions: Positions) -> np.ndarray:
    """What a position without moves is worth to the player to move: -1, or 0 for a draw."""
    return np.where(positions.quiet >= QUIET_MOVES, 0.0, -1.0)


def legal(positions: Positions) -> np.ndarray:
    """Which moves are allowed, (rows, 128) bool, by code."""
    return squares(origins(positions)[0]).reshape(len(positions), MOVES).astype(bool)


def moves(positions: Positions) -> Moves:
    """All legal moves."""
    rows, codes = np.nonzero(legal(positions))
    return Moves(rows, codes)


def after(positions: Positions, made: Moves) -> tuple[Positions, np.ndarray]:
    """What each move leads to, seen by the player who moves next, and whether it is the same one.

    returns : Positions (moves,), and (moves,) bool
    """
    old, codes = positions.take(made.rows), made.codes
    origin = ORIGIN[codes]
    jump = (TO[codes] & old.other) != 0
    target = np.where(jump, TO_BY_JUMP[codes], TO[codes])
    was_king = (old.kings & origin) != 0
    own, other = (old.own ^ origin) | target, np.where(jump, old.other & ~TO[codes], old.other)
    crowned = ((target & FAR_ROW) != 0) & ~was_king
    kings = (old.kings & ~origin & (own | other)) | np.where(was_king | crowned, target, WORD(0))
    quiet = np.where(jump, 0, old.quiet + 1)
    went = Positions(own, other, kings, target, quiet, old.first)
    empty = BOARD & ~(own | other)
    more = np.zeros(len(codes), dtype=bool)
    for direction in range(DIRECTIONS):
        more |= _jumps(went, empty, direction) != 0
    same = jump & ~crowned & more
    return _handed_over(went, same), same


def _handed_over(went: Positions, same: np.ndarray) -> Positions:
    """The positions as the next player sees them; where it is the same one, nothing turns."""
    return Positions(
        np.where(same, went.own, turned(went.other)),
        np.where(same, went.other, turned(went.own)),
        np.where(same, went.kings, turned(went.kings)),
        np.where(same, went.jumper, WORD(0)),
        went.quiet,
        went.first ^ ~same,
    )


def _words(step: int) -> np.ndarray:
    """Where each code's move ends after ``step`` places; 0 off the board, (128,) words."""
    ends = []
    for direction in range(DIRECTIONS):
        moved = _moved(_moved(WORD(1) << BITS, STEPS[direction]), STEPS[direction] if step else 0)
        ends.append(moved & BOARD)
    return np.concatenate(ends)


ORIGIN = np.tile(WORD(1) << BITS, DIRECTIONS)
TO, TO_BY_JUMP = _words(0), _words(1)


def squares(words: np.ndarray) -> np.ndarray:
    """Give the 32 squares of boards, far left first; words (...), returns (..., 32) uint8."""
    packed = np.zeros(words.shape, dtype=WORD)
    for block in range(4):  # leaves out the bits that are no squares
        packed |= (words >> WORD(block)) & WORD(0xFF << (8 * block))
    octets = packed.astype("<u4").reshape(-1, 1).view(np.uint8)
    return np.unpackbits(octets, axis=1, bitorder="little").reshape(*words.shape, SQUARES)


def planes(positions: Positions) -> np.ndarray:
    """What a network sees: (rows, 9, 32) uint8 of 0 and 1.

    Own men, own kings, the other's men, the other's kings; own pieces that can capture and the
    pieces that they can; the same of the other, were it to move; and as many squares as show how
    near a draw is.
    """
    own, other, kings = positions.own, positions.other, positions.kings
    empty = BOARD & ~(own | other)
    down, up = own & kings, other & kings
    words = [own & ~kings, down, other & ~kings, up]
    words += _captures((own, own, down, down), other, empty)
    words += _captures((up, up, other, other), own, empty)
    lit = np.arange(SQUARES) * QUIET_MOVES < positions.quiet[:, None] * SQUARES
    return np.concatenate([squares(np.stack(words, axis=1)), lit[:, None].view(np.uint8)], axis=1)


def _captures(able: tuple, victims: np.ndarray, empty: np.ndarray) -> list[np.ndarray]:
    """The pieces that can capture and those that can be captured, words (rows,).

    able : words (rows,) per direction, the pieces that may move in it
    """
    takers, taken = np.zeros_like(empty), np.zeros_like(empty)
    for pieces, step in zip(able, STEPS, strict=True):
        over = victims & _moved(pieces, step) & _moved(empty, -step)
        taken |= over
        takers |= _moved(over, -step)
    return [takers, taken]


def material(positions: Positions, king: float = 1.5) -> np.ndarray:
    """Own pieces less the other's, a man 1 and a king ``king``; (rows,) float64."""
    extra = king - 1
    own = _count(positions.own) + extra * _count(positions.own & positions.kings)
    other = _count(positions.other) + extra * _count(positions.other & positions.kings)
    return own - other


def _count(words: np.ndarray) -> np.ndarray:
    return np.bitwise_count(words).astype(np.float64)


def board_text(positions: Positions, row: int) -> str:
    """One position as OpenSpiel prints it, without labels: eight lines of eight characters.

    o and 8 are the men and kings of the player who began, + and * those of the other.
    """
    one = positions.take(np.array([row]))
    seen = planes(one)[0, :4]
    if not one.first[0]:
        seen = seen[[2, 3, 0, 1]][:, ::-1]
    line = np.full(SQUARES, ".")
    for plane, sign in zip(seen, "o8+*", strict=True):
        line[plane.astype(bool)] = sign
    rows = line.reshape(8, 4)
    return "\n".join(
        "".join(f".{sign}" if number % 2 == 0 else f"{sign}." for sign in row)
        for number, row in enumerate(rows)
    )
