"""Causes that neither account sees: control policies, endpoint policies, the status of an account."""

from xacct_nb.diagnosis.attempt import ASSUME_ACTIONS
from xacct_nb.diagnosis.cause import DESTINATION, LIKELY, ORGANIZATION, SOURCE, KnownCause

ORGANIZATION_CAUSES = (
    KnownCause("B9", "service-control-policy", ORGANIZATION, signed=True,
        policy_type="service control policy",
        why="A service control policy of the source account's organization does not allow the request.",
        mend="Ask the organization's administrator to exclude this role or this caller."),
    KnownCause("F4", "denied-region", ORGANIZATION, signed=True,
        policy_type="service control policy", sure=LIKELY,
        why="A policy allows certain regions only, and requests to STS's global endpoint are in us-east-1.",
        mend="Use a regional endpoint: set AWS_STS_REGIONAL_ENDPOINTS=regional and AWS_REGION.",
        text=r"service control policy.*sts\.amazonaws\.com"),
    KnownCause("B10", "vpc-endpoint-policy", SOURCE, policy_type="VPC endpoint policy",
        why="The policy of the VPC endpoint that the request used does not allow it.",
        mend="Allow sts:AssumeRole on the role in the endpoint's policy, or use another network."),
    KnownCause("F7", "works-in-one-region", ORGANIZATION,
        why="The request uses an endpoint or a region to which other policies apply.",
        mend="Make the request in us-east-1 and in your own region, and compare."),
    KnownCause("O1", "resource-control-policy", ORGANIZATION, policy_type="resource control policy",
        why="A resource control policy of the destination account's organization does not allow the request.",
        mend="Ask the administrator of that organization to exclude this caller."),
    KnownCause("O2", "perimeter-breaks-sign-in", ORGANIZATION,
        why="A control policy on aws:PrincipalOrgID denies federated sign-ins, which do not have that key.",
        mend="Exclude AssumeRoleWithSAML and AssumeRoleWithWebIdentity from the policy.",
        text=r"AssumeRoleWith(?:SAML|WebIdentity).*resource control policy"),
    KnownCause("H1", "sign-in-policy", DESTINATION,
        why="The account's AWS Sign-In policy, or a resource control policy on signin actions, lets people "
        "into the console only from its networks; no read of IAM shows it, and access keys are not affected.",
        mend="Sign in from such a network, or ask the administrator: aws signin get-resource-policy. Access "
        "through the portal of IAM Identity Center does not work with such a policy.",
        text=r"signin:(?:Authenticate|AuthorizeOAuth2Access|CreateOAuth2Token)"),
    KnownCause("C24", "role-of-role-manager", DESTINATION,
        why="Role manager made the role from a template: the template's owner decides its trust policy.",
        mend="Ask the template's owner (GetRole names it: SourceRoleTemplate), or use a role of your own.",
        text=r"RoleTemplateDisabled|RoleModified"),
    KnownCause("C22", "account-access-role", DESTINATION,
        why="The role trusts AWS's account access manager (account-access.amazonaws.com): people get it "
        "through IAM Identity Center, not by AssumeRole.",
        mend="Ask for an entitlement to the role, and open it in the access portal."),
    KnownCause("O3", "management-account-differs", ORGANIZATION,
        why="Control policies do not apply to the management account, so a request may work there only.",
        mend="Make the request from a member account."),
    KnownCause("O4", "no-access-role", ORGANIZATION, actions=ASSUME_ACTIONS,
        why="An account that was invited to the organization has no OrganizationAccountAccessRole.",
        mend="Create the role in that account, and trust the management account."),
    KnownCause("O5", "closed-account", ORGANIZATION,
        why="The account is suspended or closed.",
        mend="Check the account's status: aws organizations list-accounts"),
)  # fmt: skip
