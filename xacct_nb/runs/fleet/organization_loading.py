"""The organization of a fleet, read as far as its selections need it."""

from xacct_nb.aws.organization_reader import read_organization, read_tags, read_units
from xacct_nb.aws.sessions import Sessions
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.organization import Organization, accounts_without_tags


def load_organization(fleet: Fleet, sessions: Sessions, profile: str) -> Organization:
    """Return the organization that a profile can read: its accounts, and the units and tags that decide.

    Raises AwsRefused, InvalidOrganization.
    """
    client = sessions.client(profile, "organizations")
    found = read_organization(client)
    targets = [each.target for each in fleet.grants]
    if {unit for target in targets for unit in target.organization_units} - set(found.units):
        found = read_units(client, found)
    for target in targets:
        asked = target.accounts, target.organization_units, target.tags, target.except_accounts
        if missing := accounts_without_tags(found, *asked):
            found = read_tags(client, found, missing)
    return found
