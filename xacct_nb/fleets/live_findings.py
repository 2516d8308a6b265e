"""The findings on what is in the accounts of a fleet already: those that not every account has, grouped."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from xacct_nb.grants.documents import Documents
from xacct_nb.grants.state import State
from xacct_nb.grants.target import ACCOUNT
from xacct_nb.linting.findings import Findings, live_findings
from xacct_nb.linting.rules.rule import SEVERITIES, Finding

MOST_ACCOUNTS = 5
"""How many accounts a text names."""


def in_any_account(finding: Finding, account: str) -> Finding:
    """Return the finding with {account} where the id of its account stands: equal ones are equal then."""
    texts = {name: getattr(finding, name).replace(account, ACCOUNT) for name in ("where", "why", "mend")}
    return replace(finding, **texts)


def new_findings(
    documents: Documents, state: State, account: str, known: Collection[Finding]
) -> tuple[Finding, ...]:
    """Return the findings on the live state of an account, without those that are `known` of any account."""
    found = live_findings(documents, state)
    return tuple(each for each in found if in_any_account(each, account) not in known)


def unaccepted_of(found: Sequence[Finding], accepted: Iterable[str]) -> tuple[Finding, ...]:
    """Return the findings that the grant has to accept and does not."""
    codes = Findings(tuple(found), tuple(accepted)).unaccepted
    return tuple(each for each in found if each.code in codes)


def grouped(
    found: Mapping[tuple[str, str], Mapping[str, Sequence[Finding]]],
    counts: Mapping[tuple[str, str], int],
) -> tuple[Finding, ...]:
    """Return the findings of accounts as one for all accounts that have an equal one.

    `found` are the findings by grant and side, then by account; `counts` the accounts of each grant and side.
    """
    groups = defaultdict[tuple[tuple[str, str], Finding], dict[str, Finding]](dict)
    for about, accounts in found.items():
        for account, findings in accounts.items():
            for each in findings:
                groups[about, in_any_account(each, account)][account] = each
    ordered = sorted(groups.items(), key=lambda item: (SEVERITIES.index(item[0][1].severity), len(item[1])))
    return tuple(_of_accounts(about, shape, own, counts[about]) for (about, shape), own in ordered)


def few(accounts: Iterable[str], count: int) -> Iterator[str]:
    """Yield the first accounts, and how many more there are."""
    yield from islice(accounts, MOST_ACCOUNTS)
    if count > MOST_ACCOUNTS:
        yield f"and {count - MOST_ACCOUNTS} more"


def _of_accounts(about: tuple[str, str], shape: Finding, own: Mapping[str, Finding], count: int) -> Finding:
    """Return one finding for the accounts that have it; its text says in how many of them, and in which."""
    grant, side = about
    finding = next(iter(own.values())) if len(own) == 1 else shape
    accounts = ", ".join(few(own, len(own)))
    place = f"in {len(own)} of {count} {side} accounts of {grant}: {accounts}"
    if count == 1:
        place = f"in the {side} account of {grant}: {accounts}"
    return replace(finding, where=f"{finding.where}\n{place}")
