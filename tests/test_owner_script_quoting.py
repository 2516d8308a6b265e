"""No text of a grant becomes a command, an option or the end of a document in the script for an owner."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given

from support.hostile_grants import TEXTS, TEXTS_ANYWHERE, grants, policy_with, with_text
from support.recording_cli import ShellRun, run_in_shell
from xacct_nb.grants.documents import Documents, build
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.forms.half import Half, half_of
from xacct_nb.handoff.forms.shell import comment
from xacct_nb.handoff.forms.table import hand_over, take_back

AGREED = "abc/d,e=f@g"


def run_side(documents: Documents | Grant, side: str, folder: Path) -> ShellRun:
    account = half_of(documents, side).account
    run = run_in_shell(hand_over(documents, side, "commands"), account, folder, AGREED)

    assert (run.code, run.errors, run.left) == (0, "", [])
    removal = run_in_shell(take_back(documents, side, "commands"), account, folder)
    assert (removal.code, removal.errors, removal.left) == (0, "", [])
    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shell")


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("side", ["destination", "source"])
def test_a_hostile_text_reaches_aws_as_it_is(name: str, side: str, folder: Path) -> None:
    run = run_side(with_text(TEXTS[name]), side, folder)

    documents = run.documents()
    assert documents
    assert all(each == policy_with(TEXTS[name]) for each in documents)


@given(text=TEXTS_ANYWHERE)
def test_any_text_reaches_aws_as_it_is(text: str, folder: Path) -> None:
    for side in ("destination", "source"):
        assert all(each == policy_with(text) for each in run_side(with_text(text), side, folder).documents())


@given(grant=grants())
def test_any_grant_reaches_aws_as_its_documents_are(grant: Grant, folder: Path) -> None:
    half = half_of(grant, "destination")
    run = run_side(grant, "destination", folder)

    (role,) = half.roles
    trust = with_agreed(role.trust, half)
    assert run.documents() == [trust, *role.inline.values(), trust]
    assert set(run.values("role-name")) == {role.name}
    assert run.values("path") == [role.path]

    half = half_of(grant, "source")
    run = run_side(grant, "source", folder)

    assert run.documents() == [each.document for each in half.caller_policies]
    assert set(run.values("user-name")) == {"alice"}


def with_agreed(trust: Any, half: Half) -> Any:
    """The trust policy with the external ID that the owner typed."""
    if not half.needs_external_id:
        return trust
    (statement,) = trust["Statement"]
    equals = {**statement["Condition"]["StringEquals"], "sts:ExternalId": AGREED}
    condition = {**statement["Condition"], "StringEquals": equals}
    return {**trust, "Statement": [{**statement, "Condition": condition}]}


def test_a_name_that_begins_with_a_hyphen_is_no_option(folder: Path) -> None:
    grant = build_with_hyphens()

    run = run_side(grant, "destination", folder)
    assert run.values("role-name") == ["--profile=x"] * 4
    assert [word for command in run.commands for word in command if word.startswith("--profile")] == []
    assert ["--user-name=-a" in command for command in run_side(grant, "source", folder).commands][-1]


@example(text=TEXTS["return"])
@given(text=TEXTS_ANYWHERE)
def test_every_line_of_a_comment_is_a_comment(text: str) -> None:
    assert [line for line in "\n".join(comment(text)).splitlines() if not line.startswith("#")] == []


def build_with_hyphens() -> Documents:
    fields: dict[str, Any] = {
        "name": "odd",
        "sources": ["arn:aws:iam::111111111111:user/-a"],
        "destinations": ["arn:aws:iam::222222222222:role/--profile=x"],
        "permissions": [{"actions": ["s3:GetObject"], "resources": ["*"]}],
    }
    return build(Grant(**fields))
