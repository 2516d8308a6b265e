"""How the console uses the access: the link to switch role, and everything that the console cannot do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from xacct_nb.errors import InvalidGrant
from xacct_nb.grants.access_path import chain_of_grant, hops_of
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import describe_arn, join_words
from xacct_nb.grants.session_length import console_sentence
from xacct_nb.iam.arns import Arn, parse_iam
from xacct_nb.iam.patterns import matches
from xacct_nb.validation import Serializable
from xacct_nb.views import Link, Page, Shown, Text, View

# Hosts of the sign-in pages by partition. AWS documents the path /switchrole for the first one only.
_HOSTS = {
    "aws": "signin.aws.amazon.com",
    "aws-us-gov": "signin.amazonaws-us-gov.com",
    "aws-cn": "signin.amazonaws.cn",
    "aws-eusc": "signin.amazonaws-eusc.eu",
}
_LONGEST_NAME = 64
_USERNAME = "${aws:username}"
_INSTEAD = "Use a program instead: xa.session(grant), or a profile of the AWS CLI (xacct-nb profile)."
_SIGN_IN = (
    "A sign-in policy of your own account or organization (AWS Sign-In) may keep you out of the console. "
    "It does not concern programs."
)


@dataclass(frozen=True, repr=False)
class ConsoleAccess(Shown, Serializable):
    """The link to switch to a role and what to know before, or every reason why the console cannot."""

    role: str
    url: str
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"role": self.role, "url": self.url, "reasons": [*self.reasons], "notes": [*self.notes]}

    def view(self) -> View:
        """Return the link and what to know, or all reasons why there is none."""
        title = f"{describe_arn(self.role)} in the console"
        if self.url:
            notes = (Text(note, "note") for note in self.notes)
            return Page(title, (Link(f"Switch to {Arn.parse(self.role).name}", self.url), *notes))
        why = [Text(each) for each in self.reasons]
        return Page(
            title, (Text("The console cannot switch to this role.", "bad"), *why, Text(_INSTEAD, "note"))
        )


def console_access(
    grant: Grant, role: str = "", display_name: str = "", *, through: Sequence[Grant] = ()
) -> ConsoleAccess:
    """Return the link to switch to a role of the grant, without `role` to its last one, or why there is none.

    `through` has the grants of the roles that are assumed before it, which the console cannot do.
    Source: IAM user guide, id_roles_use_switch-role-console and id_roles_use_permissions-to-switch; AWS
    Sign-In user guide, console-access-control. Raises InvalidArn.
    """
    role = role or chain_of_grant(grant)[2]
    before = [describe_arn(hop.role) for hop in hops_of(grant, role, through)] if through else []
    reasons = (*_reasons_of_role(role), *_reasons_of_grant(grant), *_reasons_of_chain(before[:-1]))
    if reasons:
        return ConsoleAccess(role, "", reasons)
    return ConsoleAccess(role, _url(role, display_name), (), tuple(_notes(grant)))


def switch_role_url(role: str, display_name: str = "", *, grant: Grant | None = None) -> str:
    """Return the console's link to switch to the role.

    Source: IAM user guide, id_roles_use_permissions-to-switch (path and name together 64 characters at most).
    Raises InvalidArn, and InvalidGrant with every reason why the console cannot switch to it: the role's own,
    and with a grant also what the grant requires.
    """
    reasons = (*_reasons_of_role(role), *(_reasons_of_grant(grant) if grant else ()))
    if reasons:
        name = parse_iam(role, "role").resource.removeprefix("role/")
        raise InvalidGrant(f"The console cannot switch to {name!r}.", why=" ".join(reasons), hint=_INSTEAD)
    return _url(role, display_name)


def _url(role: str, display_name: str) -> str:
    arn = parse_iam(role, "role")
    query = {"account": arn.account, "roleName": arn.resource.removeprefix("role/")}
    shown = {"displayName": display_name} if display_name else {}
    return f"https://{_HOSTS[arn.partition]}/switchrole?{urlencode(query | shown, safe='/')}"


def _reasons_of_role(role: str) -> Iterator[str]:
    arn = parse_iam(role, "role")
    length = len(arn.resource.removeprefix("role/"))
    if length > _LONGEST_NAME:
        yield f"Its path and name have {length} characters. The console takes {_LONGEST_NAME} at most."
    if arn.partition not in _HOSTS:
        yield f"The sign-in address of the partition {arn.partition} is not known."


def _reasons_of_grant(grant: Grant) -> Iterator[str]:
    """Yield everything that the grant requires and the console cannot do."""
    when = grant.conditions
    names = [Arn.parse(source).name for source in grant.principals if ":user/" in source]
    is_other = bool(names) and not any(_fits(when.role_session_name, name) for name in names)
    rows = (
        (when.external_id.get_secret_value(), "It requires an external ID, which the console cannot pass."),
        (when.source_identity, "It requires a source identity, which the console cannot set."),
        (when.session_tags, "It requires session tags, which the console cannot pass."),
        (
            is_other and not grant.whole_accounts,
            f"It requires the session name {when.role_session_name}. The console takes the name of the user: "
            f"{join_words(names)}.",
        ),
    )
    yield from (text for holds, text in rows if holds)


def _reasons_of_chain(before: Sequence[str]) -> Iterator[str]:
    if before:
        yield (
            f"It is assumed by {join_words(before)}. From role to role there are only programs: the console "
            "always switches as the identity that signed in."
        )


def _fits(pattern: str, user: str) -> bool:
    return not pattern or matches(pattern.replace(_USERNAME, user), user)


def _notes(grant: Grant) -> Iterator[str]:
    """Yield what to know before the switch."""
    when, partition = grant.conditions, grant.partition
    roles = [
        describe_arn(source) for source in (*grant.principals, *grant.role_patterns) if ":role/" in source
    ]
    name = when.role_session_name
    rows = (
        (True, console_sentence(grant)),
        (
            roles,
            f"Only who signed in as {join_words(roles)} (IAM Identity Center, SAML, OIDC) can switch, "
            "not who switched to that role.",
        ),
        (grant.whole_accounts, "The root user of an account cannot switch roles: sign in as a user."),
        (name and not _is_own(name), f"The session gets the user's name, which must fit {name}."),
        (when.require_mfa, "Sign in with MFA: a code cannot be given at the switch."),
        (when.source_ips, f"Switch from {join_words(when.source_ips)} only."),
        (when.organization_id, f"Sign in to an account of the organization {when.organization_id}."),
        (
            partition != "aws",
            f"Sign in to {_HOSTS.get(partition, partition)} first. AWS documents this link for aws only.",
        ),
        (True, _SIGN_IN),
    )
    yield from (text for holds, text in rows if holds)


def _is_own(name: str) -> bool:
    return name == _USERNAME
