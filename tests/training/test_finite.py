import pytest
import torch
from engine_cases import Rows, Squared, rows, small_net, weights

from layerwise.contracts import Loss, Stage
from layerwise.data.datasets import TensorDataset
from layerwise.training import train
from layerwise.training.finite import NotFiniteError


def learn(network, data, task=None, **more):
    stage = Stage(task or Squared(), "sgd", {}, 0.01, epochs=3, batch_size=6)
    return list(train(network, (stage,), data, **more))


@pytest.mark.parametrize("traced", [True, False])
def test_a_bad_input_stops_the_step_and_names_its_row(traced):
    data, network = rows(), small_net()
    data.x[17, 2] = float("inf")
    with pytest.raises(NotFiniteError, match="inputs of rows 17 hold NaN or infinity"):
        learn(network, TensorDataset(data.x, data.y), traced=traced)


def test_a_bad_target_is_named():
    data = rows()
    data.y[3] = float("nan")
    with pytest.raises(NotFiniteError, match="targets of places in the batch"):
        learn(small_net(), data)


def test_a_bad_weight_is_named():
    network = small_net()
    with torch.no_grad():
        network[2].bias.fill_(float("nan"))
    with pytest.raises(NotFiniteError, match=r"weight '2\.bias'"):
        learn(network, rows())


def test_a_loss_that_overflows_keeps_the_weights_of_the_step_before():
    class Exploding(Squared):
        def losses(self, network, batch):
            yield Loss((network(batch.inputs) * 1e200).square().mean(), len(batch.targets))

    network = small_net()
    before = weights(network)
    with pytest.raises(NotFiniteError, match=r"the loss of 'network' is inf"):
        learn(network, Rows(rows().x, rows().y), Exploding())
    assert all(torch.equal(before[key], value) for key, value in weights(network).items())
