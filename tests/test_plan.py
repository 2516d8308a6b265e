"""State, changes and plans: how they read, their digest, their reverse, and JSON."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.examples import ALICE, ROLE, a_grant, golden
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Change, Plan, differs
from xacct_nb.changes.planner import desired_resources, diff
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import resolve
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.views import html

EMPTY = State({})
PLAN = diff(build(a_grant()), EMPTY)
TAGS = Change("tags", ROLE, "", {"team": "data"}, {"team": "ops"})
values = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
values = values | st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=8), values, max_size=3)
changes = st.builds(
    Change,
    st.sampled_from(["tags", "settings", "inline-policy"]),
    st.just(ROLE),
    st.text(max_size=9),
    values,
    values,
)
plans = st.builds(
    Plan,
    st.text(max_size=9),
    st.lists(changes, max_size=3).map(tuple),
    st.lists(st.text(max_size=9), max_size=2).map(tuple),
    st.lists(st.text(max_size=9), max_size=2).map(tuple),
    st.sampled_from(["", "env:VENDOR_ID", "file:~/vendor.id"]),
)


def through_json(fields: Any) -> Any:
    return json.loads(json.dumps(fields))


def test_a_plan_shows_every_change_and_its_digest() -> None:
    assert f"{PLAN}\n" == golden("plan.txt")


def test_a_plan_of_a_changed_source_shows_what_differs() -> None:
    state = State(desired_resources(build(a_grant()), State({})))
    other = a_grant(sources=["arn:aws:iam::111111111111:user/bob"])

    assert f"{diff(build(other), state)}\n" == golden("plan_of_another_source.txt")


def test_the_summary_counts_as_terraform_does() -> None:
    plan = Plan("reports", (TAGS, Change("role", ROLE, "", None, {}), Change("role", ROLE, "", {}, None)))

    assert plan.summary == "Plan: 1 to add, 1 to change, 1 to destroy."


def test_an_empty_plan_says_so() -> None:
    assert Plan("reports", ()).summary == "No changes. The live state is what the grant says."


def test_a_change_has_a_sign_a_title_and_an_account() -> None:
    policy = "arn:aws:iam::111111111111:policy/xacct-reports"
    change = Change("attachment", ALICE, policy, None, True)

    assert (change.sign, change.title, change.account) == (
        *("+", "attachment xacct-reports on user/alice"),
        "111111111111",
    )


def test_reversing_swaps_the_two_sides() -> None:
    assert TAGS.reverse() == Change("tags", ROLE, "", {"team": "ops"}, {"team": "data"})


def test_a_plan_is_reversed_from_its_end() -> None:
    assert PLAN.reverse().changes == tuple(change.reverse() for change in PLAN.changes[::-1])


@given(changes)
def test_reversing_a_change_twice_is_identity(change: Change) -> None:
    assert change.reverse().reverse() == change


@given(plans)
def test_reversing_a_plan_twice_is_identity(plan: Plan) -> None:
    assert plan.reverse().reverse() == plan


@given(plans)
def test_a_plan_keeps_its_digest_through_json(plan: Plan) -> None:
    again = Plan.from_json(through_json(plan.to_json()))

    assert again == plan
    assert again.digest == plan.digest == plan.to_json()["digest"]


def test_a_plan_with_an_external_id_keeps_its_digest_through_json() -> None:
    plan = diff(build(a_grant(conditions={"external_id": "partner-7"})), State({}))
    again = Plan.from_json(through_json(plan.to_json()))

    assert again.digest == plan.digest
    assert (again.secrets, len(again.unresolved_fingerprints)) == (set(), 1)


def test_a_plan_says_where_the_external_id_comes_from() -> None:
    plan = diff(
        build(resolve(a_grant(conditions={"external_id": "env:VENDOR_ID"}), "vendor:{}".format)), EMPTY
    )
    direct = diff(build(a_grant(conditions={"external_id": "vendor:env:VENDOR_ID"})), EMPTY)

    assert "The external ID comes from env:VENDOR_ID." in str(plan)
    assert "The external ID comes from env:VENDOR_ID." in html(plan.view())
    assert plan.to_json()["reference"] == "env:VENDOR_ID"
    assert "comes from" not in str(direct)
    assert "reference" not in direct.to_json()


def test_another_reference_to_the_same_external_id_is_the_same_plan_and_another_value_is_not() -> None:
    def plan(reference: str, value: str) -> Plan:
        return diff(build(resolve(a_grant(conditions={"external_id": reference}), lambda _: value)), EMPTY)

    assert plan("env:A", "partner-7").digest == plan("file:b", "partner-7").digest
    assert plan("env:A", "partner-7").digest != plan("env:A", "partner-8").digest


def test_the_digest_names_the_grant_and_every_change() -> None:
    plans = [
        Plan("a", ()),
        Plan("b", ()),
        Plan("a", (TAGS,)),
        Plan("a", (TAGS.reverse(),)),
        PLAN,
        PLAN.reverse(),
    ]

    assert len({plan.digest for plan in plans}) == 6


def test_notes_are_not_part_of_what_is_approved() -> None:
    assert Plan("a", (TAGS,), ("a note",)).digest == Plan("a", (TAGS,)).digest


def test_the_order_of_the_keys_in_a_value_is_not_part_of_what_is_approved() -> None:
    one = Change("tags", ROLE, "", {}, {"a": "1", "b": "2"})
    other = Change("tags", ROLE, "", {}, {"b": "2", "a": "1"})

    assert Plan("a", (one,)).digest == Plan("a", (other,)).digest


def test_a_state_goes_to_json_and_back() -> None:
    state = State(desired_resources(build(a_grant()), State({})))

    assert State.from_json(through_json(state.to_json())) == state


def test_a_state_in_json_has_fingerprints_for_external_ids() -> None:
    state = State(desired_resources(build(a_grant(conditions={"external_id": "hunter2-hunter2"})), State({})))
    shown = json.dumps(state.to_json())

    assert "hunter2" not in shown
    assert State.from_json(json.loads(shown)).to_json() == state.to_json()


def test_the_order_of_a_state_does_not_show_in_its_json() -> None:
    resources = desired_resources(build(a_grant()), State({}))

    assert State(dict(reversed(resources.items()))).to_json() == State(resources).to_json()


def test_a_state_shows_what_exists() -> None:
    assert str(State({ResourceKey("group", "arn:aws:iam::111111111111:group/a"): ["alice"]})) == (
        "None of the grant's roles and policies exist."
    )
    assert str(State({ResourceKey("role", ROLE): {}})).splitlines()[-1].split() == ["role", ROLE]


def test_resources_of_a_kind_and_a_target_are_found() -> None:
    state = State(desired_resources(build(a_grant()), State({})))

    assert list(state.of("role")) == [ResourceKey("role", ROLE)]
    assert list(state.of("inline-policy", ROLE)) == [ResourceKey("inline-policy", ROLE, "xacct-reports")]
    assert list(state.of("inline-policy", ALICE)) == []


def test_a_managed_policy_differs_by_its_document_only() -> None:
    one = {"document": {"Statement": []}, "version": "v1", "tags": {}, "description": ""}

    assert not differs("managed-policy", one, {**one, "version": "v2", "tags": {"a": "b"}})
    assert differs("managed-policy", one, {**one, "document": {"Statement": [{"Effect": "Allow"}]}})


def test_what_is_not_there_differs_from_what_is() -> None:
    assert differs("boundary", None, "arn:aws:iam::222222222222:policy/edge")
    assert not differs("boundary", None, None)


def test_a_journal_goes_to_json_and_back() -> None:
    entry = Entry(
        "2026-11-24T10:15:00Z", "222222222222", "CreateRole", "role role/r", "made", "id-1", 0.25, 2
    )
    journal = Journal("reports", PLAN.changes, (entry,))

    assert Journal.from_json(through_json(journal.to_json())) == journal


def test_the_undo_plan_of_a_journal_is_its_reversed_plan() -> None:
    assert Journal("reports", PLAN.changes).undo_plan() == Plan("reports", PLAN.changes).reverse()


def test_a_journal_without_entries_says_that_nothing_was_changed() -> None:
    assert str(Journal("reports")) == "Nothing was changed."
