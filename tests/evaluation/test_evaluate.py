"""Predicting disturbs nothing, and the predictions table holds what it was given."""

import numpy as np
import pytest
import torch
from pandas import read_parquet
from torch import nn

from layerwise.contracts import Batch, Target
from layerwise.evaluation.evaluate import predict, predictions_table
from layerwise.metrics import Predictions


class Rows:
    """A dataset of rows, for dict inputs too."""

    def __init__(self, inputs):
        self.inputs = inputs

    def __len__(self):
        return (
            len(next(iter(self.inputs.values())))
            if isinstance(self.inputs, dict)
            else len(self.inputs)
        )

    def batch(self, indices):
        if isinstance(self.inputs, dict):
            return Batch({name: tensor[indices] for name, tensor in self.inputs.items()})
        return Batch(self.inputs[indices])


class Plain:
    def losses(self, network, batch):
        raise NotImplementedError

    def outputs(self, network, batch):
        return network(batch.inputs)


class Drawing(Plain):
    def outputs(self, network, batch):
        return network(batch.inputs) + torch.rand(1)


class Doubled(nn.Module):
    def forward(self, inputs):
        return 2 * inputs["numbers"]


def test_outputs_come_in_order_whatever_the_batch_size():
    torch.manual_seed(0)
    network, inputs = nn.Linear(3, 2), torch.randn(10, 3)
    outputs = predict(network, Plain(), Rows(inputs), batch_size=4)
    torch.testing.assert_close(outputs, network(inputs).detach())
    assert not outputs.requires_grad


def test_dropout_is_off_and_every_module_keeps_its_own_mode():
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3), nn.Dropout(0.9)).train()
    network[0].eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    inputs = torch.ones(4, 3)
    first = predict(network, Plain(), Rows(inputs))
    torch.testing.assert_close(first, predict(network, Plain(), Rows(inputs)))
    assert [module.training for module in network.modules()] == [True, False, True, True]
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, before[name])


def test_modes_come_back_after_an_error_and_the_generator_is_left_alone():
    network = nn.Linear(3, 2).train()
    torch.manual_seed(5)
    state = torch.get_rng_state()
    predict(network, Drawing(), Rows(torch.ones(4, 3)), batch_size=2)
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(RuntimeError):
        predict(network, Drawing(), Rows(torch.ones(4, 5)))
    assert network.training
    assert torch.equal(torch.get_rng_state(), state)


def test_dict_inputs_networks_without_parameters_and_no_rows_are_fine():
    inputs = {"numbers": torch.arange(6.0).reshape(3, 2), "codes": torch.zeros(3, 1)}
    assert predict(Doubled(), Plain(), Rows(inputs)).tolist() == [[0, 2], [4, 6], [8, 10]]
    assert len(predict(nn.Linear(3, 2), Plain(), Rows(torch.empty(0, 3)))) == 0


TARGETS = {
    "binary": (Target("binary", ("y",), ("no", "yes")), [0, 1], [[0.8, 0.2], [0.3, 0.7]]),
    "classes": (Target("classes", ("y",), ("a", "b", "c")), [2, 0], [[0.1, 0.2, 0.7], [1, 0, 0]]),
    "labels": (Target("labels", ("p", "q"), ("p", "q")), [[1, 0], [0, 1]], [[0.9, 0.4], [0, 1]]),
    "count": (Target("count", ("n",)), [[3.0], [0.0]], [[2.5], [0.5]]),
    "real": (Target("real", ("u", "v")), [[1.0, 2.0], [3.0, 4.0]], [[1.5, 2.0], [3.0, 5.0]]),
}


@pytest.mark.parametrize("kind", list(TARGETS))
def test_the_table_gives_the_predictions_back_also_through_a_file(kind, tmp_path):
    target, truth, scores = TARGETS[kind]
    table = predictions_table(
        target,
        torch.tensor(truth),
        torch.tensor(scores),
        rows=[4, 7],
        split=["test", "test"],
        weight=[1.0, 2.0],
        group=["x", "y"],
    )
    table.to_parquet(tmp_path / "table.parquet")
    for each in (table, read_parquet(tmp_path / "table.parquet")):
        found = Predictions.from_table(each, target, "test")
        np.testing.assert_allclose(found.truth, np.array(truth))
        np.testing.assert_allclose(found.scores, np.array(scores), rtol=1e-6)
        assert found.weight.tolist() == [1.0, 2.0]
        assert found.group.tolist() == ["x", "y"]


def test_the_columns_are_those_that_were_given():
    target = TARGETS["binary"][0]
    table = predictions_table(
        target,
        torch.tensor([1.0, float("nan")]),
        torch.tensor([0.9, 0.2]),
        rows=np.array([1, 0]),
        split="test",
        key=["k1", "k0"],
        carried={"site": ["here", "there"]},
    )
    assert list(table) == [
        "row",
        "key",
        "split",
        "fold",
        "truth",
        "score:no",
        "score:yes",
        "carry:site",
    ]
    assert table["truth"][0] == "yes"
    assert table["truth"].isna().tolist() == [False, True]
    np.testing.assert_allclose(table["score:no"], [0.1, 0.8], rtol=1e-6)


def test_without_a_truth_there_is_no_truth_column_and_one_target_needs_no_name():
    target = Target("real", ("price",))
    table = predictions_table(target, None, torch.tensor([1.0, 2.0]), rows=[0, 1], split="test")
    assert list(table) == ["row", "split", "fold", "score"]
