import numpy as np
import pandas as pd
import pytest
import torch
from graph_cases import pairs, prepared, random_graph, rings, triangles

from layerwise.data.graph import Graph, clean_edges, node_source
from layerwise.errors import SettingsError
from layerwise.evaluation.graph_baselines import fit, graph_counts, label_propagation, pair_scores


def chain(labels):
    """Nodes in a row with these classes."""
    nodes = len(labels)
    edges, _ = clean_edges(
        np.array([np.arange(nodes - 1), np.arange(1, nodes)]), nodes, None, [], ""
    )
    graph = Graph(None, edges, nodes)
    return node_source("chain", graph, pd.DataFrame({"c": list(labels)}), ("c",), [])


def parts(rows, **chosen):
    found = np.full(rows, "", "<U10")
    for part, numbers in chosen.items():
        found[numbers] = part
    return found


def test_labels_spread_as_a_harmonic_function():
    source = chain("aaabb")  # known at both ends: chances fall in equal steps
    where = parts(5, train=[0, 4], test=[1, 2, 3])
    scores, note = label_propagation(source, prepared(source, [0, 4]), where)
    assert np.allclose(scores[1:4, 1], [0.25, 0.5, 0.75], atol=1e-3)
    assert note == "Labels of 2 rows; pull 1, as in the paper."


def test_a_node_that_no_label_reaches_has_the_shares():
    source = triangles()
    where = parts(7, train=[0, 1, 5], test=[2, 3, 4, 6])
    scores, _ = label_propagation(source, prepared(source, [0, 1, 5]), where)
    assert np.allclose(scores[6], [2 / 3, 1 / 3])
    assert scores[2].argmax() == 0
    assert scores[4].argmax() == 1


def test_validation_rows_choose_how_far_labels_reach():
    source = chain("aabbaabb")
    where = parts(8, train=[0, 2, 4, 6], validation=[1, 3], test=[5, 7])
    _, note = label_propagation(source, prepared(source, [0, 2, 4, 6]), where)
    assert "chosen on validation rows" in note


def test_held_out_labels_change_nothing():
    source = chain("aaabb")
    where = parts(5, train=[0, 4], test=[1, 2, 3])
    before, _ = label_propagation(source, prepared(source, [0, 4]), where)
    source.frame.loc[1:3, "c"] = ["b", "a", "a"]
    after, _ = label_propagation(source, prepared(source, [0, 4]), where)
    assert np.array_equal(before, after)


def test_scores_of_pairs_are_those_of_the_definitions():
    source = pairs(random_graph())
    rows = np.arange(0, len(source.frame), 2)
    preparation = prepared(source, rows)
    where = parts(len(source.frame), train=rows)
    found = pair_scores(source, preparation, where)
    edges = preparation.messages(source).edges.numpy()
    around = {n: set(edges[0][edges[1] == n].tolist()) for n in range(60)}
    for row, (one, other) in enumerate(source.inputs.tolist()):
        common = around[one] & around[other]
        rare = sum(1 / np.log(len(around[node])) for node in common)
        own = int(other in around[one])
        product = (len(around[one]) - own) * (len(around[other]) - own)
        for name, want in (
            ("common_neighbours", len(common)), ("adamic_adar", rare),
            ("preferential_attachment", product),
        ):  # fmt: skip
            assert float(found[name][row, 0]) == pytest.approx(np.log1p(want), abs=1e-6)


def test_counts_of_graphs_are_right_by_hand():
    counts = graph_counts(rings().whole)
    assert np.allclose(counts[1, :3], [np.log(4), np.log(4), 2.0])  # a ring of three
    assert counts[1, 3:].tolist() == [0, 0, 1, *[0] * 8]
    assert np.allclose(counts[0, 3:6], [0, 2 / 3, 1 / 3])  # a path of three


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (triangles(), ("majority", "label_propagation", "degree", "features")),
        (rings(), ("majority", "degree")),
        (
            pairs(random_graph()),
            ("common_neighbours", "preferential_attachment", "adamic_adar", "degree"),
        ),
    ],
    ids=["node", "graph", "edge"],
)
def test_every_baseline_gives_chances_for_every_row(source, names):
    rows = len(source.frame)
    train = np.arange(0, rows, 2)
    where = parts(rows, train=train, test=np.arange(1, rows, 2))
    for result in fit(names, source, prepared(source, train), where, seconds=20, seed=0):
        assert result.scores.shape == (rows, 2), result.name
        assert np.allclose(result.scores.sum(1), 1), result.note
    assert set(names) - {"majority"} <= set(prepared(source, train).baselines)


def test_degrees_tell_rings_from_paths():
    source = rings(40)
    train = np.arange(24)
    where = parts(40, train=train, test=np.arange(24, 40))
    (found,) = fit(["degree"], source, prepared(source, train), where)
    assert (found.scores.argmax(1) == source.frame["label"]).all()


def test_what_does_not_go_with_the_rows_says_so():
    source = rings()
    found = fit(
        ["label_propagation", "common_neighbours", "features"], source,
        prepared(source, range(6)), parts(12, train=range(6)),
    )  # fmt: skip
    assert [one.note.split(":")[0] for one in found] == ["Not fitted"] * 3
    assert np.isnan(found[0].scores).all()
    with pytest.raises(SettingsError, match="no baseline 'degre' of graphs"):
        fit(["degre"], source, prepared(source, range(6)), parts(12, train=range(6)))


def test_amounts_are_predicted_in_their_units():
    source = triangles()
    frame = pd.DataFrame({"y": source.whole.features[:, 0] * 100.0 + 700.5})
    source = node_source("t", source.whole, frame, ("y",), [])
    train = np.arange(6)
    (found,) = fit(["features"], source, prepared(source, train), parts(7, train=train))
    assert abs(found.scores[:6, 0].mean() - frame["y"][:6].mean()) < 1
    assert torch.from_numpy(found.scores).isfinite().all()


def test_words_are_regressed_on_as_networks_see_them():
    source = triangles()
    source.whole.features[:] = np.tile([[1, 0, 1], [0, 1, 1]], (4, 1))[:7]
    source.frame["side"] = ["left", "right"] * 3 + ["left"]
    train, where = np.arange(4), parts(7, train=range(4), validation=[4], test=[5, 6])
    (found,) = fit(["features"], source, prepared(source, train), where)
    assert np.allclose(found.scores.sum(1), 1)
    assert found.scores[5:].argmax(1).tolist() == [1, 0]
    assert found.note == "Fitted on 4 rows; scikit-learn's C is 10000."
