"""Graphs that are known by name: embedded in networkx, or in the folder of data sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from layerwise.data.graph_networkx import from_networkx
from layerwise.data.graph_npz import read_graph_npz
from layerwise.data.graph_tu import read_tu
from layerwise.data.source import Source
from layerwise.errors import DataError


def karate(options: dict) -> Source:
    """The friendships in a karate club before it split in two (Zachary 1977); rows are members."""
    held = _networkx().karate_club_graph()
    for *_, data in held.edges(data=True):
        data.pop("weight", None)
    about = "34 members of a karate club and which side they took (Zachary 1977)"
    return _embedded("karate", held, options, ("club",), about)


def les_miserables(options: dict) -> Source:
    """Which characters of the novel meet (Knuth 1993); rows are pairs of them."""
    held = _networkx().les_miserables_graph()
    for *_, data in held.edges(data=True):
        data.pop("weight", None)  # chapters in which both occur: they tell that there is an edge
    about = "77 characters of Les Miserables and who meets whom (Knuth 1993)"
    return _embedded("les_miserables", held, options, (), about)


def cora(options: dict, folder: Path) -> Source:
    """2,708 papers, their words and citations (Sen et al. 2008; split of Yang et al. 2016)."""
    source = read_graph_npz(_there(folder / "cora" / "cora.npz", "cora"), options)
    about = "papers, their words, what cites what (Sen et al. 2008; split of Yang et al. 2016)"
    return replace(source, name="cora", about=f"{about}; {source.about}")


def tu(name: str, options: dict, folder: Path) -> Source:
    """A data set of TU Dortmund (Morris et al. 2020), such as MUTAG."""
    path = _there(folder / "tudataset" / f"{name.upper()}.zip", name)
    return replace(read_tu(path, options), name=name)


def _embedded(name: str, held: Any, options: dict, target: tuple[str, ...], about: str) -> Source:
    options = {"node_features": "identity", **options}  # as nothing else is known of a node
    source = from_networkx(name, held, options, target=target)
    return replace(source, about=about)


def _there(path: Path, name: str) -> Path:
    if not path.is_file():
        raise DataError(
            f"The data set '{name}' is not there: {path} does not exist. Set LAYERWISE_DATA to the "
            "folder that holds it."
        )
    return path


def _networkx() -> Any:
    try:
        import networkx
    except ImportError:
        raise DataError("This graph needs networkx: pip install 'layerwise[graphs]'") from None
    return networkx
