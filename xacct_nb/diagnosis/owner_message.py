"""Fills in the message to the owner of the other account with what was read of the denied request."""

from collections.abc import Iterator

from xacct_nb.diagnosis.attempt import ASSUME
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.cause import DESTINATION, SOURCE
from xacct_nb.diagnosis.fixes.fix import smallest_policy, trust_statement
from xacct_nb.diagnosis.role_session import RoleSession
from xacct_nb.handoff.message import DeniedRequest, message
from xacct_nb.iam.arns import Arn
from xacct_nb.redaction.redact import fingerprint

_LEFT_OUT = ("RoleArn", "TokenCode", "ExternalId", "Policy", "WebIdentityToken", "SAMLAssertion")


def owner_message(case: Case, side: str) -> str:
    """Return the message for the owner of a side (source, destination); "" if caller or role is unknown."""
    if case.session:
        return message(_session_request(case, case.session, side), side if case.is_direct else DESTINATION)
    if not (case.caller and case.role) or case.attempt.role_was_assumed:
        return ""
    decision, actions = case.source_decision(), case.attempt.actions
    condition = {"StringEquals": {"sts:ExternalId": _external_id(case)}} if case.attempt.external_id else None
    trust = trust_statement(case.principal, actions, condition)
    request = DeniedRequest(
        caller=case.caller,
        principal=case.principal,
        role=case.role,
        action=case.denial.action or ASSUME,
        details=dict(_details(case)),
        statement=smallest_policy(case.role, actions) if side == SOURCE else trust,
        source_allows=decision.allowed if decision and (decision.allowed or decision.denied) else None,
    )
    return message(request, side)


def _session_request(case: Case, session: RoleSession, side: str) -> DeniedRequest:
    """Return the request of the role's session, or of a caller itself, as an owner needs to know it."""
    holder = session.holder
    details = {"unique id": session.role.id, "account": session.account}
    if case.denial.text:
        details["AWS returned"] = case.denial.text
    statement = smallest_policy(holder.resource, holder.actions)
    if case.is_direct and side == DESTINATION:
        statement = trust_statement(holder.arn, holder.actions, None) | {"Resource": holder.resource}
    return DeniedRequest(
        caller=session.arn,
        principal=session.role.arn,
        role="" if case.is_direct else session.role.arn,
        action=case.attempt.action,
        details=details,
        statement=statement,
        resource=holder.resource,
    )


def _details(case: Case) -> Iterator[tuple[str, str]]:
    entity = case.source.principal or case.caller_identity
    yield "unique id", (entity.id if entity else "") or "not known here: aws sts get-caller-identity"
    yield "account", Arn.parse(case.caller).account
    for name, value in sorted(case.attempt.parameters.items()):
        if name not in _LEFT_OUT and value:
            yield name, str(value)
    yield "ExternalId", _external_id(case)
    denial = case.result.denial if case.result and case.result.denial.text else case.denial
    if denial.text:
        time = case.result.at if case.result else case.now
        yield "AWS returned", denial.text + (f" at {time}" if time else "")


def _external_id(case: Case) -> str:
    given = case.attempt.external_id
    return "none" if not given else given if given.startswith("secret:") else fingerprint(given)
