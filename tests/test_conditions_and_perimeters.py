"""The findings on conditions that never or always hold, third parties, rising permissions and perimeters."""

from typing import Any

import pytest

from xacct_nb.linting.findings import lint_policy
from xacct_nb.linting.rules.condition_keys import KEY_RULES
from xacct_nb.linting.rules.contradictions import CONTRADICTION_RULES
from xacct_nb.linting.rules.escalation import ESCALATION_RULES
from xacct_nb.linting.rules.perimeters import PERIMETER_RULES
from xacct_nb.linting.rules.third_parties import THIRD_PARTY_RULES

RULES = (*KEY_RULES, *CONTRADICTION_RULES, *ESCALATION_RULES, *PERIMETER_RULES, *THIRD_PARTY_RULES)
ROLE = "arn:aws:iam::222222222222:role/reader"
VENDOR = "arn:aws:iam::444444444444:root"
HUB = "arn:aws:iam::111111111111:role/hub"
QUEUE = "arn:aws:sqs:eu-west-1:222222222222:jobs"
ORG = "o-abcdefghij"
GITHUB = "token.actions.githubusercontent.com"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


def when(*operators: tuple[str, str, Any]) -> dict[str, Any]:
    condition: dict[str, dict[str, Any]] = {}
    for operator, key, value in operators:
        condition.setdefault(operator, {})[key] = value
    return {"Condition": condition} if condition else {}


def lets(who: Any, *operators: tuple[str, str, Any], action: Any = "sts:AssumeRole") -> dict[str, Any]:
    principal = who if isinstance(who, dict) else {"AWS": who}
    return {"Effect": "Allow", "Principal": principal, "Action": action, **when(*operators)}


def trust(who: Any, *operators: tuple[str, str, Any], **more: Any) -> dict[str, Any]:
    return policy(lets(who, *operators, **more))


def deny(*operators: tuple[str, str, Any], **elements: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "*", "Resource": "*", **elements, **when(*operators)}


def shut(*operators: tuple[str, str, Any], **elements: Any) -> dict[str, Any]:
    return policy(deny(*operators, **elements))


def may(action: Any, resource: Any, *operators: tuple[str, str, Any]) -> dict[str, Any]:
    return policy({"Effect": "Allow", "Action": action, "Resource": resource, **when(*operators)})


def queue(who: dict[str, Any], *operators: tuple[str, str, Any]) -> dict[str, Any]:
    return policy(lets(who, *operators, action="sqs:SendMessage") | {"Resource": QUEUE})


def guarded_queue(*operators: tuple[str, str, Any], **elements: Any) -> dict[str, Any]:
    """A queue that is open to SNS, and a Deny beside it."""
    (opened,) = queue({"Service": "sns.amazonaws.com"})["Statement"]
    return policy(opened, deny(*operators, **{"Principal": "*", "Action": "sqs:*", **elements}))


def external(value: Any, operator: str = "StringEquals") -> tuple[str, str, Any]:
    return operator, "sts:ExternalId", value


EC2, S3 = {"Service": "ec2.amazonaws.com"}, {"Service": "s3.amazonaws.com"}
OIDC = {"Federated": f"arn:aws:iam::222222222222:oidc-provider/{GITHUB}"}
WEB = "sts:AssumeRoleWithWebIdentity"
SUB = ("StringLike", f"{GITHUB}:sub", "repo:acme/app:*")
SOURCE = ("StringEquals", "aws:SourceAccount", "222222222222")
OURS = ("StringEquals", "aws:PrincipalOrgID", ORG)
OUTSIDE = ("StringNotEqualsIfExists", "aws:PrincipalOrgID", ORG)
NO_SERVICE = ("BoolIfExists", "aws:PrincipalIsAWSService", "false")
NOW = "aws:CurrentTime"
LATER, SOONER = "2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
HERE = ("StringNotEquals", "aws:RequestedRegion", ["eu-west-1", "eu-central-1"])
GLOBAL = ["iam:*", "sts:*", "organizations:*", "route53:*", "cloudfront:*", "support:*"]
OWN_ALLOW = lets(OIDC, SUB, action=WEB)
SECOND = {"Effect": "Allow", "Principal": {"AWS": VENDOR}, "Action": "sts:AssumeRole"}
ANY_ROLES = "arn:aws:iam::222222222222:role/*"
EVERYWHERE = {"Principal": "*"}
NO_ACTION: dict[str, Any] = {"Effect": "Deny", "NotAction": GLOBAL, "Resource": "*"}
# Code, severity, kind; policies that have the finding, and one that has it not.
CASES: list[tuple[str, str, str, list[Any], Any]] = [
    (
        "misspelt-condition-key",
        "warning",
        "trust",
        [
            trust(HUB, ("StringEquals", "aws:PrincipleOrgID", ORG)),
            trust(HUB, ("Bool", "aws:MultiFactorAuthPresence", "true")),
        ],
        trust(
            HUB,
            ("StringEquals", "aws:principalorgid", ORG),
            ("Bool", "aws:ViaAWSMCPService", "false"),
            ("StringNotEquals", "aws:CalledViaAWSMCP", "aws-mcp.amazonaws.com"),
        ),
    ),
    (
        "key-never-present",
        "warning",
        "trust",
        [
            trust(EC2, OURS),
            trust(OIDC, SUB, external("agreed"), action=WEB),
            trust(OIDC, SUB, ("Bool", "aws:MultiFactorAuthPresent", "true"), action=WEB),
        ],
        trust(EC2, SOURCE),
    ),
    (
        "operator-of-other-type",
        "warning",
        "trust",
        [
            trust(HUB, ("Bool", "aws:PrincipalOrgID", "true")),
            trust(HUB, external("12", "NumericEquals")),
            trust(HUB, ("StringEquals", "aws:SourceIp", "203.0.113.0/24")),
            trust(HUB, ("ArnLike", "aws:PrincipalOrgID", "o-*")),
            trust(HUB, ("DateLessThan", "aws:MultiFactorAuthAge", "2026-01-01")),
        ],
        trust(
            HUB,
            ("NumericLessThan", "aws:MultiFactorAuthAge", "3600"),
            ("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
        ),
    ),
    (
        "wildcard-as-text",
        "warning",
        "trust",
        [
            trust(HUB, ("StringEquals", "sts:RoleSessionName", "ci-*")),
            trust(VENDOR, external("*")),
            trust(OIDC, ("StringEquals", f"{GITHUB}:sub", "repo:acme/app:*"), action=WEB),
            policy(
                lets(HUB),
                lets("*")
                | {"Effect": "Deny"}
                | when(("StringNotEquals", "aws:PrincipalArn", "arn:aws:iam::111111111111:role/ci-*")),
            ),
        ],
        trust(
            HUB,
            ("StringLike", "sts:RoleSessionName", "ci-*"),
            ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::1:role/*"),
        ),
    ),
    (
        "condition-of-other-caller",
        "warning",
        "trust",
        [
            trust(HUB, ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::111111111111:role/other")),
            trust("arn:aws:iam::111111111111:user/alice", ("StringEquals", "aws:username", "bob")),
            trust(HUB, ("StringEquals", "aws:username", "hub")),
        ],
        trust([HUB, "arn:aws:iam::111111111111:user/alice"], ("StringEquals", "aws:username", "alice")),
    ),
    (
        "external-id-not-checked",
        "widens",
        "trust",
        [policy(lets("arn:aws:iam::444444444444:role/scanner", external("agreed")), SECOND)],
        policy(lets(VENDOR, external("agreed")), lets("arn:aws:iam::555555555555:root")),
    ),
    (
        "no-external-id",
        "note",
        "trust",
        [trust("arn:aws:iam::444444444444:role/scanner")],
        policy(
            lets("arn:aws:iam::444444444444:role/scanner"),
            lets("arn:aws:iam::444444444444:role/scanner", external("agreed", "StringNotEquals"))
            | {"Effect": "Deny"},
        ),
    ),
    (
        "value-of-other-form",
        "warning",
        "trust",
        [
            trust(HUB, ("ForAnyValue:StringEquals", "aws:PrincipalOrgPaths", f"{ORG}/r-0001/ou-0001-aaaa")),
            trust(HUB, ("StringEquals", "aws:PrincipalOrgID", f"{ORG}/r-0001")),
            trust(HUB, ("StringEquals", "aws:PrincipalAccount", "11111111111")),
            trust(HUB, ("StringNotEquals", "aws:RequestedRegion", "eu-west")),
            trust(HUB, ("StringEquals", "sts:RoleSessionName", "two words")),
        ],
        trust(
            HUB,
            ("ForAnyValue:StringEquals", "aws:PrincipalOrgPaths", f"{ORG}/r-0001/ou-0001-aaaa/"),
            ("StringEquals", "sts:RoleSessionName", "${aws:username}"),
            ("StringEqualsIfExists", "aws:RequestedRegion", "eu-west-1"),
        ),
    ),
    (
        "any-value",
        "note",
        "trust",
        [
            trust(HUB, ("StringLike", "aws:PrincipalOrgID", "*")),
            trust(HUB, ("StringLike", "sts:RoleSessionName", "*")),
        ],
        trust(HUB, ("StringLike", "aws:RequestTag/Team", "*"), ("StringLike", "sts:SourceIdentity", "*")),
    ),
    (
        "region-lock-on-sts",
        "warning",
        "trust",
        [
            trust(HUB, ("StringEquals", "aws:RequestedRegion", "eu-west-1")),
            trust(OIDC, SUB, ("StringEquals", "aws:RequestedRegion", "eu-west-1"), action=WEB),
        ],
        trust(HUB, ("StringEquals", "aws:RequestedRegion", ["eu-west-1", "us-east-1"])),
    ),
    (
        "perimeter-blocks-sign-in",
        "warning",
        "resource control",
        [
            shut(
                OUTSIDE,
                NO_SERVICE,
                ("StringNotEqualsIfExists", "aws:PrincipalAccount", ["444444444444"]),
                **EVERYWHERE,
            ),
            shut(
                OUTSIDE,
                ("StringNotEqualsIfExists", "aws:PrincipalTag/exempt", "true"),
                NO_SERVICE,
                **EVERYWHERE,
            ),
        ],
        shut(OUTSIDE, NO_SERVICE, ("Null", "aws:PrincipalOrgID", "false"), **EVERYWHERE),
    ),
    (
        "everyone-trusted",
        "widens",
        "resource",
        [
            queue({"AWS": "*"}),
            policy(*queue({"AWS": "*"})["Statement"], deny(OUTSIDE, Action="s3:*", **EVERYWHERE)),
        ],
        policy(*queue({"AWS": "*"})["Statement"], deny(OUTSIDE, Action="sqs:*", **EVERYWHERE)),
    ),
    (
        "whole-account-trust",
        "widens",
        "trust",
        [trust(VENDOR, ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::444444444444:role/*"))],
        trust(VENDOR, ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::444444444444:role/ci-*")),
    ),
    (
        "address-and-endpoint",
        "warning",
        "trust",
        [
            trust(
                HUB,
                ("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
                ("StringEquals", "aws:SourceVpce", "vpce-1"),
            ),
            trust(
                HUB,
                ("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
                ("IpAddress", "aws:VpcSourceIp", "10.0.0.0/8"),
            ),
        ],
        policy(
            deny(
                ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"),
                ("StringNotEquals", "aws:SourceVpce", "vpce-1"),
                Action="sts:AssumeRole",
                Principal="*",
            ),
            lets(HUB),
        ),
    ),
    (
        "contradicting-conditions",
        "warning",
        "trust",
        [
            trust(HUB, ("DateGreaterThan", NOW, LATER), ("DateLessThan", NOW, SOONER)),
            trust(
                HUB,
                ("StringEquals", "aws:PrincipalTag/Team", "a"),
                ("StringNotEquals", "aws:PrincipalTag/Team", ["a", "b"]),
            ),
            trust(HUB, ("Null", "sts:ExternalId", "true"), external("agreed")),
            trust(
                HUB,
                ("NumericGreaterThan", "sts:DurationSeconds", "3600"),
                ("NumericLessThan", "sts:DurationSeconds", "900"),
            ),
            trust(
                HUB,
                ("IpAddress", "aws:SourceIp", "203.0.113.0/24"),
                ("NotIpAddress", "aws:SourceIp", "203.0.0.0/16"),
            ),
        ],
        trust(
            HUB,
            ("DateGreaterThan", NOW, SOONER),
            ("DateLessThan", NOW, LATER),
            ("StringLike", "aws:PrincipalTag/Team", "a*"),
            ("StringNotEquals", "aws:PrincipalTag/Team", "ab"),
            ("NumericGreaterThan", "aws:PrincipalTag/Share", "0.1"),
            ("NumericLessThan", "aws:PrincipalTag/Share", "0.9"),
            ("IpAddress", "aws:SourceIp", "203.0.0.0/16"),
            ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"),
        ),
    ),
    (
        "condition-of-other-caller",
        "warning",
        "trust",
        [
            trust(VENDOR, ("StringEquals", "aws:PrincipalAccount", "555555555555")),
            trust(HUB, ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::555555555555:role/*")),
        ],
        trust(VENDOR, ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::444444444444:role/*")),
    ),
    (
        "missing-key-passes",
        "widens",
        "trust",
        [
            trust(HUB, ("ForAllValues:StringLike", "aws:PrincipalOrgPaths", f"{ORG}/r-0001/*")),
            trust(HUB, ("StringEqualsIfExists", "aws:PrincipalTag/Team", "a")),
        ],
        trust(
            HUB,
            ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORG}/r-0001/*"),
            ("ForAllValues:StringEquals", "aws:TagKeys", "Team"),
        ),
    ),
    (
        "external-id-not-checked",
        "widens",
        "trust",
        [
            trust(VENDOR, external("*", "StringLike")),
            trust(VENDOR, external("agreed", "StringEqualsIfExists")),
            trust(VENDOR, external("agreed", "StringNotEquals")),
            trust(VENDOR, ("Null", "sts:ExternalId", "false")),
            trust(VENDOR, external("agreed", "ForAllValues:StringEquals")),
            policy(lets(VENDOR, external("agreed")), SECOND),
        ],
        policy(lets(VENDOR, external("agreed")), lets(VENDOR, action="sts:TagSession")),
    ),
    (
        "external-id-pattern",
        "note",
        "trust",
        [trust(VENDOR, external("acme-*", "StringLike"))],
        trust(VENDOR, external("acme-1", "StringLike")),
    ),
    (
        "external-id-impossible",
        "warning",
        "trust",
        [
            trust(VENDOR, external("acme 1")),
            trust(VENDOR, external("<EXTERNAL_ID>")),
            trust(VENDOR, external("a")),
            trust(VENDOR, external("acme\u00e9")),
            trust(VENDOR, external("ac me*", "StringLike")),
        ],
        trust(VENDOR, external("a+b=c,d.e@f:g/h-i_")),
    ),
    (
        "confused-deputy",
        "note",
        "trust",
        [trust(S3), trust(S3, ("ArnLike", "aws:SourceArn", "arn:aws:s3:*:*:*"))],
        trust(S3, SOURCE),
    ),
    ("confused-deputy", "note", "trust", [trust({"Service": "cloudtrail.amazonaws.com"})], trust(EC2)),
    (
        "service-for-everyone",
        "widens",
        "resource",
        [
            queue({"Service": "sns.amazonaws.com"}),
            queue({"Service": "sns.amazonaws.com"}, ("ArnLike", "aws:SourceArn", "arn:aws:sns:*:*:*")),
        ],
        queue(
            {"Service": "sns.amazonaws.com"},
            ("ArnEquals", "aws:SourceArn", "arn:aws:sns:eu-west-1:222222222222:t"),
        ),
    ),
    (
        "service-for-everyone",
        "widens",
        "resource",
        [
            guarded_queue(("Bool", "aws:SecureTransport", "false")),
            guarded_queue(("StringNotEquals", "aws:SourceAccount", "222222222222"), Principal=S3),
            queue(
                {"Service": "sns.amazonaws.com"},
                ("StringEqualsIfExists", "aws:SourceAccount", "222222222222"),
            ),
        ],
        guarded_queue(
            ("StringNotEqualsIfExists", "aws:SourceOrgID", ORG), ("Bool", "aws:PrincipalIsAWSService", "true")
        ),
    ),
    (
        "service-for-everyone",
        "widens",
        "resource",
        [guarded_queue(("StringNotEquals", "aws:SourceAccount", "222222222222"), Action="sqs:GetQueueUrl")],
        queue(
            {"Service": "sns.amazonaws.com"},
            ("StringEqualsIfExists", "aws:SourceAccount", "222222222222"),
            ("Null", "aws:SourceAccount", "false"),
        ),
    ),
    (
        "raises-itself",
        "widens",
        "identity",
        [
            may("iam:PutRolePolicy", ANY_ROLES),
            may("iam:Attach*", ANY_ROLES),
            may("iam:*Policy", ANY_ROLES),
            may(["s3:GetObject", "iam:UpdateAssumeRolePolicy"], ANY_ROLES),
            may("iam:CreateAccessKey", "*"),
            may("iam:CreatePolicyVersion", "arn:aws:iam::222222222222:policy/reader"),
        ],
        may(
            "iam:PutRolePolicy",
            ANY_ROLES,
            ("StringEquals", "iam:PermissionsBoundary", "arn:aws:iam::2:policy/b"),
        ),
    ),
    (
        "raises-itself",
        "widens",
        "identity",
        [
            may("iam:CreateAccessKey", "arn:aws:iam::222222222222:user/*"),
            # The user al may then make keys of alice.
            may("iam:CreateAccessKey", "arn:aws:iam::222222222222:user/${aws:username}*"),
        ],
        may("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}"),
    ),
    (
        "raises-itself",
        "widens",
        "identity",
        [
            may("iam:AttachRolePolicy", ANY_ROLES, ("ArnLike", "iam:PolicyARN", "*")),
            may("iam:AttachRolePolicy", ANY_ROLES, ("ArnLike", "iam:PolicyARN", "arn:aws:iam::aws:policy/*")),
            may("iam:AttachRolePolicy", ANY_ROLES, ("Null", "iam:PermissionsBoundary", "false")),
        ],
        may("iam:AttachRolePolicy", ANY_ROLES, ("ArnLike", "iam:PolicyARN", "arn:aws:iam::*:policy/team-*")),
    ),
    (
        "passes-any-role",
        "widens",
        "identity",
        [
            may("iam:PassRole", "*"),
            may("iam:Pass*", ANY_ROLES),
            may("iam:PassRole", "arn:aws:iam::222222222222:role*"),
        ],
        may("iam:PassRole", "arn:aws:iam::222222222222:role/app"),
    ),
    (
        "passes-role",
        "note",
        "identity",
        [may("iam:PassRole", "arn:aws:iam::222222222222:role/app-*")],
        may("iam:GetRole", "arn:aws:iam::222222222222:role/app-*"),
    ),
    (
        "denies-its-own",
        "warning",
        "trust",
        [
            policy(
                OWN_ALLOW, deny(("StringNotEquals", "aws:PrincipalOrgID", ORG), Action="sts:*", **EVERYWHERE)
            ),
            policy(lets(EC2), deny(OUTSIDE, Action="sts:AssumeRole", **EVERYWHERE)),
        ],
        policy(
            OWN_ALLOW,
            deny(("StringNotEquals", "aws:PrincipalOrgID", ORG), Action="sts:AssumeRole", **EVERYWHERE),
        ),
    ),
    (
        "perimeter-blocks-sign-in",
        "warning",
        "resource control",
        [shut(OUTSIDE, Action="sts:*", **EVERYWHERE), shut(OUTSIDE, NO_SERVICE, **EVERYWHERE)],
        shut(OUTSIDE, NO_SERVICE, Action="sts:AssumeRole", **EVERYWHERE),
    ),
    (
        "perimeter-blocks-services",
        "warning",
        "resource control",
        [shut(OUTSIDE, Action="s3:*", **EVERYWHERE)],
        shut(OUTSIDE, NO_SERVICE, Action="s3:*", **EVERYWHERE),
    ),
    (
        "region-lock-on-global-services",
        "warning",
        "service control",
        [shut(HERE)],
        policy(NO_ACTION | when(HERE)),
    ),
    (
        "region-lock-on-sts",
        "warning",
        "service control",
        [shut(HERE), policy({**NO_ACTION, "NotAction": GLOBAL[:1]} | when(HERE))],
        shut(("StringNotEquals", "aws:RequestedRegion", ["eu-west-1", "us-east-1"])),
    ),
    (
        "region-of-global-service",
        "warning",
        "identity",
        [may("iam:GetRole", ROLE, ("StringEquals", "aws:RequestedRegion", "eu-west-1"))],
        may("sqs:SendMessage", QUEUE, ("StringEquals", "aws:RequestedRegion", "eu-west-1")),
    ),
    (
        "denies-forwarded-calls",
        "note",
        "identity",
        [shut(("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"))],
        shut(("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"), ("Bool", "aws:ViaAWSService", "false")),
    ),
    (
        "any-address",
        "note",
        "trust",
        [
            trust(HUB, ("IpAddress", "aws:SourceIp", ["0.0.0.0/1", "128.0.0.0/1"])),
            trust(HUB, ("IpAddress", "aws:SourceIp", ["0.0.0.0/2", "64.0.0.0/2", "128.0.0.0/1"])),
            trust(HUB, ("IpAddress", "aws:SourceIp", ["::/1", "8000::/1"])),
        ],
        trust(HUB, ("IpAddress", "aws:SourceIp", ["0.0.0.0/1", "128.0.0.0/2"])),
    ),
    (
        "private-address",
        "warning",
        "identity",
        [shut(("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8"]))],
        shut(("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "203.0.113.0/24"])),
    ),
    (
        "refused-policy",
        "warning",
        "trust",
        [
            trust(HUB, ("Bool", "aws:SecureTransport", "yes")),
            trust(HUB, ("NumericEquals", "sts:DurationSeconds", "x")),
            trust(HUB, ("DateLessThan", NOW, "tomorrow")),
        ],
        trust(HUB),
    ),
]
ROWS = [(code, severity, kind, bad, good) for code, severity, kind, many, good in CASES for bad in many]


@pytest.mark.parametrize(("code", "severity", "kind", "bad", "good"), ROWS)
def test_a_policy_has_the_finding_or_not(code: str, severity: str, kind: str, bad: Any, good: Any) -> None:
    of = ROLE if kind == "trust" else ""
    found = {each.code: each for each in lint_policy(bad, kind=kind, of=of).found}

    assert found[code].severity == severity
    assert code not in {each.code for each in lint_policy(good, kind=kind, of=of).found}


def test_every_such_rule_has_a_case() -> None:
    assert {rule.code for rule in RULES} - {code for code, *_ in CASES} == set()


STRANGE: list[tuple[str, Any]] = [
    ("BoolIfExists", ("BoolIfExists", "aws:PrincipalIsAWSService", "true")),
    ("StringEquals", OURS),
    ("Bool", ("Bool", "aws:PrincipalIsAWSService", "true")),
    ("Account", SOURCE),
    ("Arn", ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::111111111111:role/ci-*")),
    ("Account", ("StringEquals", "aws:PrincipalAccount", ["111111111111", "222222222222"])),
    ("Paths", ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", f"{ORG}/r-0001/*")),
    ("Own", ("StringEquals", "aws:PrincipalOrgID", "${aws:ResourceOrgID}")),
    ("Address", ("IpAddress", "aws:SourceIp", "203.0.113.0/24")),
    ("Vpc", ("StringEquals", "aws:SourceVpce", "vpce-0a1b")),
    ("Service", ("StringEquals", "aws:PrincipalServiceName", "cloudtrail.amazonaws.com")),
]
OPEN: list[tuple[str, Any]] = [
    ("Arn", ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/ci-*")),
    ("Any", ("StringLike", "aws:PrincipalOrgID", "*")),
    ("Address", ("IpAddress", "aws:SourceIp", ["0.0.0.0/1", "128.0.0.0/1"])),
    ("Account", ("StringLike", "aws:PrincipalAccount", "*")),
    ("Tls", ("Bool", "aws:SecureTransport", "true")),
    ("Tag", ("StringEquals", "aws:PrincipalTag/Team", "a")),
    ("Name", ("StringEquals", "aws:username", "alice")),
    ("False", ("Bool", "aws:PrincipalIsAWSService", "false")),
    ("Null", ("Null", "aws:PrincipalOrgID", "false")),
    ("Missing", ("StringEqualsIfExists", "aws:PrincipalOrgID", ORG)),
]


@pytest.mark.parametrize(("name", "condition"), STRANGE)
def test_a_condition_that_names_owners_narrows_everyone(name: str, condition: Any) -> None:
    found = [each.code for each in lint_policy(trust("*", condition), kind="trust", of=ROLE).found]

    assert "everyone-trusted" not in found


@pytest.mark.parametrize(("name", "condition"), OPEN)
def test_a_condition_that_a_stranger_meets_narrows_nobody(name: str, condition: Any) -> None:
    found = [each.code for each in lint_policy(trust("*", condition), kind="trust", of=ROLE).found]

    assert "everyone-trusted" in found


def test_a_deny_that_keeps_strangers_out_narrows_everyone() -> None:
    outside = deny(OUTSIDE, Action="sts:AssumeRole", **EVERYWHERE)
    del outside["Resource"]
    found = [each.code for each in lint_policy(policy(lets("*"), outside), kind="trust", of=ROLE).found]

    assert "everyone-trusted" not in found


@pytest.mark.parametrize(
    "condition",
    [
        external("acme 1"),
        external("*"),
        ("StringEquals", "aws:PrincipalAccount", "555555555555"),
        ("StringEquals", "aws:PrincipleOrgID", ORG),
        ("StringEquals", f"{GITHUB}:sub", "repo:acme/app:ref:refs/heads/main"),
        ("Bool", "aws:PrincipalOrgID", "true"),
    ],
)
def test_a_statement_that_lets_nobody_in_widens_nothing(condition: Any) -> None:
    found = lint_policy(trust(VENDOR, condition), kind="trust", of=ROLE).found

    assert found != ()
    assert [each.code for each in found if each.severity == "widens"] == []


def test_an_external_id_that_cannot_be_passed_is_not_shown() -> None:
    assert "hunter" not in str(lint_policy(trust(VENDOR, external("hunter 2")), kind="trust", of=ROLE))


def test_a_vendors_machine_user_needs_no_console() -> None:
    user = "arn:aws:iam::444444444444:user/k1zz-s-p2ab3456"
    found = [each.code for each in lint_policy(trust(user, external("agreed")), kind="trust", of=ROLE).found]

    assert found == []
