"""The zoo on the terminal: a list of all networks, and all about one."""

import re
from inspect import signature

from layerwise.command.manual import describe as describe_option
from layerwise.command.manual import metavar, print_pairs
from layerwise.command.signatures import ClassText, read_class, read_table
from layerwise.errors import LayerwiseError, SettingsError, nearest

NOT_OPTIONS = ("input_shape", "output_size", "categories")  # given by the data
EXAMPLES = (  # sizes are shown for the first that fits
    ((64,), 10),
    ((1, 28, 28), 10),
    ((3, 224, 224), 1000),
    ((3, 299, 299), 1000),
    ((2,), 1),
)


def list_all() -> None:
    """Print every network with what it is and where it comes from; needs no torch."""
    named: dict[str, str] = {}  # docstring -> the first name of one network in several sizes
    pairs = []
    for name, text in _networks().items():
        first = named.setdefault(text.docstring, name)
        told = f"{text.first_line} {_source(text)}" if first == name else f"As {first}."
        pairs.append((name, " ".join([told, *_decided_in_words(name)])))
    print_pairs(pairs)
    print("\nOptions, recipe and size of one: layerwise zoo NAME")


def describe(name: str) -> None:
    """Print what a network is, its options, its source, its recipes and its size."""
    networks = _networks()
    if name not in networks:
        raise SettingsError(f"There is no network '{name}'.{nearest(name, networks)}")
    text = networks[name]
    print(f"{name}: {re.split(r'^Parameters$', text.docstring, flags=re.M)[0].strip()}\n")
    for sentence in _decided_in_words(name):
        print(f"{sentence}\n")
    hidden = (*NOT_OPTIONS, *_decided(name))
    options = [one for one in text.parameters if one.name not in hidden]
    print_pairs([(f"--network.{one.name} {metavar(one)}", describe_option(one)) for one in options])
    _print_class(name)


def _print_class(name: str) -> None:
    """Print what only the class itself knows: recipes, departures, size."""
    from layerwise.command import show  # slow: rich, and torch below
    from layerwise.networks import network_class

    found = network_class(name)
    for title, recipe in found.recipes.items():
        show.records(f"Recipe {title}", recipe)
    if found.departures:
        print("\nDepartures of the historic recipe from its paper")
    for departure in found.departures:
        print_pairs([("-", departure)])
    _print_size(found, _decided(name))


def _print_size(found: type, options: dict) -> None:
    import torch

    from layerwise.networks.summary import summarize

    unlabelled = signature(found).parameters["output_size"].default == 0
    for input_shape, outputs in EXAMPLES:
        output_size = 0 if unlabelled else outputs
        try:
            with torch.device("meta"):  # sizes need no memory
                network = found(input_shape, output_size, **options)
        except LayerwiseError:
            continue
        layers = summarize(network, input_shape)
        parameters = sum(layer.parameters for layer in layers)
        products = sum(layer.multiply_adds for layer in layers)
        beside = f" and {output_size} outputs" if output_size else ""
        print(
            f"\nFor inputs {input_shape}{beside}: {parameters:,} parameters, "
            f"{products:,} multiply-adds per example"
        )
        return


def _networks() -> dict[str, ClassText]:
    table = read_table("networks/__init__.py", "NETWORKS")
    places = {name: place.split(":") for name, place in table.items()}
    return {name: read_class(f"networks/{file}.py", one) for name, (file, one) in places.items()}


def _decided(name: str) -> dict:
    """Options that the name of a network stands for."""
    return read_table("networks/__init__.py", "VARIANTS").get(name, {})


def _decided_in_words(name: str) -> list[str]:
    """One sentence where the name stands for options."""
    decided = ", ".join(f"{option} {value}" for option, value in _decided(name).items())
    return [f"Here: {decided}."] if decided else []


def _source(text: ClassText) -> str:
    found = re.search(r"^(Source: .*?)(?:\.\s|\.?$\n\n|\Z)", text.docstring, re.S | re.M)
    return " ".join(found[1].split()) + "." if found else ""
