"""Explains a denial with the sessions there are: what they read, what AWS answers now, where that was."""

from dataclasses import replace

from xacct_nb.aws.answering_hosts import name_of_endpoint
from xacct_nb.aws.attempts import try_once
from xacct_nb.aws.diagnosis_sessions import DiagnosisSessions
from xacct_nb.aws.snapshot_reader import take_snapshot
from xacct_nb.diagnosis import diagnosis
from xacct_nb.diagnosis.attempt import Attempt, AttemptResult, attempt_from_denial
from xacct_nb.diagnosis.denial import Denial, read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.diagnosis.looked_in import ABOUT_SANDBOX, AWS, SANDBOX, LookedIn, command_for_aws
from xacct_nb.diagnosis.snapshot import CALLER, DESTINATION, SOURCE, Snapshot
from xacct_nb.iam.arns import is_arn, role_arn_of, same_principal
from xacct_nb.storage.aws_profiles import read_client

EXAMPLE_CALLERS = ("mallory",)


def full_snapshot(
    attempt: Attempt, sides: DiagnosisSessions, sent: Snapshot | None = None, error: str = ""
) -> Snapshot:
    """Return what the sessions can read, the client's profile, and the sides that the other owner sent."""
    profile = sides.caller.profile if sides.caller else sides.tried
    client = read_client(profile, sides.endpoint.config_file, sides.endpoint.credentials_file)
    named = read_denial(error).authorization_id
    whole = take_snapshot(attempt, sides, named).model_copy(update={"client": client})
    return whole.with_sides_of(sent) if sent else whole


def looked_in(
    attempt: Attempt, denial: Denial, sides: DiagnosisSessions, from_file: tuple[str, ...] = ()
) -> LookedIn:
    """Return where the sessions look the attempt up; `from_file` are the sides that the other owner sent."""
    named = {CALLER: sides.caller, SOURCE: sides.source, DESTINATION: sides.destination}
    opened = {side: session for side, session in named.items() if session}
    profiles = {side: session.profile or "the default credentials" for side, session in opened.items()}
    found, endpoint = LookedIn(profiles=profiles, from_file=from_file), sides.endpoint.endpoint_url
    if endpoint:
        found = replace(found, place=SANDBOX, endpoint=endpoint)
        command = command_for_aws(attempt, denial)
        return replace(found, note=ABOUT_SANDBOX, command=command) if denial.text else found
    if not opened:
        return found
    other = name_of_endpoint(next(iter(opened.values())).client("sts").meta.endpoint_url, "sts")
    return replace(found, place=other or AWS, endpoint=other)


def shared(found: Snapshot | None, sent: Snapshot | None) -> tuple[str, ...]:
    """Return the sides of a snapshot that are those which the other owner sent."""
    sides = ((side, getattr(sent, side, None)) for side in (SOURCE, DESTINATION))
    return tuple(side for side, each in sides if each is not None and each is getattr(found, side, None))


def explain(
    given: Attempt,
    error: str,
    sides: DiagnosisSessions,
    snapshot: Snapshot | None,
    looked: LookedIn | None = None,
) -> Diagnosis:
    """Return the diagnosis of the error, or of AWS's answer to the attempt where no error was given.

    What the error names comes before what was given.
    """
    text = error or (sides.problems.get(CALLER, "") if sides.caller is None else "")
    denial = read_denial(error)
    return diagnosis.diagnose(
        snapshot or diagnosis.EMPTY_SNAPSHOT,
        attempt=given,
        denial=read_denial(text),
        result=_result(attempt_from_denial(denial, given), sides, denial),
        looked_in=looked,
    )


def _result(attempt: Attempt, sides: DiagnosisSessions, denial: Denial) -> AttemptResult | None:
    """Return AWS's answer to the attempt, unless the caller's session is not the caller in the error text."""
    if sides.caller is None or not attempt.role:
        return None
    named = "" if attempt.role_was_assumed else denial.caller
    if named and not same_principal(str(sides.caller.identity["Arn"]), role_arn_of(named)):
        return None
    return try_once(attempt, sides.caller.client("sts"), sides.caller.profile)


def is_of_elsewhere(denial: Denial, seen: Snapshot) -> bool:
    """Return whether the error text names a caller or a role, and neither of them is in this sandbox."""
    named = attempt_from_denial(denial)
    exists = (seen.source and seen.source.principal, seen.destination and seen.destination.role)
    return bool(named.caller or named.role) and not any(exists)


def without_example(sides: DiagnosisSessions, attempt: Attempt) -> DiagnosisSessions:
    """Return the sessions without the example's caller where another caller is named."""
    session = sides.caller
    if session is None or session.profile not in EXAMPLE_CALLERS or not is_arn(attempt.caller):
        return sides
    if same_principal(session.identity["Arn"], role_arn_of(attempt.caller)):
        return sides
    others = {side: why for side, why in sides.problems.items() if side != CALLER}
    return replace(sides, caller=None, problems=others)
