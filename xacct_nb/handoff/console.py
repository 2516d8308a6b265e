"""How the access is used: the console's switch-role link, and a profile for the AWS CLI and SDKs."""

from urllib.parse import urlencode

from xacct_nb.arns import parse_iam
from xacct_nb.errors import InvalidGrant
from xacct_nb.grants import Grant
from xacct_nb.views import Snippet

# Hosts of the sign-in pages by partition.
_HOSTS = {
    "aws": "signin.aws.amazon.com",
    "aws-us-gov": "signin.amazonaws-us-gov.com",
    "aws-cn": "signin.amazonaws.cn",
}
_LONGEST = 64


def switch_role_url(role: str, display_name: str = "") -> str:
    """The console's link to switch to the role. Raises InvalidArn, and InvalidGrant where the console cannot do it.

    Source: IAM user guide, id_roles_use_permissions-to-switch (path and name together 64 characters at most).
    """
    arn = parse_iam(role, "role")
    name = arn.resource.removeprefix("role/")
    if len(name) > _LONGEST:
        raise InvalidGrant(
            f"The console cannot switch to {name!r}.",
            why="It takes a path and name of 64 characters at most.",
            hint="Use the AWS CLI: xa.cli_profile(grant, role).",
        )
    query = {"account": arn.account, "roleName": name} | (
        {"displayName": display_name} if display_name else {}
    )
    return f"https://{_HOSTS[arn.partition]}/switchrole?{urlencode(query, safe='/')}"


def cli_profile(
    grant: Grant,
    role: str = "",
    *,
    name: str = "",
    source_profile: str = "default",
    region: str = "us-east-1",
    mfa_serial: str = "",
) -> Snippet:
    """The section for `~/.aws/config` that assumes the role (of several: the one named).

    An external ID is not written; a line says where it goes. The profile has a region, which the AWS CLI
    needs for services such as S3.
    """
    arn = role or grant.destinations[0]
    lines = [
        f"[profile {name or grant.name}]",
        f"role_arn = {arn}",
        f"source_profile = {source_profile}",
        f"region = {region}",
    ]
    if grant.session_minutes != 60:
        lines.append(f"duration_seconds = {grant.session_minutes * 60}")
    if grant.conditions.role_session_name:
        lines.append(f"role_session_name = {grant.conditions.role_session_name}")
    if mfa_serial:
        lines.append(f"mfa_serial = {mfa_serial}")
    if grant.conditions.external_id.get_secret_value():
        lines.append("# external_id = the external ID that the owner of the role gave you")
    return Snippet("\n".join(lines) + "\n")
