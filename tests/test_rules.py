"""The lint rules on policies, each with a policy that has the finding and one that does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.grammar import GRAMMARS
from xacct_nb.linting.findings import lint_policy
from xacct_nb.linting.rules.condition_blocks import CONDITION_RULES
from xacct_nb.linting.rules.elements import NEGATION_RULES, REFUSAL, SUBJECT_RULES
from xacct_nb.linting.rules.grant import GRANT_RULES
from xacct_nb.linting.rules.permissions import PERMISSION_RULES
from xacct_nb.linting.rules.principals import PRINCIPAL_RULES
from xacct_nb.linting.rules.rule import SEVERITIES

RULES = (*SUBJECT_RULES, *PRINCIPAL_RULES, *CONDITION_RULES, *NEGATION_RULES, *PERMISSION_RULES, REFUSAL)
ALICE = "arn:aws:iam::111111111111:user/alice"
OWN = "arn:aws:iam::222222222222:user/bob"
HUB = "arn:aws:iam::111111111111:role/hub"
ROOT = "arn:aws:iam::111111111111:root"
ROLE = "arn:aws:iam::222222222222:role/reports-reader"
SESSION = "arn:aws:sts::111111111111:assumed-role/hub/alice"
AGREED = {"StringEquals": {"sts:ExternalId": "agreed"}}
OURS = {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}


def trust(who: Any, *conditions: dict[str, Any], **elements: Any) -> dict[str, Any]:
    usual = {"Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole"}
    return policy({**usual, **elements, **condition(conditions)})


def identity(action: Any, resource: Any, *conditions: dict[str, Any], **elements: Any) -> dict[str, Any]:
    usual = {"Effect": "Allow", "Action": action, "Resource": resource}
    return policy({**usual, **elements, **condition(conditions)})


def bucket(who: Any, *conditions: dict[str, Any]) -> dict[str, Any]:
    return identity("s3:GetObject", "arn:aws:s3:::reports/*", *conditions, Principal={"AWS": who})


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [*statements]}


def condition(operators: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    return (
        {"Condition": {name: keys for each in operators for name, keys in each.items()}} if operators else {}
    )


def without(document: dict[str, Any], element: str) -> dict[str, Any]:
    """The policy, or its first statement, without this element."""
    (first, *others) = document["Statement"]
    left = {name: value for name, value in document.items() if name != element}
    fewer = {name: value for name, value in first.items() if name != element}
    return {name: [fewer, *others] if name == "Statement" else value for name, value in left.items()}


def has(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {operator: {key: value}}


def public_but(*conditions: dict[str, Any], denied: Any = "s3:*") -> dict[str, Any]:
    """A bucket policy that lets everybody read and write, and denies some actions under these conditions."""
    everybody = {"Principal": "*", "Resource": "arn:aws:s3:::reports/*"}
    return policy(
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], **everybody},
        {"Effect": "Deny", "Action": denied, **everybody, **condition(conditions)},
    )


MFA, NO_MFA = ("aws:MultiFactorAuthPresent", "true"), ("aws:MultiFactorAuthPresent", "false")
BUT_ALICE = {"NotPrincipal": {"AWS": ALICE}}
SSO = "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Reader_0123"
SAML = {"Principal": {"Federated": "arn:aws:iam::222222222222:saml-provider/okta"}}
# Code, severity, kind; a policy that has the finding, a policy that has it not.
CASES: list[tuple[str, str, str, Any, Any]] = [
    ("everyone-trusted", "widens", "trust", trust("*"), trust("*", OURS)),
    ("everyone-trusted", "widens", "trust", trust("*", Principal="*"), trust(ALICE)),
    ("everyone-trusted", "widens", "trust", trust("*", AGREED), trust(ALICE, AGREED)),
    ("everyone-trusted", "widens", "trust",
     trust("*", has("StringEqualsIfExists", "aws:PrincipalOrgID", "o-abcdefghij")), trust("*", OURS)),
    ("everyone-trusted", "widens", "resource", bucket("*"), bucket("*", OURS)),
    ("everyone-trusted", "widens", "resource",
     bucket("*", has("ForAllValues:StringLike", "aws:PrincipalOrgPaths", "o-abcdefghij/r-ab12/*")),
     bucket("*", has("ForAllValues:StringLike", "aws:PrincipalOrgPaths", "o-abcdefghij/r-ab12/*"),
            has("Null", "aws:PrincipalOrgPaths", "false"))),
    ("everyone-trusted", "widens", "resource",
     bucket("*", has("ArnLike", "aws:SourceArn", "arn:aws:s3:*:*:*")),
     bucket("*", has("ArnLike", "aws:SourceArn", "arn:aws:s3:*:*:uploads"))),
    # Strangers choose their tags, their MFA and what they know of external IDs.
    ("everyone-trusted", "widens", "resource",
     public_but(has("StringNotEquals", "aws:PrincipalTag/team", "blue")),
     public_but(has("StringNotEquals", "aws:PrincipalOrgID", "o-abcdefghij"))),
    ("everyone-trusted", "widens", "resource", public_but(has("BoolIfExists", *NO_MFA)),
     public_but(has("StringNotLike", "aws:userid", "AROAEXAMPLEEXAMPLE123:*"))),
    ("everyone-trusted", "widens", "resource",
     public_but(has("ForAnyValue:StringNotLike", "aws:PrincipalOrgPaths", "o-abcdefghij/*")),
     public_but(has("ForAllValues:StringNotLike", "aws:PrincipalOrgPaths", "o-abcdefghij/*"))),
    ("everyone-trusted", "widens", "resource",
     public_but(has("StringNotEquals", "aws:SourceVpce", "vpce-0abc"), denied="s3:GetObject"),
     public_but(has("StringNotEquals", "aws:SourceVpce", "vpce-0abc"), denied=["s3:GetObject", "s3:Put*"])),
    ("whole-account-trust", "widens", "trust", trust(ROOT, has("StringLike", "aws:userid", "*:deploy")),
     trust(ROOT, has("StringLike", "aws:userid", "AROAEXAMPLEEXAMPLE123:*"))),
    ("whole-account-trust", "widens", "trust",
     trust(ROOT, has("StringLike", "aws:username", ["alice", "*"])),
     trust(ROOT, has("StringLike", "aws:username", "al*"))),
    ("whole-account-trust", "widens", "trust",
     trust(ROOT, has("StringEqualsIfExists", "aws:username", "alice")),
     trust(ROOT, has("ArnEqualsIfExists", "aws:PrincipalArn", HUB))),
    ("whole-account-trust", "widens", "trust", trust(ROOT, AGREED), trust(ALICE)),
    ("whole-account-trust", "widens", "trust", trust("111111111111"),
     trust("111111111111", has("ArnLike", "aws:PrincipalArn", "arn:aws:iam::111111111111:role/ci-*"))),
    ("whole-account-trust", "widens", "trust", trust(ROOT, Action="sts:Assume*"),
     trust(ROOT, Effect="Deny")),
    ("no-external-id", "note", "trust", trust(HUB), trust(HUB, AGREED)),
    ("no-external-id", "note", "trust", trust(ROOT), trust(ROOT, OURS)),
    ("no-external-id", "note", "trust", trust(HUB), trust(ALICE)),
    ("no-external-id", "note", "trust", trust(HUB), trust("arn:aws:iam::222222222222:role/near")),
    ("wildcard-in-principal", "warning", "trust", trust("arn:aws:iam::111111111111:user/*"), trust(ALICE)),
    ("wildcard-in-principal", "warning", "resource", bucket("arn:aws:iam::*:root"), bucket(ALICE)),
    ("group-as-principal", "warning", "trust",
     trust([ALICE, "arn:aws:iam::111111111111:group/devs"]), trust(ALICE)),
    ("session-as-principal", "warning", "trust", trust(SESSION), trust(HUB)),
    ("deleted-principal", "warning", "trust", trust("AIDAABCDEFGHIJKLMNOPQ"), trust(ALICE)),
    ("deleted-principal", "warning", "trust", trust("AROAABCDEFGHIJKLMNOPQ"), trust(HUB)),
    ("allow-not-principal", "widens", "trust",
     without(trust(ALICE, **BUT_ALICE), "Principal"), trust(ALICE)),
    ("deny-not-principal", "note", "resource",
     without(identity("s3:*", "arn:aws:s3:::reports/*", Effect="Deny", **BUT_ALICE), "Principal"),
     identity("s3:*", "arn:aws:s3:::reports/*", Effect="Deny", Principal="*")),
    ("sso-role-without-path", "warning", "trust",
     trust("arn:aws:iam::111111111111:role/AWSReservedSSO_Reader_0123"), trust(SSO)),
    ("sso-role-named", "note", "trust", trust(SSO), trust(HUB)),
    ("mismatched-action", "warning", "trust",
     trust(ALICE, Action="sts:AssumeRoleWithSAML"), trust(ALICE, Action="sts:TagSession")),
    ("mismatched-action", "warning", "trust",
     trust("", **SAML), trust("", **SAML, Action="sts:AssumeRoleWithSAML")),
    ("key-of-services", "warning", "trust",
     trust(ALICE, has("ArnLike", "aws:SourceArn", "arn:aws:s3:::b")),
     trust(ALICE, has("ArnLikeIfExists", "aws:SourceArn", "arn:aws:s3:::b"))),
    ("key-of-services", "warning", "trust",
     trust(ALICE, has("StringEquals", "AWS:SourceAccount", "111111111111")),
     trust(ALICE, has("StringNotEquals", "aws:SourceAccount", "111111111111"))),
    ("key-of-services", "warning", "trust",
     trust(ALICE, has("Null", "aws:SourceArn", "false")), trust(ALICE, has("Null", "aws:SourceArn", "true"))),
    ("key-of-services", "warning", "trust",
     trust(ALICE, has("StringEquals", "aws:SourceAccount", "111111111111")),
     trust("", has("StringEquals", "aws:SourceAccount", "111111111111"),
           Principal={"Service": "ec2.amazonaws.com"})),
    ("session-as-principal-arn", "warning", "trust",
     trust(HUB, has("ArnLike", "aws:PrincipalArn", SESSION)),
     trust(HUB, has("ArnLike", "aws:PrincipalArn", HUB))),
    ("session-as-principal-arn", "warning", "identity",
     identity("s3:GetObject", "arn:aws:s3:::b/*", has("ArnNotLike", "aws:PrincipalArn", SESSION)),
     identity("s3:GetObject", "arn:aws:s3:::b/*", has("ArnNotLike", "aws:PrincipalArn", HUB))),
    ("mfa-in-chain", "warning", "trust", trust(HUB, has("Bool", *MFA)), trust(ALICE, has("Bool", *MFA))),
    ("mfa-in-chain", "warning", "trust",
     trust(HUB, has("NumericLessThan", "aws:MultiFactorAuthAge", "3600")),
     trust(HUB, has("NumericLessThanIfExists", "aws:MultiFactorAuthAge", "3600"))),
    ("mfa-in-chain", "warning", "trust",
     trust(HUB, has("Bool", "aws:MultiFactorAuthPresent", True)),
     trust(HUB, has("Bool", *MFA), Effect="Deny")),
    ("mfa-needs-serial", "note", "trust", trust(ALICE, has("Bool", *MFA)), trust(HUB, has("Bool", *MFA))),
    ("mfa-absent-not-false", "warning", "identity",
     identity("*", "*", has("Bool", *NO_MFA), Effect="Deny"),
     identity("*", "*", has("BoolIfExists", *NO_MFA), Effect="Deny")),
    ("mfa-absent-not-false", "warning", "trust",
     trust(ALICE, has("Bool", *NO_MFA)), trust(ALICE, has("Bool", *MFA))),
    ("mfa-if-exists", "widens", "trust",
     trust(ALICE, has("BoolIfExists", *MFA)), trust(ALICE, has("Bool", *MFA))),
    ("not-in-console", "note", "trust", trust(OWN, AGREED), trust(ALICE, AGREED)),
    ("not-in-console", "note", "trust", trust(SSO, AGREED), trust(HUB, AGREED)),
    ("not-in-console", "note", "trust",
     trust(SSO, has("StringLike", "sts:SourceIdentity", "*")), trust(SSO)),
    ("source-identity-in-chain", "note", "trust",
     trust(HUB, has("StringEquals", "sts:SourceIdentity", "alice")),
     trust(ALICE, has("StringEquals", "sts:SourceIdentity", "alice"))),
    ("session-name-to-set", "note", "trust",
     trust(ALICE, has("StringLike", "sts:RoleSessionName", "${aws:username}")),
     trust(ALICE, has("StringLike", "sts:RoleSessionName", ["alice", "botocore-*"]))),
    ("name-of-users-only", "warning", "trust",
     trust(HUB, has("StringLike", "sts:RoleSessionName", "${aws:username}")),
     trust(ALICE, has("StringLike", "sts:RoleSessionName", "${aws:username}"))),
    ("external-id-on-both-sides", "note", "identity",
     identity("sts:AssumeRole", ROLE, AGREED), identity("sts:AssumeRole", ROLE)),
    ("private-address", "warning", "identity",
     identity("sts:AssumeRole", ROLE, has("IpAddress", "aws:SourceIp", "192.168.1.0/24")),
     identity("sts:AssumeRole", ROLE, has("NotIpAddress", "aws:SourceIp", "192.168.1.0/24"))),
    ("any-address", "note", "trust",
     trust(ALICE, has("IpAddress", "aws:SourceIp", ["::/0"])),
     trust(ALICE, has("IpAddress", "aws:SourceIp", ["2001:db8::/32"]))),
    ("action-for-condition", "warning", "trust",
     trust(HUB, has("StringEquals", "sts:SourceIdentity", "alice")),
     trust(HUB, has("StringEquals", "sts:SourceIdentity", "alice"),
           Action=["sts:AssumeRole", "sts:SetSourceIdentity"])),
    ("action-for-condition", "warning", "trust",
     trust(HUB, has("StringEquals", "aws:RequestTag/Team", "a")),
     policy(*trust(HUB, has("StringEquals", "aws:RequestTag/Team", "a"))["Statement"],
            *trust(HUB, Action="sts:TagSession")["Statement"])),
    ("allow-not-action", "widens", "identity",
     without(identity("", "arn:aws:s3:::b", NotAction="iam:*"), "Action"),
     without(identity("", "arn:aws:s3:::b", NotAction="iam:*", Effect="Deny"), "Action")),
    ("allow-not-resource", "widens", "identity",
     without(identity("s3:GetObject", "", NotResource="arn:aws:s3:::b/*"), "Resource"),
     without(identity("s3:GetObject", "", NotResource="arn:aws:s3:::b/*", Effect="Deny"), "Resource")),
    ("old-version", "note", "trust", without(trust(ALICE), "Version"), trust(ALICE)),
    ("old-version", "note", "trust", {**trust(ALICE), "Version": "2008-10-17"}, trust(ALICE)),
    ("literal-variables", "warning", "identity",
     without(identity("s3:GetObject", "arn:aws:s3:::b/${aws:username}/*"), "Version"),
     identity("s3:GetObject", "arn:aws:s3:::b/${aws:username}/*")),
    ("long-trust-policy", "warning", "trust",
     trust([f"{ALICE}{number:030}" for number in range(40)]), trust([ALICE])),
    ("long-policy", "warning", "identity",
     identity("s3:GetObject", [f"arn:aws:s3:::b/{number:050}" for number in range(99)]),
     identity("s3:GetObject", [f"arn:aws:s3:::b/{number:050}" for number in range(80)])),
    ("partitions-mixed", "warning", "trust",
     trust([ALICE, "arn:aws-cn:iam::111111111111:user/alice"]), trust([ALICE, HUB])),
    ("partitions-mixed", "warning", "trust", trust("arn:aws-cn:iam::111111111111:user/alice"), trust(ALICE)),
    ("partition-unknown", "warning", "identity",
     identity("s3:GetObject", "arn:aws-uk:s3:::b/*"), identity("s3:GetObject", "arn:*:s3:::b/*")),
    ("wildcard-action", "widens", "identity",
     identity("s3:*", "arn:aws:s3:::b/*"), identity("s3:*", "arn:aws:s3:::b/*", Effect="Deny")),
    ("wildcard-resource", "widens", "identity",
     identity("s3:ListBucket", "*"), identity("s3:ListBucket", "*", Effect="Deny")),
    ("any-role", "widens", "identity",
     identity("sts:*", "arn:aws:iam::*:role/*"), identity("iam:GetRole", "arn:aws:iam::*:role/*")),
    ("any-role", "widens", "identity",
     identity("sts:AssumeRole", "arn:aws:iam::222222222222:r*"),
     identity("sts:AssumeRole", "arn:aws:iam::222222222222:role/ci-*")),
    ("unknown-region", "warning", "identity",
     identity("sqs:SendMessage", "arn:aws:sqs:cn-north-1:222222222222:q"),
     identity("sqs:SendMessage", "arn:aws:sqs:ap-southeast-5:222222222222:q")),
    ("unknown-region", "warning", "identity",
     identity("sqs:SendMessage", "arn:aws:sqs:europe:222222222222:q"),
     identity("sqs:SendMessage", "arn:aws:sqs:eu-*:222222222222:q")),
    ("resource-elsewhere", "note", "identity",
     identity("sqs:SendMessage", "arn:aws:sqs:eu-west-1:333333333333:q"),
     identity("sqs:SendMessage", "arn:aws:sqs:eu-west-1:222222222222:q")),
    ("action-beside-resource", "warning", "identity",
     identity(["s3:PutObject"], "arn:aws:s3:::reports"),
     identity(["s3:PutObject"], "arn:aws:s3:eu-west-1:222222222222:accesspoint/reports")),
    ("action-beside-resource", "warning", "identity", identity("s3:GetObject", "arn:aws:s3:::repor?s"),
     # A * may stand for a bucket, a slash and the front of a name.
     identity("s3:GetObject", "arn:aws:s3:::*.csv")),
    ("service-not-named", "warning", "resource control",
     identity("*", "*", OURS, Effect="Deny", Principal="*"),
     identity(["s3:*", "sts:Assume*"], "*", OURS, Effect="Deny", Principal="*")),
    ("refused-policy", "warning", "identity", identity("GetObject", "*"), identity("s3:GetObject", "*")),
    ("refused-policy", "warning", "trust", without(trust(ALICE), "Effect"), trust(ALICE)),
    ("refused-policy", "warning", "trust", [], trust(ALICE)),
    ("refused-policy", "warning", "trust",
     trust(ALICE, has("StringSame", "aws:SourceIp", "x")), trust(ALICE)),
    ("refused-policy", "warning", "trust", trust(ALICE, Action="s3:GetObject"), trust(ALICE)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "severity", "kind", "bad", "good"), CASES)
def test_a_policy_has_the_finding_or_not(code: str, severity: str, kind: str, bad: Any, good: Any) -> None:
    found = {each.code: each for each in lint_policy(bad, kind=kind, of=ROLE).found}

    assert found[code].severity == severity
    assert code not in {each.code for each in lint_policy(good, kind=kind, of=ROLE).found}


def test_every_rule_has_a_case() -> None:
    assert {rule.code for rule in RULES} - {code for code, *_ in CASES} == set()


def test_every_rule_has_a_code_of_its_own() -> None:
    codes = [rule.code for rule in (*RULES, *GRANT_RULES)]

    assert sorted(codes) == sorted(set(codes))


def test_a_good_policy_of_each_kind_has_no_findings() -> None:
    assert lint_policy(trust(ALICE), kind="trust", of=ROLE).found == ()
    assert lint_policy(identity("s3:GetObject", "arn:aws:s3:::reports/*"), kind="identity").found == ()
    assert lint_policy(bucket(ALICE), kind="resource").found == ()


def test_a_location_names_the_statement_and_its_sid() -> None:
    document = policy(*trust(ALICE)["Statement"], *trust(SESSION, Sid="Second")["Statement"])
    (found,) = lint_policy(document, kind="trust").found

    assert found.where == f"trust policy, Statement[1] (Second).Principal: {SESSION}"


def test_a_refusal_has_the_parsers_reason() -> None:
    (found,) = lint_policy(without(trust(ALICE), "Effect"), kind="trust").found

    assert found.where == "trust policy, Statement[0].Effect"
    assert found.why == "AWS refuses the policy: it is missing."


def test_a_refusal_that_a_rule_explains_is_reported_once() -> None:
    found = lint_policy(trust("arn:aws:iam::111111111111:user/*"), kind="trust").found

    assert [each.code for each in found] == ["wildcard-in-principal"]


def test_an_external_id_is_in_no_finding() -> None:
    hidden = trust(HUB, has("NumericEquals", "sts:ExternalId", "hunter2"), has("Bool", *MFA))

    assert "refused-policy" in str(lint_policy(hidden, kind="trust"))
    assert "hunter2" not in str(lint_policy(hidden, kind="trust"))


texts = st.sampled_from(
    [
        *("Allow", "Deny", "*", "sts:AssumeRole", "s3:*", "true", "{it}", "${aws:username}", "2012-10-17"),
        *(ALICE, HUB, ROOT, SESSION, "", "arn:", "arn:aws:s3:::b", "10.0.0.0/8", "Statement[0]"),
        *("arn:aws:iam::1:oidc-provider/gitlab.com", "cognito-identity.amazonaws.com", "s3.amazonaws.com"),
        *(
            "iam:Pass*",
            "s3:Nothing",
            "nothing:Get",
            "sts:AssumeRoleWithWebIdentity",
            "0.0.0.0/1",
            "o-x/",
            "2026",
        ),
    ]
)
names = st.sampled_from(
    [
        *("Version", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"),
        *("Resource", "NotResource", "Condition", "AWS", "Service", "Bool", "Null", "IpAddress"),
        *("Federated", "StringLike", "StringNotEqualsIfExists", "ForAllValues:StringEquals", "DateLessThan"),
        *("gitlab.com:sub", "cognito-identity.amazonaws.com:amr", "SAML:aud", "aws:RequestedRegion"),
        *("aws:PrincipalOrgID", "aws:PrincipleOrgID", "aws:CurrentTime", "s3:prefix", "s3:prefx"),
        *("StringEquals", "aws:MultiFactorAuthPresent", "aws:SourceIp", "sts:ExternalId", "aws:PrincipalArn"),
    ]
)
values = st.recursive(
    texts | st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
)
documents = values | st.fixed_dictionaries(
    {"Statement": st.lists(st.dictionaries(names, values), max_size=3)}, optional={"Version": texts}
)


@given(documents, st.sampled_from(sorted(GRAMMARS)), st.sampled_from(["", ROLE]))
def test_any_pasted_policy_gets_complete_findings(document: Any, kind: str, of: str) -> None:
    found = [] if isinstance(document, str) else lint_policy(document, kind=kind, of=of).found

    assert [each for each in found if not (each.where and each.why and each.mend)] == []
    assert [each for each in found if each.severity not in SEVERITIES] == []


def decided(who: str, document: dict[str, Any], **keys: str) -> bool:
    """Whether the evaluator allows this caller, whose own side allows it."""
    own = [policy({"Effect": "Allow", "Action": "sts:*", "Resource": "*"})]
    return evaluate(who, "sts:AssumeRole", ROLE, keys, own, document).allowed


AS_ALICE = {"aws:username": "alice", "sts:RoleSessionName": "alice"}
WITH_MFA = {"aws:MultiFactorAuthPresent": "true"}
# Conditions reported as never holding: a caller, its keys, a policy that has one; one that does not.
NEVER = [
    (SESSION, {}, trust(HUB, has("Bool", *MFA)), trust(HUB)),
    (ALICE, {}, trust(ALICE, has("Bool", *NO_MFA)), trust(ALICE, has("BoolIfExists", *NO_MFA))),
    (ALICE, {}, trust(ALICE, has("Bool", *MFA)), trust(ALICE, has("BoolIfExists", *MFA))),
    (ALICE, WITH_MFA, trust(ALICE, has("Bool", *NO_MFA)), trust(ALICE, has("Bool", *MFA))),
    (
        ALICE,
        {},
        trust(ALICE, has("StringEquals", "aws:SourceAccount", "111111111111")),
        trust(ALICE, has("StringNotEquals", "aws:SourceAccount", "111111111111")),
    ),
    (
        SESSION,
        {"aws:PrincipalArn": HUB},
        trust(ROOT, has("ArnEquals", "aws:PrincipalArn", SESSION)),
        trust(ROOT, has("ArnEquals", "aws:PrincipalArn", HUB)),
    ),
    (
        SESSION,
        {"sts:RoleSessionName": "alice"},
        trust(HUB, has("StringEquals", "sts:RoleSessionName", "${aws:username}")),
        trust(HUB, has("StringEquals", "sts:RoleSessionName", "alice")),
    ),
    (SESSION, {}, trust("arn:aws:sts::111111111111:assumed-role/hub/bob"), trust(HUB)),
    (
        ALICE,
        AS_ALICE,
        without(trust(ALICE, has("StringEquals", "sts:RoleSessionName", "${aws:username}")), "Version"),
        trust(ALICE, has("StringEquals", "sts:RoleSessionName", "${aws:username}")),
    ),
    (ALICE, {}, trust(ALICE, Action="sts:AssumeRoleWithSAML"), trust(ALICE)),
]


@pytest.mark.parametrize(("who", "keys", "never", "holds"), NEVER)
def test_a_condition_reported_as_never_holding_does_not_hold_in_the_evaluation(
    who: str, keys: dict[str, str], never: Any, holds: Any
) -> None:
    assert lint_policy(never, kind="trust", of=ROLE).found != ()
    assert not decided(who, never, **keys)
    assert decided(who, holds, **keys)
