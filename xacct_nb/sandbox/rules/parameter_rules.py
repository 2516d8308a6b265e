"""AWS's ValidationError for parameters of IAM and STS calls, from the models that botocore has of them."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack import internals

Shape = Mapping[str, Any]
"""A type of the model: `type`, and where there are such `min`, `max` and `pattern`."""


def breach(call: Call) -> Refusal | None:
    """Refuse a call with parameters that its model does not allow; the message names all of them."""
    found = [
        f"Value '{value}' at '{name[0].lower()}{name[1:]}' failed to satisfy constraint: {constraint}"
        for name, shape in _parameters(call.service)[call.action].items()
        if (value := call.parameters.get(name)) is not None
        for constraint in _breaches(shape, value)
    ]
    if not found:
        return None
    count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
    return Refusal(400, "ValidationError", f"{count}: {'; '.join(found)}")


@cache
def _parameters(service: str) -> dict[str, dict[str, Shape]]:
    """Return the texts and numbers among the parameters of each operation of a service."""
    model = internals.service_model(service)
    shapes: dict[str, Shape] = model["shapes"]
    return {
        action: {
            name: shapes[member["shape"]]
            for name, member in shapes[operation["input"]["shape"]]["members"].items()
            if shapes[member["shape"]]["type"] in ("string", "integer")
        }
        for action, operation in model["operations"].items()
        if "input" in operation
    }


def _breaches(shape: Shape, value: str) -> Iterator[str]:
    is_number = shape["type"] == "integer"
    number = int(value) if re.fullmatch(r"-?\d{1,9}", value) else 0
    size, what = (number, "value") if is_number else (len(value), "length")
    if size < shape.get("min", size):
        yield f"Member must have {what} greater than or equal to {shape['min']}"
    if size > shape.get("max", size):
        yield f"Member must have {what} less than or equal to {shape['max']}"
    pattern = shape.get("pattern", "")
    # Patterns with \u are of Java and name the characters that XML can hold.
    if pattern and "\\u" not in pattern and not re.fullmatch(pattern, value):
        yield f"Member must satisfy regular expression pattern: {pattern}"
