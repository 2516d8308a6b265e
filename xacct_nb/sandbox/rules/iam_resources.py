"""The resource of an IAM call: the ARN by which it is decided, and how a denial names it.

Sources: list_awsidentityandaccessmanagementiam; the wording of denials from public reports of AWS's errors.
"""

from xacct_nb.sandbox.http.calls import Call
from xacct_nb.sandbox.ministack.guard_result import IamResource

_NAMES = (
    ("RoleName", "role"),
    ("GroupName", "group"),
    ("UserName", "user"),
    ("InstanceProfileName", "instance profile"),
    ("PolicyArn", "policy"),
)
# Operations on what has no record yet: its type in an ARN, and the parameter with its name.
_MADE = {
    "CreateRole": ("role", "RoleName"),
    "CreateUser": ("user", "UserName"),
    "CreateGroup": ("group", "GroupName"),
    "CreateInstanceProfile": ("instance-profile", "InstanceProfileName"),
    "CreatePolicy": ("policy", "PolicyName"),
    "CreateVirtualMFADevice": ("mfa", "VirtualMFADeviceName"),
    "CreateSAMLProvider": ("saml-provider", "Name"),
}
_LISTED = {
    "ListRoles": "role",
    "ListUsers": "user",
    "ListGroups": "group",
    "ListInstanceProfiles": "instance-profile",
    "ListVirtualMFADevices": "mfa",
}
_ARNS = ("OpenIDConnectProviderArn", "SAMLProviderArn", "PolicySourceArn", "Arn")
_WHOLE = ("Tag", "Untag")  # their denials name the ARN


def resource_of(call: Call) -> IamResource:
    """Return the resource of a call; its ARN is "" where MiniStack finds it by the name."""
    front, action = f"arn:aws:iam::{call.account}:", call.action
    if action in _MADE:
        kind, name = _MADE[action]
        arn = f"{front}{kind}{call.parameter('Path') or '/'}{call.parameter(name)}"
        return IamResource(arn, f"policy {call.parameter(name)}" if action == "CreatePolicy" else arn)
    if action in _LISTED:
        arn = f"{front}{_LISTED[action]}{call.parameter('PathPrefix') or '/'}"
        return IamResource(arn, arn)
    if action == "ListPolicies":
        return IamResource("", f"policy path {call.parameter('PathPrefix') or '/'}")
    if action == "CreateOpenIDConnectProvider":
        arn = f"{front}oidc-provider/{call.parameter('Url').partition('://')[2]}"
        return IamResource(arn, arn)
    for name in _ARNS:
        if arn := call.parameter(name):
            return IamResource(arn, arn)
    # A call that names a group and a user or a policy is about the group.
    group = call.parameter("GroupName")
    return IamResource(f"{front}group/{group}" if group else "", _shown(call))


def _shown(call: Call) -> str:
    """Return how a denial names the resource of a call: `role reader`; "" for its ARN."""
    if call.action.startswith(_WHOLE):
        return ""
    for name, kind in _NAMES:
        if value := call.parameter(name):
            return f"{kind} {value}"
    return ""
