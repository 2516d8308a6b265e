"""The forms `steps` and `json`: what to do in AWS's console, with the policies, as text and as JSON."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from xacct_nb.grants.sentences import access_sentences, describe_arn
from xacct_nb.grants.sources import permission_set_of
from xacct_nb.handoff.forms.half import EXTERNAL_ID, Half, OwnCallerPolicy, OwnRole
from xacct_nb.handoff.forms.shell import word
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.quotas import ROLE_SESSION_SECONDS
from xacct_nb.redaction.invisible import on_one_line

_IN_A_SET = (
    " For a permission set, add it to the set's inline policy in IAM Identity Center: AWS refuses changes of "
    "the set's roles in the account."
)
_PLACES = {"user": "Users", "group": "User groups", "role": "Roles"}


@dataclass(frozen=True)
class OwnerStep:
    """One step in words, and the policy that is pasted in it, None for none."""

    text: str
    policy: Any = None


def steps(half: Half) -> str:
    """Return the steps that make the half in AWS's console."""
    return _written(half, "Make", _making(half))


def removal_steps(half: Half) -> str:
    """Return the steps that remove the half in AWS's console."""
    return _written(half, "Remove", _removing(half))


def steps_as_json(half: Half) -> str:
    """Return the steps that make the half, and those that remove it, as a JSON object."""
    fields = {
        "grant": half.grant.name,
        "side": half.side,
        "account": half.account,
        "gives": list(access_sentences(half.grant)),
        "external_id": half.fingerprint or ("not known here" if half.needs_external_id else ""),
        "steps": [_as_json(each) for each in _making(half)],
        "removal": [_as_json(each) for each in _removing(half)],
    }
    return json.dumps(fields, indent=2) + "\n"


def _as_json(step: OwnerStep) -> dict[str, Any]:
    return {"step": step.text} | ({"policy": step.policy} if step.policy else {})


def _written(half: Half, verb: str, todo: Iterator[OwnerStep]) -> str:
    gives = "\n".join(f"  {on_one_line(each)}" for each in access_sentences(half.grant))
    head = (
        f"{verb} the {half.side} side of the grant {half.grant.name} in the account {half.account}\n\n{gives}"
    )
    return "\n\n".join([head, *(_numbered(number, step) for number, step in enumerate(todo, start=1))]) + "\n"


def _numbered(number: int, step: OwnerStep) -> str:
    text = f"{number}. {on_one_line(step.text)}"
    return f"{text}\n\n{json.dumps(step.policy, indent=2)}" if step.policy else text


def _making(half: Half) -> Iterator[OwnerStep]:
    yield OwnerStep(
        f"Sign in to the AWS console of the account {half.account} as an administrator of IAM, not as the "
        "root user. The account's id is at the top right. Open IAM."
    )
    for role in half.roles:
        yield from _make_role(half, role)
    for own in half.statements:
        yield OwnerStep(
            f"Choose Roles, {Arn.parse(own.role).name}. Check that its ARN is {own.role}. Choose Trust "
            "relationships, Edit trust policy. Add this to the list Statement, in place of the statement "
            f"{own.sid} if there is one, and change nothing else.{_about_external_id(half)}",
            own.statement,
        )
    for policy in half.caller_policies:
        yield from _make_caller_policy(policy)
    if half.left_to_owner:
        in_a_set = _IN_A_SET if any(map(permission_set_of, half.grant.role_patterns)) else ""
        yield OwnerStep(
            f"The roles trust {half.left_to_owner}. Give this policy to each user or role of them that "
            f"is to assume the roles, and to nobody else.{in_a_set}",
            half.suggested,
        )
    if half.side == "source":
        yield _test(half)
    if half.role_arns:
        yield OwnerStep(f"Tell the owner of the source account: {', '.join(half.role_arns)}")


def _test(half: Half) -> OwnerStep:
    role = half.grant.destinations[0]
    external = (
        " --external-id THE-EXTERNAL-ID" if half.grant.conditions.external_id.get_secret_value() else ""
    )
    return OwnerStep(
        "Once the owner of the destination account is done, test it with the AWS CLI, as one who may assume "
        f"the role: aws sts assume-role --role-session-name test{external} --role-arn {word(role)}"
    )


def _make_role(half: Half, role: OwnRole) -> Iterator[OwnerStep]:
    if role.path != "/":
        yield OwnerStep(
            f"The console cannot make a role with the path {role.path}. Make {role.arn} with the AWS CLI "
            "(the form commands), or agree with the other owner on a role without a path."
        )
    yield OwnerStep(
        f"Choose Roles. If there is a role {role.name} already, stop: it would have to be taken over. Else "
        "choose Create role, Custom trust policy. Replace the policy there with this one, and choose "
        f"Next.{_about_external_id(half)}",
        role.first_trust,
    )
    attached = f"Tick these policies: {', '.join(role.managed)}." if role.managed else "Tick no policy."
    bound = f" Open Set permissions boundary, and choose {role.boundary}." if role.boundary else ""
    yield OwnerStep(f"{attached}{bound} Choose Next.")
    tags = ", ".join(f"the key {key} with the value {value}" for key, value in role.tags.items())
    yield OwnerStep(
        f"Write the role name {role.name} and the description {role.description}. Add as tag {tags}. Choose "
        "Create role."
    )
    yield from _complete_role(half, role)


def _complete_role(half: Half, role: OwnRole) -> Iterator[OwnerStep]:
    for name, policy in role.inline.items():
        yield OwnerStep(
            f"Open the role {role.name}. Choose Permissions, Add permissions, Create inline policy, JSON. "
            f"Replace the policy there with this one, and save it under the name {name}.",
            policy,
        )
    if role.trusts_itself:
        yield OwnerStep(
            f"In the role {role.name} choose Trust relationships, Edit trust policy. Replace the policy "
            f"there with this one: it trusts the role itself, too.{_about_external_id(half)}",
            role.trust,
        )
    if role.session_seconds > ROLE_SESSION_SECONDS[0]:
        yield OwnerStep(
            f"In the summary of the role {role.name} choose Edit, and set the maximum session duration to "
            f"{role.session_seconds} seconds."
        )


def _about_external_id(half: Half) -> str:
    if not half.needs_external_id:
        return ""
    return (
        f" Write the external ID that you agreed on in place of {EXTERNAL_ID}: no caller can send that text."
    )


def _make_caller_policy(policy: OwnCallerPolicy) -> Iterator[OwnerStep]:
    if not policy.arn:
        for holder in map(Arn.parse, policy.holders):
            yield OwnerStep(
                f"Choose {_PLACES[holder.kind]}, {holder.name}, Permissions, Add permissions, Create inline "
                "policy, JSON. Replace the policy there with this one, and save it under the name "
                f"{policy.name}.",
                policy.document,
            )
        return
    tags = ", ".join(f"the key {key} with the value {value}" for key, value in (policy.tags or {}).items())
    yield OwnerStep(
        "Choose Policies, Create policy, JSON. Replace the policy there with this one. Save it under the "
        f"name {policy.name} with the description {policy.description}, and add as tag {tags}.",
        policy.document,
    )
    whom = ", ".join(map(describe_arn, policy.holders))
    yield OwnerStep(f"Open the policy {policy.name}. Choose Entities attached, Attach, and tick {whom}.")


def _removing(half: Half) -> Iterator[OwnerStep]:
    yield OwnerStep(f"Sign in to the AWS console of the account {half.account}, and open IAM.")
    for policy in half.caller_policies:
        if policy.arn:
            yield OwnerStep(
                f"Choose Policies, {policy.name}, Entities attached. Detach it from all, then delete it."
            )
            continue
        for holder in map(Arn.parse, policy.holders):
            yield OwnerStep(
                f"Choose {_PLACES[holder.kind]}, {holder.name}, Permissions, and delete the inline policy "
                f"{policy.name}."
            )
    for role in half.roles:
        yield OwnerStep(
            f"Choose Roles, {role.name}. Check that its ARN is {role.arn}, then delete it. Its sessions end."
        )
    for own in half.statements:
        yield OwnerStep(
            f"Choose Roles, {Arn.parse(own.role).name}, Trust relationships, Edit trust policy. Delete the "
            f"statement {own.sid}, and change nothing else."
        )
    if half.is_empty:
        yield OwnerStep("Take the policy from every user and role that got it.")
