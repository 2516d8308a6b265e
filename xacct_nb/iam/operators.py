"""Every condition operator of the policy language, as a table; an operator that is missing is an error."""

import base64
import binascii
import ipaddress
import operator as compare
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import TypeVar

from xacct_nb.iam.patterns import ANY_CASE, ARN, EXACT, LIKE, Context, PatternSet, pattern_set

Value = TypeVar("Value")
Test = Callable[[str, Context], bool | None]
# From the values of the policy, and whether `${...}` is a variable, to a test and the patterns behind it.
Make = Callable[[tuple[str, ...], bool], tuple[Test, PatternSet | None]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
# The W3C note on dates and times. Four digits are a year; other numbers are seconds since 1970.
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_CIDR = re.compile(r"[0-9A-Fa-f.:]+(?:/\d{1,3})?", re.ASCII)
_EARLIEST = (1, 1, 1, 0, 0, 0)  # for the parts of a date that are left out
_EPOCH = re.compile(r"-\d{1,13}|\d{1,3}|\d{5,13}|-?\d{1,13}\.\d{1,20}", re.ASCII)


class UnknownOperator(ValueError):
    """Raised for an operator that is not in the table."""


@dataclass(frozen=True, slots=True)
class Operator:
    """How values are compared: `make` compiles those of the policy; `negated` inverts the result."""

    make: Make
    negated: bool = False


def _text_test(style: str, values: tuple[str, ...], variables: bool) -> tuple[Test, PatternSet]:
    patterns = pattern_set(values, style, variables)
    if style == ANY_CASE:
        return (lambda value, context: patterns.match(value.lower(), context)), patterns
    return patterns.match, patterns


def _value_test(
    read: Callable[[str], Value | None],
    kind: str,
    holds: Callable[[Value, Value], bool],
    values: tuple[str, ...],
    _: bool,
) -> tuple[Test, None]:
    """Compare values that `read` understands; one of the request that it does not compares as false."""
    wanted = [_require_readable(read, value, kind) for value in values]

    def test(value: str, _: Context) -> bool:
        given = read(value)
        return given is not None and any(holds(given, each) for each in wanted)

    return test, None


def _bool_test(values: tuple[str, ...], variables: bool) -> tuple[Test, PatternSet]:
    # AWS's page on the operators allows a variable here.
    if not (variables and any("${" in value for value in values)):
        _one_bool(values)
    patterns = pattern_set(values, ANY_CASE, variables)
    return (lambda value, context: patterns.match(_bool(value) or "", context)), patterns


def _one_bool(values: tuple[str, ...]) -> str:
    if len(values) != 1:
        raise ValueError("it takes one value, true or false")
    return read_truth(values[0])


def read_truth(value: str) -> str:
    """Return true or false, in lower case. Raises ValueError."""
    return _require_readable(_bool, value, "true or false")


def _bool(text: str) -> str | None:
    return text.lower() if text.lower() in ("true", "false") else None


def _require_readable(read: Callable[[str], Value | None], value: str, kind: str) -> Value:
    found = read(value)
    if found is None:
        raise ValueError(f"a value is not {kind}; a variable is not allowed here")
    return found


@lru_cache(maxsize=1024)
def parse_number(text: str) -> Decimal | None:
    """Return the number that a text is, None for other text."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=1024)
def parse_date(text: str) -> Decimal | None:
    """Return the seconds since 1970 of a date in ISO 8601 (W3C note; UTC without a zone), or of seconds."""
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    found = _DATE.fullmatch(text)
    if not found:
        return None
    *parts, fraction, zone = found.groups()
    numbers = (int(part or least) for part, least in zip(parts, _EARLIEST, strict=True))
    year, month, day, hour, minute, second = numbers
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return Decimal(int(moment.timestamp())) + Decimal(f"0.{fraction or 0}") - _zone_seconds(zone)


def _zone_seconds(zone: str | None) -> int:
    if zone is None or zone in "Zz":
        return 0
    seconds = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return -seconds if zone[0] == "-" else seconds


@lru_cache(maxsize=1024)
def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=1024)
def parse_network(text: str) -> Network | None:
    """Return the network of an IP address or CIDR range, None for other text."""
    if not _CIDR.fullmatch(text):
        return None
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def is_within(given: Network, wanted: Network) -> bool:
    """Return whether a network lies within another; networks of two IP versions never do."""
    return given.version == wanted.version and given.subnet_of(wanted)  # type: ignore[arg-type]


_ORDERS = {
    "Equals": compare.eq,
    "LessThan": compare.lt,
    "LessThanEquals": compare.le,
    "GreaterThan": compare.gt,
    "GreaterThanEquals": compare.ge,
}


def _operators() -> dict[str, Operator]:
    text = {"StringEquals": EXACT, "StringEqualsIgnoreCase": ANY_CASE, "StringLike": LIKE}
    text |= {"ArnEquals": ARN, "ArnLike": ARN}
    kinds = {
        "Numeric": (parse_number, "a number"),
        "Date": (parse_date, "a date in ISO 8601 or seconds since 1970"),
    }
    makes: dict[str, Make] = {name: partial(_text_test, style) for name, style in text.items()}
    makes |= {
        f"{family}{order}": partial(_value_test, *kind, holds)
        for family, kind in kinds.items()
        for order, holds in _ORDERS.items()
    }
    negations = {
        name.replace("Equals", "NotEquals", 1).replace("Like", "NotLike", 1): Operator(make, negated=True)
        for name, make in makes.items()
        if not name.endswith(("Than", "ThanEquals"))
    }
    # mypy joins the two classes of networks into object.
    network = partial(_value_test, parse_network, "an IP address or a CIDR range", is_within)  # type: ignore[misc]
    binary = partial(_value_test, _bytes, "Base64 text", compare.eq)
    makes |= {"Bool": _bool_test, "BinaryEquals": binary, "IpAddress": network}
    return {
        **{name: Operator(make) for name, make in makes.items()},
        **negations,
        "NotIpAddress": Operator(network, negated=True),
    }


OPERATORS = _operators()
