"""IAM Access Analyzer's findings on a grant's policies, where the service is available and allowed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError

from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.sessions import Sessions
from xacct_nb.errors import AwsRefused
from xacct_nb.grants.documents import Documents
from xacct_nb.grants.grant import account_of, external_id
from xacct_nb.iam.grammar import IDENTITY, TRUST
from xacct_nb.iam.quotas import minify
from xacct_nb.linting.findings import Analysis
from xacct_nb.linting.rules.rule import NOTE, WARNING, Finding
from xacct_nb.linting.rules.subjects import Subject, subjects_of
from xacct_nb.redaction.redact import redact

_NAME, _TRUST_POLICY = "IAM Access Analyzer", "AWS::IAM::AssumeRolePolicyDocument"
_NOT_AVAILABLE = Analysis(note=f"{_NAME} was not called: the sandbox has none.")
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
# None of these stops a plan: only the linter's own findings need to be accepted.
_SEVERITIES = {"ERROR": WARNING, "SECURITY_WARNING": WARNING, "WARNING": NOTE, "SUGGESTION": NOTE}


def analyze(documents: Documents, sessions: Sessions) -> Analysis:
    """Call ValidatePolicy for every policy, and CheckNoPublicAccess for trust policies; return the findings.

    Where the service is not available or denies the calls, the Analysis has a note. AWS charges for
    CheckNoPublicAccess. Source: IAM user guide, access-analyzer-policy-validation and
    access-analyzer-custom-policy-checks.
    """
    if sessions.endpoint.endpoint_url:
        return _NOT_AVAILABLE
    subjects = subjects_of(documents)
    clients = {each.arn: sessions.admin(account_of(each.arn), "accessanalyzer") for each in subjects}
    if any(urlsplit(each.meta.endpoint_url).hostname in _THIS_MACHINE for each in clients.values()):
        return _NOT_AVAILABLE
    calls = _AnalyzerCalls({external_id(documents.grant)} - {""})
    found = [finding for each in subjects for finding in calls.findings(each, clients[each.arn])]
    return Analysis(tuple(found), calls.note)


@dataclass
class _AnalyzerCalls:
    """Makes the calls; a call that was refused in an account is not made there again."""

    secrets: set[str] = field(repr=False)
    analyzed: set[str] = field(default_factory=set)
    refused: dict[tuple[str, str], str] = field(default_factory=dict)
    reachable: bool = True

    def findings(self, subject: Subject, client: AwsClient) -> Iterator[Finding]:
        for operation, call in _CALLS[subject.kind].items():
            key = operation, account_of(subject.arn)
            if not self.reachable or key in self.refused:
                continue
            try:
                with translate_errors(operation):
                    found = list(call(client, subject))
            except AwsRefused as problem:
                self.refused[key] = problem.aws_code
                self.reachable = not isinstance(problem.__cause__, BotoCoreError)
            else:
                self.analyzed.add(subject.name)
                for each in found:
                    yield Finding(*(redact(text, self.secrets) for text in vars(each).values()))

    @property
    def note(self) -> str:
        count = f"{len(self.analyzed)} polic{'y' if len(self.analyzed) == 1 else 'ies'}"
        summary = f"{_NAME} also checked {count}." if self.analyzed else f"{_NAME} was not called."
        why = [f"{name} in {account}: {code}." for (name, account), code in self.refused.items()]
        return " ".join([summary, *why])


def _validate(client: AwsClient, subject: Subject) -> Iterator[Finding]:
    kind = {"policyType": "IDENTITY_POLICY"}
    if subject.kind == TRUST:
        kind = {"policyType": "RESOURCE_POLICY", "validatePolicyResourceType": _TRUST_POLICY}
    pages = client.get_paginator("validate_policy").paginate(policyDocument=minify(subject.document), **kind)
    for each in (found for page in pages for found in page["findings"]):
        code = each["issueCode"].lower().replace("_", "-")
        yield Finding(
            f"analyzer-{code}",
            _SEVERITIES.get(each["findingType"], NOTE),
            ", ".join([subject.name, *dict.fromkeys(map(_path, each.get("locations", [])))]),
            each["findingDetails"],
            each["learnMoreLink"],
        )


def _check_public(client: AwsClient, subject: Subject) -> Iterator[Finding]:
    document = minify(subject.document)
    response = client.check_no_public_access(policyDocument=document, resourceType=_TRUST_POLICY)
    if response["result"] == "FAIL":
        reasons = [each["description"] for each in response.get("reasons", []) if "description" in each]
        yield Finding(
            "analyzer-public-access",
            WARNING,
            subject.name,
            " ".join([response.get("message", ""), *reasons]).strip() or "It allows public access.",
            "Name the principals that may assume the role, or add a condition on the organization.",
        )


_Call = Callable[[AwsClient, Subject], Iterator[Finding]]
_CALLS: dict[str, dict[str, _Call]] = {
    IDENTITY: {"ValidatePolicy": _validate},
    TRUST: {"ValidatePolicy": _validate, "CheckNoPublicAccess": _check_public},
}


def _path(location: Mapping[str, Any]) -> str:
    """Return the path to an element, such as `Statement[0].Principal.AWS`."""
    steps = (
        f"[{step['index']}]" if "index" in step else f".{step['key']}" if "key" in step else ""
        for step in location["path"]
    )
    return "".join(steps).removeprefix(".")
