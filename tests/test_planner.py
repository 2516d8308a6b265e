"""The planner: which changes the grant needs, who owns the resources, and the order of the changes."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.examples import ALICE, READ, ROLE, a_grant
from xacct_nb.changes.planner import desired_resources, diff
from xacct_nb.errors import NotOwned
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.naming import is_caller_policy
from xacct_nb.grants.state import ResourceKey, State

BOB = "arn:aws:iam::111111111111:user/bob"
GROUP = "arn:aws:iam::111111111111:group/analysts"
POLICY = "arn:aws:iam::111111111111:policy/xacct-reports"
SECOND = "arn:aws:iam::111111111111:policy/xacct-reports.2"
OURS = {"xacct-nb:grant": "reports"}
ADOPTED = {"xacct-nb:grant": "reports", "xacct-nb:adopted": "true"}


def wanted(grant: Grant) -> State:
    return State(desired_resources(build(grant), State({})))


def changes(grant: Grant, state: State) -> list[tuple[str, str, str]]:
    return [(change.sign, change.kind, change.name) for change in diff(build(grant), state).changes]


def with_role(state: State, **fields: Any) -> State:
    key = ResourceKey("role", ROLE)
    return State({**state.resources, key: {**state.resources[key], **fields}})


def without(state: State, key: ResourceKey) -> State:
    return State({other: value for other, value in state.resources.items() if other != key})


def plus(state: State, key: ResourceKey, value: Any = True) -> State:
    return State({**state.resources, key: value})


GRANTS = {
    "the article's": {},
    "two users": {"sources": [ALICE, BOB]},
    "a role chain": {"sources": ["arn:aws:iam::333333333333:role/hub"]},
    "a whole account": {"sources": ["111111111111"]},
    "by a group": {"sources": [ALICE, BOB], "attach_to": GROUP},
    "inline": {"caller_policy": "inline"},
    "two roles": {"destinations": [ROLE, "arn:aws:iam::444444444444:role/team/writer"]},
    "managed policies": {"managed_policies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"], "permissions": []},
    "a boundary": {"permissions_boundary": "arn:aws:iam::222222222222:policy/edge"},
    "conditions": {
        "conditions": {"require_mfa": True, "external_id": "partner-7", "session_tags": {"a": "b"}}
    },
    "300 roles": {"destinations": [f"arn:aws:iam::{222222222222 + n}:role/{'r' * 20}" for n in range(300)]},
}
each_grant = pytest.mark.parametrize("fields", GRANTS.values(), ids=GRANTS)


@each_grant
def test_what_is_wanted_and_there_already_needs_no_change(fields: dict[str, Any]) -> None:
    grant = a_grant(**fields)
    plan = diff(build(grant), wanted(grant))

    assert plan.changes == ()
    assert plan.summary == "No changes. The live state is what the grant says."


@each_grant
def test_in_empty_accounts_everything_is_added(fields: dict[str, Any]) -> None:
    grant = a_grant(**fields)
    plan = diff(build(grant), State({}))

    assert {ResourceKey(each.kind, each.target, each.name) for each in plan.changes} == set(
        wanted(grant).resources
    )
    assert {change.sign for change in plan.changes} == {"+"}


def mixed(value: Any, chance: random.Random) -> Any:
    """The value as AWS may give it back: lists in another order or unpacked, ids for root ARNs."""
    if isinstance(value, dict):
        return {key: mixed(item, chance) for key, item in value.items()}
    if isinstance(value, list):
        items = [mixed(item, chance) for item in chance.sample(value, len(value))]
        return items[0] if len(items) == 1 and chance.random() < 0.5 else items
    if isinstance(value, str) and value.endswith(":root"):
        return chance.choice([value, value.split(":")[4]])
    return value


@given(
    st.lists(st.sampled_from([ALICE, BOB, "333333333333", "444444444444"]), min_size=1, max_size=4),
    st.lists(st.sampled_from(["s3:GetObject", "s3:PutObject", "s3:ListBucket"]), min_size=1, max_size=3),
    st.randoms(use_true_random=False),
)
def test_another_order_or_spelling_is_no_difference(
    sources: list[str], actions: list[str], chance: random.Random
) -> None:
    grant = a_grant(sources=sources, permissions=[{"actions": actions, "resources": ["arn:aws:s3:::a", "*"]}])
    resources = {key: mixed(value, chance) for key, value in wanted(grant).resources.items()}

    assert diff(build(grant), State(resources)).changes == ()


def test_the_first_plan_makes_the_role_and_its_permissions_before_the_caller_gets_in() -> None:
    assert changes(a_grant(), State({})) == [
        ("+", "role", ""),
        ("+", "inline-policy", "xacct-reports"),
        ("+", "managed-policy", ""),
        ("+", "attachment", POLICY),
    ]


def test_inline_needs_no_policy_of_its_own() -> None:
    assert changes(a_grant(caller_policy="inline"), State({})) == [
        ("+", "role", ""),
        ("+", "inline-policy", "xacct-reports"),
        ("+", "inline-policy", "xacct-reports"),
    ]


def test_another_source_changes_the_trust_and_the_attachments_only() -> None:
    plan = diff(build(a_grant(sources=[BOB])), wanted(a_grant()))

    assert [(each.sign, each.kind, each.target) for each in plan.changes] == [
        ("~", "trust", ROLE),
        ("+", "attachment", BOB),
        ("-", "attachment", ALICE),
    ]


def test_attaching_to_a_group_moves_the_attachments() -> None:
    plan = diff(build(a_grant(attach_to=GROUP)), wanted(a_grant()))

    assert [(each.sign, each.kind, each.target) for each in plan.changes] == [
        ("+", "attachment", GROUP),
        ("-", "attachment", ALICE),
    ]


def test_a_second_policy_that_is_not_needed_any_more_is_detached_and_then_deleted() -> None:
    policy = {"description": "", "tags": OURS, "document": {"Statement": []}, "version": "v1"}
    state = plus(
        plus(wanted(a_grant()), ResourceKey("managed-policy", SECOND), policy),
        ResourceKey("attachment", ALICE, SECOND),
    )

    assert changes(a_grant(), state) == [("-", "attachment", SECOND), ("-", "managed-policy", "")]


def test_a_longer_session_changes_the_settings_and_keeps_the_description() -> None:
    state = with_role(wanted(a_grant()), description="Made by hand")
    (change,) = diff(build(a_grant(session_minutes=120)), state).changes

    assert (change.kind, change.before, change.after) == (
        "settings",
        {"description": "Made by hand", "session_seconds": 3600},
        {"description": "Made by hand", "session_seconds": 7200},
    )


def test_a_session_shorter_than_the_minimum_of_a_role_gets_the_minimum() -> None:
    assert wanted(a_grant(session_minutes=15)).resources[ResourceKey("role", ROLE)]["session_seconds"] == 3600


def test_a_boundary_is_added() -> None:
    edge = "arn:aws:iam::222222222222:policy/edge"
    (change,) = diff(build(a_grant(permissions_boundary=edge)), wanted(a_grant())).changes

    assert (change.sign, change.kind, change.before, change.after) == ("+", "boundary", None, edge)


def test_a_boundary_that_the_grant_leaves_open_stays() -> None:
    state = with_role(wanted(a_grant()), boundary="arn:aws:iam::222222222222:policy/edge")

    assert changes(a_grant(), state) == []


def test_tags_of_others_stay() -> None:
    state = with_role(wanted(a_grant()), tags={**OURS, "cost-center": "42"})

    assert changes(a_grant(), state) == []


def test_what_others_hung_on_a_role_of_the_grant_is_removed() -> None:
    state = plus(wanted(a_grant()), ResourceKey("inline-policy", ROLE, "by-hand"), {"Statement": []})
    state = plus(state, ResourceKey("attachment", ROLE, "arn:aws:iam::aws:policy/AdministratorAccess"))

    assert changes(a_grant(), state) == [
        ("-", "attachment", "arn:aws:iam::aws:policy/AdministratorAccess"),
        ("-", "inline-policy", "by-hand"),
    ]


def test_what_hangs_on_an_adopted_role_stays() -> None:
    state = with_role(wanted(a_grant()), tags=ADOPTED)
    state = plus(state, ResourceKey("inline-policy", ROLE, "by-hand"), {"Statement": []})
    state = plus(
        state, ResourceKey("attachment", ROLE, "arn:aws:iam::222222222222:policy/xacct-reports.backup")
    )

    assert changes(a_grant(), state) == []


def test_a_role_that_was_not_made_for_the_grant_is_refused() -> None:
    state = with_role(wanted(a_grant()), tags={}, trust={"Statement": []})

    with pytest.raises(NotOwned) as refusal:
        diff(build(a_grant()), state)

    assert refusal.value.what == f"{ROLE} exists and was not made for the grant 'reports'."
    assert refusal.value.why == "It has no tag xacct-nb:grant=reports, and the plan would change: trust."
    assert "adopt: true" in refusal.value.hint


def test_a_role_of_another_grant_is_refused() -> None:
    state = with_role(wanted(a_grant()), tags={"xacct-nb:grant": "payroll"}, session_seconds=7200)

    with pytest.raises(NotOwned, match=f"{ROLE} exists"):
        diff(build(a_grant()), state)


def test_the_role_is_named_also_where_only_a_policy_on_it_would_change() -> None:
    read_only = "arn:aws:iam::aws:policy/ReadOnlyAccess"

    with pytest.raises(NotOwned, match=f"{ROLE} exists"):
        diff(build(a_grant(managed_policies=[read_only])), with_role(wanted(a_grant()), tags={}))


def test_a_policy_that_was_not_made_for_the_grant_is_refused_even_to_be_attached() -> None:
    state = without(wanted(a_grant()), ResourceKey("attachment", ALICE, POLICY))
    key = ResourceKey("managed-policy", POLICY)
    state = plus(state, key, {**state.resources[key], "tags": {}})

    with pytest.raises(NotOwned, match=f"{POLICY} exists"):
        diff(build(a_grant()), state)


def test_a_role_that_already_matches_is_not_changed_whoever_owns_it() -> None:
    assert changes(a_grant(), with_role(wanted(a_grant()), tags={})) == []


def test_adopting_a_role_adds_a_tag_and_a_note() -> None:
    state = with_role(
        wanted(a_grant()), tags={"team": "data"}, trust={"Statement": []}, description="By hand"
    )
    plan = diff(build(a_grant(adopt=True)), state)

    assert [(each.kind, each.after) for each in plan.changes if each.kind == "tags"] == [
        ("tags", {"team": "data", **ADOPTED})
    ]
    assert [change.kind for change in plan.changes] == ["tags", "trust"]
    assert plan.notes == (f"{ROLE} was not made for this grant and is taken over.",)


def test_a_deleted_principal_is_noted() -> None:
    dead = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "AIDACKCEVSQ6C2EXAMPLE"}}]}
    plan = diff(build(a_grant()), with_role(wanted(a_grant()), trust=dead))

    assert plan.notes == (
        f"{ROLE} trusts AIDACKCEVSQ6C2EXAMPLE, which was deleted; a rollback cannot restore that.",
    )


def test_a_user_outside_the_group_is_noted() -> None:
    grant = a_grant(sources=[ALICE, BOB], attach_to=GROUP)
    plan = diff(build(grant), plus(State({}), ResourceKey("group", GROUP), ["alice"]))

    assert plan.notes == (f"{BOB} is not in {GROUP}, so the caller policy does not reach it.",)


def test_what_widens_access_is_in_the_plan() -> None:
    assert diff(build(a_grant(sources=["111111111111"])), State({})).unaccepted == ("whole-account-trust",)


def test_a_plan_without_changes_needs_no_accepted_findings() -> None:
    grant = a_grant(sources=["111111111111"], permissions=[{**READ, "resources": ["*"]}])

    assert diff(build(grant), wanted(grant)).unaccepted == ()


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [
        ("xacct-reports", True),
        ("xacct-reports.2", True),
        ("xacct-reports.12", True),
        ("xacct-reports.backup", False),
        ("xacct-reports-2", False),
        ("xacct-report", False),
    ],
)
def test_the_grants_own_policies_are_known_by_their_names(name: str, is_ours: bool) -> None:
    assert is_caller_policy(a_grant(), f"arn:aws:iam::111111111111:policy/{name}") is is_ours


def test_the_external_id_is_in_the_change_but_not_in_its_json() -> None:
    plan = diff(build(a_grant(conditions={"external_id": "hunter2-hunter2"})), State({}))

    assert plan.secrets == {"hunter2-hunter2"}
    assert "hunter2" not in json.dumps(plan.to_json())


def test_another_external_id_is_another_plan() -> None:
    one, other = (a_grant(conditions={"external_id": name}) for name in ("partner-7", "partner-8"))

    assert diff(build(one), State({})).digest != diff(build(other), State({})).digest


class TestAdoptingWhatSaysTheSame:
    """Others wrote it under another name: a grant that adopts leaves it, and writes nothing beside it."""

    OWN = ResourceKey("inline-policy", ROLE, "xacct-reports")

    def by_others(self, *names: str, **fields: Any) -> State:
        """A role of others with the grant's permissions policy under other names, a statement in each."""
        grant = a_grant(**fields)
        state = with_role(without(wanted(grant), self.OWN), tags={})
        statements = build(grant).permissions_policies[ROLE]["Statement"]
        for name, statement in zip(names, statements, strict=True):
            policy = {"Version": "2012-10-17", "Statement": [statement | {"Sid": name}]}
            state = plus(state, ResourceKey("inline-policy", ROLE, name), policy)
        return state

    def test_a_permissions_policy_is_left_also_where_it_stands_in_several(self) -> None:
        permissions = [READ, {"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::reports"]}]
        state = self.by_others("one", "other", permissions=permissions)

        assert changes(a_grant(adopt=True, permissions=permissions), state) == []

    def test_without_adopt_it_is_refused(self) -> None:
        with pytest.raises(NotOwned, match="would change: inline-policy"):
            diff(build(a_grant()), self.by_others("own"))

    def test_one_that_allows_less_is_written_beside_it(self) -> None:
        wider = a_grant(adopt=True, permissions=[READ, {"actions": ["s3:PutObject"], "resources": ["*"]}])

        assert changes(wider, self.by_others("own"))[0] == ("+", "inline-policy", "xacct-reports")

    def test_on_a_role_of_the_grant_itself_nothing_else_counts(self) -> None:
        state = with_role(self.by_others("own"), tags=OURS)

        assert changes(a_grant(adopt=True), state) == [
            ("-", "inline-policy", "own"),
            ("+", "inline-policy", "xacct-reports"),
        ]

    def test_a_statement_of_others_in_a_trust_policy_is_left(self) -> None:
        grant = a_grant(manage="trust", adopt=True)
        statement = build(grant).trust_policies[ROLE]["Statement"][0] | {"Sid": "Theirs"}
        trust = {"Version": "2012-10-17", "Statement": [statement]}
        role = {"trust": trust, "tags": {}, "session_seconds": 3600, "boundary": ""}
        callers = {key: each for key, each in wanted(grant).resources.items() if key.target != ROLE}
        state = State(callers, {ResourceKey("role", ROLE): role})

        assert changes(grant, state) == []
        assert [kind for _, kind, _ in changes(a_grant(manage="trust"), state)] == ["trust-statement"]


class TestNoCallerPolicy:
    def test_nothing_is_written_on_the_callers(self) -> None:
        grant = a_grant(caller_policy="none")

        assert build(grant).caller_policies == {}
        assert {each.account for each in diff(build(grant), State({})).changes} == {"222222222222"}

    def test_the_policy_from_before_is_taken_away(self) -> None:
        assert changes(a_grant(caller_policy="none"), wanted(a_grant())) == [
            ("-", "attachment", POLICY),
            ("-", "managed-policy", ""),
        ]
