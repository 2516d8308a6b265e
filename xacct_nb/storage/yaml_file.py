"""Fields from YAML and JSON files: plain data, or one reason why a file cannot be used."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from xacct_nb.storage.bounded_read import read_small

_MOST_NODES = 100_000  # values, lists and mappings, with every alias expanded
_DEEPEST, _LONGEST_NUMBER = 50, 40
_TAG = "tag:yaml.org,2002:"
_TYPES = ("null", "bool", "int", "float", "timestamp", "str", "seq", "map", "merge")
_PLAIN = {f"{_TAG}{name}" for name in _TYPES}
_UNREADABLE = "It contains a value that cannot be read"


class UnreadableFields(ValueError):
    """A file has no fields that can be read; its text is the reason, and quotes nothing of the file."""


def read_mapping(path: Path) -> dict[str, Any]:
    """Return the fields of a YAML or JSON file as JSON's types; a date is text, as it is written.

    Raises UnreadableFields, with line and column.
    """
    try:
        return parse_mapping(decode(read_small(path)))
    except OSError as problem:
        raise UnreadableFields(problem.strerror or "It cannot be read.") from problem


def parse_mapping(text: str) -> dict[str, Any]:
    """Return the fields in the text of a file. Raises UnreadableFields."""
    if _is_json(text):
        text = text.replace("\t", " ")  # YAML refuses tabs between values; in JSON no text has one
    try:
        loader = _Loader(text)
        fields = loader.get_single_data()
    except yaml.YAMLError as problem:
        raise UnreadableFields(_why(problem, text)) from problem
    except ValueError as problem:  # the scanner's own, such as that of "\U00110000"
        raise UnreadableFields(f"{_UNREADABLE}: {_at(loader.get_mark())}.") from problem
    if not isinstance(fields, Mapping):
        raise UnreadableFields("It is not a mapping of fields.")
    return dict(fields)


def parse_places(text: str) -> dict[str, tuple[int, int]]:
    """Return where the fields in the text of a file are: line and column by dotted path, such as `sources.0`.

    "" is the file's beginning. There are none where the fields cannot be read.
    """
    if _is_json(text):
        text = text.replace("\t", " ")
    try:
        node = _Loader(text).get_single_node()
    except (yaml.YAMLError, ValueError):
        node = None
    return {"": (1, 1), **(dict(_places(node, "")) if node else {})}


def _places(node: Any, path: str) -> Iterator[tuple[str, tuple[int, int]]]:
    before = f"{path}." if path else ""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield f"{before}{key.value}", (key.start_mark.line + 1, key.start_mark.column + 1)
                yield from _places(value, f"{before}{key.value}")
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield f"{before}{number}", (item.start_mark.line + 1, item.start_mark.column + 1)
            yield from _places(item, f"{before}{number}")


def decode(content: bytes) -> str:
    """Return the text of a file. Raises UnreadableFields."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        where = _place(problem.object[: problem.start].decode())  # without the mark of the byte order
        raise UnreadableFields(f"It is not UTF-8 text: {where}.") from problem


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class _Loader(yaml.SafeLoader):  # type: ignore[misc,unused-ignore]
    """YAML that refuses a field given twice, of which one would be lost, and what is no plain data."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._count = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth, self._count = self._depth + 1, self._count + 1
        event: Any = self.peek_event()  # type: ignore[no-untyped-call,unused-ignore]
        if self._depth > _DEEPEST:
            raise _Refused("It nests lists or mappings too deeply", event.start_mark)
        if self._count > _MOST_NODES:
            raise _Refused("It has too many values", event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> Any:
        node = super().get_single_node()
        if node and _expanded_size(node, {}) > _MOST_NODES:
            raise _Refused("Its aliases expand to too many values", node.start_mark)
        return node

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        if node.tag not in _PLAIN:
            raise _Refused("It has a tag that is not of plain data", node.start_mark)
        try:
            value = super().construct_object(node, deep=True)
        # The tag names a type that the value is not of: !!bool x, !!int "", !!timestamp x, 2026-13-45.
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as problem:
            raise _Refused(_UNREADABLE, node.start_mark) from problem
        if isinstance(value, float) and not math.isfinite(value):
            raise _Refused("It has a number that is not finite", node.start_mark)
        return node.value if isinstance(value, date) else value

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and names[key.value] > 1:
                raise _Refused("A field appears twice", key.start_mark)
        fields = dict(super().construct_mapping(node, deep=True))
        for key, _ in node.value:  # the constructor has merged the fields of `<<`
            if not isinstance(self.construct_object(key), str):
                raise _Refused("The name of a field is not text", key.start_mark)
        return fields

    def construct_yaml_null(self, node: Any) -> None:
        if self.construct_scalar(node) not in ("", "~", "null", "Null", "NULL"):
            raise ValueError

    def construct_yaml_int(self, node: Any) -> int:
        # Python does not print a number of 4,300 digits, and refuses to read one.
        if len(self.construct_scalar(node)) > _LONGEST_NUMBER:
            raise _Refused("A number is too long", node.start_mark)
        return int(super().construct_yaml_int(node))

    def construct_yaml_str(self, node: Any) -> str:
        # JSON may write a letter as a pair of surrogates; half of a pair is no text.
        text = str(super().construct_yaml_str(node))
        return text.encode("utf-16", "surrogatepass").decode("utf-16")


for _name in ("null", "int", "str"):
    _Loader.add_constructor(f"{_TAG}{_name}", getattr(_Loader, f"construct_yaml_{_name}"))


class _Refused(yaml.constructor.ConstructorError):  # type: ignore[misc,unused-ignore]
    """YAML that no file of fields has; `problem` is the reason."""

    def __init__(self, problem: str, place: Any) -> None:
        super().__init__(problem=problem, problem_mark=place)


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
        return f"It contains a character that YAML does not allow: {_place(text[: problem.position])}."
    what = problem.problem if isinstance(problem, _Refused) else "It is neither YAML nor JSON"
    mark = getattr(problem, "problem_mark", None)
    return f"{what}: {_at(mark) if mark else _place(text)}."


def _at(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _place(before: str) -> str:
    """Return the line and column after a text."""
    line, start = before.count("\n") + 1, before.rfind("\n")
    return f"line {line}, column {len(before) - start}"
