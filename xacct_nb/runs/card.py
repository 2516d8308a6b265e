"""Collects what the decision card of a plan shows: the run's grant, findings, sessions, place and people."""

import shlex
from collections.abc import Iterator

from xacct_nb.aws.account_aliases import account_alias
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.decision_card import (
    CardAccount,
    CardFinding,
    CardPlace,
    DecisionCard,
    card_findings,
    unaccepted_problem,
)
from xacct_nb.changes.entitlements import losses, returns
from xacct_nb.changes.plan import Plan
from xacct_nb.errors import XacctError
from xacct_nb.fleets.equal_sentences import told_once
from xacct_nb.grants.state import State
from xacct_nb.linting.access_after_plan import access_after_plan
from xacct_nb.linting.findings import Findings
from xacct_nb.records.next_steps import is_next_step
from xacct_nb.runs.approval import approval_problem
from xacct_nb.runs.environment import user_name
from xacct_nb.runs.run_context import CardBasis, RunContext
from xacct_nb.storage.approval_history import place_of
from xacct_nb.storage.run_folder import read_about

_REMOVES = "This plan removes what was made for it."
_SHORTEN = (
    'For a shorter time only: write until = "2026-12-31", with your date, below the parameters, and run the '
    "cells again from the beginning. A later end than the grant's own is refused."
)
_NOTHING = "There is nothing to change, so there is nothing to approve."


def decision_card(run: RunContext, plan: Plan) -> DecisionCard:
    """Return the card of a plan. It says what `check_approval` would refuse, and writes nothing."""
    problems, planner, approver = _approval(run, plan)
    return DecisionCard(
        tuple(_sentences(run.basis, plan)),
        tuple(_losses(run.basis, plan)),
        _place(run),
        _findings(run.basis.findings, plan),
        planner,
        approver,
        (planner == approver) if planner and approver else None,
        plan.digest if plan.changes else "",
        plan.summary,
        tuple(_rules(run, plan)) if plan.changes else (),
        problems,
        "" if problems else _command(run, plan),
        checked=run.basis.findings is not None,
    )


def _sentences(basis: CardBasis, plan: Plan) -> Iterator[str]:
    if (record := basis.undoes) is not None:
        declared, left = ("fleet", plan.notes) if record.fleet else ("grant", ())
        of = f" of the {declared} {plan.grant}" if plan.grant else ""
        nothing = "Nothing can be undone of" if left else "There is nothing left to undo of"
        what = "This undoes" if plan.changes else nothing
        yield f"{what} the change{of} in the record {record.id}, made at {record.started}."
        yield from left
        yield from told_once(returns(basis.state or State({}), plan.changes))
    elif plan.ended:
        yield plan.end_sentence if plan.changes else plan.summary
        yield from (_REMOVES, *plan.notes) if plan.changes else plan.notes
    elif basis.sessions is not None and basis.sessions.given is not None:
        yield from access_after_plan(basis.sessions.documents, basis.state or State({}))
    else:
        yield from plan.notes
    yield from plan.shortening


def _losses(basis: CardBasis, plan: Plan) -> Iterator[str]:
    yield from told_once(losses(basis.state or State({}), plan.changes))
    yield from (each.sentence for each in plan.lost)


def _findings(found: Findings | None, plan: Plan) -> tuple[CardFinding, ...]:
    return card_findings(found.found, plan, found.accepted) if found else ()


def _place(run: RunContext) -> CardPlace:
    where = "sandbox" if run.place.sandbox else run.place.where or "AWS"
    kind, sessions = place_of(where), run.basis.sessions
    shown = kind.lower() if kind in ("sandbox", "AWS") else kind
    return CardPlace(shown, tuple(_accounts(sessions)) if sessions else (), user_name())


def _accounts(sessions: Sessions) -> Iterator[CardAccount]:
    seen = set[tuple[str, str]]()
    for each in sessions.identities:
        if each.part != "caller" and (each.part, each.account) not in seen:
            seen.add((each.part, each.account))
            yield CardAccount(each.part, each.account, account_alias(sessions, each.account), each.arn)


def _approval(run: RunContext, plan: Plan) -> tuple[tuple[str, ...], str, str]:
    """Return why the plan cannot be approved, who planned it, and who approves it, "" if that is open."""
    user, given = user_name(), run.settings.approve
    if not plan.changes:
        return (_NOTHING,), user, ""
    problems = [unaccepted_problem(plan)]
    is_other = bool(given) and given != plan.digest and not run.attended
    if is_other:
        problems.append(f"The approval {given[:12]} is for another plan than this one.")
    if is_other or not (given or run.attended):
        return tuple(filter(None, problems)), user, ""
    refused, planner = approval_problem(run, plan)
    if refused is not None:
        problems.append(_sentence(refused))
    return tuple(filter(None, problems)), planner or user, user


def _sentence(problem: XacctError) -> str:
    return f"{problem.what} {problem.hint}".strip()


def _rules(run: RunContext, plan: Plan) -> Iterator[str]:
    """Yield what the settings of this run require of an approval, and how a person may shorten the access."""
    settings = run.settings
    if settings.two_people:
        yield "Someone other than the planner must approve it (two_people)."
    if settings.approvers:
        count = len(settings.approvers)
        who = f"One of {count} approvers must sign it" if count > 1 else "The approver must sign it"
        yield f"{who} (approvers): {_signing(run)}"
    if settings.approval_hours:
        hours = settings.approval_hours
        yield f"It is valid for one change, within {hours} hour{'s' * (hours != 1)} of the plan."
    if run.attended and run.basis.undoes is None and not plan.ended:
        yield _SHORTEN


def _signing(run: RunContext) -> str:
    return f"xacct-nb approve DIGEST --key KEY --records {shlex.quote(str(run.records))}"


def _command(run: RunContext, plan: Plan) -> str:
    """Return the whole command that approves the plan, "" where a person approves it in the form."""
    again = read_about(run.evidence.folder).get("again", "")
    if run.attended or not is_next_step(again):
        return ""
    record = run.basis.undoes
    named = f" -p record {shlex.quote(record.id)}" if record and not run.settings.record else ""
    return f"{again}{named} --approve {plan.digest}"
