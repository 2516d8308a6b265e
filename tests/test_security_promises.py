"""The page on security promises nothing that no test holds."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "security.md").read_text()
ROWS = re.findall(r"^\| (?!Promise \||-)(.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def _tests_of(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_page_makes_promises() -> None:
    assert len(ROWS) > 40


@pytest.mark.parametrize(("promise", "held_by"), ROWS)
def test_every_promise_names_a_test_that_exists(promise: str, held_by: str) -> None:
    named = TEST.findall(held_by)

    assert named, promise
    assert [test for file, test in named if test not in _tests_of(file)] == []


def test_no_promise_stands_twice() -> None:
    promises = [promise for promise, _ in ROWS]

    assert len(promises) == len(set(promises))
