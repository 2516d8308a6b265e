"""The sources of a grant: users, roles, whole accounts, and patterns of roles, such as a permission set."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from xacct_nb.errors import InvalidArn, InvalidGrant
from xacct_nb.iam.arns import Arn, is_account_id, is_arn, parse_iam, role_arn_of, same_principal
from xacct_nb.iam.caller import ROLE_ITSELF, SESSION, read_caller
from xacct_nb.iam.patterns import ARN, pattern_set
from xacct_nb.iam.unknown import UnknownValue
from xacct_nb.validation import require, truncate

_WILDCARDS = {"*", "?"}
# Of a role's path and name; a policy variable would begin with $.
_PATTERN = re.compile(r"[\w+=,.@/*?-]+", re.ASCII)
_SET_PATH = "aws-reserved/sso.amazonaws.com"
# The suffix of a permission set's role has 16 characters. With * for it, ReadOnly would match ReadOnly_Admin.
_SUFFIX = "?" * 16
_SET = re.compile(
    rf"role/{re.escape(_SET_PATH)}(?:\*|/\*|/[a-z0-9-]+)?/AWSReservedSSO_([^*?/]+)_(?:\*|\?{{16}})"
)
_SET_NAME = re.compile(r"[\w+=,.@-]{1,32}", re.ASCII)
_SET_FIELDS = ("permission_set", "account")

# What stands among the sources of a grant file, for an editor.
SCHEMA: dict[str, Any] = {
    "items": {
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {"permission_set": {"type": "string"}, "account": {"type": "string"}},
                "required": list(_SET_FIELDS),
                "additionalProperties": False,
            },
        ]
    }
}


def account_of(source: str) -> str:
    """Return the account id of a source, given as an ARN or as an account id."""
    return source if is_account_id(source) else Arn.parse(source).account


def is_whole_account(source: str) -> bool:
    """Return whether a source is a whole account: an account id, or a root ARN."""
    return is_account_id(source) or Arn.parse(source).resource == "root"


def is_role_pattern(source: str) -> bool:
    """Return whether a source is a pattern of role ARNs of one account."""
    return bool(_WILDCARDS & set(source))


def permission_set_of(source: str) -> str:
    """Return the permission set that a pattern is for, "" for any other source."""
    found = _SET.fullmatch(source.split(":", 5)[-1])
    return found[1] if found else ""


def includes(source: str, caller: str) -> bool | None:
    """Return whether a caller is a source, or one of those that it stands for.

    `caller` is the ARN of a user, a role, or a session of a role. None where a pattern matches the role for
    some path only: the ARN of a session leaves the path out.
    """
    if is_whole_account(source):
        return is_arn(caller) and Arn.parse(caller).account == account_of(source)
    if not is_role_pattern(source):
        return same_principal(caller, source)
    try:
        known = read_caller(caller)
    except InvalidArn:
        return False
    if known.kind not in (ROLE_ITSELF, SESSION) or known.account != account_of(source):
        return False
    patterns, arn = pattern_set((source,), ARN), known.keys["aws:principalarn"]
    return patterns.match_path(arn, {}) if isinstance(arn, UnknownValue) else patterns.match(caller, {})


def is_likely(source: str, caller: str) -> bool:
    """Return whether a pattern matches the role of a session with the path that its name tells.

    A name of Identity Center tells its path; any other name is taken to have none.
    """
    role, name = Arn.parse(role_arn_of(caller)), Arn.parse(role_arn_of(caller)).name
    paths = (f"{_SET_PATH}/", f"{_SET_PATH}/us-east-2/") if name.startswith("AWSReservedSSO_") else ("",)
    return any(includes(source, str(replace(role, resource=f"role/{path}{name}"))) for path in paths)


def covers_source(source: str, other: str) -> bool:
    """Return whether a source stands for all that another one does, as far as their texts tell."""
    if is_whole_account(source):
        return account_of(source) == account_of(other)
    if source == other or not is_role_pattern(other):
        return source == other or includes(source, other) is True
    # A ? would take the * of the other one for a letter.
    return (
        is_role_pattern(source) and "?" not in source and bool(pattern_set((source,), ARN).match(other, {}))
    )


def read_sources(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a grant with each permission set among the sources as the pattern of its roles.

    Raises InvalidGrant.
    """
    sources = fields.get("sources")
    if not isinstance(sources, list | tuple) or not any(isinstance(each, Mapping) for each in sources):
        return dict(fields)
    partition = _partition_of(fields)
    read = [_pattern_of(each, partition) if isinstance(each, Mapping) else each for each in sources]
    return {**fields, "sources": read}


def _partition_of(fields: Mapping[str, Any]) -> str:
    """Return the partition of the first destination, which is not checked yet."""
    roles = fields.get("destinations")
    first = roles[0] if isinstance(roles, list | tuple) and roles and isinstance(roles[0], str) else ""
    return first.split(":")[1] if is_arn(first) else "aws"


def _pattern_of(given: Mapping[Any, Any], partition: str) -> str:
    """Return the pattern of the roles that Identity Center makes for a permission set in an account.

    The region in the path is that of Identity Center, and left out for us-east-1; in ArnLike a * matches
    across the slashes of the last part. Source: Identity Center user guide, referencingpermissionsets; IAM
    user guide, reference_policies_elements_condition_operators (ARN). Raises InvalidGrant.
    """
    name, account = (given.get(each) for each in _SET_FIELDS)
    require(
        set(given) == set(_SET_FIELDS),
        f"sources: {truncate(repr(dict(given)))} is no permission set.",
        "A permission set is named by two fields: permission_set and account.",
        'Write it like {permission_set: ReadOnly, account: "111111111111"}.',
    )
    require(
        isinstance(name, str) and _SET_NAME.fullmatch(name) is not None,
        f"sources: {truncate(repr(name))} is not the name of a permission set.",
        "A name has 1 to 32 letters, digits and _+=,.@-.",
        "Write the name as IAM Identity Center shows it.",
    )
    require(
        is_account_id(account),
        f"sources: the account of the permission set {name} is not an account id.",
        "It has 12 digits, also where the first ones are 0.",
        "Write it in quotes: YAML reads a number otherwise.",
    )
    return f"arn:{partition}:iam::{account}:role/{_SET_PATH}*/AWSReservedSSO_{name}_{_SUFFIX}"


def check_source(source: str) -> None:
    """Check that a source can be trusted. Raises InvalidGrant."""
    if is_account_id(source):
        return
    require(
        source.startswith("arn:") or not is_role_pattern(source),
        f"sources: {source!r} has a wildcard.",
        "A trust policy accepts no wildcard in part of a principal; a grant takes patterns of roles only.",
        "Write a pattern of the roles of one account, arn:aws:iam::111111111111:role/NAME-*, or name each.",
    )
    require(
        source.startswith("arn:"),
        f"sources: {source!r} is neither an ARN nor an account id of 12 digits.",
        "A source is a user, a role, a pattern of roles, or a whole account.",
        "Write the ARN, or 12 digits in quotes.",
    )
    for kind, (what, why, hint) in _NEVER_TRUSTED.items():
        require(kind not in source, f"sources: {source!r} {what}", why, hint.format(source=source))
    if is_role_pattern(source):
        _check_pattern(source)
        return
    arn = _parse(source)
    if not is_account_id(arn.account) or source != f"arn:{arn.partition}:iam::{arn.account}:root":
        _parse(source, "user", "role")


def _check_pattern(source: str) -> None:
    """Check that a pattern is one of roles of one account. Raises InvalidGrant."""
    *parts, resource = source.split(":", 5)
    front = ":".join(parts)
    require(
        not _WILDCARDS & set(front),
        f"sources: {source!r} has a wildcard before the role.",
        "A pattern is of the roles of one account: a wildcard there would match other accounts.",
        "Write one pattern for each account: arn:aws:iam::111111111111:role/NAME-*.",
    )
    arn = _parse(source)
    require(
        resource.startswith("role/")
        and f"{arn.service}:{arn.region}" == "iam:"
        and is_account_id(arn.account),
        f"sources: {source!r} has a wildcard, and is no pattern of roles.",
        "A trust policy accepts no wildcard in part of a principal; a grant takes patterns of roles only.",
        "Name each user, write arn:aws:iam::111111111111:role/NAME-*, or trust the whole account by its id.",
    )
    require(
        _PATTERN.fullmatch(resource) is not None,
        f"sources: {source!r} has a character that no role's path or name has.",
        "Names are letters, digits and _+=,.@-; * and ? are wildcards, and a policy variable is no pattern.",
        "Correct the part after role/.",
    )


def _parse(text: str, *kinds: str) -> Arn:
    try:
        return parse_iam(text, *kinds) if kinds else Arn.parse(text)
    except InvalidArn as problem:
        raise InvalidGrant(f"sources: {truncate(problem.what)}", why=problem.why, hint=problem.hint) from None


_NEVER_TRUSTED = {
    ":group/": (
        "is a group, which cannot be trusted.",
        "A group is not a principal, so a trust policy cannot name it.",
        "Name the users as sources and attach the caller policy to the group: attach_to: {source}",
    ),
    ":assumed-role/": (
        "is a role session.",
        "The ARN of a session matches one session name only.",
        "Name the role: arn:aws:iam::ACCOUNT:role/NAME.",
    ),
}
