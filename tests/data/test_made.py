import numpy as np
import pytest

from layerwise.data.made import MADE, gate, people


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("and", [0, 0, 0, 1]),
        ("or", [0, 1, 1, 1]),
        ("nand", [1, 1, 1, 0]),
        ("nor", [1, 0, 0, 0]),
        ("xor", [0, 1, 1, 0]),
    ],
)
def test_a_gate_is_its_truth_table(name, outputs):
    source = gate(name)
    assert source.frame[["a", "b"]].to_numpy().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert source.frame["output"].tolist() == outputs
    assert source.target == ("output",)
    assert source.same_rows


def test_the_four_people_are_the_lectures():
    source = people()
    rows = source.frame.to_numpy().tolist()
    assert rows == [[133, 65, "F"], [160, 72, "M"], [152, 70, "M"], [120, 60, "F"]]
    assert source.same_rows
    assert source.target == ("gender",)


@pytest.mark.parametrize("name", ["moons", "circles", "annulus", "spirals"])
def test_a_shape_is_balanced_mixed_and_the_same_every_time(name):
    source, again = MADE[name](), MADE[name]()
    label = source.frame["class"].to_numpy()
    assert len(label) == 1000
    assert label.mean() == 0.5
    assert 0.3 < label[:100].mean() < 0.7
    assert source.frame.equals(again.frame)
    assert not source.same_rows


def test_the_disc_of_the_annulus_fits_a_triangle_but_no_strip():
    frame = MADE["annulus"]().frame
    points, inside = frame[["x1", "x2"]].to_numpy(), frame["class"].to_numpy() == 1
    radius = np.linalg.norm(points, axis=1)
    assert radius[inside].max() <= 1
    assert radius[~inside].min() >= 2  # corners of the triangle that touches the disc
    assert radius[~inside].max() <= 3
    for angle in np.linspace(0, np.pi, 60):  # any strip around the disc also holds ring points
        across = points @ [np.cos(angle), np.sin(angle)]
        assert (np.abs(across[~inside]) < 0.95).mean() > 0.15
