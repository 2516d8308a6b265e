"""One attempt: the caller, the role and the parameters of AssumeRole, and what was denied afterwards."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field, StrictStr, field_serializer

from xacct_nb.changes.proof import assume_parameters
from xacct_nb.diagnosis.denial import NO_DENIAL, Denial
from xacct_nb.grants.grant import Grant
from xacct_nb.iam.arns import Arn, is_arn, role_arn_of
from xacct_nb.redaction.redact import fingerprint
from xacct_nb.validation import StrictModel
from xacct_nb.views import Shown, Table, View, as_json

ASSUME = "sts:AssumeRole"
TAG_SESSION, SET_SOURCE_IDENTITY = "sts:TagSession", "sts:SetSourceIdentity"
# Parameters that a condition key of STS has the name of.
_WITH_KEYS = ("ExternalId", "RoleSessionName", "SourceIdentity", "DurationSeconds")


class Attempt(Shown, StrictModel):
    """The caller's ARN, the role's ARN, the parameters as boto3's `assume_role` takes them; "" for unknown.

    `action` and `resource` are what the role's session was denied after AssumeRole succeeded.
    """

    caller: StrictStr = ""
    role: StrictStr = ""
    parameters: dict[str, Any] = Field({}, repr=False)
    action: StrictStr = ""
    resource: StrictStr = ""

    @property
    def role_was_assumed(self) -> bool:
        """Whether AssumeRole succeeded, and the role's session was denied another action."""
        return bool(self.action) and not self.action.lower().startswith("sts:")

    @property
    def external_id(self) -> str:
        """The external ID that the caller passes; "" for none."""
        return str(self.parameters.get("ExternalId", ""))

    @property
    def context(self) -> dict[str, Any]:
        """The condition keys that AWS derives from the parameters.

        Source: IAM user guide, reference_policies_iam-condition-keys (keys of STS), id_session-tags.
        """
        given = self.parameters
        keys: dict[str, Any] = {f"sts:{name}": str(given[name]) for name in _WITH_KEYS if given.get(name)}
        tags = {str(tag["Key"]): str(tag["Value"]) for tag in given.get("Tags", [])}
        keys |= {f"aws:RequestTag/{name}": value for name, value in tags.items()}
        if tags:
            keys["aws:TagKeys"] = list(tags)
        if given.get("TransitiveTagKeys"):
            keys["sts:TransitiveTagKeys"] = list(given["TransitiveTagKeys"])
        if given.get("TokenCode"):
            keys["aws:MultiFactorAuthPresent"] = "true"
        return keys

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions that both sides must allow: tags and a source identity need actions of their own."""
        tags = (TAG_SESSION,) if self.parameters.get("Tags") else ()
        return (ASSUME, *tags, *((SET_SOURCE_IDENTITY,) if self.parameters.get("SourceIdentity") else ()))

    @field_serializer("parameters", when_used="json")
    def _shown(self, parameters: dict[str, Any]) -> dict[str, Any]:
        shown = {name: value for name, value in parameters.items() if name != "TokenCode"}
        return shown | ({"ExternalId": fingerprint(self.external_id)} if self.external_id else {})

    def to_json(self) -> dict[str, Any]:
        """Return plain data, with a fingerprint of the external ID and without the MFA code."""
        return self.model_dump(mode="json")

    def view(self) -> View:
        """Show the caller, the role and the parameters."""
        fields = self.to_json()
        parameters = {name: value for name, value in fields.pop("parameters").items() if name != "RoleArn"}
        rows = [(name, value) for name, value in (*fields.items(), *parameters.items()) if value]
        texts = ((name, value if isinstance(value, str) else as_json(value)) for name, value in rows)
        return Table(("", "attempt"), tuple(texts))


@dataclass(frozen=True)
class AttemptResult:
    """What AWS returned for the attempt: the ARN of the session, or the denial; `at` is the time (UTC)."""

    allowed: bool
    session: str = ""
    denial: Denial = NO_DENIAL
    at: str = ""


def attempt_from_grant(grant: Grant, caller: str = "", role: str = "") -> Attempt:
    """Return the attempt of a grant's first source to assume its first role, as its conditions require."""
    caller, role = caller or grant.sources[0], role or grant.destinations[0]
    username = Arn.parse(caller).name if caller.startswith("arn:") else ""
    return Attempt(caller=caller, role=role, parameters=assume_parameters(grant, role, username=username))


def attempt_from_denial(denial: Denial, known: Attempt | None = None) -> Attempt:
    """Return the attempt that an error text describes; the fields of `known` take precedence."""
    known = known or Attempt()
    found = {"caller": denial.caller}
    if denial.action.lower().startswith("sts:"):
        found["role"] = denial.resource if ":role/" in denial.resource else ""
    elif denial.action:
        found = {"action": denial.action, "resource": denial.resource, **_assumed_role(denial.caller)}
    missing = {name: value for name, value in found.items() if value and not getattr(known, name)}
    return known.model_copy(update=missing)


def _assumed_role(caller: str) -> dict[str, str]:
    """Return the role of a session (without the path, which a session's ARN leaves out), else the caller."""
    role = role_arn_of(caller) if is_arn(caller) else ""
    return {"caller": caller} if role == caller else {"role": role}
