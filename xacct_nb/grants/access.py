"""How the console uses the access: the link to switch role, and what the console cannot do."""

from urllib.parse import urlencode

from xacct_nb.errors import InvalidGrant
from xacct_nb.iam.arns import parse_iam

# Hosts of the sign-in pages by partition.
_HOSTS = {
    "aws": "signin.aws.amazon.com",
    "aws-us-gov": "signin.amazonaws-us-gov.com",
    "aws-cn": "signin.amazonaws.cn",
    "aws-eusc": "signin.amazonaws-eusc.eu",
}


def switch_role_url(role: str, display_name: str = "") -> str:
    """Return the console's link to switch to the role.

    Source: IAM user guide, id_roles_use_permissions-to-switch (path and name together 64 characters at most).
    Raises InvalidArn, and InvalidGrant for a name that is too long for the console.
    """
    arn = parse_iam(role, "role")
    name = arn.resource.removeprefix("role/")
    if len(name) > 64:
        raise InvalidGrant(
            f"The console cannot switch to {name!r}.",
            why="The console takes a path and name of 64 characters at most.",
            hint="Use the AWS CLI: xa.cli_profile(grant, role).",
        )
    query = {"account": arn.account, "roleName": name}
    shown = {"displayName": display_name} if display_name else {}
    return f"https://{_HOSTS[arn.partition]}/switchrole?{urlencode(query | shown, safe='/')}"
