"""The rooms of the package: imports point only down."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import escsim

PACKAGE = Path(escsim.__file__).parent

# From the top to the bottom: a module may import what stands below it. A new module gets its place here.
FLOORS = [
    ["__main__", "cli", "cli.telling", "cli.teaching", "cli.variants", "cli.drawing", "cli.testing", "cli.learning", "cli.importing", "cli.common"],
    ["testing", "testing.machine", "testing.strategies", "testing.generate", "testing.course", "testing.coverage"],
    ["importing", "layouts", "codes"],
    ["serve", "page", "lesson", "tables"],
    [
        "rate_tables",
        "report",
        "summary",
        "results",
        "phrases",
        "plots",
        "animation",
        "record",
        "timeline",
        "fan",
        "ways",
        "diagram",
        "occupancy",
        "cumulative",
        "durations",
        "difference",
        "sweep",
        "tornado",
        "survival",
        "field",
        "captions",
        "style",
    ],
    ["palette"],
    ["sensitivity", "effects", "forecasts", "variation", "expectations", "selfcheck"],
    ["findings", "fit", "validation"],
    ["rates"],
    ["witness"],
    ["ensemble", "exact", "explore"],
    ["spells"],
    ["questions", "absence", "worlds"],
    ["rules"],
    ["openings", "layout", "kernel", "intervals", "running"],
    ["reasons", "explain"],
    ["schema", "replay", "given", "stepper", "trajectory"],
    ["library", "checks", "ranges"],
    ["process", "draws", "distributions"],
    ["scenario", "ladder", "actions", "delays", "base_rates", "references", "forms", "times", "reading", "errors"],
    ["files"],
]
ORDER = [module for floor in FLOORS for module in floor]

DOORS = {  # upward, inside a function: the shortest way for users, and no module needs them to be imported
    ("scenario", "replay"),  # Scenario.replay
    ("scenario", "ensemble"),  # Scenario.simulate
    ("scenario", "variation"),  # Scenario.given, without, with_
    ("trajectory", "plots"),  # Trajectory.plot
    ("ensemble", "plots"),  # Ensemble.plot_occupancy and the like
    ("effects", "plots"),  # Comparison.plot
}


def modules() -> list[str]:
    """Name all modules; the package of the command line by its own name."""
    names = (path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".") for path in PACKAGE.rglob("*.py"))
    return sorted(name.removesuffix(".__init__") for name in names)


def named(node: ast.ImportFrom) -> list[str]:
    """Give the modules of the package that a line `from ... import ...` imports: the things it names, where these are modules."""
    if node.module is None or node.module.split(".")[0] != "escsim":
        return []
    package = node.module.removeprefix("escsim").removeprefix(".")
    inner = [f"{package}.{name.name}".removeprefix(".") for name in node.names]
    return inner if set(inner) <= {*modules()} else [package or "__init__"]


def imports(module: str) -> Iterator[tuple[str, bool, int]]:
    """Give the modules of the package that one imports, whether inside a function, and the line."""
    path = PACKAGE / module.replace(".", "/")
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8"))

    def walk(node: ast.AST, nested: bool) -> Iterator[tuple[str, bool, int]]:
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for child in node.orelse:
                yield from walk(child, nested)
            return
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] == "escsim":
                    yield name.name.removeprefix("escsim").removeprefix(".") or "__init__", nested, node.lineno
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            for name in named(node):
                yield name, nested, node.lineno
        inside = nested or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, inside)

    yield from walk(tree, False)


def test_every_module_has_its_place_in_the_order() -> None:
    assert len(ORDER) == len(set(ORDER))
    assert [module for module in modules() if module not in ORDER] == ["__init__"]


@pytest.mark.parametrize("module", [module for module in modules() if module != "__init__"])
def test_imports_point_down(module: str) -> None:
    place = ORDER.index(module)
    for imported, nested, line in imports(module):
        if nested and (module, imported) in DOORS:
            continue
        assert imported == "__init__" or ORDER.index(imported) > place, f"{module}:{line} imports {imported}, which stands above it"


def test_the_package_itself_imports_nothing_until_it_is_asked() -> None:
    assert list(imports("__init__")) == []


def test_every_door_upward_is_used() -> None:
    assert {(module, imported) for module in modules() for imported, nested, _ in imports(module) if nested} >= DOORS
