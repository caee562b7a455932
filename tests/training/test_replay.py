import torch
from torch.fx.experimental.proxy_tensor import make_fx

from layerwise.training.replay import draws_chance, replay_of


def test_what_draws_random_numbers_is_known():
    def recorded(function):
        return make_fx(function)(torch.ones(3))

    assert draws_chance(recorded(lambda x: torch.nn.functional.dropout(x, 0.5)))
    assert draws_chance(recorded(lambda x: x + torch.randn(3)))
    assert draws_chance(recorded(lambda x: torch.multinomial(x, 2)))
    assert not draws_chance(recorded(lambda x: torch.relu(x) * 2))


def test_every_operation_of_torch_with_a_generator_counts_as_drawing():
    missing = [
        str(operation)
        for name in dir(torch.ops.aten)
        if hasattr(packet := getattr(torch.ops.aten, name), "overloads")
        for operation in (getattr(packet, overload) for overload in packet.overloads())
        if "Generator" in str(operation._schema)
        and torch.Tag.nondeterministic_seeded not in operation.tags
    ]
    assert missing == []


def replayed(function, *held, into=None):
    """The replay of a function of (held..., x), and what the function itself gives."""
    x = torch.linspace(-1, 1, 12).view(3, 4)
    graph = make_fx(function)(*held, x)
    before = [tensor.clone() for tensor in (*held, x)]
    found = replay_of(graph, list(held), into)(x)
    assert all(torch.equal(t, b) for t, b in zip((*held, x), before, strict=True)), "inputs moved"
    return found, function(*held, x)


def assert_same(found, wanted):
    for one, other in zip(found, wanted, strict=True):
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def test_an_activation_writes_over_a_product_that_nobody_else_reads():
    weight = torch.linspace(-1, 1, 8).view(4, 2)
    assert_same(*replayed(lambda w, x: (torch.relu(x @ w).sum(), 3, x.t() @ (x @ w)), weight))


def test_a_product_that_is_read_again_stays_as_it_is():
    def function(w, x):
        product = x @ w
        return torch.relu(product).sum(), 3, product.t()

    assert_same(*replayed(function, torch.linspace(-1, 1, 8).view(4, 2)))


def test_inputs_and_weights_are_never_written_over():
    assert_same(*replayed(lambda w, x: (torch.relu(x).sum(), 3, torch.tanh(w)), torch.ones(4, 2)))


def test_gradients_are_written_into_their_place_and_absent_ones_are_zero():
    places = [torch.full((4, 2), 7.0), torch.full((5,), 7.0)]
    found, wanted = replayed(lambda w, x: (x.sum(), 3, x.t() @ x @ w, None), torch.ones(4, 2),
                             into=places)  # fmt: skip
    assert torch.equal(places[0], wanted[2])
    assert found[2].data_ptr() == places[0].data_ptr()
    assert not places[1].any()


def test_a_replay_sees_weights_as_they_are_now():
    weight, x = torch.ones(4, 2), torch.ones(3, 4)
    graph = make_fx(lambda w, x: (torch.nn.functional.linear(x, w.t()).sum(), 3, x))(weight, x)
    replay = replay_of(graph, [weight], None)
    weight.mul_(3)
    assert float(replay(x)[0]) == 3 * 24
