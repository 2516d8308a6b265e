"""The operations of IAM, STS, S3, Organizations and CloudTrail that the sandbox serves, by AWS's names."""

from difflib import get_close_matches

from xacct_nb.iam.patterns import covers
from xacct_nb.sandbox.http.s3_names import S3_OPERATIONS

IAM = tuple(
    """
    AddRoleToInstanceProfile AddUserToGroup AttachGroupPolicy AttachRolePolicy AttachUserPolicy
    CreateAccessKey CreateAccountAlias CreateGroup CreateInstanceProfile CreateLoginProfile
    CreateOpenIDConnectProvider CreatePolicy CreatePolicyVersion CreateRole CreateSAMLProvider
    CreateServiceLinkedRole CreateUser CreateVirtualMFADevice DeactivateMFADevice DeleteAccessKey
    DeleteAccountAlias DeleteAccountPasswordPolicy DeleteGroup DeleteGroupPolicy DeleteInstanceProfile
    DeleteLoginProfile DeleteOpenIDConnectProvider DeletePolicy DeletePolicyVersion DeleteRole
    DeleteRolePermissionsBoundary DeleteRolePolicy DeleteSAMLProvider DeleteServiceLinkedRole DeleteUser
    DeleteUserPermissionsBoundary DeleteUserPolicy DeleteVirtualMFADevice DetachGroupPolicy DetachRolePolicy
    DetachUserPolicy EnableMFADevice GenerateCredentialReport GenerateServiceLastAccessedDetails
    GetAccessKeyLastUsed GetAccountAuthorizationDetails GetAccountPasswordPolicy GetAccountSummary
    GetCredentialReport GetGroup GetGroupPolicy GetInstanceProfile GetLoginProfile GetOpenIDConnectProvider
    GetPolicy GetPolicyVersion GetRole GetRolePolicy GetSAMLProvider GetServiceLastAccessedDetails
    GetServiceLinkedRoleDeletionStatus GetUser GetUserPolicy ListAccessKeys ListAccountAliases
    ListAttachedGroupPolicies ListAttachedRolePolicies ListAttachedUserPolicies ListEntitiesForPolicy
    ListGroupPolicies ListGroups ListGroupsForUser ListInstanceProfileTags ListInstanceProfiles
    ListInstanceProfilesForRole ListMFADevices ListOpenIDConnectProviders ListPolicies ListPolicyTags
    ListPolicyVersions ListRolePolicies ListRoleTags ListRoles ListSAMLProviders ListUserPolicies
    ListUserTags ListUsers ListVirtualMFADevices PutGroupPolicy PutRolePermissionsBoundary PutRolePolicy
    PutUserPermissionsBoundary PutUserPolicy RemoveRoleFromInstanceProfile RemoveUserFromGroup
    ResyncMFADevice SetDefaultPolicyVersion SimulateCustomPolicy SimulatePrincipalPolicy TagInstanceProfile
    TagPolicy TagRole TagUser UntagInstanceProfile UntagPolicy UntagRole UntagUser UpdateAccessKey
    UpdateAccountPasswordPolicy UpdateAssumeRolePolicy UpdateLoginProfile UpdateRole UpdateRoleDescription
    UpdateSAMLProvider
    """.split()  # noqa: SIM905
)
STS = (
    "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetAccessKeyInfo", "GetCallerIdentity",
    "GetFederationToken", "GetSessionToken", "GetWebIdentityToken",
)  # fmt: skip
ORGANIZATIONS = (
    "DescribeAccount", "DescribeOrganization", "DescribeOrganizationalUnit", "ListAccounts",
    "ListAccountsForParent", "ListOrganizationalUnitsForParent", "ListParents", "ListRoots",
    "ListTagsForResource",
)  # fmt: skip
_KNOWN = {
    "iam": IAM,
    "sts": STS,
    "s3": S3_OPERATIONS,
    "organizations": ORGANIZATIONS,
    "cloudtrail": ("LookupEvents",),
}


def fits(pattern: str, service: str, action: str) -> bool:
    """Return whether `CreateRole`, `iam:Create*` or `*` names this call, in any case as in policies."""
    full = pattern if ":" in pattern or pattern == "*" else f"*:{pattern}"
    return covers(full, f"{service}:{action}")


def matching(pattern: str) -> frozenset[str]:
    """Return every operation that a pattern names, as `iam:CreateRole`."""
    return frozenset(
        f"{service}:{name}"
        for service, names in _KNOWN.items()
        for name in names
        if fits(pattern, service, name)
    )


def nearest(pattern: str) -> str:
    """Return the operation with the most similar name, "" where there is none."""
    names = [name for known in _KNOWN.values() for name in known]
    return next(iter(get_close_matches(pattern.rpartition(":")[2], names, n=1)), "")
