"""What is said of the grants of a fleet beside their plan: findings, who gets what, and what ends."""

from collections.abc import Iterator
from typing import Any

from xacct_nb.fleets.end_dates import endings
from xacct_nb.fleets.expansion import ExpandedFleet, ExpandedGrant
from xacct_nb.fleets.live_findings import few
from xacct_nb.fleets.plan import FleetPlan
from xacct_nb.grants.documents import build
from xacct_nb.grants.expiry import describe_end, has_ended
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.state import State
from xacct_nb.grants.target import ACCOUNT
from xacct_nb.linting.access_after_plan import access_after_plan
from xacct_nb.linting.findings import Findings, lint


def declared_findings(expanded: ExpandedFleet, now: str) -> Findings:
    """Return the findings of every grant, in an account where nothing is yet; all accounts have the same."""
    found, accepted = dict[Any, None](), list[str]()
    for each in expanded.grants:
        findings = lint(build(_one_account(each)), State({}, read_at=now))
        found |= dict.fromkeys(findings.found)
        accepted += findings.accepted
    return Findings(tuple(found), tuple(dict.fromkeys(accepted)))


def plan_notes(expanded: ExpandedFleet, plan: FleetPlan, now: str) -> tuple[str, ...]:
    """Return what is to be read beside a plan at the moment `now` (UTC): who gets what, and which ends."""
    near = endings(expanded, now).near
    return (*_sentences(expanded, plan, now), *(each.sentence for each in near))


def left_as_they_are(plan: FleetPlan) -> Iterator[str]:
    """Yield one sentence with the accounts that a rollback does not change, and why; none for no account."""
    reasons = dict[str, dict[str, None]]()
    for each in plan.unplanned:
        reasons.setdefault(each.reason.replace(each.account, ACCOUNT), {})[each.account] = None
    count = len({each.account for each in plan.unplanned})
    named = (f"{', '.join(few(own, len(own)))} ({why.rstrip('.')})" for why, own in reasons.items())
    if count:
        are = "account is left as it is" if count == 1 else "accounts are left as they are"
        yield f"{count} {are}: {'; '.join(named)}."


def _sentences(expanded: ExpandedFleet, plan: FleetPlan, now: str) -> Iterator[str]:
    """Yield who will be able to do what in how many accounts, and what is removed of grants that ended."""
    for each in expanded.grants:
        if has_ended(each.declared.template.expires, now):
            yield _removal(each.declared.template, plan)
            continue
        account, count = each.accounts[0], len(each.accounts)
        for sentence in access_after_plan(build(_one_account(each)), State({})):
            of_all = f"{sentence.replace(account, ACCOUNT)} ({ACCOUNT}: {count} accounts)"
            yield of_all if count > 1 else sentence


def _removal(grant: Grant, plan: FleetPlan) -> str:
    """Return what a plan removes of a grant that has ended."""
    accounts = len({each.account for each in plan.changed if each.plan.grant == grant.name})
    removes = f"This plan removes what was made for it, in {accounts} account{'s' * (accounts != 1)}."
    left = removes if accounts else "Nothing of it is left to remove."
    return f"The grant {grant.name!r} {describe_end(grant.expires)}. {left}"


def _one_account(grant: ExpandedGrant) -> Grant:
    return grant.declared.in_account(grant.accounts[0])
