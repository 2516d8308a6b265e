"""What a wrong answer of AWS points to: the diagnosis of a denial, the statements behind an allowed call."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.diagnosis_sessions import AccountSession, DiagnosisSessions
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.iam.arns import Arn, role_arn_of
from xacct_nb.iam.canonical import statements_of
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.sandbox.server.accounts import SIDES, Side
from xacct_nb.workshop.calling import Questioner
from xacct_nb.workshop.question import AssumeCall, Question, Reply
from xacct_nb.workshop.world import OUTSIDER, WorkshopWorld

_ASSUME = "sts:AssumeRole"
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_MFA = {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "0"}
_MOST = 2


def points_to(caller: Questioner, reply: Reply) -> tuple[str, ...]:
    """Return what AWS's answer points to, in sentences; nothing where the project finds nothing."""
    if reply.allowed:
        return _behind_allowed(caller, reply.question)
    if reply.question.simulated and reply.question.calls:
        return ()  # it was not called, so AWS denied nobody
    found = diagnose_reply(caller, reply)
    return tuple(f"{each.why} ({each.side})" for each in found.causes[:1])


def diagnose_reply(caller: Questioner, reply: Reply) -> Diagnosis:
    """Return the diagnosis of a denied question."""
    question = reply.question
    if reply.at is not None:
        before, denied = question.calls[: reply.at], question.calls[reply.at]
        return diagnose_call(caller, question.who, before, denied.role, call=dict(denied.parameters))
    before, last = question.calls[:-1], question.calls[-1:]
    about = {"action": question.action, "resource": question.resource}
    if not last:
        return diagnose_call(caller, question.who, before, "", **about)
    return diagnose_call(caller, question.who, before, last[0].role, call=dict(last[0].parameters), **about)


def diagnose_call(
    caller: Questioner, who: str, before: tuple[AssumeCall, ...], role: str, **about: Any
) -> Diagnosis:
    """Return why the caller, with the session of the last role before, is denied; `about` as `diagnose`."""
    arn, session = (
        _arn(caller, who, before),
        AccountSession(caller.clients(who, before), "" if before else who),
    )
    return diagnose(None, _sessions(caller.world, session, arn, role), caller=arn, role=role, **about)


def _sessions(world: WorkshopWorld, session: AccountSession, caller: str, role: str) -> DiagnosisSessions:
    source = _admin_of(world, Arn.parse(caller).account)
    destination = _admin_of(world, Arn.parse(role).account) if role else source
    return DiagnosisSessions(session, source, destination, endpoint=world.endpoint)


def _admin_of(world: WorkshopWorld, account: str) -> AccountSession | None:
    """Return a session that may read an account."""
    sides: dict[str, Side] = {world.account(side): side for side in SIDES}
    if account in sides:
        return AccountSession(partial(world.admin, sides[account]), f"{sides[account]}-admin")
    is_outside = OUTSIDER in world.profiles and account == world.outside
    return AccountSession(partial(world.client, OUTSIDER), OUTSIDER) if is_outside else None


def _arn(caller: Questioner, who: str, calls: tuple[AssumeCall, ...]) -> str:
    return str(caller.clients(who, calls)("sts").get_caller_identity()["Arn"])


def _behind_allowed(caller: Questioner, question: Question) -> tuple[str, ...]:
    """Return the statements that allow a call: of the trust policies, or of the role's own policies."""
    if question.action:
        last = question.calls[-1].role if question.calls else role_arn_of(_arn(caller, question.who, ()))
        session = _admin_of(caller.world, Arn.parse(last).account)
        if session is None or Arn.parse(last).kind != "role":
            return ()
        return _allowing_statements(question, last, _policies_of(session.client("iam"), Arn.parse(last).name))
    hops = (_trusting_statements(caller, question, number) for number in range(len(question.calls)))
    return tuple(line for hop in hops for line in hop)[:_MOST]


def _trusting_statements(caller: Questioner, question: Question, number: int) -> Iterator[str]:
    """Yield the statements of a trust policy by which AWS allows one of the AssumeCalls."""
    call = question.calls[number]
    session, name = _admin_of(caller.world, Arn.parse(call.role).account), Arn.parse(call.role).name
    if session is None:
        return
    who = _arn(caller, question.who, question.calls[:number])
    trust = session.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    for place, statement in enumerate(statements_of(trust), start=1):
        if _lets_in(who, call, {**trust, "Statement": [statement]}):
            yield (
                f"Statement {place} of the trust policy of role/{name} lets it in. "
                f"Its Principal is {json.dumps(statement.get('Principal'))}{_conditions_of(statement)}."
            )


def _conditions_of(statement: Mapping[str, Any]) -> str:
    """Return what a statement's conditions compare, without the values: they may be secret."""
    found = [
        f"{operator} on {key}" for operator, keys in statement.get("Condition", {}).items() for key in keys
    ]
    return f", its Condition is {' and '.join(found)}" if found else ""


def _lets_in(who: str, call: AssumeCall, trust: Mapping[str, Any]) -> bool:
    external_id = call.parameters.get("ExternalId")
    context = {"sts:ExternalId": external_id} if external_id else {}
    return evaluate(
        principal=who,
        action=_ASSUME,
        resource=call.role,
        context=context | (_MFA if "TokenCode" in call.parameters else {}),
        identity_policies=[_EVERYTHING],
        resource_policy=trust,
    ).allowed


def _allowing_statements(question: Question, role: str, policies: Mapping[str, Any]) -> tuple[str, ...]:
    resource = question.resource or "*"
    return tuple(
        f"Statement {number} of policy {name} of {Arn.parse(role).resource} allows it: "
        f"{json.dumps(statement.get('Action'))} on {json.dumps(statement.get('Resource'))}."
        for name, policy in policies.items()
        for number, statement in enumerate(statements_of(policy), start=1)
        if evaluate(
            principal=role,
            action=question.action,
            resource=resource,
            identity_policies=[{**policy, "Statement": [statement]}],
        ).allowed
    )[:_MOST]


def _policies_of(iam: AwsClient, role: str) -> dict[str, Any]:
    """Return the documents of a role's own policies and of those attached to it, by name."""
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    found = {name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}
    for each in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        arn = each["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        found[each["PolicyName"]] = document
    return found
