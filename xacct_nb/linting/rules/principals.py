"""Rules on who gets access: the principals of trust policies and resource policies."""

import re
from collections.abc import Callable, Iterator

from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import RESOURCE, TRUST
from xacct_nb.linting.rules.elements import negated
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Find, Hit, Rule
from xacct_nb.linting.rules.subjects import ACCOUNT, DELETED, GROUP, ROLE, SESSION, SSO, LintStatement

_GIVES_ACCESS = (TRUST, RESOURCE)
_ASSUME = "sts:AssumeRole"
_WITH_TOKEN = ("sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
# Keys that limit the callers to known owners: with one of them, `*` does not match every AWS account.
_OWNER_KEYS = (
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
)
# Keys that limit the callers within an account.
_CALLER_KEYS = ("aws:principalarn", "aws:userid", "aws:username", "aws:principaltag/")
_ORGANIZATION = ("aws:principalorgid", "aws:principalorgpaths")
_ID = re.compile(r"\d{12}")
_SSO_PATH = ":role/aws-reserved/sso.amazonaws.com/"


def _anyone(statement: LintStatement) -> Iterator[Hit]:
    if statement.allows and "*" in statement.principals() and not statement.limited_by(*_OWNER_KEYS):
        yield statement.location("Principal", "*"), "*"


def _whole_account(statement: LintStatement) -> Iterator[Hit]:
    if statement.allows and statement.covers_action(_ASSUME) and not statement.limited_by(*_CALLER_KEYS):
        for account in dict.fromkeys(map(_account, statement.principals_of(ACCOUNT))):
            yield statement.location("Principal", account), account


def _third_party(statement: LintStatement) -> Iterator[Hit]:
    """Find accounts that may belong to a third party: no condition limits their callers to a known owner."""
    known = statement.limited_by("sts:externalid", *_ORGANIZATION)
    if statement.allows and statement.covers_action(_ASSUME) and not known:
        outside = dict.fromkeys(map(_account, statement.principals_of(ACCOUNT, ROLE)))
        for account in outside:
            if account not in statement.subject.own_accounts:
                yield statement.location("Principal", account), account


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
