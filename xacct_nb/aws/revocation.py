"""Ends a role's older sessions (AWSRevokeOlderSessions), and probes such sessions before and after."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from xacct_nb.aws.iam_reads import get
from xacct_nb.aws.journaled_calls import EntrySink, JournaledClient
from xacct_nb.aws.operations import ensure_change
from xacct_nb.aws.polling import countdown
from xacct_nb.aws.preconditions import check_current
from xacct_nb.aws.probes import Prober
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Change
from xacct_nb.changes.proof import ALLOWED, DENIED, NOT_ASKED, REVOKED, Outcome, Probe, Proof, expected_probes
from xacct_nb.changes.revocation import AHEAD_SECONDS, covers, is_revocation, with_cutoff
from xacct_nb.changes.sample_calls import SampleCall, sample_call, sample_calls
from xacct_nb.errors import AwsRefused, RollbackFailed, StalePlan
from xacct_nb.grants.documents import Policy
from xacct_nb.grants.state import ResourceKey, State

CallsByRole = Mapping[str, Mapping[str, SampleCall]]
"""Calls to try with a session of each role: by the role's ARN, then by a description of the call."""

_NO_CALL = "No call was found that the session was allowed to make before."
_NO_SESSION = "The role could not be assumed before."


def revoke(
    changes: Iterable[Change],
    sessions: Sessions,
    *,
    sink: EntrySink | None = None,
    patience: float,
    ahead: float = AHEAD_SECONDS,
) -> Journal:
    """Make the planned revocations, each of the sessions from before its own call and `ahead` seconds.

    AWS's console takes the same margin, since a part of AWS that a change has not reached may still issue a
    session. The time is AWS's own, from its Date headers, whatever this machine's clock shows. `patience` is
    in seconds. Raises RollbackFailed, which names the roles whose sessions continue.
    """
    client = JournaledClient(sessions, sink, patience)
    left, done = list(changes), list[Change]()
    while left:
        try:
            with sessions.endpoint.retries.within(patience):
                check_current(sessions, left[:1])
                done.append(_revoke(client, left[0], timedelta(seconds=ahead)))
        except (AwsRefused, StalePlan) as problem:
            roles = ", ".join(change.target for change in left)
            raise RollbackFailed(
                f"The changes were rolled back, but open sessions continue: {roles}.",
                why=problem.what,
                hint="Fix the cause, then roll back the same record again with revoke_sessions true.",
            ) from problem
        left.pop(0)
    return Journal(sessions.grant.name, tuple(done), tuple(client.entries))


def _revoke(client: JournaledClient, planned: Change, ahead: timedelta) -> Change:
    """Make the policy, and again with a later cutoff where AWS's time has passed the first one meanwhile.

    A call that was retried for long takes effect later than it was first sent.
    """
    clock, change = client.sessions.endpoint.clock, planned
    if not clock.is_known:
        raise AwsRefused("AWS's time is not known: its responses have no Date header.", aws_code="")
    while True:
        made = ensure_change(client, with_cutoff(change, clock.now() + ahead))
        if covers(made, clock.now()):
            return replace(made, before=planned.before)
        change, ahead = replace(planned, before=made.after), ahead * 2


def calls_to_repeat(sessions: Sessions, roles: Iterable[str], before: State, found: State) -> CallsByRole:
    """Return calls that the roles' policies allow both now and before the run, then calls of the grant.

    Only the first kind shows the effect of a revocation: the rollback itself makes AWS deny the others.
    """
    both = [key for key, value in found.resources.items() if before.resources.get(key) == value]
    permissions = sessions.grant.permissions
    given = [sample_call(action, each.resources) for each in permissions for action in each.actions]
    lost = {f"{call.title} (which the rollback denies too)": call for call in given if call}
    repeat: dict[str, Mapping[str, SampleCall]] = {}
    for role in roles:
        documents = [each for key in both if key.target == role for each in _documents(sessions, key, found)]
        repeat[role] = {call.title: call for each in documents for call in sample_calls(each)} | lost
    return repeat


def open_older_sessions(sessions: Sessions, calls_to_repeat: CallsByRole) -> "OlderSessions":
    """Let the callers assume these roles of the grant, and find a call that each session is allowed."""
    prober = Prober(sessions, countdown(0.0))
    assumes = [each for each in expected_probes(sessions.grant) if each.kind == "assume"]
    ours = [each for each in assumes if each.role in calls_to_repeat]
    return OlderSessions(prober, tuple(_opened(prober, each, calls_to_repeat[each.role]) for each in ours))


@dataclass
class OlderSessions:
    """Sessions that were opened before a rollback, with AWS's answers from then.

    `opened`: for each caller its assume-role, and a call that its session was allowed (None: none was found).
    """

    prober: Prober
    opened: tuple[tuple[Outcome, Outcome | None], ...]

    def proof(self, patience: float) -> Proof:
        """Return the answers from before, and those to the same calls with the same sessions now.

        A call that is still allowed is repeated, for `patience` seconds in all.
        """
        self.prober.left = countdown(patience)
        return Proof(tuple(outcome for each in self.opened for outcome in self._before_and_now(*each)))

    def _before_and_now(self, assumed: Outcome, allowed: Outcome | None) -> Iterator[Outcome]:
        yield assumed
        if allowed:
            yield allowed
            yield self.prober.outcome(_later(allowed.probe))
        else:
            why = {NOT_ASKED: assumed.detail, ALLOWED: _NO_CALL}.get(assumed.answer, _NO_SESSION)
            yield Outcome(_later(assumed.probe), NOT_ASKED, detail=why)


def _documents(sessions: Sessions, key: ResourceKey, found: State) -> Iterator[Policy]:
    """Yield the inline or attached policy of a role's resource, none where it cannot be read."""
    if key.kind == "inline-policy" and not is_revocation(key):
        yield found.resources[key]
    if key.kind == "attachment":
        try:
            version = get(sessions, key.name, "get_policy", key.account)["Policy"]["DefaultVersionId"]
            found_version = get(sessions, key.name, "get_policy_version", key.account, VersionId=version)
        except AwsRefused:
            return
        yield found_version["PolicyVersion"]["Document"]


def _opened(prober: Prober, assume: Probe, calls: Mapping[str, SampleCall]) -> tuple[Outcome, Outcome | None]:
    assumed = prober.outcome(assume)
    for title, call in calls.items() if assumed.answer == ALLOWED else ():
        outcome = prober.outcome(replace(assume, kind="older", asker="role", question=title, call=call))
        if outcome.answer == ALLOWED:
            return assumed, outcome
    return assumed, None


def _later(probe: Probe) -> Probe:
    """Return the same call with the same session as a probe that must be denied."""
    what = probe.question if probe.call else "any call"
    return replace(probe, kind=REVOKED, question=f"{what}, with the same session afterwards", expected=DENIED)
