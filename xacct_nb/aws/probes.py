"""Runs the probes of a grant: real calls to AWS with the callers' own credentials."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

from xacct_nb.aws.answers import Answer, call_aws, call_identity, call_sample, find_key
from xacct_nb.aws.clients import Clients
from xacct_nb.aws.clock import utc
from xacct_nb.aws.iam_reads import default_version
from xacct_nb.aws.journaled_calls import JournaledClient
from xacct_nb.aws.polling import Wait, countdown
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.journal import Entry
from xacct_nb.changes.proof import (
    ALLOWED,
    DENIED,
    ENDED,
    ERROR,
    NOT_ASKED,
    SELF,
    Outcome,
    Probe,
    Proof,
    assume_parameters,
    expected_probes,
)
from xacct_nb.changes.removal import ended_probes
from xacct_nb.errors import AwsBusy, AwsRefused, WrongAccount
from xacct_nb.grants.documents import SOURCE
from xacct_nb.grants.expiry import has_ended
from xacct_nb.grants.grant import Grant, external_id
from xacct_nb.grants.sources import is_role_pattern
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.patterns import matches
from xacct_nb.records.fields import Identity
from xacct_nb.redaction.redact import redact

_NO_CALLER = "No profile with this caller's credentials was given."
_NO_MATCH = "No profile of a role that matches was given."
_NO_STRANGER = "No profile of another principal of that account was given."


def prove(grant: Grant, sessions: Sessions, *, patience: float = 0.0, also: Iterable[Probe] = ()) -> Proof:
    """Run every probe of the grant and return AWS's answers; of one that has ended, that nobody gets in.

    `also` are further probes, which are run last. A probe whose caller has no session here is `not-asked`. A
    probe with an unexpected answer is repeated until `patience` seconds after the first one, since IAM is
    eventually consistent.
    """
    prober = Prober(replace(sessions, given=grant), countdown(patience))
    if has_ended(grant.expires, utc(sessions.endpoint.clock.now())):
        probes = ended_probes(grant)
    else:
        probes = expected_probes(grant, _managed_documents(sessions, grant))
    return Proof(tuple(prober.outcome(probe) for probe in (*probes, *also)))


def denial_text(grant: Grant, sessions: Sessions, denied: Outcome) -> str:
    """Return AWS's whole message to a denied probe, by making its call once more; "" where it is allowed now.

    A proof keeps the error code alone; the message names the statement's kind, which a diagnosis needs.
    """
    prober, probe = Prober(replace(sessions, given=grant), countdown(0)), denied.probe
    callers = prober.sessions.callers(probe.source)
    who, given = prober._first_allowed(callers, probe) if callers else (None, Answer(NOT_ASKED))
    if who and given.verdict == ALLOWED and probe.asker == "role":
        given = prober._with_role(probe, prober.role_sessions[probe.source, probe.role][1])
    message = f"An error occurred ({given.code}) when calling: {given.message}" if given.message else ""
    return redact(message, {external_id(grant)})


def _managed_documents(sessions: Sessions, grant: Grant) -> dict[str, Any]:
    """Return the documents of the grant's managed policies by ARN; a policy that cannot be read has none."""
    found, account = dict[str, Any](), grant.destination_accounts[0]
    for policy in grant.managed_policies:
        with suppress(AwsRefused, WrongAccount):
            version = default_version(sessions, policy, account)
            found[policy] = version and version["document"]
    return found


def existing_key(sessions: Sessions, account: str, bucket: str, prefix: str, pattern: str) -> str:
    """Return the key of an object that exists: one that the sessions know, else one that its owner finds.

    Sessions of the source side alone have nobody who could look for one.
    """
    start = f"arn:{sessions.partition}:s3:::{bucket}/"
    known = (each.removeprefix(start) for each in sessions.objects if each.startswith(start))
    if found := next((key for key in known if matches(pattern, key)), ""):
        return found
    return find_key(sessions.admin(account, "s3"), bucket, prefix, pattern) if sessions.side != SOURCE else ""


def existing_objects(sessions: Sessions) -> tuple[str, ...]:
    """Return the ARN of an object for each call of the proof that needs one, as the role's owner finds it."""
    found = dict[str, None]()
    for probe in expected_probes(sessions.grant):
        asked = probe.call.parameters if probe.call else {}
        if "Prefix" in asked and probe.kind == "allowed":
            about = (asked["Bucket"], asked["Prefix"], asked["Key"])
            if key := existing_key(sessions, Arn.parse(probe.role).account, *about):
                found[f"arn:{sessions.partition}:s3:::{asked['Bucket']}/{key}"] = None
    return tuple(found)


def _no_caller(probe: Probe) -> str:
    return _NO_MATCH if is_role_pattern(probe.source) else _NO_CALLER


def wait_for_access(client: JournaledClient, probes: Iterable[Probe]) -> None:
    """Wait, at most the client's patience in all, until the callers under test can assume their roles."""
    prober = Prober(client.sessions, countdown(client.patience))
    for probe in probes:
        if probe.kind == "assume" and not probe.unaskable and client.sessions.callers(probe.source):
            began, outcome = utc(), _outcome_or_busy(prober, probe)
            what = f"{outcome.who} as {Arn.parse(probe.role).resource}"
            answer = "waited" if outcome.as_expected else "gave up waiting"
            lasted = (outcome.seconds, outcome.tries)
            account = Arn.parse(outcome.who).account
            client.note(Entry(began, account, "AssumeRole", what, answer, outcome.request_id, *lasted))


def _outcome_or_busy(prober: "Prober", probe: Probe) -> Outcome:
    """Return the outcome, also where AWS throttled the call: the changes before it are made all the same."""
    try:
        return prober.outcome(probe)
    except AwsBusy as problem:
        who = prober.sessions.callers(probe.source)[0].arn
        return Outcome(probe, ERROR, who, problem.what, problem.request_id, 1)


@dataclass
class Prober:
    """Runs one probe after the other; each role is assumed once for all probes about its session.

    `role_sessions`: by source and role, the caller that assumed it, and the clients with its credentials.
    """

    sessions: Sessions
    left: Callable[[], float]
    role_sessions: dict[tuple[str, str], tuple[Identity, Clients]] = field(default_factory=dict, repr=False)

    def outcome(self, probe: Probe) -> Outcome:
        """Return AWS's answer to a probe; repeat it while the answer is unexpected and time is left."""
        if probe.unaskable:
            return Outcome(probe, NOT_ASKED, detail=probe.unaskable)
        askers = {"caller": self._by_caller, "role": self._by_role, "stranger": self._by_stranger}
        return askers[probe.asker](probe)

    def _by_caller(self, probe: Probe) -> Outcome:
        callers = self.sessions.callers(probe.source)
        known = self.role_sessions.get((probe.source, probe.role))
        if not callers:
            return Outcome(probe, NOT_ASKED, detail=_no_caller(probe))
        who = known[0] if known else callers[0]
        if probe.kind in ("assume", ENDED):
            return self._repeat(probe, lambda: self._first_allowed(callers, probe))
        if len(callers) > 1 and not known:
            return Outcome(probe, NOT_ASKED, detail="No caller of that account could assume the role.")
        if probe.call:
            client = partial(self.sessions.client, who.profile)
            return self._repeat(probe, lambda: (who, self._sample(probe, client)))
        return self._repeat(probe, lambda: (who, self._assume(who, probe)))

    def _by_stranger(self, probe: Probe) -> Outcome:
        who = self.sessions.stranger(probe.source)
        if who is None:
            return Outcome(probe, NOT_ASKED, detail=_NO_STRANGER)
        return self._repeat(probe, lambda: (who, self._assume(who, probe)))

    def _by_role(self, probe: Probe) -> Outcome:
        session = self.role_sessions.get((probe.source, probe.role))
        if session is None:
            missing = (
                "The role could not be assumed." if self.sessions.callers(probe.source) else _no_caller(probe)
            )
            return Outcome(probe, NOT_ASKED, detail=missing)
        who, client = session
        call = self._assume_itself if probe.kind == SELF else self._with_role
        outcome = self._repeat(probe, lambda: (who, call(probe, client)))
        return replace(outcome, who=f"{Arn.parse(probe.role).resource} (session)")

    def _repeat(self, probe: Probe, call: Callable[[], tuple[Identity, Answer]]) -> Outcome:
        wait = Wait(probe.question, self.left())
        who, given = call()
        while given.verdict in (ALLOWED, DENIED) and given.verdict != probe.expected and wait.pause():
            who, given = call()
        wait.close()
        lasted = (wait.tries, wait.seconds)
        return Outcome(probe, given.verdict, who.arn, given.detail, given.request_id, *lasted)

    def _first_allowed(self, callers: tuple[Identity, ...], probe: Probe) -> tuple[Identity, Answer]:
        """Return the first caller that can assume the role, with the answer, else the last one's denial."""
        for who in callers:
            given = self._assume(who, probe)
            if given.verdict == ALLOWED:
                credentials = given.value["Credentials"]
                client = cache(partial(self.sessions.role_client, credentials, profile=who.profile))
                self.role_sessions[probe.source, probe.role] = who, client
                break
        return who, given

    def _assume(self, who: Identity, probe: Probe) -> Answer:
        sts = self.sessions.client(who.profile, "sts")
        grant = self.sessions.grant
        parameters = assume_parameters(grant, probe.role, probe.variation, Arn.parse(who.arn).name)
        given = call_aws(lambda: sts.assume_role(**parameters))
        return replace(given, detail=redact(given.detail, {external_id(grant)}))

    def _assume_itself(self, probe: Probe, client: Clients) -> Answer:
        grant = self.sessions.grant
        parameters = assume_parameters(grant, probe.role)
        given = call_aws(lambda: client("sts").assume_role(**parameters))
        return replace(given, detail=redact(given.detail, {external_id(grant)}), value=None)

    def _with_role(self, probe: Probe, client: Clients) -> Answer:
        return self._sample(probe, client) if probe.call else call_identity(client("sts"), probe.role)

    def _sample(self, probe: Probe, client: Clients) -> Answer:
        assert probe.call is not None
        account = Arn.parse(probe.role).account
        return call_sample(probe.call, client, partial(existing_key, self.sessions, account))
