"""Finds causes on the client's side: who really called, and from where."""

from collections.abc import Iterator

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, Cause
from xacct_nb.diagnosis.profiles import profile_causes
from xacct_nb.diagnosis.request import call_causes
from xacct_nb.iam.arns import Arn, role_arn_of, same_principal

_KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def client_causes(case: Case) -> Iterator[Cause]:
    """What the caller, its call and its profile have against it themselves."""
    yield from _who(case)
    yield from call_causes(case)
    yield from _console(case)
    if case.snapshot.client:
        yield from profile_causes(case.snapshot.client)


def _who(case: Case) -> Iterator[Cause]:
    meant, real = case.attempt.caller, case.caller
    if meant and real and not same_principal(real, role_arn_of(meant)) and not case.attempt.after:
        variables = [name for name in _KEY_VARIABLES if name in _variables(case)]
        why = f"The call was made by {real}, and {meant} was meant."
        if variables:
            why += f" {', '.join(variables)} in the environment come before the profile."
        yield cause(
            "another-caller", CERTAIN, why, commands=(f"unset {' '.join(variables)}",) if variables else ()
        )
    if real.endswith(":root") and case.role:
        yield cause("root-caller", CERTAIN, f"The caller is {real}: root cannot assume a role.")
    if ":federated-user/" in real and case.role:
        yield cause("federated-caller", CERTAIN, f"The caller is {real}, a session from GetFederationToken.")
    if real and case.role and Arn.parse(real).partition != Arn.parse(case.role).partition:
        why = f"The caller is in {Arn.parse(real).partition}, the role in {Arn.parse(case.role).partition}."
        yield cause("other-partition", CERTAIN, why)


def _variables(case: Case) -> dict[str, str]:
    return dict(case.snapshot.client.variables) if case.snapshot.client else {}


def _console(case: Case) -> Iterator[Cause]:
    """What only the console cannot do; it counts where the text is the console's."""
    if not (case.denial.from_console and case.role):
        return
    name = case.role.partition(":role/")[2]
    if len(name) > 64:
        yield cause("console-path-too-long", CERTAIN, f"{name} has {len(name)} characters.")
    for key in ("sts:ExternalId", "sts:SourceIdentity"):
        if key.lower() in str(case.trust or {}).lower():
            yield cause(
                "console-cannot-give",
                CERTAIN,
                f"The trust policy wants {key}, which the console cannot give.",
            )
