"""Explains a denial: opens what may look, takes the snapshot, asks AWS once more, and says why."""

from collections.abc import Mapping
from typing import Any

from xacct_nb.aws.diagnosis_sessions import DiagnosisSessions, open_for_diagnosis, select_for_diagnosis
from xacct_nb.aws.sessions import Endpoint, Sessions
from xacct_nb.aws.snapshot_reader import take_snapshot, try_once
from xacct_nb.diagnosis import diagnosis
from xacct_nb.diagnosis.attempt import Attempt, AttemptResult, attempt_from_denial, attempt_from_grant
from xacct_nb.diagnosis.denial import Denial, read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.diagnosis.snapshot import CALLER, Snapshot
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import Settings
from xacct_nb.iam.arns import role_arn_of, same_principal
from xacct_nb.storage.aws_profiles import read_client
from xacct_nb.storage.references import resolve_reference
from xacct_nb.storage.snapshot_file import read_snapshot, write_snapshot
from xacct_nb.views import Shown, View

NO_SESSIONS = DiagnosisSessions()


def diagnose(
    grant: Grant | None = None,
    sessions: Sessions | DiagnosisSessions | None = None,
    *,
    error: str = "",
    caller: str = "",
    role: str = "",
    external_id: str = "",
    call: Mapping[str, Any] | None = None,
    action: str = "",
    resource: str = "",
    snapshot: Snapshot | None = None,
) -> Diagnosis:
    """Why a caller may not assume a role, or why its session is denied an action afterwards.

    Takes a grant, or a caller's and a role's ARN, or nothing but the pasted `error`; `call` are further
    parameters of AssumeRole. With `sessions` it reads what they can (12 calls of AWS at most) and asks
    AssumeRole once; `snapshot` is what the other owner sent. Raises InvalidInput for what cannot be used.
    """
    given = dict(call or {}) | ({"ExternalId": external_id} if external_id else {})
    attempt = attempt_from_grant(grant, caller, role) if grant else Attempt(caller=caller, role=role)
    more = {"parameters": attempt.parameters | given, "action": action, "resource": resource}
    attempt = attempt_from_denial(read_denial(error), attempt.model_copy(update=more))
    sides = sessions or NO_SESSIONS
    if isinstance(sides, Sessions):
        sides = select_for_diagnosis(sides, attempt)
    known = snapshot if sides is NO_SESSIONS else full_snapshot(attempt, sides, snapshot)
    return explain(attempt, error, sides, known)


def full_snapshot(attempt: Attempt, sides: DiagnosisSessions, sent: Snapshot | None = None) -> Snapshot:
    """The snapshot that the sessions can take, with the sides that the other owner sent, and the client's."""
    taken = take_snapshot(attempt, caller=sides.caller, source=sides.source, destination=sides.destination)
    profile = sides.caller.profile if sides.caller else sides.tried
    client = read_client(profile, sides.endpoint.config_file, sides.endpoint.credentials_file)
    whole = taken.model_copy(update={"client": client, "unread": {**taken.unread, **sides.problems}})
    return whole.with_sides_of(sent) if sent else whole


def explain(attempt: Attempt, error: str, sides: DiagnosisSessions, snapshot: Snapshot | None) -> Diagnosis:
    """The diagnosis; where no error was given, AWS's answer to the attempt itself is explained."""
    said = error or (sides.problems.get(CALLER, "") if sides.caller is None else "")
    return diagnosis.diagnose(
        snapshot or diagnosis.EMPTY_SNAPSHOT,
        attempt=attempt,
        denial=read_denial(said),
        result=_result(attempt, sides, read_denial(error)),
    )


def _result(attempt: Attempt, sides: DiagnosisSessions, denial: Denial) -> AttemptResult | None:
    """AWS's answer to the attempt, where the caller's session is that of whom the error text tells."""
    if sides.caller is None or not attempt.role:
        return None
    told = "" if attempt.role_was_assumed else denial.caller
    if told and not same_principal(str(sides.caller.identity["Arn"]), role_arn_of(told)):
        return None
    return try_once(attempt, sides.caller.client("sts"))


class Inquiry(Shown):
    """A run's question about a denial: `form` edits it, `look` takes the snapshot, `diagnose` answers it."""

    def __init__(self, run: Any) -> None:
        self.run, self._sides = run, NO_SESSIONS
        self._form: Any = None

    @property
    def settings(self) -> Settings:
        """What is asked, as it stands in the form, else as the parameters gave it."""
        settings: Settings = self._form.settings if self._form else self.run.settings
        return settings

    @property
    def attempt(self) -> Attempt:
        """The attempt in question. Raises UnresolvedSecret."""
        asked = self.settings
        secret = {"ExternalId": resolve_reference(asked.external_id)} if asked.external_id else {}
        self.run.evidence.secrets |= set(secret.values())
        known = Attempt(
            caller=asked.caller,
            role=asked.role,
            parameters=dict(asked.call) | secret,
            action=asked.action,
            resource=asked.resource,
        )
        return attempt_from_denial(read_denial(asked.error_text), known)

    def view(self) -> View:
        """What is asked."""
        return self.attempt.view()

    def form(self) -> Any:
        """What is asked as fields to edit; without a person it passes through."""
        from xacct_nb.jupyter.denial_form import DenialForm

        self._form = DenialForm(self.settings, live=not self.run.headless)
        return self._form

    def look(self) -> Snapshot:
        """Opens what may look, and takes the snapshot; writes it where the parameters say so.

        Raises InvalidSnapshot, UnresolvedSecret.
        """
        asked, attempt = self.settings, self.attempt
        endpoint = self._endpoint()
        self._sides = open_for_diagnosis(
            attempt,
            source_profiles=asked.source_profiles,
            destination_profiles=asked.destination_profiles,
            caller_profiles=asked.caller_profiles,
            endpoint=endpoint,
        )
        self.run.evidence.add("where", f"sandbox at {endpoint.endpoint_url}" if asked.sandbox else "AWS")
        self.run.evidence.add("sessions", self._sides.to_json())
        sent = read_snapshot(asked.snapshot) if asked.snapshot else None
        found = full_snapshot(attempt, self._sides, sent)
        self.run.evidence.secrets |= found.secrets
        if asked.snapshot_to:
            write_snapshot(found, asked.snapshot_to)
        return found

    def diagnose(self, snapshot: Snapshot) -> Diagnosis:
        """Asks AWS once with the caller's own credentials, if there are some, and says why it is denied."""
        found = explain(self.attempt, self.settings.error_text, self._sides, snapshot)
        self.run.evidence.add("diagnosis", found.to_json())
        self.run.touched = True
        return found

    def _endpoint(self) -> Endpoint:
        from xacct_nb.runs.sandboxes import sandbox_endpoint

        return sandbox_endpoint() if self.settings.sandbox else Endpoint()
