"""Imports go downwards only: what every module imports, held against the table of the house."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "layerwise"

BELOW = ("errors", "contracts", "own_code")
ABOVE_LEARNER = (
    *BELOW,
    "games",
    "layers",
    "metrics",
    "data",
    "scaling",
    "run",
    "networks",
    "tasks",
    "training",
    "evaluation",
    "report",
)

# room: the rooms that it may import; a module of the package's own folder is a room of its own
MAY_IMPORT = {
    "errors": (),
    "contracts": ("errors",),
    "own_code": ("errors",),
    "games": BELOW,
    "layers": BELOW,
    "metrics": BELOW,
    "data": ("games", *BELOW),
    "scaling": BELOW,
    "run": BELOW,
    "networks": ("layers", *BELOW),
    "tasks": ("metrics", "layers", "games", *BELOW),
    "training": ("scaling", "run", *BELOW),
    "evaluation": ("layers", "metrics", "data", "games", *BELOW),
    "report": ("evaluation", "metrics", "run", *BELOW),
    "job": ABOVE_LEARNER,
    "learner": ("job", *ABOVE_LEARNER),
    "detector": ("learner", "errors"),
    "tuning": ("learner", "job", *ABOVE_LEARNER),
    "command": ("run", "networks", *BELOW),
    "cli": (
        "command",
        "learner",
        "tuning",
        "run",
        "report",
        "evaluation",
        "data",
        "scaling",
        "contracts",
        "errors",
    ),
    "__main__": ("cli", "scaling"),
    "__init__": (),
}

ONLY = {"cli": {"scaling": ("layerwise.scaling.slurm", "layerwise.scaling.plan")}}


def room_of(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def at_run_time(node):
    """All nodes below, but for those that only a type checker reads."""
    yield node
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        children = node.orelse
    else:
        children = ast.iter_child_nodes(node)
    for child in children:
        yield from at_run_time(child)


def modules_imported(path):
    """Full names of the modules of the package that a file imports anywhere."""
    for node in at_run_time(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides the room"
            names = [node.module]
            if node.module == "layerwise":  # from layerwise import show
                names = [f"layerwise.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "layerwise")


def rooms_imported(path):
    names = [name.split(".") for name in modules_imported(path)]
    return {parts[1] for parts in names if len(parts) > 1 and parts[1] != "__version__"}


MODULES = sorted(PACKAGE.rglob("*.py"))


def when_loaded(node):
    """All nodes below that run when the file is loaded, not when one of its functions is called."""
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return
    typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    for child in node.orelse if typing_only else ast.iter_child_nodes(node):
        yield from when_loaded(child)


def full_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def loaded_with(path, known):
    """Modules that a file names when it is loaded; ``from a import b`` names a, and b in a."""
    for node in when_loaded(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name in known)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_downwards_only(path):
    room = room_of(path)
    assert room in MAY_IMPORT, f"{room} is not in the table of the house"
    extra = rooms_imported(path) - set(MAY_IMPORT[room]) - {room}
    assert not extra, f"{path.name} may not import {', '.join(sorted(extra))}"
    for other, modules in ONLY.get(room, {}).items():
        for name in modules_imported(path):
            assert not name.startswith(f"layerwise.{other}") or name in modules


def test_the_table_goes_downwards():
    above = list(MAY_IMPORT)
    for room, others in MAY_IMPORT.items():
        for other in others:
            assert above.index(other) < above.index(room), f"{room} -> {other}"


def test_what_only_a_type_checker_reads_does_not_count(tmp_path):
    file = tmp_path / "example.py"
    file.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from layerwise.learner import Learner\n"
        "def late():\n    import layerwise.data.table\n    from layerwise import show\n"
    )
    assert rooms_imported(file) == {"data", "show"}


def test_no_module_is_a_drawer_for_everything():
    assert not {"utils", "common", "helpers"} & {path.stem for path in MODULES}


def test_no_star_imports():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert all(alias.name != "*" for alias in node.names), path


def test_no_modules_import_each_other_in_a_ring():
    known = {full_name(path) for path in MODULES}
    TopologicalSorter({full_name(path): loaded_with(path, known) for path in MODULES}).prepare()


def test_a_ring_through_the_door_of_a_room_is_seen(tmp_path):
    door, inside = tmp_path / "__init__.py", tmp_path / "cells.py"
    door.write_text("from room.cells import column\n")
    inside.write_text("def column():\n    from room import later\n")
    known = {"room", "room.cells"}

    def check():
        modules = {"room": loaded_with(door, known), "room.cells": loaded_with(inside, known)}
        TopologicalSorter(modules).prepare()

    check()
    inside.write_text("if 1:\n    from room import kinds\n")
    with pytest.raises(CycleError, match="room"):
        check()
