"""The diagnosis of a denial: open the sessions, take the snapshot, call AWS once more, and explain."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xacct_nb.aws.answering_hosts import name_of_endpoint
from xacct_nb.aws.diagnosis_sessions import DiagnosisSessions, open_for_diagnosis, select_for_diagnosis
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.snapshot_reader import take_snapshot, try_once
from xacct_nb.diagnosis import diagnosis
from xacct_nb.diagnosis.attempt import Attempt, AttemptResult, attempt_from_denial, attempt_from_grant
from xacct_nb.diagnosis.denial import Denial, read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.diagnosis.looked_in import (
    ABOUT_SANDBOX,
    AWS,
    ELSEWHERE,
    NOWHERE,
    SANDBOX,
    LookedIn,
    command_for_aws,
)
from xacct_nb.diagnosis.snapshot import CALLER, DESTINATION, SOURCE, Snapshot
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import Settings
from xacct_nb.iam.arns import is_arn, role_arn_of, same_principal
from xacct_nb.jupyter.denial_form import DenialForm
from xacct_nb.runs.run_context import RunContext
from xacct_nb.storage.aws_profiles import read_client
from xacct_nb.storage.references import resolve_reference
from xacct_nb.storage.snapshot_file import read_snapshot, write_snapshot
from xacct_nb.views import Shown, View

NO_SESSIONS = DiagnosisSessions()
# A call that every sandbox denies: its profile mallory may assume any role, and this one trusts another user.
EXAMPLE_ROLE = "arn:aws:iam::222222222222:role/summary-reader"
EXAMPLE_CALLERS = ("mallory",)


def diagnose(
    grant: Grant | None = None,
    sessions: Sessions | DiagnosisSessions | None = None,
    *,
    error: str = "",
    caller: str = "",
    role: str = "",
    external_id: str = "",
    call: Mapping[str, Any] | None = None,
    carried: Mapping[str, Any] | None = None,
    action: str = "",
    resource: str = "",
    snapshot: Snapshot | None = None,
) -> Diagnosis:
    """Return why a caller may not assume a role, or why its session is denied an action afterwards.

    Give a grant, or the ARNs of a caller and a role, or only the pasted `error`; `call` are further
    parameters of AssumeRole, and `carried` the Tags and the SourceIdentity that the caller's session has
    from an earlier role of a chain. With `sessions` it reads what they may and calls AssumeRole once;
    `snapshot` is what the other owner sent. Raises InvalidInput.
    """
    given = dict(call or {}) | ({"ExternalId": external_id} if external_id else {})
    attempt = attempt_from_grant(grant, caller, role) if grant else Attempt(caller=caller, role=role)
    more = {"parameters": attempt.parameters | given, "action": action, "resource": resource}
    more["carried"] = dict(carried or {})
    attempt = attempt.model_copy(update=more)
    named = attempt_from_denial(read_denial(error), attempt)
    sides = sessions or NO_SESSIONS
    if isinstance(sides, Sessions):
        sides = select_for_diagnosis(sides, named)
    sent = snapshot
    if sides is not NO_SESSIONS:
        snapshot = full_snapshot(named, sides, sent, error)
    looked = looked_in(named, read_denial(error), sides, from_file=_shared(snapshot, sent))
    return explain(attempt, error, sides, snapshot, looked)


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
    found = LookedIn(from_file=from_file)
    if not opened:
        return found
    profiles = {side: session.profile or "the default credentials" for side, session in opened.items()}
    endpoint = sides.endpoint.endpoint_url
    if not endpoint:
        other = name_of_endpoint(next(iter(opened.values())).client("sts").meta.endpoint_url, "sts")
        return replace(found, place=other or AWS, endpoint=other, profiles=profiles)
    found = replace(found, place=SANDBOX, endpoint=endpoint, profiles=profiles)
    if not denial.text:
        return found
    return replace(found, note=ABOUT_SANDBOX, command=command_for_aws(attempt, denial))


def _shared(found: Snapshot | None, sent: Snapshot | None) -> tuple[str, ...]:
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


def _is_of_elsewhere(denial: Denial, seen: Snapshot) -> bool:
    """Return whether the error text names a caller or a role, and neither of them is in this sandbox."""
    named = attempt_from_denial(denial)
    exists = (seen.source and seen.source.principal, seen.destination and seen.destination.role)
    return bool(named.caller or named.role) and not any(exists)


def _without_example(sides: DiagnosisSessions, attempt: Attempt) -> DiagnosisSessions:
    """Return the sessions without the example's caller where another caller is named."""
    session = sides.caller
    if session is None or session.profile not in EXAMPLE_CALLERS or not is_arn(attempt.caller):
        return sides
    if same_principal(session.identity["Arn"], role_arn_of(attempt.caller)):
        return sides
    others = {side: why for side, why in sides.problems.items() if side != CALLER}
    return replace(sides, caller=None, problems=others)


class Inquiry(Shown):
    """A run's diagnosis: `form` edits the settings, `look` takes the snapshot, `diagnose` explains."""

    def __init__(self, run: RunContext) -> None:
        self.run, self._sides = run, NO_SESSIONS
        self._form: DenialForm | None = None
        self._looked = NOWHERE

    @property
    def settings(self) -> Settings:
        """The settings as edited in the form, else as the parameters gave them."""
        return self._form.settings if self._form else self.run.settings

    @property
    def given(self) -> Attempt:
        """The attempt as it was given; if nothing was, the sandbox's example. Raises UnresolvedSecret."""
        settings = self.settings
        secret = {"ExternalId": resolve_reference(settings.external_id)} if settings.external_id else {}
        self.run.evidence.secrets |= set(secret.values())
        is_empty = not (settings.error_text or settings.caller or settings.role or settings.snapshot)
        role = EXAMPLE_ROLE if is_empty and settings.sandbox else settings.role
        return Attempt(
            caller=settings.caller,
            role=role,
            parameters=dict(settings.call) | secret,
            action=settings.action,
            resource=settings.resource,
        )

    @property
    def attempt(self) -> Attempt:
        """The attempt in question: as the error text names it, else as given. Raises UnresolvedSecret."""
        return attempt_from_denial(read_denial(self.settings.error_text), self.given)

    def view(self) -> View:
        """Return the attempt."""
        return self.attempt.view()

    def form(self) -> DenialForm:
        """Return the settings as a form to edit; headless, they pass through."""
        self._form = DenialForm(self.settings, live=not self.run.headless)
        return self._form

    def look(self) -> Snapshot:
        """Open the sessions and take the snapshot; write it to the file that the parameters name.

        Raises InvalidSnapshot, UnresolvedSecret.
        """
        settings, attempt = self.settings, self.attempt
        self._sides = open_for_diagnosis(
            attempt,
            source_profiles=settings.source_profiles,
            destination_profiles=settings.destination_profiles,
            caller_profiles=settings.caller_profiles,
            endpoint=self.run.place.open(),
        )
        self.run.place.note()
        self.run.evidence.add("sessions", self._sides.to_json())
        sent = read_snapshot(settings.snapshot) if settings.snapshot else None
        if settings.sandbox:
            self._sides = _without_example(self._sides, attempt)
        denial = read_denial(settings.error_text)
        self._looked = looked_in(attempt, denial, self._sides)
        found = full_snapshot(attempt, self._sides, error=settings.error_text)
        if settings.sandbox and _is_of_elsewhere(denial, found):
            self._looked = replace(self._looked, note=ELSEWHERE)
            self._sides, found = NO_SESSIONS, Snapshot(unread=dict.fromkeys((SOURCE, DESTINATION), ELSEWHERE))
        found = found.with_sides_of(sent) if sent else found
        self._looked = replace(self._looked, from_file=_shared(found, sent))
        self.run.evidence.secrets |= found.secrets
        if settings.snapshot_to:
            write_snapshot(found, settings.snapshot_to)
        return found

    def diagnose(self, snapshot: Snapshot) -> Diagnosis:
        """Return why the attempt is denied; AWS is called once, where there is a session of the caller."""
        found = explain(self.given, self.settings.error_text, self._sides, snapshot, self._looked)
        self.run.evidence.add("diagnosis", found.to_json())
        self.run.touched = True
        return found
