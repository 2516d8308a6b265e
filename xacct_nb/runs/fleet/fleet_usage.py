"""What AWS reports of the use of a fleet's roles and sources, account by account."""

from functools import partial

from xacct_nb.aws.account_sessions import AccountSessions, FleetAccess
from xacct_nb.aws.parallel import each_at_once
from xacct_nb.aws.usage_reader import read_usage
from xacct_nb.changes.usage import PrincipalUsage, Usage
from xacct_nb.errors import AwsRefused, WrongAccount
from xacct_nb.fleets.expansion import ExpandedFleet, Slice
from xacct_nb.grants.documents import SOURCE

_THREADS, _PATIENCE = 32, 60.0


def read_fleet_usage(expanded: ExpandedFleet, access: FleetAccess, *, patience: float = _PATIENCE) -> Usage:
    """Return what AWS reports of the use of a fleet's roles and sources; changes nothing.

    Of an account that cannot be entered or read nothing is known, and the value says why.
    """
    read = partial(_usage_of, access.open(), patience)
    found = each_at_once(read, expanded.slices, threads=_THREADS)
    return Usage(
        tuple(role for each in found for role in each.roles),
        tuple({source.principal: source for each in found for source in each.sources}.values()),
        tuple({policy.policy: policy for each in found for policy in each.policies}.values()),
    )


def _usage_of(accounts: AccountSessions, patience: float, part: Slice) -> Usage:
    """Return the use of the roles of a slice, or of its sources."""
    try:
        return read_usage(part.grant, accounts.of(part.grant, part.side, part.account), patience=patience)
    except (WrongAccount, AwsRefused) as problem:
        of_source = part.side == SOURCE
        named = part.grant.principals if of_source else part.grant.destinations
        unknown = tuple(PrincipalUsage(each, unknown=(problem.what,)) for each in named)
        return Usage((), unknown) if of_source else Usage(unknown)
