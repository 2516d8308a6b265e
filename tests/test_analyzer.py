"""IAM Access Analyzer is called where it is available and allowed; otherwise the note says why not."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from support.desk import Desk
from support.examples import a_grant, grant_in, sessions_in
from xacct_nb.aws.analyzer import analyze
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.linting.findings import lint
from xacct_nb.records.fields import Identity
from xacct_nb.sandbox.server.accounts import World

TRUST_POLICY = "AWS::IAM::AssumeRolePolicyDocument"
IDENTITY = {"policyDocument": ANY, "policyType": "IDENTITY_POLICY"}
TRUST = {"policyDocument": ANY, "policyType": "RESOURCE_POLICY", "validatePolicyResourceType": TRUST_POLICY}
PUBLIC = {"policyDocument": ANY, "resourceType": TRUST_POLICY}
WITH_ID = {"conditions": {"external_id": "hunter2"}}


def finding(kind: str, code: str, words: str, *path: dict[str, Any]) -> dict[str, Any]:
    span = {side: {"line": 1, "column": 0, "offset": 0} for side in ("start", "end")}
    return {
        "findingType": kind,
        "issueCode": code,
        "findingDetails": words,
        "learnMoreLink": "https://docs.aws.amazon.com/policy-checks",
        "locations": [{"path": list(path), "span": span}] if path else [],
    }


class Analyzers:
    """Sessions of both accounts whose clients of IAM Access Analyzer return prepared responses."""

    def __init__(self, grant: Grant) -> None:
        source = Identity("source-admin", "source", "111111111111", "arn:aws:iam::111111111111:user/admin")
        there = Identity("destination-admin", "destination", "222222222222", "arn:aws:iam::222222222222:root")
        self.sessions = Sessions(grant, (source, there))
        self.source, self.destination = self._stub("source-admin"), self._stub("destination-admin")

    def _stub(self, profile: str) -> Stubber:
        client = boto3.client(
            "accessanalyzer", region_name="eu-west-1", aws_access_key_id="none", aws_secret_access_key="none"
        )
        self.sessions._clients[profile, "accessanalyzer"] = client
        stub = Stubber(client)
        stub.activate()
        return stub

    def answer(
        self, caller: Any = (), trust: Any = (), public: dict[str, Any] | None = None, permissions: Any = ()
    ) -> None:
        self.source.add_response("validate_policy", {"findings": list(caller)}, IDENTITY)
        self.destination.add_response("validate_policy", {"findings": list(trust)}, TRUST)
        self.destination.add_response("check_no_public_access", public or {"result": "PASS"}, PUBLIC)
        self.destination.add_response("validate_policy", {"findings": list(permissions)}, IDENTITY)


@pytest.fixture
def analyzers() -> Iterator[Analyzers]:
    made = Analyzers(a_grant(**WITH_ID))
    yield made
    made.source.assert_no_pending_responses()
    made.destination.assert_no_pending_responses()


def test_it_checks_every_policy(analyzers: Analyzers) -> None:
    analyzers.answer()
    analysis = analyze(build(a_grant(**WITH_ID)), analyzers.sessions)

    assert analysis.found == ()
    assert analysis.note == "IAM Access Analyzer also checked 3 policies."


def test_its_findings_are_among_the_findings(analyzers: Analyzers) -> None:
    place = {"value": "Statement"}, {"key": "Statement"}, {"index": 0}, {"key": "Action"}
    analyzers.answer(permissions=[finding("SUGGESTION", "REDUNDANT_ACTION", "It is there twice.", *place)])
    documents = build(a_grant(**WITH_ID))
    (_, found) = lint(documents, analysis=analyze(documents, analyzers.sessions)).found

    assert (found.code, found.severity) == ("analyzer-redundant-action", "note")
    assert found.where == "permissions policy of role/reports-reader, Statement[0].Action"
    assert (found.why, found.mend) == ("It is there twice.", "https://docs.aws.amazon.com/policy-checks")


@pytest.mark.parametrize(
    ("kind", "severity"),
    [("ERROR", "warning"), ("SECURITY_WARNING", "warning"), ("WARNING", "note"), ("SUGGESTION", "note")],
)
def test_none_of_its_findings_stops_a_plan(analyzers: Analyzers, kind: str, severity: str) -> None:
    analyzers.answer(trust=[finding(kind, "MISSING_VERSION", "No version.")])
    (found,) = analyze(build(a_grant(**WITH_ID)), analyzers.sessions).found

    assert (found.severity, found.where) == (severity, "trust policy of role/reports-reader")


def test_public_access_is_a_warning_with_its_reasons(analyzers: Analyzers) -> None:
    reasons = [{"description": "Statement 0 allows everyone.", "statementIndex": 0}]
    analyzers.answer(public={"result": "FAIL", "message": "It is public.", "reasons": reasons})
    (found,) = analyze(build(a_grant(**WITH_ID)), analyzers.sessions).found

    assert (found.code, found.severity) == ("analyzer-public-access", "warning")
    assert found.why == "It is public. Statement 0 allows everyone."


def test_an_external_id_in_its_texts_is_a_fingerprint(analyzers: Analyzers) -> None:
    analyzers.answer(trust=[finding("WARNING", "ODD_VALUE", "The value hunter2 is odd.")])
    (found,) = analyze(build(a_grant(**WITH_ID)), analyzers.sessions).found

    assert "hunter2" not in str(found)


def test_a_denied_call_is_reported_and_the_others_are_made(analyzers: Analyzers) -> None:
    denied = "AccessDeniedException"
    analyzers.source.add_client_error("validate_policy", denied, expected_params=IDENTITY)
    analyzers.destination.add_response("validate_policy", {"findings": []}, TRUST)
    analyzers.destination.add_client_error("check_no_public_access", denied, expected_params=PUBLIC)
    analyzers.destination.add_response("validate_policy", {"findings": []}, IDENTITY)

    assert analyze(build(a_grant(**WITH_ID)), analyzers.sessions).note == (
        "IAM Access Analyzer also checked 2 policies."
        " ValidatePolicy in 111111111111: AccessDeniedException."
        " CheckNoPublicAccess in 222222222222: AccessDeniedException."
    )


def test_a_denied_call_is_not_repeated_in_the_same_account(analyzers: Analyzers) -> None:
    denied = "AccessDeniedException"
    analyzers.source.add_client_error("validate_policy", denied)
    analyzers.destination.add_client_error("validate_policy", denied)
    analyzers.destination.add_client_error("check_no_public_access", denied)
    analysis = analyze(build(a_grant(**WITH_ID)), analyzers.sessions)

    assert analysis.found == ()
    assert analysis.note.startswith("IAM Access Analyzer was not called. ValidatePolicy in 111111111111:")


def test_where_it_cannot_be_reached_no_more_calls_are_made() -> None:
    grant = a_grant()
    made = Analyzers(grant)
    for profile in ("source-admin", "destination-admin"):
        made.sessions._clients[profile, "accessanalyzer"] = boto3.client(
            "accessanalyzer", endpoint_url="https://not.there.invalid", region_name="eu-west-1",
            aws_access_key_id="none", aws_secret_access_key="none",
        )  # fmt: skip

    assert analyze(build(grant), made.sessions).note == (
        "IAM Access Analyzer was not called. ValidatePolicy in 111111111111: EndpointConnectionError."
    )


def test_the_sandbox_has_none_and_is_not_called(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    findings = lint(build(grant), analysis=analyze(build(grant), sessions))

    assert str(findings).endswith("IAM Access Analyzer was not called: the sandbox has none.")
    assert "accessanalyzer" not in {service for _, service in sessions._clients}


def test_a_sandbox_in_the_aws_config_is_not_called_either(desk: Desk) -> None:
    grant = desk.grant()
    sessions = open_sessions(
        grant, source_profiles=["source-admin"], destination_profiles=["destination-admin"]
    )

    assert analyze(build(grant), sessions).note == "IAM Access Analyzer was not called: the sandbox has none."


def test_a_policy_is_sent_as_it_is_written() -> None:
    documents = build(a_grant())
    made = Analyzers(a_grant())
    (trust,) = documents.trust_policies.values()
    made.source.add_response("validate_policy", {"findings": []})
    sent = {**TRUST, "policyDocument": json.dumps(trust, separators=(",", ":"))}
    made.destination.add_response("validate_policy", {"findings": []}, sent)
    made.destination.add_response("check_no_public_access", {"result": "PASS"})
    made.destination.add_response("validate_policy", {"findings": []})

    assert analyze(documents, made.sessions).found == ()
