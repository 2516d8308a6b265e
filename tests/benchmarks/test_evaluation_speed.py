"""Cross-account AssumeRole decisions per second, without and with their reasons: `make bench`."""

import json
import time
from collections.abc import Callable
from itertools import count, islice
from typing import Any

from support.slow_reasons import slow_reasons
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


# What a user asks in turn: allowed, a wrong external ID, none, and a Region that a Deny refuses.
REGION = "aws:RequestedRegion"
ASKED = [
    {"sts:ExternalId": "partner-7", REGION: "eu-west-1"},
    {"sts:ExternalId": "partner-8", REGION: "eu-west-1"},
    {REGION: "eu-west-1"},
    {"sts:ExternalId": "partner-7", REGION: "us-east-1"},
]
RESULTS = ["Allowed", "ImplicitlyDenied", "ImplicitlyDenied", "ExplicitlyDenied"]
IN_REGION = {
    "Version": "2012-10-17",
    "Statement": {
        "Sid": "Region",
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {REGION: ["eu-central-1", "eu-west-1"]}},
    },
}


def four_decisions(identity: list[Any], trust: Any) -> list[Decision]:
    """Decide the four requests and read the reasons of each."""
    found = [evaluate(ALICE, "sts:AssumeRole", ROLE, asked, identity, trust) for asked in ASKED]
    assert all(each.reasons for each in found)
    return found


def test_decisions_per_second_with_their_reasons_read() -> None:
    documents = [*caller_policies(ROLE), IN_REGION], trust_policy("partner-7")
    parsed = [parse(each) for each in documents[0]], parse(documents[1], "trust")
    assert [each.result for each in four_decisions(*documents)] == RESULTS
    once = show("policies parsed once, `.reasons` read; to reach: 20,000", lambda: four_decisions(*parsed))
    seen = show("documents as dicts seen before; to reach: 12,000", lambda: four_decisions(*documents))
    show(
        "for comparison: policies parsed once, reasons derived from every element",
        lambda: [slow_reasons(each) for each in four_decisions(*parsed)],
    )
    written = json.dumps(documents)
    show("documents read from JSON each time", lambda: four_decisions(*json.loads(written)))

    assert 1 / once >= 20_000
    assert 1 / seen >= 12_000


def test_decisions_per_second_with_many_statements() -> None:
    statements = [
        {"Sid": f"S{n}", "Effect": "Allow", "Action": f"s3:Get{n}*", "Resource": f"arn:aws:s3:::bucket-{n}/*"}
        for n in range(60)
    ]
    many = [{"Version": "2012-10-17", "Statement": statements}, *caller_policies(ROLE), IN_REGION]
    documents = many, trust_policy("partner-7")
    parsed = [parse(each) for each in many], parse(documents[1], "trust")

    assert [each.result for each in four_decisions(*documents)] == RESULTS
    show("66 statements, policies parsed once, `.reasons` read", lambda: four_decisions(*parsed))
    show("66 statements, documents as dicts seen before", lambda: four_decisions(*documents))


def show(what: str, four: Callable[[], object]) -> float:
    """Print the decisions per second by processor time and by the clock; return seconds of processor time."""
    rounds = [both_times(four) for _ in range(ROUNDS)]
    processor, clock = (min(each) / (CALLS // 4 * 4) for each in zip(*rounds, strict=True))
    print(f"\n{what}: {per_second(processor)}; by the clock {1 / clock:,.0f}")
    return processor


def both_times(four: Callable[[], object]) -> tuple[float, float]:
    processor, clock = time.process_time(), time.perf_counter()
    for _ in range(CALLS // 4):
        four()
    return time.process_time() - processor, time.perf_counter() - clock


def test_the_cost_of_documents_seen_before() -> None:
    identity, trust = caller_policies(ROLE), trust_policy("partner-7")
    policies = parsed_policies()
    once = seconds(lambda: decide(ROLE, "partner-7", *policies).allowed)
    anew = seconds(lambda: decide(ROLE, "partner-7", identity, trust).allowed)
    print(f"\nthe same with documents seen before: {(anew - once) * 1e6:.1f} µs more (to reach: 60)")

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
