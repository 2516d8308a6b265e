"""Serves SimulatePrincipalPolicy as the IAM API reference describes it: MiniStack's leaves half of it out."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from ministack.core import responses
from ministack.services import iam

from xacct_nb.sandbox.ministack import internals
from xacct_nb.sandbox.ministack.guard_result import HttpResponse
from xacct_nb.sandbox.ministack.xml_text import escape_xml


class SimulatedRequest(NamedTuple):
    """What is simulated: a principal with the policies that are not left out, among them SCPs and RCPs."""

    principal: str
    action: str
    resource: str
    context: Mapping[str, Any]
    identity: tuple[str, ...]
    boundaries: tuple[str, ...] | None
    scp: bool
    rcp: bool


class SimulatedAnswer(NamedTuple):
    """The decision (allowed, explicitDeny, implicitDeny), that of the organization, and the missing keys."""

    decision: str
    organization: bool | None
    missing: tuple[str, ...]


Simulate = Callable[[SimulatedRequest], SimulatedAnswer]


def install(simulate: Simulate) -> None:
    """Let `simulate` answer in place of MiniStack's evaluator."""
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = partial(_serve, simulate)


def _serve(simulate: Simulate, parameters: Any) -> HttpResponse:
    principal, account = iam._p(parameters, "PolicySourceArn"), responses.get_account_id()
    kind, _, name = principal.rpartition(":")[2].partition("/")
    name = name.rpartition("/")[2]
    entity = internals.entity(kind, account, name) if kind in ("user", "role", "group") else None
    response: HttpResponse
    if entity is None:
        text = f"The {kind or 'entity'} with name {name} cannot be found."
        response = iam._error(404, "NoSuchEntity", text, ns="iam")
        return response
    request = _request(parameters, entity, kind, account, name)
    results = "".join(
        _member(action, resource, simulate(request._replace(action=action, resource=resource)))
        for action in _listed(parameters, "ActionNames")
        for resource in list(_listed(parameters, "ResourceArns")) or ["*"]
    )
    body = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
    result = f"<SimulatePrincipalPolicyResult>{body}</SimulatePrincipalPolicyResult>"
    response = iam._xml(200, "SimulatePrincipalPolicyResponse", result, ns="iam")
    return response


def _request(
    parameters: Any, entity: Mapping[str, Any], kind: str, account: str, name: str
) -> SimulatedRequest:
    """Return what is simulated, without an action and a resource yet."""
    left_out = list(_exclusions(parameters))
    boundary = str(entity.get("PermissionsBoundary") or "")
    bounded = boundary and not _is_left_out(left_out, "permission-boundary", boundary)
    return SimulatedRequest(
        str(entity["Arn"]),
        "",
        "",
        _context(parameters),
        tuple(_documents(left_out, kind, account, name)),
        (internals.managed_document(account, boundary),) if bounded else None,
        not _is_left_out(left_out, "scp", ""),
        not _is_left_out(left_out, "rcp", ""),
    )


def _documents(left_out: list[dict[str, str]], kind: str, account: str, name: str) -> Iterator[str]:
    """Yield the identity policies that are not left out, of a user also those of its groups."""
    for policy, text in internals.inline_policies(kind, account, name).items():
        if not _is_left_out(left_out, "inline", "", f"{policy} {kind} {name}"):
            yield internals.as_text(text)
    for arn in internals.attached_policies(kind, account, name):
        owner = "aws-managed" if ":iam::aws:" in arn else "user-managed"
        if not _is_left_out(left_out, owner, arn):
            yield internals.managed_document(account, arn)
    for group in internals.groups_of(account, name) if kind == "user" else ():
        yield from _documents(left_out, "group", account, group)


def _is_left_out(left_out: list[dict[str, str]], kind: str, arn: str, inline: str = "") -> bool:
    return any(
        each["kind"] == kind or (arn and each["arn"] == arn) or (inline and each["inline"] == inline)
        for each in left_out
    )


def _exclusions(parameters: Any) -> Iterator[dict[str, str]]:
    for number in range(1, 101):
        start = f"PolicyExclusionList.member.{number}."
        kind, arn = iam._p(parameters, f"{start}PolicyType"), iam._p(parameters, f"{start}PolicyArn")
        fields = ("PolicyName", "AttachmentType", "AttachmentName")
        named = [iam._p(parameters, f"{start}InlinePolicyIdentifier.{field}") for field in fields]
        if not (kind or arn or named[0]):
            return
        yield {"kind": kind, "arn": arn, "inline": " ".join(named) if named[0] else ""}


def _listed(parameters: Any, name: str) -> Iterator[str]:
    number = 1
    while value := iam._p(parameters, f"{name}.member.{number}"):
        yield value
        number += 1


def _context(parameters: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    number = 1
    while name := iam._p(parameters, f"ContextEntries.member.{number}.ContextKeyName"):
        found[name] = list(_listed(parameters, f"ContextEntries.member.{number}.ContextKeyValues"))
        number += 1
    return found


def _member(action: str, resource: str, answer: SimulatedAnswer) -> str:
    missing = "".join(f"<member>{escape_xml(key)}</member>" for key in answer.missing)
    organization = (
        ""
        if answer.organization is None
        else f"<OrganizationsDecisionDetail><AllowedByOrganizations>{str(answer.organization).lower()}"
        "</AllowedByOrganizations></OrganizationsDecisionDetail>"
    )
    return (
        f"<member><EvalActionName>{escape_xml(action)}</EvalActionName>"
        f"<EvalResourceName>{escape_xml(resource)}</EvalResourceName>"
        f"<EvalDecision>{answer.decision}</EvalDecision><MatchedStatements/>"
        f"<MissingContextValues>{missing}</MissingContextValues>{organization}</member>"
    )
