"""The discovery of 200 accounts with 50 roles each, after the reads: `make bench`."""

import gc
import time

from support.many_accounts import many_accounts
from xacct_nb.fleets.discovery import Discovery, discover_in

ACCOUNTS, ROLES, MOST_SECONDS = 200, 50, 20.0


def test_seconds_of_the_discovery_of_200_accounts_with_50_roles_each() -> None:
    quarter, _ = measured(ACCOUNTS // 4)
    seconds, found = measured(ACCOUNTS)
    print(f"\n{ACCOUNTS} accounts with {ROLES} roles each: {seconds:.1f} s; to reach: {MOST_SECONDS}")
    print(f"of a quarter of the accounts: {quarter:.1f} s; {len(found.graph.edges):,} ways into roles")
    print(f"{len(found.declared.grants):,} declarations of {len(found.grants):,} grants")
    unchanged = [each for each in found.declared.grants if each.made and not each.changes]

    assert [len(each.roles) for each in unchanged] == [ACCOUNTS] * (ROLES * 4 // 10)
    assert seconds <= MOST_SECONDS


def measured(accounts: int) -> tuple[float, Discovery]:
    """The seconds of processor time of a discovery, with what it found and shows."""
    read = many_accounts(accounts, ROLES)
    gc.collect()
    began = time.process_time()
    found = discover_in(read)
    shown = [str(each) for each in (found.declared, found.matrix, found.chains, found.wide)]
    assert all(shown)
    return time.process_time() - began, found
