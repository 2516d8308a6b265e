"""Each template is a valid grant between any two accounts, which says what to edit in it."""

import pytest

import xacct_nb as xa
from xacct_nb.errors import InvalidInput
from xacct_nb.grants.documents import build
from xacct_nb.grants.form.form_fields import grant_as_typed, typed_grant
from xacct_nb.grants.grant import resolve
from xacct_nb.grants.templates import TEMPLATES
from xacct_nb.linting.findings import lint

SOURCE, DESTINATION = "222222222222", "111111111111"


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_a_grant_between_the_accounts_that_are_named(name: str) -> None:
    grant = xa.template(name, SOURCE, DESTINATION)

    assert grant.name == name
    assert (grant.source_accounts, grant.destination_accounts) == ((SOURCE,), (DESTINATION,))
    assert TEMPLATES[name].title
    assert TEMPLATES[name].about.endswith(".")


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_widens_access_beyond_what_it_says(name: str) -> None:
    findings = lint(build(resolve(xa.template(name), lambda _: "agreed-with-the-vendor")))

    assert findings.unaccepted == ()
    assert [each.code for each in findings.found if each.severity == "warning"] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_can_be_edited_in_the_form(name: str) -> None:
    grant = xa.template(name)

    assert grant_as_typed(typed_grant(grant), xa.template("read-a-bucket", SOURCE, DESTINATION)) == grant


def test_a_template_in_another_partition_has_its_arns() -> None:
    grant = TEMPLATES["read-only-auditor"].grant(SOURCE, DESTINATION, "aws-cn")

    assert grant.partition == "aws-cn"
    assert grant.managed_policies == ("arn:aws-cn:iam::aws:policy/SecurityAudit",)


def test_a_template_that_is_not_there_names_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="Did you mean read-a-bucket") as refused:
        xa.template("read_bucket")

    assert all(name in refused.value.hint for name in TEMPLATES)


@pytest.mark.parametrize("account", ["11111111111", "arn:aws:iam::111111111111:root", "", "\u0661" * 12])
def test_an_account_that_is_none_is_refused(account: str) -> None:
    with pytest.raises(InvalidInput, match="is not an account id"):
        xa.template("read-a-bucket", account)
