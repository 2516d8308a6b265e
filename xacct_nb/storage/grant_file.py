"""Grant files (YAML or JSON)."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from xacct_nb.errors import UnreadableGrant
from xacct_nb.storage.bounded_read import read_small

_MOST_NODES = 100_000  # values, lists and mappings, with every alias written out


def read_fields(path: Path) -> dict[str, Any]:
    """The fields of a grant file. Raises UnreadableGrant."""
    text = ""
    try:
        text = read_small(path).decode("utf-8-sig")
        fields = yaml.load(text, _Loader)
    except (OSError, UnicodeDecodeError) as problem:
        raise _unreadable(path, str(getattr(problem, "strerror", "") or "It is not UTF-8 text.")) from problem
    except yaml.YAMLError as problem:
        raise _unreadable(path, f"{_what(problem)}: {_place(problem, text)}.") from problem
    except (ValueError, RecursionError) as problem:  # a date such as 2026-13-45, a thousand brackets
        raise _unreadable(path, "It holds a value that cannot be read.") from problem
    if not isinstance(fields, Mapping) or not all(isinstance(name, str) for name in fields):
        raise _unreadable(path, "It does not hold fields.")
    return dict(fields)


class _Loader(yaml.SafeLoader):  # type: ignore[misc,unused-ignore]
    """YAML without its traps: fields of which one would be lost without a word, aliases without end."""

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        if node and _written_out(node, {}) > _MOST_NODES:
            raise _TooMuch(problem_mark=node.start_mark)
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and names[key.value] > 1:
                raise _Twice(problem_mark=key.start_mark)
        return dict(super().construct_mapping(node, deep))


class _Twice(yaml.constructor.ConstructorError):  # type: ignore[misc,unused-ignore]
    """A field stands there twice."""


class _TooMuch(yaml.constructor.ConstructorError):  # type: ignore[misc,unused-ignore]
    """Written out, the file would hold more than any grant."""


def _written_out(node: Any, known: dict[int, int]) -> int:
    """How many nodes there are with every alias written out; too many where one stands within itself."""
    if id(node) not in known:
        known[id(node)] = _MOST_NODES
        known[id(node)] = 1 + sum(_written_out(each, known) for each in _below(node))
    return known[id(node)]


def _below(node: Any) -> Iterator[Any]:
    if isinstance(node, yaml.MappingNode):
        yield from (each for pair in node.value for each in pair)
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


_WHAT = {
    _Twice: "A field stands there twice",
    _TooMuch: "Its aliases stand for too much",
    yaml.reader.ReaderError: "It holds a character that YAML does not take",
}


def _what(problem: yaml.YAMLError) -> str:
    return _WHAT.get(type(problem), "It is neither YAML nor JSON")


def _place(problem: yaml.YAMLError, text: str) -> str:
    # The message of the parser may quote the file, and so a secret: only the place is told.
    if isinstance(problem, yaml.reader.ReaderError):
        before = text[: problem.position]
        return f"line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"
    mark = getattr(problem, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it cannot be parsed"


def _unreadable(path: Path, why: str) -> UnreadableGrant:
    return UnreadableGrant(
        f"The grant file {str(path)!r} cannot be used.",
        why=why,
        hint="A grant file is YAML or JSON with the fields name, sources, destinations, ...",
    )
