"""Partitions, account ids and ARNs, parsed once and then trusted."""

import re
from dataclasses import dataclass

from xacct_nb.errors import InvalidArn

PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
_ACCOUNT = re.compile(r"[0-9]{12}")
_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
# IAM allows more in a path, but in a policy * and ? are wildcards there, and $ begins a variable.
_PATH = re.compile(r"(?:[!-.0-~]+/)*")
_NOT_LITERAL = re.compile(r"[*?$]")
_NAME_LENGTHS = {"role": 64, "user": 64, "group": 128, "policy": 128}


def is_account_id(text: object) -> bool:
    """Whether this is text of 12 digits. A number is not: it has lost its leading zeros."""
    return isinstance(text, str) and _ACCOUNT.fullmatch(text) is not None


@dataclass(frozen=True, order=True)
class Arn:
    """`arn:partition:service:region:account:resource`, as the IAM guide's page on ARNs defines it."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> "Arn":
        """Reads an ARN. Raises InvalidArn."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[2] or not parts[5]:
            raise InvalidArn(
                f"{text!r} is not an ARN.",
                why="An ARN reads arn:partition:service:region:account:resource.",
                hint="Copy the ARN from the IAM console, for example arn:aws:iam::111111111111:user/alice.",
            )
        if parts[1] not in PARTITIONS:
            raise InvalidArn(
                f"{text!r} is in the partition {parts[1]!r}, which is not known here.",
                why=f"Known partitions: {', '.join(PARTITIONS)}.",
                hint="Correct the second part of the ARN.",
            )
        return cls(*parts[1:])

    @property
    def kind(self) -> str:
        """The resource's type: user, role, group, policy, root, assumed-role."""
        return self.resource.split("/", 1)[0]

    @property
    def name(self) -> str:
        """The last part of the resource, without its path."""
        return self.resource.rsplit("/", 1)[-1]

    @property
    def path(self) -> str:
        """The IAM path, from `/` to `/`."""
        return "/" + self.resource.partition("/")[2].removesuffix(self.name)

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def parse_iam(text: str, *kinds: str) -> Arn:
    """Reads the ARN of an IAM entity of one of these kinds, with AWS's limits of names and paths.

    Source: IAM and STS quotas, name requirements. Raises InvalidArn.
    """
    arn = Arn.parse(text)
    if arn.service != "iam" or arn.region or not is_account_id(arn.account) or arn.kind not in kinds:
        raise InvalidArn(
            f"{text!r} is not the ARN of a {' or '.join(kinds)}.",
            why="IAM ARNs have no region and an account id of 12 digits.",
            hint=f"It should read like arn:{arn.partition}:iam::111111111111:{kinds[0]}/NAME.",
        )
    _check_name(text, arn)
    return arn


def _check_name(text: str, arn: Arn) -> None:
    limit = _NAME_LENGTHS[arn.kind]
    literal = "/" in arn.resource and not _NOT_LITERAL.search(arn.resource)
    if not literal or not _NAME.fullmatch(arn.name) or not _PATH.fullmatch(arn.path[1:]):
        raise InvalidArn(
            f"{text!r} has a name or path that IAM refuses.",
            why="Names are letters, digits and _+=,.@-; a wildcard or a variable would mean others too.",
            hint=f"Write one {arn.kind} in full: arn:{arn.partition}:iam::{arn.account}:{arn.kind}/NAME.",
        )
    if len(arn.name) > limit or len(arn.path) > 512:
        raise InvalidArn(
            f"The {arn.kind} {arn.name!r} is too long: {len(arn.name)} characters, its path {len(arn.path)}.",
            why=f"IAM allows {limit} in a {arn.kind} name and 512 in a path.",
            hint="Choose a shorter name or path.",
        )


def role_arn_of(caller: str) -> str:
    """The IAM ARN behind a caller ARN: of a role session its role, without the path; else itself."""
    arn = Arn.parse(caller)
    if arn.service != "sts" or arn.kind != "assumed-role":
        return caller
    return str(Arn(arn.partition, "iam", "", arn.account, f"role/{arn.resource.split('/')[1]}"))


def same_principal(caller: str, principal: str) -> bool:
    """Whether a caller ARN is that user or role, or a session of it, whose ARN leaves the path out.

    False for what is no ARN.
    """
    try:
        one, other = Arn.parse(role_arn_of(caller)), Arn.parse(principal)
    except InvalidArn:
        return False
    return (one.account, one.kind, one.name) == (other.account, other.kind, other.name)
