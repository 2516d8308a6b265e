"""The policy documents of IAM's calls, parsed once by `xacct_nb.iam.policy`."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam.grammar import IDENTITY, NEW
from xacct_nb.iam.policy import ParsedPolicy, parse
from xacct_nb.sandbox.http.calls import Refusal


@lru_cache(maxsize=4096)
def parse_text(text: str, kind: str) -> ParsedPolicy | InvalidPolicy:
    """Return the policy in a JSON text, or the reason for which AWS refuses it."""
    try:
        return parse(json.loads(text), kind)
    except InvalidPolicy as refusal:
        return refusal.with_traceback(None)
    except (ValueError, RecursionError):
        return InvalidPolicy("The document is not JSON.")


def read_policy(text: str, kind: str = IDENTITY) -> ParsedPolicy:
    """Return the policy in a JSON text; one that AWS refuses has no statement."""
    found = parse_text(text, kind)
    return found if isinstance(found, ParsedPolicy) else ParsedPolicy(kind, NEW, ())


def malformed(message: str) -> Refusal:
    """Return IAM's refusal of a document."""
    return Refusal(400, "MalformedPolicyDocument", message)


def as_object(text: str) -> dict[str, Any] | None:
    """Return a JSON text as an object; None if it is not one."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def statements_of(document: Mapping[str, Any]) -> list[Any]:
    """Return the statements of a document; a single one is a list of one."""
    statements = document.get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def refused_part(document: Mapping[str, Any], path: str) -> tuple[str, Any, str]:
    """Return the element that a path names, its statement (None: the document's own), and the rest."""
    if not path.startswith("Statement["):
        return path, None, ""
    number, _, inside = path.removeprefix("Statement[").partition("]")
    element, _, rest = inside.removeprefix(".").partition(".")
    return element, statements_of(document)[int(number)], rest


def aws_principals(policy: ParsedPolicy) -> Iterator[str]:
    """Yield the AWS principals that a policy names."""
    for statement in policy.statements:
        for text in statement.principals.texts if statement.principals else ():
            kind, _, name = text.partition(": ")
            if kind == "AWS":
                yield name


def length(text: str) -> int:
    """Return the characters of a document as its quotas count them: without white space."""
    return len("".join(text.split()))
