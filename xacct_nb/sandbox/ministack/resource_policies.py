"""Reads the policy of a resource for MiniStack: which variables are none, and whom NotPrincipal means."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from xacct_nb.iam.canonical import as_list
from xacct_nb.sandbox.ministack import internals
from xacct_nb.sandbox.rules.statements import parsed, statements_of

_ARN = re.compile(r"arn:aws:(?:iam|sts)::(\d{12}):(user|assumed-role)/(.+)")


def read_before(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    """MiniStack's decision on the policy of a resource, after the policy is read."""

    def decide(document: Any, context: Any, *rest: Any, **more: Any) -> Any:
        return evaluate(_readable(document, context.principal_arn), context, *rest, **more)

    return decide


def _readable(document: Any, caller: str) -> Any:
    text = document if isinstance(document, str) else json.dumps(document)
    if "${" not in text and "NotPrincipal" not in text:
        return document
    found = parsed(text)
    if found is None:
        return document
    if found.get("Version") != "2012-10-17":
        # What is no variable is text like any other.
        found = json.loads(text.replace("${", "$\\u200b{"))
    return found | {"Statement": [each for told in statements_of(found) for each in _meant(told, caller)]}


def _meant(statement: Any, caller: str) -> Iterator[Any]:
    """The statement; NotPrincipal becomes everybody, or goes where it spares the caller."""
    if not isinstance(statement, dict) or "NotPrincipal" not in statement:
        yield statement
    elif statement.get("Effect") == "Deny" and not spares(statement["NotPrincipal"], caller):
        yield {key: value for key, value in statement.items() if key != "NotPrincipal"} | {"Principal": "*"}


def spares(principal: Any, caller: str) -> bool:
    """Whether a NotPrincipal leaves the caller out: its account has to be named too, and it has no boundary.

    Source: reference_policies_elements_notprincipal.
    """
    names = as_list(principal.get("AWS", [])) if isinstance(principal, dict) else [principal]
    if _is_bounded(caller):
        return False
    if "*" in names:
        return True
    account = caller.split(":")[4]
    if not {account, f"arn:aws:iam::{account}:root"} & set(names):
        return False
    found = _ARN.fullmatch(caller)
    if found and found[2] == "assumed-role":
        role = internals.entity("role", account, found[3].split("/")[0]) or {}
        return role.get("Arn") in names
    return caller in names or caller.endswith(":root")


def _is_bounded(caller: str) -> bool:
    found = _ARN.fullmatch(caller)
    if not found:
        return False
    account, kind, name = found.groups()
    plain = name.rpartition("/")[2] if kind == "user" else name.split("/")[0]
    entity = internals.entity("user" if kind == "user" else "role", account, plain)
    return bool(entity and entity.get("PermissionsBoundary"))
