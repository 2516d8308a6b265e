"""One side of a hand-over, in a run of its own: it answers a request, or accepts the answer to its own."""

import hashlib
from dataclasses import replace

from xacct_nb.aws.clock import utc
from xacct_nb.aws.probes import existing_objects
from xacct_nb.aws.reader import read_resources
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import desired_resources
from xacct_nb.changes.proof import Proof
from xacct_nb.errors import InvalidParameters, MissingProfile, UnresolvedSecret, WrongAccount
from xacct_nb.grants.conditions import Conditions
from xacct_nb.grants.documents import DESTINATION, SOURCE, Documents, build
from xacct_nb.grants.grant import Grant, external_id, resolve
from xacct_nb.grants.parameters import to_display
from xacct_nb.handoff.answer import (
    CHANGED,
    MADE,
    REFUSED,
    AnsweredProof,
    HandoffAnswer,
    answer_to,
    changed_grant,
    made_resources,
)
from xacct_nb.handoff.checks import (
    check_answer,
    check_external_id,
    check_in_time,
    check_scope,
    check_unused,
    unknown_request,
)
from xacct_nb.handoff.request import HandoffRequest, differences, whole_grant
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.fields import NOT_PROVEN, RecordedHandoff
from xacct_nb.redaction.redact import is_fingerprint
from xacct_nb.runs.handoff.state import (
    ACCEPTS,
    ANSWERED,
    ANSWERS,
    PROVEN,
    REFUSED_STATE,
    HandoffState,
    NotAnswered,
    NotProvenHere,
    answers_before,
    closed_by,
    handoff_state,
    not_proven_yet,
)
from xacct_nb.runs.handoff.writing import (
    answer_path,
    clean_text,
    example_request,
    read_answer,
    read_request,
    refusal,
    send_answer,
)
from xacct_nb.runs.run_context import PlanApproval, RunContext
from xacct_nb.storage.handoff_files import check_place, keep_handoff, keep_received, made_request
from xacct_nb.storage.handoff_signatures import describe_signature
from xacct_nb.storage.references import resolve_reference
from xacct_nb.views import Page, Shown, Text, View

_IN_SANDBOX = " This run acts in the sandbox: for AWS itself, give -p sandbox false."


class Handover(Shown):
    """The hand-over of a run: the request, its answer if this run accepts one, and this run's own side."""

    def __init__(self, run: RunContext) -> None:
        self.run, self.answered = run, None
        settings = run.settings
        if settings.answer:
            self.answered = read_answer(settings.answer)
        self.request, self.is_example = self._request(), not (settings.request or settings.answer)
        signed = self.answered or self.request
        self.signature = describe_signature(signed, "" if self.is_example else settings.signers)
        self.part, self.side = (
            (ACCEPTS, self.request.other_side) if self.answered else (ANSWERS, self.request.side)
        )
        answer = self.answered.digest if self.answered else ""
        self.found = RecordedHandoff(self.part, self.side, self.request.digest, answer)
        self._note()
        self.at = utc()
        self._check()
        self.grant = self._grant()
        self.differences = differences(self.request.asked, self.grant)
        self.proof: Proof | None = None
        self.plan: Plan | None = None
        if self.part == ANSWERS and not self.is_example:
            check_place(answer_path(settings.answer_to, settings.request), HandoffAnswer)
            keep_received(run.records, self.request)
        run.evidence.add("parameters", {**to_display(run.parameters), **self.grant.to_json()})

    @property
    def documents(self) -> Documents:
        """The policies of the side that this run changes."""
        return build(self.grant, self.side)

    def view(self) -> View:
        """Return the request, the answer if there is one, who signed, and what differs."""
        parts: list[View] = [self.request.view()]
        if self.answered:
            parts.append(self.answered.view())
        parts += [Text(each, "change") for each in self.differences]
        signed = "The answer" if self.answered else "The request"
        parts.append(Text(f"{signed} is {self.signature}.", "note"))
        does = "answers the request" if self.part == ANSWERS else "accepts the answer"
        return Page(f"Hand-over: this run {does}, on the {self.side} side", tuple(parts))

    def open_sessions(self) -> Sessions:
        """Return the sessions of this run's own side. Raises what `open_sessions` of a run raises."""
        name = f"{self.side}_profiles"
        if not getattr(self.run.settings, name):
            raise InvalidParameters(
                f"No profile of the {self.side} account is named.",
                why=f"This run acts on the {self.side} side, with a session of your own account.",
                hint=f"Name it: -p {name} PROFILE",
            )
        try:
            sessions = self.run.open_sessions(self.grant, self.side)
        except (MissingProfile, WrongAccount) as problem:
            problem.hint += _IN_SANDBOX if self.run.settings.sandbox else ""
            raise
        answered = self.answered.objects if self.answered else ()
        return replace(sessions, objects=(*answered, *self.run.settings.proof_objects))

    def apply(self, plan: Plan, sessions: Sessions, approval: PlanApproval) -> Journal:
        """Apply the plan of this side if it was approved, and the request is still open.

        Raises InvalidHandoff, and what `apply` of a run raises.
        """
        self.plan = plan
        if self.run.settings.refuse and approval.digest:
            raise InvalidParameters(
                "The plan is approved, and the request is refused.",
                why="An answer says one of the two.",
                hint="Leave out the approval, or the reason in `refuse`.",
            )
        if self.run.settings.refuse:
            self.run.status = "planned" if plan.changes else "no-change"
            return Journal(plan.grant)
        is_decided = approval.digest or not plan.changes
        if self.part == ANSWERS and is_decided and not self.run.applied:
            self.at = utc(self.run.place.connection.clock.now())
            check_in_time(self.request, self.at)
            self._check_unused(changes=bool(plan.changes))
        # The other side is not made yet, so nothing would come of waiting until the callers have access.
        callers = [each for each in sessions.identities if self.part == ACCEPTS or each.part != "caller"]
        return self.run.apply(plan, replace(sessions, identities=tuple(callers)), approval)

    def prove(self, sessions: Sessions) -> Shown:
        """Prove the access by real calls, where both sides can be there. Raises ProofFailed."""
        callers = any(each.part == "caller" for each in sessions.identities)
        if self.part == ACCEPTS and (callers or self.side == SOURCE):
            self.proof = self.run.prove(self.grant, sessions)
            return self.proof
        first_half = self.part == ANSWERS and self.run.applied is not None
        if not callers or first_half or self.run.status == "planned" or self._lacks_external_id:
            here = NotProvenHere(self.part, self.side)
            self.run.left_open = here.reason
            return here
        from xacct_nb.aws.probes import prove  # most answers need no proof

        self.proof = self.run.keep(prove(self.grant, sessions))
        if not self.proof.holds:
            self.run.status, self.run.left_open = NOT_PROVEN, not_proven_yet(self.proof)
        return self.proof

    def answer(self, sessions: Sessions) -> Shown:
        """Write the answer to the request, or say how far the accepted hand-over is."""
        if self.answered is not None:
            self._close(self.answered)
            objects = existing_objects(sessions) if self.side == DESTINATION else ()
            return replace(self.state(), objects=objects)
        if not (decision := self._decision()):
            return NotAnswered()
        answer = self._made(decision, sessions)
        sent = send_answer(self.run, answer, "" if self.is_example else self.run.settings.request)
        holds = self.proof is not None and self.proof.holds
        state = REFUSED_STATE if decision == REFUSED else PROVEN if holds else ANSWERED
        self._note(answer=answer.digest, decision=decision, state=state, differences=answer.differences)
        return sent

    @property
    def _lacks_external_id(self) -> bool:
        return is_fingerprint(external_id(self.grant))

    def state(self) -> HandoffState:
        """Return how far the hand-over is, with what this run adds to it."""
        found = handoff_state(self.run.records, self.request, utc())
        return replace(found, state=PROVEN) if self.found.state == PROVEN else found

    def _request(self) -> HandoffRequest:
        settings = self.run.settings
        if self.answered is not None:
            own = made_request(self.run.records, self.answered.request)
            return own if isinstance(own, HandoffRequest) else unknown_request(self.answered)
        return read_request(settings.request) if settings.request else example_request()

    def _check(self) -> None:
        """Raise InvalidHandoff for an answer or a request that cannot be used."""
        if self.answered is None:
            check_in_time(self.request, self.at)
            return self._check_unused(changes=bool(self.run.settings.refuse))
        check_scope(self.request, self.answered)
        keep_handoff(self.run.records, self.answered)
        if self.answered.decision == REFUSED:
            self._note(decision=REFUSED, state=REFUSED_STATE)
        closed = closed_by(self.run.records, self.request.digest)
        check_answer(self.request, self.answered, closed, self.run.settings.agree)

    def _check_unused(self, *, changes: bool) -> None:
        check_unused(self.request, answers_before(self.run.records, self.request.digest), changes=changes)

    def _grant(self) -> Grant:
        """Return the grant of this run, with the external ID that this owner has, and their decisions."""
        settings, fields = self.run.settings, self.run.settings.changes
        if self.answered is not None:
            grant = self.answered.granted(self.request)
        else:
            grant = changed_grant(self.request, fields) if fields else self.request.asked
        own = {name: self.run.parameters[name] for name in ("accept", "adopt") if name in self.run.parameters}
        grant = Grant(**{**whole_grant(grant), **own})
        needed = self.side == DESTINATION or self.part == ACCEPTS
        if not self.request.external_id or not (needed or settings.external_id):
            return grant
        if not settings.external_id:
            raise UnresolvedSecret(
                "The grant needs the external ID, and the files of a hand-over never have it.",
                why=f"Its fingerprint is {self.request.external_id}.",
                hint="Put it into a file or a variable, and say where: -p external_id env:NAME",
            )
        when = Conditions(**{**grant.conditions.model_dump(), "external_id": settings.external_id})
        found = resolve(grant.model_copy(update={"conditions": when}), resolve_reference)
        check_external_id(found, self.request.external_id)
        self.run.evidence.secrets.add(external_id(found))
        return found

    def _decision(self) -> str:
        if self.run.settings.refuse and self.run.applied is None:
            return REFUSED
        is_made = self.run.applied is not None or (self.plan is not None and not self.plan.changes)
        return "" if not is_made else CHANGED if self.differences else MADE

    def _clean(self, text: str) -> str:
        return clean_text(text, self.run.evidence.secrets)

    def _made(self, decision: str, sessions: Sessions) -> HandoffAnswer:
        settings = self.run.settings
        if decision == REFUSED:
            return refusal(self.request, self._clean(settings.refuse), by=_who(sessions), record=self.run.id)
        state = read_resources(self.documents, sessions)
        journal = self.run.applied[1].to_json() if self.run.applied else {}
        proof = self.proof and AnsweredProof(holds=self.proof.holds, summary=self.proof.summary)
        return answer_to(
            self.request,
            decision,
            reason=self._clean(settings.note),
            grant=whole_grant(self.grant) if decision == CHANGED else {},
            differences=self.differences,
            made=made_resources(desired_resources(self.documents, state)),
            objects=existing_objects(sessions) if self.side == DESTINATION else (),
            at=self.at,
            by=_who(sessions),
            record=self.run.id,
            plan=self.plan.digest if self.plan and self.plan.changes else "",
            journal=hashlib.sha256(canonical_json(journal).encode()).hexdigest() if journal else "",
            proof=proof,
        )

    def _close(self, answer: HandoffAnswer) -> None:
        """Note whether the access is proven: by this run's own calls, else as the callers' owner answered."""
        own = self.proof is not None and self.proof.holds
        there = self.plan is not None and (not self.plan.changes or self.run.applied is not None)
        has_callers = answer.side == SOURCE
        theirs = answer.proof is not None and answer.proof.holds and there and has_callers
        self._note(
            answer=answer.digest,
            decision=answer.decision,
            state=PROVEN if own or theirs else ANSWERED,
            differences=self.differences,
            other=answer.record,
        )

    def _note(self, **more: object) -> None:
        self.found = replace(self.found, **more)  # type: ignore[arg-type]
        self.run.evidence.add("handoff", self.found.to_json())


def _who(sessions: Sessions) -> str:
    return next((each.arn for each in sessions.identities if each.part != "caller"), "")
