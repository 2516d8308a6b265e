"""Rules on who gets access: the principals of trust policies and resource policies."""

import re
from collections.abc import Callable, Iterator, Sequence

from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import RESOURCE, TRUST
from xacct_nb.iam.operators import parse_network
from xacct_nb.linting.rules.elements import negated
from xacct_nb.linting.rules.requests import is_denied, sample
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Find, Hit, Rule
from xacct_nb.linting.rules.subjects import (
    ACCOUNT,
    DELETED,
    GROUP,
    ROLE,
    SESSION,
    SSO,
    Clause,
    LintStatement,
)

_GIVES_ACCESS = (TRUST, RESOURCE)
_ASSUME = "sts:AssumeRole"
_WITH_TOKEN = ("sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
# Keys that limit the callers to known owners, each with the values that name one: with one of them, `*` does
# not match every AWS account. Source: access-control-block-public-access (what S3 takes as not public).
_ACCOUNT_ID = r"\d{12}|\$\{aws:ResourceAccount\}"
_OWNERS = {
    **dict.fromkeys(
        ("aws:principalarn", "aws:sourcearn", "aws:sourcevpcarn", "aws:federatedprovider"),
        r"arn:[^:]*:[^:]*:[^:]*:\d{12}:.*|arn:[^:]*:s3:\*?:\*?:[^*?]+.*",
    ),
    **dict.fromkeys(("aws:principalaccount", "aws:sourceaccount", "aws:sourceowner"), _ACCOUNT_ID),
    **dict.fromkeys(("kms:calleraccount", "s3:dataaccesspointaccount", "aws:vpceaccount"), _ACCOUNT_ID),
    **dict.fromkeys(
        ("aws:principalorgid", "aws:sourceorgid", "aws:vpceorgid"),
        r"o-[a-z0-9]{4,}.*|\$\{aws:ResourceOrgID\}",
    ),
    **dict.fromkeys(
        ("aws:principalorgpaths", "aws:sourceorgpaths", "aws:vpceorgpaths"), r"o-[a-z0-9]{4,}/.*"
    ),
    "aws:sourcevpc": r"vpc-[0-9a-f]+",
    "aws:sourcevpce": r"vpce-[0-9a-f]+",
    "aws:userid": r"A(?:ROA|IDA)[A-Z0-9]{12,}.*|\d{12}.*",
    "aws:principalisawsservice": "true",
    "aws:principalservicename": r"[a-z0-9.-]+",
    "s3:dataaccesspointarn": r"arn:[^:]*:s3:[^:]*:\d{12}:.*",
}
# Strangers' values (None: they have none): a Deny that applies to them keeps them out. Every other value is
# theirs to choose: tags, MFA, the external ID that they learned.
_STRANGER = {
    "aws:PrincipalOrgID": "o-stranger00",
    "aws:PrincipalOrgPaths": ["o-stranger00/r-0000/"],
    "aws:userid": "AIDASTRANGERSTRANGER",
    "aws:SourceIp": "198.51.100.77",
    "aws:SecureTransport": "true",
    "aws:ViaAWSService": "false",
    **dict.fromkeys(("aws:SourceVpc", "aws:SourceVpce", "aws:VpcSourceIp", "aws:SourceVpcArn")),
    **dict.fromkeys(("aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths")),
    **dict.fromkeys(("s3:DataAccessPointAccount", "s3:DataAccessPointArn")),
}
_WITHOUT_ORGANIZATION = dict.fromkeys(("aws:PrincipalOrgID", "aws:PrincipalOrgPaths"))
# Actions and resources that are tried with each other; of more than these nothing is taken as denied.
_MOST_TRIED = 12
# Ranges that are shorter count as everywhere.
_NARROW = {4: 8, 6: 32}
_STRANGERS_ARN = "arn:aws:iam::999999999999:user/stranger"
# Keys that limit the callers within an account.
_CALLER_KEYS = ("aws:principalarn", "aws:userid", "aws:username", "aws:principaltag/")
# Every signed request has them, so IfExists lets nobody else in. Only signed calls assume a role.
_ALWAYS = ("aws:principalarn", "aws:principalaccount", "aws:principalisawsservice")
# Values that leave nobody of an account out; the end of a user id is a name that the session chooses.
_EVERYBODY = {
    "aws:principalarn": re.compile(r"(?:[^:]*:){0,5}(?:role|user|root)?/?[*?/]*"),
    "aws:userid": re.compile(r"[*?].*"),
    "aws:username": re.compile(r"[*?]+"),
}
_ORGANIZATION = ("aws:principalorgid", "aws:principalorgpaths")
_ID = re.compile(r"\d{12}")
_SSO_PATH = ":role/aws-reserved/sso.amazonaws.com/"


def _anyone(statement: LintStatement) -> Iterator[Hit]:
    if statement.allows and "*" in statement.principals() and not _names_owner(statement):
        actions, resources = (_samples(statement.listed(each)) for each in ("Action", "Resource"))
        calls = [(action, resource) for action in actions for resource in resources]
        if len(calls) > _MOST_TRIED or not all(_is_denied(statement, *call) for call in calls):
            yield statement.location("Principal", "*"), "*"


def _is_denied(statement: LintStatement, action: str, resource: str) -> bool:
    """Return whether a Deny of the policy keeps strangers from this call, whatever values they choose."""
    action = action if ":" in action else "s3:GetObject"
    return all(
        is_denied(statement.subject, _STRANGERS_ARN, action, keys, resource, unknown=("*",))
        for keys in (_STRANGER, _STRANGER | _WITHOUT_ORGANIZATION)
    )


def _samples(patterns: Sequence[str]) -> list[str]:
    """Return a text that each pattern matches, `*` where there is none."""
    return [sample(each) if each.strip("*?") else "*" for each in patterns] or ["*"]


def _names_owner(statement: LintStatement) -> bool:
    """Return whether a condition names the owners of the callers, or the network that they call from."""
    return any(_keeps_out(statement, each) and _is_owners(each) for each in statement.clauses)


def _keeps_out(statement: LintStatement, clause: Clause) -> bool:
    """Return whether a request without the key of a condition fails, or where there is no such request."""
    always = statement.subject.kind == TRUST and clause.key in _ALWAYS and not clause.is_negated
    return always or statement.demands(clause)


def _is_owners(clause: Clause) -> bool:
    if clause.operator == "null" or not clause.values:
        return False
    if clause.key == "aws:sourceip":
        networks = [parse_network(value) for value in clause.values]
        return all(each is not None and each.prefixlen >= _NARROW[each.version] for each in networks)
    owners = _OWNERS.get(clause.key)
    return owners is not None and all(re.fullmatch(owners, value, re.IGNORECASE) for value in clause.values)


def _whole_account(statement: LintStatement) -> Iterator[Hit]:
    limited = any(
        _keeps_out(statement, each) and _names_callers(each) for each in statement.on(*_CALLER_KEYS)
    )
    if statement.allows and statement.covers_action(_ASSUME) and not limited:
        for account in dict.fromkeys(map(_account, statement.principals_of(ACCOUNT))):
            yield statement.location("Principal", account), account


def _names_callers(clause: Clause) -> bool:
    """Return whether a condition on the caller leaves some of an account out: not `*`, and not `role/*`."""
    everybody = _EVERYBODY.get(clause.key)
    if everybody is None:
        return bool(clause.values)
    values = clause.values if clause.operator != "null" else ()
    return bool(values) and not any(map(everybody.fullmatch, values))


def _third_party(statement: LintStatement) -> Iterator[Hit]:
    """Find accounts that may belong to a third party: no condition limits their callers to a known owner."""
    known = (
        statement.limited_by(*_ORGANIZATION)
        or statement.on("sts:externalid")
        or _is_denied_without(statement)
    )
    if statement.allows and statement.covers_action(_ASSUME) and not known:
        outside = dict.fromkeys(map(_account, statement.principals_of(ACCOUNT, ROLE)))
        for account in outside:
            if account not in statement.subject.own_accounts:
                yield statement.location("Principal", account), account


def _is_denied_without(statement: LintStatement) -> bool:
    """Return whether a Deny of the policy keeps out calls without the external ID."""
    for deny in statement.subject.statements:
        covers = deny.denies and deny.covers_action(_ASSUME)
        named = "*" in deny.principals() or set(statement.principals()) <= set(deny.principals())
        if covers and named and any(each.is_negated for each in deny.on("sts:externalid")):
            return True
    return False


def _wildcards(statement: LintStatement) -> Iterator[Hit]:
    for principal in statement.principals():
        if principal != "*" and {"*", "?"} & set(principal):
            yield statement.location("Principal", principal), principal


def _of_type(kind: str, where: Callable[[str], bool] = lambda arn: True) -> Find[LintStatement]:
    """Report the principals of a type, of those only for whose ARN `where` is true."""

    def find(statement: LintStatement) -> Iterator[Hit]:
        if found := [each for each in statement.principals_of(kind) if where(each)]:
            yield statement.location("Principal", summarize(found)), summarize(found)

    return find


def _mismatched(statement: LintStatement) -> Iterator[Hit]:
    """Find principals of one kind with only the actions of another."""
    with_token = any(statement.covers_action(action) for action in _WITH_TOKEN)
    assumes = statement.covers_action(_ASSUME)
    if statement.allows and statement.principals() and with_token and not assumes:
        yield statement.location("Action"), summarize(statement.principals())
    provider = statement.principals("Federated")
    if statement.allows and provider and assumes and not with_token:
        yield statement.location("Action"), summarize(provider)


def _account(principal: str) -> str:
    found = _ID.search(principal)
    return found[0] if found else principal


PRINCIPAL_RULES = (
    Rule("everyone-trusted", WIDENS, _anyone, _GIVES_ACCESS,
        why="It gives access to every AWS account.",
        mend="Name the accounts, users or roles, or add a condition on aws:PrincipalOrgID."),
    Rule("whole-account-trust", WIDENS, _whole_account, (TRUST,),
        why="Every user and role there that may assume roles gets access; "
        "the account's administrator decides.",
        mend="Name the users or roles, or accept it."),
    Rule("no-external-id", NOTE, _third_party, (TRUST,),
        why="If account {it} belongs to a provider, another customer of it could make it use this role.",
        mend="Set external_id to the one that the provider gave you; "
        "for an own account, set organization_id."),
    Rule("wildcard-in-principal", WARNING, _wildcards, _GIVES_ACCESS, refused=True,
        why="AWS refuses a wildcard in a part of a principal.",
        mend="Trust the account and compare aws:PrincipalArn with ArnLike, or name each user or role."),
    Rule("group-as-principal", WARNING, _of_type(GROUP), _GIVES_ACCESS, refused=True,
        why="A group is not a principal, so AWS refuses it.",
        mend="Name its users, and attach the caller policy to the group."),
    Rule("session-as-principal", WARNING, _of_type(SESSION), _GIVES_ACCESS,
        why="A session's ARN matches that one session name only, and SDKs choose another each time.",
        mend="Name the role: arn:aws:iam::ACCOUNT:role/NAME, with its path."),
    Rule("deleted-principal", WARNING, _of_type(DELETED), _GIVES_ACCESS, refused=True,
        why="AWS shows this id in place of a deleted user or role; a new one of that name does not match.",
        mend="Remove it, or write the ARN of the new one; AWS does not accept the id."),
    Rule("allow-not-principal", WIDENS, negated("NotPrincipal", allows=True), _GIVES_ACCESS, refused=True,
        why="It would give access to every principal but those named; "
        "AWS supports NotPrincipal with Deny only.",
        mend="Name with Principal who gets access."),
    Rule("deny-not-principal", NOTE, negated("NotPrincipal", allows=False), _GIVES_ACCESS,
        why="Name a role's sessions and its account as well, or they are denied too.",
        mend="Deny Principal * with the condition ArnNotLike on aws:PrincipalArn."),
    Rule("sso-role-without-path", WARNING, _of_type(SSO, lambda arn: _SSO_PATH not in arn), (TRUST,),
        why="A role of IAM Identity Center has a path, which a session's ARN omits; AWS refuses it without.",
        mend="Copy the ARN from IAM: arn:aws:iam::ACCOUNT:role/aws-reserved/sso.amazonaws.com/REGION/NAME."),
    Rule("sso-role-named", NOTE, _of_type(SSO, lambda arn: _SSO_PATH in arn), (TRUST,),
        why="When IAM Identity Center provisions the permission set again, "
        "the role gets another name and id.",
        mend="Plan the grant again after that, or trust the account "
        "and compare aws:PrincipalArn with ArnLike. For people, AWS's account access manager entitles users "
        "and groups of Identity Center to a role directly."),
    Rule("mismatched-action", WARNING, _mismatched, (TRUST,),
        why="{it} cannot call this action, so the statement gives no access.",
        mend="Users, roles and accounts call sts:AssumeRole; identity providers the actions with a token."),
)  # fmt: skip
