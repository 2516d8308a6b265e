"""The diagnosis of a denial: open the sessions, take the snapshot, call AWS once more, and explain."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from xacct_nb.aws.diagnosis_sessions import (
    AccountSession,
    DiagnosisSessions,
    open_for_diagnosis,
    select_for_diagnosis,
)
from xacct_nb.aws.hop_sessions import fitting_sides
from xacct_nb.aws.profile_clients import Endpoint
from xacct_nb.aws.sessions import Sessions
from xacct_nb.diagnosis.attempt import Attempt, attempt_from_denial, attempt_from_grant, check_attempt
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.diagnosis.looked_in import ELSEWHERE, NOWHERE
from xacct_nb.diagnosis.snapshot import CALLER, DESTINATION, SOURCE, Snapshot
from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.access_path import chain_of_grant
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import join_words
from xacct_nb.grants.session_parameters import carried_parameters
from xacct_nb.grants.settings import Settings
from xacct_nb.jupyter.forms.denial_form import DenialForm
from xacct_nb.runs.denial.explanation import (
    explain,
    full_snapshot,
    is_of_elsewhere,
    looked_in,
    shared,
    without_example,
)
from xacct_nb.runs.denial.hop_chain import Given, chain_from_grant, chain_of, given_chain
from xacct_nb.runs.denial.hop_walk import Walk, walk
from xacct_nb.runs.run_context import RunContext
from xacct_nb.storage.references import resolve_reference
from xacct_nb.storage.snapshot_file import read_snapshot, write_snapshot
from xacct_nb.views import Shown, View

NO_SESSIONS = DiagnosisSessions()
# A call that every sandbox denies: its profile mallory may assume any role, and this one trusts another user.
EXAMPLE_ROLE = "arn:aws:iam::222222222222:role/summary-reader"


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
    through: Sequence[Given] = (),
    action: str = "",
    resource: str = "",
    snapshot: Snapshot | None = None,
) -> Diagnosis:
    """Return why a caller may not assume a role, or why its session is denied an action afterwards.

    Give a grant, or the ARNs of a caller and a role, or only the pasted `error`; `call` are further
    parameters of AssumeRole, and `carried` the Tags and the SourceIdentity that the caller's session has
    from an earlier role of a chain. `through` are the roles that are assumed before the last one: each hop
    is tried in its turn, and the one that fails is explained. With `sessions` it reads what they may and
    calls AssumeRole once a hop; `snapshot` is what the other owner sent. Raises InvalidInput.
    """
    given = dict(call or {}) | ({"ExternalId": external_id} if external_id else {})
    if grant and isinstance(sessions, Sessions):
        caller = caller or _one_of_its_callers(grant, sessions)
    attempt = attempt_from_grant(grant, caller, role) if grant else Attempt(caller=caller, role=role)
    more = {"parameters": attempt.parameters | given, "action": action, "resource": resource}
    more["carried"] = carried_parameters(carried or {})
    attempt = check_attempt(attempt.model_copy(update=more))
    named = attempt_from_denial(read_denial(error), attempt)
    sides = sessions or NO_SESSIONS
    if isinstance(sides, Sessions):
        sides = select_for_diagnosis(sides, named)
    before = given_chain(through) or (chain_from_grant(grant) if grant and not (caller or role) else ())
    chain = chain_of(named, before, sides)
    if not chain.is_single:
        opened = partial(_selected, sessions) if isinstance(sessions, Sessions) else partial(_fitting, sides)
        read = partial(full_snapshot, sent=snapshot, error=error)
        walked = walk(chain.attempts, chain.start, opened, read, read_denial(error))
        return walked.diagnosis(looked=looked_in(named, read_denial(error), walked.failing.sides))
    sent = snapshot
    if sides is not NO_SESSIONS:
        snapshot = full_snapshot(named, sides, sent, error)
    looked = looked_in(named, read_denial(error), sides, from_file=shared(snapshot, sent))
    return explain(attempt, error, sides, snapshot, looked)


def _one_of_its_callers(grant: Grant, sessions: Sessions) -> str:
    """Return who of the callers is of the grant's account or pattern; "" if it names one, or nobody calls.

    Raises InvalidParameters where only others call.
    """
    first, _, _ = chain_of_grant(grant)
    others = [each for each in sessions.identities if each.part == CALLER]
    found = [each.arn for each in sessions.callers(first)]
    if first in grant.principals or found or not others:
        return found[0] if found and first not in grant.principals else ""
    raise InvalidParameters(
        f"No caller is of the source {first}.",
        why=f"The grant lets in nobody else. The callers: {join_words([each.arn for each in others])}.",
        hint="Add a profile of that source to caller_profiles, or name who was denied: caller ARN",
    )


def _selected(sessions: Sessions, attempt: Attempt, caller: AccountSession | None) -> DiagnosisSessions:
    return replace(select_for_diagnosis(sessions, attempt), caller=caller)


def _fitting(sides: DiagnosisSessions, attempt: Attempt, caller: AccountSession | None) -> DiagnosisSessions:
    return fitting_sides(attempt, caller, sides)


class Inquiry(Shown):
    """A run's diagnosis: `form` edits the settings, `look` takes the snapshot, `diagnose` explains."""

    def __init__(self, run: RunContext) -> None:
        self.run, self._sides = run, NO_SESSIONS
        self._form: DenialForm | None = None
        self._walk: Walk | None = None
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
        given = settings.error_text, settings.caller, settings.role, settings.snapshot, settings.through
        is_empty = not any(given)
        role = EXAMPLE_ROLE if is_empty and settings.sandbox else settings.role
        attempt = Attempt(
            caller=settings.caller,
            role=role,
            parameters=dict(settings.call) | secret,
            action=settings.action,
            resource=settings.resource,
            carried=dict(settings.carried),
        )
        return check_attempt(attempt)

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
        settings, attempt, endpoint = self.settings, self.attempt, self.run.place.open()
        self._sides = self._open(settings.caller_profiles, endpoint, attempt)
        self.run.place.note()
        sent = read_snapshot(settings.snapshot) if settings.snapshot else None
        if settings.sandbox:
            self._sides = without_example(self._sides, attempt)
        denial = read_denial(settings.error_text)
        found = self._hops(endpoint, sent) or full_snapshot(attempt, self._sides, error=settings.error_text)
        self.run.evidence.add("sessions", self._sides.to_json())
        self._looked = looked_in(attempt, denial, self._sides)
        if settings.sandbox and is_of_elsewhere(denial, found):
            self._looked, self._walk = replace(self._looked, note=ELSEWHERE), None
            self._sides, found = NO_SESSIONS, Snapshot(unread=dict.fromkeys((SOURCE, DESTINATION), ELSEWHERE))
        found = found.with_sides_of(sent) if sent else found
        self._looked = replace(self._looked, from_file=shared(found, sent))
        self.run.evidence.secrets |= found.secrets
        if settings.snapshot_to:
            write_snapshot(found, settings.snapshot_to)
        return found

    def _open(
        self,
        caller_profiles: Sequence[str],
        endpoint: Endpoint,
        attempt: Attempt,
        caller: AccountSession | None = None,
    ) -> DiagnosisSessions:
        """Return the sessions that fit an attempt: of a hop, the profiles of both sides may be of either."""
        source, destination = self.settings.source_profiles, self.settings.destination_profiles
        is_hop = not caller_profiles
        found = open_for_diagnosis(
            attempt,
            source_profiles=[*source, *destination] if is_hop else source,
            destination_profiles=[*destination, *source] if is_hop else destination,
            caller_profiles=caller_profiles,
            endpoint=endpoint,
        )
        return replace(found, caller=caller) if caller else found

    def _hops(self, endpoint: Endpoint, sent: Snapshot | None) -> Snapshot | None:
        """Walk the hops of a chain, and return the snapshot of the one that fails; None without a chain."""
        settings = self.settings
        chain = chain_of(self.attempt, given_chain(settings.through), self._sides)
        if chain.is_single:
            return None
        self.run.evidence.secrets |= {each.external_id for each in chain.attempts} - {""}
        read = partial(full_snapshot, sent=sent, error=settings.error_text)
        opened, denial = partial(self._open, (), endpoint), read_denial(settings.error_text)
        self._walk = walk(chain.attempts, chain.start, opened, read, denial)
        failing = self._walk.failing
        self._sides = failing.sides
        return failing.snapshot or full_snapshot(failing.attempt, failing.sides)

    def diagnose(self, snapshot: Snapshot) -> Diagnosis:
        """Return why the attempt is denied; AWS is called once, where there is a session of the caller."""
        if self._walk:
            found = self._walk.diagnosis(snapshot, self._looked)
        else:
            found = explain(self.given, self.settings.error_text, self._sides, snapshot, self._looked)
        self.run.evidence.add("diagnosis", found.to_json())
        self.run.touched = True
        return found
