"""One attempt: the caller, the role and the parameters of AssumeRole, and what was denied afterwards."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import Field, StrictStr, field_serializer

from xacct_nb.changes.proof import assume_parameters
from xacct_nb.diagnosis.denial import NO_DENIAL, Denial
from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.access_path import chain_of_grant
from xacct_nb.grants.grant import Grant
from xacct_nb.iam.arns import Arn, is_account_id, is_arn, role_arn_of, same_principal
from xacct_nb.redaction.redact import fingerprint, is_fingerprint
from xacct_nb.validation import StrictModel
from xacct_nb.views import Shown, Table, View, as_json

ASSUME = "sts:AssumeRole"
TAG_SESSION, SET_SOURCE_IDENTITY = "sts:TagSession", "sts:SetSourceIdentity"
# The actions of a signed AssumeRole, and those of its unsigned forms, which have no caller in AWS.
ASSUME_ACTIONS = (ASSUME, TAG_SESSION, SET_SOURCE_IDENTITY)
FEDERATED_ACTIONS = ("sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML")
_NEVER_SHOWN = ("TokenCode", "WebIdentityToken", "SAMLAssertion")
# An ARN of a principal in which a log masked the account.
_MASKED = re.compile(r"arn:[\w-]+:(?:iam|sts)::(?!\d{12}:)")
# Parameters that a condition key of STS has the name of.
_WITH_KEYS = ("ExternalId", "RoleSessionName", "SourceIdentity", "DurationSeconds")


class Attempt(Shown, StrictModel):
    """The caller's ARN, the role's ARN, the parameters as boto3's `assume_role` takes them; "" for unknown.

    `action` is the denied action, "" for sts:AssumeRole; one of another service was denied to the role's
    session after AssumeRole succeeded, without a role to the caller; `resource` is its resource. `carried`
    are the transitive Tags and the SourceIdentity that the caller's own session has from an earlier role.
    """

    caller: StrictStr = ""
    role: StrictStr = ""
    parameters: dict[str, Any] = Field({}, repr=False)
    action: StrictStr = ""
    resource: StrictStr = ""
    carried: dict[str, Any] = Field({}, repr=False)

    @property
    def role_was_assumed(self) -> bool:
        """Whether AssumeRole succeeded, and the role's session was denied another action."""
        return bool(self.action) and not self.action.lower().startswith("sts:")

    @property
    def is_direct(self) -> bool:
        """Whether no role was assumed: the caller itself was denied an action of another service than STS."""
        return self.role_was_assumed and not is_arn(self.role)

    @property
    def is_federated(self) -> bool:
        """Whether the request is one of the unsigned forms of AssumeRole: no policy of a caller counts."""
        return self.action.lower() in (each.lower() for each in FEDERATED_ACTIONS)

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
        passed_on = {str(tag["Key"]): str(tag["Value"]) for tag in self.carried.get("Tags", [])}
        keys |= {f"aws:PrincipalTag/{name}": value for name, value in passed_on.items()}
        if identity := self.carried.get("SourceIdentity"):
            keys |= {"aws:SourceIdentity": str(identity), "sts:SourceIdentity": str(identity)}
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
        asked = self.action.lower()
        tags = self.parameters.get("Tags") or self.carried.get("Tags") or asked == TAG_SESSION.lower()
        identity = self.parameters.get("SourceIdentity") or self.carried.get("SourceIdentity")
        more = (TAG_SESSION, tags), (SET_SOURCE_IDENTITY, identity or asked == SET_SOURCE_IDENTITY.lower())
        return (ASSUME, *(action for action, is_needed in more if is_needed))

    @property
    def is_carried(self) -> bool:
        """Whether the denied action is for tags or a source identity that the caller's session passes on."""
        passed = {TAG_SESSION.lower(): "Tags", SET_SOURCE_IDENTITY.lower(): "SourceIdentity"}
        name = passed.get(self.action.lower(), "")
        return bool(name) and not self.parameters.get(name)

    @field_serializer("parameters", when_used="json")
    def _shown(self, parameters: dict[str, Any]) -> dict[str, Any]:
        shown = {name: value for name, value in parameters.items() if name not in _NEVER_SHOWN}
        return shown | ({"ExternalId": fingerprint(self.external_id)} if self.external_id else {})

    def to_json(self) -> dict[str, Any]:
        """Return plain data, with a fingerprint of the external ID and without the MFA code."""
        return self.model_dump(mode="json")

    def view(self) -> View:
        """Show the caller, the role and the parameters."""
        fields = self.to_json()
        parameters = {name: value for name, value in fields.pop("parameters").items() if name != "RoleArn"}
        parameters |= {f"carried {name}": value for name, value in fields.pop("carried").items()}
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
    """Return the attempt of a grant's first source to assume its role, as its conditions require.

    Of roles that are destinations and sources at once, the last one of the chain assumes it. An account or a
    pattern of roles is not one caller, so who calls is not known then.
    """
    first, _, last = chain_of_grant(grant)
    caller, role = caller or (first if first in grant.principals else ""), role or last
    username = Arn.parse(caller).name if caller.startswith("arn:") else ""
    return Attempt(caller=caller, role=role, parameters=assume_parameters(grant, role, username=username))


def check_attempt(attempt: Attempt) -> Attempt:
    """Return the attempt. Raises InvalidParameters where AWS could not be asked for it as it is meant."""
    if is_account_id(attempt.caller) or "*" in attempt.caller:
        raise InvalidParameters(
            f"caller {attempt.caller} is not one caller.",
            why="A denial is of one user, role or session.",
            hint="Give its ARN: caller arn:aws:iam::111111111111:user/alice",
        )
    if is_fingerprint(attempt.external_id):
        raise InvalidParameters(
            f"The external ID is a fingerprint, {attempt.external_id}.",
            why="Records and requests show it in place of the external ID, which AWS compares as text.",
            hint="Give the external ID itself, in a grant or a notebook by a reference: env:EXTERNAL_ID",
        )
    return attempt


def attempt_from_denial(denial: Denial, known: Attempt | None = None) -> Attempt:
    """Return the attempt that an error text describes: what AWS names comes before the fields of `known`.

    Of a role session, whose ARN leaves out the role's path, the known ARN of the same role stays.
    """
    known = known or Attempt()
    if denial.action and known.action.lower() not in ("", denial.action.lower()):
        known = known.model_copy(update={"resource": ""})  # the resource of another action
    # Of an operation that the table of actions does not have, the name stands for the action.
    action = denial.action or (denial.operation if denial.is_by_policy else "")
    found = {"action": action, **_who_and_what(denial, known)}
    named = {name: value for name, value in found.items() if value}
    masked = [name for name, value in named.items() if getattr(known, name) and is_masked(value)]
    named |= {name: getattr(known, name) for name in masked}
    return known.model_copy(update=named)


def is_masked(arn: str) -> bool:
    """Return whether a log masked the account in the ARN of a principal."""
    return _MASKED.match(arn) is not None


def _who_and_what(denial: Denial, known: Attempt) -> dict[str, str]:
    """Return the caller and the role of a request of STS; of another one, the role of its session."""
    if not denial.action or denial.action.lower().startswith("sts:"):
        role = denial.resource if ":role/" in denial.resource else ""
        return {"caller": _with_path(denial.caller, known.caller), "role": role}
    role = role_arn_of(denial.caller) if is_arn(denial.caller) else ""
    is_given = bool(role) and not known.role and is_arn(known.caller)
    if role == denial.caller or (is_given and same_principal(role, role_arn_of(known.caller))):
        return {"caller": denial.caller, "resource": denial.resource}
    role = role_arn_of(_with_path(denial.caller, known.role)) if role else ""
    return {"role": role, "resource": denial.resource}


def _with_path(session: str, known: str) -> str:
    """Return the known ARN if it is of the role of this session, else the ARN as it is."""
    is_session = is_arn(session) and role_arn_of(session) != session
    return known if is_session and same_principal(session, known) and ":role/" in known else session
