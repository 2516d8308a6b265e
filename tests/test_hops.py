"""A chain of roles is walked hop by hop: the hop that fails is named, and mended; the others are said."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.broken_worlds import merged
from support.case_files import CASES
from support.hop_stage import HopStage
from xacct_nb.diagnosis.cause import CERTAIN
from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.grant import Grant
from xacct_nb.runs.denial.inquiry import diagnose

SCENE = json.loads((CASES / "worlds" / "scenes.json").read_text())["chain"]
SCENE["call"] |= {"through": ["arn:aws:iam::{A}:role/hub"]}
WORLDS = [merged(SCENE, each) for each in json.loads((CASES / "hops.json").read_text())["worlds"]]
FINE = {"title": "it works"}
ALL = ("source", "destination")


def stage(**changes: Any) -> HopStage:
    return HopStage(merged(SCENE, changes))


@pytest.mark.parametrize("told", WORLDS, ids=[each["title"] for each in WORLDS])
def test_the_failing_hop_is_named_and_its_mend_works(told: dict[str, Any]) -> None:
    chain = HopStage(told)
    found = chain.diagnosis(*ALL)
    first = found.causes[0]

    assert found.failing_hop == told["hop"]
    assert found.headline.startswith(f"Hop {told['hop']} of {len(told['outcomes'])}, ")
    assert [each.allowed for each in found.hops] == told["outcomes"]
    assert [each.shown_by for each in found.hops[: told["hop"]]] == ["AWS"] * told["hop"]
    assert first.code in told["cause"].split("|"), found
    assert first.side in told["side"].split("|")
    for each in found.hops[told["hop"] :]:
        assert "not tried" in each.why or each.shown_by == "the policies"

    assert sum(map(chain.apply, found.causes if told.get("mend") else [first]))
    after = chain.diagnosis(*ALL)

    assert after.is_allowed_now is ("leaves" not in told), after
    assert after.failing_hop == told.get("leaves", len(told["outcomes"]))


@pytest.mark.parametrize("told", WORLDS, ids=[each["title"] for each in WORLDS])
@pytest.mark.parametrize(
    "sides", [ALL, ("source",), ("destination",), ()], ids=lambda each: "+".join(each) or "none"
)
def test_without_a_session_of_the_caller_no_wrong_hop_is_certain(
    told: dict[str, Any], sides: tuple[str, ...]
) -> None:
    found = HopStage(told).diagnosis(*sides, caller=False)
    wrong = found.failing_hop != told["hop"] and "leaves" not in told

    assert all(each.shown_by != "AWS" for each in found.hops)
    assert all("not tried" in each.why for each in found.hops if each.allowed is None)
    assert not (wrong and [each for each in found.causes if each.confidence == CERTAIN]), found
    if sides == ALL:
        assert found.failing_hop == told["hop"], found


def test_where_every_hop_works_nothing_is_a_cause() -> None:
    found = stage().diagnosis(*ALL)

    assert found.is_allowed_now
    assert [each.allowed for each in found.hops] == [True, True]
    assert not found.causes


def test_a_text_without_names_is_explained_at_the_hop_that_fails() -> None:
    chain = stage(A={"roles": {"hub": {"policies": None}}})
    found = chain.diagnosis(
        *ALL, error="An error occurred (AccessDenied) when calling the AssumeRole operation"
    )

    assert (found.failing_hop, found.causes[0].code) == (2, "chained-role-without-allow")


BROKEN_HUB = {"A": {"roles": {"hub": {"trust": [
    {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::{A}:user/bob"}, "Action": "sts:AssumeRole"}
]}}}}  # fmt: skip
NO_POLICY = {"A": {"roles": {"hub": {"policies": None}}}}
CHAINS = {
    "the role of the profile, whose first hop fails": (BROKEN_HUB, "reader", "", 1, 2),
    "the role of the profile, whose second hop fails": (NO_POLICY, "reader", "", 2, 2),
    "another role than the profile's, whose first hop fails": (BROKEN_HUB, "hub", "{B}", 1, 2),
    "another role than the profile's, whose own hop fails": (NO_POLICY, "hub", "{B}", 2, 2),
}


@pytest.mark.parametrize("told", CHAINS.values(), ids=CHAINS)
def test_the_chain_of_a_profile_is_read_from_its_file(tmp_path: Path, told: tuple[Any, ...]) -> None:
    changes, profile, account, hop, total = told
    chain = stage(**changes)
    role = {"role": chain.built.filled("", f"arn:aws:iam::{account}:role/reader")} if account else {}
    found = chain.diagnosis_of_profile(profile, tmp_path, **role)

    assert (found.failing_hop, len(found.hops)) == (hop, total), found
    assert found.causes[0].confidence == CERTAIN
    assert found.causes[0].code == {1: "other-principal-trusted", 2: "chained-role-without-allow"}[hop]
    assert chain.built.names["secret"] not in f"{found} {json.dumps(found.to_json())} {found!r}"


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
def test_the_chain_of_a_profile_that_works_has_no_cause(tmp_path: Path, named: bool) -> None:
    chain = stage()
    role = {"role": chain.built.filled("", "arn:aws:iam::{B}:role/reader")} if named else {}
    found = chain.diagnosis_of_profile("reader", tmp_path, **role)

    assert [(each.allowed, each.shown_by) for each in found.hops] == [(True, "AWS"), (True, "AWS")], found
    assert found.is_allowed_now
    assert not found.causes


def test_the_roles_that_a_grant_has_as_source_and_destination_are_hops() -> None:
    chain = stage(**NO_POLICY)
    a, b = chain.built.names["A"], chain.built.names["B"]
    alice, hub, reader = (
        f"arn:aws:iam::{a}:user/alice",
        f"arn:aws:iam::{a}:role/hub",
        f"arn:aws:iam::{b}:role/reader",
    )
    grant = Grant(name="chain", sources=(alice, hub), destinations=(hub, reader))
    found = chain.diagnosis(*ALL, grant=grant)

    assert (found.failing_hop, found.hops[1].role) == (2, reader)
    assert found.causes[0].code == "chained-role-without-allow"


def test_a_hop_that_needs_an_mfa_code_is_not_tried_and_says_why() -> None:
    hub = {"RoleArn": "arn:aws:iam::{A}:role/hub", "SerialNumber": "arn:aws:iam::{A}:mfa/alice"}
    found = stage(call={"through": [hub]}).diagnosis(*ALL)

    assert "its MFA device needs a code" in found.hops[0].why
    assert found.hops[0].shown_by != "AWS"


def test_a_hop_that_was_not_tried_says_so() -> None:
    told = merged(SCENE, WORLDS[0])
    found = HopStage(told).diagnosis(*ALL)

    assert "not tried: an earlier hop failed" in str(found)
    assert "2 of 2" in str(found)


@pytest.mark.parametrize("through", ["hub", {"RoleSessionName": "x"}, 7])
def test_a_hop_that_names_no_role_is_refused(through: Any) -> None:
    with pytest.raises(InvalidParameters, match="names no role"):
        diagnose(role="arn:aws:iam::222222222222:role/reader", through=[through])
