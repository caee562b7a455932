"""Made data: logic gates, shapes in the plane, and the lecture's four people.

Each function takes nothing and gives the same Source every time. In the gates and the people the
training rows are the test rows: there is nothing to generalize from, and the report says so.
"""

from collections.abc import Callable, Iterable

import numpy as np
from pandas import DataFrame

from layerwise.data.source import Source

ROWS = 1000  # of each shape in the plane


def gate(name: str) -> Source:
    """The four rows of a logic gate of two inputs: and, or, nand, nor or xor."""
    first, second = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    outputs = {
        "and": first & second,
        "or": first | second,
        "nand": 1 - (first & second),
        "nor": 1 - (first | second),
        "xor": first ^ second,
    }
    frame = DataFrame({"a": first, "b": second, "output": outputs[name]})
    about = f"made: the logic gate {name.upper()}, all four rows"
    return Source(name, frame, target=("output",), same_rows=True, about=about)


def people() -> Source:
    """The lecture's four people: weight in pounds, height in inches, gender."""
    frame = DataFrame(
        {
            "weight": [133, 160, 152, 120],
            "height": [65, 72, 70, 60],
            "gender": ["F", "M", "M", "F"],
        }
    )
    about = "made: four people with weight (lb), height (in) and gender"
    return Source("people", frame, target=("gender",), same_rows=True, about=about)


def moons() -> Source:
    """Two half circles that reach into each other, noise 0.1."""
    angle = np.pi * np.linspace(0, 1, ROWS // 2)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return _plane("moons", [upper, lower], noise=0.1, about="two half moons")


def circles() -> Source:
    """A circle of radius 0.5 in a circle of radius 1, noise 0.05."""
    angle = 2 * np.pi * np.arange(ROWS // 2) / (ROWS // 2)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return _plane("circles", [circle, circle / 2], noise=0.05, about="a circle in a circle")


def annulus() -> Source:
    """A disc of radius 1 inside a ring from 2 to 3, both filled evenly.

    Two straight lines cannot part the disc from the ring, three can: the triangle whose sides
    touch the disc has its corners at distance 2.
    """
    generator = np.random.default_rng(0)
    angle = 2 * np.pi * generator.random((2, ROWS // 2))
    share = generator.random((2, ROWS // 2))
    radius = np.stack([np.sqrt(4 + 5 * share[0]), np.sqrt(share[1])])  # even in area
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=2)
    return _plane("annulus", points, noise=0.0, about="a disc (1) inside a ring (0)")


def spirals() -> Source:
    """Two arms of a spiral, each of one and a half turns, noise 0.02."""
    share = np.sqrt(np.linspace(0.02, 1, ROWS // 2))
    angle = 3 * np.pi * share
    arm = np.stack([share * np.cos(angle), share * np.sin(angle)], axis=1)
    return _plane("spirals", [arm, -arm], noise=0.02, about="two arms of a spiral")


def _plane(name: str, points: Iterable[np.ndarray], *, noise: float, about: str) -> Source:
    """Points of class 0, then of class 1, in a fixed random order; points : (rows, 2) each."""
    generator = np.random.default_rng(1)
    both = np.concatenate(list(points))
    both = both + noise * generator.standard_normal(both.shape)
    label = np.repeat([0, 1], len(both) // 2)
    order = generator.permutation(len(both))
    frame = DataFrame({"x1": both[order, 0], "x2": both[order, 1], "class": label[order]})
    return Source(name, frame, target=("class",), about=f"made: {about}, {len(both):,} points")


def _gates() -> dict[str, Callable[[], Source]]:
    return {name: (lambda name=name: gate(name)) for name in ("and", "or", "nand", "nor", "xor")}


MADE: dict[str, Callable[[], Source]] = {
    **_gates(),
    "moons": moons,
    "circles": circles,
    "annulus": annulus,
    "spirals": spirals,
    "people": people,
}
