"""The parts of a policy document as a write finds them, before anything in it is believed."""

import json
import re
from collections.abc import Mapping
from typing import Any

from xacct_nb.sandbox.http.calls import Refusal

_OPERATOR = re.compile(
    r"(For(Any|All)(Value|Values):)?"
    r"(String(Not)?(Equals|EqualsIgnoreCase|Like)|Numeric(Not)?Equals|Numeric(Less|Greater)Than(Equals)?"
    r"|Date(Not)?Equals|Date(Less|Greater)Than(Equals)?|Bool|BinaryEquals|(Not)?IpAddress"
    r"|Arn(Not)?(Equals|Like))(IfExists)?|Null",
    re.IGNORECASE,
)


def malformed(message: str) -> Refusal:
    """IAM's answer to a document that it does not take."""
    return Refusal(400, "MalformedPolicyDocument", message)


def parsed(text: str) -> dict[str, Any] | None:
    """The document as an object; None if it is not one in JSON."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def statements_of(document: Mapping[str, Any]) -> list[Any]:
    """The statements of a document; one that stands alone is a list of one."""
    statements = document.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def length(text: str) -> int:
    """Characters of a document as its quotas count them: white space does not."""
    return len("".join(text.split()))


def repeated_sid(statements: list[Any]) -> bool:
    """Whether two statements have one Sid."""
    sids = [str(statement["Sid"]) for statement in statements if statement.get("Sid")]
    return len(set(sids)) < len(sids)


def unknown_operator(statement: Mapping[str, Any]) -> str:
    """The first condition operator that IAM does not have; "" if there is none."""
    conditions = statement.get("Condition") or {}
    return next((name for name in conditions if not _OPERATOR.fullmatch(name)), "")
