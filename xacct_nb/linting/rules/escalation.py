"""Rules on permissions that can raise themselves: who has them can give itself any other."""

import re
from collections.abc import Iterator

from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import IDENTITY
from xacct_nb.iam.patterns import matches
from xacct_nb.linting.rules.permissions import covers_any_role
from xacct_nb.linting.rules.rule import NOTE, WIDENS, Find, Hit, Rule
from xacct_nb.linting.rules.subjects import LintStatement

# The actions that write permissions, and those that make credentials of somebody else.
_WRITING = (
    *("iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy"),
    *("iam:AttachUserPolicy", "iam:CreatePolicyVersion", "iam:DeleteRolePermissionsBoundary"),
    *("iam:DeleteUserPermissionsBoundary", "iam:PutGroupPolicy", "iam:PutRolePermissionsBoundary"),
    *("iam:PutRolePolicy", "iam:PutUserPermissionsBoundary", "iam:PutUserPolicy"),
    *("iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy", "iam:CreateAccessKey"),
    *("iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:CreateServiceSpecificCredential"),
    *(
        "iam:UpdateSAMLProvider",
        "iam:AddClientIDToOpenIDConnectProvider",
        "sso:PutInlinePolicyToPermissionSet",
    ),
    *(
        "sso:AttachManagedPolicyToPermissionSet",
        "sso:AttachCustomerManagedPolicyReferenceToPermissionSet",
        "sso:CreateAccountAssignment",
    ),
)
_PASS = "iam:PassRole"
# With one of these the caller chooses neither the policy nor an unbounded role.
_BOUNDED = ("iam:permissionsboundary", "iam:policyarn")
_ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
_OWN_USER = re.compile(r"arn:[^:]*:iam::[^:]*:user/(?:.*/)?\$\{aws:username\}", re.IGNORECASE)
_WILD = {"*", "?"}


def _writing(statement: LintStatement) -> Iterator[Hit]:
    if statement.allows and not _is_bounded(statement) and not _on_herself(statement):
        found = [action for action in _WRITING if _covers(statement, action)]
        if found:
            yield statement.location("Action", summarize(found)), summarize(found)


def _is_bounded(statement: LintStatement) -> bool:
    """Return whether a condition names the boundaries or policies that the caller may set."""
    return any(
        each.needs_key and each.operator != "null" and not any(map(_is_administrators, each.values))
        for each in statement.on(*_BOUNDED)
    )


def _is_administrators(policy: str) -> bool:
    """Return whether a pattern of policies covers AWS's policy of full access, in its partition."""
    return matches(re.sub(r"^arn:aws(?:-[a-z-]+)?:", "arn:aws:", policy), _ADMINISTRATOR)


def _covers(statement: LintStatement, action: str) -> bool:
    """Return whether the statement names the action; the rule wildcard-action covers whole services."""
    named = [each for each in statement.listed("Action") if each.rpartition(":")[2].strip("*?")]
    return bool(named) and statement.covers_action(action) and not _by_wildcard(statement)


def _by_wildcard(statement: LintStatement) -> bool:
    return any(not each.rpartition(":")[2].strip("*?") for each in statement.listed("Action"))


def _on_herself(statement: LintStatement) -> bool:
    """Return whether it is for a user's own keys and password only."""
    own = statement.listed("Resource") and all(map(_OWN_USER.fullmatch, statement.listed("Resource")))
    keys = ("iam:CreateAccessKey", "iam:UpdateLoginProfile", "iam:CreateLoginProfile")
    others = [each for each in _WRITING if each not in keys and statement.covers_action(each)]
    return bool(own) and not others


def _passing(anything: bool) -> Find[LintStatement]:
    """Report roles that may be passed to services: those of a pattern, or those named in full."""

    def find(statement: LintStatement) -> Iterator[Hit]:
        if statement.allows and _covers(statement, _PASS):
            roles = [each for each in statement.listed("Resource") if _is_pattern(each) is anything]
            if roles:
                yield statement.location("Resource", summarize(roles)), summarize(roles)

    return find


def _is_pattern(role: str) -> bool:
    """Return whether a Resource matches roles of any name: a wildcard before or in place of the name."""
    name = role.rpartition("/")[2]
    return covers_any_role(role) or not name.strip("*?") or bool(_WILD & set(name[:1]))


ESCALATION_RULES: tuple[Rule[LintStatement], ...] = (
    Rule("raises-itself", WIDENS, _writing, (IDENTITY,),
        why="With {it} the caller can give itself, or somebody it can act as, every permission.",
        mend="Leave it out, or require a boundary (iam:PermissionsBoundary) or a policy (iam:PolicyARN)."),
    Rule("passes-any-role", WIDENS, _passing(anything=True), (IDENTITY,),
        why="The caller may pass roles of any name to a service, and so do what the strongest of them may.",
        mend="Name the roles in full, and the service with iam:PassedToService."),
    Rule("passes-role", NOTE, _passing(anything=False), (IDENTITY,),
        why="By passing {it} to a service, the caller can do what that role may.",
        mend="Name the service with iam:PassedToService, and check the role's permissions."),
)  # fmt: skip
