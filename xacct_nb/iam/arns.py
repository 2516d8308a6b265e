"""Partitions, account ids, unique ids and ARNs, parsed once and then trusted."""

import re
from dataclasses import dataclass

from xacct_nb.errors import InvalidArn
from xacct_nb.validation import truncate

# The partitions, each with the region of its IAM, which is the one to use where none is set.
REGIONS = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-eusc": "eusc-de-east-1",
}
PARTITIONS = tuple(REGIONS)
# The id that AWS shows in a policy in place of a deleted user (AIDA) or role (AROA).
UNIQUE_ID = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{12,124}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
# IAM allows more characters in a path, but in a policy * and ? are wildcards, and $ begins a variable.
_PATH = re.compile(r"(?:[!-.0-~]+/)*")
_NOT_LITERAL = re.compile(r"[*?$]")
_NAME_LENGTHS = {"role": 64, "user": 64, "group": 128, "policy": 128}


def is_account_id(text: object) -> bool:
    """Return whether a value is text of 12 digits. A number is not: it has lost its leading zeros."""
    return isinstance(text, str) and _ACCOUNT.fullmatch(text) is not None


@dataclass(frozen=True, order=True)
class Arn:
    """An Amazon Resource Name: `arn:partition:service:region:account:resource` (IAM guide, page on ARNs)."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> "Arn":
        """Read an ARN. Raises InvalidArn."""
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[2] or not parts[5]:
            raise InvalidArn(
                truncate(f"{text!r} is not an ARN."),
                why="An ARN reads arn:partition:service:region:account:resource.",
                hint="Copy the ARN from the IAM console, for example arn:aws:iam::111111111111:user/alice.",
            )
        if parts[1] not in PARTITIONS:
            raise InvalidArn(
                truncate(f"{text!r} names the partition {parts[1]!r}, which is not supported."),
                why=f"Supported partitions: {', '.join(PARTITIONS)}.",
                hint="Correct the second part of the ARN.",
            )
        return cls(*parts[1:])

    @property
    def kind(self) -> str:
        """Return the resource's type: user, role, group, policy, root, assumed-role."""
        return self.resource.split("/", 1)[0]

    @property
    def name(self) -> str:
        """Return the last part of the resource, without its path."""
        return self.resource.rsplit("/", 1)[-1]

    @property
    def path(self) -> str:
        """Return the IAM path, from `/` to `/`."""
        return "/" + self.resource.partition("/")[2].removesuffix(self.name)

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def parse_iam(text: str, *kinds: str) -> Arn:
    """Read the ARN of an IAM entity of one of these kinds; check its name and path against AWS's limits.

    Source: IAM and STS quotas, name requirements. Raises InvalidArn.
    """
    arn = Arn.parse(text)
    if arn.service != "iam" or arn.region or not is_account_id(arn.account) or arn.kind not in kinds:
        raise InvalidArn(
            truncate(f"{text!r} is not the ARN of a {' or '.join(kinds)}."),
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
            truncate(f"{text!r} has a name or path that IAM refuses."),
            why="Names are letters, digits and _+=,.@-; a wildcard or a variable would match others too.",
            hint=f"Write one {arn.kind} in full: arn:{arn.partition}:iam::{arn.account}:{arn.kind}/NAME.",
        )
    if len(arn.name) > limit or len(arn.path) > 512:
        raise InvalidArn(
            f"The {arn.kind} {arn.name!r} is too long: {len(arn.name)} characters, its path {len(arn.path)}.",
            why=f"IAM allows {limit} in a {arn.kind} name and 512 in a path.",
            hint="Choose a shorter name or path.",
        )


def role_arn_of(caller: str) -> str:
    """Return the role's ARN, without its path, for the ARN of a role session; any other ARN as it is."""
    arn = Arn.parse(caller)
    if arn.service != "sts" or not arn.resource.startswith("assumed-role/"):
        return caller
    return str(Arn(arn.partition, "iam", "", arn.account, f"role/{arn.resource.split('/')[1]}"))


def same_principal(caller: str, principal: str) -> bool:
    """Return whether a caller ARN is that user or role, or a session of it (its ARN leaves the path out).

    False if one of the two is not an ARN.
    """
    if not (is_arn(caller) and is_arn(principal)):
        return False
    one, other = Arn.parse(role_arn_of(caller)), Arn.parse(principal)
    return (one.account, one.kind, one.name) == (other.account, other.kind, other.name)


def is_arn(text: str) -> bool:
    """Return whether a text is an ARN."""
    try:
        Arn.parse(text)
    except InvalidArn:
        return False
    return True
