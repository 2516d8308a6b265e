"""What deserves a second look, and what needs the grant's own word."""

from typing import Any

import pytest
from given import ALICE, READ, a_grant

from xacct_nb.documents import build
from xacct_nb.findings import lint


def codes(**fields: Any) -> list[str]:
    return [finding.code for finding in lint(build(a_grant(**fields))).found]


def permitting(**fields: Any) -> list[str]:
    return codes(permissions=[{**READ, **fields}])


def test_the_articles_case_has_no_findings() -> None:
    findings = lint(build(a_grant()))

    assert findings.found == ()
    assert str(findings) == "No findings."


def test_a_whole_account_widens_access() -> None:
    assert codes(sources=["111111111111"]) == ["whole-account-trust"]


def test_a_whole_account_in_two_spellings_is_one_finding() -> None:
    assert codes(sources=["111111111111", "arn:aws:iam::111111111111:root"]) == ["whole-account-trust"]


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


@pytest.mark.parametrize("name", ["AdministratorAccess", "PowerUserAccess", "IAMFullAccess"])
def test_a_managed_policy_that_allows_nearly_everything_widens_access(name: str) -> None:
    assert codes(managed_policies=[f"arn:aws:iam::aws:policy/{name}"]) == ["full-access-policy"]


def test_a_managed_policy_that_only_reads_does_not() -> None:
    assert codes(managed_policies=["arn:aws:iam::aws:policy/ReadOnlyAccess"]) == []


def test_a_long_trust_policy_is_only_a_note() -> None:
    users = [f"arn:aws:iam::111111111111:user/{number:020d}" for number in range(40)]
    findings = lint(build(a_grant(sources=users)))

    assert [(each.code, each.severity) for each in findings.found] == [("long-trust-policy", "note")]
    assert findings.unaccepted == ()


def test_what_widens_access_needs_a_word() -> None:
    findings = lint(build(a_grant(sources=["111111111111"])))

    assert findings.unaccepted == ("whole-account-trust",)
    assert "To go on, the grant must say accept: [whole-account-trust]." in str(findings)


def test_with_the_word_nothing_more_is_needed() -> None:
    findings = lint(build(a_grant(sources=["111111111111"], accept=["whole-account-trust"])))

    assert findings.unaccepted == ()
    assert "Nothing here needs a word more." in str(findings)


def test_a_word_for_one_finding_is_none_for_another() -> None:
    both = a_grant(sources=["111111111111", ALICE], permissions=[{**READ, "resources": ["*"]}])
    findings = lint(build(both.model_copy(update={"accept": ("whole-account-trust",)})))

    assert findings.unaccepted == ("wildcard-resource",)


def test_findings_go_to_json() -> None:
    (found,) = lint(build(a_grant(sources=["111111111111"], accept=["whole-account-trust"]))).to_json()

    assert (found["code"], found["severity"], found["accepted"]) == ("whole-account-trust", "widens", True)
    assert found["where"] == "sources: 111111111111"
