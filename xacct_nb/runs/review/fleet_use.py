"""What is used of a fleet's grant: AWS's reports on the roles of all its accounts, as one."""

from functools import partial

from xacct_nb.aws.account_sessions import FleetAccess
from xacct_nb.aws.parallel import each_at_once
from xacct_nb.aws.usage_reader import read_usage
from xacct_nb.changes.narrowing import narrow
from xacct_nb.changes.usage import PrincipalUsage, Usage
from xacct_nb.errors import XacctError
from xacct_nb.fleets.expansion import ExpandedGrant
from xacct_nb.grants.documents import DESTINATION
from xacct_nb.records.review.subject import LiveState
from xacct_nb.records.review.use import use_lines
from xacct_nb.runs.fleet.slice_work import opened

MOST_ACCOUNTS = 50
"""In how many accounts of a fleet's grant the use is read at most."""
_THREADS = 8
_TOO_MANY = f"It was not read: the grant has more than {MOST_ACCOUNTS} accounts."


def fleet_use(grant: ExpandedGrant, access: FleetAccess) -> LiveState:
    """Return what is used of a fleet's grant in all its accounts, and what could go; no live state."""
    if len(grant.accounts) > MOST_ACCOUNTS:
        return LiveState(use=(_TOO_MANY,))
    found = each_at_once(partial(_usage_in, grant, access), grant.accounts, threads=_THREADS)
    first, roles = found[0], tuple(role for each in found for role in each.roles)
    usage = Usage(roles, first.sources, first.policies)
    destinations = tuple(map(grant.declared.target.role_arn, grant.accounts))
    whole = grant.declared.in_account(grant.accounts[0]).model_copy(update={"destinations": destinations})
    narrowing = narrow(whole, usage)
    return LiveState(narrowing=narrowing, use=use_lines(usage, narrowing))


def _usage_in(grant: ExpandedGrant, access: FleetAccess, account: str) -> Usage:
    """Return the use in one account, with that of the sources in the first one."""
    own, is_first = grant.declared.in_account(account), account == grant.accounts[0]
    if not is_first:  # whole accounts have no use of their own
        own = own.model_copy(update={"sources": own.source_accounts})
    try:
        sessions = opened(access).of(own, DESTINATION, account, and_source=is_first)
        return read_usage(own, sessions, patience=access.patience)
    except XacctError as problem:
        why = f"{problem.what} {problem.why}".strip()
        return Usage(tuple(PrincipalUsage(role, unknown=(why,)) for role in own.destinations))
