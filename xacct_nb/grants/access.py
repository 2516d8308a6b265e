"""How to use the access: the console's switch-role link, and a profile for the AWS CLI and SDKs."""

from urllib.parse import urlencode

from xacct_nb.errors import InvalidGrant
from xacct_nb.grants.grant import Grant
from xacct_nb.iam.arns import REGIONS, parse_iam
from xacct_nb.views import Snippet

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


def cli_profile(
    grant: Grant,
    role: str = "",
    *,
    name: str = "",
    source_profile: str = "default",
    region: str = "",
    mfa_serial: str = "",
) -> Snippet:
    """Return the section of `~/.aws/config` that assumes the role; without `role` the first destination.

    No external ID is written: a comment says where to write it. Comments also name what
    else the grant requires and the profile lacks. The profile has a region, which the CLI needs for services
    such as S3.
    """
    fields = {
        "role_arn": role or grant.destinations[0],
        "source_profile": source_profile,
        "region": region or REGIONS[grant.partition],
        "duration_seconds": str(grant.session_minutes * 60) if grant.session_minutes != 60 else "",
        "role_session_name": "" if _is_pattern(grant) else grant.conditions.role_session_name,
        "mfa_serial": mfa_serial,
    }
    lines = [f"{field} = {value}" for field, value in fields.items() if value]
    head = f"[profile {name or grant.name}]"
    return Snippet("\n".join([head, *lines, *_comments(grant, mfa_serial)]) + "\n")


def _is_pattern(grant: Grant) -> bool:
    return bool({"*", "?", "$"} & set(grant.conditions.role_session_name))


def _comments(grant: Grant, mfa_serial: str) -> list[str]:
    """Return a comment for each condition of the grant that the profile does not meet yet."""
    when = grant.conditions
    cannot = "# A profile of the AWS CLI cannot set a {}: call sts assume-role with it."
    secret = when.external_id.get_secret_value()
    rows = (
        (secret, "# external_id = the external ID that the role's owner gave you"),
        (_is_pattern(grant), f"# role_session_name = a name that fits {when.role_session_name}"),
        (when.require_mfa and not mfa_serial, "# mfa_serial = the ARN of your MFA device"),
        (when.source_identity, cannot.format("source identity")),
        (when.session_tags, cannot.format("session tag")),
    )
    return [line for needed, line in rows if needed]
