import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from layerwise.data.graph_files import (
    from_pyg,
    is_graph_npz,
    is_pyg,
    is_tu,
    read_graph_npz,
    read_graph_tables,
    read_graphml,
    read_tu,
)
from layerwise.data.graph_known import cora, karate, les_miserables, tu
from layerwise.errors import DataError, SettingsError

REAL = Path(os.environ.get("LAYERWISE_DATA", Path(__file__).parents[3] / "shared" / "data"))
needs_real_data = pytest.mark.skipif(
    not REAL.is_dir(), reason="LAYERWISE_DATA and ../shared/data are absent"
)
NODES = "name,age,side\nann,31,left\nbob,40,right\ncid,22,left\ndee,,right\n"
EDGES = "from,to,weight\nann,bob,2\nbob,cid,1\ncid,ann,0.5\n"
TU = {
    "A": "1, 2\n2, 1\n2, 3\n3, 2\n4, 5\n5, 4\n",
    "graph_indicator": "1\n1\n1\n2\n2\n",
    "graph_labels": "1\n-1\n",
    "node_labels": "0\n3\n3\n0\n1\n",
}


def tables(folder, nodes=NODES, edges=EDGES, options=None, key=None):
    (folder / "people.csv").write_text(nodes)
    (folder / "ties.csv").write_text(edges)
    return read_graph_tables(folder / "people.csv", folder / "ties.csv", options or {}, key)


def test_two_tables_are_a_graph(tmp_path):
    source = tables(tmp_path)
    graph = source.whole
    assert (source.form, graph.level, graph.key) == ("graph", "node", "name")
    assert list(source.frame.columns) == ["name", "age", "side"]
    assert graph.edges.tolist() == [[1, 2, 0, 2, 0, 1], [0, 0, 1, 1, 2, 2]]
    assert graph.weights.tolist() == [2.0, 0.5, 2.0, 1.0, 0.5, 1.0]
    assert source.roles == {"key": "name"}
    assert any("Without a neighbour: 1 node of 4" in note for note in source.notes)
    assert any(note.startswith("Transductive") for note in source.notes)


def test_edges_alone_are_pairs_to_be_judged(tmp_path):
    ring = "".join(f"{place},{(place + 1) % 8}\n" for place in range(8))
    (tmp_path / "ties.csv").write_text(f"u,v\n{ring}")
    source = read_graph_tables(None, tmp_path / "ties.csv", {})
    assert source.target == ("linked",)
    assert source.frame["linked"].tolist() == [1] * 8 + [0] * 8


def test_columns_of_edges_can_be_named(tmp_path):
    edges = "when,a,b\n1,ann,bob\n2,cid,bob\n"
    source = tables(tmp_path, edges=edges, options={"edge_source": "a", "edge_target": "b"})
    assert source.whole.edges.shape == (2, 4)
    with pytest.raises(DataError, match=r"Column 'aa' of --data.edge_source is not in"):
        tables(tmp_path, edges=edges, options={"edge_source": "aa", "edge_target": "b"})
    with pytest.raises(SettingsError, match=r"Both ends of the edges .* are column 'a'"):
        tables(tmp_path, edges=edges, options={"edge_source": "a", "edge_target": "a"})


@pytest.mark.parametrize(
    ("nodes", "edges", "key", "says"),
    [
        (NODES, EDGES + "ann,eve,1\n", None, "row 4 has an edge to node 'eve', which is not in"),
        (NODES + "ann,3,left\n", EDGES, None, "node 'ann' is there twice in column 'name'"),
        (NODES, "from\nann\nbob\n", None, "must have two columns that name the nodes"),
        (NODES, EDGES, "nam", r"Column 'nam' \(key\) is not in .*Did you mean 'name'"),
        (NODES, "from,to\nx,y\ny,z\n", None, "No column of .* holds the names"),
        (NODES, "from,to\nann,\n", None, "row 1 has no node in column 'to'"),
        (NODES, "from,to\n", None, "no rows|has no edges|header"),
    ],
)
def test_tables_that_are_no_graph_are_refused(tmp_path, nodes, edges, key, says):
    with pytest.raises(DataError, match=says):
        tables(tmp_path, nodes, edges, key=key)


def npz(folder, **arrays):
    held = {"edge_index": np.array([[0, 1, 2], [1, 2, 3]]), "y": np.array([0, 1, 1, 0]),
            "x": np.eye(4, 3)} | arrays  # fmt: skip
    np.savez(folder / "g.npz", **{name: array for name, array in held.items() if array is not None})
    return read_graph_npz(folder / "g.npz", {})


def test_an_npz_file_with_masks_fixes_the_parts(tmp_path):
    masks = {"train_mask": [1, 0, 0, 0], "val_mask": [0, 1, 0, 0], "test_mask": [0, 0, 1, 0]}
    source = npz(tmp_path, **{name: np.array(mask, bool) for name, mask in masks.items()})
    assert source.parts.tolist() == ["train", "validation", "test", "unused"]
    assert source.target == ("label",)
    assert "In no part: 1 node;" in source.notes[-1]
    assert is_graph_npz(["x", "edge_index"])
    assert not is_graph_npz(["x_train", "y_train"])


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": np.eye(3)}, "3 nodes have features, but 4 have labels"),
        ({"edge_index": np.array([[0], [7]])}, "leads from node 0 to node 7"),
        ({"edge_index": np.empty((2, 0), int)}, "has no edges"),
        ({"train_mask": np.ones(3, bool)}, "one value per node"),
        ({"train_mask": np.ones(4, bool), "test_mask": np.ones(4, bool)}, "node 0 is in two parts"),
        ({"x": None, "x_data": np.ones(2)}, "lacks x_indices, x_indptr, x_shape"),
        (
            {"x": None, "x_data": np.ones(2), "x_indices": np.array([0, 1]),
             "x_indptr": np.array([0, 1]), "x_shape": np.array([4, 3])},
            "sparse features do not fit together",
        ),
    ],
)  # fmt: skip
def test_npz_files_that_are_no_graph_are_refused(tmp_path, arrays, says):
    with pytest.raises(DataError, match=says):
        npz(tmp_path, **arrays)


def test_a_damaged_npz_file_is_refused(tmp_path):
    (tmp_path / "g.npz").write_bytes(b"PK nothing")
    with pytest.raises(DataError, match=r"damaged or no \.npz file"):
        read_graph_npz(tmp_path / "g.npz", {})


def test_graphml_is_read_with_its_attributes(tmp_path):
    networkx = pytest.importorskip("networkx")
    graph = networkx.Graph()
    for name, side in (("a", "left"), ("b", "right"), ("c", "left")):
        graph.add_node(name, side=side)
    graph.add_edge("a", "b", weight=2.0)
    graph.add_edge("b", "c", weight=3.0)
    networkx.write_graphml(graph, tmp_path / "g.graphml")
    source = read_graphml(tmp_path / "g.graphml", {})
    assert source.frame["side"].tolist() == ["left", "right", "left"]
    assert source.whole.weights.tolist() == [2.0, 2.0, 3.0, 3.0]
    text = (tmp_path / "g.graphml").read_text()
    (tmp_path / "g.graphml").write_text(text[: len(text) // 2])
    with pytest.raises(DataError, match="damaged or no GraphML file"):
        read_graphml(tmp_path / "g.graphml", {})


def tu_zip(folder, **changed):
    held = {name: text for name, text in (TU | changed).items() if text is not None}
    with zipfile.ZipFile(folder / "SMALL.zip", "w") as archive:
        for name, text in held.items():
            archive.writestr(f"SMALL/SMALL_{name}.txt", text)
    return folder / "SMALL.zip"


def test_the_tu_format_is_read_packed_and_from_a_folder(tmp_path):
    path = tu_zip(tmp_path)
    assert is_tu(path)
    source = read_tu(path, {})
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    other = read_tu(tmp_path / "SMALL", {})
    for one in (source, other):
        assert one.frame["label"].tolist() == [1, -1]
        assert one.whole.features.tolist()[1] == [0, 0, 1]
        assert one.whole.graph_of_node.tolist() == [0, 0, 0, 1, 1]
        assert one.inputs.tolist() == [0, 1]
    assert not is_tu(tmp_path / "nothing.zip")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"graph_labels": None}, "lacks the file that ends in _graph_labels.txt"),
        ({"graph_indicator": None}, "lacks the file that ends in _graph_indicator.txt"),
        ({"graph_labels": "1\n-1\n1\n"}, "must number the graphs of the nodes"),
        ({"node_labels": "0\n1\n"}, "_node_labels.txt has 2 lines, but there are 5 nodes"),
        ({"A": "1, 4\n"}, "leads from node 4 of graph 2 to node 1 of graph 1"),
        ({"A": "1, x\n"}, "is no table of numbers"),
        ({"A": "1, 9\n"}, "to node 8, but there are 5 nodes"),
    ],
)
def test_tu_files_that_do_not_fit_are_refused(tmp_path, changed, says):
    with pytest.raises(DataError, match=says):
        read_tu(tu_zip(tmp_path, **changed), {})


def test_graphs_without_edges_among_others_are_said(tmp_path):
    source = read_tu(tu_zip(tmp_path, A="1, 2\n2, 1\n"), {})
    assert source.notes == ("Without an edge: 1 graph of 2.",)


def test_objects_of_pytorch_geometric_are_read():
    pytest.importorskip("torch_geometric")
    import torch

    from layerwise.layers.graphs import convolutions

    convolutions()
    from torch_geometric.data import Data

    edges = torch.tensor([[0, 1], [1, 2]])
    one = Data(x=torch.eye(3), edge_index=edges, y=torch.tensor([0, 1, 1]))
    several = [Data(x=torch.eye(3), edge_index=edges, y=torch.tensor([n])) for n in range(2)]
    assert is_pyg(one)
    assert is_pyg(several)
    assert not is_pyg([1, 2])
    assert not is_pyg(pd.DataFrame())
    assert from_pyg(one).whole.edges.shape == (2, 4)
    source = from_pyg(several)
    assert source.frame["label"].tolist() == [0, 1]
    assert source.whole.edges.max() == 5
    several[1].edge_index = torch.tensor([[0], [3]])
    with pytest.raises(DataError, match="Graph 2 has an edge to a node that is not there"):
        from_pyg(several)
    several[1].y = None
    several[1].edge_index = edges
    with pytest.raises(DataError, match="Some of the graphs have no label"):
        from_pyg(several)


def test_embedded_graphs_have_their_published_sizes():
    pytest.importorskip("networkx")
    club, novel = karate({}), les_miserables({})
    assert (club.whole.nodes, club.whole.edges.shape[1] // 2) == (34, 78)
    assert club.frame["club"].value_counts().tolist() == [17, 17]
    assert (novel.whole.nodes, novel.frame["linked"].sum()) == (77, 254)
    assert novel.options["node_features"] == "identity"


@needs_real_data
def test_real_graphs_have_their_published_sizes():
    papers = cora({}, REAL)
    assert papers.whole.features.shape == (2708, 1433)
    assert papers.whole.edges.shape[1] == 10556
    assert pd.Series(papers.parts).value_counts().to_dict() == {
        "unused": 1068, "test": 1000, "validation": 500, "train": 140
    }  # fmt: skip
    molecules = tu("mutag", {}, REAL)
    assert (len(molecules.frame), molecules.whole.nodes) == (188, 3371)
    assert molecules.whole.edges.shape[1] == 7442
    proteins = tu("enzymes", {}, REAL)
    assert proteins.whole.features.shape == (19580, 21)


def test_a_data_set_that_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match=r"'cora' is not there.*LAYERWISE_DATA"):
        cora({}, tmp_path)
