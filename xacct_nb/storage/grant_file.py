"""Grant files (YAML or JSON)."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from xacct_nb.errors import UnreadableGrant
from xacct_nb.storage.bounded_read import read_small

_MOST_NODES = 100_000  # values, lists and mappings, with every alias expanded


def read_fields(path: Path) -> dict[str, Any]:
    """Return the fields of a grant file. Raises UnreadableGrant."""
    text = ""
    try:
        text = read_small(path).decode("utf-8-sig")
        fields = yaml.load(text, _Loader)
    except (OSError, UnicodeDecodeError) as problem:
        raise _unreadable(path, str(getattr(problem, "strerror", "") or "It is not UTF-8 text.")) from problem
    except yaml.YAMLError as problem:
        raise _unreadable(path, _why(problem, text)) from problem
    except (ValueError, RecursionError) as problem:  # a date such as 2026-13-45, a thousand brackets
        raise _unreadable(path, "It contains a value that cannot be read.") from problem
    if not isinstance(fields, Mapping) or not all(isinstance(name, str) for name in fields):
        raise _unreadable(path, "It is not a mapping of fields.")
    return dict(fields)


class _Loader(yaml.SafeLoader):  # type: ignore[misc,unused-ignore]
    """YAML that refuses a field given twice, of which one would be lost, and aliases without end."""

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        if node and _expanded_size(node, {}) > _MOST_NODES:
            raise _Refused(problem="Its aliases expand to too many values", problem_mark=node.start_mark)
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and names[key.value] > 1:
                raise _Refused(problem="A field appears twice", problem_mark=key.start_mark)
        return dict(super().construct_mapping(node, deep))


class _Refused(yaml.constructor.ConstructorError):  # type: ignore[misc,unused-ignore]
    """YAML that no grant file has; `problem` is the reason."""


def _expanded_size(node: Any, known: dict[int, int]) -> int:
    """Return the number of nodes with every alias expanded; an alias within itself counts as too many."""
    if id(node) not in known:
        known[id(node)] = _MOST_NODES
        items = node.value if isinstance(node, yaml.CollectionNode) else ()
        if isinstance(node, yaml.MappingNode):
            items = (each for pair in items for each in pair)
        known[id(node)] = 1 + sum(_expanded_size(each, known) for each in items)
    return known[id(node)]


def _why(problem: yaml.YAMLError, text: str) -> str:
    """Return what is wrong, and where; the parser's own message may quote the file, and so a secret."""
    if isinstance(problem, yaml.reader.ReaderError):
        before = text[: problem.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return f"It contains a character that YAML does not allow: line {line}, column {column}."
    what = problem.problem if isinstance(problem, _Refused) else "It is neither YAML nor JSON"
    mark = getattr(problem, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it cannot be parsed"
    return f"{what}: {where}."


def _unreadable(path: Path, why: str) -> UnreadableGrant:
    return UnreadableGrant(
        f"The grant file {str(path)!r} cannot be used.",
        why=why,
        hint="A grant file is YAML or JSON with the fields name, sources, destinations, ...",
    )
