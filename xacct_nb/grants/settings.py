"""The settings of a run: everything that steers it, beside the grant; those of a run file among them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationError, field_validator

from xacct_nb.errors import InvalidGrant, InvalidParameters
from xacct_nb.grants.approvers import parse_approvers
from xacct_nb.grants.conditions import is_reference
from xacct_nb.grants.expiry import check_expires
from xacct_nb.grants.former_names import FORMER_NAMES
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.session_parameters import carried_parameters, refuse_secrets
from xacct_nb.redaction.redact import redact
from xacct_nb.validation import StrictModel, as_input_error

_DIGEST = re.compile(r"[0-9a-f]{64}")
# A person types or pastes these, perhaps with a secret in them: they are redacted before anything reads them.
FREE_TEXTS = ("error_text", "note", "ticket", "refuse")


class RunFile(StrictModel):
    """The fields of a run file: where a run acts, with which profiles, and under which rules."""

    sandbox: StrictBool = Field(
        True, description="true acts on the sandbox of this machine, false on AWS itself"
    )
    source_profiles: list[StrictStr] = Field(
        [], description="AWS profiles that administer the source accounts"
    )
    destination_profiles: list[StrictStr] = Field(
        [], description="AWS profiles that administer the destination accounts"
    )
    caller_profiles: list[StrictStr] = Field(
        [], description="AWS profiles of the callers that the proof calls AWS with"
    )
    records: StrictStr = Field("", description="folder of the records; empty takes the default")
    patience_seconds: StrictInt = Field(
        60, ge=0, le=900, description="seconds to wait for IAM at most, 0 to 900"
    )
    approval_hours: StrictInt = Field(
        24, ge=0, le=8760, description="hours after the plan in which it may be approved; 0 is no limit"
    )
    two_people: StrictBool = Field(False, description="someone other than the planner must approve")
    approvers: list[StrictStr] = Field(
        [], description="public SSH keys; where there are any, one of them must sign the approval"
    )
    allow_references: list[StrictStr] = Field(
        [], description="references that a grant file may have, such as env:VENDOR_ID"
    )
    snapshot_to: StrictStr = Field("", description="snapshot file to write for the other owner")

    @field_validator("approvers")
    @classmethod
    def _approvers(cls, keys: list[str]) -> list[str]:
        parse_approvers(keys)
        return keys

    @field_validator("allow_references")
    @classmethod
    def _allow_references(cls, references: list[str]) -> list[str]:
        if not all(map(is_reference, references)):
            raise InvalidParameters(
                "allow_references has an item that is not a reference.",
                why="A reference is env:NAME or file:PATH; an external ID itself would be in the record.",
                hint="Write each as the grant file has it: env:NAME or file:PATH.",
            )
        return references


class Settings(RunFile):
    """The parameters of a run beside the grant: those of a run file, the approval, what is asked."""

    approve: StrictStr = Field("", description="digest of the plan that is approved; empty plans only")
    note: StrictStr = Field("", description="note for the record, kept with the approval")
    until: StrictStr = Field(
        "", description="earlier end of the access: shortens expires, and never lengthens it; empty leaves it"
    )
    ticket: StrictStr = Field("", description="ticket of the change, kept with the approval")
    fleet: StrictStr = Field("", description="fleet file (YAML, JSON, CSV); empty takes the parameters")
    records_of: list[StrictStr] = Field([], description="past changes to prove: records, grants, fleets; all")
    account_role: StrictStr = Field(
        "OrganizationAccountAccessRole",
        description="role that is assumed in each further account in which no profile is",
    )
    organization_profile: StrictStr = Field(
        "", description="AWS profile that may read the organization; empty where accounts are listed"
    )
    scheduler: StrictStr = Field(
        "", description="address of a Dask scheduler whose workers do the work; empty takes threads"
    )
    spool: StrictStr = Field(
        "", description="empty folder that all workers of the scheduler can write to, for calls of lost ones"
    )
    waves: list[StrictInt] = Field([1, 10], description="how many accounts are changed first, then all")
    tolerance: StrictInt = Field(0, ge=0, description="how many accounts may fail before the next wave")
    record: StrictStr = Field("", description="id of the record to roll back")
    revoke_sessions: StrictBool = Field(
        False, description="also ends the open sessions of the roles (AWSRevokeOlderSessions)"
    )
    external_id: StrictStr = Field(
        "", description="where an earlier external ID is found", json_schema_extra={"format": "reference"}
    )
    error_text: StrictStr = Field("", description="error as AWS, the AWS CLI or the console printed it")
    caller: StrictStr = Field("", description="ARN of the denied caller")
    role: StrictStr = Field("", description="ARN of the role to assume")
    call: dict[StrictStr, Any] = Field(
        {}, description="further parameters of AssumeRole, such as DurationSeconds"
    )
    through: list[Any] = Field(
        [],
        description="roles that are assumed before that one, in order: ARNs, or parameters with RoleArn",
    )
    carried: dict[StrictStr, Any] = Field(
        {}, description="Tags and SourceIdentity that the caller's session has from an earlier role"
    )
    action: StrictStr = Field("", description="action that is denied to the role's session")
    resource: StrictStr = Field("", description="resource of that action")
    snapshot: StrictStr = Field("", description="snapshot file that the other owner sent")
    request: StrictStr = Field("", description="request file of the other owner; empty shows an example")
    answer: StrictStr = Field("", description="answer file to accept; empty answers the request")
    answer_to: StrictStr = Field(
        "", description="file to write the answer to; empty writes beside the request"
    )
    refuse: StrictStr = Field("", description="reason for which the request is refused")
    changes: dict[StrictStr, Any] = Field({}, description="fields of the grant that you change")
    agree: StrictStr = Field("", description="digest of a changed answer that you agree to")
    signing_key: StrictStr = Field("", description="SSH key that signs the answer")
    proof_objects: list[StrictStr] = Field([], description="ARNs of S3 objects that the proof may read")
    accounts: list[StrictStr] = Field([], description="ids of further accounts to read")
    focus: StrictStr = Field("", description="ARN, name or account id that the picture is about")
    depth: StrictInt = Field(0, ge=0, le=20, description="steps around the focus; 0 is any number of them")
    grants_to: StrictStr = Field("", description="fleet file to write the declared grants to")
    tracked_days: StrictInt = Field(90, ge=0, le=400, description="days of tracking before unused is dropped")
    keep_actions: list[StrictStr] = Field([], description="actions and policies that stay without use")
    trail: StrictStr = Field("", description="ARN of a CloudTrail trail that Access Analyzer may read")
    analyzer_role: StrictStr = Field("", description="name of the role with which it reads the trail")
    narrow_to: StrictStr = Field("", description="grant file to write the smaller grant to")
    signers: StrictStr = Field("", description="file of allowed signers; with it, a signature is required")
    review: list[StrictStr] = Field(
        [], description="grant and fleet files to review; empty takes what stands by the records"
    )
    reviewers: dict[StrictStr, Any] = Field(
        {}, description="by reviewer the names of grants or fleets, account ids, or * for all others"
    )
    answer_days: StrictInt = Field(14, ge=1, le=365, description="days in which the reviewers answer")
    review_to: StrictStr = Field(
        "", description="folder to write the pages to; empty takes review beside the records"
    )
    answers: list[StrictStr] = Field([], description="files of answers; empty asks the reviewers")

    @field_validator("approve")
    @classmethod
    def _approve(cls, digest: str) -> str:
        if digest and not _DIGEST.fullmatch(digest):
            raise InvalidParameters(
                f"{redact(digest[:80], ())!r} is not the digest of a plan.",
                why="A digest has 64 hex digits, and an approval names all of them.",
                hint="Plan first, without it: the decision card then prints the whole command that approves.",
            )
        return digest

    @field_validator("until")
    @classmethod
    def _until(cls, moment: str) -> str:
        check_expires(moment, "until")
        return moment

    @field_validator("changes")
    @classmethod
    def _changes(cls, fields: dict[str, Any]) -> dict[str, Any]:
        conditions = fields.get("conditions")
        refuse_secrets("changes", conditions if isinstance(conditions, dict) else {})
        return fields

    @field_validator("call")
    @classmethod
    def _call(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        refuse_secrets("call", parameters)
        return parameters

    @field_validator("through")
    @classmethod
    def _through(cls, hops: list[Any]) -> list[Any]:
        for each in hops:
            refuse_secrets("through", each if isinstance(each, dict) else {})
        return hops

    @field_validator("carried")
    @classmethod
    def _carried(cls, given: dict[str, Any]) -> dict[str, Any]:
        return carried_parameters(given)

    @field_validator(*FREE_TEXTS)
    @classmethod
    def _free_text(cls, text: str) -> str:
        return redact(text, ())

    @field_validator("external_id")
    @classmethod
    def _external_id(cls, reference: str) -> str:
        if reference and not is_reference(reference):
            raise InvalidParameters(
                "external_id is the external ID itself.",
                why="It would be written into the notebook.",
                hint="Give a reference: env:NAME or file:PATH.",
            )
        return reference


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Return the settings among parameters; other names are ignored. Raises InvalidParameters."""
    try:
        return Settings(**{name: values[name] for name in Settings.model_fields if name in values})
    except ValidationError as problem:
        raise as_input_error(problem, Settings, InvalidParameters) from None


def check_grant_file(file: str, fields: Iterable[str], declared: Iterable[str] = ()) -> None:
    """Check that a grant file holds no setting, and no other parameter that a notebook declares.

    Unknown fields are left to the grant. Raises InvalidGrant.
    """
    steering = {*Settings.model_fields, *declared} - {*Grant.model_fields, *FORMER_NAMES}
    if misplaced := [name for name in fields if name in steering]:
        raise InvalidGrant(
            f"The grant file {file!r} holds {', '.join(misplaced)}.",
            why="A grant file may come from somebody else: it says who gets access to what, "
            "and nothing that steers a run.",
            hint=_where(misplaced),
        )


def run_file_values(file: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a run file. Raises InvalidParameters for a field of another place."""
    elsewhere = {*Settings.model_fields, *Grant.model_fields, *FORMER_NAMES} - set(RunFile.model_fields)
    if misplaced := [name for name in fields if name in elsewhere]:
        why = "A run file says how runs act, not who gets access."
        if "approve" in misplaced:
            why = "An approval is for one plan, and a run file is for every run."
        raise InvalidParameters(
            f"The run file {file!r} holds {', '.join(misplaced)}.", why=why, hint=_where(misplaced)
        )
    try:
        return RunFile(**fields).model_dump(exclude_unset=True)
    except ValidationError as problem:
        raise as_input_error(problem, RunFile, InvalidParameters) from None


def _where(names: Iterable[str]) -> str:
    """Return where each of these parameters belongs."""
    places: dict[str, list[str]] = {}
    for name in names:
        places.setdefault(_place(name), []).append(name)
    return "\n".join(f"{', '.join(each)}: {place}." for place, each in places.items())


def _place(name: str) -> str:
    if name in _PLACES:
        return _PLACES[name]
    if name in Grant.model_fields or name in FORMER_NAMES:
        return "put it into the grant file (-f grant.yaml)"
    if name in RunFile.model_fields:
        return "put it into a run file of your own (-r run.yaml), or give it with -p NAME VALUE"
    return "give it on the command line with -p NAME VALUE"


_PLACES = {
    "approve": "approve on the command line with --approve DIGEST",
    "external_id": "that of a grant is a field of its conditions; give that of a rollback with -p NAME VALUE",
}
