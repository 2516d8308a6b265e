"""Rules on who is let in: the principals of trust policies and of resource policies."""

import re
from collections.abc import Callable, Iterable, Iterator

from xacct_nb.iam.grammar import RESOURCE, TRUST
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Hit, Rule, summarize
from xacct_nb.linting.rules.subjects import ACCOUNT, DELETED, GROUP, ROLE, SESSION, SSO, LintStatement

_LETS_IN = (TRUST, RESOURCE)
_ASSUME = "sts:AssumeRole"
_WITH_TOKEN = ("sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
# Keys that say whose the caller is: with one of them, `*` is not everybody.
_WHOSE = (
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
# Keys that say who of an account may come in.
_WHO = ("aws:principalarn", "aws:userid", "aws:username", "aws:principaltag/")
_ORGANIZATION = ("aws:principalorgid", "aws:principalorgpaths")
_ID = re.compile(r"\d{12}")
_SSO_PATH = ":role/aws-reserved/sso.amazonaws.com/"


def _everybody(statement: LintStatement) -> Iterator[Hit]:
    if statement.allows and "*" in statement.principals() and not statement.limited_by(*_WHOSE):
        yield statement.location("Principal", "*"), "*"


def _whole_account(statement: LintStatement) -> Iterator[Hit]:
    if statement.allows and statement.covers_action(_ASSUME) and not statement.limited_by(*_WHO):
        for account in dict.fromkeys(map(_account, statement.of_type(ACCOUNT))):
            yield statement.location("Principal", account), account


def _third_party(statement: LintStatement) -> Iterator[Hit]:
    """Accounts that may be somebody else's: programs get in from there, and nothing says whose it is."""
    known = statement.limited_by("sts:externalid", *_ORGANIZATION)
    if statement.allows and statement.covers_action(_ASSUME) and not known:
        outside = dict.fromkeys(map(_account, statement.of_type(ACCOUNT, ROLE)))
        for account in outside:
            if account not in statement.subject.own_accounts:
                yield statement.location("Principal", account), account


def _wildcards(statement: LintStatement) -> Iterator[Hit]:
    for principal in statement.principals():
        if principal != "*" and {"*", "?"} & set(principal):
            yield statement.location("Principal", principal), principal


def _sort(*sorts: str) -> Callable[[LintStatement], Iterable[Hit]]:
    def find(statement: LintStatement) -> Iterator[Hit]:
        if found := statement.of_type(*sorts):
            yield statement.location("Principal", summarize(found)), summarize(found)

    return find


def _not_principal(allows: bool) -> Callable[[LintStatement], Iterable[Hit]]:
    def find(statement: LintStatement) -> Iterator[Hit]:
        if "NotPrincipal" in statement.fields and statement.allows is allows:
            yield statement.location("NotPrincipal"), ""

    return find


def _renewed(statement: LintStatement) -> Iterator[Hit]:
    if found := [each for each in statement.of_type(SSO) if _SSO_PATH in each]:
        yield statement.location("Principal", summarize(found)), summarize(found)


def _without_path(statement: LintStatement) -> Iterator[Hit]:
    if found := [each for each in statement.of_type(SSO) if _SSO_PATH not in each]:
        yield statement.location("Principal", summarize(found)), summarize(found)


def _mismatched(statement: LintStatement) -> Iterator[Hit]:
    """Principals of one kind with only the actions of another."""
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
    Rule(
        "everyone-trusted",
        WIDENS,
        _everybody,
        "It lets in everybody who has an AWS account, whoever that is.",
        "Name the accounts, users or roles, or add a condition on aws:PrincipalOrgID.",
        _LETS_IN,
    ),
    Rule(
        "whole-account-trust",
        WIDENS,
        _whole_account,
        "Every user and role there that may assume roles gets in; its administrator decides who.",
        "Name the users or roles, or accept it.",
        (TRUST,),
    ),
    Rule(
        "no-external-id",
        NOTE,
        _third_party,
        "If account {it} is somebody else's who serves others too, one of these could have it use this role.",
        "Set external_id to the one they gave you; if the account is your own, set organization_id.",
        (TRUST,),
    ),
    Rule(
        "wildcard-in-principal",
        WARNING,
        _wildcards,
        "AWS refuses a wildcard in a part of a principal.",
        "Trust the account and compare aws:PrincipalArn with ArnLike, or name each user or role.",
        _LETS_IN,
        refused=True,
    ),
    Rule(
        "group-as-principal",
        WARNING,
        _sort(GROUP),
        "A group is no principal, so AWS refuses it.",
        "Name its users, and let the group carry the caller policy.",
        _LETS_IN,
        refused=True,
    ),
    Rule(
        "session-as-principal",
        WARNING,
        _sort(SESSION),
        "A session's ARN matches that one session name only, and SDKs choose another each time.",
        "Name the role: arn:aws:iam::ACCOUNT:role/NAME, with its path.",
        _LETS_IN,
    ),
    Rule(
        "deleted-principal",
        WARNING,
        _sort(DELETED),
        "AWS put this id in place of a user or role that was deleted; a new one of that name does not match.",
        "Remove it, or write the ARN of the new one; AWS refuses to write the id again.",
        _LETS_IN,
        refused=True,
    ),
    Rule(
        "allow-not-principal",
        WIDENS,
        _not_principal(True),
        "It would let in everybody but those named; AWS supports NotPrincipal with Deny only.",
        "Say with Principal who is let in.",
        _LETS_IN,
        refused=True,
    ),
    Rule(
        "deny-not-principal",
        NOTE,
        _not_principal(False),
        "A role's sessions and its account have to be named as well, or they are denied too.",
        "Deny Principal * with the condition ArnNotLike on aws:PrincipalArn.",
        _LETS_IN,
    ),
    Rule(
        "sso-role-without-path",
        WARNING,
        _without_path,
        "A role of IAM Identity Center has a path that a session's ARN leaves out; AWS refuses it without.",
        "Copy the ARN from IAM: arn:aws:iam::ACCOUNT:role/aws-reserved/sso.amazonaws.com/REGION/NAME.",
        (TRUST,),
    ),
    Rule(
        "sso-role-named",
        NOTE,
        _renewed,
        "Where IAM Identity Center provisions the permission set anew, the role has another name and id.",
        "Plan the grant again after that, or trust the account and compare aws:PrincipalArn with ArnLike.",
        (TRUST,),
    ),
    Rule(
        "mismatched-action",
        WARNING,
        _mismatched,
        "The action is not one that {it} can call, so nobody gets in by it.",
        "Users, roles and accounts call sts:AssumeRole; identity providers the actions with a token.",
        (TRUST,),
    ),
)
