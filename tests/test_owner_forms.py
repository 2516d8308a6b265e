"""Each form, for each side and each kind of grant: what it holds, and what it never holds or refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from support.examples import a_grant, golden
from support.hostile_grants import TEXTS, TEXTS_ANYWHERE, policy_with, with_text
from support.recording_cli import run_in_shell
from xacct_nb.errors import InvalidInput
from xacct_nb.grants.documents import build
from xacct_nb.handoff.forms.half import EXTERNAL_ID, half_of
from xacct_nb.handoff.forms.table import FORMS, hand_over, take_back
from xacct_nb.redaction.redact import fingerprint

SIDES = ("destination", "source")
SOURCE, DESTINATION = "arn:aws:iam::111111111111", "arn:aws:iam::222222222222"
AGREED = "abc/d,e=f@g"
KINDS: dict[str, dict[str, Any]] = {
    "one user": {},
    "many": {
        "sources": [f"{SOURCE}:user/alice", f"{SOURCE}:role/a/hub"],
        "destinations": [f"{DESTINATION}:role/p/one", f"{DESTINATION}:role/two"],
    },
    "a whole account": {"sources": ["111111111111"]},
    "a group": {"attach_to": f"{SOURCE}:group/readers"},
    "inline": {"caller_policy": "inline"},
    "managed policies and a boundary": {
        "permissions": [],
        "managed_policies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "permissions_boundary": f"{DESTINATION}:policy/bound",
    },
    "conditions": {
        "conditions": {
            "external_id": AGREED,
            "require_mfa": True,
            "organization_id": "o-0123456789",
            "source_ips": ["203.0.113.0/24"],
            "session_tags": {"team": "a b"},
            "source_identity": "alice",
        }
    },
    "a role that trusts itself": {"self_assume": True},
    "a statement in a role of others": {"manage": "trust"},
}
# What CloudFormation and Terraform cannot make, and the side that says so.
REFUSED = {
    ("a whole account", "source"),
    ("a role that trusts itself", "destination"),
    ("a statement in a role of others", "destination"),
}
# A stack set is for every account of an organization: tests/test_owner_stack_sets.py.
ONE_ACCOUNT = [form for form in FORMS if not form.startswith("stackset")]
CASES = [(kind, side, form) for kind in KINDS for side in SIDES for form in ONE_ACCOUNT]


@pytest.mark.parametrize(("kind", "side", "form"), CASES)
def test_a_form_names_everything_of_its_account_and_no_external_id(kind: str, side: str, form: str) -> None:
    grant = a_grant(**KINDS[kind])
    if (kind, side) in REFUSED and form in ("cloudformation", "terraform"):
        with pytest.raises(InvalidInput, match="Use the form commands or steps"):
            hand_over(grant, side, form)
        return

    text, removal = hand_over(grant, side, form), take_back(grant, side, form)
    half = half_of(grant, side)

    assert half.account in text
    assert half.account in removal
    for name in (*(role.name for role in half.roles), *(each.name for each in half.caller_policies)):
        assert name in text
    assert AGREED not in text + removal
    assert text.isascii()


PARAMETERS = {
    "commands": "XACCT_EXTERNAL_ID",
    "cloudformation": "NoEcho",
    "terraform": "sensitive",
    "stackset": "NoEcho",
    "stackset-commands": "XACCT_EXTERNAL_ID",
}


@pytest.mark.parametrize("secret", ["env:NAME", "file:/a/b", AGREED, fingerprint(AGREED)])
@pytest.mark.parametrize("form", FORMS)
def test_an_external_id_is_a_parameter_whatever_is_known_of_it(secret: str, form: str) -> None:
    grant = a_grant(conditions={"external_id": secret})
    known = fingerprint(AGREED) if secret in (AGREED, fingerprint(AGREED)) else ""

    assert half_of(grant, "destination").fingerprint == known
    text = hand_over(grant, "destination", form)
    assert AGREED not in text
    assert PARAMETERS.get(form, EXTERNAL_ID) in text


@pytest.mark.parametrize("secret", [AGREED, fingerprint(AGREED)])
def test_a_script_takes_the_agreed_external_id_and_no_other(secret: str, tmp_path: Path) -> None:
    text = hand_over(a_grant(conditions={"external_id": secret}), "destination", "commands")

    assert run_in_shell(text, "222222222222", tmp_path / "a", AGREED).code == 0
    for other, why in (
        ("another", "is not the agreed external ID"),
        ("", "Set the variable"),
        ("x", "is no external ID"),
        ("a'b $(touch canary)", "is no external ID"),
        ("\xe9\xe9", "is no external ID"),
    ):
        run = run_in_shell(text, "222222222222", tmp_path / "a", other)
        assert (run.code, run.commands, run.left) == (1, [], [])
        assert why in run.errors


def test_a_script_stops_in_another_account_before_anything_else(tmp_path: Path) -> None:
    for side in SIDES:
        for text in (hand_over(a_grant(), side, "commands"), take_back(a_grant(), side, "commands")):
            run = run_in_shell(text, "333333333333", tmp_path)

            assert (run.code, run.commands, run.left) == (1, [], [])
            assert "Nothing was changed" in run.errors


def test_the_source_side_of_a_whole_account_prints_the_policy_that_a_user_needs(tmp_path: Path) -> None:
    grant = a_grant(sources=["111111111111"])
    run = run_in_shell(hand_over(grant, "source", "commands"), "111111111111", tmp_path)

    assert (run.code, run.errors, run.commands) == (0, "", [])
    (policy,) = build(a_grant()).caller_policies.values()
    steps = json.loads(hand_over(grant, "source", "json"))["steps"]
    assert [each["policy"]["Statement"] for each in steps if "policy" in each] == [
        [{**policy[0]["Statement"][0]}]
    ]


def test_a_statement_in_the_trust_policy_of_others_is_for_the_script_and_the_steps() -> None:
    grant = a_grant(manage="trust")

    for form in ("cloudformation", "terraform"):
        with pytest.raises(InvalidInput, match="Others made the roles"):
            hand_over(grant, "destination", form)
    steps = json.loads(hand_over(grant, "destination", "json"))["steps"]
    (statement,) = half_of(grant, "destination").statements
    assert [each["policy"] for each in steps if "policy" in each] == [statement.statement]


ENDINGS = dict(zip(ONE_ACCOUNT, (".sh", ".template.json", ".tf", ".txt", ".json"), strict=True))
GOLDEN = [
    (f"owner_form_{side}{ENDINGS[name]}", hand_over, side, name) for side in SIDES for name in ONE_ACCOUNT
] + [
    (f"owner_form_{side}_{name}_removal.txt", take_back, side, name)
    for side in SIDES
    for name in ONE_ACCOUNT
    if name != "json"
]


@pytest.mark.parametrize(("file", "text_of", "side", "form"), GOLDEN)
def test_a_form_is_the_one_that_was_looked_at(file: str, text_of: Any, side: str, form: str) -> None:
    assert text_of(a_grant(conditions={"external_id": "env:NAME"}), side, form) == golden(file)


@given(text=TEXTS_ANYWHERE)
def test_any_text_stands_in_the_steps_as_it_is(text: str) -> None:
    for side in SIDES:
        steps = json.loads(hand_over(with_text(text), side, "json"))["steps"]
        written = hand_over(with_text(text), side, "steps")

        for policy in [each["policy"] for each in steps if "policy" in each]:
            assert policy == policy_with(text)
            assert json.dumps(policy, indent=2) in written


def test_a_hostile_text_adds_no_line_to_the_words_of_the_steps() -> None:
    lines = {len(hand_over(with_text(text), "source", "steps").splitlines()) for text in TEXTS.values()}

    assert len(lines) == 1


def test_an_owner_gets_a_text_for_their_own_account_only() -> None:
    grant = a_grant(destinations=[f"{DESTINATION}:role/one", "arn:aws:iam::333333333333:role/two"])

    with pytest.raises(InvalidInput, match="222222222222, 333333333333"):
        hand_over(grant, "destination", "commands")
    text = hand_over(grant, "destination", "commands", "333333333333")
    assert "create-role" in text
    assert "--role-name 'two'" in text
    assert "--role-name 'one'" not in text
    with pytest.raises(InvalidInput, match="is not on the destination side"):
        hand_over(grant, "destination", "commands", "111111111111")


@pytest.mark.parametrize(
    ("side", "form", "says"),
    [
        ("destination", "stacksets", "Did you mean stackset?"),
        ("destination", "cloudfromation", "Did you mean cloudformation"),
        (
            "destination",
            "",
            "The forms are commands, cloudformation, terraform, steps, json, stackset, stackset-commands",
        ),
        ("destinations", "commands", "There is no side 'destinations'"),
    ],
)
def test_an_unknown_form_or_side_is_refused_with_those_that_there_are(
    side: str, form: str, says: str
) -> None:
    for text_of in (hand_over, take_back):
        with pytest.raises(InvalidInput) as caught:
            text_of(a_grant(), side, form)

        assert says in str(caught.value)


@pytest.mark.parametrize("form", ONE_ACCOUNT)
def test_documents_of_the_other_side_alone_give_the_same_form(form: str) -> None:
    grant = a_grant()

    for side, other in (SIDES, SIDES[::-1]):
        assert hand_over(build(grant, other), side, form) == hand_over(grant, side, form)
