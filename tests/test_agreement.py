"""The evaluator agrees with MiniStack's own, which nothing patches; the sandbox agrees with the evaluator."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given, seed, settings

from support.evaluator_answers import questions_of
from support.known_differences import (
    DIFFERENCES,
    Question,
    dates,
    everybody,
    keys_of_s3,
    names_in_another_case,
    negated_numbers,
    not_principal,
    root_user,
    session_principal_arn,
    short_arns,
    short_resources,
    variables,
)
from support.questions import Room
from support.random_worlds import World, worlds
from support.sandbox_worlds import disagreements
from support.second_opinion import is_allowed
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.sandbox.server.state import Sandbox

Statement = dict[str, Any]
ALICE, ROOT = "arn:aws:iam::111111111111:user/alice", "arn:aws:iam::111111111111:root"
HUB, SESSION = "arn:aws:iam::111111111111:role/hub", "arn:aws:sts::111111111111:assumed-role/hub/s0"
RESOURCES = {
    "iam:GetUser": ALICE,
    "s3:GetObject": "arn:aws:s3:::reports/a.txt",
    "sts:AssumeRole": "arn:aws:iam::111111111111:role/reader",
}
ALL: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}


@settings(max_examples=100)
@given(world=worlds())
def test_the_evaluator_agrees_with_ministack_s_own(world: World) -> None:
    assert list(differences(world)) == []


@pytest.mark.exhaustive
@settings(max_examples=5000)
@given(world=worlds())
def test_the_evaluator_agrees_with_ministack_s_own_in_many_worlds(world: World) -> None:
    assert list(differences(world)) == []


@settings(max_examples=10)
@given(world=worlds())
def test_the_sandbox_agrees_with_the_evaluator(sandbox: Sandbox, world: World) -> None:
    assert list(disagreements(Room(sandbox), world)) == []


@pytest.mark.exhaustive
@settings(max_examples=1000)
@given(world=worlds())
def test_the_sandbox_agrees_with_the_evaluator_in_many_worlds(sandbox: Sandbox, world: World) -> None:
    assert list(disagreements(Room(sandbox), world)) == []


def test_a_quarter_of_the_questions_at_least_is_allowed_and_a_quarter_denied() -> None:
    answers = [evaluate(**question).allowed for question in questions_of_40_worlds()]

    assert 0.25 < sum(answers) / len(answers) < 0.75


def test_a_third_of_the_questions_at_least_is_outside_the_known_differences() -> None:
    known = [is_known(question) for question in questions_of_40_worlds()]

    assert known.count(False) / len(known) > 1 / 3


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.__name__)
def test_every_known_difference_is_needed(difference: Callable[[Question], bool]) -> None:
    question = EXAMPLES[difference]

    assert [each.__name__ for each in DIFFERENCES if each(question)] == [difference.__name__]
    assert evaluate(**question).allowed is not is_allowed(question)


def differences(world: World) -> Iterator[tuple[Question, bool, bool]]:
    """Yield what the two answer differently in a world: question, the evaluator's answer, MiniStack's."""
    for question in questions_of(world):
        if not is_known(question):
            ours, theirs = evaluate(**question).allowed, is_allowed(question)
            if ours is not theirs:
                yield question, ours, theirs


def is_known(question: Question) -> bool:
    """Return whether one of the known differences is about a question."""
    return any(difference(question) for difference in DIFFERENCES)


@cache
def questions_of_40_worlds() -> tuple[Question, ...]:
    found: list[Question] = []

    @seed(1)
    @settings(max_examples=40, database=None)
    @given(world=worlds())
    def collect(world: World) -> None:
        found.extend(questions_of(world))

    collect()
    return tuple(found)


def question(
    action: str,
    principal: str = ALICE,
    own: Statement = ALL,
    resource_policy: Statement | None = None,
    boundary: Statement | None = None,
    **context: str,
) -> Question:
    """The arguments of `evaluate`; each policy is one statement of version 2012-10-17."""
    named = (boundary, resource_policy)
    bounds, policy = ({"Version": "2012-10-17", "Statement": each} if each else None for each in named)
    return {
        "principal": principal,
        "action": action,
        "resource": RESOURCES[action],
        "context": {"aws:CurrentTime": "2026-01-01T00:00:00Z", **context},
        "identity_policies": [{"Version": "2012-10-17", "Statement": own}],
        "resource_policy": policy,
        "permissions_boundaries": [bounds] if bounds else None,
        "session_policies": None,
        "resource_account": "111111111111",
    }


def allow(action: str = "*", **elements: Any) -> Statement:
    """An Allow; about every resource unless it has a Principal or says otherwise."""
    about = {} if elements.keys() & {"Resource", "Principal"} else {"Resource": "*"}
    return {"Effect": "Allow", "Action": action, **about, **elements}


BUCKET = {"Action": "s3:*", "Resource": "arn:aws:s3:::*"}
EXAMPLES = {
    root_user: question(
        "s3:GetObject",
        ROOT,
        resource_policy={"Effect": "Deny", "Principal": {"AWS": "111111111111"}, **BUCKET},
    ),
    variables: question("iam:GetUser", own=allow(Resource="arn:aws:iam::111111111111:user/${aws:username}")),
    session_principal_arn: question(
        "iam:GetUser",
        SESSION,
        allow(Condition={"StringEquals": {"aws:PrincipalArn": HUB}}),
        **{"aws:PrincipalArn": HUB},
    ),
    not_principal: question(
        "s3:GetObject", resource_policy={"Effect": "Deny", "NotPrincipal": {"AWS": "222222222222"}, **BUCKET}
    ),
    dates: question("iam:GetUser", own=allow(Condition={"DateLessThan": {"aws:CurrentTime": "2100"}})),
    keys_of_s3: question(
        "iam:GetUser", own=allow(Condition={"StringEquals": {"s3:ResourceAccount": "111111111111"}})
    ),
    short_resources: question("iam:GetUser", own=allow(Resource="arn:aws:iam::*user/alice")),
    names_in_another_case: question(
        "sts:AssumeRole", resource_policy=allow("sts:*", Principal={"AWS": ALICE.replace("alice", "Alice")})
    ),
    everybody: question(
        "sts:AssumeRole", resource_policy=allow("sts:*", Principal="*"), boundary=allow("s3:*")
    ),
    short_arns: question(
        "iam:GetUser", own=allow(Condition={"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*"}})
    ),
    negated_numbers: question(
        "iam:GetUser",
        own=allow(Condition={"NumericNotEquals": {"sts:ExternalId": "12"}}),
        **{"sts:ExternalId": "a"},
    ),
}
