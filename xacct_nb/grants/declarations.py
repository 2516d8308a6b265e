"""The declarations in a notebook's parameters cell: name, type, default and help, one a line."""

import ast
from dataclasses import dataclass
from typing import Any

from xacct_nb.errors import InvalidParameters


@dataclass(frozen=True)
class Parameter:
    """One line `name: type = default  # help`; a `reference` names the source of the value."""

    name: str
    type: str
    default: Any
    help: str
    reference: bool = False


def parse_declarations(source: str) -> dict[str, Parameter]:
    """Return the parameters that a cell declares. Raises InvalidParameters for any other line."""
    try:
        nodes = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:  # a NUL, a thousand brackets
        raise _no_declaration(getattr(problem, "lineno", None) or 1) from problem
    lines = source.splitlines()
    return {parameter.name: parameter for parameter in (_declaration(node, lines) for node in nodes)}


def _declaration(node: ast.stmt, lines: list[str]) -> Parameter:
    if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
        raise _no_declaration(node.lineno)
    try:
        default = ast.literal_eval(node.value)
    except ValueError as problem:
        raise _no_declaration(node.lineno) from problem
    help_text = lines[(node.end_lineno or node.lineno) - 1].partition("  # ")[2]
    return Parameter(node.target.id, ast.unparse(node.annotation).partition("[")[0], default, help_text)


def _no_declaration(line: int) -> InvalidParameters:
    return InvalidParameters(
        f"Line {line} of the parameters cell is no declaration.",
        why="A line reads name: type = default  # help, and the default is plain data.",
        hint="Correct the notebook.",
    )
