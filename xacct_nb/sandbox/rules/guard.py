"""Refuses before MiniStack what AWS also refuses: a table of rules, each of which checks one call."""

from collections.abc import Callable

from xacct_nb.sandbox.http.calls import Call, Refusal, read_call
from xacct_nb.sandbox.http.messages import App, Message, Receive, Send, send_response
from xacct_nb.sandbox.ministack.guard_result import (
    NOTHING,
    GuardResult,
    IamResource,
    checked_service,
    current,
)
from xacct_nb.sandbox.rules import (
    arn_rules,
    assume_rules,
    bucket_rules,
    entity_rules,
    federation_rules,
    key_rules,
    mfa,
    organization_calls,
    policy_rules,
    tag_rules,
    trust_rules,
)
from xacct_nb.sandbox.rules.controls import CONTROLS, forget_everything, serve_control
from xacct_nb.sandbox.rules.federation_rules import FEDERATED
from xacct_nb.sandbox.rules.iam_keys import iam_keys
from xacct_nb.sandbox.rules.iam_resources import resource_of
from xacct_nb.sandbox.rules.parameter_rules import breach, unknown_operation

Rule = Callable[[Call], Refusal | None]
"""Returns AWS's refusal of a call, or None: then the next rule decides, and after the last one MiniStack."""
Effect = Callable[[Call], Callable[[], None]]
"""Reads a call before it is made; returns what to do after it has succeeded."""

ALWAYS: tuple[Rule, ...] = (
    assume_rules.session_may_not,
    breach,
    arn_rules.invalid_arn,
    tag_rules.tags,
    entity_rules.entity_is_there,
)
RULES: dict[tuple[str, str], tuple[Rule, ...]] = {
    ("iam", "CreateRole"): (entity_rules.name_is_free, trust_rules.trust_policy),
    ("iam", "UpdateAssumeRolePolicy"): (trust_rules.trust_policy,),
    ("iam", "DeleteRole"): (entity_rules.delete_entity,),
    ("iam", "CreateUser"): (entity_rules.name_is_free,),
    ("iam", "DeleteUser"): (entity_rules.delete_entity,),
    ("iam", "CreateGroup"): (entity_rules.name_is_free,),
    ("iam", "DeleteGroup"): (entity_rules.delete_entity,),
    ("iam", "AddUserToGroup"): (entity_rules.group_too_many,),
    ("iam", "CreateAccessKey"): (entity_rules.key_too_many,),
    ("iam", "CreatePolicy"): (policy_rules.managed_policy, policy_rules.same_name),
    ("iam", "CreatePolicyVersion"): (policy_rules.managed_policy, policy_rules.sixth_version),
    ("iam", "DeletePolicy"): (entity_rules.delete_policy,),
    ("iam", "PutUserPolicy"): (policy_rules.inline_policy,),
    ("iam", "PutRolePolicy"): (policy_rules.inline_policy,),
    ("iam", "PutGroupPolicy"): (policy_rules.inline_policy,),
    ("iam", "AttachUserPolicy"): (policy_rules.attachment,),
    ("iam", "AttachRolePolicy"): (policy_rules.attachment,),
    ("iam", "AttachGroupPolicy"): (policy_rules.attachment,),
    ("iam", "EnableMFADevice"): (mfa.pair_of_codes,),
    ("iam", "ResyncMFADevice"): (mfa.pair_of_codes,),
    ("sts", "GetFederationToken"): (policy_rules.session_policy,),
    ("s3", "PutBucketPolicy"): (bucket_rules.bucket_policy,),
    ("kms", "PutKeyPolicy"): (key_rules.key_policy,),
    ("kms", "CreateKey"): (key_rules.key_policy,),
}
EFFECTS: dict[tuple[str, str], Effect] = {
    ("iam", "CreateRole"): entity_rules.take_name,
    ("iam", "CreateUser"): entity_rules.take_name,
    ("iam", "CreateGroup"): entity_rules.take_name,
    ("iam", "DeleteRole"): entity_rules.free_name,
    ("iam", "DeleteUser"): entity_rules.free_name,
    ("iam", "DeleteGroup"): entity_rules.free_name,
    ("iam", "EnableMFADevice"): mfa.use_pair,
    ("iam", "ResyncMFADevice"): mfa.use_pair,
}
RESULTS: dict[tuple[str, str], Callable[[Call], GuardResult]] = {
    ("sts", "AssumeRole"): assume_rules.assume_role,
    ("sts", "GetSessionToken"): assume_rules.get_session_token,
}


def guarded(app: App) -> App:
    """Return `app` that refuses what AWS refuses, and serves the routes of CONTROLS."""

    async def guard(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        if scope["path"] in CONTROLS:
            return await serve_control(scope, receive, send)
        if scope["path"] == "/_ministack/reset":
            forget_everything()
        call, receive = await read_call(scope, receive)
        if unknown := unknown_operation(call):
            return await send_response(send, unknown.response(call.service))
        if call.service == "sts" and call.action in FEDERATED:
            return await send_response(send, federation_rules.serve(call))
        checked_service.set(call.service)
        current.set(result_for(call))
        await app(scope, receive, send)

    return guard


def result_for(call: Call) -> GuardResult:
    """Return what the tables have for a call."""
    which = call.service, call.action
    if call.service == "organizations" and call.account:
        return organization_calls.result(call)
    if not call.account or call.service not in ("iam", "sts", "s3", "kms"):
        return NOTHING
    found = IamResource()
    if call.service == "iam":
        found = resource_of(call)._replace(keys=iam_keys(call))
    always = ALWAYS if call.service in ("iam", "sts") else ()
    for rule in (*always, *RULES.get(which, ())):
        if refusal := rule(call):
            is_sts = call.service == "sts"
            return GuardResult(refusal.response(call.service), authorized=is_sts, resource=found)
    if which in RESULTS:
        return RESULTS[which](call)
    return GuardResult(on_success=EFFECTS[which](call) if which in EFFECTS else None, resource=found)
