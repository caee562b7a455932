"""The zoo on the terminal: a list of all networks, and all about one."""

import re
from inspect import signature

from layerwise.command.manual import describe as describe_option
from layerwise.command.manual import metavar, print_pairs
from layerwise.command.signatures import ClassText, read_class, read_table
from layerwise.errors import LayerwiseError, SettingsError, nearest

NOT_OPTIONS = ("input_shape", "output_size", "categories")  # given by the data
EXAMPLES = (((64,), 10), ((1, 28, 28), 10), ((2,), 1))  # sizes are shown for the first that fits


def list_all() -> None:
    """Print every network with what it is and where it comes from; needs no torch."""
    print_pairs(
        [(name, f"{text.first_line} {_source(text)}") for name, text in _networks().items()]
    )
    print("\nOptions, recipe and size of one: layerwise zoo NAME")


def describe(name: str) -> None:
    """Print what a network is, its options, its source, its recipes and its size."""
    networks = _networks()
    if name not in networks:
        raise SettingsError(f"There is no network '{name}'.{nearest(name, networks)}")
    text = networks[name]
    print(f"{name}: {re.split(r'^Parameters$', text.docstring, flags=re.M)[0].strip()}\n")
    options = [one for one in text.parameters if one.name not in NOT_OPTIONS]
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
    _print_size(found)


def _print_size(found: type) -> None:
    from layerwise.networks.summary import summarize

    unlabelled = signature(found).parameters["output_size"].default == 0
    for input_shape, outputs in EXAMPLES:
        output_size = 0 if unlabelled else outputs
        try:
            network = found(input_shape, output_size)
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


def _source(text: ClassText) -> str:
    found = re.search(r"^(Source: .*?)(?:\.\s|\.?$\n\n|\Z)", text.docstring, re.S | re.M)
    return " ".join(found[1].split()) + "." if found else ""
