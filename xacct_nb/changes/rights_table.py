"""Which rights each step of a grant needs: one line for each call that the code makes.

`tests/test_needed_rights.py` runs every step with exactly these rights, and finds each of them used.
"""

from collections.abc import Iterator

from xacct_nb.changes.rights import APPLY, DIAGNOSE, NARROW, PLAN, PROVE, ROLL_BACK, WHO_CHANGED, Right
from xacct_nb.changes.rights_scope import KINDS, conditions_of, resources_of
from xacct_nb.grants.documents import DESTINATION, SOURCE
from xacct_nb.grants.grant import Grant

# What a call is made for.
_READ, _COMPARE, _FINDINGS, _CARD = "read", "compare", "findings", "card"
_CHANGE, _RESTORE, _REVOKE, _PROOF = "change", "restore", "revoke", "proof"
_CAUSES, _USE, _TRAIL = "causes", "use", "trail"
OF_GRANT = {
    PLAN: (_READ, _FINDINGS, _CARD),
    APPLY: (_READ, _FINDINGS, _CARD, _COMPARE, _CHANGE, _PROOF),
    PROVE: (_READ, _FINDINGS, _PROOF),
    WHO_CHANGED: (_TRAIL,),
    NARROW: (_READ, _FINDINGS, _CARD, _USE),
    DIAGNOSE: (_CAUSES,),
    ROLL_BACK: (_READ, _CARD, _COMPARE, _CHANGE, _RESTORE, _REVOKE),
}
OF_FLEET = {
    PLAN: (_READ, _FINDINGS),
    APPLY: (_READ, _COMPARE, _CHANGE, _PROOF, _CAUSES),
    PROVE: (_READ, _PROOF, _CAUSES),
    WHO_CHANGED: (_TRAIL,),
    NARROW: (),
    DIAGNOSE: (_CAUSES,),
    ROLL_BACK: (_READ, _COMPARE, _CHANGE),
}
"""What each step makes calls for. An apply also proves; that of a fleet diagnoses what fails, too.

A fleet is not narrowed as a whole.
A proof that finds something changed reads who changed it, where it has the rights of that step.
"""

# Purpose, resources (`resources_of`), actions, condition (`conditions_of`); {Kind} is User, Role and Group.
_SOURCE = (
    (_READ, "caller-policies", "GetPolicy GetPolicyVersion ListEntitiesForPolicy ListPolicyVersions", ""),
    (_READ, "former-policies", "GetPolicy", ""),
    (_READ, "inline-{kind}", "Get{Kind}Policy", ""),
    (_READ, "named-{kind}", "Get{Kind}", ""),
    (_COMPARE, "attached-{kind}", "ListAttached{Kind}Policies", ""),
    (
        _FINDINGS,
        "holder-{kind}",
        "Get{Kind} Get{Kind}Policy List{Kind}Policies ListAttached{Kind}Policies",
        "",
    ),
    (_FINDINGS, "holder-user", "ListGroupsForUser", ""),
    (_FINDINGS, "any-group", "GetGroup GetGroupPolicy ListGroupPolicies ListAttachedGroupPolicies", ""),
    (_FINDINGS, "any-policy", "GetPolicy GetPolicyVersion", ""),
    (_FINDINGS, "read-account", "GetAccountSummary", ""),
    (_FINDINGS, "account-of-policies", "ListPolicies", ""),
    (_CARD, "account", "ListAccountAliases", ""),
    (_CHANGE, "caller-policies", "CreatePolicy CreatePolicyVersion DeletePolicy DeletePolicyVersion", ""),
    (_CHANGE, "caller-policies", "SetDefaultPolicyVersion TagPolicy", ""),
    (_CHANGE, "adopted-policies", "UntagPolicy", ""),
    (_CHANGE, "attached-{kind}", "Attach{Kind}Policy Detach{Kind}Policy", "caller-policy"),
    (_CHANGE, "inline-{kind}", "Put{Kind}Policy Delete{Kind}Policy", ""),
    (_RESTORE, "every-{kind}", "Get{Kind}", ""),
    (_USE, "named-user", "GenerateServiceLastAccessedDetails", ""),
    (_USE, "named-role", "GenerateServiceLastAccessedDetails", ""),
    (_USE, "reported", "GetServiceLastAccessedDetails", ""),
    (_TRAIL, "account", "cloudtrail:LookupEvents", ""),
    (_PROOF, "pattern-callers", "GetRole", ""),
    (_REVOKE, "pattern-callers", "GetRole", ""),
    (_CAUSES, "pattern-callers", "GetRole", ""),
    (_CAUSES, "caller-user", "GetUser ListMFADevices SimulatePrincipalPolicy", ""),
    (_CAUSES, "caller-role", "GetRole SimulatePrincipalPolicy", ""),
    (_CAUSES, "account", "GetAccountAuthorizationDetails", ""),
    (_CAUSES, "aws-policy", "GetPolicy GetPolicyVersion", ""),
)
_DESTINATION = (
    (_READ, "role-names", "GetRole", ""),
    (_READ, "roles", "GetRolePolicy ListRolePolicies ListAttachedRolePolicies", ""),
    (_READ, "any-policy", "GetPolicy GetPolicyVersion", ""),
    (_COMPARE, "names-with-permissions", "GetRolePolicy", ""),
    (_COMPARE, "names-with-policies", "ListAttachedRolePolicies", ""),
    (_RESTORE, "every-{kind}", "Get{Kind}", ""),
    (_FINDINGS, "read-account", "GetAccountSummary", ""),
    (_FINDINGS, "account-of-roles", "ListRoles", ""),
    (_CARD, "account", "ListAccountAliases", ""),
    (_CHANGE, "roles", "UpdateAssumeRolePolicy", ""),
    (_CHANGE, "own-roles", "DeleteRole DeleteRolePolicy DetachRolePolicy TagRole UpdateRole", ""),
    (_CHANGE, "own-roles", "CreateRole", "bounded"),
    (_CHANGE, "roles-with-permissions", "PutRolePolicy", "bounded"),
    (_CHANGE, "roles-with-policies", "AttachRolePolicy", "managed"),
    (_CHANGE, "roles-with-boundary", "PutRolePermissionsBoundary", "bounded"),
    (_CHANGE, "adopted-roles", "UntagRole", ""),
    (_CHANGE, "adopted-roles-with-boundary", "DeleteRolePermissionsBoundary", ""),
    (_REVOKE, "own-roles", "PutRolePolicy", "bounded"),
    (_REVOKE, "listed-buckets", "s3:ListBucket", ""),
    (_PROOF, "listed-buckets", "s3:ListBucket", ""),
    (_USE, "roles", "GenerateServiceLastAccessedDetails", ""),
    (_USE, "account", "GetServiceLastAccessedDetails", ""),
    (_TRAIL, "account", "cloudtrail:LookupEvents", ""),
    (_CAUSES, "role-names", "GetRole", ""),
    (_CAUSES, "account", "GetAccountAuthorizationDetails", ""),
    (_CAUSES, "aws-policy", "GetPolicy GetPolicyVersion", ""),
    (_CAUSES, "s3", "s3:GetBucketPolicy s3:GetEncryptionConfiguration", ""),
    (_CAUSES, "s3", "s3:GetBucketOwnershipControls s3:GetBucketPublicAccessBlock", ""),
    (_CAUSES, "kms", "kms:GetKeyPolicy", ""),
    (_CAUSES, "secretsmanager", "secretsmanager:GetResourcePolicy", ""),
    (_CAUSES, "sqs", "sqs:GetQueueAttributes sqs:GetQueueUrl", ""),
)  # fmt: skip
_ROWS = {SOURCE: _SOURCE, DESTINATION: _DESTINATION}


def rights_of(grant: Grant, side: str, account: str, purposes: tuple[str, ...]) -> Iterator[Right]:
    """Yield the rights that a session of one account needs for these purposes, on one side of a grant."""
    resources, conditions = resources_of(grant, side, account), conditions_of(grant, side, account)
    for purpose, kind, actions, condition in _ROWS[side]:
        for each in KINDS if "{kind}" in kind else ("",):
            named = resources.get(kind.format(kind=each), ())
            for action in actions.format(Kind=each.title()).split() if purpose in purposes and named else ():
                full = action if ":" in action else f"iam:{action}"
                yield Right(full, named, conditions[condition] if condition else ())
