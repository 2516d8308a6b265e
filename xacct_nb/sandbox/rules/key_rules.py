"""KMS's refusals of a key policy when it is written. Source: KMS API reference, PutKeyPolicy, CreateKey."""

import json
from typing import Any

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam.grammar import RESOURCE
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack.authorization_request import AuthorizationRequest
from xacct_nb.sandbox.ministack.callers import caller_of
from xacct_nb.sandbox.rules.decisions import decide
from xacct_nb.sandbox.rules.documents import aws_principals, parse_text
from xacct_nb.sandbox.rules.trust_rules import principal_exists

_PRINCIPALS = "Policy contains a statement with one or more invalid principals."
_LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."
_MALFORMED = "The policy document is not valid."


def key_policy(call: Call) -> Refusal | None:
    """Refuse the policy of PutKeyPolicy, or of CreateKey if it has one."""
    text = _parameters(call).get("Policy")
    if text is None and call.action == "CreateKey":
        return None
    policy = parse_text(text, RESOURCE) if isinstance(text, str) else None
    if text is None or policy is None or isinstance(policy, InvalidPolicy):
        return Refusal(400, "MalformedPolicyDocumentException", _MALFORMED)
    if not all(map(principal_exists, aws_principals(policy))):
        return Refusal(400, "MalformedPolicyDocumentException", _PRINCIPALS)
    if _parameters(call).get("BypassPolicyLockoutSafetyCheck") is True or _can_update(call, text):
        return None
    return Refusal(400, "MalformedPolicyDocumentException", _LOCKED_OUT)


def _can_update(call: Call, text: str) -> bool:
    """Return whether the caller can still write the policy of a key that has this one."""
    caller = caller_of(call.key, call.account)
    key = f"arn:aws:kms:{call.region}:{call.account}:key/new"
    if caller is None:
        return True  # MiniStack refuses the key
    request = AuthorizationRequest(
        caller,
        "kms:PutKeyPolicy",
        key,
        {},
        owner=call.account,
        resource_policy=text,
        region=call.region,
        address=call.client,
    )
    decision = decide(request)
    return decision is not None and decision.allowed


def _parameters(call: Call) -> dict[str, Any]:
    try:
        found = json.loads(call.body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
