"""The kinds of a form's fields: how a value is shown as text to edit, and how what is typed is read."""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from xacct_nb.errors import InvalidGrant
from xacct_nb.grants.conditions import Permission, is_reference

Typed = str | bool


def _items(typed: Typed) -> list[str]:
    """Return what stands between spaces, without the quotes and commas of a JSON document."""
    return [re.sub(r"""^(["'])(.*)\1,?$""", r"\2", each) for each in str(typed).split()]


def _lines(typed: Typed) -> list[str]:
    return [line.strip() for line in str(typed).splitlines() if line.strip()]


def _number(name: str, typed: Typed) -> int:
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", str(typed), re.ASCII):
        raise InvalidGrant(
            f"{name}: {str(typed)[:40]!r} is not a whole number.",
            why="A form takes digits only.",
            hint="Write it like 60.",
        )
    return int(str(typed))


def _numbers(name: str, typed: Typed) -> list[int]:
    found = [_number(name, each) for each in str(typed).replace(",", " ").split()]
    if any(each < 1 for each in found):
        raise InvalidGrant(
            f"{name}: {str(typed)[:40]!r} has a number below 1.",
            why="Each of them is a number of accounts.",
            hint="Write them like 1, 10.",
        )
    return found


def _accounts(_: str, typed: Typed) -> list[str]:
    """Return the ids in a pasted list: as a document, a table or the console has them."""
    lines = (line.partition("#")[0] for line in str(typed).splitlines())
    ids = (each.strip("\"'[]()") for line in lines for each in re.split(r"[\s,;]+", line))
    return [re.sub(_HYPHENATED, r"\1\2\3", each) for each in ids if each not in ("", "-")]


# The console shows the id of an account in three parts.
_HYPHENATED = re.compile(r"^([0-9]{4})-([0-9]{4})-([0-9]{4})$")


def _reference(name: str, typed: Typed) -> str:
    if (given := str(typed).strip()) and not is_reference(given):
        raise InvalidGrant(
            f"{name}: The field takes a reference, not the external ID itself.",
            why="What is typed here can be saved with the notebook, and an external ID must stay secret.",
            hint="Put it into a file or an environment variable, and type file:PATH or env:NAME here.",
        )
    return given


def _permissions(name: str, typed: Typed) -> list[dict[str, list[str]]]:
    return [_permission(name, line) for line in _lines(typed)]


def _permission(name: str, line: str) -> dict[str, list[str]]:
    actions, _, resources = line.partition(" on ")
    if not resources:
        raise InvalidGrant(
            f"{name}: {line!r} names no resource.",
            why="A line reads: actions on resources, each with commas between.",
            hint="Write it like s3:GetObject on arn:aws:s3:::reports/*.",
        )
    # The name of a resource may contain spaces and commas.
    parts = re.split(r",\s*(?=arn:|\*)", resources.strip())
    return {"actions": actions.replace(",", " ").split(), "resources": parts}


def _typed_permissions(permissions: Sequence[Permission]) -> str:
    lines = (f"{', '.join(each.actions)} on {', '.join(each.resources)}" for each in permissions)
    return "\n".join(lines)


def _tags(name: str, typed: Typed) -> dict[str, str]:
    tags = dict[str, str]()
    for line in _lines(typed):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or key in tags:
            raise InvalidGrant(
                f"{name}: {line!r} {'is given twice' if equals else 'has no value'}.",
                why="A line reads: key = value, and each key stands once.",
                hint="Write it like team = reports.",
            )
        tags[key] = value
    return tags


def _shown_reference(value: Any) -> str:
    secret = value.get_secret_value()
    return secret if is_reference(secret) else ""


class Kind(NamedTuple):
    """How a kind of field is typed: a value as text, and text as a value."""

    show: Callable[[Any], Typed]
    read: Callable[[str, Typed], Any]


KINDS: dict[str, Kind] = {
    "text": Kind(str, lambda _, typed: str(typed).strip()),
    "arns": Kind("\n".join, lambda _, typed: _items(typed)),
    "codes": Kind(" ".join, lambda _, typed: str(typed).replace(",", " ").split()),
    "lines": Kind("\n".join, lambda _, typed: _lines(typed)),
    "permissions": Kind(_typed_permissions, _permissions),
    "number": Kind(str, _number),
    "numbers": Kind(lambda numbers: ", ".join(map(str, numbers)), _numbers),
    "accounts": Kind("\n".join, _accounts),
    "flag": Kind(bool, lambda _, typed: bool(typed)),
    "choice": Kind(lambda value: value, lambda _, typed: typed),
    "reference": Kind(_shown_reference, _reference),
    "tags": Kind(
        lambda tags: "\n".join(f"{key} = {value}" for key, value in tags.items()),
        _tags,
    ),
}
