"""What could be seen of both sides at one moment, with the reason for what could not, and without secrets."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationError

from xacct_nb.errors import InvalidArn, InvalidSnapshot
from xacct_nb.iam.arns import Arn
from xacct_nb.redaction.redact import mask_secrets, secrets_in
from xacct_nb.validation import StrictModel, as_input_error
from xacct_nb.views import Page, Shown, Table, Text, View

SCHEMA = "xacct-nb/snapshot/1"
CALLER, SOURCE, DESTINATION, CLIENT = "caller", "source", "destination", "client"
SIDES = (CALLER, SOURCE, DESTINATION, CLIENT)
INLINE, MANAGED = "inline", "managed"


class Caller(StrictModel):
    """Who the caller is as GetCallerIdentity says: ARN, account, unique id."""

    arn: StrictStr
    account: StrictStr = ""
    user_id: StrictStr = ""
    profile: StrictStr = ""

    @property
    def kind(self) -> str:
        """user, role-session, federated-user or root."""
        arn = Arn.parse(self.arn)
        return {"assumed-role": "role-session"}.get(arn.kind, arn.kind)

    @property
    def id(self) -> str:
        """The unique id of the user or role, without the session's name."""
        return self.user_id.partition(":")[0]


class Policy(StrictModel):
    """A policy with its document: `holder` is the ARN of the user, role or group, "" for none.

    `kind` is inline or managed; `newer` is a version after the default one.
    """

    name: StrictStr
    kind: StrictStr = INLINE
    holder: StrictStr = ""
    arn: StrictStr = ""
    document: dict[str, Any] | None = None
    newer: dict[str, Any] | None = None
    newer_version: StrictStr = ""


class Principal(StrictModel):
    """A user or role as IAM has it."""

    arn: StrictStr
    id: StrictStr = ""
    created: StrictStr = ""
    max_session: StrictInt = 3600
    trust: dict[str, Any] | None = None
    boundary: Policy | None = None
    tags: dict[StrictStr, StrictStr] = Field({})


class Source(StrictModel):
    """The source side: the caller's user or role, its policies, and loose ones that speak of the role."""

    principal: Principal | None = None
    policies: tuple[Policy, ...] = ()
    loose: tuple[Policy, ...] = ()
    groups: tuple[StrictStr, ...] = ()
    mfa_devices: tuple[StrictStr, ...] | None = None
    organization_allows: StrictBool | None = None
    simulated: StrictStr = ""
    incomplete: StrictStr = ""


class Destination(StrictModel):
    """The destination side: the role (None: it does not exist), its policies, names nearly its own."""

    role: Principal | None = None
    policies: tuple[Policy, ...] = ()
    others: tuple[StrictStr, ...] = ()
    resource_policies: dict[StrictStr, dict[str, Any] | None] = Field({})
    incomplete: StrictStr = ""


class Client(StrictModel):
    """The client's side: the profile in use, all profiles' settings without secrets, the AWS variables."""

    profile: StrictStr = ""
    profiles: dict[StrictStr, dict[StrictStr, StrictStr]] = Field({})
    variables: dict[StrictStr, StrictStr] = Field({})
    unreadable: dict[StrictStr, StrictStr] = Field({})
    cached_sessions: StrictInt = 0


class Snapshot(Shown, StrictModel):
    """Four sides, each there or not; `unread` says why one is not. `taken` is UTC, `calls` AWS calls made."""

    taken: StrictStr = ""
    caller: Caller | None = None
    source: Source | None = None
    destination: Destination | None = None
    client: Client | None = None
    unread: dict[StrictStr, StrictStr] = Field({})
    calls: tuple[StrictStr, ...] = ()
    schema_: StrictStr = Field(SCHEMA, alias="schema", pattern=f"^{SCHEMA}$")

    def readable(self, side: str) -> bool:
        """Whether a side (caller, source, destination, client) could be read."""
        return getattr(self, side) is not None

    @property
    def secrets(self) -> set[str]:
        """The external IDs in the documents, to be kept out of what is written."""
        return secrets_in(self.model_dump(mode="json"))

    def with_sides_of(self, other: "Snapshot") -> "Snapshot":
        """This snapshot with the sides that only the other owner could read."""
        found = {
            side: getattr(other, side) for side in SIDES if not self.readable(side) and other.readable(side)
        }
        unread = {side: why for side, why in {**other.unread, **self.unread}.items() if side not in found}
        return self.model_copy(update={**found, "unread": unread, "taken": self.taken or other.taken})

    def to_json(self) -> dict[str, Any]:
        """Plain data to send to the other owner; external IDs are fingerprints."""
        return dict(mask_secrets(self.model_dump(mode="json", by_alias=True)))

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Snapshot":
        """The Snapshot that `to_json` was made from. Raises InvalidSnapshot."""
        try:
            return cls(**given)
        except ValidationError as problem:
            raise as_input_error(problem, cls, InvalidSnapshot) from None
        except TypeError:
            raise no_snapshot("It does not hold fields.") from None

    def view(self) -> View:
        """Which sides could be read, what they hold in a line each, and why another could not."""
        rows = tuple((side, *self._line(side)) for side in SIDES)
        table = Table(
            ("side", "read", ""), rows, tones=tuple("good" if row[1] == "yes" else "note" for row in rows)
        )
        said = f"Taken {self.taken or 'from an error text alone'} with {len(self.calls)} AWS calls."
        return Page("Snapshot", (table, Text(said, "note")))

    def _line(self, side: str) -> tuple[str, str]:
        if not self.readable(side):
            return "no", self.unread.get(side, "Nothing was given to read it with.")
        return "yes", _SUMMARIES[side](getattr(self, side))


def no_snapshot(why: str) -> InvalidSnapshot:
    """The error of a file that is no snapshot."""
    return InvalidSnapshot(
        "This is no snapshot.",
        why=why,
        hint="Ask the other owner for the file that the notebook diagnose_a_denial made.",
    )


def is_arn(text: str) -> bool:
    """Whether this reads as an ARN."""
    try:
        Arn.parse(text)
    except InvalidArn:
        return False
    return True


def _of_source(source: Source) -> str:
    if source.principal is None:
        return "The caller's user or role does not exist."
    boundary = ", a boundary" if source.principal.boundary else ""
    return f"{source.principal.arn} ({source.principal.id}), policies: {len(source.policies)}{boundary}"


def _of_destination(destination: Destination) -> str:
    if destination.role is None:
        return "The role does not exist."
    return f"{destination.role.arn} ({destination.role.id}), policies: {len(destination.policies)}"


_SUMMARIES: dict[str, Callable[[Any], str]] = {
    CALLER: lambda caller: f"{caller.kind}: {caller.arn} ({caller.id})",
    SOURCE: _of_source,
    DESTINATION: _of_destination,
    CLIENT: lambda client: f"{len(client.profiles)} profiles, {len(client.variables)} AWS variables set",
}
