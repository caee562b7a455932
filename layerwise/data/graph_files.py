"""Readers of graphs, one door: tables, .npz, GraphML, the TU format, objects in memory."""

from layerwise.data.graph_networkx import from_networkx, read_graphml
from layerwise.data.graph_npz import is_graph_npz, read_graph_npz
from layerwise.data.graph_objects import from_pyg, is_pyg
from layerwise.data.graph_tables import read_graph_tables
from layerwise.data.graph_tu import is_tu, read_tu

__all__ = [
    "from_networkx",
    "from_pyg",
    "is_graph_npz",
    "is_pyg",
    "is_tu",
    "read_graph_npz",
    "read_graph_tables",
    "read_graphml",
    "read_tu",
]
