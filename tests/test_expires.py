"""A grant that ends by itself: both sides have the moment in a condition."""

from typing import Any

import pytest

from support.adopted_role import taken_over
from support.examples import (
    ALICE,
    READ,
    ROLE,
    a_grant,
    applied,
    calls,
    grant_in,
    plan_of,
    root_iam,
    sessions_in,
    state_of,
)
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.irreversible import irreversible_changes
from xacct_nb.aws.probes import prove
from xacct_nb.aws.writer import rollback
from xacct_nb.changes.planner import desired_resources, diff
from xacct_nb.errors import InvalidGrant
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.live_principal import LivePrincipal
from xacct_nb.grants.pictures.access_graph import graph_of_grants
from xacct_nb.grants.sentences import access_sentences
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.linting.findings import lint
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox
FAR = "2099-12-31"


@pytest.mark.parametrize("manage", ["role", "trust"])
@pytest.mark.parametrize(
    ("expires", "moment"),
    [
        ("2026-12-31", "2026-12-31T00:00:00Z"),
        ("2026-12-31T18:30Z", "2026-12-31T18:30:00Z"),
        ("2026-12-31T18:30:05Z", "2026-12-31T18:30:05Z"),
    ],
)
def test_both_sides_end_at_the_moment_beside_the_other_conditions(
    expires: str, moment: str, manage: str
) -> None:
    grant = a_grant(expires=expires, manage=manage, conditions={"external_id": "partner-7"})
    documents = build(grant)
    ends = {"DateLessThan": {"aws:CurrentTime": moment}}

    assert documents.caller_policies[ALICE][0]["Statement"][0]["Condition"] == ends
    assert documents.trust_policies[ROLE]["Statement"][0]["Condition"] == {
        "StringEquals": {"sts:ExternalId": "partner-7"},
        **ends,
    }


@pytest.mark.parametrize(
    ("now", "allowed"), [("2026-12-30T23:59:59Z", True), ("2026-12-31T00:00:00Z", False)]
)
@pytest.mark.parametrize("side", ["caller", "trust"])
def test_each_side_alone_lets_nobody_in_from_that_moment_on(now: str, allowed: bool, side: str) -> None:
    ending, lasting = build(a_grant(expires="2026-12-31")), build(a_grant())
    caller, trust = (ending, lasting) if side == "caller" else (lasting, ending)
    decision = evaluate(
        ALICE,
        "sts:AssumeRole",
        ROLE,
        {"aws:CurrentTime": now},
        caller.caller_policies[ALICE],
        trust.trust_policies[ROLE],
    )

    assert decision.allowed is allowed


@pytest.mark.parametrize(
    "expires",
    [
        "tomorrow",
        "2026-13-01",
        "2026-02-30",
        "31.12.2026",
        "2026-12-31T18:00:00",
        "2026-12-31T18:00+01:00",
        "*",
    ],
)
def test_what_is_no_date_or_moment_in_utc_is_refused(expires: str) -> None:
    with pytest.raises(InvalidGrant, match=r"expires: .* is no date"):
        a_grant(expires=expires)


def test_sentence_picture_and_findings_say_when_it_ends() -> None:
    grant = a_grant(expires="2026-12-31")
    (edge,) = graph_of_grants([grant]).edges

    assert access_sentences(grant)[0].endswith("for 1 hour at a time, until 2026-12-31 00:00 UTC.")
    assert "until 2026-12-31 00:00 UTC" in edge.lines
    assert [each.code for each in lint(build(grant)).found] == ["session-outlives-expiry"]


def test_the_callers_other_policies_are_judged_as_before_the_end() -> None:
    documents = build(a_grant(expires="2026-12-31", permissions=[READ]))
    state = State({}, {ResourceKey("principal", ALICE): LivePrincipal(ALICE)})

    assert [each.code for each in lint(documents, state).found] == ["session-outlives-expiry"]


@pytest.mark.parametrize("later", ["2027-01-01", ""])
def test_another_end_is_a_change_of_both_policies(later: str) -> None:
    first, second = build(a_grant(expires="2026-12-31")), build(a_grant(expires=later))
    state = State(desired_resources(first, State({})))
    kinds: list[Any] = [each.kind for each in diff(second, state).changes]

    assert kinds == ["trust", "managed-policy"]


def test_a_grant_with_an_end_is_proven_and_undone(world: World) -> None:
    grant = grant_in(world, expires=FAR)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)

    assert prove(grant, sessions, patience=1).holds
    assert plan_of(grant, sessions).changes == ()
    rollback(journal, sessions, patience=1)


def test_a_grant_that_has_ended_is_removed_proven_and_rolled_back(world: World) -> None:
    lasting, ended = grant_in(world, expires=FAR), grant_in(world, expires="2020-01-01")
    sessions = sessions_in(world, lasting)
    applied(lasting, sessions)
    before = state_of(lasting, sessions)
    over = sessions_in(world, ended)

    assert not prove(ended, over).holds
    journal = applied(ended, over)
    assert prove(ended, over).holds
    assert calls(journal) == [
        "DetachUserPolicy", "DeletePolicy", "DeleteRolePolicy", "DeleteRole",
    ]  # fmt: skip
    assert plan_of(ended, over).changes == ()
    lost = [each.what for each in irreversible_changes(over, journal.undo_plan(), journal.entries)]
    rollback(journal, over, patience=1)
    assert all("cannot be restored" not in each for each in lost)
    assert state_of(lasting, sessions) == before


def test_an_adopted_role_is_as_before_once_the_runs_are_rolled_back_newest_first(world: World) -> None:
    grant = taken_over(world)
    fields = grant.model_dump() | {"expires": "2020-01-01", "conditions": {}}
    ended = Grant(**fields)
    sessions = sessions_in(world, ended)
    before = state_of(ended, sessions)
    first = applied(grant, sessions_in(world, grant))
    removed = applied(ended, sessions)

    assert prove(ended, sessions).holds
    assert state_of(ended, sessions).role(grant.destinations[1])["tags"] == {"team": "data"}
    for journal in (removed, first):
        rollback(journal, sessions, patience=1)
    assert state_of(ended, sessions) == before


def test_the_proof_of_an_ended_grant_fails_while_a_caller_gets_in(world: World) -> None:
    applied(grant := grant_in(world), sessions_in(world, grant))
    ended = grant_in(world, expires="2020-01-01")
    proof = prove(ended, sessions_in(world, ended))

    assert proof.verdict == "fails"
    assert proof.summary.endswith("The grant has ended, and AWS still lets a caller in.")


@pytest.mark.parametrize(
    ("fields", "callers"), [({"conditions": {"require_mfa": True}}, ("alice",)), ({}, ("mallory",))]
)
def test_the_proof_of_an_ended_grant_is_open_where_no_call_could_show_it(
    world: World, fields: Any, callers: tuple[str, ...]
) -> None:
    ended = grant_in(world, expires="2020-01-01", **fields)

    assert prove(ended, sessions_in(world, ended, callers)).verdict == "not-proven"


def test_a_grant_whose_source_was_deleted_is_removed_at_its_end(world: World) -> None:
    ben = f"arn:aws:iam::{world.source}:user/ben"
    iam = root_iam(world, world.source)
    iam.create_user(UserName="ben")
    fields = {"sources": [ben], "caller_policy": "inline"}
    applied(grant := grant_in(world, expires=FAR, **fields), sessions_in(world, grant))
    iam.delete_user_policy(UserName="ben", PolicyName="xacct-reports")
    iam.delete_user(UserName="ben")
    ended = grant_in(world, expires="2020-01-01", **fields)

    assert calls(applied(ended, sessions_in(world, ended))) == ["DeleteRolePolicy", "DeleteRole"]
