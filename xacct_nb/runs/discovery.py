"""The discovery of accounts: read them all, find the grants that give what is there, write them to files."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from xacct_nb.aws.account_reader import ReadAccounts, read_accounts
from xacct_nb.aws.profile_clients import AWS_ITSELF, Endpoint
from xacct_nb.fleets.discovery import Discovery, discover_in
from xacct_nb.fleets.discovery_fleet import fleet_fields
from xacct_nb.runs.run_context import RunContext
from xacct_nb.storage.declared_grants import write_declared
from xacct_nb.views import Shown, Table, Text, View


@dataclass(frozen=True, repr=False)
class WrittenGrants(Shown):
    """The files that the declared grants were written to, each with the number of its grants."""

    files: tuple[tuple[str, int], ...] = ()

    def view(self) -> View:
        """Return one line for each file."""
        if not self.files:
            return Text("No file was asked for. To get one: -p grants_to fleet.yaml", "note")
        return Table(("file", "grants"), tuple((file, str(count)) for file, count in self.files))


def discover(
    profiles: Iterable[str],
    *,
    accounts: Iterable[str] = (),
    account_role: str = "",
    endpoint: Endpoint = AWS_ITSELF,
) -> Discovery:
    """Return who may assume what in the profiles' accounts, and the declared grants that give the same.

    `accounts` are further ones, in each of which the first profile assumes the role named `account_role`. An
    account that cannot be read is listed with its reason. Changes nothing.
    """
    return discover_in(
        read_accounts(profiles, accounts=accounts, account_role=account_role, endpoint=endpoint).accounts
    )


def write_grants(discovery: Discovery, file: str | Path) -> WrittenGrants:
    """Write the declared grants to a fleet file, and those that are none of its entries beside it.

    Raises InvalidInput where a file exists already, or cannot be made.
    """
    path = Path(file)
    fleet, rest = fleet_fields("discovered", discovery.declared.grants)
    written = [(str(write_declared(fleet, path)), len(fleet["grants"]))] if fleet["grants"] else []
    for name, fields in rest.items():
        written.append((str(write_declared(fields, path.parent / f"{path.stem}-{name}.yaml")), 1))
    return WrittenGrants(tuple(written))


def discover_for(run: RunContext) -> Discovery:
    """Return what is in the accounts of a run's profiles, and note in its evidence who read them."""
    settings, endpoint = run.settings, run.place.open()
    read = read_accounts(
        [*settings.destination_profiles, *settings.source_profiles],
        accounts=settings.accounts,
        account_role=settings.account_role,
        endpoint=endpoint,
    )
    return _noted(run, read)


def _noted(run: RunContext, read: ReadAccounts) -> Discovery:
    run.place.note()
    found = discover_in(read.accounts)
    run.evidence.secrets |= found.secrets
    run.evidence.add("sessions", [each.to_json() for each in read.identities])
    run.touched = True
    return found


def write_for(run: RunContext, discovery: Discovery) -> WrittenGrants:
    """Write the declared grants to the file that a run names, if it names one. Raises InvalidInput."""
    return write_grants(discovery, run.settings.grants_to) if run.settings.grants_to else WrittenGrants()
