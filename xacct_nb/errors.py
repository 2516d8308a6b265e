"""The errors: each says what happened, why, and what to do, and has a code and a run status.

XacctError
├── InvalidInput              invalid-parameters: nothing ran
│   ├── InvalidArn, InvalidPolicy, InvalidSnapshot, InvalidParameters, InvalidKey, InvalidFault
│   ├── InvalidGrant
│   │   └── UnreadableGrant, OverQuota
│   ├── UnknownNotebook, UnknownRecord, MissingTool, MissingProfile, NoCredentials, WrongAccount
│   ├── UnresolvedSecret
│   │   └── RefusedReference
│   └── NotOwned, NotAccepted, OutOfDate, InvalidOrganization, InvalidHandoff
├── WaitingForApproval        planned: nothing changed yet
├── StalePlan                 stale-plan: nothing changed
│   └── ApprovalExpired, ApprovalUsed, ApprovalUnsigned, ApproverPlanned, ApproverUnknown
├── ProofFailed, NotProven    proof-failed, not-proven
├── RolledBack                rolled-back: apply failed, everything is as before
├── RollbackFailed            rollback-failed: says what is left
├── AwsRefused                failed: AWS returned an error
│   └── AwsBusy, ClockOff
├── OutsideSandbox, SandboxError, UnexpectedError    failed
├── DiskFull                  failed: nothing was changed
├── EvidenceLost              failed: no further call was made
├── NotSealed                 failed: says what was changed
└── KernelDied, TimedOut      kernel-died, timed-out
"""

import re
from typing import Any

from xacct_nb.redaction.invisible import printable

# Exit codes of `xacct-nb run` by the status in the record.
EXIT_CODES = {
    "succeeded": 0, "no-change": 0, "planned": 0, "failed": 1, "invalid-parameters": 2, "stale-plan": 3,
    "proof-failed": 4, "rolled-back": 5, "rollback-failed": 6, "kernel-died": 7, "timed-out": 7,
    "not-proven": 8, "interrupted": 130,
}  # fmt: skip


class XacctError(Exception):
    """An error that a person can act on.

    `what` happened, `why` (the rule or the value behind it) and a `hint` (what to do). `code` is unique to
    the class, `status` is the status of a run that ended with this error.
    """

    code = status = "failed"

    def __init_subclass__(cls) -> None:
        """Make the code from the class's name, unless the class has its own: InvalidArn has invalid-arn."""
        cls.code = vars(cls).get("code") or re.sub(r"\B(?=[A-Z])", "-", cls.__name__).lower()

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.why, self.hint = what, why, hint

    def __str__(self) -> str:
        return printable("\n".join(line for line in (self.what, self.why, self.hint) if line))

    def to_json(self) -> dict[str, Any]:
        """Return the error as records and `--json` show it."""
        return {"code": self.code, "what": self.what, "why": self.why, "hint": self.hint}

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of a stack of frames."""
        return [printable(line) for line in (f"{self.code}: {self.what}", self.why, self.hint) if line]


class InvalidInput(XacctError):
    """An input is not valid; nothing was run and nothing was changed."""

    status = "invalid-parameters"


class InvalidArn(InvalidInput):
    """A text is not an ARN, or not one of the required kind."""


class InvalidGrant(InvalidInput):
    """A field of the grant has a value that AWS would refuse, or that contradicts another."""


class UnreadableGrant(InvalidGrant):
    """The grant file is missing, unreadable, or neither YAML nor JSON."""


class OverQuota(InvalidGrant):
    """A document is longer than AWS accepts."""


class InvalidPolicy(InvalidInput):
    """A policy document that AWS would refuse; `path` is where, such as `Statement[1].Condition`."""

    def __init__(self, what: str, *, path: str = "", why: str = "", hint: str = "") -> None:
        super().__init__(what, why=why, hint=hint)
        self.path = path


class InvalidSnapshot(InvalidInput):
    """The file that another owner sent is not a snapshot of a denial."""


class InvalidHandoff(InvalidInput):
    """A file of a hand-over cannot be used; its code may say why, such as `handoff-late`."""


class InvalidParameters(InvalidInput):
    """A notebook parameter is unknown or of the wrong type."""


class UnknownNotebook(InvalidInput):
    """No notebook has this name."""


class UnknownRecord(InvalidInput):
    """No record has this name, or the record cannot be read."""


class InvalidKey(InvalidInput):
    """A key or a file of signers cannot be used."""


class MissingTool(InvalidInput):
    """A program or package that this function needs is not installed."""


class UnresolvedSecret(InvalidInput):
    """A reference such as `env:NAME` or `file:PATH` has no target."""


class RefusedReference(UnresolvedSecret):
    """A reference is to a credential, or stands in a grant file and was not allowed."""


class MissingProfile(InvalidInput):
    """The AWS config does not have this profile."""


class NoCredentials(InvalidInput):
    """A profile has no credentials, or AWS does not accept them."""


class WrongAccount(InvalidInput):
    """A session is in another account than the grant expects, or an account has no session."""


class NotOwned(InvalidInput):
    """A role or policy of this name exists and was not made for this grant."""


class NotAccepted(InvalidInput):
    """The plan widens access, and `accept` in the grant does not list the finding."""


class OutOfDate(InvalidInput):
    """The form was changed since this value was made from it, or the run's record is sealed."""


class WaitingForApproval(XacctError):
    """A person is asked for approval, and has not approved the plan yet."""

    status = "planned"


class InvalidFault(InvalidInput):
    """A fault for the sandbox is not valid."""


class InvalidOrganization(InvalidInput):
    """An organization does not have what is asked of it, or a file that describes one is not valid."""


class StalePlan(XacctError):
    """The approved plan is not the current plan; nothing changed."""

    status = "stale-plan"


class ApprovalExpired(StalePlan):
    """The approval of the plan has expired."""


class ApprovalUsed(StalePlan):
    """A run has already changed AWS with this approval."""


class ApproverPlanned(StalePlan):
    """Two people are required, and the approver is the planner, or the planner is unknown."""


class ApproverUnknown(StalePlan):
    """Two people are required, and it is not known which person planned or approves: the user is mapped."""


class ApprovalUnsigned(StalePlan):
    """A signature by one of the approvers is required, and no valid one was found."""


class ProofFailed(XacctError):
    """AWS decided otherwise than the grant says."""

    status = "proof-failed"


class NotProven(XacctError):
    """Not every permission has a positive answer of AWS, or the proof was not asked."""

    status = "not-proven"


class RolledBack(XacctError):
    """A change failed; everything is as it was before."""

    status = "rolled-back"


class RollbackFailed(XacctError):
    """A change could not be undone; the error lists what is left."""

    status = "rollback-failed"


class AwsRefused(XacctError):
    """AWS returned an error; `aws_code` is its error code."""

    def __init__(
        self, what: str, *, aws_code: str, why: str = "", hint: str = "", request_id: str = ""
    ) -> None:
        super().__init__(what, why=why, hint=hint)
        self.aws_code, self.request_id = aws_code, request_id


class AwsBusy(AwsRefused):
    """AWS throttled a call until the patience was over; `unclear`: one of its tries may have taken effect."""

    def __init__(self, what: str, *, unclear: bool = False, **about: str) -> None:
        super().__init__(what, **about)
        self.unclear = unclear


class ClockOff(AwsRefused):
    """AWS refuses the signatures of this machine, whose clock differs too much from AWS's."""


class SandboxError(XacctError):
    """The sandbox could not be started, found or stopped."""

    code = "sandbox-failed"


class DiskFull(XacctError):
    """There is no room for what a run must write before it changes anything."""


class EvidenceLost(XacctError):
    """The evidence of a run cannot be written, or was lost; the run made no further call."""


class NotSealed(XacctError):
    """The record of a run could not be sealed; the next command does it once the cause is fixed."""


class UnexpectedError(XacctError):
    """An error that no part of this package expected."""


class OutsideSandbox(XacctError):
    """A client of a run in the sandbox was to call something else."""


class KernelDied(XacctError):
    """The notebook's kernel died before the notebook ended."""

    status = "kernel-died"


class TimedOut(XacctError):
    """A cell ran longer than its limit."""

    status = "timed-out"


def unexpected(problem: BaseException, details: str = "") -> UnexpectedError:
    """Return the error that stands for one that was not expected; `details` says where its traceback is."""
    shown = details or "Set XACCT_TRACEBACK=1 and run the command again to see where."
    return UnexpectedError(
        f"{type(problem).__name__}: {problem}",
        why="This is a mistake in xacct-nb, or in a package that it uses.",
        hint=f"{shown} Please report it with the command and these lines.",
    )


def error_classes() -> dict[str, type[XacctError]]:
    """Return every error class by its name."""
    return {kind.__name__: kind for kind in _tree(XacctError)}


def _tree(kind: type[XacctError]) -> list[type[XacctError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _tree(child))]
