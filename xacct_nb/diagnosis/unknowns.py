"""What could not be seen, who can see it, and the causes that cannot be told apart because of it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.cause import DESTINATION, SOURCE
from xacct_nb.iam.arns import Arn


@dataclass(frozen=True)
class Unseen:
    """One thing that could not be seen, why, who can see it, and the command to look with."""

    what: str
    why: str
    who: str
    command: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


# What is denied alike, the more usual ones first, as long as a side is not read.
_TRUST = (
    "other-principal-trusted",
    "account-not-trusted",
    "external-id-missing",
    "external-id-differs",
    "no-such-role",
    "deleted-principal-trusted",
    "mfa-required",
    "mfa-in-chain",
    "session-name",
    "source-identity-required",
    "session-arn-trusted",
    "role-path-left-out",
    "permission-set-replaced",
    "self-assume",
    "other-assume-action",
    "principal-arn-of-session",
    "service-key-on-principal",
    "request-condition",
    "source-address",
    "other-organization",
    "outside-dates",
    "trust-deny",
    "trust-condition",
    "no-access-role",
)
_IDENTITY = (
    "no-identity-allow",
    "chained-role-without-allow",
    "other-resource-arn",
    "policy-not-attached",
    "identity-deny",
    "deny-without-mfa",
    "caller-boundary",
    "identity-condition",
    "external-id-in-caller-policy",
    "old-policy-version",
    "old-policy-language",
)
_AFTER = (
    "role-without-permission",
    "role-boundary",
    "session-policy",
    "resource-policy",
    "role-deny",
    "permission-condition",
    "session-revoked",
    "other-account-resource",
    "service-control-policy",
    "resource-control-policy",
)
_AFTER_OPEN = (
    "other-account-resource",
    "resource-policy",
    "service-control-policy",
    "resource-control-policy",
)
_NEITHER = (
    "not-in-effect-yet",
    "service-control-policy",
    "resource-control-policy",
    "caller-session-policy",
    "vpc-endpoint-policy",
    "cached-session",
)
_FURTHER = {"sts:TagSession": ("no-tag-session",), "sts:SetSourceIdentity": ("no-set-source-identity",)}


def alike(case: Case) -> tuple[str, ...]:
    """The codes that AWS answers alike, as far as what is readable leaves them open."""
    if case.attempt.after:
        return _AFTER if case.inside() is None else _AFTER_OPEN
    if case.denial.action in _FURTHER:
        return _FURTHER[case.denial.action]
    near = () if case.near() else _IDENTITY
    far = () if case.far() else _TRUST
    return tuple(code for code in (*near, *far, *_NEITHER) if _can_be(case, code))


def _can_be(case: Case, code: str) -> bool:
    """Whether a cause fits what is known of the caller and the call."""
    given = case.attempt.parameters
    rules = {
        "external-id-missing": not case.attempt.external_id,
        "external-id-differs": bool(case.attempt.external_id),
        "mfa-required": not case.is_chained and not given.get("TokenCode"),
        "mfa-in-chain": case.is_chained,
        "session-arn-trusted": case.is_chained,
        "role-path-left-out": case.is_chained,
        "permission-set-replaced": "AWSReservedSSO_" in case.caller,
        "caller-session-policy": case.is_chained or not case.caller,
        "chained-role-without-allow": case.is_chained,
        "no-identity-allow": not case.is_chained,
        "self-assume": bool(case.role) and case.principal == case.role,
        "no-access-role": case.role.endswith("role/OrganizationAccountAccessRole"),
        "principal-arn-of-session": case.is_chained,
        "cached-session": bool(case.snapshot.client and case.snapshot.client.cached_sessions),
    }
    return rules.get(code, True)


def unseen(case: Case) -> Iterator[Unseen]:
    """What could not be seen of the two sides and above them, and who can."""
    why = case.snapshot.unread
    if not case.caller:
        yield Unseen(
            "who calls", "No text and no session tells it.", "the caller", "aws sts get-caller-identity"
        )
    if case.caller and not case.snapshot.readable(SOURCE):
        account = Arn.parse(case.caller).account
        what = "the caller's policies and boundary"
        who = f"an administrator of account {account} (source)"
        yield Unseen(what, why.get(SOURCE, ""), who, _SOURCE_COMMAND)
    if case.role and not case.snapshot.readable(DESTINATION):
        account, name = Arn.parse(case.role).account, Arn.parse(case.role).name
        who = f"an administrator of account {account} (destination)"
        command = f"aws iam get-role --role-name {name}"
        yield Unseen("the role and its trust policy", why.get(DESTINATION, ""), who, command)
    for side in (case.snapshot.source, case.snapshot.destination):
        if side and side.incomplete:
            yield Unseen("a part of the policies", side.incomplete, "the same administrator, with more reads")
    yield Unseen(
        "control policies of the organizations (SCPs, RCPs)",
        "No member account can read them.",
        "the management accounts, or their delegated administrators",
        "aws organizations list-policies-for-target --filter SERVICE_CONTROL_POLICY --target-id ACCOUNT",
    )


_SOURCE_COMMAND = "aws iam get-account-authorization-details --filter User Role Group LocalManagedPolicy"
