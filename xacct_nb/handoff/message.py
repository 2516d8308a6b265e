"""The message to the owner of the other account: who calls what, AWS's response, the fix, where to look."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.iam.arns import Arn
from xacct_nb.views import as_json

_SOURCE_SIDE = {None: "was not read", True: "allows it", False: "does not allow it yet"}


@dataclass(frozen=True)
class DeniedRequest:
    """A denied request as the other owner needs to know it.

    `caller` is the ARN that AWS reports, `principal` the ARN that policies name. `details` are further lines,
    name and value. `statement` is the smallest policy or statement that would allow the request, and
    `source_allows` the source side's decision, None where it was not read. `resource` is what a session of
    the role was denied, or without a role the caller itself, "" where AssumeRole was. No secret may be in it.
    """

    caller: str
    principal: str
    role: str
    action: str
    details: Mapping[str, str]
    statement: Mapping[str, Any]
    source_allows: bool | None = None
    resource: str = ""


def message(request: DeniedRequest, side: str) -> str:
    """Return the message for the owner of a side: source or destination."""
    lines = (
        f"{request.caller} is denied {request.action} on {request.resource or request.role}.",
        f"  {'caller':<16} {request.principal}",
        *(f"  {name:<16} {value}" for name, value in request.details.items()),
        "",
        *(_source_lines(request) if side == "source" else _destination_lines(request)),
        "Or send back the file that this command writes (it holds no secrets):",
        f"  xacct-nb run diagnose_a_denial -p sandbox false -p caller {shlex.quote(request.caller)} \\",
        f"    {_what(request)} -p {side}_profiles YOUR_PROFILE -p snapshot_to snapshot.json",
    )
    return "\n".join(lines) + "\n"


def _what(request: DeniedRequest) -> str:
    """Return the parameters of the notebook for the role, or for the resource that a caller was denied."""
    if request.role:
        return f"-p role {shlex.quote(request.role)}"
    return f"-p action {shlex.quote(request.action)} -p resource {shlex.quote(request.resource)}"


def _source_lines(request: DeniedRequest) -> Iterator[str]:
    arn = Arn.parse(request.principal)
    yield "The smallest caller policy that would allow it:"
    yield as_json(request.statement)
    yield "Please run these commands, which only read:"
    action = "sts:AssumeRole" if request.role else request.action
    name, action, resource = map(shlex.quote, (arn.name, action, request.role or request.resource))
    yield f"  aws iam get-{arn.kind} --{arn.kind}-name {name}"
    yield f"  aws iam list-attached-{arn.kind}-policies --{arn.kind}-name {name}"
    yield f"  aws iam simulate-principal-policy --policy-source-arn {shlex.quote(request.principal)} \\"
    yield f"    --action-names {action} --resource-arns {resource}"


def _destination_lines(request: DeniedRequest) -> Iterator[str]:
    if not request.role:
        yield "The smallest statement of the resource's policy that would allow it:"
        yield as_json(request.statement)
        return
    name = shlex.quote(Arn.parse(request.role).name)
    if request.resource:
        yield "The smallest policy of the role that would allow it:"
    else:
        yield f"The source side {_SOURCE_SIDE[request.source_allows]}."
        yield "The smallest statement of the trust policy that would allow it:"
    yield as_json(request.statement)
    if "Condition" in request.statement:
        yield "Write the agreed external ID in place of its fingerprint."
    yield "Please run these commands, which only read:"
    yield f"  aws iam get-role --role-name {name}"
    yield f"  aws iam list-attached-role-policies --role-name {name}"
    yield f"  aws iam list-role-policies --role-name {name}"
