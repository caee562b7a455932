"""What the networks of ImageNet cost against what they achieve: a table, and a picture of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerwise.command import show
from layerwise.command.recalled import check_picture
from layerwise.errors import SettingsError
from layerwise.run import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from layerwise.networks.cost import Cost

FAMILIES = {  # how its names begin, its colour, and where they stand beside the points
    "AlexNet": (("alexnet",), "#6a737e", (12, -3)),
    "VGG": (("vgg",), "#cf6a1b", (16, -3)),
    "Inception": (("googlenet", "inception"), "#2f8557", (-9, 3)),
    "ResNet": (("resnet",), "#2b6cb3", (10, -8)),
}
GIGA, MIB = 1e9, 2**20
AREA = 5.0  # square points for a million parameters


def show_costs(words: Sequence[str], *, cost: bool = False, out: str | None = None) -> None:
    """Print the table of all networks with a published accuracy; draw it where a file is given.

    words : what the verb was given beside its flags, which must be nothing
    Raises SettingsError, before anything is worked out, where flags and words do not go together,
    or no picture can have that name.
    """
    if not cost:
        raise SettingsError("--out is the picture of zoo --cost. Give --cost, too.")
    if words:
        raise SettingsError(
            f"--cost compares the networks of ImageNet; leave '{words[0]}' or --cost out."
        )
    if out is not None:
        check_picture(out)
    from layerwise.networks.cost import costs  # loads torch

    found = list(costs())
    show.records("One image of ImageNet, 1000 classes", [_row(one) for one in found])
    print(
        "Accuracy is published (top-1, validation images); the rest is worked out from the\n"
        "networks, without auxiliary heads. Memory is what training keeps of one image in float32."
    )
    for source in dict.fromkeys(one.source for one in found):
        names = ", ".join(one.network for one in found if one.source == source)
        print(f"Accuracy of {names}: {source}.")
    if out is not None:
        draw_costs(out, found)
        print(f"Picture: {out}")


def draw_costs(file: str, found: list[Cost]) -> None:
    """Draw accuracy against multiply-adds and against memory; areas are parameters."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _panel(left, found, [one.multiply_adds / GIGA for one in found])
    _panel(right, found, [one.activations / MIB for one in found])
    left.set_xlabel("multiply-adds of one image, in thousand millions")
    right.set_xlabel("memory that training keeps of one image, in MiB")
    left.set_ylabel("published top-1 accuracy on ImageNet, in %")
    left.legend(
        loc="lower right", frameon=False, title="areas are parameters", fontsize=8, title_fontsize=8
    )
    suffix = Path(file).suffix[1:].lower()
    write_whole(Path(file), lambda beside: figure.savefig(beside, format=suffix, dpi=140))


def _panel(axes: Axes, found: list[Cost], amounts: list[float]) -> None:
    for family, (begins, colour, beside) in FAMILIES.items():
        points = [
            (amount, 100 * one.accuracy, AREA * one.parameters / 1e6, one.network)
            for one, amount in zip(found, amounts, strict=True)
            if one.network.startswith(begins)
        ]
        if not points:
            continue
        x, y, areas, names = zip(*points, strict=True)
        axes.plot(x, y, color=colour, linewidth=0.8, marker=".", markersize=4, label=family)
        axes.scatter(x, y, areas, color=colour, alpha=0.3, linewidths=0)
        for at, height, name in zip(x, y, names, strict=True):
            side = "left" if beside[0] > 0 else "right"
            axes.annotate(
                name, (at, height), beside, textcoords="offset points", fontsize=7, ha=side
            )
    axes.set_xscale("log")
    axes.margins(0.12)
    axes.grid(linewidth=0.4, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")


def _row(one: Cost) -> dict[str, Any]:
    """A line of the table, in the units that people use."""
    return {
        "network": one.network,
        "pixels": f"{one.side}x{one.side}",
        "accuracy": f"{100 * one.accuracy:.1f} %",
        "multiply-adds": f"{one.multiply_adds / GIGA:.2f} G",
        "parameters": f"{one.parameters / 1e6:.1f} M",
        "memory": f"{one.activations / MIB:.1f} MiB",
    }
