"""What could not be read, who can read it, and the causes that cannot be distinguished without it."""

from collections.abc import Iterator
from dataclasses import dataclass

from xacct_nb.diagnosis.assume_request import EXTRA_ACTIONS
from xacct_nb.diagnosis.attempt import SET_SOURCE_IDENTITY, TAG_SESSION
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.cause import DESTINATION, SOURCE
from xacct_nb.diagnosis.denied_resource import policy_arn, resource_kind
from xacct_nb.diagnosis.snapshot import BUCKET
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.explain import short_name


@dataclass(frozen=True)
class Unknown:
    """What could not be read, why, who can read it, and the command to read it with."""

    what: str
    why: str
    who: str
    command: str = ""


# Causes with the same error, the more frequent ones first, as long as the side is not read.
_TRUST = (
    "other-principal-trusted", "account-not-trusted", "external-id-missing", "external-id-differs",
    "no-such-role", "deleted-principal-trusted", "mfa-required", "mfa-in-chain", "session-name",
    "source-identity-required", "session-arn-trusted", "role-path-left-out", "permission-set-replaced",
    "self-assume", "other-assume-action", "principal-arn-of-session", "service-key-on-principal",
    "request-condition", "source-address", "other-organization", "outside-dates", "trust-deny",
    "trust-condition", "no-access-role",
)  # fmt: skip
_FEDERATED = (
    "token-subject", "token-audience", "token-condition", "provider-not-trusted", "no-such-provider",
    "no-such-role", "trust-deny", "resource-control-policy", "not-in-effect-yet",
)  # fmt: skip
_FEDERATED_BEYOND_TRUST = ("no-such-provider", "resource-control-policy", "not-in-effect-yet")
_IDENTITY = (
    "no-identity-allow", "chained-role-without-allow", "other-resource-arn", "policy-not-attached",
    "identity-deny", "deny-without-mfa", "caller-boundary", "identity-condition",
    "external-id-in-caller-policy", "old-policy-version", "old-policy-language",
)  # fmt: skip
# With AWS's words on one of the actions for tags and source identities: what else denies just that action.
_EXTRA_CONDITIONS = {
    TAG_SESSION: ("request-condition",),
    SET_SOURCE_IDENTITY: ("source-identity-required", "other-source-identity"),
}
# In one account the trust policy can be enough; then only what denies on the caller's side is left.
_OWN_DENIES = ("identity-deny", "deny-without-mfa", "caller-boundary")
_NEITHER_SIDE = (
    "not-in-effect-yet", "service-control-policy", "resource-control-policy", "caller-session-policy",
    "vpc-endpoint-policy", "cached-session",
)  # fmt: skip
_SESSION = (
    "role-without-permission", "role-boundary", "session-policy", "resource-policy", "key-policy",
    "role-deny", "permission-condition", "session-revoked", "other-account-resource",
    "service-control-policy", "resource-control-policy",
)  # fmt: skip
_OTHER_CALLER = (
    "caller-without-permission", "caller-deny", "boundary-of-caller", "resource-policy", "key-policy",
    "service-control-policy", "resource-control-policy", "vpc-endpoint-policy",
)  # fmt: skip
# Where nothing names the caller, it may be a session of a role.
_ANY_CALLER = tuple(dict.fromkeys((*_SESSION, *_OTHER_CALLER)))
# Services that use a KMS key of their customer's, whose policy can deny a request to them.
_ONLY_OF: dict[str, tuple[str, ...]] = {
    "key-policy": (
        "s3",
        "kms",
        "secretsmanager",
        "sqs",
        "sns",
        "dynamodb",
        "ssm",
        "ecr",
        "logs",
        "athena",
        "glue",
    ),
    **dict.fromkeys(("object-of-another-owner", "public-access-blocked", "no-such-object"), ("s3",)),
}
# Then every object is the bucket owner's. Source: S3 user guide, about-object-ownership.
_OF_THE_BUCKETS_OWNER = "BucketOwnerEnforced"
_OF_OBJECTS = ("object-of-another-owner", "public-access-blocked", "no-such-object")
_SESSION_OF_READ_ROLE = (
    "other-account-resource", "resource-policy", "key-policy", "service-control-policy",
    "resource-control-policy",
)  # fmt: skip


def indistinguishable_causes(case: Case) -> tuple[str, ...]:
    """Return the codes with the same error, as far as what was read does not exclude them."""
    denial = case.denial
    if denial.text and not (case.role or denial.action or denial.operation or denial.is_from_console):
        return ()  # nothing says which request was denied
    if case.attempt.role_was_assumed:
        return _session_codes(case)
    if case.attempt.is_federated:
        return _FEDERATED_BEYOND_TRUST if case.trust_policy else _FEDERATED
    if case.denial.action in EXTRA_ACTIONS:
        code, decided = EXTRA_ACTIONS[case.denial.action], case.trust_decision(case.denial.action)
        return (code, *(() if decided else _EXTRA_CONDITIONS[case.denial.action]))
    identity = _identity_causes(case)
    trust = () if case.trust_decision() else _TRUST
    return tuple(code for code in (*identity, *trust, *_NEITHER_SIDE) if _is_possible(case, code))


def _identity_causes(case: Case) -> tuple[str, ...]:
    """Return the causes that the source side can still have: of a boundary alone, if only that is unread."""
    if case.source_decision() is not None:
        return ()
    if case.needs_no_source_policy:
        return _OWN_DENIES
    read, holder = case.source_as_read(), case.caller_policies
    is_boundary = read is not None and holder.has_unread_boundary and not holder.incomplete
    return ("caller-boundary",) if is_boundary else _IDENTITY


def _session_codes(case: Case) -> tuple[str, ...]:
    """Return the codes for a denial after AssumeRole, or of a caller that assumed no role."""
    codes: tuple[str, ...] = _OTHER_CALLER if case.caller or case.denial.caller else _ANY_CALLER
    if case.session_decision() and not case.is_direct:
        codes = _SESSION_OF_READ_ROLE
    elif case.role:
        codes = _SESSION
    service = case.attempt.action.partition(":")[0].lower()
    left_out = {code for code, services in _ONLY_OF.items() if service not in services}
    if case.destination.object_ownership == _OF_THE_BUCKETS_OWNER:
        left_out.add("object-of-another-owner")
    return tuple(code for code in (*codes, *_OF_OBJECTS) if code not in left_out)


def _is_possible(case: Case, code: str) -> bool:
    """Return whether a cause is consistent with the caller and the request."""
    rules = {
        "external-id-missing": not case.attempt.external_id,
        # Of a request of which only the text is known, the parameters are not known either.
        "external-id-differs": bool(case.attempt.external_id or not case.attempt.parameters),
        "mfa-required": not case.is_chained and not case.attempt.parameters.get("TokenCode"),
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


def unknowns(case: Case) -> Iterator[Unknown]:
    """Yield what could not be read of the two sides and of their organizations, and who can read it."""
    unread = case.snapshot.unread
    if not case.caller:
        why = "Neither the error text nor a session names the caller."
        yield Unknown("who calls", why, "the caller", "aws sts get-caller-identity")
    if case.caller and not case.snapshot.readable(SOURCE):
        who = f"an administrator of account {Arn.parse(case.caller).account} (source)"
        filters = "User Role Group LocalManagedPolicy"
        command = f"aws iam get-account-authorization-details --filter {filters}"
        yield Unknown("the caller's policies and boundary", unread.get(SOURCE, ""), who, command)
    if case.role and not case.snapshot.readable(DESTINATION):
        arn = Arn.parse(case.role)
        who = f"an administrator of account {arn.account} (destination)"
        command = f"aws iam get-role --role-name {arn.name}"
        yield Unknown("the role and its trust policy", unread.get(DESTINATION, ""), who, command)
    if case.is_direct and not case.destination.resource_policies and resource_kind(case.holder.resource):
        account = Arn.parse(case.holder.resource).account
        who = f"the owner of the resource{f', account {account}' if account else ''} (destination)"
        yield Unknown("the policy of the resource", unread.get(DESTINATION, ""), who)
    yield from _unread_parts(case)
    yield Unknown(
        "control policies of the organizations (SCPs, RCPs)",
        "No member account can read them.",
        "the management accounts, or their delegated administrators",
        "aws organizations list-policies-for-target --filter SERVICE_CONTROL_POLICY --target-id ACCOUNT",
    )


def _unread_parts(case: Case) -> Iterator[Unknown]:
    """Yield the documents of a side that were not read, or cannot be evaluated."""
    for side in (case.snapshot.source, case.snapshot.destination):
        if side and side.incomplete:
            yield Unknown("a part of the policies", side.incomplete, "the same administrator")
    yield from _unread_settings(case)
    if case.request and (problem := case.request.problem()):
        why = f"One of the documents cannot be evaluated: {problem}"
        yield Unknown("what the policies decide", why, "the same administrator")
    for holder in (case.caller_policies, case.role_policies):
        if holder.boundary and holder.has_unread_boundary:
            command = f"aws iam get-policy --policy-arn {holder.boundary.arn}" if holder.boundary.arn else ""
            why = f"Only its name is known; it limits {short_name(holder.arn)}."
            yield Unknown(f"the boundary {holder.boundary.name}", why, "the same administrator", command)


def _unread_settings(case: Case) -> Iterator[Unknown]:
    """Yield the settings of a bucket that can deny what its policy allows, where they were not read."""
    side, attempt = case.destination, case.attempt
    if not (attempt.role_was_assumed and resource_kind(attempt.resource) == BUCKET):
        return
    name = policy_arn(attempt.resource).rpartition(":")[2]
    settings = (
        ("object ownership", side.object_ownership, "GetBucketOwnershipControls", "ownership-controls"),
        ("Block Public Access", side.blocks_public, "GetBucketPublicAccessBlock", "public-access-block"),
    )
    for what, value, right, command in settings:
        if value is None:
            operation = f"get-{'bucket-' if command.startswith('own') else ''}{command}"
            why = f"It needs the right s3:{right}, in the bucket's account."
            yield Unknown(
                f"{what} of the bucket {name}",
                why,
                "the bucket's owner",
                f"aws s3api {operation} --bucket {name}",
            )
