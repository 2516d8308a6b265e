"""The roles that a fleet's file declares, by account, and by unit where it does not name accounts."""

from collections.abc import Iterator

from xacct_nb.fleets.fleet import FleetGrant
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.target import ACCOUNT


def declared_grants(grant: FleetGrant) -> Iterator[Grant]:
    """Yield a grant of a fleet for each account that its file names, and for each unit.

    Resources keep {account}, so that what is the same in all accounts is one thing. In place of an account,
    the role of a unit has words that say which accounts are meant. Both are for comparing and showing: no
    policy can be built from them.
    """
    target = grant.target
    named = (each for each in dict.fromkeys(target.accounts) if each not in target.except_accounts)
    units = target.organization_units or (("the organization",) if target.tags else ())
    roles = [
        *map(target.role_arn, named),
        *(f"arn:{target.partition}:iam::{_accounts_of(unit, grant)}:role/{target.role}" for unit in units),
    ]
    template = grant.in_account(ACCOUNT)
    yield from (template.model_copy(update={"destinations": (role,)}) for role in roles)


def _accounts_of(unit: str, grant: FleetGrant) -> str:
    tags = ", ".join(f"{name}={value}" for name, value in sorted(grant.target.tags.items()))
    left_out = ", ".join(sorted(grant.target.except_accounts))
    tagged = f" tagged {tags}" if tags else ""
    but = f" except {left_out}" if left_out else ""
    return f"the accounts of {unit}{tagged}{but}".replace(":", ".")  # a colon would end this part of an ARN
