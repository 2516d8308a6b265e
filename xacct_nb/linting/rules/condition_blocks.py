"""Rules on conditions that never hold, that hold for more than they seem to, or that callers must meet."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import IDENTITY, RESOURCE, TRUST
from xacct_nb.iam.operators import is_within, parse_network
from xacct_nb.iam.patterns import matches
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Find, Hit, Rule
from xacct_nb.linting.rules.subjects import ROLE, SSO, USER, Clause, LintStatement, principal_type

_MFA, _MFA_AGE = "aws:multifactorauthpresent", "aws:multifactorauthage"
_EXTERNAL_ID, _SOURCE_IDENTITY, _NAME = "sts:externalid", "sts:sourceidentity", "sts:rolesessionname"
_OF_SERVICES = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")
_DEFAULT_NAME = "botocore-session-1700000000"
_OF_USERS_ONLY = re.compile(r"\$\{aws:username\s*\}", re.IGNORECASE)
# Names of programs: with a word that says so, or with digits that somebody generated.
_PROGRAM = re.compile(
    r"(?:^|[-_./])(?:app|bot|ci|cd|deploy|integration|machine|robot|scanner|service|svc|sync|vendor)(?:[-_./]|$)"
    r"|\d{3}|externalstages|snowflake|datadog|fivetran",
    re.IGNORECASE,
)
_PRIVATE = [
    ipaddress.ip_network(each)
    for each in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    )
]
# The action that a condition on this key needs, besides sts:AssumeRole.
_OWN_ACTIONS = {_SOURCE_IDENTITY: "sts:SetSourceIdentity", "aws:requesttag/": "sts:TagSession"}


def _at(statement: LintStatement, clause: Clause) -> str:
    return statement.location("Condition", clause.written)


def _required(statement: LintStatement, *keys: str) -> Iterator[Clause]:
    """Yield the conditions of an Allow on these keys that a request without the key fails."""
    if statement.allows:
        yield from (each for each in statement.on(*keys) if each.needs_key)


def _for(types: tuple[str, ...], clauses: Callable[[LintStatement], Iterator[Clause]]) -> Find[LintStatement]:
    """Report the principals of these types, where there are such conditions."""

    def find(statement: LintStatement) -> Iterator[Hit]:
        if principals := statement.callers_of(*types):
            yield from ((_at(statement, clause), summarize(principals)) for clause in clauses(statement))

    return find


def _mfa(statement: LintStatement) -> Iterator[Clause]:
    for clause in _required(statement, _MFA, _MFA_AGE):
        if clause.operator == "null" or clause.values != ("false",):
            yield clause


def _of_services(statement: LintStatement) -> Iterator[Hit]:
    principals = statement.principals()
    # An AWS service is a principal of its own, or is matched by `*`.
    if principals and "*" not in principals and not statement.principals("Service"):
        for clause in _required(statement, *_OF_SERVICES):
            yield _at(statement, clause), clause.written


def _sessions(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.on("aws:principalarn"):
        if found := [value for value in clause.values if ":assumed-role/" in value]:
            yield _at(statement, clause), summarize(found)


def _mfa_is_false(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.on(_MFA):
        if clause.operator in ("bool", "stringequals") and clause.values == ("false",):
            yield _at(statement, clause), str(statement.fields.get("Effect"))


def _mfa_if_exists(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.on(_MFA):
        if statement.allows and clause.operator == "boolifexists" and clause.values == ("true",):
            yield _at(statement, clause), ""


def _session_name(statement: LintStatement) -> Iterator[Hit]:
    for clause in _required(statement, _NAME):
        if not any(matches(value, _DEFAULT_NAME) for value in clause.values):
            yield _at(statement, clause), summarize(clause.values)


def _user_names(statement: LintStatement) -> Iterator[Clause]:
    for clause in statement.clauses:
        if statement.allows and any(_OF_USERS_ONLY.search(value) for value in clause.values):
            yield clause


def _both_sides(statement: LintStatement) -> Iterator[Hit]:
    if statement.covers_action("sts:AssumeRole"):
        yield from ((_at(statement, clause), "") for clause in _required(statement, _EXTERNAL_ID))


def _unsent(statement: LintStatement) -> Iterator[Hit]:
    """Find values that the console does not send, for the people who would use it."""
    for clause in _required(statement, _EXTERNAL_ID, _SOURCE_IDENTITY, "aws:requesttag/"):
        named = statement.callers_of(*_PEOPLE)
        people = [each for each in named if clause.key != _EXTERNAL_ID or _is_person(statement, each)]
        if people:
            yield _at(statement, clause), summarize(people)


def _is_person(statement: LintStatement, principal: str) -> bool:
    """Return whether a caller with an external ID is a person: a third party's user is a program.

    In a grant a user of another account may be one's own; there only a name of a program is left out.
    """
    if principal_type(principal) == SSO or principal.split(":")[4] in statement.subject.own_accounts:
        return True
    return bool(statement.subject.grant_fields) and not _PROGRAM.search(principal.partition(":user/")[2])


def _private(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.on("aws:sourceip"):
        # A Deny of everything but private addresses denies every call.
        binding = clause.needs_key if statement.allows else clause.operator == "notipaddress"
        if binding and clause.values and all(map(_is_private, clause.values)):
            yield _at(statement, clause), summarize(clause.values)


def _anywhere(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.on("aws:sourceip", "aws:vpcsourceip"):
        binding = clause.needs_key if statement.allows else clause.plain == "notipaddress"
        if binding and (found := _everything(clause.values)):
            yield _at(statement, clause), summarize(found)


def _everything(values: Iterable[str]) -> list[str]:
    """Return the ranges that together are every address of an IP version."""
    networks = [(value, network) for value in values if (network := parse_network(value))]
    return [
        value
        for version in (4, 6)
        for value in _every([each for each in networks if each[1].version == version])
    ]


def _every(networks: list[tuple[str, Any]]) -> list[str]:
    whole = [
        each for each in ipaddress.collapse_addresses(each for _, each in networks) if not each.prefixlen
    ]
    alone = [value for value, network in networks if not network.prefixlen]
    return alone or [value for value, _ in networks] if whole else []


def _unmet_action(statement: LintStatement) -> Iterator[Hit]:
    """Find a condition on a value that the caller passes, in a policy that does not allow to pass it."""
    for key, action in _OWN_ACTIONS.items():
        allowed = any(each.allows and each.covers_action(action) for each in statement.subject.statements)
        if statement.covers_action("sts:AssumeRole") and not allowed:
            yield from ((_at(statement, clause), action) for clause in _required(statement, key))


def _is_private(text: str) -> bool:
    network = parse_network(text)
    return network is not None and any(is_within(network, private) for private in _PRIVATE)


_PEOPLE = (USER, SSO)
_PROGRAMS = (ROLE, SSO)
CONDITION_RULES = (
    Rule("key-of-services", WARNING, _of_services, (TRUST,),
        why="{it} is present only when an AWS service calls, so no user or role ever meets this condition.",
        mend="Use aws:PrincipalArn, aws:PrincipalAccount or sts:ExternalId."),
    Rule("session-as-principal-arn", WARNING, _sessions,
        why="aws:PrincipalArn holds the role's ARN, never that of a session.",
        mend="Write arn:aws:iam::ACCOUNT:role/NAME, with its path."),
    Rule("mfa-in-chain", WARNING, _for(_PROGRAMS, _mfa), (TRUST,),
        why="A role's session carries no MFA into the next AssumeRole call, so this never holds for {it}.",
        mend="Leave MFA out here and require it where the first role is assumed."),
    Rule("mfa-needs-serial", NOTE, _for((USER,), _mfa), (TRUST,),
        why="Access keys have no MFA: the caller must pass its device and a code with the call.",
        mend="Put mfa_serial into the caller's AWS profile; unattended programs cannot pass a code."),
    Rule("mfa-absent-not-false", WARNING, _mfa_is_false,
        why="Calls with access keys have no aws:MultiFactorAuthPresent at all, "
        "so this {it} does not match them.",
        mend="Use BoolIfExists: it matches an absent key too."),
    Rule("mfa-if-exists", WIDENS, _mfa_if_exists,
        why="An absent key meets it, and requests with access keys have none: they get access without MFA.",
        mend="Use Bool."),
    Rule("not-in-console", NOTE, _unsent, (TRUST,),
        why="The console sends none when it switches roles, so it never holds for {it} there.",
        mend="Use the AWS CLI or an SDK, or make a grant without it for the console."),
    Rule("source-identity-in-chain", NOTE,
        _for(_PROGRAMS, lambda each: _required(each, _SOURCE_IDENTITY)), (TRUST,),
        why="A session of {it} that already has a source identity cannot set another.",
        mend="Assume the first role with this source identity, or with none."),
    Rule("session-name-to-set", NOTE, _session_name, (TRUST,),
        why="SDKs and the AWS CLI generate a session name (botocore-session-...), which does not match {it}.",
        mend="The callers must set it: role_session_name in the AWS profile, RoleSessionName in the call."),
    Rule("name-of-users-only", WARNING, _for(_PROGRAMS, _user_names), (TRUST,),
        why="${aws:username} has a value for users only, so this never holds for {it}.",
        mend="Write the value itself, or trust the users."),
    Rule("external-id-on-both-sides", NOTE, _both_sides, (IDENTITY,),
        why="The external ID is in the caller's own policy too: both sides must then agree on it.",
        mend="Keep it in the trust policy only."),
    Rule("private-address", WARNING, _private, (TRUST, IDENTITY, RESOURCE),
        why="aws:SourceIp is the public address that AWS sees; {it} never reaches AWS.",
        mend="Write the callers' public address, or use aws:VpcSourceIp for a VPC endpoint."),
    Rule("any-address", NOTE, _anywhere,
        why="{it} is every address, so the condition has no effect.",
        mend="Narrow the range, or remove the condition."),
    Rule("action-for-condition", WARNING, _unmet_action, (TRUST,),
        why="A caller that passes this value needs {it}, and this policy does not allow it.",
        mend="Add {it} to the actions, on both sides."),
)  # fmt: skip
