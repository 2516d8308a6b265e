"""AWS's rules as cases that a security reviewer can read: a folder for each element, one for decisions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.case_files import cases_in
from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam.caller import read_caller
from xacct_nb.iam.context import request_keys
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.policy import parse
from xacct_nb.iam.principals import ACCOUNT, DIRECT, NO_MATCH, ROLE
from xacct_nb.iam.statements import MATCH_LEVEL, RawMatch, Request

ALICE = "arn:aws:iam::111111111111:user/alice"
REPORT = "arn:aws:s3:::reports/a.txt"
NAMES = {NO_MATCH: "none", ACCOUNT: "account", ROLE: "role", DIRECT: "direct"}


def matched(kind: str, elements: dict[str, Any], case: dict[str, Any], **request: Any) -> RawMatch:
    """A statement of these elements against a request; what the case leaves open is ordinary."""
    version = {"Version": case.get("version", "2012-10-17")} if case.get("version", "") is not None else {}
    effect = "Deny" if "NotPrincipal" in elements else "Allow"
    usual = {"Action": "s3:GetObject"} if "NotAction" not in elements else {}
    usual |= {"Resource": "*"} if "NotResource" not in elements else {}
    (statement,) = parse({**version, "Statement": {"Effect": effect, **usual, **elements}}, kind).statements
    caller = read_caller(case.get("caller", ALICE))
    action, resource = request.get("action", "s3:GetObject"), request.get("resource", REPORT)
    keys = request_keys(caller, case.get("context", {}), "")
    return statement.match(
        Request(caller, action, action.lower(), resource, keys, case.get("bounded", False))
    )


def applies(elements: dict[str, Any], case: dict[str, Any], **request: Any) -> bool:
    return matched("identity", elements, case, **request)[-1]


def of_variable(case: dict[str, Any]) -> bool:
    return (
        applies({"Condition": case["condition"]}, case)
        if "condition" in case
        else applies(case["policy"], case, resource=case["requested"])
    )


def of_document(case: dict[str, Any]) -> str:
    try:
        parse(case["document"], case["kind"])
    except InvalidPolicy as refusal:
        return refusal.path
    return "accepted"


OBSERVED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "actions": lambda case: applies(case["policy"], case, action=case["requested"]),
    "resources": lambda case: applies(case["policy"], case, resource=case["requested"]),
    "principals": lambda case: NAMES[matched("resource", case["policy"], case)[MATCH_LEVEL]],
    "conditions": lambda case: applies({"Condition": case["condition"]}, case),
    "variables": of_variable,
    "policies": of_document,
    "decisions": lambda case: evaluate(**case["request"]).result,
}
EACH = cases_in(*OBSERVED)


@pytest.mark.parametrize(("path", "case"), EACH, ids=[f"{path}: {case['title']}" for path, case in EACH])
def test_the_result_is_as_aws_documents(path: Path, case: dict[str, Any]) -> None:
    assert OBSERVED[path.parts[0]](case) == case["expected"]


WITH_CHECKS = [case for _, case in EACH if "checks" in case]


@pytest.mark.parametrize("case", WITH_CHECKS, ids=[case["title"] for case in WITH_CHECKS])
def test_the_checks_are_as_the_case_expects(case: dict[str, Any]) -> None:
    effects = {check.type: check.effect for check in evaluate(**case["request"]).checks}

    assert effects | case["checks"] == effects


HANGING = [case for _, case in EACH if "unknown_keys" in case.get("request", {}) or "possible" in case]


@pytest.mark.parametrize("case", HANGING, ids=[case["title"] for case in HANGING])
def test_what_a_result_hangs_on_is_as_the_case_expects(case: dict[str, Any]) -> None:
    decision = evaluate(**case["request"])

    assert decision.depends_on == tuple(case.get("depends_on", ()))
    assert decision.possible == tuple(case.get("possible", [case["expected"]]))
    assert [key for key in decision.depends_on if key not in " ".join(decision.reasons)] == []


def test_there_are_at_least_400_cases_of_every_element() -> None:
    assert len(EACH) >= 400
    assert [folder for folder in OBSERVED if not any(path.parts[0] == folder for path, _ in EACH)] == []


def test_a_case_has_its_own_title_and_names_its_page_of_documentation() -> None:
    titles = [(path, case["title"]) for path, case in EACH]

    assert [title for title in titles if titles.count(title) > 1] == []
    assert [case for _, case in EACH if not case["title"].endswith(".") or not case["source"]] == []
