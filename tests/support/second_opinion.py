"""MiniStack's own evaluator of policies, unpatched, asked with the arguments of `evaluate`."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from support.bare_ministack import fresh_module

TYPES = {"user": "User", "assumed-role": "AssumedRole", "root": "Root"}


@cache
def evaluator() -> Any:
    """Return MiniStack's module, loaded once."""
    return fresh_module("core.iam_evaluator")


def is_allowed(question: Mapping[str, Any]) -> bool:
    """Return whether MiniStack's evaluator allows what `evaluate(**question)` is asked."""
    own = evaluator()
    principal: str = question["principal"]
    kind = TYPES[principal.split(":", 5)[5].split("/", maxsplit=1)[0]]
    if kind == "Root":
        return True
    keys = {name.lower(): value for name, value in question["context"].items()}
    keys = {"aws:tagkeys": None, "aws:principalisawsservice": "false", **keys}
    texts = {name: _text(value) for name, value in keys.items()}
    context = own.EvalContext(
        principal_arn=principal,
        principal_type=kind,
        principal_account=principal.split(":")[4],
        action=question["action"],
        resource_arn=question["resource"],
        region="us-east-1",
        principal_keys={"aws:username": principal.rpartition("/")[2]} | texts if kind == "User" else texts,
        service_context=texts,
    )
    policies, *limits = (
        [own.parse_policy_document(document) for document in documents]
        for documents in (question["identity_policies"], *_limits(question))
    )
    found = own.evaluate(context, policies, *limits)
    if (policy := question["resource_policy"]) or question["action"].startswith("sts:"):
        trust = question["action"].startswith("sts:")
        owner = question["resource_account"]
        found = own.combine_resource_policy(found, context, policy, owner, trust, tuple(limits))
    return bool(found.decision == "Allow")


def _limits(question: Mapping[str, Any]) -> list[list[Any]]:
    limits = (question["permissions_boundaries"], question["session_policies"])
    return [documents for documents in limits if documents is not None]


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value
