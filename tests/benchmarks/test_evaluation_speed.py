"""Cross-account AssumeRole decisions per second, without and with their reasons: `make bench`."""

import time
from collections.abc import Callable
from itertools import count, islice
from typing import Any

from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.policy import ParsedPolicy, parse

# Many short rounds: in the best one the machine did nothing else.
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


def decide(role: str, external_id: str, identity: list[Any], trust: Any) -> Decision:
    return evaluate(ALICE, "sts:AssumeRole", role, {"sts:ExternalId": external_id}, identity, trust)


def parsed_policies() -> tuple[list[ParsedPolicy], ParsedPolicy]:
    return [parse(each) for each in caller_policies(ROLE)], parse(trust_policy("partner-7"), "trust")


def test_decisions_per_second_with_parsed_policies_without_reading_reasons() -> None:
    policies = parsed_policies()
    each = seconds(lambda: decide(ROLE, "partner-7", *policies).allowed)
    print(f"\nAssumeRole decisions, `.reasons` not read: {per_second(each)}; to reach: 20,000")

    assert 1 / each >= 20_000


def test_decisions_per_second_with_parsed_policies_and_their_reasons() -> None:
    policies = parsed_policies()
    each = seconds(lambda: bool(decide(ROLE, "partner-7", *policies).reasons))
    print(f"\nAssumeRole decisions, `.reasons` read: {per_second(each)}")

    assert decide(ROLE, "partner-7", *policies).reasons


def test_the_cost_of_parsing_the_policies_again() -> None:
    identity, trust = caller_policies(ROLE), trust_policy("partner-7")
    policies = parsed_policies()
    once = seconds(lambda: decide(ROLE, "partner-7", *policies).allowed)
    anew = seconds(lambda: decide(ROLE, "partner-7", identity, trust).allowed)
    print(f"\nthe same with the policies parsed again: {(anew - once) * 1e6:.1f} µs more (to reach: 60)")

    assert anew - once <= 60e-6


def test_the_cost_of_parsing_policies_never_seen_before() -> None:
    policies = parsed_policies()
    once = seconds(lambda: decide(ROLE, "partner-7", *policies).allowed)
    numbers = count()

    def unseen() -> Callable[[], bool]:
        new = [(f"{ROLE}-{n}", f"partner-{n}") for n in islice(numbers, CALLS)]
        requests = iter([(*pair, caller_policies(pair[0]), trust_policy(pair[1])) for pair in new])
        return lambda: decide(*next(requests)).allowed

    anew = min(measured(unseen()) for _ in range(ROUNDS))
    print(f"\nthe same with policies never seen before: {(anew - once) * 1e6:.1f} µs more")

    assert anew - once <= 120e-6


def seconds(act: Callable[[], bool], calls: int = CALLS) -> float:
    """Return seconds per call: processor time of one core, in the best of many rounds."""
    return min(measured(act, calls) for _ in range(ROUNDS))


def per_second(each: float) -> str:
    return f"{1 / each:,.0f} per second ({each * 1e6:.1f} µs each)"


def measured(act: Callable[[], bool], calls: int = CALLS) -> float:
    began = time.process_time()
    for _ in range(calls):
        act()
    return (time.process_time() - began) / calls
