"""Every error says what happened, why, and what to do, and carries a code and a record status.

XacctError
├── InvalidInput              invalid-parameters: nothing ran
│   ├── InvalidArn
│   ├── InvalidGrant
│   │   ├── UnreadableGrant
│   │   └── OverQuota
│   ├── InvalidPolicy
│   ├── InvalidSnapshot
│   ├── InvalidParameters
│   ├── UnknownNotebook
│   ├── UnknownRecord
│   ├── InvalidKey
│   ├── MissingTool
│   ├── UnresolvedSecret
│   ├── MissingProfile
│   ├── NoCredentials
│   ├── WrongAccount
│   ├── NotOwned
│   ├── NotAccepted
│   ├── InvalidFault
│   └── InvalidOrganization
├── StalePlan                 stale-plan: nothing changed
│   ├── ApprovalExpired
│   ├── ApprovalUsed
│   └── ApproverPlanned
├── ProofFailed               proof-failed
├── RolledBack                rolled-back: apply failed, everything is as before
├── RollbackFailed            rollback-failed: says what is left
├── AwsRefused                failed: AWS answered with an error
├── SandboxError              failed
├── KernelDied                kernel-died
└── TimedOut                  timed-out
"""

from typing import Any

from xacct_nb.views import printable

# Exit codes of `xacct-nb run` by the status in the record.
EXIT_CODES = {
    "succeeded": 0,
    "no-change": 0,
    "planned": 0,
    "failed": 1,
    "invalid-parameters": 2,
    "stale-plan": 3,
    "proof-failed": 4,
    "rolled-back": 5,
    "rollback-failed": 6,
    "kernel-died": 7,
    "timed-out": 7,
    "interrupted": 130,
}


class XacctError(Exception):
    """Something went wrong in a way that a person can act on.

    `what` happened, `why` (the rule or the value behind it) and a `hint` (the mend); `code` is unique to
    the class, `status` is the status of a run that this error ended.
    """

    code = "failed"
    status = "failed"

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.hint = what, why, hint

    def __str__(self) -> str:
        return printable("\n".join(line for line in (self.what, self.why, self.hint) if line))

    def to_json(self) -> dict[str, Any]:
        """The error as it stands in a record and in `--json`."""
        return {"code": self.code, "what": self.what, "why": self.why, "hint": self.hint}

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a stack of frames that help nobody."""
        return [printable(line) for line in (f"{self.code}: {self.what}", self.why, self.hint) if line]


class InvalidInput(XacctError):
    """What was given cannot be used; nothing was run and nothing was changed."""

    code, status = "invalid-input", "invalid-parameters"


class InvalidArn(InvalidInput):
    """Not an ARN, or not one of the kind needed here."""

    code = "invalid-arn"


class InvalidGrant(InvalidInput):
    """A field of the grant holds what AWS would refuse or what makes no sense."""

    code = "invalid-grant"


class UnreadableGrant(InvalidGrant):
    """The grant file is missing, unreadable, or neither YAML nor JSON."""

    code = "unreadable-grant"


class OverQuota(InvalidGrant):
    """A document is longer than AWS accepts."""

    code = "over-quota"


class InvalidPolicy(InvalidInput):
    """A policy document that AWS would refuse; `path` is where, such as `Statement[1].Condition`."""

    code = "invalid-policy"

    def __init__(self, what: str, *, path: str = "", why: str = "", hint: str = "") -> None:
        super().__init__(what, why=why, hint=hint)
        self.path = path


class InvalidSnapshot(InvalidInput):
    """The file that another owner sent is no snapshot of a denial."""

    code = "invalid-snapshot"


class InvalidParameters(InvalidInput):
    """A notebook parameter is unknown or of the wrong type."""

    code = "invalid-parameters"


class UnknownNotebook(InvalidInput):
    """There is no notebook of that name."""

    code = "unknown-notebook"


class UnknownRecord(InvalidInput):
    """There is no record of that name, or it cannot be read."""

    code = "unknown-record"


class InvalidKey(InvalidInput):
    """A key or a file of signers cannot be used."""

    code = "invalid-key"


class MissingTool(InvalidInput):
    """A program or package that only this needs is not installed."""

    code = "missing-tool"


class UnresolvedSecret(InvalidInput):
    """A reference such as `env:NAME` or `file:PATH` leads nowhere."""

    code = "unresolved-secret"


class MissingProfile(InvalidInput):
    """The AWS config has no such profile."""

    code = "missing-profile"


class NoCredentials(InvalidInput):
    """A profile has no credentials, or AWS does not accept them."""

    code = "no-credentials"


class WrongAccount(InvalidInput):
    """A session is in another account than the grant expects, or an account has no session."""

    code = "wrong-account"


class NotOwned(InvalidInput):
    """A role or policy of that name exists and was not made for this grant."""

    code = "not-owned"


class NotAccepted(InvalidInput):
    """The plan widens access and the grant has no word for it."""

    code = "not-accepted"


class InvalidFault(InvalidInput):
    """The sandbox was told to misbehave in a way that it does not know."""

    code = "invalid-fault"


class InvalidOrganization(InvalidInput):
    """The file that tells the sandbox of an organization cannot be used."""

    code = "invalid-organization"


class StalePlan(XacctError):
    """Another plan was approved than the one that stands now; nothing changed."""

    code = status = "stale-plan"


class ApprovalExpired(StalePlan):
    """The plan was approved, and is older than its approval may be."""

    code = "approval-expired"


class ApprovalUsed(StalePlan):
    """The plan was approved, and a run has changed AWS with that approval already."""

    code = "approval-used"


class ApproverPlanned(StalePlan):
    """Two people are to agree, and who approves is the one who planned, or nobody knows who planned."""

    code = "approver-planned"


class ProofFailed(XacctError):
    """AWS did not answer as the grant says."""

    code = status = "proof-failed"


class RolledBack(XacctError):
    """A change failed; everything is as it was before."""

    code = status = "rolled-back"


class RollbackFailed(XacctError):
    """A change could not be undone; says exactly what is left."""

    code = status = "rollback-failed"


class AwsRefused(XacctError):
    """AWS answered a call with an error; `aws_code` is the error code that AWS returned."""

    code = "aws-refused"

    def __init__(
        self, what: str, *, aws_code: str, why: str = "", hint: str = "", request_id: str = ""
    ) -> None:
        super().__init__(what, why=why, hint=hint)
        self.aws_code, self.request_id = aws_code, request_id


class SandboxError(XacctError):
    """The sandbox could not be started, found or ended."""

    code = "sandbox-failed"


class KernelDied(XacctError):
    """The notebook's kernel ended before the notebook did."""

    code = status = "kernel-died"


class TimedOut(XacctError):
    """A cell ran longer than it may."""

    code = status = "timed-out"


def error_classes() -> dict[str, type[XacctError]]:
    """Every error by the name of its class."""
    return {kind.__name__: kind for kind in _tree(XacctError)}


def _tree(kind: type[XacctError]) -> list[type[XacctError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _tree(child))]
