"""Imports run downwards only, and every module and function is small enough to read at once."""

import ast
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "xacct_nb"
TREES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}

EDGES = {"aws", "disk", "jupyter", "sandbox"}
COMPOSING = {"__init__", "__main__", "cli", "commands", "demo", "doctor", "ledgers", "loading", "runs"}
COMPOSING |= {"workshop", "worlds"}
HOMES = {
    "aws": {"boto3", "botocore"},
    "jupyter": {"IPython", "ipywidgets", "jupyter_client", "nbclient", "nbconvert", "nbformat", "papermill"}
    | {"bleach", "weasyprint"},
    "sandbox": {"hypercorn", "ministack"},
}
PURE_LIBRARIES = {"jinja2", "markupsafe", "pydantic", "pydantic_core"}
OUTSIDE_WORLD = {
    "clock": {"time", "sched"},
    "files": {"os", "io", "pathlib", "shutil", "tempfile", "glob", "fcntl", "platform", "getpass"},
    "processes": {"subprocess", "multiprocessing", "signal", "asyncio"},
    "network": {"socket", "ssl", "urllib.request", "http"},
    "chance": {"random", "secrets", "uuid"},
    "imports by name": {"importlib"},
}
CLOCKS_AND_FILES = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "open"}


def test_each_outside_library_is_used_in_its_own_folder_only() -> None:
    strange = [
        f"{name} imports {imported}"
        for name, imported in imports()
        for home, libraries in HOMES.items()
        if within(imported, libraries) and layer(name) != home
    ]

    assert strange == []


def test_an_edge_imports_no_other_edge_and_nothing_that_composes() -> None:
    upwards = [
        f"{name} imports {imported}"
        for name, imported in imports()
        if layer(name) in EDGES and ours(imported) in (EDGES | COMPOSING) - {layer(name)}
    ]

    assert upwards == []


def test_what_is_pure_imports_only_what_is_pure() -> None:
    pure = PURE_LIBRARIES | sys.stdlib_module_names
    outside = set().union(*OUTSIDE_WORLD.values())
    impure = [
        f"{name} imports {imported}"
        for name, imported in imports()
        if is_pure(name)
        if ours(imported) in EDGES | COMPOSING
        or not (ours(imported) or within(imported, pure))
        or within(imported, outside)
    ]

    assert impure == []


def test_what_is_pure_asks_no_clock_and_opens_no_file() -> None:
    called = [
        f"{name}:{node.lineno} calls {ast.unparse(node.func)}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if is_pure(name) and isinstance(node, ast.Call)
        if ast.unparse(node.func).replace("datetime.datetime", "datetime") in CLOCKS_AND_FILES
    ]

    assert called == []


def test_a_module_fits_in_300_lines() -> None:
    lines = {name: len((PACKAGE / name).read_text().splitlines()) for name in TREES}

    assert {name: count for name, count in lines.items() if count > 300} == {}


def test_the_body_of_a_function_fits_in_30_lines() -> None:
    lines = {
        f"{name}:{node.lineno} {node.name}": body_lines(node)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name: count for name, count in lines.items() if count > 30} == {}


def test_a_module_is_named_after_what_it_holds() -> None:
    parts = {part for name in TREES for part in name.removesuffix(".py").split("/")}

    assert parts & {"base", "common", "handler", "helpers", "manager", "utils"} == set()


def imports() -> Iterator[tuple[str, str]]:
    """Every module with each dotted name that it imports, at the top or inside a function."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                folder = ".".join(("xacct_nb", *Path(name).parent.parts))
                module = resolve_name("." * node.level + (node.module or ""), folder)
                yield from ((name, f"{module}.{alias.name}") for alias in node.names)


def layer(name: str) -> str:
    """The folder of a module, or the module itself at the top of the package."""
    return name.partition("/")[0].removesuffix(".py")


def ours(imported: str) -> str:
    """The layer that an import reaches: `__init__` for the package's own names, "" outside the package."""
    package, _, rest = imported.partition(".")
    reached = rest.partition(".")[0]
    known = {layer(name) for name in TREES}
    return "" if package != "xacct_nb" else reached if reached in known else "__init__"


def is_pure(name: str) -> bool:
    return layer(name) not in EDGES | COMPOSING


def within(imported: str, modules: set[str] | frozenset[str]) -> bool:
    parts = imported.split(".")
    return any(".".join(parts[:count]) in modules for count in range(1, len(parts) + 1))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of the body, the docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
