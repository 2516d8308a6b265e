"""What a parameter of an IAM or STS call must look like, and AWS's answer if it does not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from xacct_nb.sandbox.http.calls import Call, Refusal


@dataclass(frozen=True)
class Constraint:
    """The length of a text or the size of a number, and the pattern of a text."""

    name: str
    least: int
    most: int
    pattern: str = ""
    number: bool = False

    def breaches(self, value: str) -> Iterator[str]:
        """What AWS says of a value that breaks it."""
        number = int(value) if re.fullmatch(r"-?\d{1,9}", value) else 0
        size, what = (number, "value") if self.number else (len(value), "length")
        if size < self.least:
            yield f"Member must have {what} greater than or equal to {self.least}"
        if size > self.most:
            yield f"Member must have {what} less than or equal to {self.most}"
        if self.pattern and not re.fullmatch(self.pattern, value):
            yield f"Member must satisfy regular expression pattern: {self.pattern}"


_NAME = r"[\w+=,.@-]+"
_MFA = (
    Constraint("SerialNumber", 9, 256, r"[\w+=/:,.@-]*"),
    Constraint("TokenCode", 6, 6, r"[\d]*"),
)
_ROLE_NAME = Constraint("RoleName", 1, 64, _NAME)
_MAXIMUM = Constraint("MaxSessionDuration", 3600, 43200, number=True)

# botocore's models of IAM and STS.
CONSTRAINTS = {
    ("sts", "AssumeRole"): (
        Constraint("RoleArn", 20, 2048),
        Constraint("RoleSessionName", 2, 64, r"[\w+=,.@-]*"),
        Constraint("DurationSeconds", 900, 43200, number=True),
        Constraint("ExternalId", 2, 1224, r"[\w+=,.@:\/-]*"),
        Constraint("SourceIdentity", 2, 64, r"[\w+=,.@-]*"),
        *_MFA,
    ),
    ("sts", "GetSessionToken"): (Constraint("DurationSeconds", 900, 129600, number=True), *_MFA),
    ("sts", "GetFederationToken"): (Constraint("DurationSeconds", 900, 129600, number=True),),
    ("iam", "CreateRole"): (_ROLE_NAME, _MAXIMUM),
    ("iam", "UpdateRole"): (_ROLE_NAME, _MAXIMUM),
    ("iam", "CreateUser"): (Constraint("UserName", 1, 64, _NAME),),
    ("iam", "CreateGroup"): (Constraint("GroupName", 1, 128, _NAME),),
    ("iam", "CreatePolicy"): (Constraint("PolicyName", 1, 128, _NAME),),
}


def breach(call: Call) -> Refusal | None:
    """AWS's ValidationError for every parameter of the call that is not as it must be, in one message."""
    told = [
        f"Value '{value}' at '{rule.name[0].lower()}{rule.name[1:]}' failed to satisfy constraint: {what}"
        for rule in CONSTRAINTS.get((call.service, call.action), ())
        if (value := call.parameters.get(rule.name)) is not None
        for what in rule.breaches(value)
    ]
    if not told:
        return None
    count = f"{len(told)} validation error{'s' if len(told) > 1 else ''} detected"
    return Refusal(400, "ValidationError", f"{count}: {'; '.join(told)}")
