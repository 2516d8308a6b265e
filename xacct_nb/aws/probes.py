"""Puts the probes of a grant to AWS by real calls with the callers' own credentials."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from xacct_nb.arns import Arn
from xacct_nb.aws.answers import Answer, ask, ask_identity, ask_sample
from xacct_nb.aws.pen import Pen, utc
from xacct_nb.aws.sessions import Identity, Sessions
from xacct_nb.aws.waits import Wait
from xacct_nb.grants import Grant
from xacct_nb.journals import Entry
from xacct_nb.proofs import (
    ALLOWED,
    DENIED,
    NOT_ASKED,
    Outcome,
    Probe,
    Proof,
    assume_parameters,
    expected_probes,
)

_NO_CALLER = "No profile with this caller's credentials was given."
_NO_STRANGER = "No profile of another principal of that account was given."


def prove(grant: Grant, sessions: Sessions, *, patience: float = 0.0) -> Proof:
    """Asks every question of the grant and notes AWS's answers.

    A question whose caller has no session here is `not-asked`. An answer that is not the expected one is
    asked again for `patience` seconds, since IAM is eventually consistent.
    """
    asking = _Asking(replace(sessions, grant=grant), patience)
    return Proof(tuple(asking.outcome(probe) for probe in expected_probes(grant)))


def settle(pen: Pen, sessions: Sessions) -> None:
    """Waits until the callers under test can assume the roles, and notes how long that took."""
    asking = _Asking(sessions, pen.patience)
    for probe in expected_probes(sessions.grant):
        if probe.kind == "assume" and sessions.callers(probe.source):
            began, outcome = utc(), asking.outcome(probe)
            answer = "waited" if outcome.as_expected else "gave up waiting"
            pen.note(
                Entry(
                    began,
                    Arn.parse(outcome.who).account,
                    "AssumeRole",
                    f"{outcome.who} as {Arn.parse(probe.role).resource}",
                    answer,
                    outcome.request_id,
                    outcome.seconds,
                    outcome.tries,
                )
            )


@dataclass
class _Entered:
    """A session of the role: who assumed it, and its clients by service."""

    who: Identity
    credentials: dict[str, Any]
    clients: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Asking:
    """Asks one probe after the other; a role that was assumed once is used for the questions about it."""

    sessions: Sessions
    patience: float
    entered: dict[tuple[str, str], _Entered] = field(default_factory=dict)

    def outcome(self, probe: Probe) -> Outcome:
        if probe.unaskable:
            return Outcome(probe, NOT_ASKED, detail=probe.unaskable)
        return {"caller": self._by_caller, "role": self._by_role, "stranger": self._by_stranger}[probe.asker](
            probe
        )

    def _by_caller(self, probe: Probe) -> Outcome:
        callers = self.sessions.callers(probe.source)
        known = self.entered.get((probe.source, probe.role))
        if not callers:
            return Outcome(probe, NOT_ASKED, detail=_NO_CALLER)
        who = known.who if known else callers[0]
        if probe.kind == "assume":
            return self._patiently(probe, lambda: self._first_in(callers, probe))
        if len(callers) > 1 and not known:
            return Outcome(probe, NOT_ASKED, detail="Nobody of that account could assume the role.")
        return self._patiently(
            probe, lambda: (who, self._sample(probe, who) if probe.call else self._assume(who, probe))
        )

    def _by_stranger(self, probe: Probe) -> Outcome:
        who = self.sessions.stranger(probe.source)
        if who is None:
            return Outcome(probe, NOT_ASKED, detail=_NO_STRANGER)
        return self._patiently(probe, lambda: (who, self._assume(who, probe)))

    def _by_role(self, probe: Probe) -> Outcome:
        inside = self.entered.get((probe.source, probe.role))
        if inside is None:
            missing = "The role could not be assumed." if self.sessions.callers(probe.source) else _NO_CALLER
            return Outcome(probe, NOT_ASKED, detail=missing)
        outcome = self._patiently(probe, lambda: (inside.who, self._inside(probe, inside)))
        return replace(outcome, who=f"{Arn.parse(probe.role).resource} (session)")

    def _patiently(self, probe: Probe, put: Callable[[], tuple[Identity, Answer]]) -> Outcome:
        wait = Wait(probe.question, self.patience)
        who, given = put()
        while given.verdict in (ALLOWED, DENIED) and given.verdict != probe.expected and wait.again():
            who, given = put()
        wait.done()
        return Outcome(
            probe, given.verdict, who.arn, given.detail, given.request_id, wait.tries, wait.seconds
        )

    def _first_in(self, callers: tuple[Identity, ...], probe: Probe) -> tuple[Identity, Answer]:
        """The first of the callers that is let in (a whole account has many), else the last one's denial."""
        for who in callers:
            given = self._assume(who, probe)
            if given.verdict == ALLOWED:
                self.entered[probe.source, probe.role] = _Entered(who, given.value["Credentials"])
                break
        return who, given

    def _assume(self, who: Identity, probe: Probe) -> Answer:
        sts = self.sessions.client(who.profile, "sts")
        parameters = assume_parameters(self.sessions.grant, probe.role, probe.variation)
        return ask(lambda: sts.assume_role(**parameters))

    def _inside(self, probe: Probe, inside: _Entered) -> Answer:
        def client(service: str) -> Any:
            if service not in inside.clients:
                inside.clients[service] = self.sessions.role_client(inside.credentials, service)
            return inside.clients[service]

        return (
            self._sample(probe, inside.who, client) if probe.call else ask_identity(client("sts"), probe.role)
        )

    def _sample(self, probe: Probe, who: Identity, client: Callable[[str], Any] | None = None) -> Answer:
        assert probe.call is not None
        account = Arn.parse(probe.role).account
        mine = client or (lambda service: self.sessions.client(who.profile, service))
        return ask_sample(probe.call, mine, lambda: self.sessions.admin(account, "s3"))
