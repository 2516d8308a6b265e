"""Compares what stands in a policy with a request where MiniStack compares otherwise than AWS."""

import operator as compare
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from xacct_nb.sandbox.ministack.variables import MARK, NOTHING, STAR, plain

_DAY = re.compile(r"\d{4}(-\d\d)?")
_ORDERS = {
    "equals": compare.eq,
    "lessthan": compare.lt,
    "lessthanequals": compare.le,
    "greaterthan": compare.gt,
    "greaterthanequals": compare.ge,
}


def install() -> None:
    """Puts these comparisons into MiniStack's evaluator."""
    from ministack.core import iam_evaluator

    iam_evaluator._resource_matches = resource_matches
    iam_evaluator._CONDITION_OPS.update(_operators())
    iam_evaluator._conditions_met = _with_truths(iam_evaluator._conditions_met)
    single = _with_several_values(iam_evaluator._evaluate_single_condition)
    iam_evaluator._evaluate_single_condition = _with_missing_values(single)
    iam_evaluator._principal_matches = _to_the_letter(iam_evaluator._principal_matches)
    iam_evaluator._names_caller_directly = _or_everybody(iam_evaluator._names_caller_directly)


def resource_matches(resource: str, resources: list[str], not_resources: list[str]) -> bool:
    """Whether Resource or NotResource means the resource.

    Source: reference_policies_elements_resource.
    """
    if not_resources and any(NOTHING in each for each in not_resources):
        return False
    if resources:
        return any(_is_like(each).fullmatch(resource) for each in resources)
    return not any(_is_like(each).fullmatch(resource) for each in not_resources)


@lru_cache(maxsize=4096)
def _is_like(pattern: str) -> re.Pattern[str]:
    """A resource: parts that are missing are a *; a wildcard stays in its part, unless a * ends the part."""
    if pattern == "*":
        return re.compile(".*", re.DOTALL)
    *front, last = (pattern.split(":", 5) + ["*"] * 5)[:6]
    parts = [_part(each[:-1], "[^:]") + ".*" if each[-1:] == "*" else _part(each, "[^:]") for each in front]
    return re.compile(":".join([*parts, _part(last, ".")]), re.DOTALL)


@lru_cache(maxsize=4096)
def _part(pattern: str, one: str) -> str:
    special = {"*": f"{one}*", "?": one, STAR: r"\*", MARK: r"\?"}
    return "".join(special.get(letter) or re.escape(letter) for letter in pattern)


def _text_like(given: str, pattern: str) -> bool:
    return re.fullmatch(_part(pattern, "."), given, re.DOTALL) is not None


def _arn_like(given: str, pattern: str) -> bool:
    """Each of the six parts by itself. Source: reference_policies_elements_condition_operators."""
    parts, patterns = given.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) == 6 and all(map(_text_like, parts, patterns))


def _moment(text: str) -> datetime | None:
    """A date as W3C writes it, a year or a month alone too, or seconds since 1970."""
    try:
        if _DAY.fullmatch(text):
            return datetime(int(text[:4]), int(text[5:] or 1), 1, tzinfo=UTC)
        if re.fullmatch(r"-?\d+", text):
            return datetime.fromtimestamp(int(text), UTC)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _ordered(read: Callable[[str], Any], holds: Callable[[Any, Any], bool]) -> Callable[[str, str], bool]:
    def holds_of(given: str, wanted: str) -> bool:
        one, other = read(given), read(wanted)
        return one is not None and other is not None and holds(one, other)

    return holds_of


def _negated(holds: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    return lambda given, wanted: not holds(given, wanted)


def _operators() -> dict[str, Callable[[str, str], bool]]:
    found: dict[str, Callable[[str, str], bool]] = {
        "stringequals": lambda given, wanted: given == plain(wanted),
        "stringequalsignorecase": lambda given, wanted: given.lower() == plain(wanted).lower(),
        "stringlike": _text_like,
        "arnequals": _arn_like,
        "arnlike": _arn_like,
        "numericequals": _ordered(_number, compare.eq),
        "dateequals": _ordered(_moment, compare.eq),
    }
    found |= {
        name.replace("equals", "notequals").replace("like", "notlike"): _negated(holds)
        for name, holds in found.items()
    }
    for kind, read in (("numeric", _number), ("date", _moment)):
        found |= {f"{kind}{order}": _ordered(read, holds) for order, holds in _ORDERS.items()}
    return found


def _with_truths(met: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A true of JSON is the text true."""

    def holds(conditions: Any, context: Any) -> bool:
        return met(_written(conditions), context)

    return holds


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _written(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_written(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else value


def _with_missing_values(met: Callable[..., bool]) -> Callable[..., bool]:
    """A variable without a value makes a statement invalid, unless IfExists is the way out.

    Source: reference_policies_variables. For sets an empty text is no value
    (reference_policies_condition-single-vs-multi-valued-context-keys).
    """

    def holds(operator: str, given: Any, wanted: list[Any]) -> bool:
        name = operator.lower()
        if name.startswith("for") and not any(given if isinstance(given, list) else [given]):
            given = None
        if any(NOTHING in str(each) for each in wanted) and (
            _is_negated(name) if given is not None else not name.endswith("ifexists")
        ):
            return False
        return met(operator, given, wanted)

    return holds


def _with_several_values(met: Callable[..., bool]) -> Callable[..., bool]:
    """An operator that is not for sets compares each value of a key that has several."""

    def holds(operator: str, given: Any, wanted: list[Any]) -> bool:
        name = operator.lower()
        if not isinstance(given, list) or name == "null" or name.startswith("for"):
            return met(operator, given, wanted)
        combine = all if _is_negated(name) else any
        return combine(met(operator, each, wanted) for each in given)

    return holds


def _is_negated(operator: str) -> bool:
    return "not" in operator.rpartition(":")[2]


def _to_the_letter(matches: Callable[[Any, str], bool]) -> Callable[[Any, str], bool]:
    """The ARN of a principal counts in its own case only. Source: reference_policies_elements_principal."""

    def means(principal: Any, caller: str) -> bool:
        if not isinstance(principal, dict):
            return matches(principal, caller)
        kept = [each for each in _named(principal) if each == caller or each.lower() != caller.lower()]
        return matches(principal | {"AWS": kept}, caller)

    return means


def _or_everybody(names: Callable[[Any, str], bool]) -> Callable[[Any, str], bool]:
    """A * means the session itself, so that nothing but a deny limits it.

    Source: reference_policies_elements_principal (IAM role principals).
    """

    def means(principal: Any, caller: str) -> bool:
        return principal == "*" or "*" in _named(principal) or names(principal, caller)

    return means


def _named(principal: Any) -> list[str]:
    names = principal.get("AWS", []) if isinstance(principal, dict) else []
    return [str(each) for each in (names if isinstance(names, list) else [names])]
