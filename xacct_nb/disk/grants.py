"""Grant files (YAML or JSON)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from xacct_nb.disk.bounded import read_small
from xacct_nb.errors import UnreadableGrant


def read_fields(path: Path) -> dict[str, Any]:
    """The fields of a grant file. Raises UnreadableGrant."""
    try:
        fields = yaml.load(read_small(path).decode("utf-8-sig"), _Loader)
    except (OSError, UnicodeDecodeError) as problem:
        raise _unreadable(path, str(getattr(problem, "strerror", "") or "It is not UTF-8 text.")) from problem
    except yaml.YAMLError as problem:
        raise _unreadable(path, f"{_what(problem)}: {_place(problem)}.") from problem
    except (ValueError, RecursionError) as problem:  # a date such as 2026-13-45, a thousand brackets
        raise _unreadable(path, "It holds a value that cannot be read.") from problem
    if not isinstance(fields, Mapping) or not all(isinstance(name, str) for name in fields):
        raise _unreadable(path, "It does not hold fields.")
    return dict(fields)


class _Loader(yaml.SafeLoader):  # type: ignore[misc,unused-ignore]
    """YAML without its trap: of a field that stands there twice, one would be lost without a word."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and names.count(key.value) > 1:
                raise _Twice(problem_mark=key.start_mark)
        return dict(super().construct_mapping(node, deep))


class _Twice(yaml.constructor.ConstructorError):  # type: ignore[misc,unused-ignore]
    """A field stands there twice."""


def _what(problem: yaml.YAMLError) -> str:
    return "A field stands there twice" if isinstance(problem, _Twice) else "It is neither YAML nor JSON"


def _place(problem: yaml.YAMLError) -> str:
    # The message of the parser may quote the file, and so a secret: only the place is told.
    mark = getattr(problem, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it cannot be parsed"


def _unreadable(path: Path, why: str) -> UnreadableGrant:
    return UnreadableGrant(
        f"The grant file {str(path)!r} cannot be used.",
        why=why,
        hint="A grant file is YAML or JSON with the fields name, sources, destinations, ...",
    )
