"""What was read of both sides at one moment, with the reason for what was not, and without secrets."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationError, field_validator

from xacct_nb.errors import InvalidSnapshot
from xacct_nb.iam.arns import Arn, is_arn
from xacct_nb.redaction.redact import mask_secrets, restore_secrets, secrets_in
from xacct_nb.validation import StrictModel, as_input_error
from xacct_nb.views import Page, Shown, Table, Text, View

SCHEMA = "xacct-nb/snapshot/1"
CALLER, SOURCE, DESTINATION, CLIENT = SIDES = ("caller", "source", "destination", "client")
INLINE, MANAGED, TRUST, BUCKET = "inline", "managed", "trust", "bucket"
KEY, SECRET, QUEUE, SESSION_POLICY = "key", "secret", "queue", "session"
OF_RESOURCES = (BUCKET, KEY, SECRET, QUEUE)
_STAYS_HERE = {"read_with", "endpoint_url", "profile_files", "from_file"}


class CallerIdentity(StrictModel):
    """The caller as GetCallerIdentity returns it: ARN, account, unique ID.

    `temporary` says whether its credentials have a session token; None where that is not known.
    """

    arn: StrictStr
    temporary: StrictBool | None = None
    account: StrictStr = ""
    user_id: StrictStr = ""
    profile: StrictStr = ""

    @field_validator("arn")
    @classmethod
    def _names_a_caller(cls, arn: str) -> str:
        if not is_arn(arn):
            raise ValueError("it is not an ARN")
        return arn

    @property
    def kind(self) -> str:
        """The type of the caller: user, role-session, federated-user or root."""
        kind = Arn.parse(self.arn).kind
        return "role-session" if kind == "assumed-role" else kind

    @property
    def id(self) -> str:
        """The unique ID of the user or role, without the session's name."""
        return self.user_id.partition(":")[0]


class SnapshotPolicy(StrictModel):
    """A policy with its document; `holder` is the ARN of the user, role or group, "" for none.

    `kind` is inline or managed, and for a diagnosis also that of a resource's own or a session's. `newer`
    is the document of a version after the default one. `full_of` is the oldest version besides the default
    one, if there are as many versions as IAM keeps.
    """

    name: StrictStr
    kind: StrictStr = INLINE
    holder: StrictStr = ""
    arn: StrictStr = ""
    document: dict[str, Any] | None = None
    newer: dict[str, Any] | None = None
    newer_version: StrictStr = ""
    full_of: StrictStr = ""


class Principal(StrictModel):
    """A user or role as IAM returns it; `template` is what role manager made it from."""

    arn: StrictStr
    id: StrictStr = ""
    created: StrictStr = ""
    max_session: StrictInt = 3600
    trust: dict[str, Any] | None = None
    boundary: SnapshotPolicy | None = None
    template: StrictStr = ""
    tags: dict[StrictStr, StrictStr] = Field({})


class MatchedPolicy(StrictModel):
    """A policy that denied a request, as AWS recorded it; `type` is AWS's, `sids` are of its statements."""

    type: StrictStr = ""
    uri: StrictStr = ""
    attached_to: tuple[StrictStr, ...] = ()
    sids: tuple[StrictStr, ...] = ()
    action: StrictStr = ""


class AuthorizationRecord(StrictModel):
    """AWS's own record of a denial (GetRequestAuthorizationDetails), found by its authorization id."""

    id: StrictStr = ""
    matched: tuple[MatchedPolicy, ...] = ()
    denied: tuple[StrictStr, ...] = ()


class Source(StrictModel):
    """The source side: the caller's user or role (None: it does not exist) and its policies.

    `loose` are policies that name the role and are not the caller's; `simulated` is the result of IAM's
    policy simulator; `denied_by` is the kind of policy without which it allows the request, `missing_keys`
    are the condition keys that it did not know. `incomplete` says which policies were not read. `missing` is
    the ARN of a caller that does not exist, `others` are users or roles with a similar name.
    """

    principal: Principal | None = None
    policies: tuple[SnapshotPolicy, ...] = ()
    loose: tuple[SnapshotPolicy, ...] = ()
    groups: tuple[StrictStr, ...] = ()
    mfa_devices: tuple[StrictStr, ...] | None = None
    organization_allows: StrictBool | None = None
    simulated: StrictStr = ""
    denied_by: StrictStr = ""
    missing_keys: tuple[StrictStr, ...] = ()
    incomplete: StrictStr = ""
    missing: StrictStr = ""
    others: tuple[StrictStr, ...] = ()


class Destination(StrictModel):
    """The destination side: the role (None: it does not exist) and its policies.

    `others` are roles with a similar name; `providers` are the identity providers of the account, None where
    they were not read. `resource_account` is the account in which the resource's policy was read, if it is
    not the role's; `object_ownership` and `blocks_public` are the bucket's, None where they were not read.
    `session_policies` are the managed policies that the request passes as such.
    """

    role: Principal | None = None
    policies: tuple[SnapshotPolicy, ...] = ()
    others: tuple[StrictStr, ...] = ()
    resource_policies: dict[StrictStr, dict[str, Any] | None] = Field({})
    resource_account: StrictStr = ""
    object_ownership: StrictStr | None = None
    blocks_public: StrictBool | None = None
    session_policies: tuple[SnapshotPolicy, ...] = ()
    providers: tuple[StrictStr, ...] | None = None
    incomplete: StrictStr = ""


class ClientSettings(StrictModel):
    """The client's side: the profile in use, all profiles' settings without secrets, the AWS variables."""

    profile: StrictStr = ""
    profiles: dict[StrictStr, dict[StrictStr, StrictStr]] = Field({})
    variables: dict[StrictStr, StrictStr] = Field({})
    unreadable: dict[StrictStr, StrictStr] = Field({})
    cached_sessions: StrictInt = 0


class Snapshot(Shown, StrictModel):
    """Four sides, None where one was not read; `unread` has the reasons.

    `taken` is the time (UTC), `calls` are the AWS operations that were called. `read_with` are the profiles
    by side, `endpoint_url` is one that is not AWS's own, `profile_files` are the config and credentials
    files that are not the user's own, and `from_file` are the sides of a file: these four stay here.
    """

    taken: StrictStr = ""
    caller: CallerIdentity | None = None
    source: Source | None = None
    destination: Destination | None = None
    client: ClientSettings | None = None
    authorization: AuthorizationRecord | None = None
    skipped: dict[StrictStr, StrictStr] = Field({})
    unread: dict[StrictStr, StrictStr] = Field({})
    calls: tuple[StrictStr, ...] = ()
    read_with: dict[StrictStr, StrictStr] = Field({})
    endpoint_url: StrictStr = ""
    profile_files: tuple[StrictStr, ...] = ()
    from_file: tuple[StrictStr, ...] = ()
    schema_: StrictStr = Field(SCHEMA, alias="schema", pattern=f"^{SCHEMA}$")

    def readable(self, side: str) -> bool:
        """Return whether a side (caller, source, destination, client) was read."""
        return getattr(self, side) is not None

    @property
    def secrets(self) -> set[str]:
        """The external IDs in the documents, which must not be written anywhere."""
        return secrets_in(self.model_dump(mode="json"))

    def with_secrets(self, secrets: set[str]) -> "Snapshot":
        """Return this snapshot with these external IDs in place of their fingerprints, where it is masked.

        What was read of AWS is not masked: a fingerprint in it is the text that AWS compares.
        """
        if not secrets:
            return self
        fields = self.model_dump(by_alias=True)
        masked = {side: fields[side] for side in SIDES if self.is_masked(side)}
        return Snapshot(**{**fields, **restore_secrets(masked, secrets)})

    def is_masked(self, side: str) -> bool:
        """Return whether fingerprints in a side represent external IDs: it was not read of AWS here."""
        return side in self.from_file or not self.calls

    def with_sides_of(self, other: "Snapshot") -> "Snapshot":
        """Return this snapshot with the sides that only the other one has."""
        found = {
            side: getattr(other, side) for side in SIDES if not self.readable(side) and other.readable(side)
        }
        unread = {side: why for side, why in {**other.unread, **self.unread}.items() if side not in found}
        more = {"unread": unread, "taken": self.taken or other.taken}
        more["from_file"] = (*self.from_file, *(side for side in found if other.is_masked(side)))
        return self.model_copy(update={**found, **more})

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the other owner; external IDs are fingerprints."""
        return dict(mask_secrets(self.model_dump(mode="json", by_alias=True, exclude=_STAYS_HERE)))

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Snapshot":
        """Return the Snapshot that `to_json` wrote. Raises InvalidSnapshot."""
        try:
            sides = tuple(side for side in SIDES if given.get(side) is not None)
            return cls(**{**given, "from_file": sides})
        except ValidationError as problem:
            raise as_input_error(problem, cls, InvalidSnapshot) from None
        except (TypeError, AttributeError):
            raise no_snapshot("It does not hold fields.") from None

    def view(self) -> View:
        """Show each side: whether it was read, what it has in one line, or why it was not read."""
        rows = tuple((side, *self._line(side)) for side in SIDES)
        tones = tuple("good" if read == "yes" else "note" for _, read, _ in rows)
        taken = f"Taken {self.taken or 'from an error text only'} with {len(self.calls)} AWS calls."
        return Page("Snapshot", (Table(("side", "read", ""), rows, tones=tones), Text(taken, "note")))

    def _line(self, side: str) -> tuple[str, str]:
        if not self.readable(side):
            return "no", self.unread.get(side, "There was no session to read it with.")
        return "yes", _SUMMARIES[side](getattr(self, side))


def no_snapshot(why: str) -> InvalidSnapshot:
    """Return the error for a file that is not a snapshot."""
    return InvalidSnapshot(
        "The file is not a snapshot of a denial.",
        why=why,
        hint="Ask the other owner for the file that the notebook diagnose_a_denial wrote (snapshot_to).",
    )


def _principal_summary(principal: Principal | None, policies: tuple[SnapshotPolicy, ...]) -> str:
    if principal is None:
        return "The user or role does not exist."
    boundary = ", a boundary" if principal.boundary else ""
    return f"{principal.arn} ({principal.id}), policies: {len(policies)}{boundary}"


_SUMMARIES: dict[str, Callable[[Any], str]] = {
    CALLER: lambda caller: f"{caller.kind}: {caller.arn} ({caller.id})",
    SOURCE: lambda source: _principal_summary(source.principal, source.policies),
    DESTINATION: lambda destination: _principal_summary(destination.role, destination.policies),
    CLIENT: lambda client: f"{len(client.profiles)} profiles, {len(client.variables)} AWS variables set",
}
