"""A smaller grant from what AWS reports as used: each reason to drop, to narrow, and to keep."""

from itertools import combinations
from typing import Any

import pytest

from support.examples import ALICE, READ, ROLE, a_grant
from support.usage_values import READ_AT, SINCE, USED_AT, service, used
from xacct_nb.changes.narrowing import DROPPED, KEPT, NARROWED, Narrowing, narrow
from xacct_nb.changes.newly_allowed import newly_allowed
from xacct_nb.changes.usage import GeneratedActions, PolicyActions, PrincipalUsage, Usage
from xacct_nb.grants.grant import Grant

AUDITOR = "arn:aws:iam::222222222222:role/auditor"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
CONSOLE = "Whether a role that it switches to in the console counts, AWS does not say."
FRESH = "2026-11-20T00:00:00Z"
S3 = service("s3", USED_AT, CreateBucket=USED_AT, DeleteBucket="", PutBucketPolicy="")
SQS, IAM, NEVER_S3 = service("sqs"), service("iam"), service("s3")
MONITOR = service("sts", USED_AT, AssumeRole="", GetSessionToken=USED_AT)


def allowing(*actions: str, **fields: Any) -> Grant:
    return a_grant(permissions=[{"actions": actions, "resources": ["*"]}], **fields)


def of(action: str, *services: Any, **rest: Any) -> tuple[str, str, tuple[str, ...]]:
    (item,) = narrow(allowing(action), Usage((used(*services, **rest),))).items
    return item.outcome, item.code, item.stays


# By title: the action of the grant, the services of the report, the outcome, the code, what stays.
ACTIONS: dict[str, tuple[str, tuple[Any, ...], str, str, tuple[str, ...]]] = {
    "a tracked action that was used": ("s3:CreateBucket", (S3,), KEPT, "used", ("s3:CreateBucket",)),
    "in another case": ("s3:createbucket", (S3,), KEPT, "used", ("s3:createbucket",)),
    "a tracked action that was not used": ("s3:DeleteBucket", (S3,), DROPPED, "unused", ()),
    "a data event of a used service": ("s3:GetObject", (S3,), KEPT, "untracked", ("s3:GetObject",)),
    "an action of a service never used": ("sqs:SendMessage", (S3, SQS), DROPPED, "unused", ()),
    "an action that the report does not name": ("sns:Publish", (S3,), KEPT, "unknown", ("sns:Publish",)),
    "a pattern of a service never used": ("sqs:*", (S3, SQS), DROPPED, "unused", ()),
    "a pattern with actions not tracked": ("s3:Get*", (S3,), KEPT, "untracked", ("s3:Get*",)),
    "a pattern, all of it tracked, one used": ("s3:CreateBucke?", (S3,), KEPT, "used", ("s3:CreateBucke?",)),
    "a pattern, all tracked, none used": ("s3:DeleteBucke?", (S3,), DROPPED, "unused", ()),
    "everything": ("*", (S3, SQS), NARROWED, "unused", ("s3:*", "iam:PassRole")),
    "everything, and IAM used": ("*", (S3, service("iam", USED_AT)), NARROWED, "unused", ("iam:*", "s3:*")),
    "everything, and nothing used": ("*", (NEVER_S3, SQS, IAM), DROPPED, "unused", ()),
    "what is passed by no call": ("iam:PassRole", (S3, IAM), KEPT, "untracked", ("iam:PassRole",)),
    "what is passed, by a role never used": ("iam:PassRole", (NEVER_S3, IAM), DROPPED, "unused", ()),
    "all of IAM, never used": ("iam:*", (S3, IAM), NARROWED, "untracked", ("iam:PassRole",)),
    "a part of IAM, never used": ("iam:Get*", (S3, IAM), DROPPED, "unused", ()),
}  # fmt: skip


@pytest.mark.parametrize("title", ACTIONS)
def test_an_action_goes_where_aws_reports_no_use_of_it_and_stays_otherwise(title: str) -> None:
    action, services, outcome, code, stays = ACTIONS[title]

    assert of(action, *services) == (outcome, code, stays)


def test_a_pattern_becomes_the_actions_that_were_used_where_aws_tracks_all_of_it() -> None:
    both = service("sqs", USED_AT, ListQueues=USED_AT, ListQueueTags="")

    assert of("sqs:ListQueue*", both) == (NARROWED, "used", ("sqs:ListQueues",))


def test_a_pattern_that_covers_the_passing_of_roles_keeps_it_beside_the_used_actions() -> None:
    unused, tagged = service("iam", USED_AT, TagRole=""), service("iam", USED_AT, TagRole=USED_AT)

    assert of("iam:?a*Role", S3, unused) == (NARROWED, "unused", ("iam:PassRole",))
    assert of("iam:?a*Role", S3, tagged) == (KEPT, "used", ("iam:?a*Role",))
    assert of("iam:Pass*", S3, unused) == (KEPT, "untracked", ("iam:Pass*",))


def test_a_role_that_aws_tracks_for_too_short_a_time_is_never_narrowed() -> None:
    assert of("sqs:*", SQS, since=FRESH) == (KEPT, "too-new", ("sqs:*",))
    assert of("*", S3, SQS, since=FRESH) == (KEPT, "too-new", ("*",))
    assert of("s3:DeleteBucket", S3, since=FRESH) == (KEPT, "too-new", ("s3:DeleteBucket",))
    assert of("sqs:*", SQS, since="") == (KEPT, "too-new", ("sqs:*",))


def test_a_fresh_role_is_narrowed_when_told_so() -> None:
    found = narrow(allowing("sqs:*", "s3:CreateBucket"), Usage((used(S3, SQS, since=FRESH),)), tracked_days=9)

    assert [each.outcome for each in found.items] == [DROPPED, KEPT]
    assert found.items[0].because == "There was no attempt since 2026-11-20."


def test_what_one_of_several_roles_used_stays_for_all_of_them() -> None:
    grant = allowing("s3:CreateBucket", "sqs:*", destinations=[ROLE, AUDITOR])

    found = narrow(grant, Usage((used(NEVER_S3, SQS), used(S3, SQS, role=AUDITOR))))

    assert [each.outcome for each in found.items] == [KEPT, DROPPED]


def test_what_is_not_known_of_one_role_stays_for_all_of_them() -> None:
    denied = PrincipalUsage(AUDITOR, unknown=("The right iam:GetServiceLastAccessedDetails is missing.",))
    grant = allowing("sqs:*", destinations=[ROLE, AUDITOR])

    found = narrow(grant, Usage((used(S3, SQS), denied)))

    assert found.smaller is None
    assert found.items[0].because == "The right iam:GetServiceLastAccessedDetails is missing."
    assert found.notes == ("The right iam:GetServiceLastAccessedDetails is missing.",)


def test_what_a_person_wants_to_keep_stays_without_use() -> None:
    grant, usage = allowing("sqs:*", "s3:DeleteBucket"), Usage((used(S3, SQS),))

    found = narrow(grant, usage, keep=["s3:DeleteBucket"])

    assert [each.outcome for each in found.items] == [DROPPED, KEPT]
    assert found.items[1].because == "It is to be kept. There was no attempt since 2026-01-01."


def test_a_role_whose_use_was_not_read_is_not_narrowed() -> None:
    assert narrow(allowing("sqs:*"), Usage(())).items[0].because == "Its use was not read."


def test_what_the_trail_shows_stays_even_where_the_report_does_not_have_it_yet() -> None:
    seen = (GeneratedActions(ROLE, ("sqs:CreateQueue",), SINCE, READ_AT),)

    found = narrow(
        allowing("sqs:CreateQueue", "sqs:DeleteQueue", "sns:*"),
        Usage((used(SQS, service("sns")),), generated=seen),
    )

    assert [each.outcome for each in found.items] == [KEPT, DROPPED, DROPPED]
    assert found.items[0].because == "IAM Access Analyzer saw it in the trail, before 2026-11-29."


def test_a_permission_of_which_nothing_stays_goes_as_a_whole() -> None:
    other = {"actions": ["sqs:*", "s3:DeleteBucket"], "resources": ["*"]}

    found = narrow(a_grant(permissions=[READ, other]), Usage((used(S3, SQS),)))

    assert found.smaller == a_grant(permissions=[READ])
    assert found.summary == "reports can be smaller: 2 of its 3 actions and policies."


def test_a_grant_of_which_nothing_was_used_is_to_end_and_not_to_be_empty() -> None:
    found = narrow(allowing("sqs:*", managed_policies=[READ_ONLY]), with_policy(("sqs:*",), SQS))

    assert (found.smaller, found.ends) == (None, True)
    assert found.summary == "Nothing that reports allows was used: end it, instead of making it smaller."


def test_a_grant_of_which_everything_is_used_stays_as_it_is() -> None:
    found = narrow(allowing("s3:CreateBucket"), Usage((used(S3),)))

    assert (found.smaller, found.ends, found.dropped) == (None, False, ())


def test_the_roles_of_others_are_not_narrowed() -> None:
    found = narrow(a_grant(manage="trust", permissions=[READ]), Usage((used(NEVER_S3),)))

    assert (found.smaller, found.ends, found.items) == (None, False, ())
    assert "owner of the roles decides" in found.notes[0]


def with_policy(actions: tuple[str, ...] | None, *services: Any, **rest: Any) -> Usage:
    return Usage((used(*services),), policies=(PolicyActions(READ_ONLY, actions, **rest),))


POLICIES: dict[str, tuple[Usage, str, str]] = {
    "none of its services used": (with_policy(("sqs:*", "iam:List*"), S3, SQS, IAM), DROPPED, "unused"),
    "one of its services used": (with_policy(("sqs:*", "s3:Get*"), S3, SQS), KEPT, "used"),
    "it denies something too": (with_policy(("sqs:*",), S3, SQS, denies=True), KEPT, "unknown"),
    "what it allows cannot be told": (with_policy(None, S3, SQS, unknown="why"), KEPT, "unknown"),
    "it passes roles": (with_policy(("iam:PassRole",), S3, IAM), KEPT, "untracked"),
    "it allows everything": (with_policy(("*",), S3, SQS), KEPT, "used"),
    "it allows everything, nothing used": (with_policy(("*",), NEVER_S3, SQS), DROPPED, "unused"),
    "it was not read": (Usage((used(S3, SQS),)), KEPT, "unknown"),
}


@pytest.mark.parametrize("title", POLICIES)
def test_a_managed_policy_goes_only_where_no_service_of_it_was_used(title: str) -> None:
    usage, outcome, code = POLICIES[title]

    item = narrow(allowing("s3:CreateBucket", managed_policies=[READ_ONLY]), usage).items[-1]

    assert (item.what, item.outcome, item.code) == (READ_ONLY, outcome, code)


SOURCES: dict[str, tuple[tuple[PrincipalUsage, ...], str, str]] = {
    "no call to STS": ((used(service("sts"), role=ALICE),), "never",
        f"AWS reports no call to STS by it since 2026-01-01. {CONSOLE}"),
    "no call of AssumeRole": ((used(MONITOR, role=ALICE),), "never",
        f"AWS reports no call of AssumeRole by it since 2026-01-01. {CONSOLE}"),
    "a call to STS": ((used(service("sts", USED_AT), role=ALICE),), "perhaps",
        "It last called STS on 2026-11-01; which role is not known. "
        "Somebody used one of the roles on 2026-11-01."),
    "a call of AssumeRole": ((used(service("sts", USED_AT, AssumeRole=USED_AT), role=ALICE),), "perhaps",
        "It last assumed some role, or tried to, on 2026-11-01; which role is not known. "
        "Somebody used one of the roles on 2026-11-01."),
    "STS is not in the report": ((used(S3, role=ALICE),), "not-known",
        "AWS's report does not name STS for it: whether it assumed a role is not known. "
        "Somebody used one of the roles on 2026-11-01."),
    "not read": ((), "not-known", "Its use was not read. Somebody used one of the roles on 2026-11-01."),
}  # fmt: skip


@pytest.mark.parametrize("title", SOURCES)
def test_a_source_is_named_with_what_is_known_of_it_and_never_dropped(title: str) -> None:
    sources, code, says = SOURCES[title]

    found = narrow(allowing("sqs:*", "s3:*"), Usage((used(S3, SQS, last_used=USED_AT),), sources))

    assert [(each.used, each.says) for each in found.sources] == [(code, says)]
    assert found.smaller is not None
    assert found.smaller.sources == (ALICE,)


def test_of_a_whole_account_nobody_knows_who_used_the_role() -> None:
    found = narrow(allowing("s3:*", sources=["111111111111"]), Usage((used(S3),)))

    assert found.sources[0].used == "not-known"


def test_a_narrowing_goes_to_json_and_back_without_the_external_id() -> None:
    secret = "an-external-id-of-mine"
    found = narrow(allowing("sqs:*", "s3:*", conditions={"external_id": secret}), Usage((used(S3, SQS),)))

    fields = found.to_json()

    assert secret not in str(fields)
    assert Narrowing.from_json(fields).to_json() == fields


KINDS = ["*", "iam:*", "iam:PassRole", "s3:*", "s3:CreateBucke?", "s3:GetObject", "sqs:*"]
REPORTS: tuple[tuple[Any, ...], ...] = ((), (S3,), (S3, SQS), (NEVER_S3, SQS, IAM), (S3, SQS, IAM))


def test_the_smaller_grant_never_allows_what_the_grant_does_not() -> None:
    grants = [allowing(*actions) for actions in combinations(KINDS, 2)]
    found = [
        (grant, narrow(grant, Usage((used(*report),))).smaller) for grant in grants for report in REPORTS
    ]
    smaller = [(grant, each) for grant, each in found if each]

    assert len(smaller) > 20
    assert [newly_allowed([grant], [each]) for grant, each in smaller] == [()] * len(smaller)
    assert all(
        newly_allowed([each], [grant]) for grant, each in smaller if grant.permissions != each.permissions
    )
