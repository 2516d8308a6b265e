"""The findings on a grant, and which of them the grant must accept."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.examples import ALICE, READ, ROLE, SOME_POLICY, a_grant, golden
from support.sample_views import characters_of
from xacct_nb.errors import InvalidInput, OverQuota
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.naming import ADOPTED_TAG, OWNER_TAG
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.grammar import GRAMMARS
from xacct_nb.linting.findings import RULES, Analysis, lint, lint_policy
from xacct_nb.linting.rules.grant import GRANT_RULES, LIVE_GRANT_RULES
from xacct_nb.linting.rules.rule import SEVERITIES, Finding

HUB = "arn:aws:iam::111111111111:role/hub"
SSO = "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Reader_0123"
ACCOUNT = "111111111111"
OWN = {"organization_id": "o-abcdefghij"}


def codes(state: State | None = None, **fields: Any) -> list[str]:
    return [finding.code for finding in lint(build(a_grant(**fields)), state).found]


def permitting(**fields: Any) -> list[str]:
    return codes(permissions=[{**READ, **fields}])


def when(**conditions: Any) -> dict[str, Any]:
    return {"conditions": conditions}


def long_users(count: int) -> list[str]:
    return [f"arn:aws:iam::111111111111:user/{number:020d}" for number in range(count)]


def test_the_articles_case_has_no_findings() -> None:
    findings = lint(build(a_grant()))

    assert findings.found == ()
    assert str(findings) == "No findings."


def test_a_whole_account_widens_access() -> None:
    assert codes(sources=[ACCOUNT], conditions=OWN) == ["whole-account-trust"]


def test_a_whole_account_in_two_spellings_is_one_finding() -> None:
    sources = [ACCOUNT, "arn:aws:iam::111111111111:root"]

    assert codes(sources=sources, conditions=OWN) == ["whole-account-trust"]


@pytest.mark.parametrize("action", ["*", "s3:*", "s3:**", "s3:?*"])
def test_every_action_of_a_service_widens_access(action: str) -> None:
    assert permitting(actions=[action]) == ["wildcard-action"]


def test_some_actions_of_a_service_do_not() -> None:
    assert permitting(actions=["s3:Get*"]) == []


@pytest.mark.parametrize("resource", ["*", "arn:aws:s3:::*", "arn:aws:s3:::*/*", "arn:aws:sqs:*:*:*"])
def test_every_resource_widens_access(resource: str) -> None:
    assert permitting(resources=[resource]) == ["wildcard-resource"]


def test_every_object_of_a_bucket_does_not() -> None:
    assert permitting(resources=["arn:aws:s3:::reports/*"]) == []


@pytest.mark.parametrize(
    "name", ["AdministratorAccess", "PowerUserAccess", "IAMFullAccess", "job-function/SystemAdministrator"]
)
def test_a_managed_policy_that_allows_nearly_everything_widens_access(name: str) -> None:
    assert codes(managed_policies=[f"arn:aws:iam::aws:policy/{name}"]) == ["full-access-policy"]


def test_a_managed_policy_that_only_reads_does_not() -> None:
    assert codes(managed_policies=["arn:aws:iam::aws:policy/ReadOnlyAccess"]) == []


# Code, severity, place; fields of a grant that has this finding alone; fields of one that does not.
SETS = "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_ReadOnly"
GRANTS: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = [
    (
        "no-external-id", "note", "sources: 111111111111",
        {"sources": [HUB]}, {"sources": [HUB], **when(external_id="their-own")},
    ),
    (
        "mfa-in-chain", "warning", "conditions.require_mfa",
        {"sources": [HUB], **when(require_mfa=True, **OWN)}, {"sources": [HUB], **when(**OWN)},
    ),
    ("mfa-needs-serial", "note", "conditions.require_mfa", when(require_mfa=True), when(**OWN)),
    (
        "not-in-console", "note", "conditions.external_id",
        when(external_id="agreed"), {"sources": [HUB], **when(external_id="agreed")},
    ),
    ("not-in-console", "note", "conditions.source_identity", when(source_identity="alice"), {}),
    ("not-in-console", "note", "conditions.session_tags", when(session_tags={"Team": "a"}), {}),
    (
        "source-identity-in-chain", "note", "conditions.source_identity",
        {"sources": [HUB], **when(source_identity="alice", **OWN)}, {"sources": [HUB], **when(**OWN)},
    ),
    (
        "session-name-to-set", "note", "conditions.role_session_name",
        when(role_session_name="${aws:username}"), when(role_session_name="botocore-session-*"),
    ),
    (
        "private-address", "warning", "conditions.source_ips",
        when(source_ips=["10.1.0.0/16", "fd00::/8"]), when(source_ips=["10.1.0.0/16", "203.0.113.0/24"]),
    ),
    (
        "any-address", "note", "conditions.source_ips",
        when(source_ips=["0.0.0.0/0"]), when(source_ips=["203.0.113.0/24"]),
    ),
    (
        "sso-role-without-path", "warning", "sources: arn:aws:iam::111111111111:role/AWSReservedSSO_R_01",
        {"sources": ["arn:aws:iam::111111111111:role/AWSReservedSSO_R_01"], **when(**OWN)},
        {"sources": [HUB], **when(**OWN)},
    ),
    (
        "any-role", "widens", "permissions.1: arn:aws:iam::222222222222:role/*",
        {"permissions": [
            READ, {"actions": ["sts:AssumeRole"], "resources": ["arn:aws:iam::222222222222:role/*"]}
        ]},
        {"permissions": [
            {"actions": ["sts:AssumeRole"], "resources": ["arn:aws:iam::222222222222:role/reports-*"]}
        ]},
    ),
    (
        "unknown-region", "warning", "permissions.0: arn:aws:sqs:eu-central:222222222222:q",
        {"permissions": [
            {"actions": ["sqs:SendMessage"], "resources": ["arn:aws:sqs:eu-central:222222222222:q"]}
        ]},
        {"permissions": [
            {"actions": ["sqs:SendMessage"], "resources": ["arn:aws:sqs:eu-central-1:222222222222:q"]}
        ]},
    ),
    (
        "resource-elsewhere", "note", "permissions.0: arn:aws:sqs:eu-west-1:333333333333:q",
        {"permissions": [
            {"actions": ["sqs:SendMessage"], "resources": ["arn:aws:sqs:eu-west-1:333333333333:q"]}
        ]},
        {"permissions": [{"actions": ["sqs:SendMessage"], "resources": ["arn:aws:sqs:eu-west-1:*:q"]}]},
    ),
    (
        "action-beside-resource", "warning", "permissions.0: s3:GetObject",
        {"permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports"]}]},
        {"permissions": [
            {"actions": ["s3:GetObject", "s3:ListBucket"],
             "resources": ["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"]}
        ]},
    ),
    (
        "action-beside-resource", "warning", "permissions.0: s3:ListBucket",
        {"permissions": [{"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::reports/*"]}]},
        {"permissions": [{"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::reports*"]}]},
    ),
    (
        "long-trust-policy", "warning", "trust policy of role/reports-reader",
        {"sources": long_users(40)}, {"sources": long_users(31)},
    ),
    (
        "little-room", "note", "trust policy of role/reports-reader",
        {"sources": long_users(35)}, {"sources": long_users(31)},
    ),
    (
        "long-chained-session", "warning", "session_minutes: 120",
        {"sources": [HUB], "session_minutes": 120, **when(**OWN)}, {"session_minutes": 120},
    ),
    (
        "protected-role", "warning", "destinations: arn:aws:iam::222222222222:role/aws-service-role/x/r",
        {"destinations": ["arn:aws:iam::222222222222:role/aws-service-role/x/r"]},
        {"destinations": ["arn:aws:iam::222222222222:role/teams/x/r"]},
    ),
    (
        "long-name-for-console", "note", f"destinations: arn:aws:iam::222222222222:role/{'p' * 60}/reader",
        {"destinations": [f"arn:aws:iam::222222222222:role/{'p' * 60}/reader"]},
        {"destinations": [f"arn:aws:iam::222222222222:role/{'p' * 57}/reader"]},
    ),
    (
        "self-trust-missing", "warning", f"sources, for {ROLE}",
        {"permissions": [{"actions": ["sts:AssumeRole"], "resources": [ROLE]}]},
        {"permissions": [{"actions": ["sts:AssumeRole"], "resources": [ROLE]}], "sources": [ALICE, ROLE]},
    ),
    (
        "role-name-reach", "widens", "caller_reach",
        {"caller_reach": "role-name", **when(**OWN)}, when(**OWN),
    ),
    (
        "role-pattern", "note", "sources: arn:aws:iam::111111111111:role/ci-*",
        {"sources": ["arn:aws:iam::111111111111:role/ci-*"], **when(**OWN)},
        {"sources": [HUB], **when(**OWN)},
    ),
    (
        "permission-set-prefix", "note", f"sources: {SETS}_*",
        {"sources": [f"{SETS}_*"], **when(**OWN)}, {"sources": [f"{SETS}_{'?' * 16}"], **when(**OWN)},
    ),
    ("nothing-allowed", "note", "permissions", {"permissions": []}, {}),
    ("renewable-session", "note", "self_assume", {"self_assume": True}, {}),
    ("session-outlives-expiry", "note", "expires: 2027-01-31", {"expires": "2027-01-31"}, {}),
    (
        "many-attachments", "warning", "attachments of role/reports-reader",
        {"managed_policies": [f"arn:aws:iam::222222222222:policy/p{number}" for number in range(21)]},
        {"managed_policies": [f"arn:aws:iam::222222222222:policy/p{number}" for number in range(18)]},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("code", "severity", "where", "bad", "good"), GRANTS)
def test_a_grant_has_the_finding_or_not(
    code: str, severity: str, where: str, bad: dict[str, Any], good: dict[str, Any]
) -> None:
    found = [(each.code, each.severity, each.where) for each in lint(build(a_grant(**bad))).found]

    assert found == [(code, severity, where)]
    assert code not in codes(**good)


def test_a_permission_set_is_noted_and_takes_no_caller_policy() -> None:
    assert codes(sources=[SSO], **when(**OWN)) == ["protected-caller", "sso-role-named"]
    assert codes(sources=[HUB], **when(**OWN)) == []


def test_conditions_on_mfa_and_user_names_never_hold_for_a_role() -> None:
    found = codes(sources=[HUB], conditions={"role_session_name": "${aws:username}", **OWN})

    assert found == ["name-of-users-only", "session-name-to-set"]


def test_an_account_of_the_destination_is_the_owners() -> None:
    assert codes(sources=["arn:aws:iam::222222222222:role/hub"]) == []


def test_equal_roles_share_a_finding() -> None:
    roles = [f"arn:aws:iam::222222222222:role/r{number}" for number in range(3)]
    (found,) = lint(build(a_grant(sources=long_users(40), destinations=roles))).found

    assert found.where == "trust policy of role/r0 and 2 more"


def adopted(inline: Any = None, attached: str = "", **role: Any) -> State:
    """The role as another owner made it, with its policies."""
    usual = {"path": "/", "description": "", "boundary": "", "session_seconds": 3600, "tags": {}}
    resources = {ResourceKey("role", ROLE): {**usual, "trust": trusting(ALICE), **role}}
    resources |= {ResourceKey("inline-policy", ROLE, "old"): inline} if inline else {}
    return State(resources | ({ResourceKey("attachment", ROLE, attached): True} if attached else {}))


def trusting(*principals: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


BIG = {"Version": "2012-10-17", "Statement": [{"Sid": "x" * 10_100}]}
OURS = {"tags": {OWNER_TAG: "reports"}}
STATES: list[tuple[str, str, State, State]] = [
    ("shut-out", "111111111111", adopted(trust=trusting(ALICE, ACCOUNT)), adopted()),
    ("self-trust-missing", ROLE, adopted(trust=trusting(ALICE, ROLE)), adopted()),
    ("kept-permissions", "old", adopted(SOME_POLICY), adopted(SOME_POLICY, **OURS)),
    (
        "kept-full-access",
        "AdministratorAccess",
        adopted(attached="arn:aws:iam::aws:policy/AdministratorAccess"),
        adopted(attached="arn:aws:iam::aws:policy/AdministratorAccess", **OURS),
    ),
]


@pytest.mark.parametrize(("code", "named", "bad", "good"), STATES)
def test_the_live_state_has_the_finding_or_not(code: str, named: str, bad: State, good: State) -> None:
    (found,) = lint(build(a_grant(adopt=True)), bad).found

    assert found.code == code
    assert named in found.why
    assert codes(good, adopt=True) == []


def test_the_policies_that_an_adopted_role_keeps_use_its_quotas() -> None:
    state = adopted(SOME_POLICY, tags={OWNER_TAG: "reports", ADOPTED_TAG: "true"})

    assert codes(state, adopt=True) == ["kept-permissions"]


def test_inline_policies_share_a_quota() -> None:
    assert codes(adopted(BIG), adopt=True) == ["inline-policies-full", "kept-permissions"]
    assert codes(adopted(BIG, **OURS)) == []


def test_a_role_of_another_owner_keeps_its_permissions() -> None:
    assert codes(adopted(), permissions=[], adopt=True) == []


def test_every_rule_on_grants_has_a_case() -> None:
    tried = {code for code, *_ in (*GRANTS, *STATES)} | {"inline-policies-full", "full-access-policy"}

    assert {rule.code for rule in (*GRANT_RULES, *LIVE_GRANT_RULES)} - tried == set()


def test_a_finding_that_widens_access_must_be_accepted() -> None:
    findings = lint(build(a_grant(sources=[ACCOUNT])))

    assert findings.unaccepted == ("whole-account-trust",)
    assert "To continue, add to the grant: accept: [whole-account-trust]." in str(findings)


def test_an_accepted_finding_needs_nothing_further() -> None:
    findings = lint(build(a_grant(sources=[ACCOUNT], accept=["whole-account-trust"])))

    assert findings.unaccepted == ()
    assert "No further finding needs to be accepted." in str(findings)


def test_accepting_one_finding_does_not_accept_another() -> None:
    both = a_grant(sources=[ACCOUNT, ALICE], permissions=[{**READ, "resources": ["*"]}])
    findings = lint(build(both.model_copy(update={"accept": ("whole-account-trust",)})))

    assert findings.unaccepted == ("wildcard-resource",)


def test_a_warning_needs_no_acceptance() -> None:
    assert lint(build(a_grant(sources=long_users(40)))).unaccepted == ()


def test_the_most_severe_findings_come_first() -> None:
    found = lint(build(a_grant(sources=[ACCOUNT, HUB], conditions={"require_mfa": True}))).found

    assert [each.severity for each in found] == ["widens", "warning", "note"]


def test_findings_go_to_json() -> None:
    (found, _) = lint(build(a_grant(sources=[ACCOUNT], accept=["whole-account-trust"]))).to_json()

    assert (found["code"], found["severity"], found["accepted"]) == ("whole-account-trust", "widens", True)
    assert found["where"] == "sources: 111111111111"


def test_findings_of_access_analyzer_are_included() -> None:
    theirs = Finding("analyzer-missing-version", "note", "trust policy", "No version.", "https://aws")
    findings = lint(build(a_grant()), analysis=Analysis((theirs,), "IAM Access Analyzer was asked."))

    assert findings.found == (theirs,)
    assert str(findings).endswith("IAM Access Analyzer was asked.")


def test_a_note_says_that_access_analyzer_was_not_called() -> None:
    findings = lint(build(a_grant()), analysis=Analysis(note="IAM Access Analyzer was not asked."))

    assert str(findings).split("\n\n")[1:] == ["No findings.", "IAM Access Analyzer was not asked."]


def test_with_the_live_state_the_headroom_is_shown() -> None:
    findings = lint(build(a_grant()), State({}))

    assert findings.found == ()
    assert f"\nNo findings.\n\n{golden('room.txt')}".rstrip() in str(findings)


def test_an_external_id_is_in_no_finding() -> None:
    conditions = {"external_id": "hunter2", "require_mfa": True, "source_ips": ["10.0.0.0/8"]}

    assert "hunter2" not in str(lint(build(a_grant(sources=[HUB, ALICE], conditions=conditions))))


def test_a_policy_can_be_pasted_as_json() -> None:
    (found,) = lint_policy(json.dumps(trusting(ACCOUNT)), kind="trust", of=f"{HUB}/x").found

    assert found.code == "whole-account-trust"
    assert found.where == "trust policy, Statement[0].Principal: 111111111111"


def test_what_is_not_json_is_refused_without_quoting_it() -> None:
    with pytest.raises(InvalidInput) as refusal:
        lint_policy('{"sts:ExternalId": "hunter2",}', kind="trust")

    assert refusal.value.what == "The policy is not JSON."
    assert refusal.value.why.startswith("Line 1, column 30:")


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else "s3:GetObject"


IN_ITSELF: dict[str, Any] = {"Version": "2012-10-17"}
IN_ITSELF["Statement"] = IN_ITSELF
NO_POLICIES = {
    "text of lists in lists": ("[" * 90_000, "nested too deeply"),
    "lists in lists": ({"Statement": {"Action": nested(40)}}, "nested too deeply"),
    "an object in itself": (IN_ITSELF, "nested too deeply"),
    "a hundred policies": ({"Statement": [trusting(ACCOUNT)["Statement"]] * 2_000}, "far too long"),
    "a date, as YAML reads a version": ({"Version": date(2012, 10, 17)}, "is not JSON"),
    "bytes": (b"{}", "is not JSON"),
}


@pytest.mark.parametrize("case", NO_POLICIES)
@pytest.mark.parametrize("kind", GRAMMARS)
def test_what_no_policy_can_be_is_refused_at_once(kind: str, case: str) -> None:
    document, reason = NO_POLICIES[case]

    with pytest.raises(InvalidInput, match=reason):
        lint_policy(document, kind=kind)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'caller' is not a kind of policy"):
        lint_policy({}, kind="caller")


roles = st.from_regex(r"arn:aws:iam::(11|22){6}:role/[a-z]{1,9}", fullmatch=True)
users = st.from_regex(r"arn:aws:iam::111111111111:user/([a-z]{1,9}/)?[A-Z]{1,9}", fullmatch=True)
actions = st.sampled_from(["*", "s3:GetObject", "s3:*", "s3:ListBucket", "sts:AssumeRole", "iam:PassRole"])
resources = st.sampled_from(
    ["*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:sqs:x:3:q", "arn:aws:iam::222222222222:role/*"]
)
permissions = st.fixed_dictionaries(
    {"actions": st.lists(actions, min_size=1), "resources": st.lists(resources, min_size=1)}
)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "external_id": st.just("agreed"),
        "require_mfa": st.booleans(),
        "organization_id": st.just("o-abcdefghij"),
        "source_ips": st.lists(st.sampled_from(["0.0.0.0/0", "10.0.0.1", "::/0", "203.0.113.0/24"])),
        "role_session_name": st.sampled_from(["", "alice", "${aws:username}", "a*"]),
        "source_identity": st.sampled_from(["", "alice"]),
        "session_tags": st.dictionaries(st.just("Team"), st.just("a")),
    },
)
grants = st.builds(
    a_grant,
    sources=st.lists(roles | users | st.just(ACCOUNT), min_size=1, max_size=4) | st.just(long_users(60)),
    destinations=st.lists(roles, min_size=1, max_size=4, unique_by=str.lower),
    permissions=st.lists(permissions, max_size=3),
    conditions=conditions,
    session_minutes=st.integers(15, 720),
    caller_policy=st.sampled_from(["managed", "inline"]),
)


@given(grants)
def test_a_valid_grant_is_never_refused_and_every_finding_is_whole(grant: Grant) -> None:
    try:
        documents = build(grant)
    except OverQuota:
        return
    found = lint(documents, adopted()).found

    assert [each for each in found if not (each.where and each.why and each.mend)] == []
    assert [each for each in found if each.severity not in SEVERITIES or "{it}" in str(each)] == []
    assert "refused-policy" not in {each.code for each in found}


@given(grants)
def test_findings_show_the_same_as_text_and_as_html(grant: Grant) -> None:
    documents = build(a_grant(**dict(grant, caller_policy="managed")))
    as_text, as_html = characters_of(
        lint(documents, adopted(SOME_POLICY), analysis=Analysis(note="Asked.")).view()
    )

    assert as_text == as_html


def test_the_page_on_findings_has_every_code_with_its_severity() -> None:
    page = (Path(__file__).parent.parent / "docs" / "findings.md").read_text()
    rows = re.findall(r"^\| (`[^|]+`) \| (widens|warning|note) \|", page, re.MULTILINE)
    listed = {(code, severity) for codes, severity in rows for code in re.findall(r"`([^`]+)`", codes)}

    assert listed == {(rule.code, rule.severity) for rule in RULES}
