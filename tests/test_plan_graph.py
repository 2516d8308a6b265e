"""A plan's picture says who may assume what after it, and what it adds, takes away and changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import xacct_nb as xa
from support.examples import ALICE, ROLE, a_grant
from xacct_nb.changes.access_picture import plan_picture
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.changes.planner import desired_resources, diff
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.pictures.access_graph import AccessGraph
from xacct_nb.grants.state import State

BOB = "arn:aws:iam::111111111111:user/bob"
OTHER = "arn:aws:iam::222222222222:role/other-reader"
GROUP = "arn:aws:iam::111111111111:group/analysts"


def state_after(grant: Grant) -> State:
    return State(desired_resources(build(grant), State({})))


def plan_from(old: Grant | None, new: Grant) -> Plan:
    return diff(build(new), state_after(old) if old else State({}))


def ways(graph: AccessGraph) -> dict[tuple[str, str], tuple[str, tuple[str, ...]]]:
    """The mark and the lines of each way, by the names of its ends."""
    names = {node.key: node.name for node in graph.nodes}
    return {(names[each.source], names[each.target]): (each.mark, each.lines) for each in graph.edges}


def picture_of(old: Grant | None, new: Grant) -> AccessGraph:
    return plan_picture(new, plan_from(old, new)).graph


def test_a_new_grant_adds_every_way_and_the_role() -> None:
    graph = picture_of(None, a_grant(sources=[ALICE, "333333333333"], conditions={"require_mfa": True}))

    assert ways(graph) == {
        ("alice", "reports-reader"): ("+", ("with MFA",)),
        ("333333333333", "reports-reader"): ("+", ("with MFA",)),
    }
    assert {node.name: node.mark for node in graph.nodes} == {
        "alice": "",
        "333333333333": "",
        "reports-reader": "+",
    }


def test_another_source_is_added_and_the_ways_that_stay_are_not_marked() -> None:
    graph = picture_of(a_grant(), a_grant(sources=[ALICE, BOB]))

    assert ways(graph) == {
        ("alice", "reports-reader"): ("", ("without a condition",)),
        ("bob", "reports-reader"): ("+", ("without a condition",)),
    }


def test_a_source_that_leaves_the_grant_loses_its_way() -> None:
    graph = picture_of(a_grant(sources=[ALICE, BOB]), a_grant())

    assert ways(graph)["bob", "reports-reader"] == ("-", ("without a condition",))
    assert (
        "- taken away: user/bob of 111111111111 may assume"
        in plan_picture(None, plan_from(a_grant(sources=[ALICE, BOB]), a_grant())).words
    )


def test_a_new_condition_is_marked_on_the_way_that_changes() -> None:
    graph = picture_of(
        a_grant(conditions={"source_ips": ["10.0.0.0/8"]}),
        a_grant(conditions={"source_ips": ["10.0.0.0/8"], "external_id": "only-a-test"}),
    )

    assert ways(graph) == {
        ("alice", "reports-reader"): ("~", ("only from 10.0.0.0/8", "+ with an external ID"))
    }


def test_another_external_id_is_a_change_and_neither_is_shown() -> None:
    old, new = (a_grant(conditions={"external_id": f"only-a-test-{n}"}) for n in (1, 2))
    picture = plan_picture(new, plan_from(old, new))

    assert ways(picture.graph) == {
        ("alice", "reports-reader"): ("~", ("with an external ID", "another external ID"))
    }
    assert "only-a-test" not in str(picture) + picture.svg


def test_the_role_of_a_grant_that_takes_another_role_is_not_taken_for_a_way_that_stays() -> None:
    old, new = a_grant(), a_grant(destinations=[OTHER])

    graph = plan_picture(None, plan_from(old, new)).graph

    marks = {ends: mark for ends, (mark, _) in ways(graph).items()}
    assert marks["alice", "other-reader"] == "+"


def test_who_is_trusted_newly_and_not_allowed_by_its_own_account_gets_no_access() -> None:
    trust = build(a_grant(sources=[BOB])).trust_policies[ROLE]
    own = build(a_grant(sources=[BOB], destinations=[OTHER])).caller_policies[BOB][0]
    changes = (Change("trust", ROLE, "", {}, trust), Change("inline-policy", BOB, "p", None, own))

    (edge,) = (each for each in xa.picture(Plan("reports", changes)).graph.edges if each.target == ROLE)

    assert (edge.state, edge.mark) == ("half", "")


def test_a_plan_without_changes_shows_what_the_grant_gives_without_marks() -> None:
    graph = picture_of(a_grant(), a_grant())

    assert {each.mark for each in graph.edges} == {""}
    assert len(graph.edges) == 1


def test_a_rollback_takes_away_what_the_plan_added() -> None:
    graph = xa.picture(plan_from(None, a_grant()).reverse()).graph

    assert ways(graph) == {("alice", "reports-reader"): ("-", ("without a condition",))}
    assert next(node for node in graph.nodes if node.key == ROLE).mark == "-"


def test_a_plan_that_gives_the_caller_its_policy_only_adds_the_way() -> None:
    whole = plan_from(None, a_grant())
    callers = tuple(change for change in whole.changes if change.account == "111111111111")

    graph = plan_picture(a_grant(), Plan("reports", callers)).graph

    assert ways(graph) == {("alice", "reports-reader"): ("+", ("without a condition",))}
    assert next(node for node in graph.nodes if node.key == ALICE).lines == ("+ policy xacct-reports",)


def test_a_trust_that_others_had_is_shown_as_taken() -> None:
    state = state_after(a_grant())
    (role,) = state.of("role")
    service = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    live = {**state.resources[role], "trust": {"Version": "2012-10-17", "Statement": [service]}}
    changed = State({**state.resources, role: live})

    graph = plan_picture(a_grant(), diff(build(a_grant()), changed)).graph

    marks = {ends: mark for ends, (mark, _) in ways(graph).items()}
    assert marks == {("ec2.amazonaws.com", "reports-reader"): "-", ("alice", "reports-reader"): "+"}


def test_the_group_that_carries_the_caller_policy_gives_the_way() -> None:
    graph = picture_of(None, a_grant(attach_to=GROUP))

    assert ways(graph) == {("alice", "reports-reader"): ("+", ("without a condition",))}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"sources": [ALICE, BOB, "333333333333"], "destinations": [ROLE, OTHER]},
        {"caller_policy": "inline", "conditions": {"session_tags": {"a": "b"}, "source_identity": "ann"}},
        {"attach_to": GROUP, "conditions": {"organization_id": "o-abcdefghij"}},
    ],
)
def test_a_plan_and_its_reverse_mark_the_same_ways_the_other_way_round(fields: dict[str, Any]) -> None:
    grant = a_grant(**fields)
    plan = plan_from(None, grant)

    there, back = (
        {(each.source, each.target, each.lines): each.mark for each in xa.picture(one).graph.edges}
        for one in (plan, plan.reverse())
    )

    assert set(there.values()) == {"+"}
    assert back == dict.fromkeys(there, "-")


def test_an_unresolved_reference_does_not_stop_the_picture() -> None:
    plan = plan_from(None, a_grant(conditions={"external_id": "only-a-test"}))

    graph = plan_picture(a_grant(conditions={"external_id": "env:NOT_THERE"}), plan).graph

    assert ways(graph) == {("alice", "reports-reader"): ("+", ("with an external ID",))}


def test_a_plan_of_a_record_has_the_same_picture() -> None:
    grant = a_grant(conditions={"external_id": "only-a-test"})
    plan = plan_from(None, grant)

    assert xa.picture(Plan.from_json(plan.to_json())).graph == xa.picture(plan).graph


def test_a_live_state_says_open_only_where_the_policies_that_it_has_allow_it() -> None:
    state = state_after(a_grant(sources=[ALICE, "333333333333"]))
    without = State({key: value for key, value in state.resources.items() if key.kind == "role"})

    both, trust_alone = (
        {each.source.rpartition(":")[2]: each.state for each in xa.picture(one).graph.edges}
        for one in (state, without)
    )

    assert both == {"user/alice": "open", "root": "open"}
    assert trust_alone == {"user/alice": "unread", "root": "open"}


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 9)
    | st.sampled_from(["*", "Allow", "Deny", ALICE, "sts:AssumeRole"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Statement",
                    "Effect",
                    "Principal",
                    "AWS",
                    "Action",
                    "Condition",
                    "StringEquals",
                    "trust",
                    "document",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
)
STATEMENTS = st.fixed_dictionaries(
    {"Effect": st.just("Allow"), "Principal": st.just({"AWS": "*"}) | ODD, "Action": ODD, "Condition": ODD}
)


@given(st.lists(ODD | STATEMENTS, max_size=3), ODD, ODD)
def test_a_plan_with_any_documents_at_all_has_a_picture(statements: list[Any], one: Any, other: Any) -> None:
    trust = {"Statement": statements}
    changes = (
        Change("trust", ROLE, "", one, trust),
        Change("role", OTHER, "", other, {"trust": one}),
        Change("inline-policy", ALICE, "p", trust, other),
        Change("managed-policy", "arn:aws:iam::111111111111:policy/p", "", {"document": one}, trust),
        Change("attachment", BOB, "arn:aws:iam::111111111111:policy/p", None, True),
    )

    assert "<svg" in xa.picture(Plan("odd", changes)).svg
