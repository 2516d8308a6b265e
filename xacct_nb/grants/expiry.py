"""When a grant ends: a condition on the present time in the policies of both sides."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from xacct_nb.iam.canonical import statements_of
from xacct_nb.validation import require

_FORM = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?", re.ASCII)
_OPERATOR, _KEY = "DateLessThan", "aws:CurrentTime"


def check_expires(text: str, field: str = "expires") -> None:
    """Check that the text of a field is a date, or a moment in UTC. Raises InvalidGrant."""
    require(
        not text or (_FORM.fullmatch(text) and _parsed(text)),
        f"{field}: {text!r} is no date.",
        "A date reads 2026-12-31 and begins at 00:00 UTC; a moment in UTC reads 2026-12-31T18:00:00Z.",
        "Write it so, or leave it empty.",
    )


def moment_of(expires: str) -> str:
    """Return the first second (UTC) at which the access is over: a date is its first second."""
    return f"{_parsed(expires):%Y-%m-%dT%H:%M:%SZ}"


def has_ended(expires: str, now: str) -> bool:
    """Return whether the access is over at a moment in UTC (2026-12-31T18:00:00Z); "" has no end."""
    return bool(expires) and moment_of(expires) <= now


def describe_expiry(expires: str) -> str:
    """Return when the access ends, as people read it."""
    return f"until {moment_of(expires)[:16].replace('T', ' ')} UTC"


def describe_end(expires: str) -> str:
    """Return when the access ended, as people read it."""
    return f"ended at {moment_of(expires)[:16].replace('T', ' ')} UTC"


def expiry_condition(expires: str) -> dict[str, Any]:
    """Return the condition that ends a statement at that moment, none where there is no end.

    Source: reference_policies_elements_condition_operators, date condition operators.
    """
    return {_OPERATOR: {_KEY: moment_of(expires)}} if expires else {}


def end_in(condition: str) -> str:
    """Return the end that a condition, canonical JSON, sets as people read it; "" where it sets none."""
    found = json.loads(condition).get(_OPERATOR, {}).get(_KEY.lower(), [""])[0]
    return describe_expiry(found) if _FORM.fullmatch(found) and _parsed(found) else ""


def is_end_key(key: str) -> bool:
    """Return whether a condition key, as written, is the present time."""
    return key.lower() == _KEY.lower()


def without_expiry(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return a caller policy without that condition: as it decides before the moment."""
    return {**policy, "Statement": [_endless(each) for each in statements_of(policy)]}


def _endless(statement: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: keys for name, keys in statement.get("Condition", {}).items() if name != _OPERATOR}
    kept = {name: statement[name] for name in statement if name != "Condition"}
    return kept | ({"Condition": rest} if rest else {})


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError:
        return None
