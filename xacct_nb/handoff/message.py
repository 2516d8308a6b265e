"""The message to the owner of the other account: who calls what, AWS's response, the mend, where to look."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.iam.arns import Arn
from xacct_nb.views import as_json


@dataclass(frozen=True)
class DeniedRequest:
    """A denied request as the other owner needs to know it.

    `caller` is the ARN that AWS reports, `principal` the ARN that policies name. `details` are further lines,
    name and value. `statement` is the smallest policy or statement that would allow the request, and
    `source_allows` the source side's decision, None where it was not read. No secret may be in it.
    """

    caller: str
    principal: str
    role: str
    action: str
    details: Mapping[str, str]
    statement: Mapping[str, Any]
    source_allows: bool | None = None


def message_to_destination(request: DeniedRequest) -> str:
    """Return the message for the owner of the destination account, who writes the trust policy."""
    name = Arn.parse(request.role).name
    return _message(
        request,
        "destination",
        _SOURCE_SIDE[request.source_allows],
        "The smallest statement of the trust policy that would allow it:",
        as_json(request.statement),
        *_external_id_lines(request),
        "Please look:",
        f"  aws iam get-role --role-name {name}",
        f"  aws iam list-attached-role-policies --role-name {name}",
        f"  aws iam list-role-policies --role-name {name}",
    )


def message_to_source(request: DeniedRequest) -> str:
    """Return the message for the owner of the source account, who gives the caller its policies."""
    arn = Arn.parse(request.principal)
    return _message(
        request,
        "source",
        "The smallest caller policy that would allow it:",
        as_json(request.statement),
        "Please look:",
        f"  aws iam get-{arn.kind} --{arn.kind}-name {arn.name}",
        f"  aws iam list-attached-{arn.kind}-policies --{arn.kind}-name {arn.name}",
        f"  aws iam simulate-principal-policy --policy-source-arn {request.principal} \\",
        f"    --action-names sts:AssumeRole --resource-arns {request.role}",
    )


_SOURCE_SIDE = {
    None: "The source side was not read.",
    True: "The source side allows it.",
    False: "The source side does not allow it yet.",
}


def _message(request: DeniedRequest, side: str, *lines: str) -> str:
    return "\n".join([*_request_lines(request), "", *lines, *_snapshot_lines(request, side)]) + "\n"


def _request_lines(request: DeniedRequest) -> Iterator[str]:
    yield f"{request.caller} is denied {request.action} on {request.role}."
    for name, value in {"caller": request.principal, **request.details}.items():
        yield f"  {name:<16} {value}"


def _external_id_lines(request: DeniedRequest) -> Iterator[str]:
    if "Condition" in request.statement:
        yield "Write the agreed external ID in place of its fingerprint."


def _snapshot_lines(request: DeniedRequest, side: str) -> Iterator[str]:
    yield "Or send back the file that this command writes (it holds no secrets):"
    yield f"  xacct-nb run diagnose_a_denial -p sandbox false -p caller {request.caller} \\"
    yield f"    -p role {request.role} -p {side}_profiles YOUR_PROFILE -p snapshot_to snapshot.json"
