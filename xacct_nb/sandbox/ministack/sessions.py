"""Makes the sessions of callers without credentials, which MiniStack does not make as AWS does."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ministack.services import iam, sts

from xacct_nb.sandbox.ministack import clock, internals


class NewSession(NamedTuple):
    """A session of a role that was just made, with its credentials."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: str
    role_id: str
    arn: str


def start_session(role: internals.Record, name: str, seconds: int, kept: Mapping[str, Any]) -> NewSession:
    """Make a session of a role; `kept` is what MiniStack keeps with it: tags, policies, source identity."""
    account, ends = role["Arn"].split(":")[4], clock.now() + seconds
    made = NewSession(
        iam._gen_session_access_key(),
        iam._gen_secret(),
        iam._gen_session_token(),
        datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"{role['RoleId']}:{name}",
        f"arn:aws:sts::{account}:assumed-role/{role['RoleName']}/{name}",
    )
    session = {
        "Arn": made.arn,
        "UserId": made.role_id,
        "SecretAccessKey": made.secret_access_key,
        "SessionToken": made.session_token,
        "Expiration": ends,
        "AccountId": account,
        "PrincipalType": "AssumedRole",
        "IssuedAt": clock.now(),
        **kept,
    }
    sts._evict_expired_sessions()
    sts._sessions[made.access_key_id] = session
    return made
