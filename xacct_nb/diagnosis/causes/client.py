"""Finds causes on the client's side: who made the request, and from where."""

from collections.abc import Iterator

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, POSSIBLE, Cause
from xacct_nb.diagnosis.causes.profiles import profile_causes
from xacct_nb.diagnosis.causes.request import request_causes
from xacct_nb.iam.arns import Arn, role_arn_of, same_principal

_KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def client_causes(case: Case) -> Iterator[Cause]:
    """Yield what is wrong with the caller, its request and its profile."""
    yield from _caller(case)
    yield from request_causes(case)
    yield from _console(case)
    if case.snapshot.client:
        yield from profile_causes(case.snapshot.client)


def _caller(case: Case) -> Iterator[Cause]:
    intended, caller = case.given.caller, case.caller
    is_other = intended and caller and not same_principal(caller, role_arn_of(intended))
    # Where the role differs, too, another request was given, which says nothing of this one.
    is_same_role = case.given.role in ("", case.role)
    if is_other and is_same_role and not case.attempt.role_was_assumed:
        yield _other_caller(case)
    if not (caller and case.role):
        return
    if caller.endswith(":root"):
        yield cause("root-caller", CERTAIN, f"The caller is {caller}: root cannot assume a role.")
    if ":federated-user/" in caller:
        yield cause("federated-caller", CERTAIN, f"The caller {caller} is a session from GetFederationToken.")
    own, other = Arn.parse(caller).partition, Arn.parse(case.role).partition
    if own != other:
        yield cause("other-partition", CERTAIN, f"The caller is in partition {own}, the role in {other}.")


def _other_caller(case: Case) -> Cause:
    """Return that another principal called than was given: certain if the session or environment shows it."""
    client, session = case.snapshot.client, case.snapshot.caller
    variables = [name for name in _KEY_VARIABLES if client and name in client.variables]
    why = f"{case.caller} made the request, and {case.given.caller} was given as the caller."
    if variables:
        why += f" The environment's {', '.join(variables)} take precedence over the profile."
        return cause("another-caller", CERTAIN, why, "", f"unset {' '.join(variables)}")
    is_session = session and same_principal(session.arn, role_arn_of(case.caller))
    return cause("another-caller", CERTAIN if is_session else POSSIBLE, why)


def _console(case: Case) -> Iterator[Cause]:
    """Yield what the console cannot do, if the error text is the console's."""
    if not (case.denial.is_from_console and case.role):
        return
    name = case.role.partition(":role/")[2]
    if len(name) > 64:
        yield cause("console-path-too-long", CERTAIN, f"{name} has {len(name)} characters.")
    document = str(case.trust_policy.document if case.trust_policy else "").lower()
    for key in ("sts:ExternalId", "sts:SourceIdentity"):
        if key.lower() in document:
            why = f"The trust policy requires {key}, which the console cannot pass."
            yield cause("console-cannot-give", CERTAIN, why)
