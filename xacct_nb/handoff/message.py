"""The message to the owner of the other account: who calls what, AWS's answer, the mend, where to look."""

from collections.abc import Iterator

from xacct_nb.diagnosis import fixes
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.cause import DESTINATION, SOURCE
from xacct_nb.iam.arns import Arn
from xacct_nb.redaction.redact import fingerprint
from xacct_nb.views import as_json

_LEFT_OUT = ("RoleArn", "TokenCode", "ExternalId", "Policy")


def message(case: Case, side: str) -> str:
    """What to send to the owner of a side (source, destination); "" where caller or role is not known."""
    if not (case.caller and case.role):
        return ""
    parts = _to_destination(case) if side == DESTINATION else _to_source(case)
    return "\n".join([*_denied(case), *parts, *_snapshot(case, side)]) + "\n"


def _denied(case: Case) -> Iterator[str]:
    source, seen = case.snapshot.source, case.seen
    unique = source.principal.id if source and source.principal else seen.id if seen else ""
    yield f"{case.caller} is denied {case.denial.action or 'sts:AssumeRole'} on {case.role}."
    yield _line("caller", case.principal)
    yield _line("unique id", unique or "not known here: aws sts get-caller-identity")
    yield _line("account", Arn.parse(case.caller).account)
    for name, value in sorted(case.attempt.parameters.items()):
        if name not in _LEFT_OUT and value:
            yield _line(name, str(value))
    yield _line("ExternalId", _external(case))
    denial = case.tried.denial if case.tried and case.tried.denial.text else case.denial
    if denial.text:
        at = case.tried.at if case.tried else case.now
        yield _line("AWS answered", denial.text + (f" at {at}" if at else ""))
    yield ""


def _line(name: str, value: str) -> str:
    return f"  {name:<16} {value}"


def _external(case: Case) -> str:
    given = case.attempt.external_id
    return "none" if not given else given if given.startswith("secret:") else fingerprint(given)


def _to_destination(case: Case) -> Iterator[str]:
    near = case.near()
    allowed = "not read" if near is None else "allows it" if near.allowed else "does not allow it yet"
    name = Arn.parse(case.role).name
    statement = fixes.trusting(case.principal, _conditions(case), case.attempt.actions)
    yield f"The source side was {allowed}." if near is None else f"The source side {allowed}."
    yield "The smallest statement of the trust policy that would let it in:"
    yield as_json(statement)
    if case.attempt.external_id:
        yield "In place of the fingerprint stands the external ID that we agreed on."
    yield "Please look:"
    yield f"  aws iam get-role --role-name {name}"
    yield f"  aws iam list-attached-role-policies --role-name {name}"
    yield f"  aws iam list-role-policies --role-name {name}"


def _conditions(case: Case) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"sts:ExternalId": _external(case)}} if case.attempt.external_id else {}


def _to_source(case: Case) -> Iterator[str]:
    arn = Arn.parse(case.principal)
    yield "The smallest caller policy that would allow it:"
    yield as_json(fixes.allowing(case.role, case.attempt.actions))
    yield "Please look:"
    yield f"  aws iam get-{arn.kind} --{arn.kind}-name {arn.name}"
    yield f"  aws iam list-attached-{arn.kind}-policies --{arn.kind}-name {arn.name}"
    yield f"  aws iam simulate-principal-policy --policy-source-arn {case.principal} \\"
    yield f"    --action-names sts:AssumeRole --resource-arns {case.role}"


def _snapshot(case: Case, side: str) -> Iterator[str]:
    other = "source" if side == SOURCE else "destination"
    yield "Or send back the file that this makes (no secrets are in it):"
    yield f"  xacct-nb run diagnose_a_denial -p sandbox false -p caller {case.caller} -p role {case.role} \\"
    yield f"    -p {other}_profiles YOUR_PROFILE -p snapshot_to snapshot.json"
