"""Every network of the table keeps the house's promises."""

import inspect
import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from layerwise.command.signatures import read_class, read_table
from layerwise.contracts import Batch, Stage, Target
from layerwise.errors import SettingsError
from layerwise.networks import NETWORKS, network_class, variant_options
from layerwise.networks.summary import summarize
from layerwise.tasks import TASKS, default_task, task_class

RESNETS = {  # with 1000 outputs
    "resnet18": 11689512,
    "resnet34": 21797672,
    "resnet50": 25557032,
    "resnet101": 44549160,
    "resnet152": 60192808,
}
CIFAR_RESNETS = {  # with 10 outputs
    f"{kind}{depth}": count
    for kind in ("resnet", "plain")
    for depth, count in ((20, 269722), (32, 464154), (44, 658586), (56, 853018), (110, 1727962))
}
# name: the shape of one example, outputs
SHAPES = {
    "mcculloch_pitts": ((2,), 1),
    "perceptron": ((12,), 3),
    "adaline": ((12,), 3),
    "linear": ((12,), 3),
    "mlp": ((12,), 3),
    "lenet5": ((1, 28, 28), 10),
    "unet": ((1, 16, 16), 3),
    "cnn": ((1, 28, 28), 10),
    "alexnet": ((3, 63, 63), 10),
    "vgg11": ((3, 32, 32), 10),
    "vgg11_lrn": ((3, 32, 32), 10),
    "vgg13": ((3, 32, 32), 10),
    "vgg16_c": ((3, 32, 32), 10),
    "vgg16": ((3, 32, 32), 10),
    "vgg19": ((3, 32, 32), 10),
    "googlenet": ((3, 15, 15), 10),
    "inception3": ((3, 75, 75), 10),
    "inception4": ((3, 75, 75), 10),
    **dict.fromkeys(RESNETS, ((3, 32, 32), 10)),
    **dict.fromkeys(CIFAR_RESNETS, ((3, 8, 8), 10)),
    "rbf": ((12,), 3),
    "dbn": ((12,), 3),
    "autoencoder": ((12,), 0),  # without labels there are no outputs
    "conv_autoencoder": ((1, 28, 28), 0),
    "vae": ((12,), 0),
    "gan": ((12,), 0),
    "dcgan": ((1, 8, 8), 0),
    "hopfield": ((12,), 0),
    "boltzmann": ((12,), 0),
    "rbm": ((12,), 0),
    "self_organizing_map": ((12,), 0),
    "markov_chain": ((12,), 0),
    "rnn": ((12, 3), 3),
    "lstm": ((12, 3), 3),
    "gru": ((12, 3), 3),
    "conv1d": ((12, 3), 3),
    "transformer": ((12, 3), 3),
    "transformer_decoder": ((12,), 9),
    "ngram": ((12,), 0),
    "word2vec": ((12,), 0),
    "neural_ngram": ((12, 3), 3),
    "transformer_translator": ((12,), 9),
    "gru_translator": ((12,), 9),
    "window_linear": ((12, 3), 3),
    "checkers_net": ((9, 32), 0),
    "gcn": ((12,), 3),
    "gat": ((12,), 3),
    "graphsage": ((12,), 3),
    "gin": ((12,), 3),
}
BUILT_WITH = {name: {"vocabulary": (9, 9)} for name in ("transformer_translator", "gru_translator")}
# Too large to run in a test: there they are narrow; they are counted in their published width, for
# 3x299x299 and 1000 classes. With few channels, steps of 0.01 leave units silent.
NARROW = {
    name: {"width": 1 / 16}
    for name in ("alexnet", "vgg11", "vgg11_lrn", "vgg13", "vgg16_c", "vgg16", "vgg19", *RESNETS)
}
NARROW["googlenet"] = NARROW["inception4"] = {"width": 1 / 16}
NARROW["inception3"] = {"width": 1 / 16, "auxiliary": False}
SLOW = ("googlenet", "inception3", "inception4")  # to overfit: tests/networks/test_inception.py
PUBLISHED = ((3, 299, 299), 1000)
TOKENS = {
    "transformer_decoder": 9,
    "ngram": 2,
    "word2vec": 2,
}  # they take so many, as whole numbers
AT_EACH_PLACE = ("transformer_decoder", *BUILT_WITH)  # there they answer, not once per example
AT_EACH_PIXEL = ("unet",)  # (rows, outputs, *sides)
# from the papers, or by hand: (12 + 1) x 3; 13 x 128 + 129 x 128 + 129 x 3; and as written
PARAMETERS = {
    "mcculloch_pitts": 0,
    "perceptron": 39,
    "adaline": 39,
    "linear": 39,
    "mlp": 18563,
    "lenet5": 61706,
    # 16 to 256 channels, two convolutions with normalization per level, down and up
    "unet": sum(9 * a * b + 9 * b * b + 4 * b for a, b in pairwise((1, 16, 32, 64, 128, 256)))
    + sum(4 * 2 * b * b + b + 9 * 2 * b * b + 9 * b * b + 4 * b for b in (16, 32, 64, 128))
    + 17 * 3,
    "alexnet": 61100840,
    "vgg11": 132863336,
    "vgg11_lrn": 132863336,
    "vgg13": 133047848,
    "vgg16_c": 133638952,
    "vgg16": 138357544,
    "vgg19": 143667240,
    "googlenet": 13004888,
    "inception3": 27161264,
    "inception4": 42679816,
    **RESNETS,
    **CIFAR_RESNETS,
    "cnn": 10 * 32 + 289 * 64 + 3137 * 128 + 129 * 10,
    "rbf": 32 * 12 + 32 + 32 * 3 + 3,
    "dbn": 500 * 12 + 12 + 500 + 500 * 500 + 500 + 500 + 501 * 3,
    "autoencoder": 13 * 64 + 65 * 8 + 9 * 64 + 65 * 12,
    "conv_autoencoder": 160 + 4640 + 1569 * 32 + 33 * 1568 + 4624 + 145,
    "vae": 13 * 400 + 401 * 80 + 41 * 400 + 401 * 12,
    "gan": 33 * 128 + 129 * 128 + 129 * 12 + 13 * 128 + 129 * 128 + 129,
    "dcgan": 64 * 256 + 2 * 64 + 64 * 512 + 2 * 32 + 513 + 544 + 32 * 1024 + 2 * 64 + 257,
    "hopfield": 12 * 12,
    "boltzmann": 16 * 16 + 16,
    "rbm": 64 * 12 + 12 + 64,
    "self_organizing_map": 64 * 12,
    "markov_chain": 2 + 2 * 2,
    "rnn": 128 * (3 + 128 + 2) + 129 * 3,
    "lstm": 4 * 128 * (3 + 128 + 2) + 129 * 3,
    "gru": 3 * 128 * (3 + 128 + 2) + 129 * 3,
    "conv1d": (3 * 3 + 1) * 64 + 7 * (64 * 3 + 1) * 64 + (3 + 1) * 64 + 65 * 3,
    "transformer": 4 * 64 + 12 * 64 + 2 * (12 * 64**2 + 13 * 64) + 2 * 64 + 65 * 3,
    "transformer_decoder": 9 * 128 + 12 * 128 + 4 * (12 * 128**2 + 13 * 128) + 2 * 128 + 128 * 9,
    "ngram": 2**19,
    "word2vec": 2 * 2 * 100,
    "neural_ngram": (3 + 1) * 32 + (8 * 32 + 1) * 256 + 257 * 3,
    # two blocks with one attention, two with two; words of both sides, and a bias per word
    "transformer_translator": 2 * (12 * 128**2 + 13 * 128)
    + 2 * (16 * 128**2 + 19 * 128)
    + 2 * 2 * 128
    + 2 * 9 * 128
    + 9,
    # three GRUs of 192, one of them with the context; attention; maxout of 128 pairs
    "gru_translator": 2 * 9 * 128
    + 2 * 3 * 192 * (128 + 192 + 2)
    + 3 * 192 * (128 + 384 + 192 + 2)
    + 193 * 192
    + 193 * 192
    + 384 * 192
    + 192
    + (192 + 128 + 384 + 1) * 256
    + 129 * 9,
    "window_linear": 3 * 12 + 3 * 24 + 3,
    "checkers_net": 289 * 256 + 257 * 128 + 129 + 129 * 128,
    "gcn": 13 * 16 + 17 * 3,
    "gat": 12 * 64 + 3 * 64 + 64 * 3 + 3 * 3,
    "graphsage": 2 * 12 * 64 + 64 + 2 * 64 * 3 + 3,
    # four rounds of two layers with normalization; and a read-out of the inputs and of each
    "gin": 13 * 32 + 33 * 32 + 128 + 3 * (2 * 33 * 32 + 128) + 13 * 3 + 4 * 33 * 3,
}
EACH = pytest.mark.parametrize("name", NETWORKS)
ONE_OF_EACH = pytest.mark.parametrize(  # the first name of each class
    "name", {NETWORKS[name]: name for name in reversed(NETWORKS)}.values()
)
PREDICTING = [name for name in NETWORKS if SHAPES[name][1]]
FIRST = {NETWORKS[name]: name for name in reversed(PREDICTING)}.values()  # of each class
LEARNING = pytest.mark.parametrize(
    "name",
    [
        n
        for n in FIRST
        if PARAMETERS[n] and n not in (*AT_EACH_PLACE, *AT_EACH_PIXEL, *SLOW, "window_linear")
    ],
)


def built_with(name):
    return variant_options(name, {**BUILT_WITH.get(name, {}), **NARROW.get(name, {})})


def build(name):
    torch.manual_seed(0)
    return network_class(name)(*SHAPES[name], **built_with(name))


def examples(name, rows=8):
    """Rows in the scale that the network takes them in."""
    torch.manual_seed(1)
    if name in TOKENS:
        return torch.randint(1, TOKENS[name], (rows, *SHAPES[name][0]))
    if name in BUILT_WITH:
        return {side: torch.randint(5, 9, (rows, 6)) for side in ("source", "target")}
    shape, scale = (rows, *SHAPES[name][0]), getattr(network_class(name), "inputs_as", "standard")
    if scale in ("states", "signs"):
        drawn = torch.randint(0, 2, shape).float()
        return drawn if scale == "states" else 2 * drawn - 1
    return torch.rand(shape) if scale == "unit" else torch.randn(shape)


@EACH
def test_gives_one_row_of_outputs_per_example(name):
    outputs, size = build(name).eval()(examples(name, rows=5)), SHAPES[name][1]
    if name in AT_EACH_PLACE:
        assert (len(outputs), outputs.ndim, outputs.shape[-1]) == (5, 3, size)
    elif name in AT_EACH_PIXEL:
        assert outputs.shape == (5, size, *SHAPES[name][0][1:])
    else:
        assert outputs.shape == (5, size) if size else len(outputs) == 5


@pytest.mark.parametrize("name", [n for n in NETWORKS if hasattr(network_class(n), "decode")])
def test_gives_back_the_shape_of_its_inputs_through_its_codes(name):
    network, inputs = build(name).eval(), examples(name, rows=5)
    codes = network.encode(inputs)
    assert codes.shape[0] == 5
    assert network.decode(codes).reshape(len(inputs), -1).shape == inputs.flatten(1).shape


@pytest.mark.parametrize("name", [n for n in NETWORKS if hasattr(network_class(n), "sample")])
def test_draws_examples_of_the_shape_of_its_inputs_from_torchs_generator(name):
    network = build(name).eval()
    torch.manual_seed(3)
    with torch.no_grad():
        first = network.sample(4)
        torch.manual_seed(3)
        assert torch.equal(network.sample(4), first)
    assert first.shape == (4, *SHAPES[name][0])


@EACH
def test_has_the_published_number_of_parameters(name):
    if name in NARROW:
        with torch.device("meta"):
            network = network_class(name)(*PUBLISHED, **variant_options(name, {}))
    else:
        network = build(name)
    assert sum(one.numel() for one in network.parameters()) == PARAMETERS[name]


@LEARNING
def test_overfits_eight_examples(name):
    network, inputs, classes = build(name), examples(name), torch.arange(8) % SHAPES[name][1]
    target = Target("classes", ("y",), tuple("abcdefghij"[: SHAPES[name][1]]))
    task = task_class(default_task(target, network_class(name)))(target)
    batch = Batch(inputs, classes)
    rate = 0.002 if name in NARROW else 0.01
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    for step in range(300):
        optimizer.zero_grad()
        loss = next(iter(task.losses(network, batch))).value
        loss.backward()
        optimizer.step()
        if step >= 60 and float(loss.detach()) < 0.001:  # running means need so many steps
            break
    assert task.outputs(network.eval(), batch).argmax(1).equal(classes)


@ONE_OF_EACH
def test_saves_and_loads_to_the_same_outputs(name, tmp_path):
    first, inputs = build(name), examples(name)
    torch.save(first.state_dict(), tmp_path / "weights.pt")
    second = network_class(name)(*SHAPES[name], **built_with(name))
    second.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    outputs = []
    for network in (first, second):
        torch.manual_seed(2)  # recall asks the units in a random order
        outputs.append(network.eval()(inputs))
    assert torch.equal(*outputs)


@ONE_OF_EACH
def test_is_a_final_module_of_torch(name):
    assert network_class(name).__bases__ == (nn.Module,)


@ONE_OF_EACH
def test_names_its_source_and_documents_every_option(name):
    made = network_class(name)
    assert re.search(r"Source: \w.*\b1[89]\d\d|20\d\d\b", made.__doc__)
    for option in inspect.signature(made).parameters:
        assert re.search(rf"^    {option} : ", made.__doc__, flags=re.MULTILINE), option


@ONE_OF_EACH
def test_has_both_recipes_and_says_what_departs_from_the_paper(name):
    made = network_class(name)
    assert set(made.recipes) == {"modern", "historic"}
    for stage in (stage for recipe in made.recipes.values() for stage in recipe):
        assert isinstance(stage, Stage)
        assert stage.task is None or stage.task in TASKS
    assert made.departures
    assert all(text.endswith(".") for text in made.departures)
    historic = getattr(made, "historic_options", {})
    assert set(historic) <= set(inspect.signature(made).parameters)
    made(*SHAPES[name], **built_with(name), **historic)


@ONE_OF_EACH
def test_its_summary_counts_all_parameters_and_leaves_it_as_it_was(name):
    network = build(name).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    layers = summarize(network, SHAPES[name][0], example=examples(name, rows=1))
    counted = sum(one.numel() for one in network.parameters())
    assert sum(layer.parameters for layer in layers) == counted
    channels = slice(0, 1) if name in AT_EACH_PIXEL else slice(-1, None)
    sizes = [layer.output_shape[channels] for layer in layers]
    assert name not in PREDICTING or (SHAPES[name][1],) in sizes
    assert network.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@ONE_OF_EACH
def test_its_text_can_be_read_without_torch(name):
    file, _, attribute = NETWORKS[name].partition(":")
    text = read_class(f"networks/{file}.py", attribute)
    assert text.first_line == network_class(name).__doc__.partition("\n")[0]
    assert all(option.summary for option in text.parameters)


def test_the_tables_are_literal():
    assert read_table("networks/__init__.py", "NETWORKS") == NETWORKS
    assert read_table("tasks/__init__.py", "TASKS") == TASKS


def test_a_misspelt_network_names_the_nearest():
    with pytest.raises(SettingsError, match=r"no network 'mpl'.*Did you mean 'mlp'"):
        network_class("mpl")


def write(tmp_path, content):
    file = tmp_path / "my.py"
    file.write_text(f"from torch import nn\n{content}\n", encoding="utf-8")
    return f"{file}:Net"


def test_a_persons_own_network_is_found(tmp_path):
    text = """
class Net(nn.Module):
    def __init__(self, input_shape, output_size, *, width=4):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(*input_shape, width), nn.Linear(width, output_size))

    def forward(self, x):
        return self.layers(x)
"""
    made = network_class(write(tmp_path, text))
    assert made((3,), 2)(torch.zeros(5, 3)).shape == (5, 2)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("Net = 3", "must be a class derived from torch.nn.Module, got int"),
        ("class Net: pass", "must be a class derived from torch.nn.Module, got Net"),
        ("def Net(input_shape, output_size): pass", "derived from torch.nn.Module, got function"),
        (
            "class Net(nn.Module):\n    def __init__(self): super().__init__()",
            r"must be built as Net\(input_shape, output_size\).*got Net\(\)",
        ),
        (
            "class Net(nn.Module):\n    def __init__(self, a, b, c): super().__init__()",
            "missing a required argument: 'c'",
        ),
    ],
)
def test_what_is_no_network_is_explained(tmp_path, content, says):
    with pytest.raises(SettingsError, match=says):
        network_class(write(tmp_path, content))


def test_the_network_of_the_guide_works():
    guide = Path(__file__).parents[1] / "docs" / "add-a-network.md"
    code = re.search(r"```python\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)[1]
    found = {}
    exec(code, found)
    network = found["RadialBasis"]((3,), 2, centres=5)
    assert network(torch.randn(4, 3)).shape == (4, 2)
    assert sum(layer.parameters for layer in summarize(network, (3,))) == 5 * 3 + 1 + 5 * 2 + 2
