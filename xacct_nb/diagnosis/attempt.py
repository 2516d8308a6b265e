"""One attempt: who calls AssumeRole on which role with which parameters, and what was then denied."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, StrictStr

from xacct_nb.changes.proof import assume_parameters
from xacct_nb.diagnosis.denial import NOTHING_SAID, Denial
from xacct_nb.errors import InvalidArn
from xacct_nb.grants.grant import Grant
from xacct_nb.iam.arns import Arn
from xacct_nb.redaction.redact import fingerprint
from xacct_nb.validation import StrictModel
from xacct_nb.views import Shown, Table, View, as_json

ASSUME = "sts:AssumeRole"
_NEVER_SHOWN = ("TokenCode",)
_PLAIN_KEYS = (
    ("sts:ExternalId", "ExternalId"),
    ("sts:RoleSessionName", "RoleSessionName"),
    ("sts:SourceIdentity", "SourceIdentity"),
    ("sts:DurationSeconds", "DurationSeconds"),
)


class Attempt(Shown, StrictModel):
    """The caller's ARN, the role, the parameters as boto3's `assume_role` takes them; "" for not known.

    `action` and `resource` are what the session of the role was denied, where the role itself was assumed.
    """

    caller: StrictStr = ""
    role: StrictStr = ""
    parameters: dict[str, Any] = Field({}, repr=False)
    action: StrictStr = ""
    resource: StrictStr = ""

    @property
    def after(self) -> bool:
        """Whether the role was assumed, and its session was denied something else."""
        return bool(self.action) and not self.action.lower().startswith("sts:")

    @property
    def external_id(self) -> str:
        """The external ID that the caller gives; "" for none."""
        return str(self.parameters.get("ExternalId", ""))

    @property
    def context(self) -> dict[str, Any]:
        """The condition keys that follow from the parameters.

        Source: IAM user guide, reference_policies_iam-condition-keys (keys of STS), id_session-tags.
        """
        given = self.parameters
        keys: dict[str, Any] = {key: str(given[name]) for key, name in _PLAIN_KEYS if given.get(name)}
        tags = {str(tag["Key"]): str(tag["Value"]) for tag in given.get("Tags", [])}
        keys |= {f"aws:RequestTag/{name}": value for name, value in tags.items()}
        keys |= {"aws:TagKeys": list(tags)} if tags else {}
        keys |= (
            {"sts:TransitiveTagKeys": list(given["TransitiveTagKeys"])}
            if given.get("TransitiveTagKeys")
            else {}
        )
        return keys | ({"aws:MultiFactorAuthPresent": "true"} if given.get("TokenCode") else {})

    @property
    def actions(self) -> tuple[str, ...]:
        """What both sides must allow: tags and a source identity need rights of their own."""
        wanted = (
            (ASSUME, True),
            ("sts:TagSession", self.parameters.get("Tags")),
            ("sts:SetSourceIdentity", self.parameters.get("SourceIdentity")),
        )
        return tuple(action for action, needed in wanted if needed)

    def to_json(self) -> dict[str, Any]:
        """Plain data; the external ID is a fingerprint, the MFA code left out."""
        shown = {name: value for name, value in self.parameters.items() if name not in _NEVER_SHOWN}
        hidden = {"ExternalId": fingerprint(self.external_id)} if self.external_id else {}
        return self.model_dump(mode="json") | {"parameters": shown | hidden}

    def view(self) -> View:
        """Who calls what, and how."""
        fields = self.to_json()
        parameters = {k: v for k, v in fields.pop("parameters").items() if k != "RoleArn"}
        rows = [*fields.items(), *parameters.items()]
        return Table(("", "attempt"), tuple((name, _text(value)) for name, value in rows if value))


@dataclass(frozen=True)
class Tried:
    """What AWS answered to the attempt: whether it was allowed, as which session, and the denial if not."""

    allowed: bool
    session: str = ""
    denial: Denial = NOTHING_SAID
    at: str = ""


def attempt_of(grant: Grant, caller: str = "", role: str = "") -> Attempt:
    """The attempt that a grant means: its (first) source assumes its (first) role as its conditions want."""
    caller, role = caller or grant.sources[0], role or grant.destinations[0]
    username = Arn.parse(caller).name if caller.startswith("arn:") else ""
    return Attempt(caller=caller, role=role, parameters=assume_parameters(grant, role, username=username))


def attempt_in(denial: Denial, known: Attempt | None = None) -> Attempt:
    """The attempt that an error text tells of; what is known of it already counts."""
    known = known or Attempt()
    sts = denial.action.lower().startswith("sts:")
    found: dict[str, Any] = {"role": denial.resource} if sts and ":role/" in denial.resource else {}
    if denial.action and not sts:
        found = {"action": denial.action, "resource": denial.resource, **_role_of(denial.caller)}
    elif denial.caller:
        found["caller"] = denial.caller
    told = {name: value for name, value in found.items() if value and not getattr(known, name)}
    return known.model_copy(update=told)


def _role_of(session: str) -> Mapping[str, str]:
    """Of a session that was denied something: its role, whose path a session ARN leaves out."""
    try:
        arn = Arn.parse(session)
    except InvalidArn:
        return {}
    if arn.kind != "assumed-role":
        return {"caller": session}
    return {"role": f"arn:{arn.partition}:iam::{arn.account}:role/{arn.resource.split('/')[1]}"}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else as_json(value)
