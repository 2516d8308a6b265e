"""IAM's own condition keys of a call: the policy that is attached, and the boundary of the user or role.

Sources: list_awsidentityandaccessmanagementiam, reference_policies_iam-condition-keys.
"""

import re

from xacct_nb.sandbox.http.calls import Call
from xacct_nb.sandbox.ministack import internals

_ATTACHING = re.compile(r"(Attach|Detach)(User|Role|Group)Policy")
# The boundary is that of the request where the call sets one, else that of the user or role.
_SETTING = re.compile(r"Create(User|Role)|Put(User|Role)PermissionsBoundary")
_OF_ENTITY = re.compile(
    r"(Attach|Detach|Put|Delete)(User|Role)Policy|Delete(User|Role)PermissionsBoundary"
    r"|UpdateAssumeRolePolicy|UpdateRole|UpdateRoleDescription|GetRole|DeleteRole"
)


def iam_keys(call: Call) -> dict[str, str]:
    """Return the keys that a call of IAM has, in lower case."""
    keys = {}
    if _ATTACHING.fullmatch(call.action):
        keys["iam:policyarn"] = call.parameter("PolicyArn")
    if boundary := _boundary(call):
        keys["iam:permissionsboundary"] = boundary
    return keys


def _boundary(call: Call) -> str:
    if _SETTING.fullmatch(call.action):
        return call.parameter("PermissionsBoundary")
    if not _OF_ENTITY.fullmatch(call.action):
        return ""
    kind = "role" if call.parameter("RoleName") else "user"
    name = call.parameter("RoleName") or call.parameter("UserName")
    return str((internals.entity(kind, call.account, name) or {}).get("PermissionsBoundary") or "")
