"""AWS's refusals of the parameters of IAM and STS calls, from the models that botocore has of them.

A client of botocore checks a part of it before it calls; other clients do not.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from xacct_nb.sandbox.http.calls import SERVICES, Call, Refusal
from xacct_nb.sandbox.ministack import internals

Shape = Mapping[str, Any]
"""A type of the model: `type`, and where there are such `min`, `max`, `pattern`, `enum`, `sensitive`."""
Node = Any
"""A value of a request: text, or the members of a structure or a list by name."""

_MOST_DIGITS = 10
_LEAST, _MOST = -(2**31), 2**31 - 1
_ABSENT = object()
# IAM has a wording of its own for the characters of a name.
_INVALID_NAME = re.compile(
    r"Value '.*' at '(\w+)' failed to satisfy constraint: "
    r"Member must satisfy regular expression pattern: \[\\w\+=,\.@-\]\+",
    re.DOTALL,
)
_NAME = (
    "The specified value for {} is invalid. "
    "It must contain only alphanumeric characters and/or the following: +=,.@_-"
)


def breach(call: Call) -> Refusal | None:
    """Refuse a call with parameters that its model does not allow; the message names all of them."""
    operation = _operations(call.service).get(call.action)
    if operation is None or _is_plain(call):
        return None
    try:
        found = list(_structure(call.service, operation, _nested(call.parameters), ""))
    except _MalformedValue as problem:
        return Refusal(400, "MalformedInput", str(problem))
    if not found:
        return None
    if call.service == "iam" and (name := _INVALID_NAME.fullmatch("; ".join(found))):
        return Refusal(400, "ValidationError", _NAME.format(name[1]))
    count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
    return Refusal(400, "ValidationError", f"{count}: {'; '.join(found)}")


def unknown_operation(call: Call) -> Refusal | None:
    """Refuse a call that IAM and STS do not have, or not in this version of their API."""
    if call.service not in SERVICES.values() or not call.action:
        return None
    version = call.parameter("Version") or "NO_VERSION_SPECIFIED"
    if SERVICES.get(version) == call.service and call.action in _operations(call.service):
        return None
    message = f"Could not find operation {call.action} for version {version}"
    return Refusal(400, "InvalidAction", message)


def _is_plain(call: Call) -> bool:
    """Return whether a call has texts only, all as its model allows: it saves most calls the whole check."""
    required, checks = _plain(call.service, call.action)
    parameters = call.parameters
    if not required <= parameters.keys():
        return False
    for name, value in parameters.items():
        check = checks.get(name)
        if "." in name if check is None else not check(value):
            return False
    return True


@cache
def _plain(service: str, action: str) -> tuple[frozenset[str], dict[str, Callable[[str], bool]]]:
    """Return the required members of an operation's input, and a check of the text of each member."""
    shapes, operation = _model(service)["shapes"], _operations(service)[action]
    checks = {name: _text_check(shapes[member["shape"]]) for name, member in operation["members"].items()}
    return frozenset(operation.get("required", ())), checks


def _text_check(shape: Shape) -> Callable[[str], bool]:
    """Return what says whether a text is allowed; False for other types, whose check is a longer one."""
    least, most, enum = shape.get("min", 0), shape.get("max", sys.maxsize), shape.get("enum")
    pattern = _pattern(shape.get("pattern", "")) or re.compile(".*", re.DOTALL)
    if shape["type"] != "string":
        return lambda value: False
    if enum:
        return lambda value: value in enum
    return lambda value: least <= len(value) <= most and pattern.fullmatch(value) is not None


class _MalformedValue(Exception):
    """Raised with AWS's message for what is no value of its type: it is refused before any constraint."""


# AWS's messages from public reports of them; what it says of a number is not known.
_NO_TEXT = "Start of list found where not expected"
_NO_LIST = "Unexpected list element termination"
_NO_STRUCTURE = "Unexpected complex element termination"


@cache
def _model(service: str) -> Mapping[str, Any]:
    return internals.service_model(service)


@cache
def _operations(service: str) -> dict[str, Shape]:
    """Return the input of each operation of a service."""
    shapes, nothing = _model(service)["shapes"], {"type": "structure", "members": {}}
    return {
        name: shapes[operation["input"]["shape"]] if "input" in operation else nothing
        for name, operation in _model(service)["operations"].items()
    }


def _nested(parameters: Mapping[str, str]) -> dict[str, Node]:
    """Return the parameters with `Tags.member.1.Key` as members within members."""
    found: dict[str, Node] = {}
    for name, value in parameters.items():
        if "." not in name:
            found.setdefault(name, value)
            continue
        *front, last = name.split(".")
        inner = found
        for part in front:
            if not isinstance(inner.get(part), dict):
                inner[part] = {}
            inner = inner[part]
        inner[last] = value
    return found


def _structure(service: str, shape: Shape, node: Node, path: str) -> Iterator[str]:
    shapes = _model(service)["shapes"]
    if node and not isinstance(node, dict):
        raise _MalformedValue(_NO_STRUCTURE)
    members = node or {}
    required = shape.get("required", ())
    for name, member in shape["members"].items():
        where = f"{path}{name[0].lower()}{name[1:]}"
        given = members.get(member.get("locationName", name), _ABSENT)
        if given is not _ABSENT:
            inner = shapes[member["shape"]]
            if check := _CHECKS.get(inner["type"]):
                yield from check(service, inner, given, where)
        elif name in required:
            yield _wording("Value null", where, "Member must not be null")


def _list(service: str, shape: Shape, node: Node, path: str) -> Iterator[str]:
    """Check a list: its size; its texts together, its structures one by one."""
    items, inner = _items(node), _model(service)["shapes"][shape["member"]["shape"]]
    are_texts = inner["type"] != "structure"
    if are_texts and any(isinstance(item, dict) for item in items):
        raise _MalformedValue(_NO_TEXT)
    hidden = inner.get("sensitive") or not are_texts
    shown = "Value" if hidden else f"Value '[{', '.join(map(str, items))}]'"
    for constraint in _size(shape, len(items), "length"):
        yield _wording(shown, path, constraint)
    if not are_texts:
        for number, item in enumerate(items, start=1):
            yield from _structure(service, inner, item, f"{path}.{number}.member.")
    elif any(next(_breaches(inner, str(item)), None) for item in items):
        rules = ", ".join(_rules(inner))
        yield _wording(shown, path, f"Member must satisfy constraint: [{rules}]")


def _items(node: Node) -> list[Node]:
    """Return the members of a list, which may be empty text. Raises _MalformedValue."""
    numbered = node.get("member", {}) if isinstance(node, dict) else {}
    if (node and not isinstance(node, dict)) or not isinstance(numbered, dict):
        raise _MalformedValue(_NO_LIST)
    if not all(number.isdecimal() for number in numbered):
        raise _MalformedValue(_NO_LIST)
    return [numbered[number] for number in sorted(numbered, key=int)]


def _scalar(service: str, shape: Shape, node: Node, path: str) -> Iterator[str]:
    if isinstance(node, dict):
        raise _MalformedValue(_NO_TEXT)
    value = str(node)
    shown = "Value" if shape.get("sensitive") else f"Value '{value}'"
    for constraint in _breaches(shape, value):
        yield _wording(shown, path, constraint)


def _wording(shown: str, path: str, constraint: str) -> str:
    return f"{shown} at '{path}' failed to satisfy constraint: {constraint}"


_CHECKS: dict[str, Callable[[str, Shape, Node, str], Iterator[str]]] = {
    "structure": lambda service, shape, node, path: _structure(service, shape, node, f"{path}."),
    "list": _list,
    "string": _scalar,
    "integer": _scalar,
    "boolean": _scalar,
}


def _breaches(shape: Shape, value: str) -> Iterator[str]:
    """Yield the constraints that a text does not satisfy. Raises _MalformedValue."""
    if shape["type"] == "boolean":
        if value.lower() not in ("true", "false"):
            raise _MalformedValue
        return
    if shape["type"] == "integer":
        yield from _size(shape, _number(value), "value")
        return
    yield from _size(shape, len(value), "length")
    pattern = _pattern(shape.get("pattern", ""))
    if pattern and not pattern.fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {shape['pattern']}"
    if "enum" in shape and value not in shape["enum"]:
        yield _enum(shape)


def _number(value: str) -> int:
    digits = value.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS):
        raise _MalformedValue
    if not _LEAST <= (number := int(value)) <= _MOST:
        raise _MalformedValue
    return number


def _size(shape: Shape, size: int, what: str) -> Iterator[str]:
    if size < shape.get("min", size):
        yield f"Member must have {what} greater than or equal to {shape['min']}"
    if size > shape.get("max", size):
        yield f"Member must have {what} less than or equal to {shape['max']}"


def _rules(shape: Shape) -> Iterator[str]:
    """Yield all constraints of a text, as AWS lists them where one text of a list breaks one."""
    if "max" in shape:
        yield f"Member must have length less than or equal to {shape['max']}"
    if "min" in shape:
        yield f"Member must have length greater than or equal to {shape['min']}"
    if _pattern(shape.get("pattern", "")):
        yield f"Member must satisfy regular expression pattern: {shape['pattern']}"
    if "enum" in shape:
        yield _enum(shape)


def _enum(shape: Shape) -> str:
    return f"Member must satisfy enum value set: [{', '.join(shape['enum'])}]"


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str] | None:
    """Return a pattern of the model, a Java one; None for one with characters beyond 16 bits."""
    if not text or "10FFFF" in text:
        return None
    is_unicode = "\\p{" in text
    for name, python in _CLASSES.items():
        text = text.replace(name, python)
    return re.compile(text, 0 if is_unicode else re.ASCII)


# Java's classes of letters, digits and separators, as they can stand within brackets in Python.
_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": "",
    r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}
