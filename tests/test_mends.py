"""A mend takes access from nobody and lets in nobody but the caller, in random worlds and in known ones."""

from typing import Any

import pytest
from hypothesis import given, settings

from support.random_worlds import ROOT, World, worlds
from support.written_mends import Policies, seen
from xacct_nb.diagnosis.diagnosis import diagnose
from xacct_nb.errors import XacctError
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.weighing import EXPLICITLY_DENIED

ALL: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
}
ALICE, HUB = "arn:aws:iam::111111111111:user/team/alice", "arn:aws:iam::111111111111:role/app/hub"
SHARED = ("shared-caller", "shared-role", "team")
STRANGERS = (
    "arn:aws:iam::111111111111:user/bob",
    "arn:aws:sts::111111111111:assumed-role/other/desk",
    "arn:aws:iam::222222222222:user/carol",
    "arn:aws:iam::333333333333:user/mallory",
)
REQUESTS = (
    ("sts:AssumeRole", "arn:aws:iam::222222222222:role/reader"),
    ("sts:AssumeRole", "arn:aws:iam::111111111111:role/reader"),
    ("sts:AssumeRole", "arn:aws:iam::222222222222:role/admin"),
    ("sts:TagSession", "arn:aws:iam::222222222222:role/reader"),
    ("s3:GetObject", "arn:aws:s3:::reports-222222222222/alice/a.txt"),
    ("iam:GetUser", "arn:aws:iam::111111111111:user/team/alice"),
)
CONTEXTS: tuple[dict[str, Any], ...] = (
    {"aws:CurrentTime": "2026-01-01T00:00:00Z", "sts:RoleSessionName": "s1"},
    {
        "sts:ExternalId": "first",
        "sts:RoleSessionName": "alice",
        "sts:SourceIdentity": "ann",
        "aws:SourceIp": "127.0.0.1",
        "aws:CurrentTime": "2026-01-01T00:00:00Z",
        "aws:MultiFactorAuthPresent": "true",
        "aws:RequestTag/team": "red",
        "aws:TagKeys": ["team"],
    },
)


@settings(max_examples=60)
@given(world=worlds())
def test_in_random_worlds_nobody_loses_access_and_no_stranger_gets_in(world: World) -> None:
    assert list(harm_in(world)) == []


@pytest.mark.exhaustive
@settings(max_examples=5000)
@given(world=worlds())
def test_in_many_random_worlds_nobody_loses_access_and_no_stranger_gets_in(world: World) -> None:
    assert list(harm_in(world)) == []


def harm_in(world: World) -> Any:
    """Yield the mends of a world by which somebody loses access, or a stranger gets it."""
    if world.caller == ROOT:
        return
    snapshot, attempt, before = seen(world, world.calls[0])
    found = diagnose(snapshot, attempt=attempt)
    for cause in found.causes:
        if cause.commands and cause.confidence != "possible":
            after = before.written(cause, snapshot.secrets | {attempt.external_id})
            yield from ((cause.code, cause.commands, each) for each in harm(before, after))


def harm(before: Policies, after: Policies) -> Any:
    """Yield who loses something, and which stranger gets something."""
    for who in (ALICE, HUB, "arn:aws:sts::111111111111:assumed-role/hub/s0", *STRANGERS):
        for request in REQUESTS:
            for context in CONTEXTS:
                then, now = (allowed(who, request, context, each) for each in (before, after))
                if any(was and not is_so for was, is_so in zip(then, now, strict=True)):
                    yield "loses", who, request
                if who in STRANGERS and any(is_so and not was for was, is_so in zip(then, now, strict=True)):
                    yield "gets in", who, request


def allowed(who: str, request: tuple[str, str], context: dict[str, Any], policies: Policies) -> list[bool]:
    """Return what each kind of the policies by itself lets somebody do."""
    role = request[1].endswith(":role/reader")
    trust = policies.trust if role else None
    answers = [decide(who, request, context, [ALL], trust)] if role else []
    for documents in (policies.caller, policies.role):
        own = [each for name, each in documents.items() if who not in STRANGERS or name in SHARED]
        answers += [decide(who, request, context, [*own, *more], None) for more in ([], [ALL])]
    answers += [decide(who, request, context, [each], None) for each in policies.boundaries.values()]
    return answers


def decide(who: str, request: tuple[str, str], context: dict[str, Any], own: list[Any], trust: Any) -> bool:
    """Return whether policies allow a request, where nothing else denies it."""
    account = who.split(":")[4]
    open_trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:*"}
    is_role = ":role/" in request[1]
    try:
        opened = {"Version": "2012-10-17", "Statement": [open_trust]} if is_role else None
        decision = evaluate(who, *request, context, own, trust or opened, resource_account=None)
    except XacctError:
        return False
    return decision.allowed if decision.result != EXPLICITLY_DENIED else False
