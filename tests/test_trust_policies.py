"""Trust policies in the shape of public ones: whom each lets in, and the findings on it."""

from pathlib import Path
from typing import Any

import pytest

from support.case_files import cases_in
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.linting.findings import lint_policy
from xacct_nb.linting.rules.rule import WIDENS

ROLE = "arn:aws:iam::222222222222:role/reader"
FOUND = cases_in("trust_policies")
NAMES = [f"{path.stem}: {case['case']}" for path, case in FOUND]
OWN_SIDE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
WEB, POOLS = "sts:AssumeRoleWithWebIdentity", "cognito-identity.amazonaws.com"
GITHUB = "arn:aws:iam::222222222222:oidc-provider/token.actions.githubusercontent.com"
# Requests of people who have nothing to do with the owner of the role.
STRANGERS: list[dict[str, Any]] = [
    {"principal": "arn:aws:iam::999999999999:user/stranger"},
    {"principal": "arn:aws:iam::999999999999:role/deployer"},
    {
        "principal": "arn:aws:iam::999999999999:user/stranger",
        "context": {"aws:PrincipalOrgID": "o-stranger01", "aws:PrincipalOrgPaths": ["o-stranger01/r-1/"]},
    },
    {
        "principal": GITHUB,
        "action": WEB,
        "context": {
            "token.actions.githubusercontent.com:sub": "repo:stranger/app:ref:refs/heads/main",
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        },
    },
    {
        "principal": POOLS,
        "action": WEB,
        "context": {f"{POOLS}:aud": "eu-west-1:of-somebody-else", f"{POOLS}:amr": ["authenticated"]},
    },
]


def is_let_in(policy: dict[str, Any], request: dict[str, Any]) -> bool:
    """Whether the role lets this caller in, whose own side allows everything."""
    caller, action = request["principal"], request.get("action", "sts:AssumeRole")
    return evaluate(caller, action, ROLE, request.get("context", {}), [OWN_SIDE], policy).allowed


def test_there_are_at_least_a_hundred() -> None:
    assert len(FOUND) >= 100
    assert len({(path, case["case"]) for path, case in FOUND}) == len(FOUND)


@pytest.mark.parametrize(("path", "case"), FOUND, ids=NAMES)
def test_a_trust_policy_has_the_findings_and_no_other(path: Path, case: dict[str, Any]) -> None:
    found = lint_policy(case["policy"], kind="trust", of=ROLE).found

    assert sorted({each.code for each in found}) == sorted(case["findings"]), case["lets_in"]


@pytest.mark.parametrize(("path", "case"), FOUND, ids=NAMES)
def test_a_trust_policy_lets_in_whom_it_says(path: Path, case: dict[str, Any]) -> None:
    assert [each for each in case["allowed"] if not is_let_in(case["policy"], each)] == [], case["lets_in"]
    assert [each for each in case["denied"] if is_let_in(case["policy"], each)] == [], case["lets_in"]


@pytest.mark.parametrize(("path", "case"), FOUND, ids=NAMES)
def test_a_trust_policy_that_lets_a_stranger_in_widens_access(path: Path, case: dict[str, Any]) -> None:
    found = lint_policy(case["policy"], kind="trust", of=ROLE).found
    let_in = [each for each in STRANGERS if is_let_in(case["policy"], each)]

    assert not let_in or WIDENS in {each.severity for each in found}


@pytest.mark.parametrize(("path", "case"), FOUND, ids=NAMES)
def test_a_trust_policy_that_lets_nobody_in_widens_nothing(path: Path, case: dict[str, Any]) -> None:
    found = lint_policy(case["policy"], kind="trust", of=ROLE).found

    if case["lets_in"].startswith("Nobody"):
        assert [each.code for each in found if each.severity == WIDENS] == []
        assert case["allowed"] == []
