"""How many cross-account AssumeRole decisions a second, reasons included: `make bench`."""

import time
from collections.abc import Callable
from itertools import count, islice
from typing import Any

from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.policy import parse

# Short rounds: the best of many is one in which the machine did nothing else.
ROUNDS, CALLS = 100, 200
ALICE = "arn:aws:iam::111111111111:user/alice"
ROLE = "arn:aws:iam::222222222222:role/reports-reader"


def caller_policies(role: str) -> list[dict[str, Any]]:
    statements = (
        {"Sid": "Read", "Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"},
        {"Sid": "Enter", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [role]},
    )
    return [{"Version": "2012-10-17", "Statement": [statement]} for statement in statements]


def trust_policy(external_id: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Partner",
                "Effect": "Allow",
                "Principal": {"AWS": ALICE},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            },
            {
                "Sid": "NotBob",
                "Effect": "Deny",
                "Principal": {"AWS": "arn:aws:iam::111111111111:user/bob"},
                "Action": "sts:AssumeRole",
            },
        ],
    }


def decide(role: str, external_id: str, identity: list[Any], trust: Any) -> bool:
    context = {"sts:ExternalId": external_id}
    return evaluate(ALICE, "sts:AssumeRole", role, context, identity, trust).allowed


def test_decisions_a_second_with_documents_read_once() -> None:
    identity, trust = (
        [parse(each) for each in caller_policies(ROLE)],
        parse(trust_policy("partner-7"), "trust"),
    )
    each = seconds(lambda: decide(ROLE, "partner-7", identity, trust))
    print(f"\nAssumeRole decisions: {1 / each:,.0f} a second ({each * 1e6:.1f} µs each; to reach: 20,000)")

    assert 1 / each >= 20_000


def test_what_reading_the_documents_anew_costs() -> None:
    identity, trust = caller_policies(ROLE), trust_policy("partner-7")
    read = [parse(each) for each in identity], parse(trust, "trust")
    once = seconds(lambda: decide(ROLE, "partner-7", *read))
    anew = seconds(lambda: decide(ROLE, "partner-7", identity, trust))
    print(f"\nthe same with the documents read anew: {(anew - once) * 1e6:.1f} µs more (to reach: 60)")

    assert anew - once <= 60e-6


def test_what_reading_documents_never_seen_before_costs() -> None:
    read = [parse(each) for each in caller_policies(ROLE)], parse(trust_policy("partner-7"), "trust")
    once = seconds(lambda: decide(ROLE, "partner-7", *read))
    numbers = count()

    def unseen() -> Callable[[], bool]:
        new = [(f"{ROLE}-{n}", f"partner-{n}") for n in islice(numbers, CALLS)]
        asked = iter([(*pair, caller_policies(pair[0]), trust_policy(pair[1])) for pair in new])
        return lambda: decide(*next(asked))

    anew = min(measured(unseen()) for _ in range(ROUNDS))
    print(f"\nthe same with documents never seen before: {(anew - once) * 1e6:.1f} µs more")

    assert anew - once <= 120e-6


def seconds(act: Callable[[], bool], calls: int = CALLS) -> float:
    """Seconds a call: processor time of one core, in the best round of many."""
    return min(measured(act, calls) for _ in range(ROUNDS))


def measured(act: Callable[[], bool], calls: int = CALLS) -> float:
    began = time.process_time()
    for _ in range(calls):
        act()
    return (time.process_time() - began) / calls
