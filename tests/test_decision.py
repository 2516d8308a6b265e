"""A decision explains itself, in brief and in full, and goes to JSON and back without a secret."""

import html
import json
import pickle
import re
from typing import Any

import pytest

from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.redaction import redact
from xacct_nb.redaction.redact import fingerprint

ALICE = "arn:aws:iam::111111111111:user/alice"
ROLE = "arn:aws:iam::222222222222:role/reader"
SECRET = "partner-7-secret"
MAY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "Enter", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": ALICE},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": SECRET}},
        },
        {
            "Sid": "NotBob",
            "Effect": "Deny",
            "Principal": {"AWS": "arn:aws:iam::111111111111:user/bob"},
            "Action": "sts:AssumeRole",
        },
    ],
}
DENY = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}}


def decided(**fields: Any) -> Decision:
    usual = {
        "principal": ALICE,
        "action": "sts:AssumeRole",
        "resource": ROLE,
        "context": {"sts:ExternalId": SECRET},
        "identity_policies": [MAY],
        "resource_policy": TRUST,
    }
    return evaluate(**{**usual, **fields})


EACH = {
    "allowed": decided(),
    "a wrong external ID": decided(context={"sts:ExternalId": "another-secret"}),
    "no external ID": decided(context={}),
    "no identity policy": decided(identity_policies=[]),
    "an explicit deny": decided(identity_policies=[MAY, DENY]),
    "every kind of policy": decided(
        permissions_boundaries=[MAY],
        session_policies=[],
        service_control_policies=[[MAY], [DENY]],
        resource_control_policies=[[]],
    ),
    "nothing at all": decided(identity_policies=[], resource_policy=None),
    "GetCallerIdentity": decided(action="sts:GetCallerIdentity", resource="*", resource_policy=None),
}
each = pytest.mark.parametrize("decision", EACH.values(), ids=EACH)


def test_an_allowed_request_names_the_statements_that_allow_it() -> None:
    assert EACH["allowed"].reasons == (
        "RESOURCE: a resource-based policy allows it (resource_policy.Statement[0]).",
        "PRINCIPAL: an identity-based policy allows it (identity_policies[0].Statement[0] Enter).",
    )


def test_a_wrong_value_is_explained_with_the_operator_and_the_key() -> None:
    wanted, actual = fingerprint(SECRET), fingerprint("another-secret")

    assert EACH["a wrong external ID"].reasons == (
        "RESOURCE: no resource-based policy allows it.",
        "resource_policy.Statement[0] would allow it, but StringEquals requires sts:ExternalId "
        f"{wanted}, and the request has {actual}.",
    )


def test_a_missing_key_is_explained() -> None:
    assert EACH["no external ID"].reasons[-1].endswith("and the request has no sts:ExternalId.")


def test_an_explicit_deny_is_explained_first_with_the_statement_that_denies() -> None:
    assert EACH["an explicit deny"].reasons[0] == (
        "PRINCIPAL: an identity-based policy denies it (identity_policies[1].Statement[0])."
    )


def test_a_level_that_does_not_allow_is_named() -> None:
    decision = decided(service_control_policies=[[MAY], []])

    assert decision.reasons[0] == (
        "SERVICE_CONTROL_POLICY: on level 2 no service control policy allows it; the root is level 1."
    )


def test_checks_have_aws_s_names_in_the_order_of_evaluation() -> None:
    assert [(check.type, check.effect) for check in EACH["every kind of policy"].checks] == [
        ("SERVICE_CONTROL_POLICY", "EXPLICIT_DENY"),
        ("RESOURCE_CONTROL_POLICY", "ALLOW"),
        ("RESOURCE", "ALLOW"),
        ("PRINCIPAL", "ALLOW"),
        ("PERMISSIONS_BOUNDARY", "ALLOW"),
        ("SESSION", "IMPLICIT_DENY"),
    ]


def test_a_statement_shows_expected_and_actual_values_by_element() -> None:
    (resource, _) = EACH["no external ID"].checks
    (first, second) = resource.statements

    assert [(each.element, each.holds, each.expected, each.actual) for each in first.compared] == [
        ("Action", True, ("sts:AssumeRole",), ("sts:AssumeRole",)),
        ("Principal", True, (f"AWS: {ALICE}",), (ALICE,)),
        ("Condition", False, (fingerprint(SECRET),), None),
    ]
    assert [(each.operator, each.key) for each in first.failed] == [("StringEquals", "sts:ExternalId")]
    assert (second.place, second.sid, second.applies) == ("resource_policy.Statement[1]", "NotBob", False)


@each
def test_it_goes_to_json_and_back(decision: Decision) -> None:
    back = Decision.from_json(json.loads(json.dumps(decision.to_json())))

    assert back == decision
    assert (str(back), back._repr_html_(), back.reasons) == (
        str(decision),
        decision._repr_html_(),
        decision.reasons,
    )
    assert str(back.details) == str(decision.details)


@each
def test_a_copy_in_another_process_shows_the_same(decision: Decision) -> None:
    assert pickle.loads(pickle.dumps(decision)) == decision


@each
def test_no_output_of_a_decision_has_a_secret(decision: Decision) -> None:
    shown = [
        str(decision),
        repr(decision),
        decision._repr_html_(),
        str(decision.details),
        decision.details._repr_html_(),
        json.dumps(decision.to_json()),
        repr(decision.checks),
        " ".join(decision.reasons),
        repr(pickle.dumps(decision)),
    ]

    assert [text for text in shown if SECRET in text or "another-secret" in text] == []


@each
def test_text_and_html_show_the_same(decision: Decision) -> None:
    for shown in (decision, decision.details):
        page = html.unescape(re.sub(r"<[^>]*>", " ", shown._repr_html_()))
        cells = [cell for line in str(shown).splitlines() for cell in re.split(r"\s{2,}", line)]
        words = [cell for cell in cells if cell and not set(cell) <= {"-", "="}]

        assert [cell for cell in words if "".join(cell.split()) not in "".join(page.split())] == []


def test_the_view_has_one_line_per_check_and_the_details_every_element() -> None:
    short, full = str(EACH["allowed"]), str(EACH["allowed"].details)

    assert short.splitlines()[0] == "Allowed: user/alice sts:AssumeRole on role/reader"
    assert "Condition StringEquals sts:ExternalId" not in short
    assert "Condition StringEquals sts:ExternalId" in full


def test_a_decision_that_is_not_shown_makes_no_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    fingerprinted: list[str] = []
    monkeypatch.setattr(redact, "fingerprint", lambda secret: fingerprinted.append(secret) or "secret:0")
    decision = decided()

    assert (decision.allowed, fingerprinted) == (True, [])


def test_true_and_false_of_null_are_not_secret() -> None:
    trust = json.loads(json.dumps(TRUST))
    trust["Statement"][0]["Condition"] = {"Null": {"sts:ExternalId": "true"}}
    (resource, _) = decided(resource_policy=trust).checks
    (compared,) = resource.statements[0].failed

    assert (compared.expected, compared.actual) == (("true",), (fingerprint(SECRET),))


def test_the_context_is_shown_as_it_was_given() -> None:
    decision = decided(context={"sts:ExternalId": SECRET, "aws:TagKeys": ["a", "b"], "aws:username": None})

    assert decision.context == {
        "sts:ExternalId": fingerprint(SECRET),
        "aws:TagKeys": ["a", "b"],
        "aws:username": None,
    }


def test_input_is_escaped() -> None:
    identity = {**MAY, "Statement": [{**MAY["Statement"][0], "Resource": "arn:aws:s3:::<script>"}]}

    assert "<script>" not in decided(identity_policies=[identity]).details._repr_html_()


def test_decisions_on_other_requests_differ() -> None:
    assert EACH["allowed"] != EACH["no external ID"]
    assert EACH["allowed"] != "Allowed"
    assert len(set(EACH.values())) == len(EACH)
