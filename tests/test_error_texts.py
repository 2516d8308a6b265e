"""Error texts of every client, service and console: their fields, and the cause that they show first."""

import json
import random
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.catalogue import CATALOGUE
from xacct_nb.diagnosis.cause import SOURCE
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import Destination, Principal, Snapshot, SnapshotPolicy, Source

FILES = sorted((Path(__file__).parent / "cases" / "error_texts").glob("*.json"))
CASES = {f"{file.stem}: {each['name']}": each for file in FILES for each in json.loads(file.read_text())}
# These fields must be as the case has them, "" if it leaves them out; the others only where it has them.
EXACT = ("caller", "action", "resource", "policy_type", "effect", "policy")


def diagnosed(case: dict[str, Any]) -> Diagnosis:
    return diagnose(attempt=Attempt(**case.get("known", {})), denial=read_denial(case["text"]))


def document(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_there_are_enough_texts() -> None:
    assert len(CASES) >= 120


@pytest.mark.parametrize("name", CASES)
def test_its_fields_are_read(name: str) -> None:
    case = CASES[name]
    wanted = dict.fromkeys(() if case.get("loose") else EXACT, "") | case["expect"]
    wanted = {field: value for field, value in wanted.items() if value is not None}
    found = read_denial(case["text"]).to_json()

    assert {field: found[field] for field in wanted} == wanted


@pytest.mark.parametrize("name", CASES)
def test_its_first_cause_is_shown_or_it_is_said_to_be_unknown(name: str) -> None:
    case, found = CASES[name], diagnosed(CASES[name])
    listed = [[each.code, each.side] for each in found.causes]

    if case["first"] == "unknown":
        assert (found.has_unknown_text, listed) == (True, [])
        assert "not known here" in found.headline
        assert 'class="xacct-text good"' not in found._repr_html_()
        return
    first = vars(found.causes[0])

    assert not found.has_unknown_text
    assert {field: first[field] for field in case["first"]} == case["first"], found
    assert [each for each in case.get("also", []) if each not in listed] == []
    assert set(case.get("listed", [])) <= {code for code, _ in listed}
    assert not set(case.get("unlisted", [])) & {code for code, _ in listed}
    assert [each for each in case.get("why", []) if each not in first["why"]] == []
    assert [each for each in case.get("why_not", []) if each in first["why"]] == []


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.get("federated")])
def test_an_unsigned_request_has_no_cause_on_the_source_side_and_none_with_mfa(name: str) -> None:
    codes = {each.code for each in diagnosed(CASES[name]).causes}
    assert {code for code in codes if CATALOGUE[code].side == SOURCE or "mfa" in code} <= {
        "vpc-endpoint-policy"
    }


NORA, LEDGER = "arn:aws:iam::111111111111:user/nora", "arn:aws:iam::222222222222:role/ledger-reader"
ALLOW = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": NORA}}
READ = Snapshot(
    source=Source(
        principal=Principal(arn=NORA, id="AIDANORANORANORANORA0"),
        policies=(SnapshotPolicy(name="assume", holder=NORA, document=document(ALLOW)),),
    ),
    destination=Destination(
        role=Principal(arn=LEDGER, id="AROALEDGERLEDGERLED0", trust=document(TRUST)),
        policies=(SnapshotPolicy(name="none", holder=LEDGER, document=document(ALLOW)),),
    ),
)


@pytest.mark.parametrize("name", CASES)
def test_with_both_sides_read_no_cause_contradicts_the_request(name: str) -> None:
    case = CASES[name]
    given_role = {"caller": NORA, "role": LEDGER} | case.get("known", {})
    found = diagnose(READ, attempt=Attempt(**given_role), denial=read_denial(case["text"]))
    action = str(found.attempt["action"])
    strange = {each.code for each in found.causes if not CATALOGUE[each.code].holds_for(action)}

    assert strange <= {code for code, known in CATALOGUE.items() if known.matches(found.denial.text)}
    assert Diagnosis.from_json(found.to_json()).to_json() == found.to_json()


@settings(max_examples=150)
@given(st.sampled_from(sorted(CASES)), st.randoms(use_true_random=False))
def test_a_text_that_was_cut_or_mixed_up_is_read_too(name: str, chance: random.Random) -> None:
    found = diagnose(denial=read_denial(mutated(CASES[name]["text"], chance)))

    assert str(found)
    assert found.has_unknown_text or found.causes or not found.denial.text
    assert Diagnosis.from_json(found.to_json()).to_json() == found.to_json()


def mutated(text: str, chance: random.Random) -> str:
    """The text cut, doubled, folded, escaped, or with other characters in it, several times over."""
    for _ in range(chance.randint(1, 4)):
        text = chance.choice(MUTATIONS)(text, chance.randint(0, len(text)), chance)
    return text


Mutation = Callable[[str, int, random.Random], str]
MUTATIONS: list[Mutation] = [
    lambda text, at, chance: text[:at],
    lambda text, at, chance: text[at:],
    lambda text, at, chance: text[:at] + 3 * chance.choice("\n\t\x1b\\\"'│<>&:{}*\u2026") + text[at:],
    lambda text, at, chance: text[at:] + text[:at],
    lambda text, at, chance: fold(text, at % 120 + 1),
    lambda text, at, chance: json.dumps({"message": text}),
    lambda text, at, chance: repr(text),
    lambda text, at, chance: text.replace(chance.choice("arnUs:/1"), ""),
    lambda text, at, chance: text.swapcase(),
]


FOLDED = {name: case for name, case in CASES.items() if name.startswith(("sdks", "services"))}


@pytest.mark.parametrize("width", [60, 72, 80, 100, 132])
def test_a_text_that_a_terminal_folded_has_the_same_fields(width: int) -> None:
    different = {
        name: (folded.caller, folded.resource)
        for name, case in FOLDED.items()
        for whole, folded in [(read_denial(case["text"]), read_denial(fold(case["text"], width)))]
        if (whole.caller, whole.action, whole.resource) != (folded.caller, folded.action, folded.resource)
    }

    assert different == {}


def fold(text: str, width: int) -> str:
    """The text as a terminal of this width shows it."""
    return "\n".join(
        line[i : i + width] for line in text.splitlines() for i in range(0, max(len(line), 1), width)
    )


FULL = (
    "An error occurred (AccessDenied) when calling the AssumeRole operation: User: arn:aws:sts::111111111111:"
    "assumed-role/AWSReservedSSO_Engineer_0a1b2c3d4e5f6071/nora.example@books.example is not authorized to "
    "perform: sts:AssumeRole on resource: arn:aws:iam::222222222222:role/finance/monthly-report-reader "
    "because no identity-based policy allows the sts:AssumeRole action"
)
WAYS: dict[str, Callable[[int], str]] = {
    "folded": lambda width: fold(FULL, width),
    "folded, spaces lost": lambda width: "\n".join(map(str.strip, fold(FULL, width).splitlines())),
    "folded in a log": lambda width: f"12:00:00 ERROR the job failed\n{fold(FULL, width)}\nexit status 255",
    "folded in a box": lambda width: "\n".join(
        f"\u2502 {line:{width}} \u2502" for line in fold(FULL, width).splitlines()
    ),
    "wrapped": lambda width: textwrap.fill(FULL, width),
    "wrapped, hyphens kept": lambda width: textwrap.fill(FULL, width, break_on_hyphens=False),
    "indented": lambda width: textwrap.indent(textwrap.fill(FULL, width), "    "),
    "quoted": lambda width: "\n".join(f"> {line}" for line in textwrap.wrap(FULL, width)),
    "with carriage returns": lambda width: fold(FULL, width).replace("\n", "\r\n"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_text_is_read_in_every_way_of_breaking_its_lines_at_every_width(way: str) -> None:
    whole = read_denial(FULL)
    names = ("code", "operation", "caller", "action", "resource", "policy_type", "effect")
    different = [
        width
        for width in range(41, 140)
        if any(getattr(read_denial(WAYS[way](width)), name) != getattr(whole, name) for name in names)
    ]

    assert different == []
