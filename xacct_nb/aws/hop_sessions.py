"""Sessions of the hops of a chain: AssumeRole is called with the session that the hop before returned."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from xacct_nb.aws.attempts import try_for_credentials
from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.diagnosis_sessions import AccountSession, DiagnosisSessions
from xacct_nb.aws.profile_clients import NO_PROFILE, Endpoint, clients_of, make_client, session_of
from xacct_nb.diagnosis.attempt import Attempt, AttemptResult
from xacct_nb.errors import NoCredentials
from xacct_nb.iam.arns import REGIONS, Arn, is_arn, role_arn_of


def try_hop(
    attempt: Attempt, session: AccountSession, endpoint: Endpoint
) -> tuple[AttemptResult, AccountSession | None]:
    """Make the attempt with a session; return AWS's answer, and the role's session if it is allowed."""
    result, credentials = try_for_credentials(attempt, session.client("sts"), session.profile)
    return result, _role_session(attempt.role, credentials, endpoint) if credentials else None


def fitting_sides(
    attempt: Attempt, caller: AccountSession | None, known: DiagnosisSessions
) -> DiagnosisSessions:
    """Return the known sessions by the sides of a hop: each in the account of its side."""
    opened = [each for each in (known.source, known.destination) if each]
    source, destination = (
        next((each for each in opened if is_arn(arn) and each.account == Arn.parse(arn).account), None)
        for arn in (role_arn_of(attempt.caller) if is_arn(attempt.caller) else "", attempt.role)
    )
    return replace(known, caller=caller, source=source, destination=destination)


def open_start(profile: str, attempt: Attempt, endpoint: Endpoint) -> AccountSession | None:
    """Return the session of the profile that a chain begins with; None if it cannot sign in."""
    if not profile:
        return None
    partition = Arn.parse(attempt.role).partition if is_arn(attempt.role) else "aws"
    session = AccountSession(clients_of(profile, endpoint, partition), profile)
    try:
        return session if session.identity else None
    except (BotoCoreError, ClientError, NoCredentials):
        return None


def _role_session(role: str, credentials: Mapping[str, Any], endpoint: Endpoint) -> AccountSession:
    partition = Arn.parse(role).partition
    keys = {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }

    @cache
    def client(service: str) -> AwsClient:
        session = session_of("", endpoint, NO_PROFILE, region=REGIONS[partition])
        return make_client(session, service, endpoint, partition, **keys)

    return AccountSession(client)
