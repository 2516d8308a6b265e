"""The names and tags of the resources that are made for a grant, and which names are in use."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from xacct_nb.grants.grant import Grant
from xacct_nb.iam.arns import Arn

_SID = re.compile(r"xacctX([a-z][a-zX0-9]{0,31})(?:ByPattern)?")
OWNER_TAG, ADOPTED_TAG = "xacct-nb:grant", "xacct-nb:adopted"


def policy_name(grant: Grant, number: int = 1) -> str:
    """Return a name for the grant's policies: xacct-NAME, xacct-NAME.2, ... (a grant's name has no dot)."""
    return policy_name_of(grant.name, number)


def policy_name_of(name: str, number: int = 1) -> str:
    """Return a name for the policies of a grant of this name."""
    return f"xacct-{name}" + (f".{number}" if number > 1 else "")


def statement_id(grant: Grant) -> str:
    """Return the Sid of the grant's statement in a trust policy of others: xacctXNAME, with X for a hyphen.

    A Sid has letters and digits only, and a grant's name no capital letter: no other grant has this Sid.
    """
    return policy_name(grant).replace("-", "X")


def grant_of_statement(sid: str) -> str:
    """Return the grant that a statement with this Sid was made for, "" for a Sid of another kind."""
    found = _SID.fullmatch(sid)
    return found[1].replace("X", "-") if found else ""


def statement_ids(grant: Grant) -> tuple[str, str]:
    """Return the Sids of the grant's statements: that which names principals, and that which has patterns."""
    return statement_id(grant), f"{statement_id(grant)}ByPattern"


def policy_arn(grant: Grant, account: str, number: int = 1) -> str:
    """Return the ARN of the grant's managed caller policy in an account."""
    return f"arn:{grant.partition}:iam::{account}:policy/{policy_name(grant, number)}"


def grant_named_in(policy: str) -> str:
    """Return the grant that a policy of this name or ARN was made for, "" for a name of another kind."""
    name = policy.rpartition("/")[2].partition(".")[0]
    return name.removeprefix("xacct-") if name.startswith("xacct-") else ""


def is_caller_policy(grant: Grant, policy: str) -> bool:
    """Return whether the ARN is that of one of the grant's managed caller policies."""
    name, _, number = Arn.parse(policy).name.partition(".")
    return name == policy_name(grant) and (not number or number.isdecimal())


@dataclass(frozen=True)
class NameUse:
    """A name that is in use: by which sources and roles where a record says it, and where that was found."""

    name: str
    found: str
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()

    def warning(self, grant: Grant) -> str:
        """Return what the name is used for, where that is another grant than this one; "" where it is not."""
        if grant.name != self.name or self._is_of(grant):
            return ""
        if not self.sources:
            return f"The name is taken: {self.found}. A plan under this name changes what is there."
        callers, roles = _briefly(self.sources), _briefly(self.destinations)
        return (
            f"The name is taken: {self.found} lets {callers} assume {roles}. "
            "A plan under this name changes or takes away that access."
        )

    def _is_of(self, grant: Grant) -> bool:
        same = set(self.sources) == set(grant.sources), set(self.destinations) == set(grant.destinations)
        return bool(self.sources) and all(same)


def _briefly(arns: Iterable[str]) -> str:
    first, *rest = (arn.rpartition(":")[2] for arn in arns)
    return f"{first} and {len(rest)} more" if rest else first
