"""The files around the package say the same: versions, targets, licence, decisions, the tests' own rules."""

import ast
import json
import re
import subprocess
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from support.order import LONGEST
from xacct_nb.sandbox.ministack.version import VERSION

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
OF_HYPOTHESIS = {"assume", "example", "given", "settings", "st", "strategies"}
# What a clock says, and a comparison of a measured time with a number that is no zero.
MEASURED = r"\b(?:seconds|took|elapsed|duration)\b"
CLOCK = re.compile(
    r"\b(?:monotonic|perf_counter|process_time|time\.time)\("
    rf"|{MEASURED} *[<>]=? *[0-9.]*[1-9]|[0-9] *<=? *[\w.]*{MEASURED}"
)
ENVIRONMENT: dict[str, Any] = yaml.safe_load((ROOT / "environment.yml").read_text())


def test_environment_yml_names_one_python_the_one_of_the_constraints() -> None:
    (resolved,) = re.findall(r"on Python (\d+\.\d+)", (ROOT / "constraints.txt").read_text())

    assert f"python={resolved}" in ENVIRONMENT["dependencies"]
    assert resolved in SpecifierSet(PROJECT["requires-python"])


def test_environment_yml_installs_what_pyproject_names_with_the_extras_of_the_tests() -> None:
    assert ENVIRONMENT["dependencies"][-1]["pip"] == ["-c constraints.txt", "-e .[sandbox,test]"]
    assert sorted(EXTRAS) == ["actions", "crt", "dask", "lite", "pdf", "sandbox", "test", "voila"]
    assert {*EXTRAS["actions"], *EXTRAS["dask"], *EXTRAS["lite"], *EXTRAS["voila"]} <= set(EXTRAS["test"])


def test_make_installs_the_same_as_environment_yml() -> None:
    assert "pip install -c constraints.txt -e '.[sandbox,test]'" in (ROOT / "Makefile").read_text()


def test_the_development_container_makes_the_environment_of_make_and_opens_no_port() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())

    assert container["postCreateCommand"] == "make .venv/.ready"
    assert "READY := .venv/.ready\n" in (ROOT / "Makefile").read_text()
    assert container["forwardPorts"] == []
    assert container["otherPortsAttributes"] == {"onAutoForward": "ignore"}
    assert [(ROOT / path).is_file() for path in container["customizations"]["codespaces"]["openFiles"]] == [
        True
    ]


def test_every_dependency_but_ministack_has_a_lower_bound_and_no_upper_one() -> None:
    bounded = [each for each in direct() if each.name != "ministack"]

    assert [str(each) for each in bounded if [bound.operator for bound in each.specifier] != [">="]] == []


def test_the_extra_sandbox_names_the_one_ministack_that_the_sandbox_fits() -> None:
    assert EXTRAS["sandbox"] == [f"ministack=={VERSION}"]


def test_constraints_pin_every_direct_dependency_within_its_bounds() -> None:
    pins = pinned()

    assert [str(each) for each in direct() if canonicalize_name(each.name) not in pins] == []
    assert [str(each) for each in direct() if pins[canonicalize_name(each.name)] not in each.specifier] == []


def test_constraints_pin_one_botocore_for_boto3_and_ministack() -> None:
    pins = pinned()

    assert pins["boto3"] == pins["botocore"]


def test_constraints_are_names_with_exact_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    other = [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)]

    assert other == []


def test_make_alone_prints_every_target() -> None:
    shown = subprocess.run(["make", "-s"], cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert re.findall(r"^  make (\w+)", shown, re.MULTILINE) == targets()
    assert {"demo", "test", "lab", "bench", "dist"} < set(targets())


@pytest.mark.parametrize(("target", "command"), [("lab", "lab"), ("workshop", "workshop start")])
def test_make_passes_options_on(target: str, command: str) -> None:
    make = ["make", "-n", "-o", ".venv/.ready", target, "OPTIONS=--allow-root --no-browser"]
    shown = subprocess.run(make, cwd=ROOT, check=True, capture_output=True, text=True).stdout

    assert f"xacct-nb {command} --allow-root --no-browser" in shown


def test_the_licence_is_apache_2_in_full() -> None:
    licence = (ROOT / "LICENSE").read_text()

    assert PROJECT["license"] == "Apache-2.0"
    assert licence.split()[:5] == ["Apache", "License", "Version", "2.0,", "January"]
    assert "END OF TERMS AND CONDITIONS" in licence


def test_a_decision_has_at_most_40_lines_and_the_four_parts() -> None:
    for decision in sorted((ROOT / "docs" / "decisions").glob("*.md")):
        text = decision.read_text()

        assert len(text.splitlines()) <= 40, decision.name
        assert re.findall(r"^## (.+)", text, re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "Alternatives",
        ], decision.name


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = [int(each.name[:4]) for each in sorted((ROOT / "docs" / "decisions").glob("*.md"))]

    assert numbers == list(range(1, len(numbers) + 1))


def test_no_test_file_imports_another() -> None:
    files = {path.stem for path in parsed_tests() if path.parent.name != "support"}
    imported = [
        f"{path.name}:{node.lineno} imports {name}"
        for path, tree in parsed_tests().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in modules_of(node)
        if name.split(".")[-1] in files or name.startswith("tests.")
    ]

    assert imported == []


def test_no_two_test_files_have_the_same_name() -> None:
    """pytest collects neither of them where both lie in the folder that it is given."""
    names = [path.name for path in parsed_tests() if path.name.startswith("test_")]

    assert [name for name, times in Counter(names).items() if times > 1] == []


def test_no_name_in_the_tests_hides_one_of_hypothesis() -> None:
    hiding = [
        f"{path.name}:{node.lineno} names something {name}"
        for path, tree in parsed_tests().items()
        for node in ast.walk(tree)
        if (name := bound_by(node)) in OF_HYPOTHESIS
    ]

    assert hiding == []


def test_no_test_asserts_on_the_clock() -> None:
    asserting = [
        f"{path.name}:{node.lineno} {ast.unparse(node.test)}"
        for path, tree in parsed_tests().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert) and path.parent.name != "benchmarks"
        if CLOCK.search(ast.unparse(node.test))
    ]

    assert asserting == []


def test_the_files_that_run_first_are_there() -> None:
    there = {name for path in parsed_tests() for name in (path.stem, path.parent.name)}

    assert [name for name in LONGEST if name not in there] == []


@cache
def parsed_tests() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted((ROOT / "tests").rglob("*.py"))}


def modules_of(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]


def bound_by(node: ast.AST) -> str:
    """Return the name that this node gives to a value, "" where it gives none; imports are left out."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
            return name
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
    return ""


def direct() -> list[Requirement]:
    """What pyproject names, for running and in the extras."""
    return [
        Requirement(line)
        for line in [*PROJECT["dependencies"], *EXTRAS["actions"], *EXTRAS["sandbox"], *EXTRAS["test"]]
    ]


def pinned() -> dict[str, str]:
    """Canonical name -> version, from constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def targets() -> list[str]:
    return re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
