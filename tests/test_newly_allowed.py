"""What a change of grants newly lets in: a sentence for what is wider, none for what is narrower."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.examples import ALICE, READ, ROLE, a_grant
from xacct_nb.changes.newly_allowed import NEW_CODES, NewAccess, newly_allowed
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.linting.findings import RULES

BOB, BUILD = "arn:aws:iam::111111111111:user/bob", "arn:aws:iam::333333333333:role/ci/build"
AUDITOR = "arn:aws:iam::222222222222:role/auditor"
GROUP, OTHERS = "arn:aws:iam::111111111111:group/readers", "arn:aws:iam::111111111111:group/writers"
LIMIT, OTHER_LIMIT = "arn:aws:iam::222222222222:policy/limit", "arn:aws:iam::222222222222:policy/other"
READ_ONLY, ADMIN = "arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/AdministratorAccess"
OWN = "arn:aws:iam::222222222222:policy/own"
ALL = {"actions": ["*"], "resources": ["*"]}
PREFIX = "user/alice of 111111111111 will newly be able to "
ASSUME = f"{PREFIX}assume role/reports-reader of 222222222222 "


def permission(actions: str, resources: str) -> dict[str, list[str]]:
    return {"actions": actions.split(), "resources": resources.split()}


def when(**conditions: Any) -> dict[str, Any]:
    return {"conditions": conditions}


def found(before: dict[str, Any], after: dict[str, Any]) -> tuple[NewAccess, ...]:
    return newly_allowed([a_grant(**before)], [a_grant(**after)])


# By title: the fields before, the fields after, code and sentence.
WIDER: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "another user": ({}, {"sources": [ALICE, BOB]}, "new-source",
        "user/bob of 111111111111 will newly be able to s3:GetObject on reports/* through "
        "role/reports-reader of 222222222222, for 1 hour at a time."),
    "the account instead of the user": ({}, {"sources": ["111111111111"]}, "new-source",
        "Everyone whom 111111111111 allows it will newly be able to s3:GetObject on reports/* through "
        "role/reports-reader of 222222222222, for 1 hour at a time."),
    "a user of the account": ({"sources": ["111111111111"]}, {}, "new-caller-policy",
        f"{ASSUME}by a caller policy of the grant, and not only where 111111111111 allows it."),
    "a caller policy": ({"caller_policy": "none"}, {}, "new-caller-policy",
        f"{ASSUME}by a caller policy of the grant, and not only where 111111111111 allows it."),
    "the group of a user's policy no more": ({"attach_to": GROUP}, {}, "new-caller-policy",
        f"{ASSUME}whether it is a member of group/readers of 111111111111 or not."),
    "another role": ({}, {"destinations": [ROLE, AUDITOR]}, "new-destination",
        f"{PREFIX}s3:GetObject on reports/* through role/auditor of 222222222222, for 1 hour at a time."),
    "another action": ({},
        {"permissions": [permission("s3:GetObject s3:PutObject", "arn:aws:s3:::reports/*")]},
        "new-permission",
        f"{PREFIX}s3:PutObject on reports/* through role/reports-reader of 222222222222."),
    "a wider action": ({}, {"permissions": [permission("s3:Get*", "arn:aws:s3:::reports/*")]},
        "new-permission", f"{PREFIX}s3:Get* on reports/* through role/reports-reader of 222222222222."),
    "a wider resource": ({}, {"permissions": [permission("s3:GetObject", "arn:aws:s3:::reports*")]},
        "new-permission", f"{PREFIX}s3:GetObject on reports* through role/reports-reader of 222222222222."),
    "an action where a policy stays": ({"managed_policies": [READ_ONLY]},
        {"managed_policies": [READ_ONLY], "permissions": [READ, permission("sqs:Purge*", "*")]},
        "new-permission",
        f"{PREFIX}sqs:Purge* on every resource through role/reports-reader of 222222222222, unless "
        "ReadOnlyAccess allows it already."),
    "a managed policy": ({}, {"managed_policies": [READ_ONLY]}, "new-managed-policy",
        f"{PREFIX}do what the policy ReadOnlyAccess allows through role/reports-reader of 222222222222."),
    "no boundary": ({"permissions_boundary": LIMIT}, {}, "boundary-removed",
        f"{PREFIX}act through role/reports-reader of 222222222222 beyond the boundary limit."),
    "another boundary": ({"permissions_boundary": LIMIT}, {"permissions_boundary": OTHER_LIMIT},
        "boundary-removed",
        f"{PREFIX}act through role/reports-reader of 222222222222 up to the boundary other, not limit: what "
        "these allow is not in the file."),
    "the owner's role": ({}, {"manage": "trust"}, "owner-decides",
        f"{PREFIX}do what the owner decides, which this file does not say, through role/reports-reader of "
        "222222222222."),
    "no owner's role": ({"manage": "trust"}, {}, "new-permission",
        f"{PREFIX}s3:GetObject on reports/* through role/reports-reader of 222222222222, so far as its owner "
        "decided."),
    "a role that is taken over": ({}, {"adopt": True}, "role-taken-over",
        f"{PREFIX}do what other policies allow it, if the role exists already, through role/reports-reader "
        "of 222222222222."),
    "no MFA": (when(require_mfa=True), {}, "condition-removed", f"{ASSUME}without MFA."),
    "no external ID": (when(external_id="planted-9"), {}, "condition-removed",
        f"{ASSUME}without an external ID."),
    "another external ID": (when(external_id="planted-9"), when(external_id="planted-8"),
        "condition-changed", f"{ASSUME}with another external ID: it has changed."),
    "another reference": (when(external_id="env:ONE"), when(external_id="env:TWO"), "condition-changed",
        f"{ASSUME}with another external ID, if it has changed: the file refers to it in another way."),
    "no organization": (when(organization_id="o-a1b2c3d4e5"), {}, "condition-removed",
        f"{ASSUME}from outside the organization o-a1b2c3d4e5."),
    "another organization": (when(organization_id="o-a1b2c3d4e5"), when(organization_id="o-f1f2f3f4f5"),
        "condition-changed", f"{ASSUME}from the organization o-f1f2f3f4f5, not o-a1b2c3d4e5."),
    "no addresses": (when(source_ips=["203.0.113.0/24"]), {}, "condition-removed",
        f"{ASSUME}from other addresses than 203.0.113.0/24."),
    "a wider range": (when(source_ips=["203.0.113.0/24"]), when(source_ips=["203.0.112.0/23"]),
        "condition-widened", f"{ASSUME}from 203.0.112.0/23."),
    "addresses of the other version": (when(source_ips=["203.0.113.0/24"]),
        when(source_ips=["203.0.113.0/24", "2001:db8::/32"]), "condition-widened",
        f"{ASSUME}from 2001:db8::/32."),
    "no session name": (when(role_session_name="alice"), {}, "condition-removed",
        f"{ASSUME}under other session names than alice."),
    "a wider session name": (when(role_session_name="alice"), when(role_session_name="a*"),
        "condition-widened", f"{ASSUME}under the session name a*, not only alice."),
    "no source identity": (when(source_identity="alice"), {}, "condition-removed",
        f"{ASSUME}without the source identity alice."),
    "a session tag less": (when(session_tags={"team": "red", "cost": "7"}), when(session_tags={"cost": "7"}),
        "condition-removed", f"{ASSUME}without the session tag team=red."),
    "another session tag": (when(session_tags={"team": "red"}), when(session_tags={"team": "blue"}),
        "condition-changed", f"{ASSUME}with the session tag team=blue, not red."),
    "the first session tag": ({}, when(session_tags={"team": "red"}), "tags-allowed",
        f"{ASSUME}with session tags of the caller's choice beside team."),
    "longer sessions": ({}, {"session_minutes": 720}, "longer-session",
        f"{ASSUME}for 12 hours at a time, not for 1 hour at a time."),
    "a later end": ({"expires": "2026-12-31"}, {"expires": "2027-01-31"}, "later-end",
        f"{ASSUME}until 2027-01-31 00:00 UTC, not only until 2026-12-31 00:00 UTC."),
    "no end": ({"expires": "2026-12-31"}, {}, "later-end",
        f"{ASSUME}without an end, not only until 2026-12-31 00:00 UTC."),
    "every account of the organization": (when(organization_id="o-a1b2c3d4e5"),
        {**when(organization_id="o-a1b2c3d4e5"), "caller_reach": "role-name"}, "wider-reach",
        "user/alice of 111111111111 will newly be able to call, in every account of the organization, for a "
        "role of the name of role/reports-reader of 222222222222, where such a role trusts the caller."),
    "sessions that renew themselves": ({}, {"self_assume": True}, "renewable-sessions",
        "user/alice of 111111111111 will newly be able to renew, as often as they like, a session of "
        "role/reports-reader of 222222222222, which may assume itself."),
}  # fmt: skip
UNDECIDED = {
    "the group of a user's policy no more", "an action where a policy stays", "another boundary",
    "the owner's role", "no owner's role", "a role that is taken over", "another reference",
}  # fmt: skip
# Codes of what is another one in both directions.
BOTH_WAYS = {"condition-changed", "new-caller-policy", "owner-decides", "tags-allowed"}
ONE_WAY = [
    title
    for title, (_, _, code, _) in WIDER.items()
    if code not in BOTH_WAYS
    and title not in ("another boundary", "no owner's role", "the account instead of the user")
]
# By title: the fields before and after, of which the second lets in nobody else.
SAME_OR_NARROWER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another order": (
        {"sources": [ALICE, BOB], "permissions": [READ, permission("sqs:* sns:*", "*")]},
        {"sources": [BOB, ALICE], "permissions": [permission("sns:* sqs:*", "*"), READ]},
    ),
    "another name": ({}, {"name": "other", "caller_policy": "inline", "accept": ["any-role"]}),
    "the account as root ARN": (
        {"sources": ["111111111111"]}, {"sources": ["arn:aws:iam::111111111111:root"]},
    ),
    "an action less wide": (
        {"permissions": [permission("s3:get*", "arn:aws:s3:::reports*")]}, {"permissions": [READ]},
    ),
    "permissions apart": (
        {"permissions": [permission("s3:GetObject s3:PutObject", "arn:aws:s3:::a arn:aws:s3:::b")]},
        {"permissions": [permission("s3:GetObject s3:PutObject", "arn:aws:s3:::b"),
                         permission("s3:PutObject s3:GetObject", "arn:aws:s3:::a")]},
    ),
    "all that an administrator may": ({"managed_policies": [ADMIN]}, {"permissions": [ALL]}),
    "a policy where everything is allowed": ({"permissions": [ALL]}, {"managed_policies": [ADMIN, OWN]}),
    "a source less": ({"sources": [ALICE, BOB]}, {}),
    "more conditions": ({}, when(
        require_mfa=True, external_id="planted-9", organization_id="o-a1b2c3d4e5",
        source_ips=["203.0.113.0/24"], role_session_name="alice", source_identity="alice")),
    "narrower conditions": (
        when(source_ips=["203.0.112.0/24", "203.0.113.0/24"], role_session_name="a*"),
        when(source_ips=["203.0.112.0/23"], role_session_name="al?ce"),
    ),
    "no caller policy": ({}, {"caller_policy": "none"}),
    "a session tag more": (when(session_tags={"a": "b"}), when(session_tags={"c": "d", "a": "b"})),
    "an earlier end": ({}, {"expires": "2026-12-31", "session_minutes": 15}),
    "the same end": ({"expires": "2026-12-31"}, {"expires": "2026-12-31T00:00Z"}),
    "a boundary": ({}, {"permissions_boundary": LIMIT}),
    "the group of a user": ({}, {"attach_to": GROUP}),
    "what the proof of an owner's role calls": (
        {"manage": "trust"}, {"manage": "trust", "permissions": [ALL]},
    ),
    "no self, no adoption": ({"self_assume": True, "adopt": True}, {}),
}  # fmt: skip


@pytest.mark.parametrize("title", WIDER)
def test_what_is_wider_is_one_sentence(title: str) -> None:
    before, after, code, sentence = WIDER[title]

    assert [(each.code, each.sentence, each.is_certain) for each in found(before, after)] == [
        (code, sentence, title not in UNDECIDED)
    ]


@pytest.mark.parametrize("title", SAME_OR_NARROWER)
def test_what_is_the_same_or_narrower_is_not_new(title: str) -> None:
    assert found(*SAME_OR_NARROWER[title]) == ()


@pytest.mark.parametrize("title", ONE_WAY)
def test_the_way_back_is_not_new(title: str) -> None:
    before, after, *_ = WIDER[title]

    assert [each.code for each in found(after, before)] in ([], ["tags-allowed"])


def test_each_new_permission_policy_source_and_role_has_its_own_sentence_with_all_that_it_is_for() -> None:
    before = a_grant(sources=[ALICE, BUILD])
    after = a_grant(
        sources=[ALICE, BUILD, BOB],
        destinations=[ROLE, AUDITOR],
        permissions=[READ, permission("sqs:*", "*")],
        managed_policies=[READ_ONLY],
    )

    new = newly_allowed([before], [after])

    assert [(each.code, each.where, len(each.who), len(each.roles)) for each in new] == [
        ("new-source", f"sources: {BOB}", 1, 1),
        ("new-permission", "permissions.1", 2, 1),
        ("new-managed-policy", f"managed_policies: {READ_ONLY}", 2, 1),
        ("new-destination", f"destinations: {AUDITOR}", 3, 1),
    ]
    assert new[1].sentence.startswith("user/alice of 111111111111 and role/ci/build of 333333333333 will")


def test_of_a_new_file_everything_is_new() -> None:
    new = newly_allowed([], [a_grant(sources=[ALICE, BOB], destinations=[ROLE, AUDITOR])])

    assert [(each.code, each.who, each.roles) for each in new] == [
        ("new-destination", (ALICE, BOB), (ROLE,)),
        ("new-destination", (ALICE, BOB), (AUDITOR,)),
    ]


def test_of_many_callers_a_sentence_counts_those_that_it_does_not_name() -> None:
    sources = [f"arn:aws:iam::111111111111:user/u{number}" for number in range(11)]

    (new,) = newly_allowed([a_grant(sources=sources)], [a_grant(sources=sources, session_minutes=90)])

    assert "user/u7 of 111111111111 and 3 more will newly" in new.sentence
    assert new.who == tuple(sources)


def test_grants_of_the_same_role_are_taken_together() -> None:
    parts = [a_grant(name="one"), a_grant(name="two", permissions=[permission("sqs:*", "*")])]

    assert newly_allowed(parts, [a_grant(permissions=[READ, permission("sqs:*", "*")])]) == ()


@pytest.mark.parametrize("values", [("planted-9", "planted-8"), ("planted-9", ""), ("planted-9", "env:X")])
def test_an_external_id_is_in_no_sentence(values: tuple[str, str]) -> None:
    before, after = (a_grant(conditions={"external_id": each}) for each in values)

    shown = json.dumps([each.to_json() for each in newly_allowed([before], [after])])

    assert "external ID" in shown
    assert "planted" not in shown
    assert "secret:" not in shown


def test_a_value_with_braces_is_shown_as_it_is() -> None:
    (new,) = found(when(role_session_name="${aws:username}"), {})

    assert new.sentence == f"{ASSUME}under other session names than ${{aws:username}}."


def test_every_code_has_a_meaning_and_is_no_code_of_a_finding() -> None:
    codes = {code for _, _, code, _ in WIDER.values()}

    assert codes | {"not-compared"} == set(NEW_CODES)
    assert {rule.code for rule in RULES} & set(NEW_CODES) == set()


def test_what_is_new_goes_to_json_and_back() -> None:
    for each in newly_allowed([], [a_grant()]):
        assert NewAccess.from_json(json.loads(json.dumps(each.to_json()))) == each


# What the law below draws from: few values, so that grants often differ in one respect only.
SOURCES = [ALICE, BOB, "111111111111", BUILD]
GRANTS = st.fixed_dictionaries(
    {
        "sources": st.lists(st.sampled_from(SOURCES), min_size=1, max_size=2, unique=True),
        "destinations": st.lists(st.sampled_from([ROLE, AUDITOR]), min_size=1, unique=True),
        "permissions": st.lists(
            st.sampled_from(
                [
                    READ,
                    permission("s3:Get*", "arn:aws:s3:::reports/*"),
                    permission("s3:*", "arn:aws:s3:::reports/a*"),
                    permission("s3:GetObject s3:PutObject", "arn:aws:s3:::reports/a?"),
                    ALL,
                ]
            ),
            min_size=1,
            max_size=2,
        ),
        "conditions": st.fixed_dictionaries(
            {},
            optional={
                "external_id": st.sampled_from(["one-one", "two-two"]),
                "require_mfa": st.booleans(),
                "organization_id": st.sampled_from(["o-a1b2c3d4e5", "o-f1f2f3f4f5"]),
                "source_ips": st.sampled_from([["203.0.113.0/24"], ["203.0.112.0/23"], ["203.0.113.7"]]),
                "role_session_name": st.sampled_from(["alice", "a*", "*b?", "??"]),
                "session_tags": st.sampled_from([{"team": "red"}, {"team": "red", "cost": "7"}]),
            },
        ),
        "expires": st.sampled_from(["", "2026-12-31", "2027-12-31"]),
        "attach_to": st.just(""),
    }
)
CONTEXTS = st.fixed_dictionaries(
    {"aws:CurrentTime": st.sampled_from(["2026-06-01T00:00:00Z", "2027-06-01T00:00:00Z"])},
    optional={
        "sts:ExternalId": st.sampled_from(["one-one", "two-two"]),
        "aws:MultiFactorAuthPresent": st.just("true"),
        "aws:PrincipalOrgID": st.sampled_from(["o-a1b2c3d4e5", "o-f1f2f3f4f5"]),
        "aws:SourceIp": st.sampled_from(["203.0.113.7", "203.0.113.8", "203.0.112.1"]),
        "sts:RoleSessionName": st.sampled_from(["alice", "ab", "cbd"]),
        "aws:RequestTag/team": st.just("red"),
        "aws:RequestTag/cost": st.just("7"),
    },
)
FIELDS = ["sources", "destinations", "permissions", "expires"]
KEYS = ["external_id", "require_mfa", "organization_id", "source_ips", "role_session_name", "session_tags"]
CALLS = st.tuples(
    st.sampled_from(["s3:GetObject", "s3:GetBucketAcl", "s3:PutObject", "sqs:PurgeQueue"]),
    st.sampled_from(["arn:aws:s3:::reports/a", "arn:aws:s3:::reports/ab", "arn:aws:s3:::reports/b"]),
)


@given(GRANTS, GRANTS, st.sets(st.sampled_from([*FIELDS, *KEYS]), min_size=1, max_size=2), CONTEXTS, CALLS)
def test_whatever_the_evaluation_allows_only_after_a_change_is_reported(
    before: dict[str, Any],
    other: dict[str, Any],
    changed: set[str],
    context: dict[str, str],
    call: tuple[str, str],
) -> None:
    conditions = {name: each for name, each in before["conditions"].items() if name not in changed}
    conditions |= {name: each for name, each in other["conditions"].items() if name in changed}
    after = before | {name: other[name] for name in changed & {*FIELDS}} | {"conditions": conditions}
    role, source = after["destinations"][0], after["sources"][0]
    caller, met = ALICE if source.isdigit() else source, context | meeting(after["conditions"])
    one, two = a_grant(**before), a_grant(**after)
    could, can = (does(each, caller, role, met, call) for each in (one, two))

    if can and not could:
        assert newly_allowed([one], [two]) != ()


@given(GRANTS)
def test_a_grant_compared_with_itself_lets_in_nothing(fields: dict[str, Any]) -> None:
    turned = {name: each[::-1] if isinstance(each, list) else each for name, each in fields.items()}

    assert newly_allowed([a_grant(**fields)], [a_grant(**turned)]) == ()


def meeting(conditions: dict[str, Any]) -> dict[str, str]:
    """Keys of a request that meets these conditions."""
    names = {
        "external_id": "sts:ExternalId",
        "organization_id": "aws:PrincipalOrgID",
        "require_mfa": "aws:MultiFactorAuthPresent",
    }
    met = {key: str(conditions[name]).lower() for name, key in names.items() if conditions.get(name)}
    met |= {f"aws:RequestTag/{name}": value for name, value in conditions.get("session_tags", {}).items()}
    pattern = conditions.get("role_session_name")
    return met | ({"sts:RoleSessionName": pattern.replace("*", "").replace("?", "z")} if pattern else {})


def does(grant: Grant, caller: str, role: str, context: dict[str, str], call: tuple[str, str]) -> bool:
    """Whether a caller can assume a role, and make a call with its session."""
    documents = build(grant)
    if role not in documents.trust_policies:
        return False
    # The administrator of a whole account may let any user in, and does so here.
    own = documents.caller_policies.get(caller, []) or [
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
    ]
    assumes = evaluate(
        caller, "sts:AssumeRole", role, context, own, documents.trust_policies[role]
    ).allowed and (
        not any(key.startswith("aws:RequestTag") for key in context)
        or evaluate(caller, "sts:TagSession", role, context, own, documents.trust_policies[role]).allowed
    )
    permissions = documents.permissions_policies.get(role)
    session = role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/s"
    return bool(assumes and permissions and evaluate(session, *call, {}, [permissions]).allowed)
