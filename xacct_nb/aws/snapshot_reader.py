"""Takes a snapshot with the sessions that there are, in as few calls to AWS as possible."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from xacct_nb.aws.account_details import MissingPart, destination_of, source_of
from xacct_nb.aws.authorization_lookup import look_up
from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.clock import utc
from xacct_nb.aws.diagnosis_sessions import AccountSession, DiagnosisSessions
from xacct_nb.aws.error_translation import text_of
from xacct_nb.aws.iam_reads import owner_of
from xacct_nb.aws.resource_policies import read_bucket_settings, read_resource_policies
from xacct_nb.aws.sign_in import response_errors
from xacct_nb.aws.simulator import simulate
from xacct_nb.diagnosis.attempt import ASSUME, Attempt
from xacct_nb.diagnosis.causes.aws_answers import RECORD, SIMULATOR
from xacct_nb.diagnosis.role_session import passed_policies
from xacct_nb.diagnosis.snapshot import (
    CALLER,
    DESTINATION,
    SOURCE,
    AuthorizationRecord,
    CallerIdentity,
    Destination,
    Principal,
    Snapshot,
    SnapshotPolicy,
    Source,
)
from xacct_nb.errors import NoCredentials
from xacct_nb.iam.arns import Arn, is_arn, role_arn_of

T = TypeVar("T")

_MOST_PAGES, _MOST_POLICIES = 2, 3
_NOT_FOUND = (
    "NoSuchEntity", "NoSuchBucketPolicy", "ServerSideEncryptionConfigurationNotFoundError",
    "OwnershipControlsNotFoundError", "NoSuchPublicAccessBlockConfiguration",
)  # fmt: skip
_FILTERS = {
    "user": ["User", "Group", "LocalManagedPolicy", "AWSManagedPolicy"],
    "role": ["Role", "LocalManagedPolicy", "AWSManagedPolicy"],
}


def take_snapshot(attempt: Attempt, sessions: DiagnosisSessions, authorization_id: str = "") -> Snapshot:
    """Read both sides as far as the sessions can, and note why a side could not be read.

    Without a source session, the caller's own reads the source side, as far as it is allowed.
    `authorization_id` is the one that the denial's text ends with. Makes at most 11 calls, which are 12 with
    the attempt itself, and up to 8 more where AWS can be asked what denies; changes nothing.
    """
    reading = _Reading(attempt, sessions.source)
    caller = reading.side("caller", sessions.caller, _caller)
    if caller and not attempt.caller:
        reading.attempt = attempt.model_copy(update={"caller": caller.arn})
    source = reading.side("source", sessions.source or sessions.caller, reading.source)
    of_caller = sessions.source if attempt.is_direct else None
    destination = reading.side("destination", sessions.destination or of_caller, reading.destination)
    sides = ((CALLER, sessions.caller), (SOURCE, sessions.source), (DESTINATION, sessions.destination))
    opened = dict.fromkeys(filter(None, (sessions.caller, sessions.source, sessions.destination)))
    return Snapshot(
        taken=utc(sessions.endpoint.clock.now()),
        caller=caller,
        source=source,
        destination=destination,
        authorization=reading.record(authorization_id, sessions),
        skipped=reading.skipped,
        unread=reading.unread | sessions.problems,
        read_with={side: session.profile for side, session in sides if session and session.profile},
        endpoint_url=sessions.endpoint.endpoint_url,
        profile_files=tuple(
            filter(None, (sessions.endpoint.config_file, sessions.endpoint.credentials_file))
        ),
        calls=(*(call for session in opened for call in session.calls), *reading.calls),
    )


@dataclass
class _Reading:
    """The reads of one snapshot, with their calls and the reasons for what could not be read."""

    attempt: Attempt
    other: AccountSession | None = None
    calls: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def side(
        self, name: str, session: AccountSession | None, read: Callable[[AccountSession], T]
    ) -> T | None:
        """Return the side, None where it could not be read."""
        if session is None:
            self.unread[name] = "No session was given to read it with."
            return None
        try:
            with response_errors(session.profile):
                return read(session)
        except ClientError as problem:
            self.unread[name] = text_of(problem)
        except NoCredentials as problem:
            self.unread[name] = f"{problem.what} {problem.why}"
        except (BotoCoreError, MissingPart) as problem:
            self.unread[name] = f"{type(problem).__name__}: {problem}"
        return None

    def source(self, session: AccountSession) -> Source:
        kind, owner = _principal(session, self.attempt.caller)
        iam = session.client("iam")
        found = self._call_optional(iam, f"get_{kind}", **owner)
        details, truncated = self._details(iam, _FILTERS[kind])
        who = role_arn_of(self.attempt.caller)
        source = source_of(found and found[kind.title()], details, self.attempt.role, who)
        if missing := _unread(source.policies, source.principal):
            self._with_policies(iam, details, missing)
            source = source_of(found and found[kind.title()], details, self.attempt.role)
        # Once the role was assumed, the devices explain nothing.
        devices = self._devices(iam, owner) if kind == "user" and not self.attempt.role_was_assumed else None
        simulated = self._simulated(iam, source) if source.principal and is_arn(self.attempt.role) else {}
        incomplete = " ".join(filter(None, (source.incomplete, truncated)))
        return source.model_copy(update={"mfa_devices": devices, "incomplete": incomplete, **simulated})

    def destination(self, session: AccountSession) -> Destination:
        if self.attempt.is_direct:
            return self._resource_alone(session)
        _, owner = _principal(session, self.attempt.role)
        iam = session.client("iam")
        found = self._call_optional(iam, "get_role", **owner)
        details, truncated = self._details(iam, _FILTERS["role"])
        passed = passed_policies(self.attempt)
        side = destination_of(found and found["Role"], details, self.attempt.role, passed)
        if missing := _unread((*side.policies, *side.session_policies), side.role):
            self._with_policies(iam, details, missing)
            side = destination_of(found and found["Role"], details, self.attempt.role, passed)
        incomplete = " ".join(filter(None, (side.incomplete, truncated)))
        read = {"incomplete": incomplete, "providers": self._providers(iam), **self._of_resource(session)}
        return side.model_copy(update=read)

    def _resource_alone(self, session: AccountSession) -> Destination:
        """Return the side of the resource that a caller was denied: no role is on it. Raises MissingPart."""
        if found := self._of_resource(session):
            return Destination(**found)
        raise MissingPart("The policy of the resource cannot be read with these sessions.")

    def _devices(self, iam: AwsClient, owner: dict[str, str]) -> tuple[str, ...] | None:
        """Return the serial numbers of a user's MFA devices; None where they cannot be read."""
        try:
            listed = self._call(iam, "list_mfa_devices", **owner)["MFADevices"]
        except ClientError:
            return None
        return tuple(str(each["SerialNumber"]) for each in listed)

    def _call(self, client: AwsClient, operation: str, **parameters: Any) -> Any:
        self.calls.append(f"{client.meta.service_model.service_name}:{operation}")
        return getattr(client, operation)(**parameters)

    def _call_optional(self, client: AwsClient, operation: str, **parameters: Any) -> Any:
        """Return the response, None where the resource does not exist."""
        try:
            return self._call(client, operation, **parameters)
        except ClientError as problem:
            if problem.response["Error"]["Code"] not in _NOT_FOUND:
                raise
            return None

    def _details(self, iam: AwsClient, wanted: list[str]) -> tuple[dict[str, list[Any]], str]:
        """Return the account's users, groups, roles and policies, and a note where not all were read."""
        found: dict[str, list[Any]] = {}
        marker: dict[str, Any] = {}
        for _ in range(_MOST_PAGES):
            page = self._call(
                iam, "get_account_authorization_details", Filter=wanted, MaxItems=1000, **marker
            )
            for name in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
                found.setdefault(name, []).extend(page.get(name, []))
            if not page.get("IsTruncated"):
                return found, ""
            marker = {"Marker": page["Marker"]}
        return found, f"The account is large: only {_MOST_PAGES} pages of it were read."

    def _simulated(self, iam: AwsClient, source: Source) -> Mapping[str, Any]:
        """Return the result of AWS's policy simulator: no other call shows service control policies."""
        assert source.principal is not None
        boundary = source.principal.boundary
        found, why = simulate(
            partial(self._call, iam, "simulate_principal_policy"),
            source.principal.arn,
            ASSUME,
            self.attempt.role,
            unread=bool(source.incomplete) or (boundary is not None and boundary.document is None),
        )
        if why:
            self.skipped[SIMULATOR] = why
        return found

    def record(self, identifier: str, sessions: DiagnosisSessions) -> AuthorizationRecord | None:
        """Return AWS's record of the denial with this authorization id; None for no id, or no record."""
        if not identifier:
            return None
        opened = dict.fromkeys(filter(None, (sessions.source, sessions.caller, sessions.destination)))
        found, calls, why = look_up(identifier, opened)
        self.calls.extend(calls)
        if why:
            self.skipped[RECORD] = why
        return found

    def _with_policies(self, iam: AwsClient, details: dict[str, list[Any]], missing: Iterable[str]) -> None:
        """Add managed policies that the account's details leave out, such as AWS's own as a boundary."""
        for arn in list(dict.fromkeys(missing))[:_MOST_POLICIES]:
            try:
                version = self._call(iam, "get_policy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
                found = self._call(iam, "get_policy_version", PolicyArn=arn, VersionId=version)
            except ClientError:
                continue
            versions = [{**found["PolicyVersion"], "IsDefaultVersion": True}]
            details.setdefault("Policies", []).append({"Arn": arn, "PolicyVersionList": versions})

    def _providers(self, iam: AwsClient) -> tuple[str, ...] | None:
        """Return the identity providers of the account; None where they are not needed, or cannot be read."""
        if not self.attempt.is_federated:
            return None
        is_saml = self.attempt.action.lower().endswith("saml")
        operation, field_name = (
            ("list_saml_providers", "SAMLProviderList")
            if is_saml
            else ("list_open_id_connect_providers", "OpenIDConnectProviderList")
        )
        try:
            return tuple(str(each["Arn"]) for each in self._call(iam, operation)[field_name])
        except ClientError:
            return None

    def _of_resource(self, session: AccountSession) -> dict[str, Any]:
        """Return what was read of the resource that the session was denied, in whichever account it is."""
        if not self.attempt.role_was_assumed:
            return {}
        of_caller = Arn.parse(self.attempt.caller).account if is_arn(self.attempt.caller) else ""
        own = of_caller if self.attempt.is_direct else session.account
        for each in filter(None, (session, self.other)):
            given = self.attempt.resource, each.account, each.client, self._call_optional
            if found := read_resource_policies(*given):
                account = each.account if each.account != own else ""
                more = read_bucket_settings(*given)
                return {"resource_policies": found, "resource_account": account, **more}
        return {}


def _caller(session: AccountSession) -> CallerIdentity:
    arn, account, user_id = (session.identity[name] for name in ("Arn", "Account", "UserId"))
    temporary = _has_session_token(session.client("sts"))
    return CallerIdentity(
        arn=arn, account=account, user_id=user_id, profile=session.profile, temporary=temporary
    )


def _has_session_token(client: AwsClient) -> bool | None:
    """Return whether the credentials of a client have a session token; None where they are not known.

    botocore has no public way to ask a client for its credentials.
    """
    signer = getattr(client, "_request_signer", None)
    credentials = getattr(signer, "_credentials", None)
    return bool(credentials.get_frozen_credentials().token) if credentials else None


def _unread(policies: Iterable[SnapshotPolicy], principal: Principal | None) -> list[str]:
    """Return the ARNs of the managed policies, the boundary too, of which the document is missing."""
    boundary = [principal.boundary] if principal and principal.boundary else []
    return [each.arn for each in (*policies, *boundary) if each.arn and each.document is None]


def _principal(session: AccountSession, arn: str) -> tuple[str, dict[str, str]]:
    """Return the kind of a user or role (of a session, its role), and its name as a parameter of IAM's calls.

    Raises MissingPart unless the session is in its account.
    """
    if not is_arn(arn):
        raise MissingPart("There is no ARN of the principal to read.")
    kind, owner = owner_of(role_arn_of(arn))
    if kind not in ("user", "role"):
        raise MissingPart(f"{arn} is neither a user nor a role.")
    if session.account != Arn.parse(arn).account:
        raise MissingPart(f"The session is in account {session.account}, not in {Arn.parse(arn).account}.")
    return kind, owner
