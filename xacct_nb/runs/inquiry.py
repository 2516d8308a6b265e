"""The diagnosis of a denial: open the sessions, take the snapshot, call AWS once more, and explain."""

from collections.abc import Mapping
from typing import Any

from xacct_nb.aws.diagnosis_sessions import DiagnosisSessions, open_for_diagnosis, select_for_diagnosis
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.snapshot_reader import take_snapshot, try_once
from xacct_nb.diagnosis import diagnosis
from xacct_nb.diagnosis.attempt import Attempt, AttemptResult, attempt_from_denial, attempt_from_grant
from xacct_nb.diagnosis.denial import Denial, read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.diagnosis.snapshot import CALLER, DESTINATION, SOURCE, Snapshot
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import Settings
from xacct_nb.iam.arns import role_arn_of, same_principal
from xacct_nb.jupyter.denial_form import DenialForm
from xacct_nb.runs.run_context import RunContext
from xacct_nb.storage.aws_profiles import read_client
from xacct_nb.storage.references import resolve_reference
from xacct_nb.storage.snapshot_file import read_snapshot, write_snapshot
from xacct_nb.views import Shown, View

NO_SESSIONS = DiagnosisSessions()
# A call that every sandbox denies: its profile mallory may assume any role, and this one trusts another user.
EXAMPLE_ROLE = "arn:aws:iam::222222222222:role/summary-reader"
ELSEWHERE = (
    "The sandbox has neither this caller nor this role. To read AWS: -p sandbox false, and your profiles."
)


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
    if sides is not NO_SESSIONS:
        snapshot = full_snapshot(named, sides, snapshot, error)
    return explain(attempt, error, sides, snapshot)


def full_snapshot(
    attempt: Attempt, sides: DiagnosisSessions, sent: Snapshot | None = None, error: str = ""
) -> Snapshot:
    """Return what the sessions can read, the client's profile, and the sides that the other owner sent."""
    profile = sides.caller.profile if sides.caller else sides.tried
    client = read_client(profile, sides.endpoint.config_file, sides.endpoint.credentials_file)
    named = read_denial(error).authorization_id
    whole = take_snapshot(attempt, sides, named).model_copy(update={"client": client})
    return whole.with_sides_of(sent) if sent else whole


def explain(given: Attempt, error: str, sides: DiagnosisSessions, snapshot: Snapshot | None) -> Diagnosis:
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


class Inquiry(Shown):
    """A run's diagnosis: `form` edits the settings, `look` takes the snapshot, `diagnose` explains."""

    def __init__(self, run: RunContext) -> None:
        self.run, self._sides = run, NO_SESSIONS
        self._form: DenialForm | None = None

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
        found = full_snapshot(attempt, self._sides, error=settings.error_text)
        if settings.sandbox and _is_of_elsewhere(read_denial(settings.error_text), found):
            self._sides, found = NO_SESSIONS, Snapshot(unread=dict.fromkeys((SOURCE, DESTINATION), ELSEWHERE))
        found = found.with_sides_of(sent) if sent else found
        self.run.evidence.secrets |= found.secrets
        if settings.snapshot_to:
            write_snapshot(found, settings.snapshot_to)
        return found

    def diagnose(self, snapshot: Snapshot) -> Diagnosis:
        """Return why the attempt is denied; AWS is called once, where there is a session of the caller."""
        found = explain(self.given, self.settings.error_text, self._sides, snapshot)
        self.run.evidence.add("diagnosis", found.to_json())
        self.run.touched = True
        return found
