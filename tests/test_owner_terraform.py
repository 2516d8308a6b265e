"""The Terraform configuration of a side: it parses, names its account, imports, and interpolates no text."""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import hcl2
import pytest
from hypothesis import given

from support.examples import GOLDEN, a_grant
from support.hostile_grants import TEXTS, TEXTS_ANYWHERE, grants, policy_with, with_text
from xacct_nb.grants.documents import Documents
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.forms import hcl
from xacct_nb.handoff.forms.half import EXTERNAL_ID, half_of
from xacct_nb.handoff.forms.table import hand_over

SIDES = ("destination", "source")
TERRAFORM = shutil.which("terraform")
_ESCAPED = re.compile(
    r'\$\$\{|%%\{|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\[nrt"\\]|[^\\"\n$%]|[$%](?!\{)', re.DOTALL
)
_CODES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def parsed(grant: Documents | Grant, side: str) -> dict[str, Any]:
    """What python-hcl2 reads, with the texts that its strings stand for."""
    return {name: plain(value) for name, value in hcl2.loads(hand_over(grant, side, "terraform")).items()}


def plain(value: Any) -> Any:
    """A value as plain data: strings unescaped, expressions as they are, labels without quotes."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items() if key != "__is_block__"}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return unescaped(value[1:-1]) if isinstance(value, str) and value[:1] == '"' else value


def unescaped(text: str) -> str:
    """The text that a quoted string stands for, by HCL's own rules; one with an interpolation has none."""
    pieces = list(_ESCAPED.finditer(text))
    assert "".join(each[0] for each in pieces) == text, text
    return "".join(_meaning(each[0]) for each in pieces)


def _meaning(piece: str) -> str:
    if piece in ("$${", "%%{"):
        return piece[1:]
    if piece[:1] != "\\":
        return piece
    return _CODES[piece[1]] if piece[1] in _CODES else chr(int(piece[2:], 16))


def locals_of(found: Mapping[str, Any]) -> dict[str, Any]:
    (block,) = found["locals"]
    return {
        name: json.loads(json.dumps(value).replace("${var.external_id}", EXTERNAL_ID))
        for name, value in block.items()
    }


def resources_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of each resource by its address."""
    return {
        f"{kind}.{name}": arguments
        for each in found["resource"]
        for kind, named in each.items()
        for name, arguments in named.items()
    }


RICH = {
    "sources": ["arn:aws:iam::111111111111:user/alice", "arn:aws:iam::111111111111:role/a/hub"],
    "destinations": ["arn:aws:iam::222222222222:role/p/one", "arn:aws:iam::222222222222:role/two"],
    "managed_policies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
    "permissions_boundary": "arn:aws:iam::222222222222:policy/bound",
    "conditions": {"external_id": "env:NAME", "role_session_name": "${aws:username}"},
}
GROUP = "arn:aws:iam::111111111111:group/readers"


@pytest.mark.parametrize(
    ("partition", "region"), [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_the_provider_takes_no_other_account_and_a_region_of_the_partition(
    partition: str, region: str
) -> None:
    grant = a_grant(
        sources=[f"arn:{partition}:iam::111111111111:user/alice"],
        destinations=[f"arn:{partition}:iam::222222222222:role/reader"],
        permissions=[{"actions": ["s3:GetObject"], "resources": ["*"]}],
    )

    for side, account in zip(SIDES, ("222222222222", "111111111111"), strict=True):
        (provider,) = parsed(grant, side)["provider"]
        assert provider == {"aws": {"region": region, "allowed_account_ids": [account]}}


def test_the_external_id_is_a_sensitive_variable_and_stands_nowhere() -> None:
    grant = a_grant(conditions={"external_id": "abc/d,e=f@g"})

    text, found = hand_over(grant, "destination", "terraform"), parsed(grant, "destination")
    assert "abc/d" not in text
    assert found["variable"][0]["external_id"]["sensitive"] is True
    assert locals_of(found)["trust_1"] == half_of(grant, "destination").roles[0].trust


def test_each_resource_has_an_import_block_with_the_id_that_the_provider_reads() -> None:
    found = parsed(a_grant(**RICH), "destination")
    imports = {each["to"].strip("${}"): each["id"] for each in found["import"]}

    assert list(imports) == list(resources_of(found))
    assert imports == {
        "aws_iam_role.role_1": "one",
        "aws_iam_role_policy.permissions_1_1": "one:xacct-reports",
        "aws_iam_role_policy_attachment.managed_1_1": "one/arn:aws:iam::aws:policy/ReadOnlyAccess",
        "aws_iam_role.role_2": "two",
        "aws_iam_role_policy.permissions_2_1": "two:xacct-reports",
        "aws_iam_role_policy_attachment.managed_2_1": "two/arn:aws:iam::aws:policy/ReadOnlyAccess",
    }


@pytest.mark.parametrize(
    ("fields", "imports"),
    [
        (
            {"sources": RICH["sources"]},
            {
                "aws_iam_policy.caller_policy_1": "arn:aws:iam::111111111111:policy/xacct-reports",
                "aws_iam_user_policy_attachment.caller_policy_1_1": (
                    "alice/arn:aws:iam::111111111111:policy/xacct-reports"
                ),
                "aws_iam_role_policy_attachment.caller_policy_1_2": (
                    "hub/arn:aws:iam::111111111111:policy/xacct-reports"
                ),
            },
        ),
        (
            {"attach_to": GROUP},
            {
                "aws_iam_policy.caller_policy_1": "arn:aws:iam::111111111111:policy/xacct-reports",
                "aws_iam_group_policy_attachment.caller_policy_1_1": (
                    "readers/arn:aws:iam::111111111111:policy/xacct-reports"
                ),
            },
        ),
        (
            {"attach_to": GROUP, "caller_policy": "inline"},
            {"aws_iam_group_policy.caller_policy_1_1": "readers:xacct-reports"},
        ),
        (
            {"sources": RICH["sources"], "caller_policy": "inline"},
            {
                "aws_iam_user_policy.caller_policy_1_1": "alice:xacct-reports",
                "aws_iam_role_policy.caller_policy_2_1": "hub:xacct-reports",
            },
        ),
    ],
)
def test_a_caller_policy_is_imported_where_it_is_kept(fields: Any, imports: Any) -> None:
    found = parsed(a_grant(**fields), "source")

    assert {each["to"].strip("${}"): each["id"] for each in found["import"]} == imports
    assert list(resources_of(found)) == list(imports)


def test_a_role_has_everything_that_the_grant_says() -> None:
    (role, *_), grant = resources_of(parsed(a_grant(**RICH), "destination")).values(), a_grant(**RICH)

    assert role == {
        "name": "one",
        "path": "/p/",
        "description": "xacct-nb grant reports",
        "max_session_duration": grant.session_minutes * 60,
        "assume_role_policy": "${jsonencode(local.trust_1)}",
        "permissions_boundary": grant.permissions_boundary,
        "tags": {"xacct-nb:grant": "reports"},
    }


@given(grant=grants())
def test_the_policies_of_any_grant_stand_in_its_configuration_as_they_are(grant: Grant) -> None:
    half = half_of(grant, "destination")
    expected = [each for role in half.roles for each in (role.trust, *role.inline.values())]
    assert list(locals_of(parsed(grant, "destination")).values()) == expected

    half = half_of(grant, "source")
    assert list(locals_of(parsed(grant, "source")).values()) == [
        each.document for each in half.caller_policies
    ]


@given(text=TEXTS_ANYWHERE)
def test_any_text_of_a_configuration_is_that_text(text: str) -> None:
    assert unescaped(hcl.string(text)[1:-1]) == text


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_stands_in_a_configuration_as_it_is(name: str) -> None:
    for side in SIDES:
        policies = locals_of(parsed(with_text(TEXTS[name]), side)).values()

        assert all(each == policy_with(TEXTS[name]) for each in policies)


@pytest.mark.skipif(not TERRAFORM, reason="Terraform is not installed.")
def test_terraform_itself_reads_every_hostile_text_as_it_is(tmp_path: Path) -> None:
    odd = [*TEXTS.values(), "$${", "$$${a}", "%%%{b}", "$%{", "%${", "\U0001f511", "$", "%", "${"]
    (tmp_path / "main.tf").write_text(f"locals {{\n  texts = {hcl.value(odd, 1)}\n}}\n")

    done = terraform(tmp_path, "console", "base64encode(jsonencode(local.texts))\n")
    assert json.loads(base64.b64decode(json.loads(done.stdout))) == odd


@pytest.mark.skipif(not TERRAFORM, reason="Terraform is not installed.")
def test_terraform_itself_finds_the_format_as_it_should_be(tmp_path: Path) -> None:
    for path in GOLDEN.glob("owner_form_*.tf"):
        shutil.copy(path, tmp_path)
    (tmp_path / "rich.tf").write_text(hand_over(a_grant(**RICH), "destination", "terraform"))

    assert terraform(tmp_path, "fmt", "", "-check", "-diff").stdout == ""


def terraform(folder: Path, command: str, typed: str, *options: str) -> subprocess.CompletedProcess[str]:
    assert TERRAFORM
    return subprocess.run(
        [TERRAFORM, command, *options],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "CHECKPOINT_DISABLE": "1"},
        input=typed,
        capture_output=True,
        text=True,
        check=True,
    )
